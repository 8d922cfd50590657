"""Claimed sessions asked about one by one; those of which ND8 says nothing new are written down together.

Most of what a schedule asks about has not changed. For that, the one road's transactions and locks would be most of
the work, and all they would write is when to ask again.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

from django.db.models import Case, DateTimeField, Value, When
from django.utils import timezone

from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.services.reschedule import has_news, when_due
from oscar_nd8.services.settle import Answer, ask
from oscar_nd8.states import UNFINISHED, UNPAID_ENDS, DepositState, PaymentState, SessionStatus

__all__ = ["SkimmedSessions"]

S = SessionStatus

# Where nothing is to be done here, whatever else is known, as long as ND8 says the same as before.
WAITING = {S.OPEN, S.HELD, *UNPAID_ENDS}
ORDERED = {S.PLACED, S.SOLD}
STANDING = {*UNFINISHED, PaymentState.PAID, PaymentState.FAILED, PaymentState.CANCELED}
NOT_ARRIVED = {DepositState.PENDING, DepositState.FAILED}


class SkimmedSessions:
    """The sessions of `keys` whose claim is `lease`, with their payments, in a fixed number of queries.

    Threads share them. Each says when it has `seen_to` one, and whoever saw to the last writes all down.
    """

    def __init__(self, keys: Sequence[int], *, lease: datetime) -> None:
        self.lease = lease
        claimed = PaymentSession.objects.filter(pk__in=keys, due_at=lease).defer("quote", "checkout_url")
        self.sessions = list(claimed.order_by("pk"))
        # Not prefetched: for so few columns that costs as much again as reading them.
        self._payments = defaultdict[int, dict[str, Payment]](dict)
        for payment in Payment.objects.filter(session_id__in=[each.pk for each in self.sessions]):
            self._payments[payment.session_id][payment.transaction_id] = payment
        checkouts = [session.checkout_id for session in self.sessions if session.checkout_id]
        events = WebhookEvent.objects.filter(checkout_id__in=checkouts).exclude(transaction_id="")
        self._told = set(events.values_list("gateway", "checkout_id", "transaction_id").distinct())
        self._asked: dict[int, datetime] = {}
        self._due: dict[int, datetime] = {}
        self._lock = Lock()
        self._unseen = len(self.sessions)

    def ask(self, session: PaymentSession) -> list[Answer] | None:
        """None where ND8 says nothing new and nothing is to be done; else its answers so far, for `settle`.

        Raises a ProviderError.
        """
        payments = self._payments[session.pk]
        over = session.state in UNPAID_ENDS and not has_news(session, payments.values())
        if over or not self._only_waits(session, payments):
            return []
        answers = []
        for transaction_id in sorted(payments):
            answers.append(ask(session.gateway, transaction_id, known=payments[transaction_id]))
            if answers[-1].is_news:
                return answers
        for answer in answers:
            payments[answer.report.transaction_id].asked_at = answer.asked_at
        now = timezone.now()
        due_at = when_due(session, payments.values(), now=now)
        if due_at is None or due_at <= now:
            return answers
        with self._lock:
            self._asked |= {each.pk: each.asked_at for each in payments.values() if each.asked_at is not None}
            self._due[session.pk] = due_at
        return None

    def give_back(self, sessions: Sequence[PaymentSession], *, due_at: datetime) -> None:
        """Let go of sessions that were claimed and not asked about."""
        try:
            theirs = PaymentSession.objects.filter(pk__in=[each.pk for each in sessions], due_at=self.lease)
            theirs.update(due_at=due_at)
        finally:
            self.seen_to(len(sessions))

    def seen_to(self, number: int = 1) -> None:
        """So many more of them are done with."""
        with self._lock:
            self._unseen -= number
            is_last = self._unseen == 0
        if is_last:
            self._write()

    def _write(self) -> None:
        """Write down when which payment was asked about, and when each session is due next."""
        if not self._due:
            return
        # The earliest of them for all: an answer may be newer than we say, never older. Others may have asked since.
        asked_at = min(self._asked.values())
        Payment.objects.filter(pk__in=self._asked, asked_at__lt=asked_at).update(asked_at=asked_at)
        due_at = Case(
            *(When(pk__in=keys, then=Value(moment)) for moment, keys in _together(self._due).items()),
            output_field=DateTimeField(),
        )
        # Whoever changed a session meanwhile said when it is due.
        PaymentSession.objects.filter(pk__in=self._due, due_at=self.lease).update(due_at=due_at)

    def _only_waits(self, session: PaymentSession, payments: dict[str, Payment]) -> bool:
        told = {each for gateway, checkout, each in self._told if (gateway, checkout) == _checkout(session)}
        if not payments or not told <= payments.keys():
            return False
        if session.state in ORDERED:
            waits = all(_waits_for_deposit(payment) for payment in payments.values())
            return waits and (session.status == S.SOLD or session.mailed_at is not None)
        return session.state in WAITING and all(payment.state in STANDING for payment in payments.values())


def _together(due: Mapping[int, datetime]) -> dict[datetime, list[int]]:
    """Keys by when they are due, to ten seconds: most of what is asked about together has one condition then.

    Never sooner: a page that is to be asked about once it has closed would be asked about again and again until then.
    """
    keys = defaultdict(list)
    for pk, moment in due.items():
        keys[datetime.fromtimestamp(math.ceil(moment.timestamp() / 10) * 10, UTC)].append(pk)
    return dict(keys)


def _checkout(session: PaymentSession) -> tuple[str, str]:
    return session.gateway, session.checkout_id


def _waits_for_deposit(payment: Payment) -> bool:
    booked = payment.allocated_at is not None and payment.debited_at is None
    return payment.state == PaymentState.PAID and payment.deposit in NOT_ARRIVED and booked
