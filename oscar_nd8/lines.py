"""A quote's parts as ND8 product items, whose sum is always exactly the total that is charged.

ND8 takes only items of `quantity >= 1` at `unit_price > 0`: no reduction, no shipping, no total. Oscar's
parts have four and more decimals and do not add up to its rounded total. Standard library only.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from oscar_nd8 import money
from oscar_nd8.exceptions import AmountsDisagree

__all__ = ["NAME_LENGTH", "Item", "Part", "itemise", "shares_of"]

# ND8 documents no limit. 200 characters fit the columns such names are kept in, and tell products apart.
NAME_LENGTH: Final = 200

_UNWRITABLE: Final = frozenset({"Cc", "Cs"})  # control characters, and halves of characters that UTF-8 refuses
# These carry no text but turn around what stands after them, so a product's name could rewrite ND8's page.
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Part:
    """A named share of the total: a basket line, shipping or a surcharge.

    `amount` is exact money in major units for the whole part, after discounts, as Oscar computes it. A
    negative amount is a reduction of everything else.
    """

    name: str
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Item:
    """What ND8 shows as one row: `quantity` pieces at `unit_amount` minor units each, both at least 1."""

    name: str
    quantity: int
    unit_amount: int


def itemise(total: int, parts: Sequence[Part], *, currency: str, whole_name: str, other_name: str) -> tuple[Item, ...]:
    """Items that add up to `total` minor units of `currency`, as close to `parts` as ND8 can show them.

    Reductions and rounding are spread over the parts. A difference beyond rounding (more than one minor unit
    a part) that no part explains becomes an item `other_name`; where parts cannot be shown at all, one item
    `whole_name` carries the total. A total of 0 has no items. Raises AmountsDisagree for a negative total.
    """
    if total < 0:
        raise AmountsDisagree(f"A total of {total} minor units cannot be charged.")
    if total == 0:
        return ()
    whole = _label(whole_name, "Order")
    shown, unexplained = _shares(total, [part for part in parts if part.amount], currency)
    items = [item for part, share in shown for item in _items(part, share, whole)]
    if unexplained:
        items.append(Item(whole if not items else _label(other_name, whole), 1, unexplained))
    return _checked(tuple(items), total)


def shares_of(total: int, parts: Sequence[Part], *, currency: str) -> tuple[list[int], int]:
    """What each of `parts` carries of `total` minor units, exactly as `itemise` charges it, and what none explains.

    All of it adds up to `total`. A part that is free, or a reduction, carries nothing.
    """
    shown, unexplained = _shares(total, [part for part in parts if part.amount], currency)
    carried = iter(shown)
    return [next(carried)[1] if shown and part.amount > 0 else 0 for part in parts], unexplained


def _checked(items: tuple[Item, ...], total: int) -> tuple[Item, ...]:
    """The last look before money is asked for, whatever the splitting above believes."""
    sellable = all(item.quantity >= 1 and item.unit_amount >= 1 for item in items)
    if not sellable or sum(item.quantity * item.unit_amount for item in items) != total:
        raise AmountsDisagree(f"The items do not add up to the total of {total} minor units; nothing was sent.")
    return items


def _shares(total: int, parts: list[Part], currency: str) -> tuple[list[tuple[Part, int]], int]:
    """The minor units each positive part carries, and those that no part explains."""
    exact = [money.exact_minor(part.amount, currency) for part in parts]
    explained = sum(exact, Fraction(0))
    shown = [(part, amount) for part, amount in zip(parts, exact, strict=True) if amount > 0]
    unexplained = 0
    if total - explained > len(parts):
        unexplained = total - max(math.floor(explained + Fraction(1, 2)), 0)
    if total == unexplained or not shown or any(part.quantity < 1 for part, _ in shown):
        return [], total
    shares = _spread(total - unexplained, [amount for _, amount in shown])
    return [(part, share) for (part, _), share in zip(shown, shares, strict=True)], unexplained


def _spread(total: int, amounts: list[Fraction]) -> list[int]:
    """`total` over exact positive amounts, by largest remainder.

    While the difference is mere rounding only the parts that have a fraction move, so that whole ones still
    divide by their quantity; a real reduction moves all of them in proportion.
    """
    shares = [math.floor(amount) for amount in amounts]
    rest = total - sum(shares)
    if 0 <= rest <= len(shares):
        by_remainder = sorted(range(len(shares)), key=lambda i: (shares[i] - amounts[i], -amounts[i]))
        for index in by_remainder[:rest]:
            shares[index] += 1
    else:
        common = math.lcm(*(amount.denominator for amount in amounts))
        shares = money.split(total, [int(amount * common) for amount in amounts])
    return _kept_visible(shares, amounts)


def _kept_visible(shares: list[int], amounts: list[Fraction]) -> list[int]:
    """No part that costs a minor unit or more drops out: it keeps one, taken from those that have more.

    Left as it is when the total has fewer minor units than there are such parts.
    """
    lifted = [share or int(amount >= 1) for share, amount in zip(shares, amounts, strict=True)]
    missing = sum(lifted) - sum(shares)
    spare = [share - 1 if share else 0 for share in lifted]
    if not 0 < missing <= sum(spare):
        return shares
    return [have - give for have, give in zip(lifted, money.split(missing, spare), strict=True)]


def _items(part: Part, share: int, whole_name: str) -> list[Item]:
    """`share` minor units over the part's pieces: one item, or two whose prices differ by one minor unit."""
    name = _label(part.name, whole_name)
    unit, rest = divmod(share, part.quantity)
    if unit == 0:
        several = f"{part.quantity} \N{MULTIPLICATION SIGN} {name}"
        return [Item(_label(several, whole_name), 1, share)] if share else []
    dearer = [Item(name, rest, unit + 1)] if rest else []
    return [Item(name, part.quantity - rest, unit), *dearer]


def _label(name: str, fallback: str) -> str:
    """A name fit for one row of a page and for UTF-8: never empty, at most `NAME_LENGTH` characters."""
    visible = name if name.isprintable() else "".join(filter(_is_writable, name))
    return " ".join(visible.split())[:NAME_LENGTH].rstrip() or fallback


def _is_writable(character: str) -> bool:
    return character.isspace() or (character not in _TURNING and unicodedata.category(character) not in _UNWRITABLE)
