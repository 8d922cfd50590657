"""A notification of a payment that is over: ND8 is asked, two rows say so; whatever else there is takes the road."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession, Refund, WebhookEvent
from oscar_nd8.services import confirm_payment, settle
from oscar_nd8.services.process_event import process_event
from oscar_nd8.services.refund import request_refund
from oscar_nd8.signals import event_processed, provider_called, work_finished
from oscar_nd8.testing import ND8, Shopper, post_webhook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

Order = get_model("order", "Order")


@pytest.fixture(params=[None, 0], ids=["", "prepared"], autouse=True)
def prepare_threshold(request: Any) -> Iterator[None]:
    """What the shop's OPTIONS say of prepared statements; of those that are logged none is one."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = request.param
    yield
    connection.close()


@pytest.fixture
def placed(session: PaymentSession, nd8: ND8) -> PaymentSession:
    """Paid, placed, booked and mailed."""
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200
    session.refresh_from_db()
    assert (session.status, session.due_at) == ("placed", None)
    return session


def told_again(nd8: ND8, *, first: bool = False) -> int:
    """The latest message as another delivery, or the first; the status of the shop's answer."""
    body, headers = nd8.notification(0 if first else -1)
    return int(post_webhook(Shopper().client, body, headers | {"X-Webhook-Delivery-Id": str(uuid4())}).status_code)


def kinds(captured: CaptureQueriesContext) -> list[str]:
    """The first word of each statement: WITH is the one that confirms."""
    return [str(query["sql"]).split()[0] for query in captured]


@contextmanager
def while_nd8_is_asked(do: Any) -> Iterator[None]:
    """Somebody else does something just when ND8 has given its answer."""

    def act(**_kwargs: Any) -> None:
        provider_called.disconnect(act)
        do()

    provider_called.connect(act)
    try:
        yield
    finally:
        provider_called.disconnect(act)


def test_it_reads_once_asks_once_and_writes_once(placed: PaymentSession, nd8: ND8) -> None:
    asked, before = nd8.calls("getPaymentById"), Payment.objects.get()
    placed.refresh_from_db()
    rows = PaymentSession.objects.values().get(), Order.objects.values().get()
    with CaptureQueriesContext(connection) as captured:
        assert told_again(nd8) == 200
    assert kinds(captured) == ["INSERT", "SELECT", "WITH"]
    assert nd8.calls("getPaymentById") == asked + 1

    event, after = WebhookEvent.objects.latest("pk"), Payment.objects.get()
    assert (event.status, event.attempts, event.last_error, event.due_at) == ("processed", 1, "", None)
    assert event.processed_at is not None
    assert after.asked_at is not None
    assert before.asked_at is not None
    assert before.asked_at < after.asked_at <= event.processed_at
    before.asked_at = after.asked_at
    assert vars(after) | {"_state": None} == vars(before) | {"_state": None}
    assert (PaymentSession.objects.values().get(), Order.objects.values().get()) == rows
    assert len(mail.outbox) == 1


def test_it_is_told_to_whoever_counts_like_any_other(placed: PaymentSession, nd8: ND8) -> None:
    heard: list[tuple[str, str]] = []

    def hear_event(*, outcome: str, **_kwargs: Any) -> None:
        heard.append(("event", outcome))

    def hear_work(*, work: str, outcome: str, **_kwargs: Any) -> None:
        heard.append((work, outcome))

    event_processed.connect(hear_event)
    work_finished.connect(hear_work)
    told_again(nd8)
    assert heard == [("settle", "placed"), ("event", "processed")]


def test_news_goes_down_the_road_with_the_answer_that_it_has(placed: PaymentSession, nd8: ND8) -> None:
    # Staff refunded in ND8's dashboard, and no message about that has arrived yet.
    nd8.refund(placed)
    asked = nd8.calls("getPaymentById")
    assert told_again(nd8, first=True) == 200
    assert nd8.calls("getPaymentById") == asked + 1
    assert Payment.objects.get().state == "refunded"
    assert Refund.objects.get().status == "completed"


def test_an_answer_that_may_be_outdated_writes_nothing_over_a_newer_one(placed: PaymentSession, nd8: ND8) -> None:
    later = timezone.now() + timedelta(seconds=5)
    with while_nd8_is_asked(lambda: Payment.objects.update(asked_at=later)):
        assert told_again(nd8) == 200
    assert Payment.objects.get().asked_at == later
    event = WebhookEvent.objects.latest("pk")
    assert (event.status, event.attempts, event.due_at) == ("processed", 1, None)


def test_where_nd8_does_not_answer_the_notification_is_kept_and_due(placed: PaymentSession, nd8: ND8) -> None:
    asked_at = Payment.objects.get().asked_at
    nd8.fault("getPaymentById", "500", times=1000)
    assert told_again(nd8) == 503
    event = WebhookEvent.objects.latest("pk")
    assert (event.status, event.attempts) == ("failed", 1)
    assert event.due_at is not None
    assert Payment.objects.get().asked_at == asked_at


