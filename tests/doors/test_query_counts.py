"""How many queries each door makes: pinned, and growing with the basket no faster than Oscar itself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.core.loading import get_model

from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.testing import ND8, Shopper, make_product, post_webhook

pytestmark = pytest.mark.django_db

SIZES = [1, 10, 50]


def queries(action: Callable[[], Any]) -> int:
    """Queries of one request; savepoints are the test's own doing."""
    with CaptureQueriesContext(connection) as captured:
        action()
    return sum(not each["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")) for each in captured.captured_queries)


@pytest.fixture
def goods(countries: None, settings: Any) -> list[Any]:
    """As many products as the largest basket needs."""
    settings.OSCAR_MAX_BASKET_QUANTITY_THRESHOLD = None
    return [make_product(f"Product {number}", "1.00") for number in range(max(SIZES))]


def filled(shopper: Shopper, goods: list[Any], lines: int) -> Shopper:
    """At the preview, every cache of a running shop warm."""
    for product in goods[:lines]:
        shopper.add(product)
    shopper.go_to_preview()
    return shopper


@pytest.mark.parametrize("lines", SIZES)
def test_starting_a_payment(customer: Shopper, nd8: ND8, goods: list[Any], lines: int) -> None:
    filled(customer, goods, lines)

    # The same for every basket: what Oscar's own checks ask of each line is read at once. One more where this machine
    # is so busy that a payment could have overtaken ND8's answer.
    assert queries(customer.pay_now) in {17, 18}
    assert queries(customer.pay_now) == 16
    assert PaymentSession.objects.count() == 1


@pytest.mark.parametrize("lines", SIZES[1:])
def test_starting_a_payment_of_variants(customer: Shopper, nd8: ND8, goods: list[Any], lines: int) -> None:
    parent = make_product("In all colours")
    parent.structure = "parent"
    parent.save()
    type(parent).objects.filter(pk__in=[each.pk for each in goods]).update(
        structure="child", parent=parent, product_class=None
    )
    filled(customer, goods, lines)

    assert queries(customer.pay_now) in {18, 19}  # their parents, too
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    assert session.order is not None
    assert [line.title for line in session.order.lines.order_by("pk")] == [
        f"Product {number}" for number in range(lines)
    ]


def test_a_line_with_more_options_starts_no_slower(nd8: ND8, goods: list[Any]) -> None:
    def start(options: int) -> int:
        shopper = filled(Shopper(email=f"{options}@example.com"), goods, 1)
        line = get_model("basket", "Line").objects.latest("pk")
        for number in range(options):
            option, _created = get_model("catalogue", "Option").objects.get_or_create(
                code=f"option-{number}", defaults={"name": f"Option {number}"}
            )
            line.attributes.create(option=option, value="x")
        return queries(shopper.pay_now)

    assert start(3) == start(1)
    assert [len(each.quote["lines"][0]["attributes"]) for each in PaymentSession.objects.order_by("pk")] == [3, 1]


@pytest.mark.parametrize("lines", SIZES)
def test_the_webhook_that_places_the_order_and_the_return(
    customer: Shopper, nd8: ND8, goods: list[Any], lines: int
) -> None:
    filled(customer, goods, lines).pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    stranger = Shopper().client

    # 9 a line to write an order line with its stock; Oscar's own placement makes 13.
    # Where rows cannot be locked, a write does it before the session is read.
    locks = 0 if connection.features.has_select_for_update else 1
    looks = 1 if connection.vendor == "postgresql" else 0  # whether the payment is over
    assert queries(lambda: nd8.deliver(stranger)) == 57 + looks + locks + 9 * lines
    assert queries(lambda: nd8.deliver(stranger)) == 2
    assert queries(lambda: customer.client.get(f"/nd8/return/{session.token}/success/")) == 4


def test_a_notification_that_says_nothing_new(customer: Shopper, nd8: ND8, goods: list[Any]) -> None:
    filled(customer, goods, 1).pay_now()
    nd8.outcome(PaymentSession.objects.get())
    stranger = Shopper().client
    nd8.deliver(stranger)
    body, headers = nd8.notification()
    asked, before = nd8.calls("getPaymentById"), Payment.objects.get().asked_at
    again = headers | {"X-Webhook-Delivery-Id": "another"}

    # It is stored; what is known of it is read; that ND8 said so again, and when, is written. Else it takes the road.
    expected = 3 if connection.vendor == "postgresql" else 6
    assert queries(lambda: post_webhook(stranger, body, again)) == expected
    assert nd8.calls("getPaymentById") == asked + 1
    assert Payment.objects.filter(asked_at__gt=before).exists()


def test_oscars_own_placement_grows_faster(nd8: ND8, goods: list[Any]) -> None:
    def place(lines: int) -> int:
        shopper = filled(Shopper(email=f"{lines}@example.com"), goods, lines)
        shopper.client.post("/checkout/payment-method/", {"method": "invoice"})
        return queries(shopper.pay_now)

    assert (place(11) - place(1)) / 10 >= 11


def test_a_refused_notification_makes_no_query(nd8: ND8, db: None) -> None:
    client = Shopper().client
    assert queries(lambda: client.post("/nd8/webhook/", b"{}", content_type="application/json")) == 0
