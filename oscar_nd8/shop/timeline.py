"""What happened to a payment session, in order and in words, put together from the rows that say so."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from oscar_nd8.models import Attention, PaymentSession, Refund, WebhookEvent
from oscar_nd8.shop.overview import attempts_of

__all__ = ["Moment", "events_about", "events_of", "timeline_of"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline; `detail` may be empty."""

    at: datetime
    text: str
    detail: str = ""


def events_of(session: PaymentSession) -> QuerySet[WebhookEvent]:
    """The notifications about `session`'s checkout, or about one of its transactions; newest first."""
    about = Q(transaction_id__in=[payment.transaction_id for payment in session.payments.all()])
    if session.checkout_id:
        about |= Q(checkout_id=session.checkout_id)
    return WebhookEvent.objects.filter(about, gateway=session.gateway).defer("body")


def events_about(matter: Attention) -> QuerySet[WebhookEvent]:
    """The notifications about the checkout of a matter that has no session; newest first."""
    if matter.session_id is not None or not matter.subject:
        return WebhookEvent.objects.none()
    return WebhookEvent.objects.filter(checkout_id=matter.subject).defer("body")


def timeline_of(session: PaymentSession, events: Iterable[WebhookEvent], refunds: Iterable[Refund]) -> list[Moment]:
    """Everything known about `session`, its `events` and its `refunds`, oldest first."""
    rows = (
        _of_session(session),
        _of_payments(session),
        _of_refunds(session, refunds),
        _of_events(events),
        _of_attentions(session),
        _of_staff(session),
    )
    return sorted(chain(*rows), key=lambda moment: moment.at)


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
        for attempt in attempts_of(payment):
            if attempt.at is not None:
                text = _("Attempt to pay: %(state)s") % {"state": attempt.state}
                yield Moment(attempt.at, text, attempt.message)


def _of_refunds(session: PaymentSession, refunds: Iterable[Refund]) -> Iterator[Moment]:
    for refund in refunds:
        amount = f"{refund.amount_major} {refund.currency}"
        if refund.origin == Refund.Origin.PROVIDER:
            text = _("A refund of %(amount)s was made in ND8's dashboard") % {"amount": amount}
            yield Moment(refund.created_at, text, refund.reason)
        ends: list[tuple[datetime | None, Any, str]] = [
            (refund.closed_at, refund.status_label, refund.status_reason),
            (refund.booked_at, _("booked"), ""),
            (refund.mailed_at, _("its mail was sent"), session.email),
        ]
        for at, what, detail in ends:
            if at is not None:
                text = _("Refund of %(amount)s: %(what)s") % {"amount": amount, "what": what}
                yield Moment(at, text, detail)


def _of_events(events: Iterable[WebhookEvent]) -> Iterator[Moment]:
    for event in events:
        text = _("ND8 sent %(name)s") % {"name": event.name}
        yield Moment(event.received_at, text, f"{event.status_label} {event.last_error}".strip())


def _of_attentions(session: PaymentSession) -> Iterator[Moment]:
    for matter in session.attentions.all():
        yield Moment(matter.created_at, matter.get_kind_display(), matter.detail)
        if matter.resolved_at is not None:
            yield Moment(matter.resolved_at, _("Settled: %(matter)s") % {"matter": matter.get_kind_display()})


def _of_staff(session: PaymentSession) -> Iterator[Moment]:
    for action in session.staff_actions.all():
        yield Moment(action.created_at, f"{action.who}: {action.get_verb_display()}", action.note)
