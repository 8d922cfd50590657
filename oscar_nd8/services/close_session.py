"""The end of a session that nobody paid: closed when nobody can pay it any more, its frozen basket kept for a while."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.models import PaymentSession
from oscar_nd8.services.move_session import lock_session, move_session
from oscar_nd8.services.reschedule import closes_at, is_under_way, reschedule
from oscar_nd8.shop.frozen_copy import discard_copy
from oscar_nd8.states import UNPAID_ENDS, SessionStatus

__all__ = ["close_session", "give_up_preparing"]


def close_session(session: PaymentSession) -> bool:
    """Close `session` if its page closed unpaid, or its preparing died; delete the frozen basket of one long closed.

    A session that ND8 is still working on stays as it is. Returns whether a frozen basket was deleted.
    """
    now = timezone.now()
    if session.status == SessionStatus.NEW and session.created_at + get_settings().answered_within <= now:
        return give_up_preparing(session, "The request that prepared this payment never finished.")
    pending = is_under_way(session)
    if session.status == SessionStatus.OPEN and closes_at(session) <= now and not pending:
        move_session(session.pk, SessionStatus.EXPIRED, reason="The payment page closed, and nobody had paid.")
    keep = timedelta(days=get_settings().KEEP_UNPAID_DAYS)
    old = (session.closed_at or now) + keep <= now
    deleted = old and not pending and _discard(session.pk)
    reschedule(session.pk)
    return deleted


def give_up_preparing(session: PaymentSession, reason: str) -> bool:
    """End a session whose hosted page nobody ever knew: its frozen basket goes at once. Returns whether it did."""
    deleted = bool(move_session(session.pk, SessionStatus.FAILED, reason=reason)) and _discard(session.pk)
    reschedule(session.pk)
    return deleted


def _discard(session_id: int) -> bool:
    with transaction.atomic():
        # A late payment moves the session behind the same lock, and then its order needs the copy.
        session = lock_session(session_id)
        if session.status not in UNPAID_ENDS or session.basket_id is None:
            return False
        discard_copy(session.basket_id)
    return True
