"""`manage.py nd8_webhook`: where ND8 sends its notifications, and how to have them sent to this shop."""

from typing import Any

from django.contrib.sites.models import Site
from django.core.management.base import BaseCommand, CommandError, CommandParser

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.services.manage_account import last_test, register_webhook, webhook_address
from oscar_nd8.shop.addresses import absolute, address_of


class Command(BaseCommand):
    """Shows; with --register it changes the account, and prints the new secret once."""

    help = "Shows where ND8 sends notifications, or has them sent to this shop. Needs ND8['MERCHANT_TOKEN']."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to change, if anything."""
        parser.add_argument(
            "--register",
            nargs="?",
            const="",
            metavar="URL",
            help="Have notifications sent to URL; without one, to this shop's webhook at the current site's domain.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Show, or register."""
        ours = absolute(Site.objects.get_current().domain, address_of("webhook"))
        try:
            if options["register"] is None:
                self._show(ours)
            else:
                self._register(options["register"] or ours)
        except DecisionRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _show(self, ours: str) -> None:
        theirs, test = webhook_address(), last_test()
        self.stdout.write(f"ND8 sends notifications to: {theirs or 'nowhere'}")
        self.stdout.write(f"This shop's webhook:        {ours}")
        self.stdout.write(f"Last test that arrived:     {test.received_at.isoformat() if test else 'never'}")
        if theirs != ours:
            self.stdout.write("They differ. To change it: nd8_webhook --register")

    def _register(self, address: str) -> None:
        secret = register_webhook(address)
        self.stdout.write(f"ND8 sends notifications to {address} from now on.")
        if secret is None:
            self.stdout.write("ND8 did not say the secret in a way that is known here: copy it from its dashboard.")
        else:
            self.stdout.write("They are signed with this secret, which is shown only now:\n")
            self.stdout.write(f"    {secret.get_secret_value()}\n")
        self.stdout.write(
            "Put it first into ND8['WEBHOOK_SECRETS'], before the old one, and deploy. Until then notifications are "
            "refused; send them again from ND8's dashboard afterwards. Then send a test event from there, and look "
            "here whether it arrived."
        )
