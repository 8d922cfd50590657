"""`manage.py nd8_organization`: the account at ND8, as ND8 describes it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.services.manage_account import profile


class Command(BaseCommand):
    """Reads only."""

    help = "Shows the account at ND8: profile, limits, fees, price mode. Needs ND8['MERCHANT_TOKEN']."

    def add_arguments(self, parser: CommandParser) -> None:
        """How to say it."""
        parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, and print."""
        try:
            account = asdict(profile())
        except DecisionRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(account, indent=2))
            return
        fees, other = account.pop("fees"), account.pop("other")
        words = {"lowest": "smallest payment", "highest": "largest payment", "price_mode": "price mode"}
        for name, value in {**account, **fees, **other}.items():
            self.stdout.write(f"{words.get(name, name):>18}  {value or 'not told'}")
