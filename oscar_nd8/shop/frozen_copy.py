"""The frozen copy of a basket that a payment owns: made by the database at the button, deleted where nobody paid."""

from functools import cache
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_model

from oscar_nd8.exceptions import NotReusable
from oscar_nd8.prepared import as_instances, prepared_cursor
from oscar_nd8.shop.quote import Quote

__all__ = ["copy_frozen", "discard_copy"]

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its values."""
Lines = models.Manager[Any]
"""Of a shop's basket lines, its own or Oscar's."""
Quantities = dict[str, int]
"""Of lines, by line reference."""

_CHANGED = _("Your basket changed a moment ago. Please look at it again before paying.")


def copy_frozen(quote: Quote, *, source_id: int) -> Any:
    """A frozen copy of the basket `source_id` with the quote's lines; the number of queries is constant.

    Raises NotReusable when the basket in the database is no longer what was quoted: another tab changed it, or
    it was paid for this very moment.
    """
    # Without a savepoint where it is a part of a transaction: what goes wrong here undoes that, too.
    with transaction.atomic(savepoint=False):
        copy, quantities = _copy(source_id)
        # The copy is what is looked at: no other tab can change it any more.
        if copy is None or quantities != {each.reference: each.quantity for each in quote.lines}:
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


def _copy(source_id: int) -> tuple[Any, Quantities]:
    """The copied basket, None where there is none to copy, and what was copied of its lines."""
    # Other databases know no INSERT in a WITH; and the key of a fork's basket may be Python's to make.
    if connection.vendor == "postgresql" and isinstance(_meta(get_model("basket", "Basket")).pk, models.AutoField):
        return _copy_at_once(source_id)
    return _copy_in_turn(source_id)


def _copy_at_once(source_id: int) -> tuple[Any, Quantities]:
    copying_basket, basket_values = _copying_any_basket()
    copying_lines, line_values = _copying_lines_at_once(source_id)
    statement = (
        f"WITH nd8_basket AS ({copying_basket}), nd8_lines AS ({copying_lines}) "  # noqa: S608  # composed by Django
        "SELECT nd8_basket.*, nd8_lines.* FROM nd8_basket LEFT JOIN nd8_lines ON true"
    )
    with prepared_cursor() as cursor:
        cursor.execute(statement, (*basket_values, source_id, *line_values))
        rows = cursor.fetchall()
    baskets = as_instances(get_model("basket", "Basket"), [basket for *basket, _reference, _quantity in rows[:1]])
    quantities = {reference: quantity for *_basket, reference, quantity in rows if reference is not None}
    return next(iter(baskets), None), quantities


def _copy_in_turn(source_id: int) -> tuple[Any, Quantities]:
    source = _all_of("Basket").filter(pk=source_id).first()
    if source is None:
        return None, {}
    fields = [field.attname for field in _meta(source).concrete_fields if not field.primary_key]
    copy = type(source)(**{name: getattr(source, name) for name in fields} | _frozen())
    copy.save()
    with connection.cursor() as cursor:
        cursor.execute(*_copying_lines(get_model("basket", "Line").objects, source_id, Value(copy.pk)))
    return copy, dict(_all_of("Line").filter(basket=copy.pk).values_list("line_reference", "quantity"))


def _all_of(model: str) -> QuerySet[Any]:
    """Whatever a fork's manager would leave out: the shopper is about to pay for it."""
    return QuerySet(get_model("basket", model), using=connection.alias).order_by()


def _frozen() -> dict[str, Any]:
    return {"status": get_model("basket", "Basket").FROZEN, "date_submitted": None, "date_merged": None}


def _copy_attributes(source_id: int, copy_id: int) -> None:
    Line, LineAttribute = get_model("basket", "Line"), get_model("basket", "LineAttribute")
    # A basket has each reference once.
    twin = Line.objects.filter(basket=copy_id, line_reference=OuterRef("line__line_reference")).order_by()
    originals = LineAttribute.objects.filter(line__basket=source_id).order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute(*_copying(originals, line_id=Subquery(twin.values("pk"))))


@cache
def _copying_any_basket() -> Statement:
    """What copies a basket's row and returns it, composed once a process; the key that it lacks is its last value."""
    fields = _meta(get_model("basket", "Basket")).concrete_fields
    changed = {name: Value(value, output_field=_field("Basket", name)) for name, value in _frozen().items()}
    # It is as old as it is: shops tidy up baskets by their age.
    dated = {each.attname: Now() for each in fields if _is_dated(each)}
    statement, values = _copying(_all_of("Basket").filter(pk=0), **changed, **dated)
    # The key stands in the WHERE; what a fork's fields are selected with stays as it is.
    return statement + _returning(*fields), values[:-1]


def _copying_lines_at_once(source_id: int) -> Statement:
    lines = get_model("basket", "Line").objects
    if type(lines) is not models.Manager:
        # A fork's own may add conditions, and others each time.
        return _compose_for_lines(lines, source_id)
    composed, _values = _copying_any_lines()
    return composed, (source_id,)


@cache
def _copying_any_lines() -> Statement:
    return _compose_for_lines(get_model("basket", "Line").objects, 0)


def _compose_for_lines(lines: Lines, source_id: int) -> Statement:
    key = connection.ops.quote_name(_meta(get_model("basket", "Basket")).pk.column)
    of_the_copy = RawSQL(f"(SELECT {key} FROM nd8_basket)", ())  # noqa: S608, S611  # a name
    statement, values = _copying_lines(lines, source_id, of_the_copy)
    return statement + _returning(_field("Line", "line_reference"), _field("Line", "quantity")), values


def _copying_lines(lines: Lines, source_id: int, copy: Value | RawSQL) -> Statement:
    return _copying(lines.filter(basket=source_id).order_by("pk"), basket_id=copy)


def _returning(*fields: Any) -> str:
    return f" RETURNING {', '.join(connection.ops.quote_name(field.column) for field in fields)}"


def _field(model: str, name: str) -> Any:
    return _meta(get_model("basket", model)).get_field(name)


def _is_dated(field: Any) -> bool:
    return isinstance(field, models.DateTimeField) and (field.auto_now or field.auto_now_add)


def _meta(model: Any) -> Any:
    return model._meta  # noqa: SLF001  # Django's documented model API


def _copying(rows: QuerySet[Any], **changes: Subquery | Value | Now | RawSQL) -> Statement:
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
