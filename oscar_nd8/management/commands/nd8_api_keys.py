"""`manage.py nd8_api_keys`: the account's API keys, and how to replace the shop's without a pause."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.merchant import NewKey
from oscar_nd8.services.manage_account import create_key, keys, replace_key, revoke_key


class Command(BaseCommand):
    """A key's characters are printed once, to this terminal alone."""

    help = "Lists, creates, replaces and revokes API keys of the account at ND8. Needs ND8['MERCHANT_TOKEN']."

    def add_arguments(self, parser: CommandParser) -> None:
        """One of four things."""
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("list", help="All keys, without their characters (the default).")
        create = actions.add_parser("create", help="One more key.")
        create.add_argument("--name", required=True, help="To tell it apart in the list.")
        create.add_argument("--scopes", default="", help="As ND8 writes them, with commas; none: all.")
        actions.add_parser("rotate", help="A second key like the shop's; both work until you revoke the old one.")
        revoke = actions.add_parser("revoke", help="End a key; never the one that the shop runs with.")
        revoke.add_argument("id", help="Its id, from the list.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the one thing."""
        try:
            match options["action"]:
                case "create":
                    self._show_new(create_key(name=options["name"], scopes=options["scopes"]))
                case "rotate":
                    self._rotate()
                case "revoke":
                    revoke_key(options["id"])
                    self.stdout.write("The key is revoked.")
                case _:
                    self._list()
        except DecisionRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _list(self) -> None:
        for key in keys():
            ours = "  <- the shop's, as it seems" if key.is_ours else ""
            self.stdout.write(f"{key.key_id}  {key.prefix}…  {key.name}  [{key.scopes or 'all scopes'}]{ours}")

    def _show_new(self, made: NewKey) -> None:
        self.stdout.write("The new key, which is shown only now:\n")
        self.stdout.write(f"    {made.raw.get_secret_value()}\n")

    def _rotate(self) -> None:
        made, old = replace_key()
        self._show_new(made)
        self.stdout.write("1. Put it into ND8['API_KEY'] and deploy. Both keys work until you revoke the old one.")
        self.stdout.write("2. Run nd8_doctor: it says whether the new key may do all that the shop needs.")
        if old is not None:
            self.stdout.write(f"3. Then: nd8_api_keys revoke {old.key_id}")
        else:
            self.stdout.write("3. Then find the old key by nd8_api_keys list, and revoke it by its id.")
