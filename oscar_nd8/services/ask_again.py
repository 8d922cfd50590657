"""A member of staff has ND8 asked about a payment now, instead of waiting for the schedule."""

from typing import Any

from django.utils.translation import gettext as _

from oscar_nd8.models import PaymentSession, StaffAction
from oscar_nd8.services.failures_told import failures_told
from oscar_nd8.services.record_action import record_action
from oscar_nd8.services.settle import settle

__all__ = ["ask_again"]


def ask_again(session: PaymentSession, *, by: Any) -> PaymentSession:
    """`session` as ND8 sees it now, with everything done that follows from it. Raises DecisionRefused.

    Must not run in a transaction, as `settle`.
    """
    record_action(StaffAction.Verb.ASK, by=by, session=session)
    with failures_told(
        unasked=_("ND8 could not be asked, so nothing was changed. Please try again in a few minutes."),
        unfinished=_(
            "ND8 answered, but the shop could not do all that follows; the reason is in its log. It will try again."
        ),
    ):
        return settle(session)
