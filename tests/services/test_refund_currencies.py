"""Refunds in the currency that was agreed, in the one that was paid, and in neither: who is told, and what is booked.

Agreed is always USD.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from oscar.core.loading import get_model

from oscar_nd8 import signals
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund
from oscar_nd8.services.adopt_refund import adopt_refund
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.refundable import refundable_of
from oscar_nd8.testing import ND8, Shopper
from tests.refunding import REASON, end, order_of, pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told() -> Iterator[list[Refund]]:
    """Whatever `refund_completed` told."""
    heard: list[Refund] = []

    def receive(refund: Refund, **_: Any) -> None:
        heard.append(refund)

    signals.refund_completed.connect(receive)
    yield heard
    signals.refund_completed.disconnect(receive)


@pytest.fixture
def in_euros(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 EUR where 24.97 USD were agreed: held, without an order."""
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, currency="EUR")
    nd8.deliver()
    payment = Payment.objects.get(session=session)
    assert (payment.currency, payment.session.status) == ("EUR", "held")
    return payment


@pytest.fixture
def ordered_in_euros(in_euros: Payment, mailoutbox: list[Any]) -> Payment:
    """The same, and staff placed the order all the same; its mail is out of the way."""
    place_anyway(Attention.objects.get(), by=None, seen=0)
    mailoutbox.clear()
    return Payment.objects.get()


def came_back(nd8: ND8, payment: Payment, *, currency: str, amount: str | None = None) -> Refund:
    """Made in ND8's dashboard, which says that it was in `currency`; the payment is not asked about."""
    nd8.outcome(payment.session, status="paid", currency=currency)
    refund = adopt_refund("nd8", nd8.refund(payment.session, amount=amount))
    assert refund is not None
    return settle_refund(refund)


def often(refund: Refund, nd8: ND8) -> None:
    """Everything that could look at it once more."""
    for _number in range(2):
        settle_refund(Refund.objects.get(pk=refund.pk))
        adopt_refund("nd8", refund.refund_id)
        reconcile(everything=True, workers=1)


def the_matter(kind: str, resolution: str = "") -> Attention:
    """The one matter of its kind, which must have ended so."""
    matter = Attention.objects.get(kind=kind)
    assert matter.resolution == resolution
    return matter


# Paid in another currency, and back in the same


@pytest.mark.parametrize("made", ["here", "in ND8's dashboard"])
def test_without_an_order_the_customer_is_told_and_nobody_has_to_decide(
    in_euros: Payment, nd8: ND8, mailoutbox: list[Any], told: list[Refund], made: str
) -> None:
    if made == "here":
        refund = request_refund(in_euros, everything=True, reason=REASON)
        assert (refund.amount, refund.currency, refund.status) == (2497, "EUR", "processing")
        assert (mailoutbox, the_matter("held").resolved_at) == ([], None)
        end(nd8, refund.refund_id)
        settle_refund(refund)
    else:
        nd8.refund(in_euros.session)
        nd8.deliver_new()
        refund = Refund.objects.get()

    often(refund, nd8)

    refund.refresh_from_db()
    assert (refund.status, refund.due_at, refund.mailed_at is not None) == ("completed", None, True)
    [sent] = mailoutbox
    assert sent.to == ["guest@example.com"]
    assert sent.subject == "Money back for your payment"
    assert "€24.97 back to you for a payment that did not become an order" in sent.body
    the_matter("held", "refunded")
    assert Attention.objects.count() == 1, "there is nothing to book, so nobody is told that it was not"
    assert told == [refund]
    assert get_model("payment", "Source").objects.count() == get_model("order", "Order").objects.count() == 0
    assert PaymentSession.objects.get().status == "held"


def test_a_part_of_it_is_mailed_and_the_rest_still_waits_for_a_decision(
    in_euros: Payment, nd8: ND8, mailoutbox: list[Any]
) -> None:
    refund = came_back(nd8, in_euros, currency="EUR", amount="5.00")
    often(refund, nd8)
    assert ["€5.00 back to you" in mail.body for mail in mailoutbox] == [True]
    assert the_matter("held").resolved_at is None
    assert Attention.objects.count() == 1
    assert refundable_of(in_euros).refunded == 500


