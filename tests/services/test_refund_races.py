"""Refunds asked for at the same moment, on the real concurrency of PostgreSQL: never more than was paid."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, Payment, Refund, StaffAction
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.refundable import Chosen, refundable_of
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.races import at_once
from tests.refunding import REASON, books, end, order_of, pay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed."""
    return pay(guest, nd8, mug)


def attempt(payment: Payment, **wanted: Any) -> Any:
    """What one member of staff gets: the refund, or why not."""

    def ask() -> str:
        try:
            return request_refund(Payment.objects.get(pk=payment.pk), reason=REASON, **wanted).status
        except DecisionRefused as refusal:
            return str(refusal)

    return ask


def test_eight_asking_for_the_full_amount_at_once_get_it_once(payment: Payment, nd8: ND8) -> None:
    answers = at_once(*[attempt(payment, amount=2497)] * 8)

    assert answers.count("processing") == 1
    assert set(answers) == {"processing", "Only 0.00 USD of this payment can still be given back."}
    assert books(nd8) == [("24.97", "processing")]
    assert nd8.calls("createRefundForPayment") == 1
    assert Refund.objects.count() == StaffAction.objects.count() == 1


def test_eight_asking_for_parts_at_once_never_get_more_than_was_paid(payment: Payment, nd8: ND8) -> None:
    answers = at_once(*[attempt(payment, amount=500)] * 8)

    assert answers.count("processing") == 4
    assert books(nd8) == [("5.00", "processing")] * 4
    assert refundable_of(payment).remaining == 497


def test_eight_clicks_on_one_form_are_one_refund(payment: Payment, nd8: ND8) -> None:
    key = uuid4()

    answers = at_once(*[attempt(payment, amount=500, form_key=key)] * 8)

    assert set(answers) <= {"processing", "requested"}
    assert books(nd8) == [("5.00", "processing")]
    assert Refund.objects.count() == 1


def test_notifications_and_the_schedule_at_once_book_and_mail_a_refund_once(
    payment: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    mailoutbox.clear()
    key = refundable_of(payment).lines[0].key
    refund = request_refund(payment, chosen=Chosen({key: 1}), restock=True, reason=REASON)
    end(nd8, refund.refund_id)

    def settle() -> str:
        return settle_refund(Refund.objects.get(pk=refund.pk)).status

    assert at_once(*[settle] * 4, *[lambda: nd8.deliver().status_code] * 2) == ["completed"] * 4 + [200] * 2
    assert Refund.objects.count() == 1
    order = order_of(payment)
    assert order.sources.get().amount_refunded == Decimal("9.99")
    assert order.payment_events.filter(event_type__name="Refunded").count() == order.notes.count() == 1
    assert order.lines.get().stockrecord.num_allocated == 1
    assert len(mailoutbox) == 1


def test_two_refunds_completed_at_once_are_both_in_the_ledger(payment: Payment, nd8: ND8) -> None:
    refunds = [request_refund(payment, amount=500, reason=REASON) for _number in range(4)]
    for refund in refunds:
        end(nd8, refund.refund_id)

    at_once(*(lambda pk=refund.pk: settle_refund(Refund.objects.get(pk=pk)) for refund in refunds))

    assert order_of(payment).sources.get().amount_refunded == Decimal("20.00")


def test_a_refund_made_at_nd8_is_taken_over_once(payment: Payment, nd8: ND8) -> None:
    nd8.refund(payment.session, amount="5.00")
    assert at_once(*[lambda: nd8.deliver().status_code] * 8) == [200] * 8
    assert Refund.objects.get().amount == 500


def test_giving_everything_back_and_placing_the_order_at_once_never_delivers_what_was_given_back(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, net_amount="10.00")
    nd8.deliver()
    held, matter = Payment.objects.get(), Attention.objects.get()

    def place() -> str:
        try:
            return place_anyway(Attention.objects.get(pk=matter.pk), by=None, seen=0, seen_refund=0).status
        except DecisionRefused as refusal:
            return str(refusal)

    refund = attempt(held, everything=True, seen=0, seen_status=SessionStatus.HELD)
    answers = at_once(*[place] * 3, *[refund] * 3)

    session.refresh_from_db()
    assert answers.count("processing") == len(books(nd8)) == Refund.objects.count() <= 1
    assert answers.count("placed") + answers.count("processing") == 1, "each asked for what they saw: no order"
    if answers.count("placed") == 0:
        assert (session.status, session.order) == ("held", None)
    else:
        assert (books(nd8), nd8.calls("createRefundForPayment")) == ([], 0)
        assert order_of(held).sources.get().amount_refunded == 0
