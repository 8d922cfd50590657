"""The sweep over everything that is open: ask ND8, finish what a crash left, close what is over, tidy up."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from django.db import connection, connections
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import (
    CircuitOpen,
    CredentialsRejected,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    ScopeMissing,
)
from oscar_nd8.models import Payment, PaymentLink, PaymentSession, Refund, WebhookEvent
from oscar_nd8.schedule import next_look
from oscar_nd8.services.adopt_refund import adopt_new_refunds
from oscar_nd8.services.close_session import close_session
from oscar_nd8.services.follow_links import follow_link
from oscar_nd8.services.payment_links import LATER
from oscar_nd8.services.process_event import process_event, session_of
from oscar_nd8.services.reschedule import has_news
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.services.tell_staff import tell_staff
from oscar_nd8.states import UNPAID_ENDS, EventStatus, SessionStatus

__all__ = ["Done", "Summary", "reconcile"]

logger = logging.getLogger("oscar_nd8")

# Whoever claimed a row this long ago died; a question to ND8 with all its repetitions takes far less.
LEASE = timedelta(minutes=5)
BATCH = 200
FORGET_BATCHES = 50
# As many times in a row that ND8 does not answer, and it is down, not unlucky.
UNAVAILABLE_AT_MOST = 5


class Done(StrEnum):
    """What a run can have changed."""

    PLACED = "orders placed"
    SOLD = "sales by payment links"
    HELD = "payments held for a decision"
    BOOKED = "deposits booked"
    MAILED = "mails sent"
    FAILED = "payments found failed"
    CANCELED = "payments found canceled"
    EXPIRED = "sessions closed unpaid"
    REFUNDED = "refunds settled"
    PROCESSED = "notifications processed"
    DISCARDED = "frozen baskets deleted"
    TOLD = "matters told to staff"
    FORGOTTEN = "old notifications deleted"


@dataclass(slots=True)
class Summary:
    """What a run did so far; `stopped` says why it ended early, "" when it did not."""

    looked_at: int = 0
    postponed: int = 0
    broken: int = 0
    done: Counter[Done] = field(default_factory=Counter)
    stopped: str = ""


def reconcile(
    *,
    everything: bool = False,
    at_most: int | None = None,
    workers: int | None = None,
    tell: Callable[[Summary], None] = lambda _summary: None,
) -> Summary:
    """Bring what is due, or `everything` that is open, to what ND8 says now; `tell` hears of the progress.

    Each row is claimed by moving its `due_at` on, so two runs share the work, and what a killed run had claimed is
    due again after five minutes, or at once for a run over everything. Must not run in a transaction.
    """
    run = _Run(at_most=at_most, tell=tell)
    if everything:
        _find_new_refunds(run)
        _bring_forward(run.began)
    if workers is None:
        workers = get_settings().RECONCILE_WORKERS
    # Events first: they tie the transactions that sessions are then asked about.
    for sweep in (
        _Sweep(run, WebhookEvent, _look_at_event),
        _Sweep(run, PaymentSession, _look_at_session),
        _Sweep(run, Refund, _look_at_refund),
        *_link_sweeps(run),
    ):
        _drain(sweep, workers=1 if connection.vendor == "sqlite" else workers)
    run.summary.done += Counter({Done.TOLD: tell_staff(), Done.FORGOTTEN: _forget_old_events()})
    return run.summary


def _bring_forward(moment: datetime) -> None:
    """Let everything be due now that ND8 could say something new about, or that a killed run had claimed."""
    later = Q(due_at__gt=moment)
    WebhookEvent.objects.filter(later).update(due_at=moment)
    Refund.objects.filter(later).update(due_at=moment)
    PaymentLink.objects.filter(later).update(due_at=moment)
    tied = Exists(Payment.objects.filter(session=OuterRef("pk")))
    unpaid = Q(status__in=[SessionStatus.NEW, SessionStatus.OPEN, *UNPAID_ENDS])
    PaymentSession.objects.filter(later, ~unpaid | tied).update(due_at=moment)


def _find_new_refunds(run: "_Run") -> None:
    """Take over what was refunded in ND8's dashboard and never told; due at once, so that the sweep settles it."""
    since = run.began - timedelta(days=get_settings().RECONCILE_DAYS)
    for code in Payment.objects.order_by("gateway").values_list("gateway", flat=True).distinct():
        try:
            adopt_new_refunds(code, since=since)
        except ScopeMissing as error:
            # Taking payments needs no such scope, so a shop may do without.
            logger.info("Refunds that were never told cannot be looked for: %s", error)
        except ProviderError as error:
            logger.warning("Refunds that were never told could not be looked for: %s", error)
            run.failed(error)


