"""Amounts: exact decimals of the digits that were sent, rounded half up in named places only."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from .records import Item, Organization

CENT = Decimal("0.01")
EUR_IN_USD = Decimal("1.10")
HIGHEST = Decimal(10) ** 12


def to_cents(value: Decimal) -> Decimal:
    """The nearest whole cent; half a cent goes up."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def has_whole_cents(value: Decimal) -> bool:
    """Whether nothing is lost by writing `value` with two decimals."""
    return value == to_cents(value)


def text(value: Decimal) -> str:
    """An amount as ND8 writes it: `"99.00"`."""
    return f"{value:.2f}"


def as_staged(value: Decimal) -> str:
    """The same, and finer where a test wants an amount finer than a cent."""
    return text(value) if has_whole_cents(value) else f"{value:f}"


def sum_of(items: Iterable[Item]) -> Decimal:
    """What the items cost as they were sent."""
    return sum((item.total for item in items), Decimal(0))


def tax_on(subtotal: Decimal, organization: Organization) -> Decimal:
    """What the hosted page adds to prices without tax."""
    return to_cents(subtotal * organization.tax_rate)


def net_of_fees(total: Decimal, organization: Organization) -> Decimal:
    """What the merchant receives: the total less ND8's fee, and never less than a cent."""
    fee = to_cents(total * organization.fee_rate + organization.fee_fixed)
    return max(total - fee, CENT)


def before_tax(amount: Decimal, organization: Organization) -> Decimal:
    """An amount on the HT basis that refunds are passed on with."""
    if organization.price_mode == "TTC":
        return amount
    return to_cents(amount / (1 + organization.tax_rate))


def in_usd(amount: Decimal, currency: str) -> Decimal:
    """The merchant's wallet is kept in USD, at a fixed rate here."""
    return to_cents(amount * EUR_IN_USD) if currency == "EUR" else amount
