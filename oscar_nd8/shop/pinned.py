"""Stand-ins that answer Oscar's OrderCreator from the quote: a basket, its lines, offers, vouchers and shipping.

Oscar asks basket lines and offers what things cost. These say what was agreed, whatever changed or is gone since.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from oscar.core.loading import get_class, get_classes, get_model
from oscar.core.prices import Price

from oscar_nd8.exceptions import QuoteUnplaceable
from oscar_nd8.shop.quote import Quote, QuotedApplication, QuotedLine, QuotedPrice, QuotedShipping

__all__ = ["PinnedShipping", "pinned_basket", "price_of"]

PurchaseClasses = tuple[Any, Any, Any]
"""The shop's PurchaseInfo, FixedPrice and Available."""


def price_of(price: QuotedPrice, currency: str) -> Any:
    """A quoted price as Oscar's Price, in major units."""
    return Price(currency=currency, excl_tax=price.excl, incl_tax=price.incl, tax_code=price.tax_code)


class PinnedShipping:
    """Stands in for the shipping method, which may have changed its price or be gone."""

    def __init__(self, shipping: QuotedShipping, currency: str) -> None:
        self.code, self.name = shipping.code, shipping.name
        self._shipping, self._currency = shipping, currency

    def calculate(self, basket: Any) -> Any:
        """The charge as quoted."""
        return price_of(self._shipping.price, self._currency)

    def discount(self, basket: Any) -> Decimal:
        """What a shipping offer took off, as quoted."""
        return self._shipping.discount


class _GoneOffer:
    """Stands in for an offer deleted since: it discounts as quoted, and has no counters left to keep."""

    exclusive = False
    combined_offers = ()
    combinations = SimpleNamespace(count=lambda: 0)

    def __init__(self, application: QuotedApplication) -> None:
        self.pk = self.id = application.offer
        self.name = application.name

    def apply_deferred_benefit(self, *_args: Any) -> None:
        """Nothing to give: the benefit was deleted with the offer."""

    def record_usage(self, *_args: Any) -> None:
        """Nothing to count."""


class _GoneVoucher(SimpleNamespace):
    """Stands in for a voucher deleted since: its code is written to the order, its counters are gone."""

    def record_discount(self, *_args: Any) -> None:
        """Nothing to count."""


class _PinnedLines(list[Any]):
    """Basket lines in memory; Oscar's `Basket.num_lines` calls `count()` without argument, as on a queryset."""

    def count(self, *value: Any) -> int:
        return super().count(*value) if value else len(self)


def pinned_basket(quote: Quote, *, basket_id: int | None, user: Any) -> Any:
    """The session's frozen basket with the quote's lines and offers in memory.

    Raises QuoteUnplaceable when Oscar would not come to the agreed price of a line even so.
    """
    lines = _live_lines(quote, basket_id=basket_id)
    basket = lines[0].basket if lines else _without_lines(basket_id)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy(user=user if user.is_authenticated else None)
    offers = _offers(quote)
    live = {line.line_reference: line for line in lines}
    classes = _purchase_classes()
    basket._lines = _PinnedLines(  # noqa: SLF001  # Oscar's own cache: what stands there is not read again
        _pinned_line(pin, live.get(pin.reference), basket=basket, offers=offers, classes=classes) for pin in quote.lines
    )
    basket.offer_applications = _applications(quote, offers)
    return basket


def _live_lines(quote: Quote, *, basket_id: int | None) -> list[Any]:
    """The lines of the frozen basket with all that an order line is written from, in one query, or two with options."""
    Line, Attribute = get_model("basket", "Line"), get_model("basket", "LineAttribute")
    found = Line.objects.filter(basket=basket_id) if basket_id is not None else Line.objects.none()
    lines = list(
        found.select_related(
            "basket", "stockrecord__partner", "product__product_class", "product__parent__product_class"
        )
    )
    chosen = Attribute.objects.select_related("option")
    if not any(pin.attributes for pin in quote.lines):
        chosen = chosen.none()
    prefetch_related_objects(lines, Prefetch("attributes", chosen))
    for line in lines:
        if line.stockrecord is not None and line.stockrecord.product_id == line.product_id:
            # Or Oscar reads the product, and its class, once more for each line whose stock it allocates.
            line.stockrecord.product = line.product
    return lines


