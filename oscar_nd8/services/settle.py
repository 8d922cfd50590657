"""The one road to an order: ask ND8 about a session, record the answer, place the order if it is paid."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import HOPELESS, ProviderError
from oscar_nd8.gateway import PaymentReport, get_gateway
from oscar_nd8.models import Attention, Payment, PaymentSession, WebhookEvent
from oscar_nd8.money import round_to_minor, to_major
from oscar_nd8.observing import observed
from oscar_nd8.schedule import UNPROCESSED_AFTER
from oscar_nd8.services.adopt_refund import adopt_refunds
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.close_refunded import close_refunded
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.move_session import move_session, read_locked, show_moved
from oscar_nd8.services.place_order import place_order
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.services.reschedule import is_unanswered, reschedule_as_read
from oscar_nd8.services.settle_refund import CLOCKS_APART, finish_refunds
from oscar_nd8.shop.link_offer import adds_tax
from oscar_nd8.shop.quote import Quote, minor_total
from oscar_nd8.shop.refundable import refundable_of
from oscar_nd8.states import DepositState, PaymentState, SessionStatus

__all__ = ["Answer", "ask", "settle"]

logger = logging.getLogger("oscar_nd8")

REPORTED = ["state", "raw_status", "deposit", "currency", "net", "fee", "attempts", "asked_at"]
# Only a race makes an answer doubtful, and whoever wins it has an answer of its own.
QUESTIONS_AT_MOST = 3
SPARING_AT_MOST = 3
A_MOMENT = timedelta(seconds=1)

GIVEN_BACK = (
    "ND8 says that this payment was made and is being given back. No order was placed. "
    "If the shopper still wants the goods, they must pay again."
)
MONEY_LOST = (
    "The order was placed on a payment that ND8 has since called failed or canceled, or whose deposit failed. "
    "The ledger still shows it. Do not ship before you have looked at the payment in ND8's dashboard."
)
SALE_LOST = (
    "ND8 has since called the payment of this sale failed or canceled, or its deposit failed. "
    "Do not deliver before you have looked at the payment in ND8's dashboard."
)

Verdict = tuple[SessionStatus, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said about a transaction, when it was asked, and what was known of it then."""

    report: PaymentReport
    asked_at: datetime
    known: Payment | None

    @property
    def is_news(self) -> bool:
        """Whether it says anything that is not written down."""
        return self.known is None or _said(self.known) != _says(self.report)


def ask(gateway_code: str, transaction_id: str, *, known: Payment | None) -> Answer:
    """Ask the provider; nothing is written. Raises a ProviderError."""
    asked_at = timezone.now()
    return Answer(get_gateway(gateway_code).look_up(transaction_id), asked_at, known)


@observed("settle", lambda session: session.status)
def settle(session: PaymentSession, *, sparing: bool = False, answers: Sequence[Answer] = ()) -> PaymentSession:
    """Bring `session` to what ND8 says now, and to its order where that is due. Safe to repeat and to race.

    Only transactions that a signed notification tied to the session are asked about. Raises ProviderError when
    ND8 could not be asked; nothing is lost then, and the next call tries again. Must not run in a transaction.
    `sparing` bounds what it costs for whoever can repeat it at will: few questions, and none twice in a moment.
    `answers` are used in place of a question where they were just given.
    """
    payments: Sequence[Payment] = list(Payment.of(session))
    known = {payment.transaction_id: payment for payment in payments}
    given = {answer.report.transaction_id: answer for answer in answers}
    failures: list[ProviderError] = []
    tied = {*known, *_told_transactions(session)}
    is_read = False
    for transaction_id in _worth_asking(tied, known) if sparing else sorted(tied):
        try:
            answer = given.get(transaction_id) or ask(session.gateway, transaction_id, known=known.get(transaction_id))
            payments, is_read = _write_down(session, answer, payments), True
        except ProviderError as error:
            # One transaction without an answer must not keep another one's order back.
            failures.append(error)
            if sparing or isinstance(error, HOPELESS):
                break
    if not is_read:
        payments = _read_again(session)
    given_back = [each for each in payments if each.state in {PaymentState.REFUND_PENDING, PaymentState.REFUNDED}]
    if given_back:
        failures += _find_refunds(session, given_back)
        payments = _read_again(session)
    if session.status in {SessionStatus.PAID, SessionStatus.PLACED, SessionStatus.SOLD}:
        payments = place_order(session, payments)
    if any(payment.has_refunds for payment in payments):
        finish_refunds(session)
        payments = _read_again(session)
    if failures:
        raise failures[0]
    if not sparing and timezone.now() - session.created_at >= UNPROCESSED_AFTER:
        _withdraw_unprocessed(session, tied)
    reschedule_as_read(session, payments)
    return session


