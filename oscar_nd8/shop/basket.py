"""The shopper's own basket, from which goes what was bought."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Subquery
from django.db.models.deletion import Collector
from oscar.core.loading import get_model

from oscar_nd8.shop.quote import Quote

__all__ = ["take_out_what_was_bought", "when_merged"]


def when_merged(basket_id: int) -> Subquery:
    """When a guest's basket became part of a customer's, at a login; NULL if it did not."""
    Basket = get_model("basket", "Basket")
    return Subquery(Basket.objects.filter(pk=basket_id, status=Basket.MERGED).values("date_merged"))


def take_out_what_was_bought(quote: Quote, *, source_id: int | None) -> None:
    """Take the quote's lines out of the shopper's open basket; what was added meanwhile stays.

    The lines are found by id (they keep it when a guest's basket is merged at login) or, in the shopper's own
    open baskets, by reference.
    """
    Basket, Line = get_model("basket", "Basket"), get_model("basket", "Line")
    theirs = models.Q(pk__in=[line.id for line in quote.lines])
    references = [line.reference for line in quote.lines]
    if source_id is not None:
        theirs |= models.Q(basket_id=source_id, line_reference__in=references)
    if quote.user is not None:
        theirs |= models.Q(basket__owner_id=quote.user, line_reference__in=references)
    found = Line.objects.filter(theirs, basket__status=Basket.OPEN).order_by("pk")
    _reduce(found, bought={line.reference: line.quantity for line in quote.lines})
    if quote.vouchers:
        through: Any = Basket.vouchers.through
        baskets = models.Q(basket_id=source_id)
        if quote.user is not None:
            baskets |= models.Q(basket__owner_id=quote.user)
        through.objects.filter(baskets, basket__status=Basket.OPEN, voucher_id__in=quote.vouchers).delete()


def _reduce(lines: Iterable[Any], *, bought: dict[str, int]) -> None:
    gone: list[Any] = []
    changed: list[Any] = []
    for line in lines:
        taken = min(line.quantity, bought.get(line.line_reference, 0))
        bought[line.line_reference] = bought.get(line.line_reference, 0) - taken
        line.quantity -= taken
        (changed if line.quantity else gone).append(line)
    if changed:
        type(changed[0]).objects.bulk_update(changed, ["quantity"])
    if gone:
        # As a queryset's own `delete`, which would read them once more.
        collector = Collector(using=gone[0]._state.db)  # noqa: SLF001  # Django's documented model API
        collector.collect(gone)
        collector.delete()