_Model = type[WebhookEvent] | type[PaymentSession] | type[Refund] | type[PaymentLink]


def _forget_old_events() -> int:
    """Delete notifications that are done with, oldest first, and as many as a run can do without being slow."""
    before = timezone.now() - timedelta(days=get_settings().KEEP_EVENTS_DAYS)
    done_with = [EventStatus.PROCESSED, EventStatus.IGNORED]
    old = WebhookEvent.objects.filter(received_at__lt=before, status__in=done_with, due_at__isnull=True)
    forgotten = 0
    for _ in range(FORGET_BATCHES):
        keys = list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH])
        # Again by its conditions: one that is being replayed right now is kept.
        forgotten += old.filter(pk__in=keys).delete()[0]
        if len(keys) < BATCH:
            break
    return forgotten


class _Run:
    """One run's bounds and results, shared by its threads."""

    def __init__(self, *, at_most: int | None, tell: Callable[[Summary], None]) -> None:
        self.began = timezone.now()
        self.summary = Summary()
        self._left = at_most
        self._tell = tell
        self._unavailable = 0
        self._lock = Lock()

    def take(self, rows: Iterator[tuple[int, datetime]]) -> tuple[int, datetime] | None:
        """The next row, None when there is none or the run must end."""
        with self._lock:
            if self.summary.stopped or self._left == 0:
                return None
            row = next(rows, None)
            if row is not None and self._left is not None:
                self._left -= 1
            return row

    def looked_at(self, done: Counter[Done]) -> None:
        """A row was seen to."""
        with self._lock:
            self._unavailable = 0
            self.summary.looked_at += 1
            self.summary.done += done
            self._tell(self.summary)

    def failed(self, error: Exception) -> None:
        """A row was not; decides whether the next ones are worth a try."""
        with self._lock:
            self.summary.looked_at += 1
            if isinstance(error, ProviderError):
                self.summary.postponed += 1
            else:
                self.summary.broken += 1
            self._unavailable = self._unavailable + 1 if isinstance(error, ProviderUnavailable) else 0
            if not self.summary.stopped:
                self.summary.stopped = self._why_stop(error)
            self._tell(self.summary)

    def _why_stop(self, error: Exception) -> str:
        if isinstance(error, RateLimited):
            wait = "" if error.retry_after is None else f" for {error.retry_after:.0f} seconds"
            return f"ND8 asks us to wait{wait} (429)"
        if isinstance(error, (CredentialsRejected, ScopeMissing)):
            return f"ND8 refuses our key: {error}"
        if isinstance(error, CircuitOpen):
            return "ND8 failed several times in a row and is left alone for a while"
        if self._unavailable >= UNAVAILABLE_AT_MOST:
            return f"ND8 does not answer: {error}"
        return ""


class _Sweep:
    """The due rows of one table, handed out one at a time, a batch of keys in memory."""

    def __init__(self, run: _Run, model: _Model, look_at: Callable[[int], Counter[Done]]) -> None:
        self.run, self._model, self._look_at = run, model, look_at
        self._rows = self._due()

    def take(self) -> tuple[int, datetime] | None:
        """The next row's key, and when it was due; None when there is none, or the run must end."""
        return self.run.take(self._rows)

    def look_at(self, pk: int, due_at: datetime) -> None:
        """Claim a row and see to it; one that somebody else claimed is left to them."""
        claim = self._model.objects.filter(pk=pk, due_at=due_at)
        if not claim.update(due_at=timezone.now() + LEASE):
            return
        try:
            done = self._look_at(pk)
        except ProviderError as error:
            logger.warning("%s %s is put off: %s", self._model.__name__, pk, error)
            self._put_off(pk, error)
        except Exception as error:  # one row that fails must not keep the others back
            logger.exception("%s %s could not be finished", self._model.__name__, pk)
            self._put_off(pk, error)
        else:
            self.run.looked_at(done)

    def _put_off(self, pk: int, error: Exception) -> None:
        if self._model is PaymentSession:
            _put_off_session(pk, error)
        self.run.failed(error)

    def _due(self) -> Iterator[tuple[int, datetime]]:
        after = datetime.min.replace(tzinfo=self.run.began.tzinfo)
        while True:
            due = self._model.objects.filter(due_at__gte=after, due_at__lte=self.run.began).order_by("due_at")
            # Claimed rows are not due any more, so the next batch begins where this one ends.
            batch = [(pk, at) for pk, at in due.values_list("pk", "due_at")[:BATCH] if at is not None]
            if not batch:
                return
            yield from batch
            after = batch[-1][1]


