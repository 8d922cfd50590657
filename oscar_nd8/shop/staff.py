"""Who on the staff may see payments, who may decide, and who may refund: every page, menu and admin asks here.

Knows no model, because the dashboard's AppConfig reads it while the registry is still loading.
"""

from typing import Any

from oscar.views.decorators import check_permissions

__all__ = [
    "MAY_DECIDE",
    "MAY_MANAGE_ACCOUNT",
    "MAY_REFUND",
    "MAY_VIEW_PAYMENTS",
    "VIEW_PAYMENTS",
    "may_decide",
    "may_manage_account",
    "may_refund",
    "may_see_health",
    "may_view_payments",
]

VIEW_PAYMENTS = "oscar_nd8.view_payments"

# Staff status alone opens nothing, as on Oscar's own order pages.
# Either list is enough; the second is for partners' staff.
MAY_VIEW_PAYMENTS = (["is_staff", VIEW_PAYMENTS], [VIEW_PAYMENTS, "partner.dashboard_access"])

# Both are needed: how the shop is run is no partner's business.
MAY_SEE_HEALTH = ["is_staff", VIEW_PAYMENTS]

# Both are needed: whoever may only look cannot place an order, and a partner's staff never can.
MAY_DECIDE = ["is_staff", "oscar_nd8.resolve_attention"]

# The same, and apart from it: deciding moves no money, refunding does.
MAY_REFUND = ["is_staff", "oscar_nd8.refund_payment"]

# The same: whoever holds keys and webhook holds the shop's payments.
MAY_MANAGE_ACCOUNT = ["is_staff", "oscar_nd8.manage_account"]


def may_view_payments(user: Any) -> bool:
    """Whether `user` may open the payments pages; which payments they find there is `sessions_seen_by`."""
    return bool(check_permissions(user, MAY_VIEW_PAYMENTS))


def may_see_health(user: Any) -> bool:
    """Whether `user` may read the health page without a monitor's token."""
    return bool(check_permissions(user, MAY_SEE_HEALTH))


def may_decide(user: Any) -> bool:
    """Whether `user` may decide matters, ask ND8 again and have notifications processed again."""
    return bool(check_permissions(user, MAY_DECIDE))


def may_manage_account(user: Any) -> bool:
    """Whether `user` may see and change the account at ND8: webhook and API keys."""
    return bool(check_permissions(user, MAY_MANAGE_ACCOUNT))


def may_refund(user: Any) -> bool:
    """Whether `user` may give money back, of any payment that they see."""
    return bool(check_permissions(user, MAY_REFUND))
