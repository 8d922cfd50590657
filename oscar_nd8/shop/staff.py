"""Who on the staff may see payments: the dashboard's pages, its menu and the order page all ask here.

Knows no model, because the dashboard's AppConfig reads it while the registry is still loading.
"""

from typing import Any

from oscar.views.decorators import check_permissions

__all__ = ["MAY_VIEW_PAYMENTS", "may_view_payments"]

# Either list is enough, as in Oscar's own dashboard; the second is for partners' staff.
MAY_VIEW_PAYMENTS = (["is_staff"], ["oscar_nd8.view_payments", "partner.dashboard_access"])


def may_view_payments(user: Any) -> bool:
    """Whether `user` may open the payments pages; which payments they find there is `sessions_seen_by`."""
    return bool(check_permissions(user, MAY_VIEW_PAYMENTS))
