"""What waits right now, as numbers for a monitor: a fixed number of queries, each over a bounded number of rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone

from oscar_nd8.models import Attention, PaymentLink, PaymentSession, Refund, WebhookEvent
from oscar_nd8.states import EventStatus, SessionStatus

__all__ = ["COUNTED_AT_MOST", "Backlog", "measure_backlog"]

# Past this, nobody needs the exact number any more.
COUNTED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many wait, by kind or status; for how long, in seconds, 0 where none does."""

    matters: dict[str, int]
    events: dict[str, int]
    oldest_event: float
    payments: dict[str, int]
    overdue: float


def measure_backlog(*, at_most: int = COUNTED_AT_MOST, clock: Callable[[], datetime] = timezone.now) -> Backlog:
    """Asks nobody but the shop's own rows, and counts `at_most` of each. Raises what the database raises."""
    now = clock()
    events, oldest = _events(at_most)
    return Backlog(
        matters=_matters(at_most),
        events=events,
        oldest_event=_age(oldest, now),
        payments=_payments(at_most),
        overdue=_age(_first_due(), now),
    )


def _matters(at_most: int) -> dict[str, int]:
    matters = Attention.objects.filter(resolved_at__isnull=True).order_by("created_at")
    found = Counter(matters.values_list("kind", flat=True)[:at_most])
    return {kind: found[kind] for kind in Attention.Kind.values}


def _events(at_most: int) -> tuple[dict[str, int], datetime | None]:
    waiting = [EventStatus.RECEIVED, EventStatus.FAILED]
    events = WebhookEvent.objects.filter(due_at__isnull=False, status__in=waiting).order_by("due_at")
    numbers = {status.value: Count("pk", filter=Q(status=status)) for status in waiting}
    found = events[:at_most].aggregate(**numbers, oldest=Min("received_at"))
    return {status.value: found[status.value] for status in waiting}, found["oldest"]


def _payments(at_most: int) -> dict[str, int]:
    waiting = [SessionStatus.PAID, SessionStatus.HELD]
    sessions = PaymentSession.objects.filter(status__in=waiting).order_by("paid_at")
    numbers = {status.value: Count("pk", filter=Q(status=status)) for status in waiting}
    return dict(sessions[:at_most].aggregate(**numbers))


def _first_due() -> datetime | None:
    models = (PaymentSession, WebhookEvent, Refund, PaymentLink)
    times = [model.objects.filter(due_at__isnull=False).aggregate(first=Min("due_at"))["first"] for model in models]
    return min((time for time in times if time is not None), default=None)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
