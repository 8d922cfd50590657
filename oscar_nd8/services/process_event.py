"""What a stored notification sets going: its session is settled, or its refund; and what became of it."""

import logging
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.schedule import next_try
from oscar_nd8.services.adopt_refund import adopt_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.states import EventStatus

__all__ = ["process_event", "session_of"]

logger = logging.getLogger("oscar_nd8")

# A notification can overtake the answer that tells us its checkout, by seconds.
UNMATCHED_AT_MOST = timedelta(hours=1)


def process_event(event: WebhookEvent) -> EventStatus:
    """Process `event` and return its new status. An error is written to the row and raised again. Safe to repeat."""
    try:
        status = _settle_refund_of(event) if event.refund_id else _settle_session_of(event)
    except Exception as error:
        # The door tells the sender to try again; the row tells people why it was needed.
        _write(event, EventStatus.FAILED, error=f"{type(error).__name__}: {error}")
        raise
    return _write(event, status)


def _settle_refund_of(event: WebhookEvent) -> EventStatus:
    refund = adopt_refund(event.gateway, event.refund_id)
    if refund is None:
        return EventStatus.UNMATCHED
    settle_refund(refund)
    return EventStatus.PROCESSED


def _settle_session_of(event: WebhookEvent) -> EventStatus:
    session = session_of(event)
    if session is None:
        known_kind = bool(event.checkout_id and event.transaction_id)
        return EventStatus.UNMATCHED if known_kind else EventStatus.IGNORED
    settle(session)
    return EventStatus.PROCESSED


def session_of(event: WebhookEvent) -> PaymentSession | None:
    """The session that `event` is about: by its checkout, else by a transaction that was tied to one before."""
    if event.checkout_id:
        session = PaymentSession.objects.filter(gateway=event.gateway, checkout_id=event.checkout_id).first()
        if session is not None:
            return session
    if event.transaction_id:
        payment = (
            Payment.objects.filter(gateway=event.gateway, transaction_id=event.transaction_id)
            .select_related("session")
            .first()
        )
        return payment.session if payment else None
    return None


def _write(event: WebhookEvent, status: EventStatus, *, error: str = "") -> EventStatus:
    if status is EventStatus.UNMATCHED:
        logger.warning("Event %s is about checkout %s, which is not known here", event.pk, event.checkout_id)
    now = timezone.now()
    WebhookEvent.objects.filter(pk=event.pk).update(
        status=status,
        attempts=F("attempts") + 1,
        last_error=error[:500],
        processed_at=now,
        due_at=_due_at(event, status, now=now),
    )
    return status


def _due_at(event: WebhookEvent, status: EventStatus, *, now: datetime) -> datetime | None:
    again = status is EventStatus.FAILED or (
        status is EventStatus.UNMATCHED and now - event.received_at < UNMATCHED_AT_MOST
    )
    return next_try(event.attempts + 1, now=now) if again else None
