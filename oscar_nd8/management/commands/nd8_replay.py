"""`manage.py nd8_replay`: have stored notifications processed again."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet
from django.utils import timezone

from oscar_nd8.exceptions import HOPELESS, DecisionRefused
from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.replay_event import replay_event
from oscar_nd8.states import EventStatus

NOT_FINISHED = "not finished"


class Command(BaseCommand):
    """Prints what became of each, oldest first. Ends with 1 when one could not be processed."""

    help = (
        "Processes stored notifications again. Nothing happens twice: an order that exists is not placed again, a mail "
        "that was sent is not sent again. Say which notifications: by delivery, checkout, status or date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """At least one of them; a notification must meet all that are given."""
        parser.add_argument("deliveries", nargs="*", metavar="DELIVERY", help="Delivery ids, as the admin shows them.")
        parser.add_argument("--checkout", metavar="ID", help="About this checkout at ND8.")
        parser.add_argument(
            "--status", action="append", choices=[status.value for status in EventStatus], help="May be repeated."
        )
        parser.add_argument(
            "--since", type=_moment, metavar="DATE", help="Received since, like 2026-03-14 or 2026-03-14T12:00."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only list them.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay what was asked for."""
        events = _chosen(options)
        became: Counter[str] = Counter()
        for pk in events.order_by("received_at", "pk").values_list("pk", flat=True).iterator():
            event = WebhookEvent.objects.get(pk=pk)
            word = event.status if options["dry_run"] else self._replay(event)
            became[word] += 1
            if options["verbosity"] > 0:
                self.stdout.write(f"{event.received_at:%Y-%m-%d %H:%M:%S}  {event.delivery_id}  {event.name}: {word}")
        if options["verbosity"] > 0:
            self.stdout.write(", ".join(f"{number} {word}" for word, number in sorted(became.items())) or "None found.")
        if became[NOT_FINISHED]:
            raise CommandError(f"{became[NOT_FINISHED]} could not be processed; nd8_reconcile tries them again.")

    def _replay(self, event: WebhookEvent) -> str:
        try:
            return replay_event(event, by=None).value
        except DecisionRefused as error:
            if isinstance(error.__cause__, HOPELESS):
                raise CommandError(f"Ended early, the others would fare alike: {error.__cause__}") from error
            self.stderr.write(f"{event.delivery_id}: {error.__cause__}")
            return NOT_FINISHED


def _chosen(options: dict[str, Any]) -> QuerySet[WebhookEvent]:
    wanted = Q()
    if options["deliveries"]:
        wanted &= Q(delivery_id__in=options["deliveries"])
    if options["checkout"]:
        wanted &= Q(checkout_id=options["checkout"])
    if options["status"]:
        wanted &= Q(status__in=options["status"])
    if options["since"]:
        wanted &= Q(received_at__gte=options["since"])
    if not wanted:
        raise CommandError("Say which notifications: delivery ids, --checkout, --status or --since.")
    return WebhookEvent.objects.filter(wanted)


def _moment(text: str) -> datetime:
    """A day, or a moment, in the shop's own zone where it names none."""
    moment = datetime.fromisoformat(text)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
