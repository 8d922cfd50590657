"""The frozen copy of a basket that a payment owns: made by the database at the button, deleted where nobody paid."""

from functools import cache
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_model

from oscar_nd8.exceptions import NotReusable
from oscar_nd8.prepared import prepared_cursor
from oscar_nd8.shop.quote import Quote

__all__ = ["copy_frozen", "discard_copy"]

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its values."""

# What stands in a composed statement where the shopper's basket belongs.
_SOURCE = object()
_CHANGED = _("Your basket changed a moment ago. Please look at it again before paying.")


def copy_frozen(quote: Quote, *, source_id: int) -> Any:
    """A frozen copy of the basket `source_id` with the quote's lines; the number of queries is constant.

    Raises NotReusable when the basket in the database is no longer what was quoted: another tab changed it, or
    it was paid for this very moment.
    """
    # Without a savepoint where it is a part of a transaction: what goes wrong here undoes that, too.
    with transaction.atomic(savepoint=False):
        copy = _copy_basket(source_id)
        # The copy is what is looked at: no other tab can change it any more.
        if copy is None or _copy_lines(source_id, copy.pk) != {each.reference: each.quantity for each in quote.lines}:
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


def _copy_basket(source_id: int) -> Any:
    """The copy's own row, frozen and without lines; None where there is no such basket."""
    Basket = get_model("basket", "Basket")
    frozen = {"status": Basket.FROZEN, "date_submitted": None, "date_merged": None}
    # Whatever a fork's manager would leave out: the shopper is about to pay for it.
    baskets: QuerySet[Any] = QuerySet(Basket, using=connection.alias)
    # MySQL's INSERT says nothing of what it wrote, and the key of a fork's basket may be Python's to make.
    if not (_returns_rows() and isinstance(_meta(Basket).pk, models.AutoField)):
        source = baskets.filter(pk=source_id).first()
        if source is None:
            return None
        copy = _clone(source, **frozen)
        copy.save()
        return copy
    composed, values = _copying_any_basket(tuple(frozen.items()))
    statement = composed + _returning(Basket, *(field.attname for field in _meta(Basket).concrete_fields))
    return next(iter(baskets.raw(statement, [source_id if each is _SOURCE else each for each in values])), None)


def _copy_lines(source_id: int, copy_id: int) -> dict[str, int]:
    """Quantities by line reference, as they were copied."""
    statement, values = _copying_lines(source_id, copy_id)
    with prepared_cursor() as cursor:
        if _returns_rows():
            cursor.execute(statement + _returning(get_model("basket", "Line"), "line_reference", "quantity"), values)
        else:
            cursor.execute(statement, values)
            cursor.execute(_reading_any_lines(), (copy_id,))
        return dict(cursor.fetchall())


def _copy_attributes(source_id: int, copy_id: int) -> None:
    Line, LineAttribute = get_model("basket", "Line"), get_model("basket", "LineAttribute")
    # A basket has each reference once.
    twin = Line.objects.filter(basket=copy_id, line_reference=OuterRef("line__line_reference")).order_by()
    originals = LineAttribute.objects.filter(line__basket=source_id).order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute(*_copying(originals, line_id=Subquery(twin.values("pk"))))


def _returns_rows() -> bool:
    """Whether an INSERT can say what it wrote."""
    return connection.features.can_return_rows_from_bulk_insert


def _returning(model: Any, *names: str) -> str:
    columns = (_meta(model).get_field(name).column for name in names)
    return f" RETURNING {', '.join(map(connection.ops.quote_name, columns))}"


@cache
def _copying_any_basket(changes: tuple[tuple[str, Any], ...]) -> Statement:
    # Composed once a process: the shopper waits for it.
    meta = _meta(get_model("basket", "Basket"))
    changed = {name: Value(value, output_field=meta.get_field(name)) for name, value in changes}
    # It is as old as it is: shops tidy up baskets by their age.
    dated = {each.attname: Now() for each in meta.concrete_fields if _is_dated(each)}
    basket: QuerySet[Any] = QuerySet(meta.model).filter(pk=0).order_by()
    statement, values = _copying(basket, **changed, **dated)
    # The key stands last, in the WHERE; what a fork's fields are selected with stays as it is.
    return statement, (*values[:-1], _SOURCE)


def _is_dated(field: Any) -> bool:
    return isinstance(field, models.DateTimeField) and (field.auto_now or field.auto_now_add)


def _meta(model: Any) -> Any:
    return model._meta  # noqa: SLF001  # Django's documented model API


def _copying_lines(source_id: int, copy_id: int) -> Statement:
    composed, values = _copying_any_lines()
    # A fork's manager may add conditions with values of its own.
    return (composed, (copy_id, source_id)) if values == (0, 0) else _compose_for_lines(source_id, copy_id)


@cache
def _copying_any_lines() -> Statement:
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


def _copying(rows: QuerySet[Any], **changes: Subquery | Value | Now) -> Statement:
    """The INSERT ... SELECT that copies `rows` with every concrete field, those that a shop's fork added included.

    Django has no words for it: only the INSERT itself, and what it is to return, is written here (docs/adr/0019).
    """
    meta = _meta(rows.model)
    fields = [field for field in meta.concrete_fields if not (field.primary_key or field.generated)]
    selected = rows.values_list(*(changes.get(field.attname, F(field.attname)) for field in fields))
    query, values = selected.query.sql_with_params()
    name = connection.ops.quote_name
    columns = ", ".join(name(field.column) for field in fields)
    return f"INSERT INTO {name(meta.db_table)} ({columns}) {query}", values


def _clone(row: Any, **changes: Any) -> Any:
    """An unsaved copy of every concrete field, those that a shop's fork added included."""
    fields = [field.attname for field in _meta(row).concrete_fields if not field.primary_key]
    return type(row)(**{name: getattr(row, name) for name in fields} | changes)
