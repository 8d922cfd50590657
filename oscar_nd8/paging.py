"""Lists that may be very long: counting stops where nobody reads on, and a table is read in portions."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.utils.functional import cached_property

__all__ = ["ROWS_AT_ONCE", "LongPaginator", "in_portions"]

ROWS_AT_ONCE = 500

Row = TypeVar("Row", bound=Model)


class LongPaginator(Paginator):  # type: ignore[type-arg]  # Django's own takes none at run time
    """Counts the first ten thousand rows and pages through those; who looks for older ones narrows the list."""

    most = 10_000

    @cached_property
    def counted(self) -> int:
        """How many rows there are, or one more than are paged through."""
        rows: Any = self.object_list
        # Keys alone: what a row shows besides is not put together to be counted.
        return int(rows.values("pk")[: self.most + 1].count())

    @cached_property
    def count(self) -> int:
        """How many rows the pages hold."""
        return min(self.counted, self.most)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than the pages hold."""
        return self.counted > self.most


def in_portions(rows: QuerySet[Row]) -> Iterator[Row]:
    """All of `rows`, newest first, with few in memory; each once, however many are added meanwhile.

    Every portion begins below the last row of the one before, which an index finds however far down it is. A cursor
    would need a connection of its own behind some pools, and SQLite and PostgreSQL keep it differently.
    """
    rows = rows.order_by("-created_at", "-pk")
    portion = list(rows[:ROWS_AT_ONCE])
    while portion:
        yield from portion
        last: Any = portion[-1]
        # The first condition is what the index is searched by.
        below = rows.filter(created_at__lte=last.created_at).filter(
            Q(created_at__lt=last.created_at) | Q(pk__lt=last.pk)
        )
        portion = list(below[:ROWS_AT_ONCE]) if len(portion) == ROWS_AT_ONCE else []
