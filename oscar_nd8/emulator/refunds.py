"""Refunds: which ones ND8 grants, how they end, and what that does to the payment."""

import re
from decimal import Decimal

from . import money, notices, shapes
from .problems import invalid
from .records import PAID_STATUSES, Organization, Refund, Transaction
from .world import World

STATUSES = frozenset({"pending", "processing", "completed", "failed", "rejected"})
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")


def grant(world: World, transaction: Transaction, *, reason: str, amount: str | None) -> Refund:
    """Take a refund on, or say why the payment is not eligible."""
    wanted = transaction.remaining if amount is None else _amount(amount)
    _check_eligible(world, transaction, wanted)
    now = world.clock()
    refund = Refund(
        public_id=world.ids.public("RF", 10),
        number=world.ids.number(),
        transaction=transaction,
        amount=wanted,
        reason=reason,
        status="processing",
        created_at=now,
        updated_at=now,
    )
    transaction.refunds.append(refund)
    world.refunds.add(refund, refund.public_id, str(refund.number))
    notices.refund_changed(world, refund)
    _follow(world, transaction)
    return refund


def conclude(world: World, refund: Refund, status: str) -> None:
    """Move a refund on; the payment's status follows, and both are told."""
    refund.status = status
    refund.updated_at = world.clock()
    notices.refund_changed(world, refund)
    _follow(world, refund.transaction)


def wallet(world: World) -> Decimal:
    """The merchant's balance in USD: what was there, plus deposits, less what refunds hold."""
    deposits = (money.in_usd(one.net, one.currency) for one in world.transactions if one.is_deposited)
    held = (money.in_usd(one.amount, one.transaction.currency) for one in world.refunds if one.holds)
    return world.organization.wallet_balance + sum(deposits, Decimal(0)) - sum(held, Decimal(0))


def as_listed(refund: Refund, organization: Organization) -> shapes.Shape:
    """A refund as it is read later."""
    return shapes.refund(refund, in_cents=_in_cents(refund, organization), in_usd=_in_usd(refund))


def as_accepted(refund: Refund, organization: Organization) -> shapes.Shape:
    """A refund as it is answered to the request that made it."""
    return shapes.accepted_refund(refund, in_cents=_in_cents(refund, organization), in_usd=_in_usd(refund))


def _amount(digits: str) -> Decimal:
    if not AMOUNT.fullmatch(digits):
        raise invalid('amount must be a decimal with at most 2 places, like "40.00".')
    amount = Decimal(digits)
    if not amount:
        raise invalid("amount must be greater than 0.")
    return amount


def _check_eligible(world: World, transaction: Transaction, wanted: Decimal) -> None:
    if transaction.remaining <= 0:
        raise invalid("This payment has already been refunded in full.")
    if transaction.status != "paid":
        raise invalid(f"Only paid payments can be refunded; this one is {transaction.status}.")
    if not transaction.is_deposited:
        raise invalid("This payment's deposit has not succeeded yet.")
    if wanted > transaction.remaining:
        left = money.text(transaction.remaining)
        raise invalid(f"Only {left} {transaction.currency} of this payment can still be refunded.")
    if money.in_usd(wanted, transaction.currency) > wallet(world):
        raise invalid("The wallet balance is too low for this refund.")


def _follow(world: World, transaction: Transaction) -> None:
    status = _status_after_refunds(transaction)
    if status != transaction.status:
        transaction.status = status
        transaction.updated_at = world.clock()
        notices.payment_changed(world, transaction)


def _status_after_refunds(transaction: Transaction) -> str:
    if transaction.status not in PAID_STATUSES:
        return transaction.status  # a control call made it something else
    if transaction.remaining > 0:
        return "paid"
    completed = sum((one.amount for one in transaction.refunds if one.status == "completed"), Decimal(0))
    return "refunded" if completed == transaction.total else "refund_pending"


def _in_cents(refund: Refund, organization: Organization) -> int:
    return int(money.before_tax(refund.amount, organization) * 100)


def _in_usd(refund: Refund) -> str:
    return money.text(money.in_usd(refund.amount, refund.transaction.currency))
