"""Links to other pages of the dashboard, only where they would open for whoever looks."""

from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, reverse
from oscar.views.decorators import check_permissions

from oscar_nd8.models import PaymentSession
from oscar_nd8.shop.refunds import can_refund

__all__ = ["may_view_orders", "refund_url"]


def may_view_orders(user: Any) -> bool:
    """Whether a link to Oscar's order page would open for `user`; Oscar asks staff for a permission of its own."""
    return _may_open(user, "orders_dashboard", "order-detail")


def refund_url(session: PaymentSession, user: Any) -> str:
    """Where `user` can refund `session`; "" where nothing is paid, or they may not, or the shop has no such page."""
    if not can_refund(session):
        return ""
    try:
        url = reverse("nd8-dashboard:nd8-refund", args=[session.pk])
    except NoReverseMatch:
        return ""
    return url if _may_open(user, "nd8_dashboard", "nd8-refund") else ""


def _may_open(user: Any, app_label: str, url_name: str) -> bool:
    config: Any = apps.get_app_config(app_label)
    return bool(check_permissions(user, config.get_permissions(url_name)))
