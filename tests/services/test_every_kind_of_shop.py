"""The same road for every shopper, basket and project that Oscar knows."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import PaymentSession
from oscar_nd8.testing import ND8, Shopper, make_product

pytestmark = pytest.mark.django_db

Order = get_model("order", "Order")


def paid_order(shopper: Shopper, nd8: ND8) -> Any:
    """From the preview to the order."""
    response = shopper.pay_now()
    assert response.status_code == 302, response.content.decode()
    session = PaymentSession.objects.latest("pk")
    assert response["Location"] == session.checkout_url
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200
    return Order.objects.get(number=session.order_number)


def sent_items(nd8: ND8) -> list[tuple[str, int, str]]:
    """What ND8 was asked to charge for."""
    products = nd8.checkouts[-1]["request"]["products"]
    return [(each["name"], each["quantity"], str(each["unit_price"])) for each in products]


@pytest.fixture
def voucher() -> Any:
    """Makes vouchers that take money off any basket and combine with each other."""
    Range, Condition, Benefit, Offer, Voucher = (
        get_model("offer", "Range"),
        get_model("offer", "Condition"),
        get_model("offer", "Benefit"),
        get_model("offer", "ConditionalOffer"),
        get_model("voucher", "Voucher"),
    )
    everything = Range.objects.create(name="Everything", includes_all_products=True)

    def make(code: str, amount: str, usage: str = Voucher.MULTI_USE) -> Any:
        offer = Offer.objects.create(
            name=f"Offer of {code}",
            offer_type=Offer.VOUCHER,
            exclusive=False,
            condition=Condition.objects.create(range=everything, type=Condition.COUNT, value="1"),
            benefit=Benefit.objects.create(range=everything, type=Benefit.FIXED, value=Decimal(amount)),
        )
        offer.combinations.set(Offer.objects.exclude(pk=offer.pk))
        voucher = Voucher.objects.create(
            name=code,
            code=code,
            usage=usage,
            start_datetime=timezone.now() - timedelta(days=1),
            end_datetime=timezone.now() + timedelta(days=1),
        )
        voucher.offers.add(offer)
        return voucher

    return make


def test_a_signed_in_customer_gets_the_order_in_their_account(
    customer: Shopper, user: Any, nd8: ND8, mug: Any, mailoutbox: list[Any]
) -> None:
    customer.add(mug).go_to_preview()
    order = paid_order(customer, nd8)

    assert order.user == user
    assert order.guest_email == ""
    assert [mail.to for mail in mailoutbox] == [[user.email]]
    assert user.addresses.count() == 1
    assert order.number in customer.client.get("/accounts/orders/").content.decode()


def test_a_digital_basket_asks_who_pays_and_ships_nothing(guest: Shopper, nd8: ND8) -> None:
    guest.add(make_product("E-book", "7.00", stock=None, shipped=False))
    guest.client.post("/checkout/", {"username": guest.email, "options": "anonymous"})
    guest.client.get("/checkout/shipping-method/")
    asked = guest.client.get("/checkout/preview/")
    assert (asked.status_code, asked["Location"]) == (302, "/checkout/payment-method/")

    payer = {"method": "nd8", "first_name": "Ada", "last_name": "Byron", "country": "DE", "postcode": "10115"}
    page = guest.client.get("/checkout/payment-method/")
    assert "Who pays?" in page.content.decode()
    without_code = guest.client.post("/checkout/payment-method/", {**payer, "country": "US", "postcode": ""})
    assert without_code.status_code == 422
    assert "need a postal code" in without_code.content.decode()
    assert guest.client.post("/checkout/payment-method/", payer).status_code == 302
    order = paid_order(guest, nd8)

    assert order.shipping_address is None
    assert (order.billing_address.first_name, order.billing_address.country_id) == ("Ada", "DE")
    assert nd8.checkouts[-1]["request"]["billing_country"] == "DE"
    assert order.total_incl_tax == Decimal("7.00")


def test_a_product_with_an_engraving_keeps_it(guest: Shopper, nd8: ND8, mug: Any) -> None:
    option = get_model("catalogue", "Option").objects.create(name="Engraving", code="engraving", type="text")
    mug.product_options.add(option)
    guest.add(mug, 1, engraving="For Ada").go_to_preview()

    order = paid_order(guest, nd8)

    attribute = order.lines.get().attributes.get()
    assert (attribute.option, attribute.value) == (option, "For Ada")


def test_several_vouchers_are_used_once_each_and_leave_the_basket(
    customer: Shopper, nd8: ND8, mug: Any, voucher: Any
) -> None:
    first, second = voucher("ONE", "1.00"), voucher("TWO", "2.00")
    customer.add(mug, 3).add_voucher("ONE").add_voucher("TWO").go_to_preview()

    order = paid_order(customer, nd8)

    assert order.total_incl_tax == Decimal("31.96")  # 29.97 - 3.00 + 4.99
    assert sorted(order.discounts.values_list("voucher_code", "amount")) == [
        ("ONE", Decimal("1.00")),
        ("TWO", Decimal("2.00")),
    ]
    for each in (first, second):
        each.refresh_from_db()
        assert (each.num_orders, each.applications.count()) == (1, 1)
    assert customer.basket.vouchers.count() == 0


def test_a_voucher_used_up_elsewhere_while_paying_is_honoured(
    customer: Shopper, nd8: ND8, mug: Any, voucher: Any
) -> None:
    once = voucher("ONCE", "5.00", "Single use")
    customer.add(mug).add_voucher("ONCE").go_to_preview()
    assert customer.pay_now().status_code == 302
    session = PaymentSession.objects.get()
    other = Order.objects.create(number="other", currency="USD", total_incl_tax="1", total_excl_tax="1")
    once.applications.create(voucher=once, order=other)

    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    assert Order.objects.get(number=session.order_number).total_incl_tax == Decimal("9.98")


def test_stock_is_allocated_and_an_oversale_is_told_to_staff_not_to_the_shopper(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    guest.add(mug, 2).go_to_preview()
    guest.pay_now()
    mug.stockrecords.update(num_in_stock=1)
    session = PaymentSession.objects.get()

    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200

    assert mug.stockrecords.get().num_allocated == 2
    attention = session.attentions.get()
    assert attention.kind == "oversold"
    assert "Enamel mug" in attention.detail


def test_euros_are_charged_as_euros(guest: Shopper, nd8: ND8, countries: None) -> None:
    guest.client.post("/currency/", {"currency": "EUR"})
    guest.add(make_product("Poster", "5.00", currency="EUR"), 3).go_to_preview()

    order = paid_order(guest, nd8)

    assert nd8.checkouts[-1]["request"]["currency"] == "EUR"
    assert sent_items(nd8) == [("Poster", 3, "5"), ("Standard", 1, "4.99")]
    assert (order.currency, order.total_incl_tax) == ("EUR", Decimal("19.99"))
    assert order.sources.get().currency == "EUR"


def test_an_order_of_nothing_is_placed_without_nd8(guest: Shopper, nd8: ND8, countries: None) -> None:
    guest.add(make_product("Flyer", "0.00", stock=None, shipped=False))
    guest.client.post("/checkout/", {"username": guest.email, "options": "anonymous"})
    guest.client.get("/checkout/shipping-method/")
    assert guest.client.get("/checkout/preview/").status_code == 200

    response = guest.pay_now()

    assert response["Location"] == "/checkout/thank-you/"
    assert Order.objects.get().total_incl_tax == 0
    assert PaymentSession.objects.count() == 0
    assert nd8.calls("createPayment") == 0


def test_another_method_places_an_ordinary_order(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug).go_to_preview()
    assert "Invoice" in guest.client.get("/checkout/payment-method/").content.decode()
    guest.client.post("/checkout/payment-method/", {"method": "invoice"})

    assert guest.pay_now()["Location"] == "/checkout/thank-you/"

    assert Order.objects.get().sources.count() == 0
    assert nd8.calls("createPayment") == 0


def test_a_method_that_the_shop_does_not_name_is_no_way_around_paying(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug).go_to_preview()

    refused = guest.client.post("/checkout/payment-method/", {"method": "free"})

    assert refused.status_code == 422
    assert "not available for your order" in refused.content.decode()
    assert guest.pay_now()["Location"] == PaymentSession.objects.get().checkout_url
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("currency", "price", "reason"),
    [
        ("USD", "10000.00", "ND8 takes payments up to 10000.00 USD."),
        ("JPY", "100", "ND8 takes USD and EUR, and your basket is in JPY."),
    ],
)
def test_nd8_is_not_offered_where_it_could_not_take_the_payment_and_says_why(
    guest: Shopper, nd8: ND8, settings: Any, currency: str, price: str, reason: str, countries: None
) -> None:
    settings.SANDBOX_CURRENCIES = ["USD", "EUR", "JPY"]
    guest.client.post("/currency/", {"currency": currency})
    guest.add(make_product("Statue", price, currency=currency))
    preview = guest.go_to_preview()

    assert reason in preview.content.decode()
    assert 'id="place-order"' not in preview.content.decode()
    method = guest.client.get("/checkout/payment-method/").content.decode()
    assert reason in method
    forced = guest.pay_now()
    assert forced.status_code == 200
    assert reason in forced.content.decode()
    assert nd8.calls("createPayment") == 0
    assert Order.objects.count() == PaymentSession.objects.count() == 0


@pytest.fixture
def login_required_shop(settings: Any) -> None:
    """A project with OSCAR_ALLOW_ANON_CHECKOUT off that mounts only Oscar's URLs."""
    settings.OSCAR_ALLOW_ANON_CHECKOUT = False
    settings.ROOT_URLCONF = "tests.shops.members_only_urls"


