"""The lines of a basket with what is asked of each of them, read at once."""

from collections.abc import Sequence
from typing import Any

from django.db.models import prefetch_related_objects

from oscar_nd8.prepared import read_related

__all__ = ["read_classes", "read_lines", "read_partners"]


def read_lines(basket: Any) -> None:
    """Read the lines of `basket`, which keeps them, in Oscar's own queries, and their products' classes in one more.

    Variants take another one, for their parents. Oscar's checks read the class of each line by itself.
    """
    read_classes(list(basket.all_lines()))


def read_classes(lines: Sequence[Any]) -> None:
    """The classes of the lines' products, and those of variants' parents."""
    prefetch_related_objects(lines, "product")
    products = [line.product for line in lines]
    if any(product.parent_id for product in products):
        prefetch_related_objects(products, "parent")
        products += [product.parent for product in products if product.parent_id]
    # A variant has none of its own.
    read_related([product for product in products if product.product_class_id], "product_class")


def read_partners(lines: Sequence[Any]) -> None:
    """The partners of the lines' stock records."""
    prefetch_related_objects(lines, "stockrecord")
    read_related([line.stockrecord for line in lines], "partner")
