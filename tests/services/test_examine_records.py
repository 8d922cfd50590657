"""What the shop's rows say about its health: when it is quiet, when it warns, when it cries."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.models import Attention, PaymentSession, Refund, WebhookEvent
from oscar_nd8.services.examine_records import alarms, examine_records
from oscar_nd8.states import EventStatus, SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.staff import NOON, make_payment, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
OK, WARNING, ERROR = Level.OK, Level.WARNING, Level.ERROR


def ago(**time: float) -> datetime:
    """A moment before the examination."""
    return NOON - timedelta(**time)


def found(subject: Subject) -> Finding:
    """What is said about one subject at noon."""
    return next(each for each in examine_records(clock=lambda: NOON) if each.subject is subject)


def opened(number: int, at: datetime, status: SessionStatus = S.OPEN, **facts: Any) -> None:
    """Payment pages that were opened at `at`."""
    for _each in range(number):
        make_session(f"{WebhookEvent.objects.count()}-{at}-{_each}", status, created_at=at, opened_at=at, due_at=None)


def event(at: datetime, status: EventStatus = EventStatus.PROCESSED, **facts: Any) -> WebhookEvent:
    """A notification that arrived at `at`."""
    facts = {"due_at": None, **facts}
    return WebhookEvent.objects.create(
        delivery_id=f"d-{WebhookEvent.objects.count()}", name="transaction.status_changed", received_at=at,
        status=status, **facts,
    )  # fmt: skip


def test_a_shop_where_nothing_happened_is_well() -> None:
    findings = examine_records(clock=lambda: NOON)
    assert [each.subject for each in findings] == [
        Subject.NOTIFICATIONS, Subject.QUEUE, Subject.RECONCILING, Subject.ORDERS_DUE, Subject.HELD, Subject.MATTERS,
    ]  # fmt: skip
    assert {each.level for each in findings} == {OK}
    assert {each.advice for each in findings} == {""}
    assert alarms(clock=lambda: NOON) == []


# Notifications


@pytest.mark.parametrize(("pages", "level"), [(0, OK), (1, WARNING), (4, WARNING), (5, ERROR)])
def test_a_shop_that_never_heard_of_nd8_says_so_at_its_first_page(pages: int, level: Level) -> None:
    opened(pages, ago(minutes=5))
    finding = found(Subject.NOTIFICATIONS)
    assert finding.level is level
    assert finding.fact.startswith("No notification of ND8's has ever arrived.")
    assert (f"{pages} payment page" in finding.fact) is (pages > 0)


@pytest.mark.parametrize(("pages", "level"), [(4, OK), (5, WARNING), (19, WARNING), (20, ERROR)])
def test_pages_without_a_word_since_the_last_notification_are_counted(pages: int, level: Level) -> None:
    event(ago(hours=3))
    opened(pages, ago(hours=2))
    finding = found(Subject.NOTIFICATIONS)
    assert finding.level is level
    assert finding.fact.startswith("The last notification of ND8's arrived 3 hours ago.")


def test_a_notification_within_the_hour_or_after_the_pages_is_enough() -> None:
    event(ago(minutes=59))
    opened(30, ago(minutes=30))
    assert found(Subject.NOTIFICATIONS).level is OK


def test_pages_before_the_last_notification_and_pages_of_last_month_do_not_count() -> None:
    opened(30, ago(days=30))
    assert found(Subject.NOTIFICATIONS).level is OK
    event(ago(hours=2))
    opened(30, ago(hours=3))
    assert found(Subject.NOTIFICATIONS).level is OK


def test_a_payment_that_nd8_never_opened_expects_no_notification() -> None:
    make_session("100001", S.FAILED, created_at=ago(hours=1), due_at=None)
    assert found(Subject.NOTIFICATIONS).level is OK


def test_a_silence_says_what_it_means_and_what_to_do() -> None:
    opened(6, ago(hours=1))
    finding = found(Subject.NOTIFICATIONS)
    assert finding.fact == (
        "No notification of ND8's has ever arrived. 6 payment pages were opened since. "
        "Shoppers who paid have no order until ND8 is heard."
    )
    assert finding.advice.startswith("Send a test notification from ND8's dashboard")
    assert alarms(clock=lambda: NOON) == [finding]


def test_a_shopper_who_paid_unheard_raises_the_alarm_and_the_notification_ends_it(
    guest: Shopper, mug: Any, nd8: ND8
) -> None:
    guest.add(mug).go_to_preview()
    guest.pay_now()
    nd8.outcome(PaymentSession.objects.get())
    assert [(each.subject, each.level) for each in alarms()] == [(Subject.NOTIFICATIONS, WARNING)]
    nd8.deliver_new()
    assert alarms() == []


# What waits


@pytest.mark.parametrize(("minutes", "level"), [(5, OK), (11, WARNING), (61, ERROR)], ids=["usual", "slow", "stuck"])
@pytest.mark.parametrize("status", [EventStatus.RECEIVED, EventStatus.FAILED])
def test_notifications_that_wait_are_counted_by_the_oldest(status: EventStatus, minutes: int, level: Level) -> None:
    event(ago(minutes=1), status, due_at=NOON)
    event(ago(minutes=minutes), status, due_at=NOON)
    event(ago(days=3))
    finding = found(Subject.QUEUE)
    assert finding.level is level
    assert finding.fact.startswith("2 notifications wait to be processed, the oldest for ")
    assert ("Processing failed for 2 of them." in finding.fact) is (status is EventStatus.FAILED)


@pytest.mark.parametrize(("hours", "level"), [(0.9, OK), (1.1, WARNING), (6.1, ERROR)])
@pytest.mark.parametrize("of", ["session", "event", "refund"])
def test_work_that_stays_due_shows_that_nobody_reconciles(of: str, hours: float, level: Level) -> None:
    due = ago(hours=hours)
    if of == "session":
        make_session("100001", S.EXPIRED, due_at=due)
    elif of == "event":
        event(ago(minutes=1), EventStatus.UNMATCHED, due_at=due)
    else:
        payment = make_payment(make_session("100001", S.PLACED, due_at=None))
        Refund.objects.create(payment=payment, reference="R-1", currency="USD", amount=100, due_at=due)
    finding = found(Subject.RECONCILING)
    assert finding.level is level
    assert (finding in alarms(clock=lambda: NOON)) is (level is not OK)
    assert ("it does not run, or ND8 does not answer it" in finding.fact) is (level is not OK)


def test_what_is_due_later_or_never_waits_for_nobody() -> None:
    make_session("100001", due_at=NOON + timedelta(minutes=1))
    make_session("100002", due_at=None)
    assert found(Subject.RECONCILING).fact == "Nothing waits for nd8_reconcile."


@pytest.mark.parametrize(("minutes", "level"), [(9, OK), (11, WARNING), (61, ERROR)])
def test_a_paid_payment_without_an_order_becomes_an_error(minutes: int, level: Level) -> None:
    make_session("100001", S.PAID, paid_at=ago(minutes=minutes), due_at=None)
    make_session("100002", S.PLACED, paid_at=ago(days=1), due_at=None)
    finding = found(Subject.ORDERS_DUE)
    assert finding.level is level
    assert ("1 payment is paid and has had no order for" in finding.fact) is (level is not OK)


def test_held_payments_warn_at_once() -> None:
    make_session("100001", S.HELD, paid_at=ago(days=2), due_at=None)
    make_session("100002", S.HELD, paid_at=ago(hours=1), due_at=None)
    finding = found(Subject.HELD)
    assert (finding.level, finding.fact) == (WARNING, "2 payments are held for a decision, the oldest for 2 days.")
    assert found(Subject.ORDERS_DUE).level is OK


@pytest.mark.parametrize(("hours", "level"), [(23, OK), (25, WARNING)])
def test_open_matters_are_counted_and_warn_when_old(hours: int, level: Level) -> None:
    session = make_session("100001", due_at=None)
    Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, created_at=ago(hours=hours))
    Attention.objects.create(
        session=session, kind=Attention.Kind.PAID_TWICE, created_at=ago(days=9), resolved_at=ago(days=8)
    )
    finding = found(Subject.MATTERS)
    assert finding.level is level
    assert finding.fact.startswith("1 matter has waited for staff for ")


# Cost and words


def test_the_number_of_queries_is_the_same_for_any_number_of_rows() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            examine_records(clock=lambda: NOON)
        return len(captured)

    assert queries() == 8
    opened(12, ago(hours=2))
    for _each in range(12):
        event(ago(hours=3), EventStatus.FAILED, due_at=ago(hours=3))
    assert queries() == 8
    # Where ND8 was heard within the hour nobody counts pages.
    event(ago(minutes=1))
    assert queries() == 7


def test_no_break_spaces_stay_out_of_logs() -> None:
    event(ago(hours=3))
    assert "\xa0" not in found(Subject.NOTIFICATIONS).fact


def test_the_words_follow_the_language_of_whoever_reads() -> None:
    event(ago(hours=3))
    with translation.override("de"):
        assert "3 Stunden" in found(Subject.NOTIFICATIONS).fact
