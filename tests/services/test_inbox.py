"""Notifications are stored first and processed after: now, by a worker, by the reconciler, or by a person."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks.exceptions import InvalidTaskError
from oscar.core.loading import get_model

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, PaymentSession, StaffAction, WebhookEvent
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.examine_records import examine_records
from oscar_nd8.services.receive_event import receive_event
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.services.replay_event import replay_event
from oscar_nd8.tasks import reconcile_what_is_due
from oscar_nd8.testing import ND8, Shopper, make_session, make_user, post_webhook

pytestmark = pytest.mark.django_db(transaction=True)

Order = get_model("order", "Order")


DATABASE_QUEUE, INBOX = "django_tasks_db.DatabaseBackend", "oscar_nd8.inbox.InboxBackend"
WORKERS: dict[str, tuple[str, dict[str, Any]]] = {
    DATABASE_QUEUE: ("db_worker", {"batch": True, "interval": 0, "startup_delay": False, "verbosity": 0}),
    INBOX: ("nd8_work", {"batch": True}),
}


@pytest.fixture(params=[DATABASE_QUEUE, INBOX])
def queue(request: Any, settings: Any) -> None:
    """A queue in the shop's own database, chosen by settings alone."""
    settings.TASKS = {"default": {"BACKEND": request.param}}


@pytest.fixture
def database_queue(settings: Any) -> None:
    """One that takes any task."""
    settings.TASKS = {"default": {"BACKEND": DATABASE_QUEUE}}


@pytest.fixture
def inbox(settings: Any) -> None:
    """The stored notifications themselves."""
    settings.TASKS = {"default": {"BACKEND": INBOX}}


@contextmanager
def down(nd8: ND8, *, kind: str = "500") -> Iterator[None]:
    """ND8 answers no question as long as it lasts, or in a way that nobody can read."""
    nd8.fault("getPaymentById", kind, times=1000)
    yield
    nd8.fault("getPaymentById", kind, times=0)


def work() -> None:
    """What a worker does until nothing is left."""
    command, options = WORKERS[settings.TASKS["default"]["BACKEND"]]
    call_command(command, **options)


def received(nd8: ND8) -> WebhookEvent:
    """The latest notification: stored, and then whoever should process it died."""
    return receive_event(*nd8.notification(), gateway_code="nd8")


def forget_checkouts() -> None:
    """As a shop that was restored from yesterday's backup."""
    PaymentSession.objects.update(checkout_id="", status="failed")


