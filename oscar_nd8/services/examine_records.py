"""What the shop's own rows say about its payments, in a fixed number of small queries and without asking ND8."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.models import Attention, PaymentSession, Refund, WebhookEvent
from oscar_nd8.states import EventStatus, SessionStatus

__all__ = ["RECORDS", "alarms", "examine_records"]

RECORDS = (
    Subject.NOTIFICATIONS,
    Subject.QUEUE,
    Subject.RECONCILING,
    Subject.ORDERS_DUE,
    Subject.HELD,
    Subject.MATTERS,
)

# How far back unanswered payment pages count. A small shop has few in a day.
WATCHED = timedelta(days=7)
# Most shoppers look at a payment page and leave, so a few pages without a word from ND8 prove nothing, unless ND8
# was never heard at all.
QUIET = timedelta(hours=1)
PAGES_ODD, PAGES_WRONG = 5, 20
FIRST_PAGES_ODD, FIRST_PAGES_WRONG = 1, 5

# Seconds are usual; past the first somebody should know, past the second nothing moves by itself.
QUEUE_SLOW, QUEUE_STUCK = timedelta(minutes=10), timedelta(hours=1)
DUE_LATE, DUE_FORGOTTEN = timedelta(hours=1), timedelta(hours=6)
ORDER_LATE, ORDER_STUCK = timedelta(minutes=10), timedelta(hours=1)
MATTER_OLD = timedelta(days=1)


def examine_records(*, clock: Callable[[], datetime] = timezone.now) -> list[Finding]:
    """All that rows can tell, one finding for each subject. Raises what the database raises."""
    now = clock()
    return [_notifications(now), _queue(now), _reconciling(now), *_orders(now), _matters(now)]


def alarms(*, clock: Callable[[], datetime] = timezone.now) -> list[Finding]:
    """What staff must know before they believe a list of payments: ND8 is not heard, or nothing is followed up."""
    now = clock()
    return [finding for finding in (_notifications(now), _reconciling(now)) if finding.needs_somebody]


def _notifications(now: datetime) -> Finding:
    """Only what was signed with our secret is stored, so a stored one proves address and secret alike."""
    newest = WebhookEvent.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    if newest is not None and now - newest <= QUIET:
        return Finding(Subject.NOTIFICATIONS, Level.OK, _heard(newest, now))
    since = now - WATCHED if newest is None else max(newest, now - WATCHED)
    pages = PaymentSession.objects.filter(created_at__gte=now - WATCHED, opened_at__gt=since).count()
    opened = ngettext(
        "%(pages)d payment page was opened since.", "%(pages)d payment pages were opened since.", pages
    ) % {"pages": pages}
    if newest is None:
        fact = _("No notification of ND8's has ever arrived.")
        level = _graded(pages, FIRST_PAGES_ODD, FIRST_PAGES_WRONG)
    else:
        fact = _heard(newest, now)
        level = _graded(pages, PAGES_ODD, PAGES_WRONG)
    if level is Level.OK:
        return Finding(Subject.NOTIFICATIONS, level, fact)
    return Finding(
        Subject.NOTIFICATIONS,
        level,
        f"{fact} {opened} " + _("Shoppers who paid have no order until ND8 is heard."),
        _(
            "Send a test notification from ND8's dashboard and see whether it arrives. If not, compare the address "
            "and the secret there with this shop's; nd8_doctor does. Then send the missed ones again from there."
        ),
    )


def _heard(newest: datetime, now: datetime) -> str:
    return _("The last notification of ND8's arrived %(age)s ago.") % {"age": _age(newest, now)}


def _queue(now: datetime) -> Finding:
    waiting = WebhookEvent.objects.filter(
        due_at__isnull=False, status__in=[EventStatus.RECEIVED, EventStatus.FAILED]
    ).aggregate(number=Count("pk"), failed=Count("pk", filter=Q(status=EventStatus.FAILED)), oldest=Min("received_at"))
    if not waiting["number"]:
        return Finding(Subject.QUEUE, Level.OK, _("No notification waits to be processed."))
    fact = ngettext(
        "%(number)d notification has waited to be processed for %(age)s.",
        "%(number)d notifications wait to be processed, the oldest for %(age)s.",
        waiting["number"],
    ) % {"number": waiting["number"], "age": _age(waiting["oldest"], now)}
    if waiting["failed"]:
        fact += " " + _("Processing failed for %(failed)d of them.") % {"failed": waiting["failed"]}
    level = _aged(waiting["oldest"], now, QUEUE_SLOW, QUEUE_STUCK)
    advice = _("Is a worker of the queue in TASKS running? Run nd8_reconcile: it processes what was left.")
    return Finding(Subject.QUEUE, level, fact, "" if level is Level.OK else advice)


def _reconciling(now: datetime) -> Finding:
    """Whatever is not finished carries the time when it is due, so nothing is due for long while somebody looks."""
    times = [
        model.objects.filter(due_at__isnull=False).aggregate(first=Min("due_at"))["first"]
        for model in (PaymentSession, WebhookEvent, Refund)
    ]
    due = [time for time in times if time is not None and time <= now]
    if not due:
        return Finding(Subject.RECONCILING, Level.OK, _("Nothing waits for nd8_reconcile."))
    level, age = _aged(min(due), now, DUE_LATE, DUE_FORGOTTEN), {"age": _age(min(due), now)}
    if level is Level.OK:
        fact = _("The oldest work for nd8_reconcile has been due for %(age)s.") % age
        return Finding(Subject.RECONCILING, level, fact)
    fact = _(
        "Work for nd8_reconcile has been due for %(age)s: it does not run, or ND8 does not answer it. What was missed "
        "is not repaired."
    )
    advice = _("Run nd8_reconcile now, and let your scheduler run nd8_reconcile --due every few minutes.")
    return Finding(Subject.RECONCILING, level, fact % age, advice)


def _orders(now: datetime) -> list[Finding]:
    is_paid, is_held = Q(status=SessionStatus.PAID), Q(status=SessionStatus.HELD)
    found = PaymentSession.objects.filter(status__in=[SessionStatus.PAID, SessionStatus.HELD]).aggregate(
        paid=Count("pk", filter=is_paid),
        paid_since=Min("paid_at", filter=is_paid),
        held=Count("pk", filter=is_held),
        held_since=Min("paid_at", filter=is_held),
    )
    return [_orders_due(found["paid"], found["paid_since"], now), _held(found["held"], found["held_since"], now)]


def _orders_due(number: int, since: datetime | None, now: datetime) -> Finding:
    level = Level.OK if since is None else _aged(since, now, ORDER_LATE, ORDER_STUCK)
    if since is None or level is Level.OK:
        return Finding(Subject.ORDERS_DUE, Level.OK, _("No order of a paid payment is late."))
    fact = ngettext(
        "%(number)d payment is paid and has had no order for %(age)s.",
        "%(number)d payments are paid and have no order, the oldest for %(age)s.",
        number,
    ) % {"number": number, "age": _age(since, now)}
    advice = _("Run nd8_reconcile. If the order is still missing, the log of oscar_nd8 says what is in its way.")
    return Finding(Subject.ORDERS_DUE, level, fact, advice)


def _held(number: int, since: datetime | None, now: datetime) -> Finding:
    if since is None:
        return Finding(Subject.HELD, Level.OK, _("No payment is held."))
    fact = ngettext(
        "%(number)d payment has been held for a decision for %(age)s.",
        "%(number)d payments are held for a decision, the oldest for %(age)s.",
        number,
    ) % {"number": number, "age": _age(since, now)}
    advice = _("The shopper's money has arrived and there is no order: staff decide, in the dashboard under Payments.")
    return Finding(Subject.HELD, Level.WARNING, fact, advice)


def _matters(now: datetime) -> Finding:
    found = Attention.objects.filter(resolved_at__isnull=True).aggregate(number=Count("pk"), oldest=Min("created_at"))
    if not found["number"]:
        return Finding(Subject.MATTERS, Level.OK, _("No matter waits for staff."))
    fact = ngettext(
        "%(number)d matter has waited for staff for %(age)s.",
        "%(number)d matters wait for staff, the oldest for %(age)s.",
        found["number"],
    ) % {"number": found["number"], "age": _age(found["oldest"], now)}
    if now - found["oldest"] <= MATTER_OLD:
        return Finding(Subject.MATTERS, Level.OK, fact)
    return Finding(
        Subject.MATTERS, Level.WARNING, fact, _("Staff find them in the dashboard, Payments, “Needs attention”.")
    )


def _graded(number: int, odd: int, wrong: int) -> Level:
    if number >= wrong:
        return Level.ERROR
    return Level.WARNING if number >= odd else Level.OK


def _aged(since: datetime, now: datetime, slow: timedelta, stuck: timedelta) -> Level:
    if now - since > stuck:
        return Level.ERROR
    return Level.WARNING if now - since > slow else Level.OK


def _age(since: datetime, now: datetime) -> str:
    # Django joins number and unit by a no-break space, which is no use in logs and alarms.
    return timesince(since, now, depth=1).replace("\xa0", " ")
