"""What a worker does: stored notifications that are due, the oldest first, and nothing else."""

from collections import Counter

from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.process_event import process_event
from oscar_nd8.services.sweep import Done, Run, Summary, Sweep, sweep
from oscar_nd8.states import EventStatus

__all__ = ["process_due"]


def process_due(*, at_most: int) -> Summary:
    """Process at most so many; several processes share what is due, and what a killed one had claimed is due again.

    Must not run in a transaction.
    """
    run = Run(workers=1, at_most=at_most, tell=lambda _summary: None)
    sweep(Sweep(run, WebhookEvent, _process))
    return run.summary


def _process(pk: int) -> Counter[Done]:
    status = process_event(WebhookEvent.objects.get(pk=pk))
    return Counter({Done.PROCESSED: 1} if status is EventStatus.PROCESSED else {})