def test_a_shop_for_members_only_takes_payments_with_the_checkout_urls_alone(
    login_required_shop: None, customer: Shopper, nd8: ND8, mug: Any
) -> None:
    assert Shopper().client.get("/checkout/preview/")["Location"].startswith("/accounts/login/")
    customer.add(mug).go_to_preview()
    assert customer.pay_now().status_code == 302
    session = PaymentSession.objects.get()
    assert "/checkout/nd8/return/" in nd8.checkouts[-1]["request"]["successUrl"]

    nd8.outcome(session)
    assert nd8.deliver(Shopper().client, path="/checkout/nd8/webhook/").status_code == 200

    assert Order.objects.count() == 1
    back = customer.client.get(f"/checkout/nd8/return/{session.token}/success/")
    assert back["Location"] == "/checkout/thank-you/"


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    """A project with ATOMIC_REQUESTS on."""
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.django_db(transaction=True)
def test_with_atomic_requests_the_session_is_kept_before_nd8_is_called(
    atomic_requests: None, guest: Shopper, nd8: ND8, mug: Any
) -> None:
    guest.add(mug).go_to_preview()
    nd8.fault("createPayment", "timeout_after", seconds=3)
    assert guest.pay_now().status_code == 200
    assert PaymentSession.objects.get().status == "failed"

    order = paid_order(guest, nd8)

    assert order.sources.get().amount_debited == Decimal("14.98")
