"""What becomes of a checkout: outcomes as a table of steps, each one told to the merchant."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from . import money, notices
from .problems import invalid
from .records import PAID_STATUSES, Attempt, Checkout, Transaction
from .world import World

DECLINED = "Your card was declined."
NO_FUNDS = "Your card has insufficient funds."
UNFINISHED = frozenset({"pending", "processing"})


class Outcome(StrEnum):
    """How a try to pay can end."""

    PAID = "paid"
    FAILED = "failed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CANCELED = "canceled"
    PROCESSING = "processing"
    PENDING_DEPOSIT = "pending_deposit"
    DECLINED_ONCE = "declined_once"
    DECLINED_THEN_PAID = "declined_then_paid"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a transaction: its status, and how the card attempt stands (None: no attempt)."""

    status: str
    attempt: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Oddity:
    """What a test may have otherwise than the outcome says."""

    status: str | None = None
    currency: str | None = None
    net: Decimal | None = None
    error: str | None = None


DECLINED_STEP = Step("processing", "failed", DECLINED)
PAID_STEP = Step("paid", "succeeded")
STEPS: dict[Outcome, tuple[Step, ...]] = {
    Outcome.PAID: (PAID_STEP,),
    Outcome.FAILED: (Step("failed", "failed", DECLINED),),
    Outcome.INSUFFICIENT_FUNDS: (Step("failed", "failed", NO_FUNDS),),
    Outcome.CANCELED: (Step("canceled", None),),
    Outcome.PROCESSING: (Step("processing", "processing"),),
    Outcome.PENDING_DEPOSIT: (Step("paid", "pending"),),
    Outcome.DECLINED_ONCE: (DECLINED_STEP,),
    Outcome.DECLINED_THEN_PAID: (DECLINED_STEP, PAID_STEP),
}
SIMULATED = {
    "payment_failed": Outcome.FAILED,
    "checkout_canceled": Outcome.CANCELED,
    "canceled": Outcome.CANCELED,
    "success_pending_deposit": Outcome.PENDING_DEPOSIT,
    "checkout_pending": Outcome.PROCESSING,
}
NORMAL = Oddity()


def bring_about(
    world: World, checkout: Checkout, outcome: Outcome, *, oddity: Oddity = NORMAL, anew: bool = False
) -> Transaction:
    """Let the checkout end this way: on with its unfinished transaction, or with a new one after a finished one."""
    current = None if anew else _to_continue(checkout, oddity)
    transaction = current or _begin(world, checkout)
    transaction.currency = oddity.currency or transaction.currency
    transaction.net = transaction.net if oddity.net is None else oddity.net
    *before, last = STEPS[outcome]
    last = replace(last, status=oddity.status or last.status, error=oddity.error or last.error)
    for step in (*before, last):
        _take(world, transaction, step)
    return transaction


def _to_continue(checkout: Checkout, oddity: Oddity) -> Transaction | None:
    current = checkout.newest
    if current is None or oddity.status:
        return current
    if current.status in PAID_STATUSES:
        if current.status == "paid" and not current.is_deposited:
            return current
        raise invalid("This checkout has been paid. Ask for a new_transaction if it shall be paid again.")
    return None if current.status in {"failed", "canceled"} else current


def _begin(world: World, checkout: Checkout) -> Transaction:
    now = world.clock()
    transaction = Transaction(
        public_id=world.ids.public("TX", 12),
        number=world.ids.number(),
        checkout=checkout,
        total=checkout.total,
        net=money.net_of_fees(checkout.total, world.organization),
        currency=checkout.currency,
        status="processing",
        created_at=now,
        updated_at=now,
    )
    checkout.transactions.append(transaction)
    world.transactions.add(transaction, transaction.public_id, str(transaction.number))
    return transaction


def _take(world: World, transaction: Transaction, step: Step) -> None:
    now = world.clock()
    if step.attempt:
        unfinished = transaction.attempts and transaction.attempts[0].status in UNFINISHED
        newest = transaction.attempts[0] if unfinished else Attempt("", world.ids.public("pay_", 16), now)
        newest = replace(newest, status=step.attempt, error_message=step.error)
        transaction.attempts = (newest, *transaction.attempts[1 if unfinished else 0 :])
    transaction.status = step.status
    transaction.updated_at = now
    notices.payment_changed(world, transaction)
