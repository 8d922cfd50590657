"""One row for ourselves until the transaction ends, on every database."""

from typing import TypeVar

from django.db import connection
from django.db.models import F, Model, QuerySet

__all__ = ["lock_row"]

M = TypeVar("M", bound=Model)


def lock_row(rows: QuerySet[M], *, writing: str) -> QuerySet[M]:
    """`rows`, which are one row, to be read within a transaction: from then on nobody else locks it.

    SQLite locks no rows. There a write, of the field `writing` as it is, takes the database's own lock at once,
    instead of failing later, when a reader wants to become a writer.
    """
    if connection.features.has_select_for_no_key_update:
        return rows.select_for_update(no_key=True, of=("self",))
    rows.update(**{writing: F(writing)})
    return rows
