"""Template tags for checkout pages."""

from typing import Any

from django import template

from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.shopper import open_session_of

register = template.Library()


@register.simple_tag(takes_context=True)
def nd8_open_payment(context: dict[str, Any]) -> dict[str, Any] | None:
    """This shopper's payment that is not over: its amount and currency, how it stands, and the way back to it."""
    request = context.get("request")
    session = open_session_of(request) if request is not None else None
    if session is None:
        return None
    return {
        "amount_major": session.amount_major,
        "currency": session.currency,
        "is_under_way": session.is_under_way(),
        "resume_url": address_of("resume", token=session.token),
        "return_url": address_of("return", token=session.token, outcome="success"),
    }
