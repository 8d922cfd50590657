"""What must never break in our shop: who pays has an order, who does not pay has none."""

import pytest
from oscar.apps.order.models import Order

pytestmark = pytest.mark.django_db


def test_who_pays_has_an_order_and_a_mail(nd8, nd8_shopper, nd8_product, deliver_webhook, mailoutbox):
    session = nd8_shopper.begin_payment(nd8_product, quantity=2)  # from the shelf to ND8's page
    nd8.outcome(session, "paid")  # what the shopper does there
    assert Order.objects.count() == 0  # ND8 has not told the shop yet

    assert deliver_webhook().status_code == 200

    order = Order.objects.get()
    assert order.number == session.order_number
    assert order.lines.get().quantity == 2
    assert len(mailoutbox) == 1
    assert nd8_shopper.come_back(session).url == "/checkout/thank-you/"
    assert nd8_shopper.goods() == []


def test_a_declined_card_places_no_order_and_keeps_the_basket(
    nd8, nd8_shopper, nd8_product, deliver_webhook, mailoutbox
):
    session = nd8_shopper.begin_payment(nd8_product)
    nd8.outcome(session, "failed")
    deliver_webhook()

    page = nd8_shopper.come_back(session, "failed")

    assert "The payment did not go through" in page.content.decode()
    assert Order.objects.count() == 0
    assert mailoutbox == []
    assert nd8_shopper.goods() == [("Enamel mug", 1)]


def test_while_nd8_is_down_nobody_is_charged_and_the_basket_is_intact(nd8, nd8_shopper, nd8_product):
    nd8_shopper.add(nd8_product).go_to_preview()
    nd8.fault("createPayment", "500")

    page = nd8_shopper.pay_now()

    assert "You have not been charged" in page.content.decode()
    assert Order.objects.count() == 0
    assert nd8_shopper.goods() == [("Enamel mug", 1)]


def test_our_own_page_about_a_paid_order(paid_session, nd8_shopper):
    page = nd8_shopper.client.get(f"/accounts/orders/{paid_session.order.number}/")

    assert page.status_code == 200