@pytest.mark.parametrize(
    ("session_has", "payment_has"),
    [
        ({"due_at": timezone.now()}, {}),
        ({"mailed_at": None, "mail_claimed_at": None}, {}),
        ({}, {"debited_at": None}),
        ({}, {"debited_at": None, "deposit": "pending"}),
        ({}, {"state": "unknown"}),
    ],
    ids=["due", "not mailed", "not booked", "deposit pending", "an odd word"],
)
def test_whatever_is_open_is_finished_on_the_road(
    placed: PaymentSession, nd8: ND8, session_has: dict[str, Any], payment_has: dict[str, Any]
) -> None:
    for rows, have in ((PaymentSession.objects.all(), session_has), (Payment.objects.all(), payment_has)):
        if have:
            rows.update(**have)
    with CaptureQueriesContext(connection) as captured:
        assert told_again(nd8) == 200
    assert "WITH" not in kinds(captured)

    payment, session = Payment.objects.get(), PaymentSession.objects.get()
    assert (session.status, payment.state, payment.deposit, session.due_at) == ("placed", "paid", "succeeded", None)
    assert None not in {payment.debited_at, session.mailed_at}
    assert Order.objects.count() == 1


def test_money_that_went_back_without_its_refund_is_looked_for_on_the_road(placed: PaymentSession, nd8: ND8) -> None:
    """Whoever wrote down that it is refunded could not find the refund then."""
    nd8.refund(placed)
    Payment.objects.update(state="refunded", raw_status="refunded")
    assert told_again(nd8, first=True) == 200
    assert Refund.objects.get().status == "completed"


def test_another_payment_of_the_session_sends_it_down_the_road(placed: PaymentSession, nd8: ND8) -> None:
    second = nd8.outcome(placed, new_transaction=True)
    nd8.deliver(Shopper().client)
    assert Payment.objects.count() == 2
    PaymentSession.objects.update(due_at=None)
    Payment.objects.filter(transaction_id=second).update(asked_at=None)
    with CaptureQueriesContext(connection) as captured:
        assert told_again(nd8, first=True) == 200
    assert "WITH" not in kinds(captured)
    assert Payment.objects.get(transaction_id=second).asked_at is not None


def test_a_message_about_a_refund_is_one_whatever_else_it_names(placed: PaymentSession, nd8: ND8) -> None:
    refund_id = nd8.refund(placed, amount="1.00")
    event = WebhookEvent.objects.create(
        delivery_id="all three",
        body="{}",
        checkout_id=placed.checkout_id,
        transaction_id=Payment.objects.get().transaction_id,
        refund_id=refund_id,
    )
    process_event(event)
    assert Refund.objects.get().refund_id == refund_id


def test_a_sale_by_link_takes_the_road(placed: PaymentSession, nd8: ND8) -> None:
    links = {"gateway": "nd8", "link_id": uuid4(), "name": "Mug", "currency": "USD", "asked_at": timezone.now()}
    link = PaymentLink.objects.create(**links)
    PaymentSession.objects.update(status="sold", link=link, order=None, placed_at=None)
    with CaptureQueriesContext(connection) as captured:
        assert told_again(nd8) == 200
    assert "WITH" not in kinds(captured)
    assert PaymentSession.objects.get().status == "sold"


def test_what_is_compared_is_read_in_the_order_in_which_the_model_has_it() -> None:
    order = [field.attname for field in Payment._meta.concrete_fields]
    assert sorted(confirm_payment._SAID, key=order.index) == list(confirm_payment._SAID)
    reported = {*settle.REPORTED} - {"fee"}
    assert reported | {"id"} == set(confirm_payment._SAID)


def test_what_failed_before_takes_the_road(placed: PaymentSession, nd8: ND8) -> None:
    nd8.fault("getPaymentById", "500", times=1000)
    assert told_again(nd8) == 503
    nd8.fault("getPaymentById", "500", times=0)
    event = WebhookEvent.objects.latest("pk")
    with CaptureQueriesContext(connection) as captured:
        process_event(event)
    assert "WITH" not in kinds(captured)
    event.refresh_from_db()
    assert (event.status, event.attempts, event.due_at) == ("processed", 2, None)


def test_a_matter_about_a_message_that_could_not_be_processed_is_closed(placed: PaymentSession, nd8: ND8) -> None:
    PaymentSession.objects.update(created_at=timezone.now() - timedelta(hours=2))
    transaction_id = Payment.objects.get().transaction_id
    matter = Attention.objects.create(
        session=placed, kind=Attention.Kind.UNPROCESSED, subject=transaction_id, detail="It failed for an hour."
    )
    assert told_again(nd8) == 200
    matter.refresh_from_db()
    assert matter.resolution == "by_itself"


def test_a_payment_with_a_refund_takes_the_road_where_refunds_are_finished(placed: PaymentSession, nd8: ND8) -> None:
    asked = request_refund(Payment.objects.get(), amount=100, reason="It was broken.")
    nd8.control(f"refunds/{asked.refund_id}/outcome", status="completed")
    nd8.deliver(Shopper().client)
    # Whoever booked and mailed it died before it was written down.
    Refund.objects.update(booked_at=None, due_at=timezone.now())
    assert told_again(nd8, first=True) == 200
    done = Refund.objects.get()
    assert (done.status, done.due_at) == ("completed", None)
    assert done.booked_at is not None


def test_a_transaction_of_another_checkout_is_not_taken_for_it(placed: PaymentSession, nd8: ND8) -> None:
    payment = Payment.objects.get()
    event = WebhookEvent.objects.create(
        delivery_id="odd", body="{}", checkout_id="elsewhere", transaction_id=payment.transaction_id
    )
    with CaptureQueriesContext(connection) as captured:
        process_event(event)
    assert "WITH" not in kinds(captured)
    event.refresh_from_db()
    assert event.status == "processed"
    assert Payment.objects.get().session == placed
