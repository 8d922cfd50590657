"""A person has a stored notification processed again: what went wrong is put right, what is done stays as it is."""

from typing import Any

from django.utils.translation import gettext as _

from oscar_nd8.models import StaffAction, WebhookEvent
from oscar_nd8.services.failures_told import failures_told
from oscar_nd8.services.process_event import process_event, session_of
from oscar_nd8.services.record_action import record_action
from oscar_nd8.states import EventStatus

__all__ = ["replay_event"]


def replay_event(event: WebhookEvent, *, by: Any) -> EventStatus:
    """Process `event` again in the name of the user `by` (None: somebody at the console); its new status.

    Raises DecisionRefused, a sentence for staff, when it could not be finished now; it is due again then. Must not
    run in a transaction, as `settle`.
    """
    record_action(StaffAction.Verb.REPLAY, by=by, session=session_of(event), note=event.delivery_id)
    with failures_told(
        unasked=_("ND8 could not be asked, so nothing was changed. The notification will be tried again by itself."),
        unfinished=_(
            "The notification could not be processed to its end; the log says why. It will be tried again by itself."
        ),
    ):
        return process_event(event)
