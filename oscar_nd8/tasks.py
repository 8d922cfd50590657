"""Background entries: a primary key in, one service out. Which queue runs them is the project's TASKS setting."""

from django_tasks import task

from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.process_event import process_event

__all__ = ["process_stored_event"]


@task()
def process_stored_event(event_id: int) -> str:
    """Process a stored notification; returns its new status."""
    return process_event(WebhookEvent.objects.get(pk=event_id)).value