def _read_again(session: PaymentSession) -> Sequence[Payment]:
    """Bring `session` up to its row; its payments, read after it as `reschedule_as_read` wants them."""
    session.refresh_from_db()
    return list(Payment.of(session))


def _withdraw_unprocessed(session: PaymentSession, transaction_ids: Iterable[str]) -> None:
    """Each is answered for, whether or not the message that told of it is ever tried again."""
    for transaction_id in transaction_ids:
        close_matters(session, [Attention.Kind.UNPROCESSED], Attention.Resolution.BY_ITSELF, subject=transaction_id)


def _told_transactions(session: PaymentSession) -> Iterable[str]:
    if not session.checkout_id:
        return ()
    events = WebhookEvent.objects.filter(gateway=session.gateway, checkout_id=session.checkout_id)
    return events.exclude(transaction_id="").order_by().values_list("transaction_id", flat=True).distinct()


def _find_refunds(session: PaymentSession, given_back: Iterable[Payment]) -> list[ProviderError]:
    """Take over refunds of which only the payment's state tells; what went wrong."""
    failures: list[ProviderError] = []
    for payment in given_back:
        if not refundable_of(payment).is_explained:
            try:
                adopt_refunds(payment, since=session.created_at - CLOCKS_APART)
            except ProviderError as error:
                failures.append(error)
    return failures


def _worth_asking(tied: Iterable[str], known: Mapping[str, Payment]) -> list[str]:
    """The few that are the likeliest to be news: those never asked about, then those whose answer is the oldest."""
    now = timezone.now()
    asked = {each: payment.asked_at for each, payment in known.items() if payment.asked_at is not None}
    stale = [each for each in tied if each not in asked or not now - A_MOMENT < asked[each] <= now]
    return sorted(stale, key=lambda each: asked.get(each, datetime.min.replace(tzinfo=UTC)))[:SPARING_AT_MOST]


def _confirm(session: PaymentSession, answer: Answer) -> bool:
    """Note only when an answer was given that says what is known, of a session with which nothing is open.

    False where there is more to do. It needs no lock: whoever wrote down another answer since the question changed
    `asked_at`, and whoever does so after us looks at it.
    """
    known = answer.known
    if known is None or session.due_at is not None or answer.is_news:
        return False
    if not Payment.objects.filter(pk=known.pk, asked_at=known.asked_at).update(asked_at=answer.asked_at):
        return False
    known.asked_at = answer.asked_at
    return True


def _write_down(session: PaymentSession, answer: Answer, payments: Sequence[Payment]) -> Sequence[Payment]:
    """Record an answer, or a later one: it must be newer than whatever else was written since the question.

    Brings `session` up to its row, and returns its payments as they are then; where nothing is open and the answer
    says nothing new, both stay as they were read, `payments` with the time of the answer.

    Clocks cannot tell which of two answers is newer: they jump, and differ between machines.
    """
    if _confirm(session, answer):
        return payments
    transaction_id = answer.report.transaction_id
    for _attempt in range(QUESTIONS_AT_MOST):
        recorded = _record(session, answer)
        if recorded is not None:
            return recorded
        known = Payment.objects.get(gateway=session.gateway, transaction_id=transaction_id)
        answer = ask(session.gateway, transaction_id, known=known)
    # Whoever wrote in between knows more than we do, and wrote when it is due next.
    return _read_again(session)


