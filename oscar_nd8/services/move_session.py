"""The only writer of a session's status: a conditional UPDATE along the table of moves."""

from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from oscar_nd8.models import PaymentSession
from oscar_nd8.states import SESSION_MOVES, UNPAID_ENDS, SessionStatus

__all__ = ["lock_session", "move_session"]


def move_session(session_id: int, to: SessionStatus, *, reason: str = "", **facts: Any) -> bool:
    """Move a session to `to` with its time stamp and `facts`; False when its present status does not allow it."""
    now = timezone.now()
    stamps: dict[str, Any] = {}
    if to is SessionStatus.OPEN:
        stamps["opened_at"] = now
    elif to in {SessionStatus.PAID, SessionStatus.HELD}:
        stamps = {"paid_at": Coalesce("paid_at", Value(now)), "closed_at": None}
    elif to in UNPAID_ENDS:
        stamps["closed_at"] = now
    sources = [status for status, targets in SESSION_MOVES.items() if to in targets]
    changed = PaymentSession.objects.filter(pk=session_id, status__in=sources).update(
        status=to, status_reason=reason[:500], **{**stamps, **facts}
    )
    return bool(changed)


def lock_session(session_id: int) -> PaymentSession:
    """The session, locked until the transaction ends.

    The lock is a write, not SELECT FOR UPDATE: PostgreSQL locks the row alike, and SQLite takes its write lock at
    once instead of failing later, when a reader wants to become a writer.
    """
    PaymentSession.objects.filter(pk=session_id).update(gateway=F("gateway"))
    return PaymentSession.objects.get(pk=session_id)