def test_a_mail_that_could_not_be_sent_goes_out_with_the_next_look(
    in_euros: Payment, nd8: ND8, mailoutbox: list[Any], settings: Any
) -> None:
    refund = request_refund(in_euros, everything=True, reason=REASON)
    end(nd8, refund.refund_id)
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "no.such.Backend"
    with pytest.raises(ImportError):
        settle_refund(refund)
    settings.EMAIL_BACKEND = working
    assert Refund.objects.get().due_at is not None
    often(refund, nd8)
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("made", ["here", "in ND8's dashboard"])
def test_an_order_that_staff_placed_all_the_same_is_told_what_its_ledger_cannot_take(
    ordered_in_euros: Payment, nd8: ND8, mailoutbox: list[Any], told: list[Refund], settings: Any, made: str
) -> None:
    settings.ND8 = {**settings.ND8, "REFUND_ORDER_STATUS": "Cancelled"}
    payment = ordered_in_euros
    if made == "here":
        refund = request_refund(payment, everything=True, reason=REASON)
        end(nd8, refund.refund_id)
        settle_refund(refund)
    else:
        nd8.refund(payment.session)
        nd8.deliver_new()
        refund = Refund.objects.get()

    often(refund, nd8)

    refund.refresh_from_db()
    assert (refund.status, refund.booked_at, refund.due_at) == ("completed", None, None)
    order = order_of(payment)
    source = order.sources.get()
    assert (source.currency, source.amount_debited, source.amount_refunded) == ("USD", Decimal("24.97"), 0)
    assert order.payment_events.filter(event_type__name="Refunded").count() == 0
    matter = the_matter("refund_odd")
    assert matter.subject == refund.reference
    for words in ("24.97 EUR back", "ledger is kept in USD", "not booked", "told by mail", "Book by hand"):
        assert words in matter.detail
    the_matter("held", "placed")
    assert Attention.objects.count() == 2
    [sent] = mailoutbox
    assert sent.subject == f"Money back for order {order.number}"
    assert "€24.97 back to you for your order" in sent.body
    [note] = [each.message for each in order.notes.all() if "given back" in each.message]
    assert note.startswith(f"24.97 EUR given back by ND8 ({refund.refund_id}).")
    # Of a payment whose amount nobody here knows, only ND8 can say that a refund took all of it.
    assert order.status == ("Cancelled" if made == "here" else "Pending")
    assert told == [refund]


def test_what_is_booked_by_hand_and_dismissed_is_not_told_again(ordered_in_euros: Payment, nd8: ND8) -> None:
    refund = came_back(nd8, ordered_in_euros, currency="EUR", amount="5.00")
    Attention.objects.filter(kind="refund_odd").update(resolved_at=refund.created_at, resolution="dismissed")
    often(refund, nd8)
    the_matter("refund_odd", "dismissed")


def test_a_refund_from_just_before_the_order_is_told_when_the_ledger_begins(in_euros: Payment, nd8: ND8) -> None:
    refund = came_back(nd8, in_euros, currency="EUR", amount="5.00")
    assert Refund.objects.get().booked_at is not None
    PaymentSession.objects.update(status="paid")

    settle(in_euros.session)

    source = order_of(in_euros).sources.get()
    assert (source.amount_debited, source.amount_refunded) == (Decimal("24.97"), 0)
    assert "5.00 EUR back" in the_matter("refund_odd").detail
    assert Refund.objects.get().booked_at is None
    often(refund, nd8)
    assert order_of(in_euros).sources.get().amount_refunded == 0


# Back in another currency than was paid


@pytest.fixture
def held(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid with an absurd fee: no order."""
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, net_amount="10.00")
    nd8.deliver()
    return Payment.objects.get(session=session)


@pytest.fixture
def ordered(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed."""
    return pay(guest, nd8, mug)


@pytest.mark.parametrize(
    ("paid", "currency", "was"),
    [("held", "EUR", "USD"), ("ordered", "EUR", "USD"), ("in_euros", "USD", "EUR"), ("ordered_in_euros", "USD", "EUR")],
)
def test_what_cannot_be_true_is_neither_booked_nor_mailed_and_staff_are_told_once(
    request: pytest.FixtureRequest,
    nd8: ND8,
    mailoutbox: list[Any],
    told: list[Refund],
    paid: str,
    currency: str,
    was: str,
) -> None:
    payment: Payment = request.getfixturevalue(paid)
    mailoutbox.clear()
    before = dict(Attention.objects.values_list("kind", "resolution"))

    refund = came_back(nd8, payment, currency=currency)
    for _number in range(3):
        settle_refund(refund)
        adopt_refund("nd8", refund.refund_id)

    refund.refresh_from_db()
    assert (refund.status, refund.currency) == ("completed", currency)
    assert (refund.booked_at, refund.mailed_at, refund.due_at) == (None, None, None)
    assert (mailoutbox, told) == ([], [])
    matter = Attention.objects.get(kind="refund_odd")
    assert f"24.97 {currency} go back for a payment in {was}, which cannot be right" in matter.detail
    assert "not booked, and the customer is not told" in matter.detail
    after = dict(Attention.objects.exclude(pk=matter.pk).values_list("kind", "resolution"))
    assert after == before, "nothing is settled by what cannot be true"
    assert sum(source.amount_refunded for source in get_model("payment", "Source").objects.all()) == 0
    money = refundable_of(payment)
    assert (money.remaining, money.may_take_everything) == (0, False), "nobody can say what is left"


def test_a_refund_in_another_currency_that_failed_is_nobodys_matter(ordered: Payment, nd8: ND8) -> None:
    nd8.outcome(ordered.session, status="paid", currency="EUR")
    refund_id = nd8.refund(ordered.session, status="processing")
    adopt_refund("nd8", refund_id)
    assert the_matter("refund_odd").resolved_at is None
    end(nd8, refund_id, "failed")
    adopt_refund("nd8", refund_id)
    the_matter("refund_odd", "by_itself")
    assert the_matter("refund_failed").resolved_at is None


def test_a_payment_of_which_nd8_names_no_currency_counts_as_agreed(held: Payment, nd8: ND8, told: list[Refund]) -> None:
    Payment.objects.update(currency="")
    nd8.fault("getPaymentById", "500", times=99)
    refund = adopt_refund("nd8", nd8.refund(held.session, amount="5.00"))
    assert refund is not None
    settle_refund(refund)
    assert Refund.objects.get().booked_at is not None
    assert told == [refund]
    assert not Attention.objects.filter(kind="refund_odd").exists()
