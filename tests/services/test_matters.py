"""Matters for staff: raised once, opened again only for a payment that is held anew, closed when they settle."""

from typing import Any

import pytest
from django.db import IntegrityError
from oscar.core.loading import get_model

from oscar_nd8 import signals
from oscar_nd8.models import Attention, PaymentSession, Refund, WebhookEvent
from oscar_nd8.services.adopt_refund import adopt_refund
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.close_refunded import close_refunded
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.move_refund import move_refund
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.release_refund import release_refund
from oscar_nd8.services.replay_event import replay_event
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.states import PaymentState, RefundStatus, SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.refunding import end, later, pay
from tests.staff import NOON, make_matter, make_payment, make_session

pytestmark = pytest.mark.django_db(transaction=True)

K = Attention.Kind
R = Attention.Resolution


@pytest.fixture
def told() -> Any:
    """Whatever `attention_needed` told, as (session's number, detail)."""
    heard: list[tuple[str, str]] = []

    def receive(*, session: PaymentSession | None, attention: Attention, **_: Any) -> None:
        heard.append((session.order_number if session else attention.subject, attention.detail))

    signals.attention_needed.connect(receive)
    yield heard
    signals.attention_needed.disconnect(receive)


def settled(matter: Attention) -> Attention:
    """Dismissed at noon, and told by mail."""
    matter.resolved_at, matter.resolution, matter.mailed_at, matter.created_at = NOON, R.DISMISSED, NOON, NOON
    matter.save()
    return matter


def test_a_kind_is_noted_once_for_a_session_and_subject(told: list[Any]) -> None:
    session = make_session()
    for subject in ("RF1", "RF1", "RF2"):
        raise_attention(session, K.REFUND_FAILED, f"About {subject}.", subject=subject)
    assert sorted(Attention.objects.values_list("subject", "detail")) == [("RF1", "About RF1."), ("RF2", "About RF2.")]
    assert told == [("100001", "About RF1."), ("100001", "About RF2.")]


def test_a_matter_without_a_session_is_told_apart_by_its_subject(told: list[Any]) -> None:
    for subject in ("CO-1", "CO-1", "CO-2"):
        raise_attention(None, K.UNKNOWN_CHECKOUT, "Whose is it?", subject=subject)
    assert Attention.objects.count() == 2
    assert told == [("CO-1", "Whose is it?"), ("CO-2", "Whose is it?")]


def test_a_matter_about_nothing_is_a_mistake_and_not_hidden() -> None:
    with pytest.raises((IntegrityError, Attention.DoesNotExist)):
        raise_attention(None, K.UNKNOWN_CHECKOUT, "Whose is it?")


@pytest.mark.parametrize("kind", [kind for kind in K if kind != K.HELD])
def test_what_was_settled_stays_settled(told: list[Any], kind: Attention.Kind) -> None:
    session = make_session()
    raise_attention(session, kind, "First.", subject="x")
    settled(Attention.objects.get())
    raise_attention(session, kind, "Second.", subject="x")
    matter = Attention.objects.get()
    assert (matter.detail, matter.resolution, matter.resolved_at) == ("First.", "dismissed", NOON)
    assert told == [("100001", "First.")]


def test_a_payment_held_anew_opens_its_matter_again_and_staff_are_told_again(told: list[Any]) -> None:
    session = make_session("100001", SessionStatus.PAID)
    assert hold_session(session, "First.")
    settled(Attention.objects.get())
    PaymentSession.objects.update(status=SessionStatus.PAID)

    assert hold_session(session, "Second.")

    matter = Attention.objects.get()
    assert (matter.detail, matter.resolution, matter.resolved_at, matter.mailed_at) == ("Second.", "", None, None)
    assert matter.created_at > NOON
    assert told == [("100001", "First."), ("100001", "Second.")]


def test_an_open_matter_takes_the_newest_reason_without_another_alarm(told: list[Any]) -> None:
    session = make_session("100001", SessionStatus.PAID)
    hold_session(session, "First.")
    PaymentSession.objects.update(status=SessionStatus.PAID)
    hold_session(session, "Second.")
    assert Attention.objects.get().detail == "Second."
    assert told == [("100001", "First.")]


def test_a_session_that_cannot_be_held_raises_no_matter(told: list[Any]) -> None:
    assert not hold_session(make_session("100001", SessionStatus.PLACED), "Too late.")
    assert (Attention.objects.count(), told) == (0, [])