def _record(session: PaymentSession, answer: Answer) -> Sequence[Payment] | None:
    """Write one answer down and move the session by it; None, and nothing is written, where it may be outdated."""
    report, known = answer.report, answer.known
    with transaction.atomic(durable=True):
        read_locked(session)
        payments = list(Payment.of(session))
        payment, created = _payment_of(report.transaction_id, session, payments)
        if payment.session_id != session.pk:
            raise_attention(
                session,
                Attention.Kind.CLAIMED_ELSEWHERE,
                f"ND8 named transaction {report.transaction_id} for this session, but it already belongs to order "
                f"number {payment.session.order_number}. Nothing was booked here. Ask ND8 which checkout it paid.",
            )
            return payments
        untouched = created if known is None else (_said(payment), payment.asked_at) == (_said(known), known.asked_at)
        if not untouched:
            # Written since we asked: the same answer says nothing new, another one may be the newer of the two.
            return payments if _said(payment) == _says(report) else None
        unanswered = is_unanswered(session, payment)
        was_lost, came_back = _was_lost(payment), _comes_back(payment, report, session)
        if not _write_report(payment, report, session=session, asked_at=answer.asked_at):
            return None
        if unanswered and not is_unanswered(session, payment):
            close_matters(
                session, [Attention.Kind.UNANSWERED], Attention.Resolution.BY_ITSELF, subject=report.transaction_id
            )
        moved = _move_by_payments(session, payments)
        if came_back:
            close_refunded(session)
        if was_lost and not any(_was_lost(each) for each in payments):
            close_matters(session, [Attention.Kind.MONEY_LOST], Attention.Resolution.BY_ITSELF)
        if not moved:
            reschedule_as_read(session, payments)
    return payments


def _payment_of(transaction_id: str, session: PaymentSession, payments: list[Payment]) -> tuple[Payment, bool]:
    """The row of a transaction, among `payments` where it is one of the session's, and whether it was made now."""
    for payment in payments:
        if (payment.gateway, payment.transaction_id) == (session.gateway, transaction_id):
            return payment, False
    payment, created = Payment.objects.get_or_create(
        gateway=session.gateway, transaction_id=transaction_id, defaults={"session": session}
    )
    if payment.session_id == session.pk:
        payments.append(payment)
    return payment, created


def _said(payment: Payment) -> tuple[object, ...]:
    return payment.state, payment.raw_status, payment.deposit, payment.currency, payment.net, payment.attempts


def _says(report: PaymentReport) -> tuple[object, ...]:
    attempts = [asdict(attempt) for attempt in report.attempts]
    return report.state, report.raw_status, report.deposit, report.currency, report.net, attempts


def _write_report(payment: Payment, report: PaymentReport, *, session: PaymentSession, asked_at: datetime) -> bool:
    """Let `payment` say what ND8 says, and its row; False where another answer was noted there since it was read."""
    as_read = Payment.objects.filter(pk=payment.pk, asked_at=payment.asked_at)
    payment.state = report.state
    payment.raw_status = report.raw_status
    payment.deposit = report.deposit
    payment.currency = report.currency
    payment.net = report.net
    payment.attempts = [asdict(attempt) for attempt in report.attempts]
    payment.asked_at = asked_at
    comparable = report.currency == session.currency and report.state is PaymentState.PAID
    if comparable and report.net is not None and 0 < report.net <= session.amount:
        payment.fee = session.amount - report.net
    # Only what ND8 says: another process may be booking this payment right now.
    return bool(as_read.update(**{name: getattr(payment, name) for name in REPORTED}))


def _move_by_payments(session: PaymentSession, payments: Sequence[Payment]) -> bool:
    """Whether the session moved; then it is due at once."""
    paid = [payment for payment in payments if payment.state == PaymentState.PAID]
    if session.is_paid:
        _watch_paid_session(session, payments, paid)
        return False
    verdict = _verdict(session, payments, paid)
    if verdict is None:
        return False
    status, reason = verdict
    held = status is SessionStatus.HELD
    moved = hold_session(session, reason) if held else move_session(session.pk, status, reason=reason)
    if not moved:
        return False
    show_moved(session, moved)
    logger.info("Session %s is %s", session.order_number, status)
    if status in {SessionStatus.PAID, SessionStatus.HELD}:
        transaction.on_commit(
            partial(
                signals.payment_confirmed.send_robust,
                sender=PaymentSession,
                session=session,
                payment=paid[0] if paid else payments[-1],
            )
        )
    return True


def _watch_paid_session(session: PaymentSession, payments: Sequence[Payment], paid: Sequence[Payment]) -> None:
    """What can still happen to money that arrived: more of it, or its way back."""
    if len(paid) > 1 or (session.status == SessionStatus.HELD and paid and len(payments) > 1):
        raise_attention(session, Attention.Kind.PAID_TWICE, _paid_twice(session, paid))
    if session.status == SessionStatus.PAID and not paid:
        # Not placed yet, and given back meanwhile: there is nothing left to place an order for.
        show_moved(session, hold_session(session, GIVEN_BACK))
    elif any(_was_lost(payment) for payment in payments):
        raise_attention(session, Attention.Kind.MONEY_LOST, MONEY_LOST if session.link_id is None else SALE_LOST)


