"""What goods and the order make of a refund: pieces back into stock, a note, and the order's status."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import translation
from django.utils.translation import gettext as _
from oscar.core.loading import get_class, get_model

from oscar_nd8.models import Refund
from oscar_nd8.shop.quote import Quote

__all__ = ["in_shops_language", "move_order", "pieces_of", "put_back", "write_note"]


def pieces_of(refund: Refund, order: Any) -> dict[Any, int]:
    """How many pieces of which lines of `order` the refund is for; nothing where its lines cannot be told apart.

    The order's lines were written in the quote's order; a shop's own code may have changed them since.
    """
    chosen = refund.parts.get("lines", {})
    if not chosen:
        return {}
    quoted = Quote.model_validate(refund.payment.session.quote).lines
    lines = list(order.lines.order_by("pk"))
    if [line.quantity for line in quoted] != [line.quantity for line in lines]:
        return {}
    pairs = zip(quoted, lines, strict=True)
    return {line: chosen[str(pin.id)]["quantity"] for pin, line in pairs if str(pin.id) in chosen}


def put_back(order: Any, pieces: Mapping[Any, int], *, released: Mapping[Any, int]) -> dict[Any, int]:
    """Put pieces of lines back into stock; how many of them had not left it. In the transaction of the booking.

    What is still allocated is released, as Oscar does for a canceled line. Anything else left the shop and is added
    to what is in stock, unless Oscar notes that the line's allocation was canceled: then it never left, or is back.
    `released` are the pieces that earlier refunds released, which leave that same note.
    """
    handler = get_class("order.processing", "EventHandler")()
    now_released: dict[Any, int] = {}
    for line, quantity in pieces.items():
        line.refresh_from_db()
        if line.stockrecord is None or not line.can_track_allocations:
            continue
        held = 0 if line.allocation_cancelled else min(quantity, line.num_allocated)
        canceled_elsewhere = line.allocation_cancelled and not released.get(line)
        if held:
            handler.cancel_stock_allocations(order, [line], [held])
            now_released[line] = held
        if quantity > held and not canceled_elsewhere:
            records = get_model("partner", "StockRecord").objects.filter(pk=line.stockrecord_id)
            records.update(num_in_stock=Coalesce(F("num_in_stock"), Value(0)) + quantity - held)
    return now_released


def in_shops_language() -> translation.override:
    """For a note, and what it is made of: staff read it, whoever caused it."""
    return translation.override(settings.LANGUAGE_CODE)


def write_note(order: Any, message: str, *, by: Any) -> None:
    """A system note on the order, as Oscar's own processing writes it."""
    get_class("order.processing", "EventHandler")(user=by).create_note(order, message)


def move_order(order: Any, status: str) -> str:
    """Move the order to `status` by the shop's own pipeline; why that was not possible, or ""."""
    if order.status == status:
        return ""
    if status not in order.available_statuses():
        return _(
            "The order's status was not changed to “%(status)s”: from “%(now)s” the shop's pipeline does not allow it."
        ) % {
            "status": status,
            "now": order.status,
        }
    get_class("order.processing", "EventHandler")().handle_order_status_change(order, status)
    return ""
