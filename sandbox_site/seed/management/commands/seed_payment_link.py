"""`manage.py seed_payment_link`: something to buy by a link; apart from the rest, because ND8 must answer."""

from typing import Any

from django.core.management.base import BaseCommand

from sandbox_site.seed.pages import sell_by_link


class Command(BaseCommand):
    """Safe to use again: a link that ND8 still has is kept."""

    help = "Makes a payment link at ND8 and puts it on the landing page."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        sell_by_link()
