"""Statements that are the same for every payment: composed once a process, and planned once a connection.

Django composes a statement anew each time, and its cursor fills the values in before it sends it, so that no two are
the same to PostgreSQL. Both take longer than carrying out one that looks at a row or two (docs/adr/0023).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any, cast

from django.db import connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, QuerySet
from django.db.models.sql import UpdateQuery
from django.utils.module_loading import import_string

__all__ = ["prepared_cursor", "rows_of", "update_of"]

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


def rows_of(query: Callable[..., Rows], **values: object) -> list[tuple[Any, ...]]:
    """The rows of `query(**values)`, a `values_list` whose statement depends on nothing but these.

    On PostgreSQL they are as psycopg reads them: a JSON field is text. Other databases run the query as it is.
    """
    if connection.vendor != "postgresql":
        return list(query(**values))
    statement, places = _composed(query)
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


@cache
def _composed(query: Callable[..., Rows]) -> tuple[str, Sequence[Any]]:
    return query(**{name: Parameter(name) for name in signature(query).parameters}).query.sql_with_params()


@cache
def _composed_update(
    query: Callable[..., Update], fixed: tuple[Hashable, ...], names: tuple[str, ...]
) -> tuple[str, Sequence[Any]]:
    rows, changes = query(*fixed, **{name: Parameter(name) for name in names})
    # As `QuerySet.update` does, which carries it out at once.
    statement = cast("UpdateQuery", rows.query.chain(UpdateQuery))
    statement.add_update_values(dict(changes))
    return statement.sql_with_params()


def _filled(places: Sequence[Any], values: Mapping[str, object]) -> list[Any]:
    return [values[each.name] if isinstance(each, Parameter) else each for each in places]


@cache
def _server_binding_cursor() -> type:
    """By its name: its module needs psycopg, which other databases do without."""
    cursor: type = import_string("django.db.backends.postgresql.base.ServerBindingCursor")
    return cursor
