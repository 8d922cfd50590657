"""Mails to the customer, sent without a browser's request, in the language they bought in."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import prefetch_related_objects
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from oscar.core.loading import get_class, get_model
from oscar.templatetags.currency_filters import currency

from oscar_nd8.models import Refund
from oscar_nd8.shop.addresses import absolute
from oscar_nd8.shop.quote import Quote

__all__ = ["REFUNDED", "send_order_mail", "send_refund_mail"]

REFUNDED = "ND8_REFUNDED"


def send_order_mail(order: Any, *, language: str) -> None:
    """Send Oscar's ORDER_PLACED messages, with the context that Oscar's own checkout gives them."""
    # What Oscar's texts ask for several times.
    prefetch_related_objects([order], "lines", "surcharges")
    with translation.override(language or None):
        context = {**_context(order), "lines": order.lines.all()}
        get_class("order.utils", "OrderDispatcher")().send_order_placed_email_for_user(order, context)


def send_refund_mail(refund: Refund) -> None:
    """Send the ND8_REFUNDED messages; to the payer's address where the payment never became an order."""
    session, dispatcher = refund.payment.session, get_class("order.utils", "OrderDispatcher")()
    # Oscar notes on the order what was sent only where the kind of message is known. Without texts of its own in
    # the database it is written by the template files.
    get_model("communication", "CommunicationEventType").objects.get_or_create(
        code=REFUNDED, defaults={"name": "Money given back by ND8"}
    )
    with translation.override(session.language or None):
        context = {
            **(_context(session.order) if session.order else {"user": AnonymousUser()}),
            "money": currency(refund.amount_major, refund.currency),
            "reason": refund.reason,
            "pieces": _pieces(refund),
        }
        messages = dispatcher.dispatcher.get_messages(REFUNDED, context)
        if session.order:
            dispatcher.dispatch_order_messages(session.order, messages, REFUNDED)
        else:
            dispatcher.dispatcher.dispatch_direct_messages(session.email, messages)


def _pieces(refund: Refund) -> list[dict[str, Any]]:
    chosen = refund.parts.get("lines", {})
    lines = Quote.model_validate(refund.payment.session.quote).lines if chosen else ()
    return [
        {"title": line.title, "quantity": chosen[str(line.id)]["quantity"]} for line in lines if str(line.id) in chosen
    ]


def _context(order: Any) -> dict[str, Any]:
    context: dict[str, Any] = {"user": order.user or AnonymousUser(), "order": order}
    path = _status_path(order)
    if path:
        context |= {"status_path": path, "status_url": absolute(order.site.domain, path)}
    return context


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