def test_closing_settles_the_open_matters_of_these_kinds_and_this_subject_only() -> None:
    session, other = make_session("100001"), make_session("100002")
    for each in (session, other):
        for subject in ("RF1", "RF2"):
            raise_attention(each, K.REFUND_FAILED, "No.", subject=subject)
        raise_attention(each, K.OVERSOLD, "Short.")
    assert close_matters(session, [K.REFUND_FAILED], R.REFUNDED, subject="RF1") == 1
    assert close_matters(session, [K.REFUND_FAILED], R.REFUNDED, subject="RF1") == 0
    closed = Attention.objects.exclude(resolved_at=None).get()
    assert (closed.session, closed.subject, closed.resolution) == (session, "RF1", "refunded")
    assert close_matters(session, [K.REFUND_FAILED, K.OVERSOLD], R.BY_ITSELF) == 2
    assert Attention.objects.filter(session=other, resolved_at=None).count() == 3


def test_closing_without_a_session_leaves_those_with_one() -> None:
    raise_attention(make_session(), K.UNKNOWN_CHECKOUT, "x", subject="CO-1")
    raise_attention(None, K.UNKNOWN_CHECKOUT, "x", subject="CO-1")
    assert close_matters(None, [K.UNKNOWN_CHECKOUT], R.BY_ITSELF, subject="CO-1") == 1
    assert Attention.objects.get(resolved_at=None).session is not None


def test_money_that_stays_after_all_needs_nobody(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session, "pending_deposit")
    nd8.deliver(Shopper().client)
    nd8.outcome(session, "paid", status="failed")
    settle(session)
    assert session.attentions.get().resolved_at is None

    nd8.outcome(session, "paid", status="paid")
    settle(session)

    matter = session.attentions.get()
    assert (matter.kind, matter.resolution) == ("money_lost", "by_itself")
    assert get_model("order", "Order").objects.count() == 1


@pytest.mark.parametrize("kind", [K.HELD, K.OVERSOLD, K.BOUGHT_TWICE, K.REFUND_FAILED])
def test_a_payment_given_back_whole_leaves_nobody_to_decide(kind: Attention.Kind) -> None:
    session = make_session("100001", SessionStatus.HELD)
    payment = make_payment(session)
    make_matter(session, kind)
    facts = {"payment": payment, "currency": "USD", "amount": 1000}
    Refund.objects.create(reference="R-1", status=RefundStatus.COMPLETED, **facts)
    Refund.objects.create(reference="R-2", status=RefundStatus.PROCESSING, **facts | {"amount": 1497})
    close_refunded(session)
    assert Attention.objects.get().resolved_at is None

    Refund.objects.update(status=RefundStatus.COMPLETED)
    close_refunded(session)
    assert Attention.objects.get().resolution == "refunded"


def test_the_surplus_given_back_leaves_the_order_and_its_other_matters() -> None:
    session = make_session("100001", SessionStatus.PLACED)
    make_payment(session, "TX-1")
    surplus = make_payment(session, "TX-2")
    make_payment(session, "TX-3", state=PaymentState.FAILED)
    for kind in (K.PAID_TWICE, K.OVERSOLD, K.MONEY_LOST):
        make_matter(session, kind)
    close_refunded(session)
    assert Attention.objects.filter(resolved_at=None).count() == 3

    Refund.objects.create(payment=surplus, reference="R-1", currency="USD", amount=2497, status=RefundStatus.COMPLETED)
    close_refunded(session)
    assert [matter.kind for matter in Attention.objects.filter(resolution="refunded")] == ["paid_twice"]


def test_a_held_payment_refunded_here_settles_when_the_refund_is_through(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, "paid", net_amount="0.01")
    nd8.deliver(guest.client)
    refund = request_refund(session.payments.get(), everything=True, reason="Sorry")
    settle_refund(refund)
    assert Attention.objects.get().resolved_at is None

    end(nd8, refund.refund_id)
    settle_refund(refund)

    assert refund.status == "completed"
    assert Attention.objects.get().resolution == "refunded"


def test_a_held_payment_refunded_in_nd8s_own_dashboard_settles_too(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, "paid", net_amount="0.01")
    nd8.deliver(guest.client)
    nd8.outcome(session, "paid", status="refunded")
    settle(session)
    assert Attention.objects.get().resolution == "refunded"


def test_a_payment_held_because_it_went_back_is_shown_until_somebody_saw_it(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, "paid", status="refunded")
    nd8.deliver(guest.client)
    settle(session)
    assert (session.status, Attention.objects.get().resolved_at) == ("held", None)


def test_a_refund_that_went_through_after_all_takes_its_alarm_back(guest: Shopper, nd8: ND8, mug: Any) -> None:
    payment = pay(guest, nd8, mug)
    refund = request_refund(payment, amount=999, reason="Broken")
    end(nd8, refund.refund_id, "failed")
    settle_refund(refund)
    assert Attention.objects.get().kind == "refund_failed"

    end(nd8, refund.refund_id, "completed")
    adopt_refund(payment.gateway, refund.refund_id)

    refund.refresh_from_db()
    assert (refund.status, Attention.objects.get().resolution) == ("completed", "by_itself")


