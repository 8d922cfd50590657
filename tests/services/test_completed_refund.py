"""What follows money that went back: the ledger, the stock, the status, the mail, and what staff waited for."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund
from oscar_nd8.services.adopt_refund import adopt_refund
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.refundable import Chosen, everything_left, refundable_of
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.refunding import REASON, end, order_of, pay

pytestmark = pytest.mark.django_db

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]) -> Payment:
    """24.97 USD, paid and placed; the order's mail is out of the way."""
    made = pay(guest, nd8, mug)
    mailoutbox.clear()
    return made


def complete(nd8: ND8, refund: Refund) -> Refund:
    """ND8 ends the refund, and the shop hears of it."""
    end(nd8, refund.refund_id)
    return settle_refund(refund)


def mugs(payment: Payment, quantity: int) -> Chosen:
    """So many of the order's mugs."""
    return Chosen({refundable_of(payment).lines[0].key: quantity})


def stock(payment: Payment) -> tuple[int, int]:
    """What is in stock, and what of it is promised."""
    record = order_of(payment).lines.get().stockrecord
    return record.num_in_stock, record.num_allocated


def test_a_completed_refund_is_booked_like_any_of_oscars(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, chosen=mugs(payment, 1), reason=REASON)
    assert refund.amount == 999
    source = order_of(payment).sources.get()
    assert source.amount_refunded == 0

    complete(nd8, refund)

    source.refresh_from_db()
    assert (source.amount_debited, source.amount_refunded) == (Decimal("24.97"), Decimal("9.99"))
    booked = source.transactions.get(txn_type="Refund")
    assert (booked.amount, booked.reference) == (Decimal("9.99"), refund.refund_id)
    event = order_of(payment).payment_events.get(event_type__name="Refunded")
    assert (event.amount, event.reference) == (Decimal("9.99"), refund.refund_id)
    assert [each.quantity for each in event.line_quantities.all()] == [1]
    note = order_of(payment).notes.get()
    assert note.note_type == "System"
    assert (
        note.message == f"9.99 USD given back by ND8 ({refund.refund_id}). For: 1 {TIMES} Enamel mug. Reason: {REASON}"
    )
    assert stock(payment) == (50, 2), "nobody asked for the goods"
    assert refund.booked_at is not None
    assert refund.mailed_at is not None
    assert refund.due_at is None


def test_nothing_is_booked_before_or_without_completion(payment: Payment, nd8: ND8, mailoutbox: list[Any]) -> None:
    refund = request_refund(payment, amount=999, reason=REASON)
    settle_refund(refund)
    end(nd8, refund.refund_id, "failed")
    settle_refund(refund)

    assert refund.status == "failed"
    assert order_of(payment).sources.get().amount_refunded == 0
    assert order_of(payment).payment_events.filter(event_type__name="Refunded").count() == 0
    assert order_of(payment).notes.count() == 0
    assert mailoutbox == []
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("refund_failed", refund.reference)
    assert "9.99 USD did not go through" in matter.detail


