"""Statements that are the same for every payment: composed once a process, and planned once a connection.

Django composes a statement anew each time, and its cursor fills the values in before it sends it, so that no two are
the same to PostgreSQL. Both take longer than carrying out one that looks at a row or two (docs/adr/0023).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from django.db import connection, connections, router, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, ForeignKey, Manager, Model, QuerySet, prefetch_related_objects, signals
from django.db.models.sql import InsertQuery, UpdateQuery
from django.utils.module_loading import import_string

__all__ = ["as_instances", "insert", "prepared_cursor", "read_related", "rows_of", "update_of"]

Row = TypeVar("Row", bound=Model)
Rows = QuerySet[Any, Any]
Update = tuple[QuerySet[Any, Any], Mapping[str, Any]]


class Parameter(Expression):
    """Where a value belongs in a statement that is composed before the value is known."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A place, and itself for its value."""
        return "%s", (self,)


def rows_of(query: Callable[..., Rows], *fixed: Hashable, **values: object) -> list[tuple[Any, ...]]:
    """The rows of `query(*fixed, **values)`, a `values_list` whose statement depends on `fixed` and on nothing else.

    On PostgreSQL they are as psycopg reads them: a JSON field is text. Other databases run the query as it is.
    """
    if connection.vendor != "postgresql":
        return list(query(*fixed, **values))
    statement, places = _composed(query, fixed, tuple(values))
    with prepared_cursor() as cursor:
        cursor.execute(statement, _filled(places, values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def update_of(query: Callable[..., Update], *fixed: Hashable, **values: object) -> int:
    """How many rows `query(*fixed, **values)` changes: a queryset, and what its `update` is given.

    Its statement depends on `fixed` and on which values there are, and on nothing else. Values are what psycopg takes:
    a row is named by its key.
    """
    if connection.vendor != "postgresql":
        rows, changes = query(*fixed, **values)
        return rows.update(**changes)
    statement, places = _composed_update(query, fixed, tuple(values))
    # As `QuerySet.update`: whoever swallows an error must not let Django believe that the transaction was committed.
    with transaction.mark_for_rollback_on_error(using=connection.alias), prepared_cursor() as cursor:
        cursor.execute(statement, _filled(places, values))
        changed: int = cursor.rowcount
        return changed


def insert(row: Model) -> None:
    """What `row.save(force_insert=True)` does, for a model that is one table whose key the database makes."""
    model = type(row)
    if connection.vendor != "postgresql":
        row.save(force_insert=True)
        return
    signals.pre_save.send(model, instance=row, raw=False, using=connection.alias, update_fields=None)
    statement, fields = _composed_insert(model)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]  # noqa: FBT003  # Django's
    with transaction.mark_for_rollback_on_error(using=connection.alias), prepared_cursor() as cursor:
        cursor.execute(statement, values)
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  # Django's documented model API
    signals.post_save.send(model, instance=row, created=True, raw=False, using=connection.alias, update_fields=None)


def prepared_cursor() -> CursorWrapper:
    """`connection.cursor()`, whose statements are prepared where the shop's connection says from when on.

    That is `DATABASES["default"]["OPTIONS"]["prepare_threshold"]`, psycopg's own: 0 is at once. Django sets it to None,
    because a pool in front of PostgreSQL may hand each transaction another connection.
    """
    database = connections[connection.alias]  # not its proxy, which looks for it at each word
    if database.connection is None:
        database.ensure_connection()
    raw = database.connection
    # Of a prepared statement Django's log of queries would say nothing.
    if getattr(raw, "prepare_threshold", None) is None or database.queries_logged:
        return database.cursor()
    usual = raw.cursor_factory
    raw.cursor_factory = _server_binding_cursor()
    try:
        return database.cursor()
    finally:
        raw.cursor_factory = usual


def as_instances(model: type[Row], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """What Django would make of rows that psycopg read, each with every concrete column of `model`, in its order."""
    if _is_converted(model):
        compiler, columns = _converting(model)
        rows = compiler.apply_converters(rows, compiler.get_converters(columns))
    names = list(_columns(model))
    return [model.from_db(connection.alias, names, row) for row in rows]


def read_related(rows: Sequence[Any], name: str) -> None:
    """Let `rows`, all of one model, hold what their foreign key `name` leads to, as Django would read it: in one query.

    Where it is the same row for all of them, the statement is composed once, unless a manager or a router of the shop's
    own has a say.
    """
    if not rows:
        return
    relation = _meta(rows[0]).get_field(name)
    missing = [row for row in rows if not relation.is_cached(row)]
    keys = {getattr(row, relation.attname) for row in missing}
    if len(keys) != 1 or None in keys or not _is_plain(relation, missing[0]):
        prefetch_related_objects(missing, name)
        return
    key = relation.target_field.get_db_prep_value(keys.pop(), connection)
    for related in as_instances(relation.related_model, rows_of(_with_key, relation.related_model, key=key)):
        for row in missing:
            relation.set_cached_value(row, related)


def _is_plain(relation: Any, row: Model) -> bool:
    related = relation.related_model
    return (
        connection.vendor == "postgresql"
        and type(relation) is ForeignKey
        and relation.target_field.primary_key
        and type(_meta(related).base_manager) is Manager
        and router.db_for_read(related, instance=row) == connection.alias
    )


def _with_key(model: type[Model], key: Any) -> Rows:
    return QuerySet(model).filter(pk=key).values_list(*_columns(model))


@cache
def _is_converted(model: type[Model]) -> bool:
    # Most fields take what psycopg gives. What converts belongs to a thread's connection, and is not kept.
    compiler, columns = _converting(model)
    return bool(compiler.get_converters(columns))


def _converting(model: type[Model]) -> tuple[Any, list[Any]]:
    columns = [field.get_col(_meta(model).db_table) for field in _columns(model).values()]
    return QuerySet(model).query.get_compiler(using=connection.alias), columns


@cache
def _columns(model: type[Model]) -> Mapping[str, Any]:
    return {field.attname: field for field in _meta(model).concrete_fields}


def _meta(model: Any) -> Any:
    return model._meta  # noqa: SLF001  # Django's documented model API


@cache
def _composed(
    query: Callable[..., Rows], fixed: tuple[Hashable, ...], names: tuple[str, ...]
) -> tuple[str, Sequence[Any]]:
    return query(*fixed, **{name: Parameter(name) for name in names}).query.sql_with_params()


@cache
def _composed_update(
    query: Callable[..., Update], fixed: tuple[Hashable, ...], names: tuple[str, ...]
) -> tuple[str, Sequence[Any]]:
    rows, changes = query(*fixed, **{name: Parameter(name) for name in names})
    # As `QuerySet.update` does, which carries it out at once.
    statement = cast("UpdateQuery", rows.query.chain(UpdateQuery))
    statement.add_update_values(dict(changes))
    return statement.sql_with_params()


@cache
def _composed_insert(model: type[Model]) -> tuple[str, Sequence[Any]]:
    fields = [field for field in _columns(model).values() if not (field.primary_key or field.generated)]
    query = InsertQuery(model)
    query.insert_values(fields, [model()])
    compiler: Any = query.get_compiler(using=connection.alias)
    compiler.returning_fields = [_meta(model).pk]
    ((statement, _values),) = compiler.as_sql()
    return statement, fields


def _filled(places: Sequence[Any], values: Mapping[str, object]) -> list[Any]:
    return [values[each.name] if isinstance(each, Parameter) else each for each in places]


@cache
def _server_binding_cursor() -> type:
    """By its name: its module needs psycopg, which other databases do without."""
    cursor: type = import_string("django.db.backends.postgresql.base.ServerBindingCursor")
    return cursor
