"""The only writer of a session's status: a conditional UPDATE along the table of moves."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.models import PaymentSession
from oscar_nd8.states import SESSION_MOVES, UNPAID_ENDS, SessionStatus, sources_of

__all__ = ["EXPIRY_GRACE", "lock_session", "move_session"]

# Clocks differ, and a payment made in the page's last second needs a moment to be told.
EXPIRY_GRACE = timedelta(minutes=5)


def move_session(session_id: int, to: SessionStatus, *, reason: str = "", **facts: Any) -> bool:
    """Move a session to `to` with its time stamp and `facts`; False when its present status does not allow it.

    The same UPDATE writes when the session must be looked at next, so that a crash right after it loses nothing.
    """
    now = timezone.now()
    stamps: dict[str, Any] = {"due_at": _due_at(to, expires_at=facts.get("expires_at"), now=now)}
    if to is SessionStatus.OPEN:
        stamps["opened_at"] = now
    elif to in {SessionStatus.PAID, SessionStatus.HELD}:
        stamps |= {"paid_at": Coalesce("paid_at", Value(now)), "closed_at": None}
    elif to in UNPAID_ENDS:
        stamps["closed_at"] = now
    changed = PaymentSession.objects.filter(pk=session_id, status__in=sources_of(to, SESSION_MOVES)).update(
        status=to, status_reason=reason[:500], **{**stamps, **facts}
    )
    if changed:
        transaction.on_commit(partial(signals.session_moved.send_robust, sender=None, session_id=session_id, status=to))
    return bool(changed)


def _due_at(to: SessionStatus, *, expires_at: datetime | None, now: datetime) -> Any:
    """At once, as long as whoever moved the session may die before the rest is done."""
    if to is SessionStatus.OPEN and expires_at is not None:
        return expires_at + EXPIRY_GRACE
    return Value(now)


def lock_session(session_id: int) -> PaymentSession:
    """The session, locked until the transaction ends.

    The lock is a write, not SELECT FOR UPDATE: PostgreSQL locks the row alike, and SQLite takes its write lock at
    once instead of failing later, when a reader wants to become a writer.
    """
    PaymentSession.objects.filter(pk=session_id).update(gateway=F("gateway"))
    return PaymentSession.objects.get(pk=session_id)
