"""Everything at once, on the real concurrency of PostgreSQL: still one order, one mail, one charge."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.services.settle import ask, settle
from oscar_nd8.states import PaymentState
from oscar_nd8.testing import ND8, Shopper, make_session, post_webhook
from tests.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

Order = get_model("order", "Order")


@pytest.fixture
def session(guest: Shopper, mug: Any) -> PaymentSession:
    """An open payment."""
    return guest.begin_payment(mug, 2)


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


def test_webhook_return_and_two_reconcilers_at_once_place_one_order(
    guest: Shopper, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    nd8.outcome(session)
    body, headers = nd8.notification()

    def come_back() -> int:
        return guest.client.get(f"/nd8/return/{session.token}/success/").status_code

    def sweep() -> str:
        return reconcile(everything=True, workers=2).stopped

    answers = at_once(lambda: post_webhook(Shopper().client, body, headers).status_code, come_back, sweep, sweep, sweep)

    assert answers[0] == 200
    assert answers[2:] == [""] * 3
    exactly_one_order(session, mailoutbox)
    reconcile(everything=True)
    assert not PaymentSession.objects.filter(due_at__isnull=False).exists()


def test_two_reconcilers_at_once_share_what_is_due(nd8: ND8, mug: Any, mailoutbox: list[Any]) -> None:
    for number in range(8):
        shopper = Shopper(email=f"{number}@example.com")
        shopper.add(mug).go_to_preview()
        shopper.pay_now()
        session = PaymentSession.objects.latest("pk")
        nd8.outcome(session, "processing")
        nd8.deliver(shopper.client)
        nd8.outcome(session)
    PaymentSession.objects.update(due_at=timezone.now())
    asked = nd8.calls("getPaymentById")

    summaries = at_once(*[lambda: reconcile(workers=2)] * 2)

    assert sum(summary.looked_at for summary in summaries) == 8
    assert sum(summary.done[Done.PLACED] for summary in summaries) == 8
    assert nd8.calls("getPaymentById") - asked == 8
    assert Order.objects.count() == len(mailoutbox) == 8


def test_the_first_payments_of_a_new_shop_may_all_come_at_once(nd8: ND8, mug: Any) -> None:
    SourceType = get_model("payment", "SourceType")
    for name in "ab":
        SourceType.objects.create(name="ND8", code=name)  # as two that both found none
    session = make_session(nd8, "paid", product=mug)
    assert session.order is not None
    assert session.order.sources.get().source_type.code == "a"


def test_two_different_notifications_of_one_payment_at_once(
    session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session, "declined_then_paid")
    deliveries = [nd8.notification(index) for index in (-2, -1)] * 2
    answers = at_once(
        *(
            lambda number=number, each=each: (
                post_webhook(
                    Shopper().client, each[0], {**each[1], "X-Webhook-Delivery-Id": f"delivery-{number}"}
                ).status_code
            )
            for number, each in enumerate(deliveries)
        )
    )

    assert answers == [200] * 4
    exactly_one_order(session, mailoutbox)


def test_an_answer_that_waited_while_another_was_noted_is_not_believed(
    session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    payment = session.payments.get()
    answer = ask("nd8", payment.transaction_id, known=payment)
    outdated = replace(answer, report=replace(answer.report, state=PaymentState.FAILED, raw_status="failed"))
    asked = nd8.calls("getPaymentById")
    noted = Event()

    def note() -> None:
        with transaction.atomic():
            Payment.objects.update(asked_at=timezone.now())
            noted.set()
            until = monotonic() + 20
            while not waiting_for_a_lock() and monotonic() < until:
                sleep(0.01)

    def write() -> None:
        noted.wait(timeout=20)
        settle(session, answers=[outdated])

    at_once(note, write)

    assert nd8.calls("getPaymentById") == asked + 1
    assert Payment.objects.get().state == "paid"
    assert session.attentions.count() == 0
    exactly_one_order(session, mailoutbox)


def waiting_for_a_lock() -> bool:
    """Whether anybody is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")
        return cursor.fetchone() is not None


def test_a_late_payment_and_the_deletion_of_its_frozen_basket_at_once(
    session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    PaymentSession.objects.update(
        status="expired", created_at=long_ago, expires_at=long_ago, closed_at=long_ago, due_at=long_ago
    )
    nd8.outcome(session)
    body, headers = nd8.notification()

    at_once(
        lambda: post_webhook(Shopper().client, body, headers).status_code,
        reconcile,
        lambda: settle(PaymentSession.objects.get()),
    )
    reconcile(everything=True)

    exactly_one_order(session, mailoutbox)
