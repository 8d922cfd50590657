"""How long a piece of work took and how it ended: told by `signals.work_finished`, and as a span of a trace."""

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from oscar_nd8 import signals
from oscar_nd8.exceptions import ND8Error
from oscar_nd8.tracing import span

__all__ = ["BROKEN", "ending_of", "observed"]

P = ParamSpec("P")
R = TypeVar("R")

# Whatever else went wrong; the log says what.
BROKEN = "error"


def observed(work: str, outcome: Callable[[Any], str | None]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Tell of every call of the function as `work`, with `outcome` of what it returned, or the kind of its error.

    Where `outcome` is None nothing is told: the work goes on in another function that is observed.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            began = monotonic()
            try:
                with span(f"nd8 {work}"):
                    result = function(*args, **kwargs)
            except Exception as error:  # raised again: how it ended is told whatever it was
                _tell(work, ending_of(error), began)
                raise
            ending = outcome(result)
            if ending is not None:
                _tell(work, ending, began)
            return result

        return call

    return decorate


def ending_of(error: Exception) -> str:
    """The name of one of our own errors; any other is BROKEN, so that there are few words."""
    return type(error).__name__ if isinstance(error, ND8Error) else BROKEN


def _tell(work: str, outcome: str, began: float) -> None:
    signals.work_finished.send_robust(sender=None, work=work, outcome=outcome, seconds=monotonic() - began)
