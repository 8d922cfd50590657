"""What long sequences and killed processes brought to light, each as the shortest story that tells it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, WebhookEvent
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.states import RefundStatus
from oscar_nd8.testing import ND8, Shopper
from tests.refunding import REASON, end, order_of, pay

pytestmark = pytest.mark.django_db(transaction=True)


def a_moment_ago() -> dict[str, Any]:
    """Of a row whose mail was begun by a process that was killed."""
    now = timezone.now()
    return {"mailed_at": None, "mail_claimed_at": now - timedelta(seconds=6), "due_at": now + timedelta(minutes=1)}


def test_one_run_over_everything_sends_a_mail_that_a_killed_process_had_just_begun(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    pay(guest, nd8, mug)
    mailoutbox.clear()
    PaymentSession.objects.update(**a_moment_ago())

    reconcile()
    assert mailoutbox == []
    reconcile(everything=True)

    assert [mail.to for mail in mailoutbox] == [["guest@example.com"]]
    assert not PaymentSession.objects.filter(due_at__isnull=False).exists()


def test_one_run_over_everything_sends_a_refunds_mail_that_a_killed_process_had_just_begun(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    refund = request_refund(pay(guest, nd8, mug), amount=999, reason=REASON)
    end(nd8, refund.refund_id)
    nd8.deliver_new()
    mailoutbox.clear()
    Refund.objects.update(**a_moment_ago())

    reconcile(everything=True)

    assert len(mailoutbox) == 1
    assert not Refund.objects.filter(due_at__isnull=False).exists()


def test_a_run_over_everything_leaves_a_mail_to_whoever_is_just_sending_it(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    pay(guest, nd8, mug)
    mailoutbox.clear()
    PaymentSession.objects.update(mailed_at=None, mail_claimed_at=timezone.now(), due_at=timezone.now())

    reconcile(everything=True)

    assert mailoutbox == []
    assert PaymentSession.objects.get().due_at is not None


@pytest.fixture
def died_before_opening(guest: Shopper, nd8: ND8, mug: Any) -> Callable[[timedelta], str]:
    """A shop killed between ND8's answer and its own note of it, so long ago, and its page is paid all the same."""

    def die(ago: timedelta) -> str:
        session = guest.begin_payment(mug)
        PaymentSession.objects.update(status="new", checkout_id="", checkout_url="", expires_at=None)
        nd8.outcome(session)
        assert nd8.deliver(Shopper().client).status_code == 200
        then = timezone.now() - ago
        PaymentSession.objects.update(created_at=then, due_at=then)
        WebhookEvent.objects.update(received_at=then, due_at=then)
        return session.checkout_id

    return die


def test_one_run_tells_staff_of_money_whose_session_died_before_it_knew_its_checkout(
    died_before_opening: Callable[[timedelta], str],
) -> None:
    checkout_id = died_before_opening(timedelta(minutes=3))

    reconcile(everything=True)

    matter = Attention.objects.get()
    assert (matter.kind, matter.subject, matter.session) == ("unknown_checkout", checkout_id, None)
    assert PaymentSession.objects.get().status == "failed"


def test_nobody_is_told_of_a_payment_while_its_session_may_still_be_opened(
    died_before_opening: Callable[[timedelta], str],
) -> None:
    died_before_opening(timedelta(minutes=1))

    reconcile(everything=True)

    assert Attention.objects.count() == 0
    assert PaymentSession.objects.get().status == "new"


def test_one_run_takes_over_a_refund_that_was_told_before_its_payment_could_be_asked_about(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session)
    nd8.refund(session, amount="5.00")
    for index in (1, 2):
        assert nd8.deliver(index=index).status_code == 200
    nd8.fault("getPaymentById", "500", times=9)
    assert nd8.deliver(index=0).status_code == 503
    nd8.fault("getPaymentById", "500", times=0)
    assert list(WebhookEvent.objects.order_by("pk").values_list("status", flat=True)) == [
        *("unmatched", "unmatched", "failed")
    ]

    reconcile(everything=True, workers=1)

    refund = Refund.objects.get()
    assert (refund.amount, refund.status, refund.booked_at is not None) == (500, "completed", True)
    assert order_of(refund.payment).sources.get().amount_refunded == refund.amount_major


def test_everything_of_a_payment_whose_amount_nobody_knows_is_asked_for_once(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session, "paid", net_amount="999.99")
    nd8.deliver(guest.client)
    payment = Payment.objects.get(session=session)
    refund = request_refund(payment, everything=True, reason=REASON)
    assert (refund.state, refund.amount) == (RefundStatus.PROCESSING, session.amount)
    end(nd8, refund.refund_id)
    nd8.fault("createRefundForPayment", "timeout_before", times=1)

    with pytest.raises(DecisionRefused, match="Nothing of this payment is left"):
        request_refund(payment, everything=True, reason=REASON)

    assert nd8.calls("createRefundForPayment") == 1
    assert list(Refund.objects.values_list("pk", flat=True)) == [refund.pk]
    nd8.deliver_new()
    refund.refresh_from_db()
    assert refund.state is RefundStatus.COMPLETED


def test_everything_can_be_asked_for_again_when_nd8_failed_to_give_it_back(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session, "paid", net_amount="999.99")
    nd8.deliver(guest.client)
    payment = Payment.objects.get(session=session)
    first = request_refund(payment, everything=True, reason=REASON)
    end(nd8, first.refund_id, "failed")
    nd8.deliver_new()

    again = request_refund(payment, everything=True, reason=REASON)

    assert (again.state, again.amount) == (RefundStatus.PROCESSING, session.amount)


def test_everything_reaches_what_an_earlier_refund_set_aside_that_failed_before_anybody_was_told(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, "paid", net_amount="999.99")
    nd8.deliver(guest.client)
    payment = Payment.objects.get(session=session)
    part = request_refund(payment, amount=249, reason=REASON)
    end(nd8, part.refund_id, "rejected")

    rest = request_refund(payment, everything=True, reason=REASON)

    assert rest.amount == session.amount, "as ND8 says: more than the shop thought was left"
    end(nd8, rest.refund_id)
    nd8.deliver_new()
    reconcile(everything=True)
    assert [refund.state for refund in Refund.objects.order_by("pk")] == [RefundStatus.REJECTED, RefundStatus.COMPLETED]
    assert nd8.state["transactions"][0]["remaining"] == "0.00"
    assert not Attention.objects.filter(resolution="").exists()
    with pytest.raises(DecisionRefused, match="Nothing of this payment is left"):
        request_refund(payment, everything=True, reason=REASON)
    assert nd8.calls("createRefundForPayment") == 2
