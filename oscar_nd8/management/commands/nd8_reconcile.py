"""`manage.py nd8_reconcile`: bring everything that is open to what ND8 says now."""

from argparse import ArgumentTypeError
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oscar_nd8.conf import MOST_WORKERS
from oscar_nd8.services.reconcile import Done, Summary, reconcile

TELL_EVERY = 2.0  # seconds


class Command(BaseCommand):
    """Prints what it changed. Ends with 1 when ND8 could not be asked to the end, or a row could not be finished."""

    help = (
        "Asks ND8 about every payment whose truth is not known, and does what is missing: places orders, books, sends "
        "mails, processes notifications, closes what expired, deletes old frozen baskets. Safe to run at any time, "
        "twice at once, and to kill."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Few, because the plain command does the right thing."""
        parser.add_argument(
            "--due",
            action="store_true",
            help="Look only at what is due by the schedule, for cron: young matters often, old ones rarely.",
        )
        parser.add_argument("--limit", type=_rows, metavar="N", help="Look at no more than N rows.")
        parser.add_argument(
            "--workers",
            type=_workers,
            metavar="N",
            help=f"Ask N questions at once, 1 to {MOST_WORKERS}; default: ND8['RECONCILE_WORKERS'].",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, tell, and say at the end what changed."""
        self._told_at, self._verbosity = monotonic(), options["verbosity"]
        summary = reconcile(
            everything=not options["due"], at_most=options["limit"], workers=options["workers"], tell=self._tell
        )
        if self._verbosity > 0:
            self.stdout.write(_words(summary))
        if summary.stopped:
            raise CommandError(f"Ended early: {summary.stopped}. What is left stays due for the next run.")
        if summary.broken:
            raise CommandError(f"{summary.broken} could not be finished; the log says why. They will be tried again.")

    def _tell(self, summary: Summary) -> None:
        wanted = self._verbosity > 1 or (self._verbosity > 0 and self.stdout.isatty())
        if wanted and monotonic() - self._told_at >= TELL_EVERY:
            self._told_at = monotonic()
            self.stdout.write(f"{summary.looked_at} looked at ...")


def _rows(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("give how many rows: a whole number above zero")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ArgumentTypeError(f"give how many questions at once: a whole number from 1 to {MOST_WORKERS}")
    return int(text)


def _words(summary: Summary) -> str:
    lines = [f"{summary.looked_at} looked at."]
    lines += [f"{summary.done[done]:>8} {done}" for done in Done if summary.done[done]]
    if summary.postponed:
        lines.append(f"{summary.postponed:>8} put off, because ND8 gave no answer")
    return "\n".join(lines)