def test_telling_it_often_books_it_once(
    payment: Payment, nd8: ND8, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    told: list[Refund] = []

    def note(refund: Refund, **_: Any) -> None:
        told.append(refund)

    signals.refund_completed.connect(note)
    try:
        refund = request_refund(payment, amount=999, reason=REASON)
        end(nd8, refund.refund_id)
        with django_capture_on_commit_callbacks(execute=True):
            for _number in range(3):
                settle_refund(refund)
                nd8.deliver()
    finally:
        signals.refund_completed.disconnect(note)

    assert order_of(payment).sources.get().amount_refunded == Decimal("9.99")
    assert order_of(payment).notes.count() == 1
    assert len(mailoutbox) == 1
    assert told == [refund]


def test_the_customer_is_told_in_their_language_what_came_back(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    complete(nd8, request_refund(payment, chosen=mugs(payment, 2), reason="It's <broken>"))

    [sent] = mailoutbox
    number = order_of(payment).number
    assert sent.to == ["guest@example.com"]
    assert sent.subject == f"Money back for order {number}"
    assert "We have given $19.98 back to you for your order" in sent.body
    assert f"2 {TIMES} Enamel mug" in sent.body
    assert "Reason: It's <broken>" in sent.body
    html = sent.alternatives[0][0]
    assert "It&#x27;s &lt;broken&gt;" in html
    assert "<broken>" not in html
    event = order_of(payment).communication_events.get(event_type__code="ND8_REFUNDED")
    assert event.event_type.is_order_related()


def test_a_mail_that_failed_is_sent_by_the_next_look(
    payment: Payment, nd8: ND8, settings: Any, mailoutbox: list[Any]
) -> None:
    refund = request_refund(payment, amount=999, reason=REASON)
    settings.EMAIL_BACKEND = "no.such.Backend"
    end(nd8, refund.refund_id)
    with pytest.raises(ImportError):
        settle_refund(refund)
    refund = Refund.objects.get()
    assert (refund.status, refund.mailed_at, refund.mail_claimed_at) == ("completed", None, None)
    assert refund.due_at is not None

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert settle_refund(Refund.objects.get()).due_at is None

    assert len(mail.outbox) == 1
    assert order_of(payment).sources.get().amount_refunded == Decimal("9.99")


def test_goods_that_had_not_left_are_free_again(payment: Payment, nd8: ND8) -> None:
    complete(nd8, request_refund(payment, chosen=mugs(payment, 1), reason=REASON, restock=True))
    assert stock(payment) == (50, 1)
    assert order_of(payment).lines.get().num_allocated == 1
    complete(nd8, request_refund(payment, chosen=mugs(payment, 1), reason=REASON, restock=True))
    assert stock(payment) == (50, 0)
    assert f"Put back into stock: 1 {TIMES} Enamel mug." in order_of(payment).notes.latest("pk").message


def test_goods_that_had_left_are_back_in_stock(payment: Payment, nd8: ND8) -> None:
    order_of(payment).lines.get().consume_allocation(2)
    assert stock(payment) == (48, 0)
    complete(nd8, request_refund(payment, chosen=mugs(payment, 2), reason=REASON, restock=True))
    assert stock(payment) == (50, 0)


def test_goods_of_which_some_had_left_are_counted_once_each(payment: Payment, nd8: ND8) -> None:
    order_of(payment).lines.get().consume_allocation(1)
    for _number in range(2):
        complete(nd8, request_refund(payment, chosen=mugs(payment, 1), reason=REASON, restock=True))
    assert stock(payment) == (50, 0)


def test_goods_whose_allocation_was_canceled_elsewhere_are_not_added_again(payment: Payment, nd8: ND8) -> None:
    order_of(payment).lines.get().cancel_allocation(2)
    assert stock(payment) == (50, 0)
    complete(nd8, request_refund(payment, chosen=mugs(payment, 2), reason=REASON, restock=True))
    assert stock(payment) == (50, 0)


def test_an_order_of_which_all_went_back_moves_to_the_shops_status(payment: Payment, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "REFUND_ORDER_STATUS": "Cancelled"}
    complete(nd8, request_refund(payment, amount=2000, reason=REASON))
    assert order_of(payment).status == "Pending"
    complete(nd8, request_refund(payment, everything=True, reason=REASON))
    assert order_of(payment).status == "Cancelled"


def test_a_status_that_the_pipeline_does_not_allow_is_noted(payment: Payment, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "REFUND_ORDER_STATUS": "Vanished"}
    complete(nd8, request_refund(payment, everything=True, reason=REASON))
    assert order_of(payment).status == "Pending"
    assert "not changed to “Vanished”" in order_of(payment).notes.get().message
    assert order_of(payment).sources.get().amount_refunded == Decimal("24.97")


def test_refunding_line_by_line_gives_back_exactly_what_was_paid(payment: Payment, nd8: ND8) -> None:
    complete(nd8, request_refund(payment, chosen=mugs(payment, 1), reason=REASON))
    complete(nd8, request_refund(payment, chosen=mugs(payment, 1), reason=REASON))
    rest = everything_left(refundable_of(payment))
    assert rest == Chosen({}, frozenset({"shipping"}))
    complete(nd8, request_refund(payment, chosen=rest, reason=REASON))
    assert nd8.state["transactions"][0]["remaining"] == "0.00"
    assert order_of(payment).sources.get().amount_refunded == Decimal("24.97")


def test_a_refund_made_at_nd8_is_booked_too_even_if_only_the_payments_state_tells(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.refund(payment.session)
    settle(payment.session)

    refund = Refund.objects.get()
    assert (refund.origin, refund.status, refund.amount) == ("provider", "completed", 2497)
    assert order_of(payment).sources.get().amount_refunded == Decimal("24.97")
    assert len(mailoutbox) == 1
    calls = nd8.calls("listRefunds")
    settle(payment.session)
    assert nd8.calls("listRefunds") == calls, "nothing is left to be found"


@pytest.fixture
def held(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """Paid with an absurd fee, so no order."""
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, net_amount="10.00")
    nd8.deliver()
    return Payment.objects.get(session=session)


def test_a_held_payment_goes_back_and_needs_nobody_any_more(held: Payment, nd8: ND8, mailoutbox: list[Any]) -> None:
    assert held.session.status == SessionStatus.HELD
    complete(nd8, request_refund(held, everything=True, reason="We could not place your order"))

    matter = Attention.objects.get()
    assert (matter.kind, matter.resolution) == ("held", "refunded")
    held.session.refresh_from_db()
    assert (held.session.status, held.session.order) == (SessionStatus.HELD, None)
    assert get_model("payment", "Source").objects.count() == 0
    [sent] = mailoutbox
    assert sent.to == ["guest@example.com"]
    assert sent.subject == "Money back for your payment"
    assert "$24.97 back to you for a payment that did not become an order" in sent.body


def test_a_refund_from_before_the_order_is_in_the_orders_ledger(held: Payment, nd8: ND8) -> None:
    complete(nd8, request_refund(held, amount=500, reason=REASON))
    assert Attention.objects.get().resolved_at is None
    PaymentSession.objects.update(status=SessionStatus.PAID)

    settle(held.session)

    source = order_of(held).sources.get()
    assert (source.amount_debited, source.amount_refunded) == (Decimal("24.97"), Decimal("5.00"))


def test_a_refund_of_more_than_was_paid_is_not_booked_and_staff_are_told(payment: Payment, nd8: ND8) -> None:
    nd8.refund(payment.session)
    # As if ND8 had been asked for less: nothing but a mistake there can make this true.
    less = {**payment.session.quote, "total": {**payment.session.quote["total"], "incl": "20.00", "excl": "20.00"}}
    PaymentSession.objects.update(amount=2000, quote=less)

    assert nd8.deliver_new().status_code == 200

    refund = Refund.objects.get()
    assert (refund.status, refund.amount) == ("completed", 2497)
    assert (refund.booked_at, refund.mailed_at, refund.due_at) == (None, None, None)
    assert order_of(payment).sources.get().amount_refunded == 0
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("refund_excess", refund.reference)
    assert "24.97 USD go back of 20.00 USD" in matter.detail
    assert refundable_of(payment).remaining == 0


def test_without_its_entry_in_the_ledger_a_refund_is_mailed_once_and_staff_book_it(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    refund = request_refund(payment, chosen=mugs(payment, 1), reason=REASON, restock=True)
    end(nd8, refund.refund_id)
    order_of(payment).sources.get().delete()

    for _ in range(2):
        settle_refund(Refund.objects.get())
        settle(payment.session)

    refund.refresh_from_db()
    assert (refund.status, refund.booked_at, refund.due_at, len(mailoutbox)) == ("completed", None, None, 1)
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("refund_odd", refund.reference)
    assert "Somebody deleted the payment's entry in the order's ledger" in matter.detail
    assert order_of(payment).sources.count() == 0
    assert order_of(payment).notes.count() == 1
    assert stock(payment) == (50, 1)


def test_what_a_crash_left_undone_is_done_by_the_next_look(payment: Payment, nd8: ND8, mailoutbox: list[Any]) -> None:
    refund = request_refund(payment, chosen=mugs(payment, 1), reason=REASON, restock=True)
    end(nd8, refund.refund_id)
    # Died between writing down what ND8 said and the ledger.
    adopt_refund(payment.gateway, refund.refund_id)
    assert (Refund.objects.get().status, order_of(payment).sources.get().amount_refunded) == ("completed", 0)
    settle_refund(Refund.objects.get())
    # Died while mailing: the claim is there, the mail is not.
    Refund.objects.update(mailed_at=None, mail_claimed_at=timezone.now() - timedelta(minutes=11))
    settle_refund(Refund.objects.get())

    assert len(mailoutbox) == 2
    assert order_of(payment).sources.get().amount_refunded == Decimal("9.99")
    assert order_of(payment).notes.count() == 1
    assert stock(payment) == (50, 1)


def test_a_mail_that_somebody_is_just_sending_is_left_to_them(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    refund = complete(nd8, request_refund(payment, amount=999, reason=REASON))
    mailoutbox.clear()
    Refund.objects.update(mailed_at=None, mail_claimed_at=timezone.now())
    assert settle_refund(refund).due_at is not None
    assert mailoutbox == []


def test_a_refund_that_ended_while_its_answer_was_lost_is_booked_once(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.fault("createRefundForPayment", "timeout_after")
    refund = request_refund(payment, amount=999, reason=REASON)
    end(nd8, nd8.state["refunds"][0]["id"])
    nd8.deliver_new()
    settle_refund(refund)
    settle(payment.session)

    assert (refund.status, refund.origin) == ("completed", "shop")
    assert Refund.objects.count() == 1
    assert order_of(payment).sources.get().amount_refunded == Decimal("9.99")
    assert len(mailoutbox) == 1


def test_a_completed_refund_that_nd8_takes_back_stays_booked_and_staff_are_told(payment: Payment, nd8: ND8) -> None:
    refund = complete(nd8, request_refund(payment, amount=999, reason=REASON))
    end(nd8, refund.refund_id, "failed")
    nd8.deliver_new()
    refund.refresh_from_db()
    assert refund.status == "completed"
    assert order_of(payment).sources.get().amount_refunded == Decimal("9.99")
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("refund_odd", refund.reference)
    assert "now calls it failed" in matter.detail


def test_a_refund_in_part_that_nobody_ever_told_of_is_found_by_a_run_over_everything(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    refund_id = nd8.refund(payment.session, amount="5.00")
    reconcile(everything=True, workers=1)
    reconcile(everything=True, workers=1)

    refund = Refund.objects.get()
    assert (refund.refund_id, refund.origin, refund.status) == (refund_id, "provider", "completed")
    assert order_of(payment).sources.get().amount_refunded == Decimal("5.00")
    assert len(mailoutbox) == 1


def test_a_key_that_may_not_read_refunds_stops_no_run(payment: Payment, nd8: ND8) -> None:
    key = get_settings().API_KEY.get_secret_value()
    nd8.control("keys", key=key, scopes=["checkout:create"])
    assert reconcile(everything=True, workers=1).stopped == ""
