"""`manage.py seed_sandbox`: the shop's contents from the command line."""

from typing import Any

from django.core.management.base import BaseCommand

from sandbox_site.seed.fill import fill


class Command(BaseCommand):
    """Fills the shop with products, people, offers and pages; what is there already stays as it is."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill the shop."""
        fill()
        if options["verbosity"]:
            self.stdout.write("The shop is filled.")
