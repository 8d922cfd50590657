"""Finding out what became of a refund: ask ND8, or where its answer was lost, look through all that ND8 has."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import NotFound
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import PaymentSession, Refund
from oscar_nd8.services.adopt_refund import adopt_refunds
from oscar_nd8.services.complete_refund import complete_refund
from oscar_nd8.services.move_refund import look_again_later, move_refund
from oscar_nd8.services.record_refund import record_refund, tell_failed
from oscar_nd8.states import RefundStatus

__all__ = ["CLOCKS_APART", "finish_refunds", "settle_refund"]

logger = logging.getLogger("oscar_nd8")

# How far the clocks of ND8 and the shop may be apart.
CLOCKS_APART = timedelta(hours=1)

SEARCHED = "ND8's answer was lost, and ND8 does not list this refund yet. It is being found out; do not ask again."
NEVER_RECEIVED = "ND8's answer was lost, and ND8 never received the request: it lists no such refund. No money moved."


def settle_refund(refund: Refund, *, clock: Callable[[], datetime] = timezone.now) -> Refund:
    """Bring `refund` to what ND8 says now, and to all that follows from it. Safe to repeat and to race.

    Never asks for money. Raises ProviderError when ND8 could not be asked, and what sending mail raises; nothing is
    lost then, and the next call tries again. Must not run in a transaction.
    """
    now = clock()
    if refund.state is RefundStatus.PROCESSING:
        _ask(refund, asked_at=now)
    elif _is_open(refund, now=now):
        _find(refund, asked_at=now)
    refund.refresh_from_db()
    if refund.state is RefundStatus.COMPLETED:
        complete_refund(refund)
    return refund


def finish_refunds(session: PaymentSession) -> None:
    """Do what is not done yet for refunds of `session` that were completed. Raises as `settle_refund`."""
    completed = Refund.objects.filter(payment__session=session, status=RefundStatus.COMPLETED)
    for refund in completed.filter(booked_at__isnull=True, due_at__isnull=False):
        settle_refund(refund)


def _is_open(refund: Refund, *, now: datetime) -> bool:
    """Whether nobody knows if ND8 has it. A young request is still waiting for its own answer."""
    waiting = refund.state is RefundStatus.REQUESTED
    return refund.state is RefundStatus.UNKNOWN or (
        waiting and refund.created_at + get_settings().answered_within <= now
    )


def _ask(refund: Refund, *, asked_at: datetime) -> None:
    look_again_later(refund, now=asked_at)
    try:
        report = get_gateway(refund.gateway).look_up_refund(refund.refund_id)
    except NotFound:
        # The id is not one of ND8's after all: what ND8 has of this payment is taken over.
        logger.warning("ND8 knows no refund %s", refund.refund_id)
        adopt_refunds(refund.payment, since=refund.created_at - CLOCKS_APART, clock=lambda: asked_at)
        return
    record_refund(refund.payment, report, asked_at=asked_at)


def _find(refund: Refund, *, asked_at: datetime) -> None:
    """Adopt it where ND8 has it; where ND8 surely never got it, say so, and its amount is free again."""
    look_again_later(refund, now=asked_at)
    adopt_refunds(refund.payment, since=refund.created_at - CLOCKS_APART, clock=lambda: asked_at)
    refund.refresh_from_db()
    if not _is_open(refund, now=asked_at):
        return
    if asked_at < refund.created_at + timedelta(seconds=get_settings().REFUND_LOST_AFTER):
        move_refund(refund, RefundStatus.UNKNOWN, reason=SEARCHED)
    elif move_refund(refund, RefundStatus.FAILED, reason=NEVER_RECEIVED):
        refund.refresh_from_db()
        logger.warning("Refund %s never reached ND8", refund.reference)
        tell_failed(refund.payment.session, refund)
