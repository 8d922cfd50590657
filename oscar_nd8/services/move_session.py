"""The only writer of a session's status: a conditional UPDATE along the table of moves."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.models import PaymentSession
from oscar_nd8.prepared import update_of
from oscar_nd8.services.lock_row import lock_row
from oscar_nd8.states import SESSION_MOVES, UNPAID_ENDS, SessionStatus, sources_of

__all__ = ["EXPIRY_GRACE", "lock_session", "move_session", "read_locked", "show_moved"]

# Clocks differ, and a payment made in the page's last second needs a moment to be told.
EXPIRY_GRACE = timedelta(minutes=5)


def move_session(session_id: int, to: SessionStatus, *, reason: str = "", **facts: Any) -> Mapping[str, Any]:
    """Move a session to `to` with its time stamp and `facts`: what was written, nothing where its status forbids it.

    The same UPDATE writes when the session must be looked at next, so that a crash right after it loses nothing.
    """
    now = timezone.now()
    written: dict[str, Any] = {"status": to.value, "status_reason": reason[:500], "due_at": now, **facts}
    if to is SessionStatus.OPEN:
        written["opened_at"] = now
        if facts.get("expires_at") is not None:
            # Any other is due at once, as long as whoever moved it may die before the rest is done.
            written["due_at"] = facts["expires_at"] + EXPIRY_GRACE
    elif to in {SessionStatus.PAID, SessionStatus.HELD}:
        written |= {"paid_at": now, "closed_at": None}
    elif to in UNPAID_ENDS:
        written["closed_at"] = now
    keys = {name: value.pk for name, value in written.items() if isinstance(value, Model)}
    if not update_of(_moving, to, session_id=session_id, **written | keys):
        return {}
    transaction.on_commit(partial(signals.session_moved.send_robust, sender=None, session_id=session_id, status=to))
    return written


def _moving(
    to: SessionStatus, *, session_id: Any, **written: Any
) -> tuple[QuerySet[PaymentSession], Mapping[str, Any]]:
    sessions = PaymentSession.objects.filter(pk=session_id, status__in=sources_of(to, SESSION_MOVES))
    if "paid_at" in written:
        written["paid_at"] = Coalesce("paid_at", written["paid_at"])
    return sessions, written


def show_moved(session: PaymentSession, written: Mapping[str, Any]) -> None:
    """Let `session` say what `move_session` wrote to its row; it must have said what the row did before."""
    for name, value in written.items():
        if name != "paid_at" or session.paid_at is None:
            setattr(session, name, value)


def lock_session(session_id: int) -> PaymentSession:
    """The session, locked until the transaction ends."""
    return _locked(session_id).get()


def read_locked(session: PaymentSession) -> None:
    """Lock the row of `session` until the transaction ends, and let `session` say what it says now."""
    session.refresh_from_db(from_queryset=_locked(session.pk))


def _locked(session_id: int) -> QuerySet[PaymentSession]:
    return lock_row(PaymentSession.objects.filter(pk=session_id), writing="gateway")