def _drain(sweep: _Sweep, *, workers: int) -> None:
    def work() -> None:
        try:
            while (row := sweep.take()) is not None:
                sweep.look_at(*row)
        finally:
            if workers > 1:
                connections.close_all()  # this thread's own

    if workers == 1:
        work()
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="nd8_reconcile") as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()


def _look_at_event(pk: int) -> Counter[Done]:
    event = WebhookEvent.objects.get(pk=pk)
    session = session_of(event)
    before = _state(session) if session else Counter()
    done = Counter({Done.PROCESSED: 1} if process_event(event) is EventStatus.PROCESSED else {})
    if session is not None:
        session.refresh_from_db()
        done += _state(session) - before
    return done


def _look_at_session(pk: int) -> Counter[Done]:
    session = PaymentSession.objects.get(pk=pk)
    before = _state(session)
    if session.state not in {SessionStatus.NEW, *UNPAID_ENDS} or has_news(session):
        settle(session)
    deleted = not session.is_paid and close_session(session)
    session.refresh_from_db()
    done = _state(session) - before
    if deleted:
        done[Done.DISCARDED] += 1
    return done


def _look_at_refund(pk: int) -> Counter[Done]:
    refund = Refund.objects.get(pk=pk)
    before = refund.state
    settled = settle_refund(refund)
    return Counter({Done.REFUNDED: 1} if settled.state is not before and settled.closed_at is not None else {})


def _link_sweeps(run: _Run) -> list["_Sweep"]:
    """Links last: they need a token of their own, which many shops do not have."""
    token = get_settings().MERCHANT_TOKEN.get_secret_value()
    return [_Sweep(run, PaymentLink, _look_at_link)] if token else []


def _look_at_link(pk: int) -> Counter[Done]:
    try:
        found = follow_link(PaymentLink.objects.get(pk=pk))
    except (CredentialsRejected, ScopeMissing) as error:
        # A merchant's session ends some day, and no payment waits for it; the doctor says so.
        logger.warning("Payment links cannot be followed: %s", error)
        PaymentLink.objects.filter(pk=pk).update(due_at=timezone.now() + LATER)
        return Counter()
    return sum((_state(session) for session in found), Counter())


ENDS = {
    SessionStatus.PLACED: Done.PLACED,
    SessionStatus.SOLD: Done.SOLD,
    SessionStatus.HELD: Done.HELD,
    SessionStatus.FAILED: Done.FAILED,
    SessionStatus.CANCELED: Done.CANCELED,
    SessionStatus.EXPIRED: Done.EXPIRED,
}


def _state(session: PaymentSession) -> Counter[Done]:
    reached: Counter[Done] = Counter()
    if session.state in ENDS:
        reached[ENDS[session.state]] = 1
    if session.mailed_at is not None:
        reached[Done.MAILED] = 1
    reached[Done.BOOKED] = session.payments.filter(debited_at__isnull=False).count()
    return reached


def _put_off_session(pk: int, error: Exception) -> None:
    session = PaymentSession.objects.only("due_at", "created_at", "paid_at").get(pk=pk)
    now = timezone.now()
    later = next_look(session.paid_at or session.created_at, now=now)
    if isinstance(error, ProviderUnavailable) and error.retry_after is not None:
        later = max(later, now + timedelta(seconds=error.retry_after))
    PaymentSession.objects.filter(pk=pk, due_at=session.due_at).exclude(due_at=None).update(due_at=later)
