"""listRefunds: filters, order and pages over an array."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from .problems import invalid
from .reading import parse_time
from .records import Environment, Refund
from .refunds import STATUSES
from .world import World

WHOLE = re.compile(r"-?[0-9]{1,1000}")
PAGE_SIZE = 50
LARGEST_PAGE = 100
Query = Mapping[str, str]
ORDERS: dict[str, Callable[[Refund], datetime | Decimal | str]] = {
    "created_at": lambda refund: refund.created_at,
    "updated_at": lambda refund: refund.updated_at,
    "amount": lambda refund: refund.amount,
    "status": lambda refund: refund.status,
}


def matching(world: World, query: Query, *, environment: Environment) -> list[Refund]:
    """One page of the refunds that `query` asks for, newest first unless it says otherwise."""
    found = [one for one in world.refunds if one.transaction.checkout.environment == environment]
    return _page(_ordered(_filtered(found, query), query.get("ordering", "")), query)


def _filtered(refunds: list[Refund], query: Query) -> list[Refund]:
    if "status" in query:
        status = query["status"]
        if status not in STATUSES:
            raise invalid(f"status must be one of {', '.join(sorted(STATUSES))}.")
        refunds = [one for one in refunds if one.status == status]
    if "created_at__gte" in query:
        first = parse_time(query["created_at__gte"], "created_at__gte")
        refunds = [one for one in refunds if one.created_at >= first]
    if "created_at__lte" in query:
        last = parse_time(query["created_at__lte"], "created_at__lte")
        refunds = [one for one in refunds if one.created_at <= last]
    if words := query.get("search", "").strip().lower():
        refunds = [one for one in refunds if _mentions(one, words)]
    return refunds


def _mentions(refund: Refund, words: str) -> bool:
    return words in refund.transaction.public_id.lower() or words in refund.reason.lower()


def _ordered(refunds: list[Refund], ordering: str) -> list[Refund]:
    """Later sort keys first, so that the first one decides; names that are not known are passed over."""
    refunds = refunds[::-1]
    for name in reversed(ordering.split(",")):
        by = ORDERS.get(name.removeprefix("-"))
        if by is not None:
            refunds = sorted(refunds, key=by, reverse=name.startswith("-"))
    return refunds


def _page(refunds: list[Refund], query: Query) -> list[Refund]:
    number = _whole(query, "page", default=1)
    size = min(_whole(query, "page_size", default=PAGE_SIZE), LARGEST_PAGE)
    return refunds[(number - 1) * size : number * size]


def _whole(query: Query, name: str, *, default: int) -> int:
    """A whole number; less than 1 counts as 1, since ND8's document allows any."""
    digits = query.get(name, str(default))
    if not WHOLE.fullmatch(digits):
        raise invalid(f"{name} must be a whole number.")
    return max(int(digits), 1)
