"""When a session must be looked at again, decided in one place from what is known of it."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention, Payment, PaymentSession
from oscar_nd8.schedule import next_look
from oscar_nd8.services.move_session import EXPIRY_GRACE
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.states import UNFINISHED, UNPAID_ENDS, DepositState, PaymentState, SessionStatus

__all__ = [
    "closes_at",
    "due_once_mailed",
    "has_news",
    "is_unanswered",
    "is_under_way",
    "reschedule",
    "reschedule_as_read",
    "when_due",
]


def reschedule(session_id: int) -> None:
    """Write down when the session is due next, nothing where nothing about it is open any more. Safe to race."""
    session = PaymentSession.objects.defer("quote", "checkout_url").get(pk=session_id)
    reschedule_as_read(session, list(session.payments.all()))


def reschedule_as_read(session: PaymentSession, payments: Sequence[Payment]) -> None:
    """`reschedule` by rows that were read before: the session's first, its payments after it.

    Whoever records a payment meanwhile moves `due_at` in the same transaction, and then ours is not written.
    """
    due_at = when_due(session, payments, now=timezone.now())
    for payment in payments:
        if is_unanswered(session, payment):
            raise_attention(session, Attention.Kind.UNANSWERED, _given_up(payment), subject=payment.transaction_id)
    if due_at != session.due_at:
        unmoved = PaymentSession.objects.filter(pk=session.pk, status=session.status, due_at=session.due_at)
        if unmoved.update(due_at=due_at):
            session.due_at = due_at


def due_once_mailed(session: PaymentSession, payments: Iterable[Payment]) -> tuple[datetime | None, Case]:
    """When a session is due next whose mail is the last that was missing, and the same for the UPDATE that says so.

    By rows as `reschedule_as_read` wants them, and with the same care.
    """
    mailed = copy(session)
    mailed.mailed_at = now = timezone.now()
    due_at = when_due(mailed, payments, now=now)
    then = Value(due_at, output_field=DateTimeField())
    return due_at, Case(When(status=session.status, due_at=session.due_at, then=then), default=F("due_at"))


def when_due(session: PaymentSession, payments: Iterable[Payment], *, now: datetime) -> datetime | None:
    """When something about the session must be looked at next; None: nothing is open."""
    return min(_moments(session, payments, now=now), default=None)


def closes_at(session: PaymentSession) -> datetime:
    """From when on nobody can pay the session any more, the differences between clocks included."""
    return (session.expires_at or session.created_at) + EXPIRY_GRACE


def is_under_way(session: PaymentSession) -> bool:
    """Whether ND8 is working on a payment, and can still be expected to say how it ended."""
    patience = timedelta(days=get_settings().RECONCILE_DAYS)
    young = session.payments.filter(state__in=UNFINISHED, created_at__gte=timezone.now() - patience)
    return young.exists()


def is_unanswered(session: PaymentSession, payment: Payment) -> bool:
    """Whether ND8 was asked about `payment` for so long, in vain, that it is not asked any more."""
    if timezone.now() - _since(session, payment) <= timedelta(days=get_settings().RECONCILE_DAYS):
        return False
    ordered = session.status in {SessionStatus.PLACED, SessionStatus.SOLD}
    no_deposit = payment.state == PaymentState.PAID and payment.deposit == DepositState.PENDING
    return payment.state in UNFINISHED or (ordered and no_deposit)


def has_news(session: PaymentSession, payments: Iterable[Payment]) -> bool:
    """Whether ND8 could say something about the session's payments that changes anything."""
    now = timezone.now()
    return any(_look_at_payment(session, payment, now=now) is not None for payment in payments)


def _moments(session: PaymentSession, payments: Iterable[Payment], *, now: datetime) -> Iterator[datetime]:
    """When each of the things that are open about the session should be looked at."""
    waits = False
    for payment in payments:
        at = _look_at_payment(session, payment, now=now)
        if at is not None:
            waits = True
            yield at
    match session.state:
        case SessionStatus.NEW:
            yield session.created_at + get_settings().answered_within
        case SessionStatus.OPEN if not waits:
            yield closes_at(session)
        case SessionStatus.PAID:
            # A run that finds it due must not lose sight of it because a notification was tried first.
            yield min(session.due_at or now, now)
        case SessionStatus.PLACED if session.mailed_at is None:
            yield next_look(session.placed_at or now, now=now)
        case state if state in UNPAID_ENDS and session.basket_id is not None:
            keep = timedelta(days=get_settings().KEEP_UNPAID_DAYS)
            yield max((session.closed_at or session.created_at) + keep, now)


def _given_up(payment: Payment) -> str:
    days = get_settings().RECONCILE_DAYS
    return (
        f"For {days} days ND8 has not said how transaction {payment.transaction_id} ended. Its last word is "
        f'"{payment.raw_status}", its deposit: {payment.get_deposit_display()}. ND8 is not asked any more. '
        "Look in ND8's dashboard. If the payment ended there, ask ND8 again on the payment's page."
    )


def _since(session: PaymentSession, payment: Payment) -> datetime:
    return max(payment.created_at, session.paid_at or payment.created_at)


def _look_at_payment(session: PaymentSession, payment: Payment, *, now: datetime) -> datetime | None:
    since = _since(session, payment)
    if now - since > timedelta(days=get_settings().RECONCILE_DAYS):
        return None
    at = next_look(since, now=now)
    if payment.state in {PaymentState.FAILED, PaymentState.CANCELED}:
        # As long as the page is open the shopper can try again there, and the message that tells of it can be lost.
        closes = closes_at(session)
        final = payment.asked_at is not None and payment.asked_at >= closes
        return None if final else min(at, max(closes, now))
    if payment.state == PaymentState.REFUNDED:
        return None
    if payment.state == PaymentState.PAID:
        done = session.status in {SessionStatus.PLACED, SessionStatus.SOLD} and payment.debited_at is not None
        return None if done else at
    return at
