"""The lines of a basket with what Oscar's checks ask of each of them, read at once."""

from typing import Any

from django.db.models import prefetch_related_objects

__all__ = ["read_lines"]


def read_lines(basket: Any) -> None:
    """Read the lines of `basket`, which keeps them, in Oscar's own queries, and their products' classes in one more.

    Variants take another one, for their parents. Oscar's checks read the class of each line by itself.
    """
    lines = list(basket.all_lines())
    # Of a single line, Oscar's own way is the shorter one.
    if len(lines) > 1:
        prefetch_related_objects(lines, "product__product_class", "product__parent__product_class")
