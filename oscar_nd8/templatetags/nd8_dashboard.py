"""Template tags for Oscar's dashboard pages."""

from typing import Any

from django import template
from django.db.models import prefetch_related_objects

from oscar_nd8.shop.addresses import dashboard_page
from oscar_nd8.shop.overview import overview_of
from oscar_nd8.shop.staff import may_view_payments
from oscar_nd8.shop.worklist import can_dismiss, can_place

register = template.Library()
register.filter("nd8_can_place", can_place)
register.filter("nd8_can_dismiss", can_dismiss)


@register.simple_tag(takes_context=True)
def nd8_payment_of(context: dict[str, Any], order: Any) -> dict[str, Any]:
    """`{"visible": bool, "overview": Overview | None, "url": str}` of `order`; visible only to whom it may concern.

    Three queries for each order of a page, however often its templates ask.
    """
    if not may_view_payments(context["request"].user):
        return {"visible": False, "overview": None, "url": ""}
    session = getattr(order, "nd8_session", None)
    if session is None:
        return {"visible": True, "overview": None, "url": ""}
    prefetch_related_objects([session], "payments", "attentions")
    return {"visible": True, "overview": overview_of(session), "url": dashboard_page("nd8-payment", session.pk)}


@register.simple_tag
def nd8_page_of(matter: Any) -> str:
    """The matter's page in the dashboard; "" where the shop does without."""
    return dashboard_page("nd8-matter", matter.pk)
