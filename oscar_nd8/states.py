"""Statuses in our own words, and the table of moves: whether a status may follow another is decided here."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

__all__ = [
    "HOLDS_MONEY",
    "MOVED_NOTHING",
    "REFUNDED_FROM",
    "REFUND_ENDS",
    "REFUND_MOVES",
    "SESSION_MOVES",
    "UNFINISHED",
    "UNPAID_ENDS",
    "DepositState",
    "EventStatus",
    "PaymentState",
    "RefundStatus",
    "SessionStatus",
    "sources_of",
]


Status = TypeVar("Status", bound=StrEnum)


class SessionStatus(StrEnum):
    """One attempt to get one quote paid."""

    NEW = "new"  # written, ND8 not answered yet
    OPEN = "open"  # the shopper can pay on the hosted page
    PAID = "paid"  # ND8 confirmed the payment; the order is due
    PLACED = "placed"  # the order exists
    SOLD = "sold"  # paid by a payment link: the sale is complete, no order follows
    HELD = "held"  # money arrived, a person must decide: place or refund
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


S = SessionStatus

UNPAID_ENDS = frozenset({S.FAILED, S.CANCELED, S.EXPIRED})

SESSION_MOVES: Mapping[SessionStatus, frozenset[SessionStatus]] = {
    # PAID straight from NEW: a notification can overtake the answer that opens the session.
    S.NEW: frozenset({S.OPEN, S.FAILED, S.CANCELED, S.EXPIRED, S.PAID, S.HELD}),
    S.OPEN: frozenset({S.PAID, S.HELD, S.FAILED, S.CANCELED, S.EXPIRED}),
    # A late payment still tells the truth, whatever was said before it.
    S.FAILED: frozenset({S.PAID, S.HELD, S.CANCELED}),
    S.CANCELED: frozenset({S.PAID, S.HELD, S.FAILED}),
    S.EXPIRED: frozenset({S.PAID, S.HELD, S.FAILED, S.CANCELED}),
    S.PAID: frozenset({S.PLACED, S.SOLD, S.HELD}),
    S.HELD: frozenset({S.PAID}),  # a person decided to place it after all
    S.PLACED: frozenset(),
    S.SOLD: frozenset(),
}


def sources_of(to: Status, moves: Mapping[Status, frozenset[Status]]) -> list[Status]:
    """Every status that may become `to` by a table of moves."""
    return [status for status, targets in moves.items() if to in targets]


class PaymentState(StrEnum):
    """What a provider says about one payment, in our words."""

    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"  # a word we do not know: kept, shown, never acted on


UNFINISHED = frozenset({PaymentState.PROCESSING, PaymentState.UNKNOWN})
# ND8 has the last word about the other two: a refund of them may have failed since it was asked.
HOLDS_MONEY = frozenset({PaymentState.PAID, PaymentState.REFUND_PENDING, PaymentState.REFUNDED})
REFUNDED_FROM = frozenset({S.PLACED, S.SOLD, S.HELD})


class DepositState(StrEnum):
    """Whether the money of a paid payment has reached the merchant's wallet."""

    NONE = "none"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class EventStatus(StrEnum):
    """What became of a stored notification."""

    RECEIVED = "received"  # stored, not processed yet
    PROCESSED = "processed"
    FAILED = "failed"  # processing raised; it will be tried again
    UNMATCHED = "unmatched"  # signed, but about a checkout this shop does not know
    IGNORED = "ignored"  # a kind of event that asks nothing of us


class RefundStatus(StrEnum):
    """One attempt to give money back; the sum of all that are not FAILED or REJECTED never exceeds the payment."""

    REQUESTED = "requested"  # written, ND8 not answered yet
    UNKNOWN = "unknown"  # the answer was lost: ND8 may or may not have it
    PROCESSING = "processing"  # ND8 has it
    COMPLETED = "completed"
    FAILED = "failed"  # no money moved, or ND8 never received it
    REJECTED = "rejected"  # ND8 refused it


R = RefundStatus

# A refund in any other status counts as taken: ND8 has it, or may have it.
MOVED_NOTHING = frozenset({R.FAILED, R.REJECTED})
REFUND_ENDS = MOVED_NOTHING | {R.COMPLETED}

REFUND_MOVES: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    R.REQUESTED: frozenset({R.UNKNOWN, R.PROCESSING, R.COMPLETED, R.FAILED, R.REJECTED}),
    R.UNKNOWN: frozenset({R.PROCESSING, R.COMPLETED, R.FAILED, R.REJECTED}),
    R.PROCESSING: frozenset({R.COMPLETED, R.FAILED, R.REJECTED}),
    # ND8 has the last word: a refund that was given up here and shows up there after all is adopted.
    R.FAILED: frozenset({R.PROCESSING, R.COMPLETED, R.REJECTED}),
    R.REJECTED: frozenset({R.PROCESSING, R.COMPLETED, R.FAILED}),
    R.COMPLETED: frozenset(),
}
