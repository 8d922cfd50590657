"""Money is an `int` of minor units: every way in and out of that form, and the one way to split it.

Minor units are the smallest coins of a currency: 1000 are 10.00 USD, 1000 JPY and 1.000 KWD. Nothing here
rounds except `round_to_minor`, which says so in its name. Standard library only.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from oscar_nd8.exceptions import AmountsDisagree

__all__ = [
    "exact_minor",
    "exponent",
    "parse_amount",
    "parse_minor",
    "round_to_minor",
    "split",
    "to_json_number",
    "to_major",
    "to_minor",
]

_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS: Final = dict.fromkeys(_NO_DECIMALS.split(), 0) | dict.fromkeys(_THREE_DECIMALS.split(), 3)

# What ND8 writes: plain ASCII digits. No sign, no exponent, no thousands separator, no NaN.
_WRITTEN_AMOUNT: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")

# A double holds every decimal of 15 significant digits, and its shortest repr gives the same digits back.
_JSON_LIMIT: Final = 10**15


def exponent(currency: str) -> int:
    """How many decimals `currency` has (ISO 4217): 2 unless it is one of the listed exceptions."""
    return _EXPONENTS.get(currency.upper(), 2)


def exact_minor(amount: Decimal, currency: str) -> Fraction:
    """`amount` of major units in minor units, fractions of one included; for comparing and weighing.

    Raises AmountsDisagree when `amount` is infinite or no number.
    """
    if not amount.is_finite():
        raise AmountsDisagree(f"{amount} is not an amount of {currency}.")
    return Fraction(amount) * _per_major(currency)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` of major units as minor units, exactly: `to_minor(Decimal("10.5"), "USD") == 1050`.

    Raises AmountsDisagree when the amount is finer than the currency's smallest coin, or no finite number.
    """
    exact = exact_minor(amount, currency)
    if exact.denominator != 1:
        raise AmountsDisagree(f"{amount} is finer than {currency} can pay; round it knowingly first.")
    return exact.numerator


def round_to_minor(amount: Decimal, currency: str) -> int:
    """`amount` of major units as minor units, half a unit rounded away from zero as Oscar and tills do."""
    exact = exact_minor(amount, currency)
    size = math.floor(abs(exact) + Fraction(1, 2))
    return size if exact >= 0 else -size


def to_major(minor: int, currency: str) -> Decimal:
    """`minor` units as major units with all decimals of their currency: 1000 cents are `Decimal("10.00")`."""
    # Built from text because arithmetic would round to the precision of the caller's decimal context.
    return Decimal(f"{minor}E-{exponent(currency)}")


def parse_amount(text: str, currency: str) -> Decimal:
    """An amount as ND8 writes it (`"99.00"`), in major units, as fine as it is written.

    Raises AmountsDisagree for anything but plain digits with at most one point.
    """
    if not _WRITTEN_AMOUNT.fullmatch(text):
        raise AmountsDisagree(f"The provider wrote {text[:40]!r} where an amount in {currency} belongs.")
    return Decimal(text)


def parse_minor(text: str, currency: str) -> int:
    """The same in minor units, exactly. Raises AmountsDisagree for amounts too fine, too."""
    return to_minor(parse_amount(text, currency), currency)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole units in proportion to `weights`, by largest remainder; the sum is always `total`.

    `split(1000, [1, 1, 1]) == [334, 333, 333]`: of equal remainders the earlier comes first. No share differs
    from its exact proportion by a whole unit. Raises AmountsDisagree when there is nothing to split over.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise AmountsDisagree("Only a total of zero or more can be split, over weights of which one is positive.")
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def to_json_number(minor: int, currency: str) -> int | float:
    """`minor` units as the JSON number ND8 takes as a price, in major units: 1050 cents are written `10.5`.

    The only place where a float appears, and the last step before writing. Below 10**15 minor units its repr
    has exactly the digits of the amount (the tests check it); from there on it raises AmountsDisagree.
    """
    if abs(minor) >= _JSON_LIMIT:
        raise AmountsDisagree(f"{minor} minor units of {currency} cannot be written as an exact JSON number.")
    major, rest = divmod(minor, _per_major(currency))
    return minor / _per_major(currency) if rest else major


def _per_major(currency: str) -> int:
    return int(10 ** exponent(currency))