def _comes_back(payment: Payment, report: PaymentReport, session: PaymentSession) -> bool:
    """Whether ND8 now calls a payment refunded that staff may have matters about: its own dashboard refunds, too."""
    known = session.status in {SessionStatus.HELD, SessionStatus.PLACED, SessionStatus.SOLD}
    return known and report.state is PaymentState.REFUNDED and payment.state != PaymentState.REFUNDED


def _was_lost(payment: Payment) -> bool:
    """Whether a payment that the ledger knows did not stay; refunds are left aside, they are made on purpose."""
    gone = payment.state in {PaymentState.FAILED, PaymentState.CANCELED}
    return payment.allocated_at is not None and (gone or payment.deposit == DepositState.FAILED)


def _verdict(session: PaymentSession, payments: Sequence[Payment], paid: Sequence[Payment]) -> Verdict | None:
    """Where an unpaid session goes, and why; None: it stays where it is."""
    if paid:
        problem = _implausible(session, paid[0])
        return (SessionStatus.HELD, problem) if problem else (SessionStatus.PAID, "")
    states = {payment.state for payment in payments}
    if states & {PaymentState.REFUNDED, PaymentState.REFUND_PENDING}:
        return SessionStatus.HELD, GIVEN_BACK
    if states & {PaymentState.PROCESSING, PaymentState.UNKNOWN}:
        return None
    newest = payments[-1]
    if newest.state == PaymentState.CANCELED:
        return SessionStatus.CANCELED, "The payment was canceled on ND8's page."
    message = newest.attempts[0]["message"] if newest.attempts else ""
    return SessionStatus.FAILED, message or "The payment failed."


def _implausible(session: PaymentSession, payment: Payment) -> str:
    """Why the amount cannot be right, or "". ND8's amount is net of fees: at most the total, little less."""
    settings = get_settings()
    if payment.currency != session.currency:
        return (
            f"ND8 says the payment was made in {payment.currency or 'no currency'}, but {session.currency} was agreed. "
            "No order was placed. Look at the payment in ND8's dashboard, then place the order or refund it."
        )
    if payment.deposit == DepositState.FAILED:
        return (
            "ND8 calls the payment paid, but its deposit failed: the money may never arrive. "
            "No order was placed. Look at the payment in ND8's dashboard, then place the order or refund it."
        )
    if payment.net is None:
        return (
            "ND8 calls the payment paid, and what it pays out for it cannot be read: it is no amount. "
            "No order was placed. Look at the payment in ND8's dashboard, then place the order or refund it."
        )
    net = payment.net
    ceiling = minor_total(Quote.model_validate(session.quote), with_tax=True)
    agreed = f"{to_major(session.amount, session.currency)} {session.currency}"
    received = f"{to_major(net, session.currency)} {session.currency}"
    # Of a link that is priced without tax nobody here knows the total; its price is ND8's own.
    unbounded = session.link_id is not None and adds_tax(session)
    if net <= 0 or (net > max(ceiling, session.amount) and not unbounded):
        return (
            f"ND8 pays out {received} for an order of {agreed}, which cannot be right. "
            "No order was placed. Compare with ND8's dashboard, then place the order or refund it."
        )
    limit = session.amount * settings.MAX_FEE_PERCENT / 100
    limit += round_to_minor(settings.MAX_FEE_FIXED, session.currency)
    if session.amount - net > limit:
        return (
            f"ND8 pays out {received} for an order of {agreed}: a fee far above the limit in ND8['MAX_FEE_PERCENT']. "
            "No order was placed. Compare with ND8's dashboard, then place the order or refund it."
        )
    return ""


def _paid_twice(session: PaymentSession, paid: Sequence[Payment]) -> str:
    names = ", ".join(payment.transaction_id for payment in paid)
    return (
        f"ND8 took more than one payment for this checkout: {names}. "
        f"{'One order was placed' if session.link_id is None else 'One sale was made'}. "
        f"Refund the surplus of {to_major(session.amount, session.currency)} {session.currency} each."
    )
