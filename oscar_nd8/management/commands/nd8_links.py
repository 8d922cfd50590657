"""`manage.py nd8_links`: bring the payment links in step with ND8 now, and list them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from oscar_nd8.exceptions import ProviderError
from oscar_nd8.models import PaymentLink
from oscar_nd8.services.follow_links import follow_links
from oscar_nd8.shop.addresses import address_of


class Command(BaseCommand):
    """Also finds links and payments that were made on ND8's side alone."""

    help = "Asks ND8 about all payment links and who paid by them, and lists them. Needs ND8['MERCHANT_TOKEN']."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, and list what is known, also where ND8 did not answer."""
        failure = ""
        found = []
        try:
            found = follow_links()
        except ProviderError as error:
            failure = str(error)
        for link in PaymentLink.objects.filter(deleted_at=None):
            price = f"{link.amount_major} {link.currency}" if link.amount is not None else "price not known"
            uses = "?" if link.uses is None else link.uses
            self.stdout.write(
                f"{address_of('link', link_id=link.link_id)}  {link.name}  {price}  {link.availability.label}  "
                f"uses: {uses}/{link.max_uses or 'any'}  as ND8 said at {link.asked_at.isoformat(timespec='seconds')}"
            )
        if found:
            self.stdout.write(f"{len(found)} payments that were not known here.")
        if failure:
            raise CommandError(f"ND8 could not be asked about everything: {failure}")