def _without_lines(basket_id: int | None) -> Any:
    """The frozen basket whose every line is gone, or an empty one in its place."""
    Basket = get_model("basket", "Basket")
    basket = Basket.objects.filter(pk=basket_id).first() if basket_id is not None else None
    # It was deleted with the shopper's account; an order does with an empty one.
    return basket or Basket.objects.create(status=Basket.FROZEN)


def _offers(quote: Quote) -> dict[int, Any]:
    offers = dict(
        get_model("offer", "ConditionalOffer")
        .objects.select_related("benefit", "condition")
        .in_bulk([each.offer for each in quote.applications])
    )
    for application in quote.applications:
        offers.setdefault(application.offer, _GoneOffer(application))
    return offers


def _pinned_line(
    pin: QuotedLine, line: Any, *, basket: Any, offers: Mapping[int, Any], classes: PurchaseClasses
) -> Any:
    if line is None:
        Line = get_model("basket", "Line")
        line = Line(basket=basket, line_reference=pin.reference, stockrecord_id=pin.stockrecord)
    line.nd8_pin = pin
    line.nd8_gone = line.pk is None
    # Line.purchase_info's own cache: no strategy and no stock record is asked again.
    line._info = _purchase_info(pin, None if line.nd8_gone else line.stockrecord, classes=classes)  # noqa: SLF001
    line.basket, line.quantity = basket, pin.quantity
    line.tax_code, line.price_currency = pin.unit.tax_code, pin.currency
    line.clear_discount()
    for discount in pin.discounts:
        offer = offers.get(discount.offer) if discount.offer is not None else None
        line.discount(discount.amount, discount.quantity, incl_tax=discount.incl_tax, offer=offer)
    # A condition consumes pieces that it does not discount; without them Oscar divides by zero in its breakdown.
    line.consume(max(0, pin.consumed - line.discounts.num_consumed()))
    now = (line.line_price_excl_tax_incl_discounts, line.line_price_incl_tax_incl_discounts)
    if now != (pin.line.excl, pin.line.incl):
        raise QuoteUnplaceable(
            f"“{pin.title}” was agreed at {pin.line.incl} {pin.currency} and comes out at {now[1]} now."
        )
    return line


def _purchase_info(pin: QuotedLine, stockrecord: Any, *, classes: PurchaseClasses) -> Any:
    PurchaseInfo, FixedPrice, Available = classes
    price = FixedPrice(pin.currency, pin.unit.excl, tax=pin.unit.incl - pin.unit.excl, tax_code=pin.unit.tax_code)
    return PurchaseInfo(price, Available(), stockrecord)


def _purchase_classes() -> PurchaseClasses:
    # Once for all lines: Oscar looks through its apps each time.
    return (
        get_class("partner.strategy", "PurchaseInfo"),
        get_class("partner.prices", "FixedPrice"),
        get_class("partner.availability", "Available"),
    )


def _applications(quote: Quote, offers: Mapping[int, Any]) -> Any:
    applications = get_class("offer.results", "OfferApplications")()
    vouchers = get_model("voucher", "Voucher").objects.in_bulk(
        [each.voucher for each in quote.applications if each.voucher is not None]
    )
    for each in quote.applications:
        voucher = None
        if each.voucher is not None:
            voucher = vouchers.get(each.voucher) or _GoneVoucher(id=each.voucher, code=each.voucher_code)
        applications.applications[each.offer] = {
            "offer": offers[each.offer],
            "result": _result(each),
            "name": each.name,
            "description": each.description,
            "voucher": voucher,
            "freq": each.frequency,
            "discount": each.discount,
        }
    return applications


def _result(application: QuotedApplication) -> Any:
    names = ["BasketDiscount", "SHIPPING_DISCOUNT", "PostOrderAction"]
    results: list[Any] = get_classes("offer.results", names)
    basket_discount, shipping, post_order = results
    if application.affects == shipping.affects:
        return shipping
    if application.affects == post_order.affects:
        return post_order(application.description)
    return basket_discount(application.discount)
