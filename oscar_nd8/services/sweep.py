"""The machinery of a run: due rows handed to threads, claimed, seen to, and put off where that failed."""

import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from threading import Lock

from django.db import connections
from django.utils import timezone

from oscar_nd8.exceptions import HOPELESS, CircuitOpen, ProviderError, ProviderUnavailable, RateLimited
from oscar_nd8.models import PaymentLink, PaymentSession, Refund, WebhookEvent

__all__ = ["LEASE", "Done", "Run", "Summary", "Sweep", "sweep"]

logger = logging.getLogger("oscar_nd8")

# Whoever claimed a row this long ago died; a question to ND8 with all its repetitions takes far less.
LEASE = timedelta(minutes=5)
KEYS_IN_MEMORY = 1000
# As many times in a row that ND8 does not answer, and it is down, not unlucky.
UNAVAILABLE_AT_MOST = 5

Model = type[WebhookEvent] | type[PaymentSession] | type[Refund] | type[PaymentLink]


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


class Run:
    """One run's bounds and results, shared by its threads. `workers` is how many may be with ND8 at once."""

    def __init__(self, *, workers: int, at_most: int | None, tell: Callable[[Summary], None]) -> None:
        self.began = timezone.now()
        self.workers = workers
        self.summary = Summary()
        self._left = at_most
        self._tell = tell
        self._unavailable = 0
        self._lock = Lock()

    @property
    def may_go_on(self) -> bool:
        """Whether another question to ND8 is worth it."""
        return not self.summary.stopped

    def allow(self, wanted: int) -> int:
        """How many more rows may be taken; counts them."""
        with self._lock:
            if self.summary.stopped:
                return 0
            if self._left is None:
                return wanted
            allowed = min(wanted, self._left)
            self._left -= allowed
            return allowed

    def allow_again(self, unused: int) -> None:
        """Of those that `allow` counted, so many were not there any more."""
        with self._lock:
            if self._left is not None:
                self._left += unused

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
        if not isinstance(error, HOPELESS):
            return f"ND8 does not answer: {error}" if self._unavailable >= UNAVAILABLE_AT_MOST else ""
        match error:
            case RateLimited():
                wait = "" if error.retry_after is None else f" for {error.retry_after:.0f} seconds"
                return f"ND8 asks us to wait{wait} (429)"
            case CircuitOpen():
                return "ND8 failed several times in a row and is left alone for a while"
            case _:
                return f"ND8 refuses our key: {error}"


class Sweep:
    """The due rows of one table; `look_at` sees to one that is claimed, and says what changed."""

    def __init__(self, run: Run, model: Model, look_at: Callable[..., Counter[Done]]) -> None:
        self.run, self.model, self._look_at = run, model, look_at
        self._keys: deque[int] = deque()
        self._after: datetime | None = None
        self._may_be_more = True
        self._lock = Lock()

    def take(self, wanted: int = 1) -> list[int]:
        """The next keys, as many as are `wanted` while there are so many; none when the run must end."""
        with self._lock:
            if len(self._keys) < wanted and self._may_be_more:
                self._fetch()
            return [self._keys.popleft() for _ in range(self.run.allow(min(wanted, len(self._keys))))]

    def _fetch(self) -> None:
        due = self.model.objects.filter(due_at__lte=self.run.began).order_by("due_at")
        if self._after is not None:
            due = due.filter(due_at__gte=self._after)
        # Claimed rows are not due any more, so the next fetch begins where this one ends.
        waiting = set(self._keys)
        most = KEYS_IN_MEMORY + len(waiting)
        rows = list(due.values_list("pk", "due_at")[:most])
        self._may_be_more = len(rows) == most
        self._keys.extend(pk for pk, _due_at in rows if pk not in waiting)
        self._after = rows[-1][1] if rows else self._after

    def claim(self, keys: Sequence[int]) -> datetime:
        """Claim what of `keys` is still due; the moment that stands in `due_at` of exactly these rows."""
        # Two that claim in the same microsecond must not take each other's rows; nobody gains by guessing.
        lease = timezone.now() + LEASE + timedelta(microseconds=random.randrange(1_000_000))  # noqa: S311
        claimed = self.model.objects.filter(pk__in=keys, due_at__lte=self.run.began).update(due_at=lease)
        # Keys can be fetched again before whoever was handed them claims them, and another run may be about.
        self.run.allow_again(len(keys) - claimed)
        return lease

    def look_at(self, keys: Sequence[int]) -> None:
        """Claim rows and see to them; those that somebody else claimed are left to them."""
        lease = self.claim(keys)
        for pk in self.model.objects.filter(pk__in=keys, due_at=lease).values_list("pk", flat=True):
            self.see_to(pk, partial(self._look_at, pk))

    def see_to(self, pk: int, look_at: Callable[[], Counter[Done]]) -> None:
        """Do it, and let nothing that goes wrong with one row keep the others back."""
        try:
            done = look_at()
        except ProviderError as error:
            logger.warning("%s %s is put off: %s", self.model.__name__, pk, error)
            self.put_off(pk, error)
            self.run.failed(error)
        except Exception as error:  # a shop's own code may raise anything
            logger.exception("%s %s could not be finished", self.model.__name__, pk)
            self.put_off(pk, error)
            self.run.failed(error)
        else:
            self.run.looked_at(done)

    def put_off(self, pk: int, error: Exception) -> None:
        """Say when a row is tried again, where not whoever failed at it did."""

    @property
    def threads(self) -> int:
        """How many threads `work`."""
        return self.run.workers

    def work(self) -> None:
        """One thread's share of the rows."""
        while keys := self.take():
            self.look_at(keys)


def sweep(rows: Sweep) -> None:
    """See to all of `rows`, by as many threads as they want."""

    def work() -> None:
        try:
            rows.work()
        finally:
            if rows.threads > 1:
                connections.close_all()  # this thread's own

    if rows.threads == 1:
        work()
        return
    with ThreadPoolExecutor(rows.threads, thread_name_prefix="nd8_reconcile") as pool:
        for future in [pool.submit(work) for _ in range(rows.threads)]:
            future.result()