def test_a_refund_that_failed_alarms_nobody_once_another_one_gave_everything_back(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    payment = pay(guest, nd8, mug)
    lost = request_refund(payment, everything=True, reason="Sorry")
    end(nd8, lost.refund_id, "failed")
    settle_refund(lost)
    again = request_refund(payment, everything=True, reason="Sorry")
    settle_refund(again)
    assert Attention.objects.get().resolved_at is None

    end(nd8, again.refund_id)
    settle_refund(again)

    assert Attention.objects.get().resolution == "refunded"
    assert [refund.status for refund in Refund.objects.order_by("pk")] == ["failed", "completed"]


def test_an_order_placed_by_hand_settles_the_matter(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session, "paid", net_amount="0.01")
    nd8.deliver(Shopper().client)
    PaymentSession.objects.update(status=SessionStatus.PAID)
    settle(session)
    assert session.attentions.get().resolution == "placed"


def test_a_checkout_that_becomes_known_needs_nobody(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug)
    checkout_id = session.checkout_id
    PaymentSession.objects.update(checkout_id="CO-elsewhere")
    nd8.outcome(session)
    nd8.deliver(guest.client)
    assert (Attention.objects.get().kind, Attention.objects.get().resolved_at) == ("unknown_checkout", None)

    PaymentSession.objects.update(checkout_id=checkout_id)
    replay_event(WebhookEvent.objects.get(), by=None)

    assert Attention.objects.get().resolution == "by_itself"
    assert get_model("order", "Order").objects.count() == 1


@pytest.fixture
def given_back_twice(guest: Shopper, nd8: ND8, mug: Any) -> Refund:
    """A refund of 20.00 failed at ND8, who then gave 24.97 back; the shop heard of the second one only."""
    payment = pay(guest, nd8, mug)
    first = request_refund(payment, amount=2000, reason="Broken")
    end(nd8, first.refund_id, "failed")
    second = adopt_refund("nd8", nd8.refund(payment.session))
    assert second is not None
    settle_refund(second)
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject, matter.resolved_at) == ("refund_excess", second.reference, None)
    assert "44.97 USD go back of 24.97 USD" in matter.detail
    assert second.booked_at is not None
    return first


def test_too_much_that_goes_back_settles_once_an_earlier_refund_turns_out_to_have_failed(
    given_back_twice: Refund, told: list[Any]
) -> None:
    assert settle_refund(given_back_twice).status == "failed"

    matter = Attention.objects.get()
    assert (matter.kind, matter.resolution) == ("refund_excess", "by_itself")
    assert told == [], "all went back, so nobody is asked to give the failed one back again"


def test_too_much_that_goes_back_settles_once_an_earlier_refund_turns_out_to_have_been_lost(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    payment = pay(guest, nd8, mug)
    nd8.fault("createRefundForPayment", "timeout_before")
    lost = request_refund(payment, amount=2000, reason="Broken")
    nd8.refund(payment.session, amount="5.00")
    nd8.deliver_new()
    assert Attention.objects.get().kind == "refund_excess"

    assert settle_refund(lost, clock=later(16)).status == "failed"

    assert dict(Attention.objects.values_list("kind", "resolution")) == {
        "refund_excess": "by_itself",
        "refund_failed": "",
    }


def test_too_much_that_goes_back_stays_open_while_it_is_too_much(given_back_twice: Refund, nd8: ND8) -> None:
    third = Refund.objects.create(
        payment=given_back_twice.payment, reference="R-3", currency="USD", amount=1, status=RefundStatus.PROCESSING
    )
    settle_refund(given_back_twice)
    assert Attention.objects.get().resolved_at is None
    move_refund(third, RefundStatus.REJECTED)
    release_refund(third)
    assert Attention.objects.get().resolution == "by_itself"


def test_what_settled_by_itself_is_told_again_when_it_is_so_again(given_back_twice: Refund, nd8: ND8) -> None:
    settle_refund(given_back_twice)
    end(nd8, given_back_twice.refund_id)
    adopt_refund("nd8", given_back_twice.refund_id)
    first, second = Attention.objects.order_by("pk")
    assert (first.resolution, second.subject, second.resolved_at) == ("by_itself", given_back_twice.reference, None)


def test_money_that_is_lost_stays_and_is_lost_again_is_told_twice(told: list[Any]) -> None:
    session = make_session("100001", SessionStatus.PLACED)
    raise_attention(session, K.MONEY_LOST, "First.")
    close_matters(session, [K.MONEY_LOST], R.BY_ITSELF)
    assert raise_attention(session, K.MONEY_LOST, "Second.")
    assert not raise_attention(session, K.MONEY_LOST, "Third.")
    matter = Attention.objects.get()
    assert (matter.detail, matter.resolution, matter.resolved_at) == ("Second.", "", None)
    assert told == [("100001", "First."), ("100001", "Second.")]
