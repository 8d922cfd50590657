"""Staff decide a matter: place the order anyway, or dismiss it; once, by name, and never without the money."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db.models.signals import pre_save
from oscar.core.loading import get_model

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, PaymentSession, Refund, StaffAction
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.dismiss_matter import dismiss_matter
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.refundable import Chosen, refundable_of
from oscar_nd8.states import RefundStatus
from oscar_nd8.testing import ND8, Shopper
from tests.races import at_once
from tests.refunding import end

pytestmark = pytest.mark.django_db(transaction=True)

Order = get_model("order", "Order")


@pytest.fixture
def stella() -> Any:
    """Somebody on the staff."""
    return get_user_model().objects.create_user(
        "x1y2z3", "stella@example.com", "secret", first_name="Stella", last_name="Staff", is_staff=True
    )


@pytest.fixture
def sven() -> Any:
    """Somebody else on the staff, without a name."""
    return get_user_model().objects.create_user("sven", "sven@example.com", "secret", is_staff=True)


@pytest.fixture
def held(guest: Shopper, nd8: ND8, mug: Any) -> PaymentSession:
    """Paid, with an absurd fee."""
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, "paid", net_amount="0.01")
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    assert session.status == "held"
    return session


@pytest.fixture
def matter(held: PaymentSession) -> Attention:
    """What staff have to decide."""
    return held.attentions.get()


def nothing_happened(session: PaymentSession) -> None:
    """Still held, still open, no order, nobody did anything."""
    session.refresh_from_db()
    assert (session.status, session.order) == ("held", None)
    assert session.attentions.get().resolved_at is None
    assert Order.objects.count() == 0
    assert StaffAction.objects.count() == 0
    assert mail.outbox == []


# Placing


def test_placing_anyway_writes_the_order_as_agreed_and_settles_the_matter(matter: Attention, stella: Any) -> None:
    session = place_anyway(matter, by=stella, seen=0)

    order = Order.objects.get()
    assert (session.status, session.status_reason, session.order) == ("placed", "", order)
    assert str(order.total_incl_tax) == "24.97"
    assert order.sources.get().transactions.count() == 2
    assert [each.to for each in mail.outbox] == [["guest@example.com"]]
    before = matter.detail
    matter.refresh_from_db()
    assert (matter.resolution, matter.detail) == ("placed", before)
    assert matter.resolved_at is not None
    action = StaffAction.objects.get()
    assert (action.verb, action.user, action.user_name) == ("place", stella, "Stella Staff (stella@example.com)")
    assert (action.session, action.attention, action.note) == (session, matter, before)


def test_a_second_click_places_nothing_and_says_who_was_first(matter: Attention, stella: Any, sven: Any) -> None:
    place_anyway(matter, by=stella, seen=0)
    for again in (stella, sven):
        with pytest.raises(DecisionRefused, match=r"Stella Staff .* decided this already .*Decided to place the order"):
            place_anyway(matter, by=again, seen=0)
    with pytest.raises(DecisionRefused, match="decided this already"):
        dismiss_matter(matter, by=sven, note="Too late.", seen=0)
    assert (Order.objects.count(), StaffAction.objects.count(), len(mail.outbox)) == (1, 1, 1)


def test_what_still_cannot_be_placed_stays_held_with_the_new_reason(
    held: PaymentSession, matter: Attention, stella: Any
) -> None:
    get_model("address", "Country").objects.filter(pk="US").delete()

    session = place_anyway(matter, by=stella, seen=0)

    assert (session.status, session.order) == ("held", None)
    assert "country US" in session.status_reason
    matter.refresh_from_db()
    assert (matter.resolved_at, matter.detail) == (None, session.status_reason)
    action = StaffAction.objects.get()
    assert "fee far above the limit" in action.note
    assert (Order.objects.count(), mail.outbox) == (0, [])

    # And it can be tried again by whoever saw that.
    get_model("address", "Country").objects.create(
        iso_3166_1_a2="US", iso_3166_1_a3="USA", printable_name="United States", name="United States"
    )
    assert place_anyway(matter, by=stella, seen=action.pk).status == "placed"
    assert Order.objects.count() == 1


def test_a_shop_whose_own_code_fails_holds_the_payment_and_says_so(matter: Attention, stella: Any) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the warehouse does not answer")

    pre_save.connect(fail, sender=Order)
    try:
        session = place_anyway(matter, by=stella, seen=0)
    finally:
        pre_save.disconnect(fail, sender=Order)

    assert (session.status, Order.objects.count()) == ("held", 0)
    assert "RuntimeError: the warehouse does not answer" in session.status_reason
    matter.refresh_from_db()
    assert (matter.resolved_at, matter.detail) == (None, session.status_reason)


def test_a_mail_that_cannot_be_sent_does_not_undo_the_order(matter: Attention, stella: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    session = place_anyway(matter, by=stella, seen=0)
    assert (session.status, Order.objects.count(), session.mailed_at) == ("placed", 1, None)
    matter.refresh_from_db()
    assert matter.resolution == "placed"


def test_money_that_went_back_meanwhile_places_nothing(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any
) -> None:
    nd8.outcome(held, "paid", status="refunded")
    with pytest.raises(DecisionRefused, match=r"not call this payment paid any more; it says: Refunded"):
        place_anyway(matter, by=stella, seen=0)
    held.refresh_from_db()
    matter.refresh_from_db()
    assert (held.status, matter.resolution) == ("held", "refunded")
    assert (Order.objects.count(), StaffAction.objects.count(), mail.outbox) == (0, 0, [])


@pytest.mark.parametrize("status", [RefundStatus.REQUESTED, RefundStatus.UNKNOWN, RefundStatus.PROCESSING])
def test_money_that_may_be_on_its_way_back_places_nothing(
    held: PaymentSession, matter: Attention, stella: Any, status: RefundStatus
) -> None:
    payment = held.payments.get()
    for number, amount in enumerate((497, 2000)):
        Refund.objects.create(payment=payment, reference=f"R-{number}", currency="USD", amount=amount, status=status)
    with pytest.raises(DecisionRefused, match="is given back to the shopper, or on its way"):
        place_anyway(matter, by=stella, seen=0)
    nothing_happened(held)


def test_a_refund_that_moved_nothing_is_no_obstacle(held: PaymentSession, matter: Attention, stella: Any) -> None:
    payment = held.payments.get()
    facts = {"payment": payment, "currency": "USD"}
    Refund.objects.create(reference="R-1", amount=2497, status=RefundStatus.FAILED, **facts)
    Refund.objects.create(reference="R-2", amount=2497, status=RefundStatus.REJECTED, **facts)
    assert place_anyway(matter, by=stella, seen=0).status == "placed"
    assert Order.objects.get().sources.get().amount_refunded == 0
    assert Order.objects.get().notes.count() == 0


@pytest.mark.parametrize("made", ["here", "in ND8's dashboard", "in ND8's dashboard, never told"])
def test_of_money_that_went_back_all_no_order_is_placed(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any, made: str
) -> None:
    if made == "here":
        request_refund(held.payments.get(), everything=True, reason="Sorry")
    else:
        nd8.refund(held, amount="20.00")
        nd8.refund(held, amount="4.97", status="processing")
        if made == "in ND8's dashboard":
            nd8.deliver_new()
    with pytest.raises(DecisionRefused, match=r"is given back to the shopper|not call this payment paid any more"):
        place_anyway(matter, by=stella, seen=0)
    held.refresh_from_db()
    assert (held.status, held.order, Order.objects.count()) == ("held", None, 0)
    assert not StaffAction.objects.filter(verb="place").exists()
    assert get_model("payment", "Source").objects.count() == 0


def test_of_money_that_went_back_in_part_the_orders_ledger_tells(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any
) -> None:
    payment = held.payments.get()
    key = refundable_of(payment).lines[0].key
    before = request_refund(payment, chosen=Chosen({key: 1}), reason="One is broken")
    end(nd8, before.refund_id)
    settle_refund(before)
    nd8.refund(held, amount="2.00")  # of which no message arrived
    under_way = request_refund(payment, amount=100, reason="Sorry")
    mail.outbox.clear()

    assert place_anyway(matter, by=stella, seen=0).status == "placed"

    order = Order.objects.get()
    source = order.sources.get()
    assert (str(order.total_incl_tax), str(source.amount_debited)) == ("24.97", "24.97")
    assert str(source.amount_refunded) == "11.99"
    events = order.payment_events.filter(event_type__name="Refunded").order_by("amount")
    assert [(str(each.amount), [one.quantity for one in each.line_quantities.all()]) for each in events] == [
        ("2.00", []),
        ("9.99", [1]),
    ]
    notes = " ".join(order.notes.order_by("pk").values_list("message", flat=True))
    assert f"9.99 USD given back by ND8 ({before.refund_id}). For: 1" in notes
    assert "2.00 USD given back" in notes
    assert sorted(sent.subject for sent in mail.outbox) == [
        f"Confirmation of order {order.number}",
        f"Money back for order {order.number}",
    ]

    end(nd8, under_way.refund_id)
    settle_refund(under_way)
    settle(held)
    source.refresh_from_db()
    assert str(source.amount_refunded) == "12.99"
    assert refundable_of(payment).remaining == 1198


def test_a_part_that_went_back_in_a_currency_that_the_ledger_does_not_have_places_nothing(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any
) -> None:
    nd8.outcome(held, currency="EUR", status="paid", net_amount="23.95")
    nd8.refund(held, amount="5.00")
    with pytest.raises(DecisionRefused, match="another currency than the order's"):
        place_anyway(matter, by=stella, seen=0)
    held.refresh_from_db()
    assert (held.status, Order.objects.count(), StaffAction.objects.count()) == ("held", 0, 0)


def test_who_did_not_know_of_a_refund_places_nothing(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any, sven: Any
) -> None:
    refund = request_refund(held.payments.get(), amount=500, reason="Sorry", asked_by=sven)
    with pytest.raises(DecisionRefused, match=r"refund of 5\.00 USD was asked for \(sven@example\.com\)\. No order"):
        place_anyway(matter, by=stella, seen=0, seen_refund=0)
    assert (Order.objects.count(), StaffAction.objects.filter(verb="place").count()) == (0, 0)
    assert place_anyway(matter, by=stella, seen=0, seen_refund=refund.pk).status == "placed"


def test_while_nd8_does_not_list_its_refunds_nothing_is_placed(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any
) -> None:
    nd8.fault("listRefunds", "500", times=99)
    with pytest.raises(DecisionRefused, match="could not be asked"):
        place_anyway(matter, by=stella, seen=0)
    nothing_happened(held)


def test_without_an_answer_of_nd8_nothing_is_placed(
    held: PaymentSession, matter: Attention, nd8: ND8, stella: Any
) -> None:
    nd8.fault("getPaymentById", "500", times=20)
    with pytest.raises(DecisionRefused, match="could not be asked"):
        place_anyway(matter, by=stella, seen=0)
    nothing_happened(held)


@pytest.mark.parametrize("kind", [kind for kind in Attention.Kind if kind != Attention.Kind.HELD])
def test_only_a_held_payment_can_be_placed(held: PaymentSession, stella: Any, kind: Attention.Kind) -> None:
    other = Attention.objects.create(session=held, kind=kind, detail="Something else.")
    with pytest.raises(DecisionRefused, match="not about an order that waits"):
        place_anyway(other, by=stella, seen=0)
    held.refresh_from_db()
    assert (held.status, StaffAction.objects.count()) == ("held", 0)


# Dismissing


def test_a_dismissal_is_kept_with_who_and_why_and_moves_nothing(
    held: PaymentSession, matter: Attention, stella: Any
) -> None:
    dismiss_matter(matter, by=stella, note="  Paid back by hand.  ", seen=0)

    held.refresh_from_db()
    matter.refresh_from_db()
    assert (held.status, Order.objects.count()) == ("held", 0)
    assert (matter.resolution, matter.resolved_at is not None) == ("dismissed", True)
    action = StaffAction.objects.get()
    assert (action.verb, action.note, action.user) == ("dismiss", "Paid back by hand.", stella)
    stella.delete()
    action.refresh_from_db()
    assert (action.user, action.user_name) == (None, "Stella Staff (stella@example.com)")


@pytest.mark.parametrize("note", ["", "   ", "\n\t"])
def test_a_dismissal_without_a_reason_is_none(held: PaymentSession, matter: Attention, stella: Any, note: str) -> None:
    with pytest.raises(DecisionRefused, match="Please say why"):
        dismiss_matter(matter, by=stella, note=note, seen=0)
    nothing_happened(held)


def test_a_second_dismissal_is_told_of_the_first(matter: Attention, stella: Any, sven: Any) -> None:
    dismiss_matter(matter, by=sven, note="Nothing to do.", seen=0)
    with pytest.raises(DecisionRefused, match=r"^sven@example\.com decided this already .*Dismissed a matter"):
        dismiss_matter(matter, by=stella, note="Nothing to do.", seen=0)
    assert StaffAction.objects.count() == 1


def test_what_settled_by_itself_cannot_be_dismissed(matter: Attention, stella: Any) -> None:
    Attention.objects.filter(pk=matter.pk).update(resolved_at=matter.created_at, resolution="refunded")
    with pytest.raises(DecisionRefused, match=r"settled already \(The payment was refunded\)"):
        dismiss_matter(matter, by=stella, note="Why not.", seen=0)
    assert StaffAction.objects.count() == 0


def test_a_dismissal_by_mistake_can_still_become_an_order_by_whoever_knows_of_it(
    matter: Attention, stella: Any, sven: Any
) -> None:
    dismiss_matter(matter, by=sven, note="Oops.", seen=0)
    with pytest.raises(DecisionRefused, match=r"sven@example\.com decided this already"):
        place_anyway(matter, by=stella, seen=0)
    session = place_anyway(matter, by=stella, seen=StaffAction.objects.get().pk)
    assert session.status == "placed"
    assert [action.verb for action in StaffAction.objects.all()] == ["dismiss", "place"]


# At once


@pytest.mark.postgres
def test_of_several_decisions_at_once_exactly_one_is_taken(
    held: PaymentSession, matter: Attention, stella: Any, sven: Any
) -> None:
    def attempt(decide: Any, **details: Any) -> str:
        try:
            decide(Attention.objects.get(pk=matter.pk), seen=0, **details)
        except DecisionRefused as error:
            return str(error)
        return "done"

    answers = at_once(
        lambda: attempt(place_anyway, by=stella),
        lambda: attempt(dismiss_matter, by=sven, note="No."),
        lambda: attempt(place_anyway, by=sven),
        lambda: attempt(dismiss_matter, by=stella, note="No."),
    )

    action = StaffAction.objects.get()
    assert answers.count("done") == 1
    assert sum(action.user_name in answer for answer in answers) + answers.count("done") >= 2
    held.refresh_from_db()
    matter.refresh_from_db()
    if action.verb == "place":
        assert (held.status, matter.resolution, Order.objects.count(), len(mail.outbox)) == ("placed", "placed", 1, 1)
    else:
        assert (held.status, matter.resolution, Order.objects.count(), len(mail.outbox)) == ("held", "dismissed", 0, 0)


# Asking


def test_asking_again_does_what_a_lost_message_would_have_done(guest: Shopper, nd8: ND8, mug: Any, stella: Any) -> None:
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    nd8.outcome(session, "paid")

    assert ask_again(session, by=stella).status == "placed"

    assert Order.objects.count() == 1
    action = StaffAction.objects.get()
    assert (action.verb, action.session, action.user, action.attention) == ("ask", session, stella, None)


def test_asking_in_vain_changes_nothing_and_is_kept(held: PaymentSession, nd8: ND8, stella: Any) -> None:
    nd8.fault("getPaymentById", "500", times=20)
    with pytest.raises(DecisionRefused, match="could not be asked"):
        ask_again(held, by=stella)
    held.refresh_from_db()
    assert held.status == "held"
    assert [action.verb for action in StaffAction.objects.all()] == ["ask"]


def test_asking_a_shop_that_cannot_finish_says_so(
    guest: Shopper, nd8: ND8, mug: Any, stella: Any, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    with pytest.raises(DecisionRefused, match="could not do all that follows"):
        ask_again(session, by=stella)
    assert Order.objects.count() == 1


def test_while_everything_may_be_on_its_way_no_order_is_placed_though_another_refund_failed(
    held: PaymentSession, matter: Attention, stella: Any, nd8: ND8
) -> None:
    payment = held.payments.get()
    part = request_refund(payment, amount=249, reason="Broken")
    nd8.fault("createRefundForPayment", "timeout_before", times=1)
    assert request_refund(payment, everything=True, reason="Broken").state is RefundStatus.UNKNOWN
    end(nd8, part.refund_id, "failed")
    settle_refund(part)

    with pytest.raises(DecisionRefused, match="or on its way"):
        place_anyway(matter, by=stella, seen=0)

    assert Order.objects.count() == 0
