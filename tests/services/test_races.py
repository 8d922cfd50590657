"""Everything at once, on the real concurrency of PostgreSQL: still one order, one mail, one charge."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from oscar.core.loading import get_model

from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.services.settle import settle
from oscar_nd8.testing import ND8, Shopper, post_webhook
from tests.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

Order = get_model("order", "Order")


@pytest.fixture
def session(guest: Shopper, mug: Any) -> PaymentSession:
    """An open payment."""
    guest.add(mug, 2).go_to_preview()
    guest.pay_now()
    return PaymentSession.objects.get()


def exactly_one_order(session: PaymentSession, mails: list[Any]) -> None:
    """One order, booked once, told once."""
    session.refresh_from_db()
    order = Order.objects.get()
    assert (session.status, session.order_id) == ("placed", order.pk)
    assert order.sources.get().transactions.count() == 2
    assert order.payment_events.count() == 2
    assert [mail.to for mail in mails] == [["guest@example.com"]]
    assert list(order.lines.values_list("stockrecord__num_allocated", flat=True)) == [2]


def test_these_tests_run_on_postgresql() -> None:
    assert connection.vendor == "postgresql"


def test_eight_webhooks_and_returns_at_once_place_one_order(
    guest: Shopper, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session)
    body, headers = nd8.notification()

    def deliver(number: int) -> Callable[[], Any]:
        sent = {**headers, "X-Webhook-Delivery-Id": f"delivery-{number}"}
        return lambda: post_webhook(Shopper().client, body, sent).status_code

    def come_back() -> int:
        return guest.client.get(f"/nd8/return/{session.token}/success/").status_code

    answers = at_once(*(deliver(number) for number in range(6)), come_back, lambda: settle(session).pk)

    assert answers[:6] == [200] * 6
    assert answers[6] in {200, 302}
    exactly_one_order(session, mailoutbox)


def test_the_same_delivery_eight_times_at_once_is_stored_once(
    session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session)
    body, headers = nd8.notification()

    answers = at_once(*[lambda: post_webhook(Shopper().client, body, headers).status_code] * 8)

    assert answers == [200] * 8
    assert WebhookEvent.objects.count() == 1
    exactly_one_order(session, mailoutbox)


def test_a_double_submit_begins_one_payment(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.add(mug).go_to_preview()
    cookies = guest.client.cookies

    def click() -> str:
        tab = Shopper()
        tab.client.cookies = cookies
        return str(tab.pay_now()["Location"])

    locations = at_once(*[click] * 4)

    session = PaymentSession.objects.get()
    assert locations == [session.checkout_url] * 4
    assert nd8.calls("createPayment") == 1


def test_four_shoppers_paid_at_once_have_an_order_each(nd8: ND8, mug: Any) -> None:
    shoppers = [Shopper(email=f"{name}@example.com") for name in ("a", "b", "c", "d")]
    for shopper in shoppers:
        shopper.add(mug).go_to_preview()
        shopper.pay_now()
    for session in PaymentSession.objects.all():
        nd8.outcome(session)
    deliveries = [nd8.notification(index) for index in range(4)]

    answers = at_once(*(lambda each=each: post_webhook(Shopper().client, *each).status_code for each in deliveries))

    assert answers == [200] * 4
    assert sorted(Order.objects.values_list("guest_email", flat=True)) == sorted(each.email for each in shoppers)
    assert mug.stockrecords.get().num_allocated == 4
