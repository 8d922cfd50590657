"""The shopper's basket and the frozen copy that a payment owns."""

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import Prefetch, Subquery, prefetch_related_objects
from django.db.models.deletion import Collector
from django.utils.translation import gettext as _
from oscar.core.loading import get_model

from oscar_nd8.exceptions import NotReusable
from oscar_nd8.shop.quote import Quote

__all__ = ["copy_frozen", "discard_copy", "take_out_what_was_bought", "when_merged"]


def copy_frozen(quote: Quote, *, source_id: int) -> Any:
    """A frozen copy of the basket `source_id` with the quote's lines; the number of queries is constant.

    Raises NotReusable when the basket in the database is no longer what was quoted: another tab changed it, or
    it was paid for this very moment.
    """
    Basket, Line = get_model("basket", "Basket"), get_model("basket", "Line")
    lines = list(Line.objects.filter(basket=source_id).select_related("basket").order_by("pk"))
    if {line.pk: line.quantity for line in lines} != {line.id: line.quantity for line in quote.lines}:
        raise NotReusable(_("Your basket changed a moment ago. Please look at it again before paying."))
    if any(line.attributes for line in quote.lines):
        prefetch_related_objects(lines, "attributes")
    else:
        prefetch_related_objects(lines, Prefetch("attributes", get_model("basket", "LineAttribute").objects.none()))
    # Without a savepoint where it is a part of a transaction: what goes wrong here undoes that, too.
    with transaction.atomic(savepoint=False):
        copy = _clone(lines[0].basket, status=Basket.FROZEN, date_submitted=None, date_merged=None)
        copy.save()
        copied = Line.objects.bulk_create([_clone(line, basket_id=copy.pk) for line in lines])
        attributes = [
            _clone(attribute, line_id=line.pk)
            for original, line in zip(lines, copied, strict=True)
            for attribute in original.attributes.all()
        ]
        if attributes:
            type(attributes[0]).objects.bulk_create(attributes)
        if quote.vouchers:
            copy.vouchers.add(*quote.vouchers)
    return copy


def discard_copy(basket_id: int) -> None:
    """Remove a frozen copy that no order will ever need; anything that is not frozen is left alone."""
    Basket = get_model("basket", "Basket")
    Basket.objects.filter(pk=basket_id, status=Basket.FROZEN).delete()


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


def _clone(row: Any, **changes: Any) -> Any:
    """An unsaved copy of every concrete field, those that a shop's fork added included."""
    fields = [field.attname for field in row._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    return type(row)(**{name: getattr(row, name) for name in fields} | changes)
