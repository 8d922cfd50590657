"""Who may do what in Wagtail's admin: the permissions of its groups decide, whether or not somebody is "staff"."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from wagtail.permission_policies.base import BasePermissionPolicy

__all__ = ["SeesPayments", "may_decide", "may_manage_links", "may_refund", "may_view", "ours"]

VIEW = "oscar_nd8.view_payments"
REFUND = "oscar_nd8.refund_payment"
DECIDE = "oscar_nd8.resolve_attention"
MANAGE_LINKS = "oscar_nd8.manage_links"


def may_view(user: Any) -> bool:
    """Whether `user` finds payments here: all of them, so nobody who works for a partner and not for the shop."""
    return bool(user.has_perm(VIEW)) and not _works_for_a_partner(user)


def may_refund(user: Any) -> bool:
    """Whether `user` may give money back."""
    return may_view(user) and bool(user.has_perm(REFUND))


def may_decide(user: Any) -> bool:
    """Whether `user` may decide matters, and have ND8 asked."""
    return may_view(user) and bool(user.has_perm(DECIDE))


def may_manage_links(user: Any) -> bool:
    """Whether `user` may make, change and delete payment links."""
    return may_view(user) and bool(user.has_perm(MANAGE_LINKS))


def ours() -> QuerySet[Permission]:
    """What can be given to a group, for Wagtail's form."""
    codenames = [name.split(".")[1] for name in (VIEW, REFUND, DECIDE, MANAGE_LINKS)]
    return Permission.objects.filter(codename__in=codenames, content_type__app_label="oscar_nd8")


class SeesPayments(BasePermissionPolicy):
    """Evidence: those who may view it can do that, and nobody can do anything else."""

    def user_has_permission(self, user: Any, action: str) -> bool:
        """Only "view" is ever granted."""
        return action == "view" and may_view(user)


def _works_for_a_partner(user: Any) -> bool:
    return not (user.is_staff or user.is_superuser) and bool(user.has_perm("partner.dashboard_access"))
