"""What a benchmark says: figures with their goals, and the medians and turns they come from."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Figure", "Profile", "at_least", "at_most", "in_turns", "milliseconds", "percentile", "quotient"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is measured; `full` takes the shapes of the goals, otherwise five minutes must do."""

    full: bool

    def pick(self, quick: int, full: int) -> int:
        """The number for this profile."""
        return full if self.full else quick


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: `value` beside `goal` in `unit`, and what it was made of."""

    what: str
    value: float
    goal: float
    higher_is_better: bool
    unit: str = "of the floor"
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.higher_is_better else self.value <= self.goal


def at_least(goal: float, what: str, value: float, **more: str) -> Figure:
    """A figure that should be high."""
    return Figure(what, value, goal, higher_is_better=True, **more)


def at_most(goal: float, what: str, value: float, **more: str) -> Figure:
    """A figure that should be low."""
    return Figure(what, value, goal, higher_is_better=False, **more)


def milliseconds(action: Callable[[], Any]) -> float:
    """One run of `action`."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def in_turns(*actions: Callable[[], T], rounds: int) -> list[list[T]]:
    """What each action measures, A B A B, so that a busy moment of the machine falls on all of them."""
    found: list[list[T]] = [[] for _ in actions]
    for _ in range(rounds):
        for each, action in zip(found, actions, strict=True):
            each.append(action())
    return found


def quotient(ours: Sequence[float], floors: Sequence[float]) -> float:
    """The median of what each turn of ours was of the floor's beside it: what slows a whole turn down falls on both."""
    return statistics.median(a / b for a, b in zip(ours, floors, strict=True))


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all stay below."""
    return statistics.quantiles(values, n=100)[percent - 1]
