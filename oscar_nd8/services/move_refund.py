"""The only writer of a refund's status: a conditional UPDATE along the table of moves, and when to look again."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from oscar_nd8.models import Refund
from oscar_nd8.schedule import next_look
from oscar_nd8.states import REFUND_ENDS, REFUND_MOVES, RefundStatus, sources_of

__all__ = ["look_again_later", "move_refund"]


def move_refund(
    refund: Refund, to: RefundStatus, *, asked_at: datetime | None = None, reason: str = "", **facts: Any
) -> bool:
    """Move a refund to `to` with its time stamps and `facts`; whether that changed its status.

    An answer to a question asked at `asked_at` is dropped where a newer one is known. One that repeats the status
    only refreshes the facts.
    """
    now = timezone.now()
    current = Refund.objects.filter(pk=refund.pk)
    if asked_at is not None:
        # Nothing was asked in the future: that clock went wrong, and must not keep every later answer out.
        current = current.filter(Q(asked_at__isnull=True) | Q(asked_at__lte=asked_at) | Q(asked_at__gt=now))
        facts["asked_at"] = asked_at
    facts["due_at"] = _due_at(to, created_at=refund.created_at, now=now)
    moved = current.filter(status__in=sources_of(to, REFUND_MOVES)).update(
        status=to, status_reason=reason[:500], closed_at=now if to in REFUND_ENDS else None, **facts
    )
    if not moved and to is not RefundStatus.COMPLETED:
        # What follows a completed refund keeps its own time.
        current.filter(status=to).update(**facts)
    return bool(moved)


def look_again_later(refund: Refund, *, now: datetime) -> None:
    """Write down when `refund` is due next; before what may fail, so that the next look is not at once."""
    Refund.objects.filter(pk=refund.pk).update(due_at=next_look(refund.created_at, now=now))


def _due_at(to: RefundStatus, *, created_at: datetime, now: datetime) -> datetime | None:
    match to:
        case RefundStatus.FAILED | RefundStatus.REJECTED:
            return None  # nothing moved, nothing follows
        case RefundStatus.COMPLETED:
            return now  # its booking and its mail follow
        case _:
            return next_look(created_at, now=now)
