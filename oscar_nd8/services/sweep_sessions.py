"""The sweep over sessions: claimed and written down many at once, asked about one by one by whoever is free."""

from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Condition, Semaphore

from django.utils import timezone

from oscar_nd8.exceptions import ND8Error, ProviderUnavailable
from oscar_nd8.models import PaymentSession
from oscar_nd8.schedule import next_look
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.skim_sessions import SkimmedSessions
from oscar_nd8.services.sweep import LEASE, Done, Run, Sweep
from oscar_nd8.states import SessionStatus

__all__ = ["SessionSweep"]

# An order that cannot be written for so long waits for more than a database or a deployment.
PLACED_WITHIN = timedelta(days=1)
# Rows are read and written for so many at least, and for so many of each thread.
AT_ONCE, OF_EACH_THREAD = 32, 8
# Threads beyond those that may be with ND8; a second one brings nothing.
SPARE = 1

Turn = tuple[SkimmedSessions, PaymentSession]


class SessionSweep(Sweep):
    """Sessions: those of which ND8 says nothing new are written down together, the others go down the one road.

    All threads take from one heap, and one of them claims the next before it is empty: nobody waits for the
    database while ND8 could be asked, and all end together. There is a thread more than may be with ND8 at once:
    one can claim or write while as many ask as may. `look_at` takes a session's key and, as `answers`, what ND8 said
    of it just now.
    """

    def __init__(self, run: Run, look_at: Callable[..., Counter[Done]]) -> None:
        super().__init__(run, PaymentSession, look_at)
        self._places = Semaphore(run.workers)
        self._heap: deque[Turn] = deque()
        self._is_claiming = False
        self._is_over = False
        self._changed = Condition()

    @property
    def threads(self) -> int:
        """One more than may be with ND8 at once; where a single thread is to do, that one."""
        return self.run.workers + SPARE if self.run.workers > 1 else self.run.workers

    def work(self) -> None:
        """Ask about one session after the other, and finish those with news."""
        while (turn := self._next()) is not None:
            batch, session = turn
            is_asked = True
            try:
                is_asked = self._see_to_in_its_place(batch, session)
            finally:
                if is_asked:
                    batch.seen_to()
            if not is_asked:
                self._give_back(batch, session)

    def _see_to_in_its_place(self, batch: SkimmedSessions, session: PaymentSession) -> bool:
        with self._places:
            # ND8 may have asked to wait while this thread waited for its place.
            if not self._is_worth_asking(batch.lease):
                return False
            self.see_to(session.pk, partial(self._skim, batch, session))
            return True

    def put_off(self, pk: int, error: Exception) -> None:
        """After a quarter of its age, or when ND8 asked for it; what cannot be placed for a day, a person decides."""
        session = PaymentSession.objects.get(pk=pk)
        now = timezone.now()
        since = session.paid_at or session.created_at
        if session.status == SessionStatus.PAID and now - since > PLACED_WITHIN and not isinstance(error, ND8Error):
            hold_session(session, f"For a day the order could not be written: {type(error).__name__}: {error}")
            return
        later = next_look(since, now=now)
        if isinstance(error, ProviderUnavailable) and error.retry_after is not None:
            later = max(later, now + timedelta(seconds=error.retry_after))
        PaymentSession.objects.filter(pk=pk, due_at=session.due_at).exclude(due_at=None).update(due_at=later)

    def _skim(self, batch: SkimmedSessions, session: PaymentSession) -> Counter[Done]:
        answers = batch.ask(session)
        return Counter() if answers is None else self._look_at(session.pk, answers=answers)

    def _next(self) -> Turn | None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._heap or not self._is_claiming)
                must_claim = not (self._is_claiming or self._is_over) and len(self._heap) <= self.run.workers
                turn = self._heap.popleft() if self._heap and not must_claim else None
                self._is_claiming |= must_claim
                is_over = self._is_over
            if turn is not None and self._is_worth_asking(turn[0].lease):
                return turn
            if turn is not None:
                self._give_back(*turn)
            elif must_claim:
                self._claim_more(max(AT_ONCE, OF_EACH_THREAD * self.run.workers))
            elif is_over:
                return None

    def _is_worth_asking(self, lease: datetime) -> bool:
        # A slow ND8 must not let a claim run out under the last of many: another run would ask about it, too.
        return self.run.may_go_on and timezone.now() <= lease - LEASE / 2

    def _give_back(self, batch: SkimmedSessions, first: PaymentSession) -> None:
        """Let go of all of a batch that was not asked about."""
        with self._changed:
            sessions = [first, *(session for owner, session in self._heap if owner is batch)]
            self._heap = deque(turn for turn in self._heap if turn[0] is not batch)
        self.run.allow_again(len(sessions))
        batch.give_back(sessions, due_at=self.run.began)

    def _claim_more(self, wanted: int) -> None:
        claimed: list[Turn] = []
        is_over = False
        try:
            keys = self.take(wanted)
            if keys:
                batch = SkimmedSessions(keys, lease=self.claim(keys))
                claimed = [(batch, session) for session in batch.sessions]
            is_over = not keys
        finally:
            # Where that failed, this thread ends with it and another one tries.
            with self._changed:
                self._is_claiming = False
                self._is_over = is_over
                self._heap.extend(claimed)
                self._changed.notify_all()
