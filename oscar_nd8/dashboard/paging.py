"""Pages of a list that may be very long: counting stops where nobody reads on."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

__all__ = ["LongPaginator"]


class LongPaginator(Paginator[Any]):
    """Counts the first ten thousand rows and pages through those; who looks for older ones narrows the list."""

    most = 10_000

    @cached_property
    def counted(self) -> int:
        """How many rows there are, or one more than are paged through."""
        rows: Any = self.object_list
        return int(rows[: self.most + 1].count())

    @cached_property
    def count(self) -> int:
        """How many rows the pages hold."""
        return min(self.counted, self.most)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than the pages hold."""
        return self.counted > self.most
