"""What an examination says about one thing: is it well, and if not, what to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["GROUPS", "Finding", "Level", "Subject", "as_data", "worst_of"]


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    SKIPPED = "skipped"  # it could not be found out; the finding says why
    WARNING = "warning"  # payments work, but something is about to go wrong or to be missed
    ERROR = "error"  # payments do not work, or money waits and nothing moves it


class Subject(StrEnum):
    """What is examined, in the order of a report: one finding for each, however it ends."""

    SETTINGS = "settings"
    SYSTEM_CHECKS = "system-checks"
    DATABASE = "database"
    CONNECTIONS = "connections"
    MIGRATIONS = "migrations"
    CURRENCY = "currency"
    REACHABLE = "reachable"
    API_KEY = "api-key"
    ENVIRONMENT = "environment"
    MAY_OPEN = "may-open-payments"
    MAY_READ = "may-read-payments"
    MAY_READ_REFUNDS = "may-read-refunds"
    MAY_REFUND = "may-refund"
    CLOCK = "clock"
    MERCHANT_TOKEN = "merchant-token"  # noqa: S105  # a name, no secret
    PRICE_MODE = "price-mode"
    AMOUNTS = "amounts"
    WEBHOOK_SECRET = "webhook-secret"  # noqa: S105  # a name, no secret
    WEBHOOK_ADDRESS = "webhook-address"
    NOTIFICATIONS = "notifications"
    QUEUE = "queue"
    RECONCILING = "reconciling"
    ORDERS_DUE = "orders-due"
    HELD = "held"
    MATTERS = "matters"


S = Subject

GROUPS: Mapping[str, tuple[Subject, ...]] = {
    "The project": (S.SETTINGS, S.SYSTEM_CHECKS, S.DATABASE, S.CONNECTIONS, S.MIGRATIONS, S.CURRENCY),
    "The account at ND8": (
        S.REACHABLE,
        S.API_KEY,
        S.ENVIRONMENT,
        S.MAY_OPEN,
        S.MAY_READ,
        S.MAY_READ_REFUNDS,
        S.MAY_REFUND,
        S.CLOCK,
        S.MERCHANT_TOKEN,
        S.PRICE_MODE,
        S.AMOUNTS,
    ),
    "ND8's notifications": (S.WEBHOOK_SECRET, S.WEBHOOK_ADDRESS, S.NOTIFICATIONS, S.QUEUE),
    "Payments under way": (S.RECONCILING, S.ORDERS_DUE, S.HELD, S.MATTERS),
}

_ORDER = (Level.OK, Level.SKIPPED, Level.WARNING, Level.ERROR)


@dataclass(frozen=True, slots=True)
class Finding:
    """`fact` says what is so, or why that could not be found out; `advice` what to do, "" where there is nothing."""

    subject: Subject
    level: Level
    fact: str
    advice: str = ""

    @property
    def needs_somebody(self) -> bool:
        """Whether a person should act on it."""
        return self.level in {Level.WARNING, Level.ERROR}


def worst_of(findings: Iterable[Finding]) -> Level:
    """The level of all together. What was skipped says nothing against the rest."""
    levels = {finding.level for finding in findings} - {Level.SKIPPED}
    return max(levels, key=_ORDER.index, default=Level.OK)


def as_data(findings: Sequence[Finding], *, at: datetime) -> dict[str, Any]:
    """As programs read it: the doctor's JSON and the health view's. Names and ids are kept from version to version."""
    return {
        "status": worst_of(findings).value,
        "checked_at": at.isoformat(),
        "findings": [
            {"id": each.subject.value, "level": each.level.value, "fact": each.fact, "advice": each.advice}
            for each in findings
        ],
    }
