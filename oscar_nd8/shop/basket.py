"""The shopper's basket and the frozen copy that a payment owns."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.deletion import Collector
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_model

from oscar_nd8.exceptions import NotReusable
from oscar_nd8.shop.quote import Quote

__all__ = ["copy_frozen", "discard_copy", "take_out_what_was_bought", "when_merged"]

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its values."""

_CHANGED = _("Your basket changed a moment ago. Please look at it again before paying.")


def copy_frozen(quote: Quote, *, source_id: int) -> Any:
    """A frozen copy of the basket `source_id` with the quote's lines; the number of queries is constant.

    Raises NotReusable when the basket in the database is no longer what was quoted: another tab changed it, or
    it was paid for this very moment.
    """
    Basket = get_model("basket", "Basket")
    # Without a savepoint where it is a part of a transaction: what goes wrong here undoes that, too.
    with transaction.atomic(savepoint=False):
        try:
            source = Basket.objects.get(pk=source_id)
        except Basket.DoesNotExist:
            raise NotReusable(_CHANGED) from None
        copy = _clone(source, status=Basket.FROZEN, date_submitted=None, date_merged=None)
        copy.save()
        with connection.cursor() as cursor:
            cursor.execute(*_copying_lines(source_id, copy.pk))
            # The copy is what is looked at: no other tab can change it any more.
            cursor.execute(_reading_any_lines(), (copy.pk,))
            copied = dict(cursor.fetchall())
        if copied != {line.reference: line.quantity for line in quote.lines}:
            raise NotReusable(_CHANGED)
        if any(line.attributes for line in quote.lines):
            _copy_attributes(source_id, copy.pk)
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


def _copy_attributes(source_id: int, copy_id: int) -> None:
    Line, LineAttribute = get_model("basket", "Line"), get_model("basket", "LineAttribute")
    # A basket has each reference once.
    twin = Line.objects.filter(basket=copy_id, line_reference=OuterRef("line__line_reference")).order_by()
    originals = LineAttribute.objects.filter(line__basket=source_id).order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute(*_copying(originals, line_id=Subquery(twin.values("pk"))))


def _copying_lines(source_id: int, copy_id: int) -> Statement:
    composed, values = _copying_any_lines()
    # A fork's manager may add conditions with values of its own.
    return (composed, (copy_id, source_id)) if values == (0, 0) else _compose_for_lines(source_id, copy_id)


@cache
def _copying_any_lines() -> Statement:
    # Composed once a process: the shopper waits for it.
    return _compose_for_lines(0, 0)


@cache
def _reading_any_lines() -> str:
    # Of a copy all is read, whatever a fork's manager would leave out.
    lines: QuerySet[Any] = QuerySet(get_model("basket", "Line")).filter(basket=0).order_by()
    composed, _values = lines.values_list("line_reference", "quantity").query.sql_with_params()
    return composed


def _compose_for_lines(source_id: int, copy_id: int) -> Statement:
    lines = get_model("basket", "Line").objects.filter(basket=source_id)
    return _copying(lines.order_by("pk"), basket_id=Value(copy_id))


def _copying(rows: QuerySet[Any], **changes: Subquery | Value) -> Statement:
    """The INSERT ... SELECT that copies `rows` with every concrete field, those that a shop's fork added included.

    Django has no words for it: only the INSERT itself is written here (docs/adr/0019).
    """
    meta = rows.model._meta  # noqa: SLF001  # Django's documented model API
    fields = [field for field in meta.concrete_fields if not (field.primary_key or field.generated)]
    selected = rows.values_list(*(changes.get(field.attname, F(field.attname)) for field in fields))
    query, values = selected.query.sql_with_params()
    name = connection.ops.quote_name
    columns = ", ".join(name(field.column) for field in fields)
    return f"INSERT INTO {name(meta.db_table)} ({columns}) {query}", values


def _clone(row: Any, **changes: Any) -> Any:
    """An unsaved copy of every concrete field, those that a shop's fork added included."""
    fields = [field.attname for field in row._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    return type(row)(**{name: getattr(row, name) for name in fields} | changes)
