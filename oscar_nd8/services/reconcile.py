"""The sweep over everything that is open: ask ND8, finish what a crash left, close what is over, tidy up."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import CredentialsRejected, ProviderError, ScopeMissing
from oscar_nd8.models import Payment, PaymentLink, PaymentSession, Refund, WebhookEvent
from oscar_nd8.observing import observed
from oscar_nd8.services.adopt_refund import adopt_new_refunds
from oscar_nd8.services.close_session import close_session
from oscar_nd8.services.follow_links import follow_link
from oscar_nd8.services.payment_links import LATER
from oscar_nd8.services.process_event import process_event, session_of
from oscar_nd8.services.reschedule import has_news
from oscar_nd8.services.settle import Answer, settle
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.services.sweep import Done, Run, Summary, Sweep, sweep
from oscar_nd8.services.sweep_sessions import SessionSweep
from oscar_nd8.services.tell_staff import tell_staff
from oscar_nd8.states import UNPAID_ENDS, EventStatus, SessionStatus

__all__ = ["Done", "Summary", "reconcile"]

logger = logging.getLogger("oscar_nd8")

# Whoever began a mail this long before a run over everything most likely died. A slow mail server makes it two mails.
MAIL_TAKES = timedelta(seconds=5)
FORGET_AT_ONCE = 200
FORGET_BATCHES = 50


@observed("reconcile", lambda summary: "stopped" if summary.stopped else "finished")
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
    if workers is None:
        workers = get_settings().RECONCILE_WORKERS
    run = Run(workers=1 if connection.vendor == "sqlite" else workers, at_most=at_most, tell=tell)
    if everything:
        _bring_forward(run.began)
    # Events first: they tie the transactions that sessions are then asked about, and refunds are found for.
    sweep(Sweep(run, WebhookEvent, _look_at_event))
    if everything and run.may_go_on:
        _find_new_refunds(run)
    for rows in (SessionSweep(run, _look_at_session), Sweep(run, Refund, _look_at_refund), *_link_sweeps(run)):
        sweep(rows)
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
    for model in (PaymentSession, Refund):
        unsent = model.objects.filter(due_at__isnull=False, mailed_at__isnull=True)
        unsent.filter(mail_claimed_at__lt=moment - MAIL_TAKES).update(mail_claimed_at=None)


def _find_new_refunds(run: Run) -> None:
    """Take over what was refunded in ND8's dashboard and never told; due at once, so that the sweep settles it."""
    since = run.began - timedelta(days=get_settings().RECONCILE_DAYS)
    for code in Payment.objects.order_by("gateway").values_list("gateway", flat=True).distinct():
        try:
            found = [refund.pk for refund in adopt_new_refunds(code, since=since)]
            Refund.objects.filter(pk__in=found, due_at__isnull=False).update(due_at=run.began)
        except ScopeMissing as error:
            # Taking payments needs no such scope, so a shop may do without.
            logger.info("Refunds that were never told cannot be looked for: %s", error)
        except ProviderError as error:
            logger.warning("Refunds that were never told could not be looked for: %s", error)
            run.failed(error)


def _forget_old_events() -> int:
    """Delete notifications that are done with, oldest first, and as many as a run can do without being slow."""
    before = timezone.now() - timedelta(days=get_settings().KEEP_EVENTS_DAYS)
    done_with = [EventStatus.PROCESSED, EventStatus.IGNORED]
    old = WebhookEvent.objects.filter(received_at__lt=before, status__in=done_with, due_at__isnull=True)
    forgotten = 0
    for _ in range(FORGET_BATCHES):
        keys = list(old.order_by("received_at").values_list("pk", flat=True)[:FORGET_AT_ONCE])
        # Again by its conditions: one that is being replayed right now is kept.
        forgotten += old.filter(pk__in=keys).delete()[0]
        if len(keys) < FORGET_AT_ONCE:
            break
    return forgotten


def _look_at_event(pk: int) -> Counter[Done]:
    event = WebhookEvent.objects.get(pk=pk)
    session = session_of(event)
    before = _state(session) if session else Counter()
    done = Counter({Done.PROCESSED: 1} if process_event(event) is EventStatus.PROCESSED else {})
    if session is not None:
        session.refresh_from_db()
        done += _state(session) - before
    return done


def _look_at_session(pk: int, *, answers: Sequence[Answer] = ()) -> Counter[Done]:
    session = PaymentSession.objects.get(pk=pk)
    before = _state(session)
    if session.state not in {SessionStatus.NEW, *UNPAID_ENDS} or has_news(session, session.payments.all()):
        settle(session, answers=answers)
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


def _link_sweeps(run: Run) -> list[Sweep]:
    """Links last: they need a token of their own, which many shops do not have."""
    token = get_settings().MERCHANT_TOKEN.get_secret_value()
    return [Sweep(run, PaymentLink, _look_at_link)] if token else []


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
