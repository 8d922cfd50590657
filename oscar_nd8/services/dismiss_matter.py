"""A member of staff says that a matter needs nothing more, and why."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, StaffAction
from oscar_nd8.services.lock_matter import lock_matter
from oscar_nd8.services.record_action import record_action

__all__ = ["dismiss_matter"]


def dismiss_matter(matter: Attention, *, by: Any, note: str, seen: int) -> Attention:
    """The matter, settled as dismissed by the user `by`. No money moves and no order is placed.

    `note` must say why; `seen` is explained at `lock_matter`. Raises DecisionRefused, a sentence for staff.
    """
    if not note.strip():
        raise DecisionRefused(_("Please say why: the next person to look will want to know."))
    with transaction.atomic(durable=True):
        matter = lock_matter(matter.pk, seen=seen)
        if matter.resolved_at is not None:
            raise DecisionRefused(
                _("This matter is settled already (%(how)s). Nothing was changed now.")
                % {"how": matter.get_resolution_display()}
            )
        matter.resolved_at, matter.resolution = timezone.now(), Attention.Resolution.DISMISSED
        matter.save(update_fields=["resolved_at", "resolution"])
        record_action(StaffAction.Verb.DISMISS, by=by, session=matter.session, attention=matter, note=note.strip())
    return matter
