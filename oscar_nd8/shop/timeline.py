"""What happened to a payment session, in order and in words, put together from the rows that say so."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from oscar_nd8.models import PaymentSession, WebhookEvent

__all__ = ["Moment", "timeline_of"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline; `detail` may be empty."""

    at: datetime
    text: str
    detail: str = ""


def timeline_of(session: PaymentSession) -> list[Moment]:
    """Everything known about `session`, oldest first. Three queries."""
    moments = [*_of_session(session), *_of_payments(session), *_of_events(session), *_of_attentions(session)]
    return sorted(moments, key=lambda moment: moment.at)


def _of_session(session: PaymentSession) -> Iterator[Moment]:
    stamps: list[tuple[datetime | None, Any, str]] = [
        (session.created_at, _("The shopper agreed to pay"), ""),
        (session.opened_at, _("ND8's payment page was opened"), session.checkout_id),
        (session.paid_at, _("ND8 confirmed the payment"), ""),
        (session.placed_at, _("The order was placed"), session.order_number),
        (session.mailed_at, _("The order's mail was sent"), session.email),
        (session.closed_at, _("The session ended unpaid"), session.status_reason),
    ]
    for at, text, detail in stamps:
        if at is not None:
            yield Moment(at, text, detail)


def _of_payments(session: PaymentSession) -> Iterator[Moment]:
    for payment in session.payments.all():
        yield Moment(payment.created_at, _("First heard of the transaction"), payment.transaction_id)
        if payment.allocated_at is not None:
            yield Moment(payment.allocated_at, _("Booked as allocated"), payment.transaction_id)
        if payment.debited_at is not None:
            yield Moment(payment.debited_at, _("Booked as received"), payment.transaction_id)
        for attempt in payment.attempts:
            at = _parsed(attempt["at"])
            if at is not None:
                text = _("Attempt to pay: %(state)s") % {"state": attempt["state"]}
                yield Moment(at, text, attempt["message"])


def _of_events(session: PaymentSession) -> Iterator[Moment]:
    if not session.checkout_id:
        return
    for event in WebhookEvent.objects.filter(gateway=session.gateway, checkout_id=session.checkout_id):
        text = _("ND8 sent %(name)s") % {"name": event.name}
        yield Moment(event.received_at, text, f"{event.get_status_display()} {event.last_error}".strip())


def _of_attentions(session: PaymentSession) -> Iterator[Moment]:
    for attention in session.attentions.all():
        yield Moment(attention.created_at, attention.get_kind_display(), attention.detail)


def _parsed(text: str) -> datetime | None:
    """ND8's own time stamp; None where it is missing, malformed or without a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
