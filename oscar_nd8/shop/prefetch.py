"""What the checkout reads of a basket again and again, read once."""

from typing import Any

from django.db.models import prefetch_related_objects

__all__ = ["read_lines"]


def read_lines(basket: Any) -> None:
    """The lines with their products' classes, which Oscar otherwise counts first, and then reads class by class.

    They stay with `basket`. Its lines in one query and the classes in another, two where there are variants.
    """
    lines = list(basket.all_lines())
    # Of a single line, Oscar's own way is the shorter one.
    if len(lines) > 1:
        prefetch_related_objects(lines, "product__product_class", "product__parent__product_class")
