"""`manage.py nd8_work`: process notifications as they come in, for shops whose `TASKS` is `InboxBackend`."""

import logging
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from oscar_nd8.services.process_due import process_due

logger = logging.getLogger("oscar_nd8")

# Between two looks at whether to end; each takes what an order takes to be written.
AT_ONCE = 20
# Seconds to leave an ND8 or a database alone that does not answer.
PATIENCE = 5.0
ENDS = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    """Runs until it is told to end, and ends when what it has in hand is done. Run as many as are needed.

    With `--batch` it ends when nothing waits, and with 1 when something does that cannot be processed now.
    """

    help = (
        "Processes stored notifications as they come in: asks ND8, places orders, sends mails. For shops whose TASKS "
        "setting is oscar_nd8.inbox.InboxBackend. Ends at SIGTERM or Ctrl-C, after what it has in hand; kill it if you "
        "must: what it had is due again in five minutes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How often to look, and whether to stay."""
        parser.add_argument(
            "--interval", type=_seconds, default=0.5, metavar="SECONDS", help="Look so often while nothing waits."
        )
        parser.add_argument("--batch", action="store_true", help="End when nothing waits.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Process, look, wait."""
        with _told_to_end() as end:
            while not end.is_set():
                has_more, trouble = self._pass()
                if options["batch"] and trouble:
                    raise CommandError(trouble)
                if options["batch"] and not has_more:
                    break
                if trouble:
                    self.stderr.write(trouble)
                end.wait(PATIENCE if trouble else 0 if has_more else options["interval"])

    def _pass(self) -> tuple[bool, str]:
        """Some of what is due: whether there may be more, and what keeps it from being processed ("": nothing)."""
        close_old_connections()
        try:
            summary = process_due(at_most=AT_ONCE)
        except (DatabaseError, InterfaceError):
            logger.exception("Notifications cannot be read")
            return True, "The database does not answer; the log says why. What is stored stays due."
        return summary.looked_at > 0, f"{summary.stopped}. What is stored stays due." if summary.stopped else ""


@contextmanager
def _told_to_end() -> Iterator[Event]:
    """Set once this process is told to end."""
    end = Event()
    before = {each: signal.signal(each, lambda *_: end.set()) for each in ENDS}
    try:
        yield end
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number <= 3600:
        raise ArgumentTypeError("give seconds: a number above zero, and at most an hour (3600)")
    return number