def test_a_worker_processes_what_the_webhook_only_stored(queue: None, session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    asked = nd8.calls("getPaymentById")
    assert nd8.deliver(Shopper().client).status_code == 200
    assert (WebhookEvent.objects.get().status, Order.objects.count()) == ("received", 0)
    assert nd8.calls("getPaymentById") == asked

    work()

    assert (WebhookEvent.objects.get().status, Order.objects.count()) == ("processed", 1)
    assert len(mail.outbox) == 1


def test_what_is_stored_is_what_the_model_itself_would_store(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    returned = received(nd8)
    stored = WebhookEvent.objects.get()
    assert model_to_dict(returned) == model_to_dict(stored)
    assert returned.received_at == stored.received_at <= timezone.now()
    assert timezone.now() - stored.received_at < timedelta(minutes=1)

    by_django = WebhookEvent.objects.create(
        delivery_id="another",
        name=stored.name,
        body=stored.body,
        checkout_id=stored.checkout_id,
        transaction_id=stored.transaction_id,
    )
    by_django.refresh_from_db()
    own = {"id", "delivery_id", "received_at", "due_at"}
    names = [field.attname for field in WebhookEvent._meta.concrete_fields if field.attname not in own]
    assert [getattr(stored, name) for name in names] == [getattr(by_django, name) for name in names]
    assert stored.due_at is not None


def test_a_delivery_that_came_before_breaks_no_transaction_around_it(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    message = nd8.notification()
    with transaction.atomic():
        first, again = (receive_event(*message, gateway_code="nd8") for _ in range(2))
        assert WebhookEvent.objects.get() == first == again
    assert WebhookEvent.objects.get().delivery_id == first.delivery_id


def test_what_a_dead_worker_left_is_processed_by_the_reconciler_and_once(
    queue: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    assert reconcile().done[Done.PLACED] == 1
    work()

    assert Order.objects.count() == len(mail.outbox) == 1


def test_the_stored_notification_is_the_queue_and_nothing_else_is_written(
    inbox: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    asked = nd8.calls("getPaymentById")
    with CaptureQueriesContext(connection) as captured:
        assert nd8.deliver(Shopper().client).status_code == 200
    assert [query["sql"].split()[0] for query in captured] == ["INSERT"]
    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts) == ("received", 0)
    assert event.due_at is not None
    assert event.due_at <= timezone.now()
    assert nd8.calls("getPaymentById") == asked


def test_a_task_that_would_be_lost_in_the_inbox_is_refused(inbox: None) -> None:
    with pytest.raises(InvalidTaskError, match=r"keeps ND8's notifications only.*task\.using\(backend=\.\.\.\)"):
        reconcile_what_is_due.enqueue()


def test_a_worker_processes_what_failed_before_once_it_is_due_and_what_is_not_it_leaves(
    inbox: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    with down(nd8):
        work()
    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts) == ("failed", 1)

    work()
    assert WebhookEvent.objects.get().attempts == 1
    assert not Order.objects.exists()

    WebhookEvent.objects.update(due_at=timezone.now())
    work()
    assert (WebhookEvent.objects.get().status, Order.objects.count()) == ("processed", 1)


def end_it_once_it_has_processed() -> None:
    """Tell the worker of this very process to end, from a thread beside it; after half a minute at the latest."""
    latest = monotonic() + 30
    while WebhookEvent.objects.get().status == "received" and monotonic() < latest:
        sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    connections.close_all()


def test_a_worker_stays_until_it_is_told_to_end_and_ends_at_once(
    inbox: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def come_and_go() -> None:
        nd8.deliver(Shopper().client)
        end_it_once_it_has_processed()

    somebody = Thread(target=come_and_go)
    somebody.start()
    call_command("nd8_work", interval=0.1)
    somebody.join()

    assert (WebhookEvent.objects.get().status, Order.objects.count(), len(mail.outbox)) == ("processed", 1, 1)
    assert {number: signal.getsignal(number) for number in before} == before


def test_while_nd8_asks_to_wait_a_worker_leaves_the_others_as_they_came_and_says_so(
    inbox: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    for _ in range(3):
        body, headers = nd8.notification()
        post_webhook(Shopper().client, body, headers | {"X-Webhook-Delivery-Id": str(uuid4())})
    nd8.fault("getPaymentById", "429", times=100)
    with pytest.raises(CommandError) as ended:
        work()
    assert str(ended.value) == "ND8 asks us to wait for 1 seconds (429). What is stored stays due."
    # One was asked about, and the others are left as they came.
    assert Counter(WebhookEvent.objects.values_list("status", flat=True)) == {"failed": 1, "received": 2}


def test_a_database_that_does_not_answer_is_said_and_loses_nothing(
    inbox: None, session: PaymentSession, nd8: ND8, caplog: Any
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    before = WebhookEvent.objects.values().get()

    def refuse(*_args: Any) -> None:
        raise OperationalError("terminating connection due to administrator command")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError, match="The database does not answer"):
        work()

    assert "Notifications cannot be read" in caplog.text
    assert WebhookEvent.objects.values().get() == before
    work()
    assert (WebhookEvent.objects.get().status, Order.objects.count()) == ("processed", 1)


def test_a_worker_that_stays_tries_again_once_the_database_answers(
    inbox: None, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    refused: list[Any] = []

    def refuse_once(execute: Any, *statement: Any) -> Any:
        if not refused:
            refused.append(statement)
            raise OperationalError("terminating connection due to administrator command")
        return execute(*statement)

    somebody, told = Thread(target=end_it_once_it_has_processed), StringIO()
    somebody.start()
    with connection.execute_wrapper(refuse_once):
        call_command("nd8_work", interval=0.1, stderr=told)
    somebody.join()
    assert told.getvalue().count("The database does not answer") == 1
    assert Order.objects.count() == 1


@pytest.mark.parametrize("interval", ["0", "-1", "3601", "soon", "nan"])
def test_an_interval_that_makes_no_sense_is_refused(interval: str) -> None:
    with pytest.raises(CommandError, match="--interval: give seconds"):
        call_command("nd8_work", "--interval", interval)


def test_while_the_queue_is_down_nd8_is_asked_to_send_again_and_nothing_is_lost(
    session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.TASKS = {"default": {"BACKEND": "tests.shops.queue.Refusing"}}
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 503
    assert WebhookEvent.objects.get().status == "received"
    assert reconcile().done[Done.PLACED] == 1


def test_a_schedule_can_enqueue_the_reconciler_itself(database_queue: None, session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    received(nd8)
    result = reconcile_what_is_due.enqueue()
    work()
    result.refresh()
    assert result.return_value == {
        "notifications processed": 1,
        "orders placed": 1,
        "deposits booked": 1,
        "mails sent": 1,
    }


def test_a_failure_is_kept_with_its_reason_and_tried_again_ever_more_rarely(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    event = received(nd8)
    waits = []
    for _ in range(4):
        with down(nd8):
            reconcile(everything=True)
        event.refresh_from_db()
        assert event.due_at is not None
        waits.append(round((event.due_at - timezone.now()).total_seconds() / 60))
    assert waits == [1, 2, 4, 8]
    assert (event.status, event.attempts) == ("failed", 4)
    assert "ProviderUnavailable" in event.last_error

    assert reconcile(everything=True).done[Done.PLACED] == 1
    event.refresh_from_db()
    assert (event.status, event.last_error, event.due_at) == ("processed", "", None)


def test_after_its_time_a_failure_is_kept_and_tried_no_more(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    event = received(nd8)
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(days=31))
    with down(nd8):
        reconcile()
    event.refresh_from_db()
    assert (event.status, event.due_at) == ("failed", None)


def age(span: timedelta) -> None:
    """Let all of it have happened so long ago."""
    WebhookEvent.objects.update(received_at=timezone.now() - span)
    PaymentSession.objects.update(created_at=timezone.now() - span)


def test_what_cannot_be_processed_for_an_hour_is_told_to_staff_once_until_it_can(
    session: PaymentSession, nd8: ND8
) -> None:
    transaction_id = nd8.outcome(session)
    received(nd8)
    with down(nd8, kind="wrong_types"):
        age(timedelta(minutes=50))
        assert reconcile(everything=True).postponed
        assert not Attention.objects.exists()
        for hours in (1, 2):
            age(timedelta(hours=hours))
            reconcile(everything=True)
    matter = Attention.objects.get()
    assert (matter.session, matter.kind, matter.subject) == (session, "unprocessed", transaction_id)
    assert "unreadable" in matter.detail
    assert Order.objects.count() == 0

    assert reconcile(everything=True).done[Done.PLACED] == 1
    matter.refresh_from_db()
    assert matter.resolution == "by_itself"


def test_that_nd8_is_down_is_told_to_staff_after_a_day(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    received(nd8)
    with down(nd8):
        age(timedelta(hours=23))
        reconcile(everything=True)
        assert not Attention.objects.exists()
        age(timedelta(hours=24))
        reconcile(everything=True)
    assert Attention.objects.get().kind == "unprocessed"


def test_what_was_given_up_stays_with_staff_until_somebody_asks_nd8_again(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    event = received(nd8)
    with down(nd8, kind="wrong_types"):
        age(timedelta(days=31))
        reconcile(everything=True)
    event.refresh_from_db()
    assert (event.status, event.due_at) == ("failed", None)
    Attention.objects.update(created_at=timezone.now() - timedelta(days=30))
    assert "1 matter has waited for staff" in " ".join(each.fact for each in examine_records() if each.needs_somebody)

    ask_again(session, by=None)

    session.refresh_from_db()
    assert (session.status, Attention.objects.get().resolution) == ("placed", "by_itself")


def test_a_message_about_an_unknown_checkout_that_cannot_be_looked_into_is_told_too(
    session: PaymentSession, nd8: ND8
) -> None:
    transaction_id = nd8.outcome(session)
    received(nd8)
    forget_checkouts()
    with down(nd8, kind="wrong_types"):
        age(timedelta(hours=2))
        reconcile(everything=True)
    matter = Attention.objects.get(kind="unprocessed")
    assert (matter.session, matter.subject) == (None, transaction_id)

    reconcile(everything=True)
    matter.refresh_from_db()
    assert matter.resolution == "by_itself"
    assert Attention.objects.get(resolved_at=None).kind == "unknown_checkout"


def test_a_paid_transaction_of_an_unknown_checkout_is_told_to_staff_once(session: PaymentSession, nd8: ND8) -> None:
    transaction_id = nd8.outcome(session)
    checkout_id = session.checkout_id
    forget_checkouts()

    assert nd8.deliver(Shopper().client).status_code == 200
    reconcile(everything=True)

    matter = Attention.objects.get()
    assert (matter.kind, matter.session, matter.subject) == ("unknown_checkout", None, checkout_id)
    assert transaction_id in matter.detail
    event = WebhookEvent.objects.get()
    assert (event.status, event.due_at) == ("unmatched", None)
    assert Order.objects.count() == 0


@pytest.mark.parametrize("outcome", ["failed", "canceled", "processing"])
def test_an_unknown_checkout_without_money_concerns_nobody(session: PaymentSession, nd8: ND8, outcome: str) -> None:
    nd8.outcome(session, outcome)
    forget_checkouts()
    assert nd8.deliver(Shopper().client).status_code == 200
    assert Attention.objects.count() == 0


def test_where_shops_share_an_account_unknown_checkouts_are_kept_and_not_asked_about(
    session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "TELL_UNKNOWN_CHECKOUTS": False}
    nd8.outcome(session)
    forget_checkouts()
    asked = nd8.calls("getPaymentById")
    assert nd8.deliver(Shopper().client).status_code == 200
    assert WebhookEvent.objects.get().status == "unmatched"
    assert Attention.objects.count() == 0
    assert nd8.calls("getPaymentById") == asked


def test_an_unknown_checkout_is_looked_into_when_nd8_answers_again(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    forget_checkouts()
    with down(nd8):
        assert nd8.deliver(Shopper().client).status_code == 503
    assert Attention.objects.count() == 0

    reconcile(everything=True)

    assert Attention.objects.get().kind == "unknown_checkout"


def test_a_notification_that_overtakes_its_session_waits_for_it(session: PaymentSession, nd8: ND8) -> None:
    checkout_id = session.checkout_id
    PaymentSession.objects.update(status="new", checkout_id="")
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200
    event = WebhookEvent.objects.get()
    assert event.status == "unmatched"
    assert event.due_at is not None

    PaymentSession.objects.update(status="open", checkout_id=checkout_id)
    assert reconcile(everything=True).done[Done.PLACED] == 1
    assert Attention.objects.count() == 0


def test_a_payment_made_before_the_shop_knew_its_page_is_found_when_the_answer_comes(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    guest.add(mug).go_to_preview()
    nd8.fault("createPayment", "slow", seconds=4)
    answers: list[Any] = []

    def pay_now() -> None:
        try:
            answers.append(guest.pay_now())
        finally:
            connections.close_all()

    slow = Thread(target=pay_now)
    slow.start()
    while not nd8.checkouts:
        pass
    nd8.control(f"checkouts/{nd8.checkouts[0]['checkout_id']}/outcome", outcome="paid")
    assert nd8.deliver(Shopper().client).status_code == 200
    assert WebhookEvent.objects.get().status == "unmatched"
    slow.join(timeout=20)

    session = PaymentSession.objects.get()
    assert session.status == "placed"
    assert answers[0]["Location"] == f"/nd8/return/{session.token}/success/"
    assert Attention.objects.count() == 0


def test_a_kind_of_message_that_nd8_invents_tomorrow_is_kept_and_never_looked_at_again(
    session: PaymentSession, nd8: ND8
) -> None:
    event = WebhookEvent.objects.create(delivery_id="d", name="payout.created", body="{}")
    assert reconcile().looked_at == 1
    event.refresh_from_db()
    assert (event.status, event.due_at, event.last_error) == ("ignored", None, "")


def test_old_notifications_that_are_done_with_are_deleted_and_others_are_kept(nd8: ND8) -> None:
    now = timezone.now()
    for status in ("processed", "ignored", "failed", "unmatched"):
        for days in (179, 181):
            WebhookEvent.objects.create(
                delivery_id=f"{status}-{days}", name="x", status=status, due_at=None, received_at=now - timedelta(days)
            )

    assert reconcile().done == {Done.FORGOTTEN: 2}

    kept = set(WebhookEvent.objects.values_list("delivery_id", flat=True))
    assert kept == {"processed-179", "ignored-179", "failed-179", "failed-181", "unmatched-179", "unmatched-181"}


def told(*arguments: str) -> list[str]:
    """What `nd8_replay` prints."""
    out = StringIO()
    call_command("nd8_replay", *arguments, stdout=out, stderr=out)
    return out.getvalue().splitlines()


def test_replaying_does_what_is_missing_and_nothing_twice(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    event = received(nd8)
    for _ in range(3):
        assert told(event.delivery_id)[-1] == "1 processed"
    assert Order.objects.count() == len(mail.outbox) == 1
    assert Order.objects.get().sources.get().transactions.count() == 2
    assert [action.user_name for action in StaffAction.objects.filter(verb="replay")] == [""] * 3


def test_notifications_are_chosen_by_all_that_is_given(nd8: ND8) -> None:
    today = timezone.localdate()
    first, second = make_session(nd8, "paid"), make_session(nd8, "failed")
    assert told("--checkout", first.checkout_id, "--dry-run")[-1] == "1 processed"
    assert told("--status", "processed", "--dry-run")[-1] == "2 processed"
    assert told("--status", "failed", "--status", "unmatched") == ["None found."]
    assert told("--checkout", second.checkout_id, "--status", "failed") == ["None found."]
    assert told("--since", today.isoformat(), "--dry-run")[-1] == "2 processed"
    assert told("--since", (today + timedelta(days=2)).isoformat()) == ["None found."]
    assert StaffAction.objects.count() == 0


def test_replaying_everything_must_be_said(nd8: ND8) -> None:
    with pytest.raises(CommandError, match="Say which notifications"):
        told()
    with pytest.raises(CommandError, match="invalid"):
        told("--since", "yesterday")


def test_a_replay_that_cannot_be_finished_says_so_and_is_due_again(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    event = received(nd8)
    with down(nd8), pytest.raises(CommandError, match="1 could not be processed"):
        told(event.delivery_id)
    event.refresh_from_db()
    assert event.status == "failed"
    assert event.due_at is not None


def test_a_replay_ends_where_all_others_would_fare_alike(nd8: ND8, settings: Any) -> None:
    make_session(nd8, "paid")
    make_session(nd8, "paid")
    settings.ND8 = {**settings.ND8, "API_KEY": "revoked"}
    with pytest.raises(CommandError, match="Ended early"):
        told("--status", "processed")
    assert StaffAction.objects.count() == 1


def test_staff_replay_by_name(session: PaymentSession, nd8: ND8) -> None:
    grace = make_user("grace@example.com")
    nd8.outcome(session)
    event = received(nd8)
    with down(nd8), pytest.raises(DecisionRefused, match="will be tried again by itself"):
        replay_event(event, by=grace)

    assert replay_event(event, by=grace) == "processed"

    action = StaffAction.objects.latest("pk")
    assert (action.verb, action.user, action.session, action.note) == ("replay", grace, session, event.delivery_id)
