"""The order's confirmation mail, sent without a browser's request, in the language the shopper bought in."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from oscar.core.loading import get_class

from oscar_nd8.conf import is_debug

__all__ = ["send_order_mail"]


def send_order_mail(order: Any, *, language: str) -> None:
    """Send Oscar's ORDER_PLACED messages, with the context that Oscar's own checkout gives them."""
    with translation.override(language or None):
        context: dict[str, Any] = {
            "user": order.user or AnonymousUser(),
            "order": order,
            "lines": order.lines.all(),
        }
        path = _status_path(order)
        if path:
            scheme = "http" if is_debug() else "https"
            context |= {"status_path": path, "status_url": f"{scheme}://{order.site.domain}{path}"}
        get_class("order.utils", "OrderDispatcher")().send_order_placed_email_for_user(order, context)


def _status_path(order: Any) -> str:
    try:
        if order.user_id is not None:
            return reverse("customer:order", kwargs={"order_number": order.number})
        return reverse(
            "customer:anon-order",
            kwargs={"order_number": order.number, "hash": order.verification_hash()},
        )
    except NoReverseMatch:
        return ""  # a shop may hide these pages; the mail does without the link
