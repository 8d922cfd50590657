"""Template tags for staff's pages."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.db.models import prefetch_related_objects

from oscar_nd8.models import Refund
from oscar_nd8.shop.addresses import dashboard_page
from oscar_nd8.shop.overview import overview_of
from oscar_nd8.shop.refundable import Refundable
from oscar_nd8.shop.refunds import REFUND_STANDINGS, RefundStanding, can_refund, money_of, refunds_of
from oscar_nd8.shop.staff import may_refund, may_view_payments
from oscar_nd8.shop.worklist import can_dismiss, can_place

register = template.Library()
register.filter("nd8_can_refund", can_refund)
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


@register.simple_tag(takes_context=True)
def nd8_refunds_of(context: dict[str, Any], session: Any) -> dict[str, Any]:
    """`{"refundables": [...], "refunds": [...], "refund_url": str}` of `session`; the address only for who may."""
    refundable = can_refund(session) and may_refund(context["request"].user)
    refunds = list(refunds_of(session))
    return {
        "refundables": money_of(session, refunds=refunds),
        "refunds": refunds,
        "refund_url": dashboard_page("nd8-refund", session.pk) if refundable else "",
    }


@register.filter
def nd8_standing(refund: Refund) -> RefundStanding:
    """What the refund's state means."""
    return REFUND_STANDINGS[refund.state]


@register.filter
def nd8_anything_left(refundables: Iterable[Refundable]) -> bool:
    """Whether anything of these payments can still be given back."""
    return not all(refundable.is_over for refundable in refundables)


@register.simple_tag
def nd8_page_of(matter: Any) -> str:
    """The matter's page in the dashboard; "" where the shop does without."""
    return dashboard_page("nd8-matter", matter.pk)
