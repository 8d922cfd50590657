"""Fills the shop: the one entrance to everything that is seeded, safe to use again and again."""

from django.db import transaction

from .catalogue import seed_catalogue
from .pages import seed_pages
from .people import seed_people
from .promotions import seed_promotions
from .search_index import indexing_paused, refresh_index


def fill() -> None:
    """Add to the database whatever the shop should hold and does not."""
    with indexing_paused(), transaction.atomic():
        seed_people()
        seed_catalogue()
        seed_promotions()
        seed_pages()
    refresh_index()
