"""When to stop asking: a provider that failed several calls in a row is left alone, so that it holds no worker.

Closed: every call goes out. Open: none does, for a pause. Half open: the pause is over and a single call
finds out; if it is answered the circuit closes, else the next pause begins.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock
from time import monotonic
from typing import Final

from oscar_nd8.client._answers import is_failure_of_provider
from oscar_nd8.client._operations import Operation
from oscar_nd8.exceptions import CircuitOpen, ProviderError

__all__ = ["Circuit", "CircuitSnapshot", "CircuitState"]

logger = logging.getLogger("oscar_nd8.client")

_WHILE_FINDING_OUT: Final = 1.0  # seconds; when the call that finds out will be answered nobody knows


class CircuitState(StrEnum):
    """Whether calls go out: all, none, or one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CircuitSnapshot:
    """A circuit at one moment: how many calls failed in a row, and while open, until when it stays so (UTC)."""

    state: CircuitState
    failures: int
    open_until: datetime | None


class Circuit:
    """Opens for `pause` seconds once `threshold` calls in a row failed; threads share it.

    A call is a read with all its repetitions, or a write. What ND8 refuses is no failure of ND8, and neither
    is what never came to an end here.
    """

    def __init__(self, *, threshold: int, pause: float) -> None:
        if threshold < 1 or pause <= 0:
            raise ValueError("The circuit needs a threshold of at least 1 call and a pause above zero seconds.")
        self._threshold = threshold
        self._pause = pause
        self._lock = Lock()
        self._failures = 0
        self._round = 0  # changes with the state: a call that began in another round says nothing about this one
        self._retry_at: float | None = None  # monotonic; None while closed
        self._open_until = datetime.now(UTC)
        self._is_finding_out = False

    @property
    def snapshot(self) -> CircuitSnapshot:
        """The circuit as it is now."""
        with self._lock:
            state = self._state()
            open_until = self._open_until if state is CircuitState.OPEN else None
            return CircuitSnapshot(state, self._failures, open_until)

    @contextmanager
    def passage(self, operation: Operation) -> Iterator[None]:
        """Let one call through, and learn from how it ends; raises CircuitOpen where none may pass."""
        number = self._enter(operation)
        failed: bool | None = None
        try:
            yield
            failed = False
        except ProviderError as error:
            failed = is_failure_of_provider(error)
            raise
        finally:
            self._leave(operation, number, failed=failed)

    def _state(self) -> CircuitState:
        if self._retry_at is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if monotonic() < self._retry_at else CircuitState.HALF_OPEN

    def _enter(self, operation: Operation) -> int:
        with self._lock:
            if self._retry_at is None:
                return self._round
            left = self._retry_at - monotonic()
            if left > 0 or self._is_finding_out:
                raise _refusal(operation, max(left, _WHILE_FINDING_OUT if self._is_finding_out else 0))
            self._is_finding_out = True
            self._round += 1
            number = self._round
        logger.info("ND8 is asked again after a pause: %s", operation.id)
        return number

    def _leave(self, operation: Operation, number: int, *, failed: bool | None) -> None:
        with self._lock:
            if number != self._round:
                return
            was_finding_out, self._is_finding_out = self._is_finding_out, False
            if failed is None:
                return
            failures = self._failures = self._failures + 1 if failed else 0
            opens = failed and (was_finding_out or failures >= self._threshold)
            if opens:
                self._retry_at = monotonic() + self._pause
                self._open_until = datetime.now(UTC) + timedelta(seconds=self._pause)
            elif was_finding_out:
                self._retry_at = None
            self._round += opens or was_finding_out
        if opens:
            logger.error(
                "ND8 failed at %d calls in a row, the last was %s: nothing is sent for %g seconds",
                failures,
                operation.id,
                self._pause,
            )
        elif was_finding_out:
            logger.warning("ND8 answers again (%s): calls go out as usual", operation.id)


def _refusal(operation: Operation, seconds: float) -> CircuitOpen:
    message = f"{operation.id} was not sent: ND8 failed at several calls in a row and is left alone. Try later."
    return CircuitOpen(message, retry_after=seconds, operation=operation.id)
