"""Background entries: a primary key in, one service out. Which queue runs them is the project's TASKS setting."""

from django_tasks import task

from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.process_event import process_event
from oscar_nd8.services.reconcile import reconcile

__all__ = ["process_stored_event", "reconcile_what_is_due"]


@task()
def process_stored_event(event_id: int) -> str:
    """Process a stored notification; returns its new status."""
    return process_event(WebhookEvent.objects.get(pk=event_id)).value


@task()
def reconcile_what_is_due() -> dict[str, int]:
    """As `nd8_reconcile --due`, for shops whose schedule enqueues tasks; returns what changed."""
    return {done.value: number for done, number in reconcile().done.items() if number}
