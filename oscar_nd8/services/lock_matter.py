"""Two members of staff, one decision: the second is told who decided."""

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention
from oscar_nd8.services.lock_row import lock_row
from oscar_nd8.shop.worklist import last_decision

__all__ = ["lock_matter"]


def lock_matter(matter_id: int, *, seen: int) -> Attention:
    """The matter, locked until the transaction ends. Raises DecisionRefused when it was decided since.

    `seen` is the id of the last decision about it that the person knew of, 0 for none: whoever saw that it was
    dismissed may still decide otherwise, and a second click on the same page decides nothing.
    """
    # A session is always locked before its matter.
    matter = lock_row(Attention.objects.select_related("session").filter(pk=matter_id), writing="kind").get()
    last = last_decision(matter)
    if last is not None and last.pk != seen:
        raise DecisionRefused(
            _("%(name)s decided this already (%(when)s: %(what)s). Nothing was changed now.")
            % {
                "name": last.who,
                "when": date_format(localtime(last.created_at), "SHORT_DATETIME_FORMAT"),
                "what": last.get_verb_display(),
            }
        )
    return matter
