"""A shopper pays and has exactly one order, whichever way the answer comes back."""

from decimal import Decimal
from typing import Any

import pytest
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, Payment, PaymentSession, WebhookEvent
from oscar_nd8.testing import ND8, Shopper, make_product, post_webhook

pytestmark = pytest.mark.django_db

Order = get_model("order", "Order")

# As often as the client asks before it gives up.
READS = 6


def begin(shopper: Shopper, product: Any, quantity: int = 1) -> PaymentSession:
    """From an empty basket to the hosted page."""
    shopper.add(product, quantity)
    assert shopper.go_to_preview().status_code == 200
    response = shopper.pay_now()
    assert response.status_code == 302, response.content.decode()
    session = PaymentSession.objects.latest("pk")
    assert response["Location"] == session.checkout_url
    return session


def test_a_guest_pays_and_has_one_order_one_mail_and_an_empty_basket(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    session = begin(guest, mug, 2)
    assert Order.objects.count() == 0
    assert mailoutbox == []

    transaction_id = nd8.outcome(session)
    assert nd8.deliver(guest.client).status_code == 200

    order = Order.objects.get()
    session.refresh_from_db()
    assert (session.status, session.order) == ("placed", order)
    assert order.number == session.order_number
    assert order.total_incl_tax == Decimal("24.97")
    assert order.guest_email == "guest@example.com"
    assert order.status == "Pending"
    assert [(line.title, line.quantity, line.line_price_incl_tax) for line in order.lines.all()] == [
        ("Enamel mug", 2, Decimal("19.98"))
    ]
    source = order.sources.get()
    assert (source.amount_allocated, source.amount_debited, source.amount_refunded) == (
        Decimal("24.97"),
        Decimal("24.97"),
        Decimal("0.00"),
    )
    assert (source.source_type.name, source.reference) == ("ND8", transaction_id)
    assert [each.txn_type for each in source.transactions.order_by("pk")] == ["Authorise", "Debit"]
    paid = order.payment_events.get(event_type__name="Paid")
    assert (paid.amount, paid.reference) == (Decimal("24.97"), transaction_id)
    assert [each.quantity for each in paid.line_quantities.all()] == [2]
    assert [mail.to for mail in mailoutbox] == [["guest@example.com"]]
    assert order.number in mailoutbox[0].subject + mailoutbox[0].body
    assert guest.goods() == []
    assert Attention.objects.count() == 0


def test_the_return_page_of_the_shopper_leads_to_the_thank_you_page(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session)
    nd8.deliver(guest.client)

    response = guest.client.get(f"/nd8/return/{session.token}/success/", follow=True)

    assert response.redirect_chain == [("/checkout/thank-you/", 302)]
    assert session.order_number in response.content.decode()


def test_fee_and_net_are_recorded(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session)
    nd8.deliver(guest.client)

    payment = Payment.objects.get()
    # 2.9 % of 14.98, and 0.30
    assert (session.amount, payment.net, payment.fee) == (1498, 1425, 73)


def test_five_deliveries_of_one_payment_place_one_order(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    session = begin(guest, mug)
    nd8.outcome(session)
    body, headers = nd8.notification()
    for number in range(5):
        response = post_webhook(guest.client, body, {**headers, "X-Webhook-Delivery-Id": f"delivery-{number}"})
        assert response.status_code == 200

    assert Order.objects.count() == 1
    assert len(mailoutbox) == 1
    assert WebhookEvent.objects.count() == 5
    assert Order.objects.get().sources.get().transactions.count() == 2


def test_the_same_delivery_again_asks_nd8_nothing(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session)
    nd8.deliver(guest.client)
    asked = nd8.calls("getPaymentById")

    assert nd8.deliver(guest.client).status_code == 200

    assert nd8.calls("getPaymentById") == asked
    assert WebhookEvent.objects.count() == 1


def test_a_double_click_begins_one_payment(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    again = guest.pay_now()

    assert again["Location"] == session.checkout_url
    assert PaymentSession.objects.count() == 1
    assert nd8.calls("createPayment") == 1


def test_a_changed_basket_begins_another_payment_and_both_can_still_be_paid(guest: Shopper, nd8: ND8, mug: Any) -> None:
    first = begin(guest, mug)
    guest.add(make_product("Poster", "5.00"))
    second_url = guest.pay_now()["Location"]

    second = PaymentSession.objects.latest("pk")
    assert second_url == second.checkout_url != first.checkout_url
    assert second.order_number != first.order_number
    for session in (first, second):
        nd8.outcome(session)
        nd8.deliver(guest.client)

    totals = sorted(order.total_incl_tax for order in Order.objects.all())
    assert totals == [Decimal("14.98"), Decimal("19.98")]
    assert Attention.objects.get().kind == "bought_twice"


def test_what_was_added_meanwhile_stays_in_the_basket(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug, 2)
    guest.add(mug, 1).add(make_product("Poster", "5.00"), 3)

    nd8.outcome(session)
    nd8.deliver(guest.client)

    assert guest.goods() == [("Enamel mug", 1), ("Poster", 3)]
    assert Order.objects.get().lines.get().quantity == 2


def test_a_price_that_changes_while_paying_changes_nothing(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    mug.stockrecords.update(price=Decimal("777.77"))

    nd8.outcome(session)
    nd8.deliver(guest.client)

    order = Order.objects.get()
    assert order.total_incl_tax == Decimal("14.98")
    assert order.lines.get().unit_price_incl_tax == Decimal("9.99")


# Oscar's analytics swallows an IntegrityError, which only an outer transaction (an ordinary test's) would feel.
@pytest.mark.django_db(transaction=True)
def test_a_product_deleted_while_paying_is_still_on_the_order(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug, 2)
    mug.delete()

    nd8.outcome(session)
    nd8.deliver(guest.client)

    line = Order.objects.get().lines.get()
    assert (line.title, line.quantity, line.line_price_incl_tax) == ("Enamel mug", 2, Decimal("19.98"))
    assert line.product is None


def test_an_account_deleted_while_paying_gets_its_order_as_a_guest(
    customer: Shopper, user: Any, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    session = begin(customer, mug)
    user.delete()

    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    order = Order.objects.get()
    assert (order.user, order.guest_email) == (None, "ada@example.com")
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]]


def test_a_decline_places_no_order_and_keeps_the_basket(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    session = begin(guest, mug)
    nd8.outcome(session, "failed")
    nd8.deliver(guest.client)

    session.refresh_from_db()
    assert session.status == "failed"
    assert Order.objects.count() == 0
    assert mailoutbox == []
    assert guest.goods() == [("Enamel mug", 1)]


def test_a_payment_after_a_cancel_still_gets_its_order(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session, "canceled")
    nd8.deliver(guest.client)
    session.refresh_from_db()
    assert session.status == "canceled"

    nd8.outcome(session)
    nd8.deliver(guest.client)

    session.refresh_from_db()
    assert session.status == "placed"
    assert Order.objects.count() == 1


def test_a_pending_deposit_is_allocated_and_debited_once_it_arrives(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session, "pending_deposit")
    nd8.deliver(guest.client)
    source = Order.objects.get().sources.get()
    assert (source.amount_allocated, source.amount_debited) == (Decimal("14.98"), Decimal("0.00"))

    nd8.outcome(session)
    nd8.deliver(guest.client)

    source.refresh_from_db()
    assert (source.amount_allocated, source.amount_debited) == (Decimal("14.98"), Decimal("14.98"))
    assert Order.objects.count() == 1


def test_a_payment_in_another_currency_is_held_and_places_nothing(
    guest: Shopper, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    session = begin(guest, mug)
    nd8.outcome(session, "paid", currency="EUR")
    nd8.deliver(guest.client)

    session.refresh_from_db()
    assert session.status == "held"
    assert Attention.objects.get().kind == "held"
    assert Order.objects.count() == 0
    assert mailoutbox == []
    page = guest.client.get(f"/nd8/return/{session.token}/success/")
    assert "Please do not pay again" in page.content.decode()


def test_nd8_down_leaves_the_basket_and_says_that_nothing_was_charged(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug)
    guest.go_to_preview()
    nd8.fault("createPayment", "500")

    response = guest.pay_now()

    assert response.status_code == 200
    assert "You have not been charged" in response.content.decode()
    assert guest.goods() == [("Enamel mug", 1)]
    assert PaymentSession.objects.get().status == "failed"
    assert guest.pay_now().status_code == 302
    assert nd8.calls("createPayment") == 2


def test_nd8_down_while_processing_asks_for_the_delivery_again(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    nd8.outcome(session)
    nd8.fault("getPaymentById", "garbage", times=READS)

    assert nd8.deliver(guest.client).status_code == 503

    event = WebhookEvent.objects.get()
    assert event.status == "failed"
    assert "ProviderUnavailable" in event.last_error
    assert Order.objects.count() == 0

    assert nd8.deliver(guest.client).status_code == 200
    assert Order.objects.count() == 1
