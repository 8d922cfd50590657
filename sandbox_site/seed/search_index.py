"""Keeps Oscar's search index, through which the catalogue is listed, in step with the seeded products."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.core.management import call_command
from haystack.query import SearchQuerySet
from oscar.apps.catalogue.models import Product


@contextmanager
def indexing_paused() -> Iterator[None]:
    """Save products without one index commit for each of them."""
    processor = apps.get_app_config("haystack").signal_processor  # type: ignore[attr-defined]  # no types
    processor.teardown()
    try:
        yield
    finally:
        processor.setup()


def refresh_index() -> None:
    """Build the index anew unless it lists as many products as this database has."""
    if SearchQuerySet().models(Product).count() != Product.objects.browsable().count():
        call_command("rebuild_index", interactive=False, verbosity=0)
