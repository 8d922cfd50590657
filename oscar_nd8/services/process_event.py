"""What a stored notification sets going: its session is settled, or its refund; and what became of it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import HOPELESS, NotFound, ProviderUnavailable
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession, WebhookEvent
from oscar_nd8.schedule import UNPROCESSED_AFTER, next_try
from oscar_nd8.services.adopt_refund import adopt_refund
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.confirm_payment import confirm_payment
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.services.settle import Answer, settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.states import EventStatus, PaymentState, SessionStatus

__all__ = ["process_event", "session_of"]

logger = logging.getLogger("oscar_nd8")

# A refund's notification can overtake the one that ties its payment to a session.
UNMATCHED_AT_MOST = timedelta(hours=1)
# An ND8 that is down fails every message alike, and comes back; staff need not hear of each.
OUTAGE = timedelta(days=1)


def process_event(event: WebhookEvent) -> EventStatus:
    """Process `event` and return its new status. An error is written to the row and raised again. Safe to repeat.

    Of what fails for long staff hear, until it succeeds.
    """
    try:
        answers = confirm_payment(event)
        status = EventStatus.PROCESSED if answers is None else _settle(event, answers)
    except Exception as error:  # whatever it is, the row tells people why the sender was told to try again
        reason = "".join(filter(str.isprintable, " ".join(f"{type(error).__name__}: {error}".split())))
        _write(event, EventStatus.FAILED, error=reason)
        if timezone.now() - event.received_at >= (OUTAGE if _fails_everywhere(error) else UNPROCESSED_AFTER):
            _tell(event, reason)
        raise
    if answers is None:
        _tell_processed(event, status, now=timezone.now())
        return status
    if event.status == EventStatus.FAILED:
        _withdraw(event)
    return _write(event, status)


def _settle(event: WebhookEvent, answers: Sequence[Answer]) -> EventStatus:
    return _settle_refund_of(event) if event.refund_id else _settle_session_of(event, answers)


def _fails_everywhere(error: Exception) -> bool:
    """Whether ND8 is down or refuses all that we ask, so that the message itself may be quite in order."""
    silent = isinstance(error, ProviderUnavailable) and (error.status is None or error.status >= 500)
    return silent or isinstance(error, HOPELESS)


def _tell(event: WebhookEvent, reason: str) -> None:
    days = get_settings().RECONCILE_DAYS
    raise_attention(
        session_of(event),
        Attention.Kind.UNPROCESSED,
        f"ND8 told this shop about {_subject(event)}, and the shop fails to process it: {reason[:300]} "
        "Somebody may have paid and have no order, or a refund may not be booked. "
        f"The shop keeps trying for {days} days. "
        "Look at it in ND8's dashboard, and show this to whoever runs the shop.",
        subject=_subject(event),
    )


def _withdraw(event: WebhookEvent) -> None:
    """Its session may have been unknown when staff were told."""
    for session in {session_of(event), None}:
        close_matters(session, [Attention.Kind.UNPROCESSED], Attention.Resolution.BY_ITSELF, subject=_subject(event))


def _subject(event: WebhookEvent) -> str:
    return event.refund_id or event.transaction_id or event.checkout_id


def _settle_refund_of(event: WebhookEvent) -> EventStatus:
    refund = adopt_refund(event.gateway, event.refund_id)
    if refund is None:
        return EventStatus.UNMATCHED
    settle_refund(refund)
    return EventStatus.PROCESSED


def _settle_session_of(event: WebhookEvent, answers: Sequence[Answer]) -> EventStatus:
    session = session_of(event)
    if session is not None:
        settle(session, answers=answers)
        if event.status == EventStatus.UNMATCHED:
            close_matters(
                None, [Attention.Kind.UNKNOWN_CHECKOUT], Attention.Resolution.BY_ITSELF, subject=event.checkout_id
            )
        return EventStatus.PROCESSED
    if not (event.checkout_id and event.transaction_id):
        return EventStatus.IGNORED
    # Somebody may have bought by a payment link on ND8's own page: the next look at the links tells.
    _links(event).update(due_at=timezone.now())
    if get_settings().TELL_UNKNOWN_CHECKOUTS and not _may_be_known_soon(event):
        _look_into(event)
    return EventStatus.UNMATCHED


def _may_be_known_soon(event: WebhookEvent) -> bool:
    young = timezone.now() - event.received_at < UNMATCHED_AT_MOST
    if event.refund_id:
        return young
    if young and _links(event).exists():
        return True
    # A notification can overtake the answer that tells us its checkout; then that session is still being prepared.
    return PaymentSession.objects.filter(
        status=SessionStatus.NEW,
        created_at__lte=event.received_at,
        created_at__gt=timezone.now() - get_settings().answered_within,
    ).exists()


def _links(event: WebhookEvent) -> QuerySet[PaymentLink]:
    """Those that the payment of an unknown checkout may be of, in a shop that can ask."""
    links = PaymentLink.objects.filter(gateway=event.gateway, deleted_at=None)
    return links if get_settings().MERCHANT_TOKEN.get_secret_value() else links.none()


def _look_into(event: WebhookEvent) -> None:
    """Money for a checkout that is not ours is somebody's all the same: staff hear of it if ND8 says there is any."""
    try:
        report = get_gateway(event.gateway).look_up(event.transaction_id)
    except NotFound:
        return
    if report.state is not PaymentState.PAID:
        return
    raise_attention(
        None,
        Attention.Kind.UNKNOWN_CHECKOUT,
        f"ND8 says that transaction {report.transaction_id} is paid, for checkout {event.checkout_id}, and this shop "
        "has no such checkout. Nothing was booked and no order was placed. Look in ND8's dashboard whose payment it "
        "is, and refund it there if it is nobody's. If other shops use the same account, set "
        "ND8['TELL_UNKNOWN_CHECKOUTS'] to False.",
        subject=event.checkout_id,
    )


def session_of(event: WebhookEvent) -> PaymentSession | None:
    """The session that `event` is about: by its checkout, else by a transaction that was tied to one before."""
    if event.checkout_id:
        with suppress(PaymentSession.DoesNotExist):
            return PaymentSession.objects.get(gateway=event.gateway, checkout_id=event.checkout_id)
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
    _tell_processed(event, status, now=now)
    return status


def _tell_processed(event: WebhookEvent, status: EventStatus, *, now: datetime) -> None:
    signals.event_processed.send_robust(
        sender=None, event=event, outcome=status, seconds=(now - event.received_at).total_seconds()
    )


def _due_at(event: WebhookEvent, status: EventStatus, *, now: datetime) -> datetime | None:
    young = now - event.received_at < timedelta(days=get_settings().RECONCILE_DAYS)
    failed = status is EventStatus.FAILED
    again = young and (failed or (status is EventStatus.UNMATCHED and _may_be_known_soon(event)))
    return next_try(event.attempts + 1, now=now) if again else None
