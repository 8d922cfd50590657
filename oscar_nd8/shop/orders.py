"""Writing the order exactly as quoted, by the shop's own OrderCreator, whatever changed since.

Prices, discounts and titles are pinned to the quote: Oscar asks basket lines and offers, and they answer from it.
A line whose product or stock record is gone is written from the quote alone.
"""

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sites.models import Site
from django.db import IntegrityError, transaction
from django.db.models import F
from oscar.core.loading import get_class, get_classes, get_model
from oscar.core.prices import Price

from oscar_nd8.exceptions import ND8Error, QuoteUnplaceable
from oscar_nd8.shop.quote import Address, Quote, QuotedApplication, QuotedLine, QuotedPrice, QuotedShipping

__all__ = ["AlreadyClaimed", "next_order_number", "oversold_products", "place"]

logger = logging.getLogger("oscar_nd8")


class AlreadyClaimed(ND8Error):
    """Somebody else placed, or is placing, this order."""


def next_order_number(basket: Any) -> Any:
    """The shop's own order number for `basket`; unique for each attempt, because each has its own copy."""
    return get_class("order.utils", "OrderNumberGenerator")().order_number(basket)


def place(
    quote: Quote,
    *,
    basket_id: int | None,
    order_number: str,
    claim: Callable[[], bool],
    record: Callable[[Any], None],
) -> Any:
    """The order, written in Oscar's own transaction.

    `claim` runs as the transaction's first statement and says whether the order is ours to write (AlreadyClaimed
    if not); `record(order)` runs in the same transaction. Raises QuoteUnplaceable when the database cannot hold
    what was agreed. Never call it in an outer transaction: Oscar's receivers swallow an IntegrityError there.
    """
    user = _user(quote)
    basket = _pinned_basket(quote, basket_id=basket_id, user=user)
    creator = _creator(quote, claim=claim, record=record)
    arguments = {
        "basket": basket,
        "total": _price(quote.total, quote.currency),
        "user": user,
        "order_number": order_number,
        "shipping_method": _PinnedShipping(quote.shipping, quote.currency),
        "shipping_charge": _price(quote.shipping.price, quote.currency),
        "shipping_address": _address("ShippingAddress", quote.shipping_address),
        "billing_address": _address("BillingAddress", quote.billing_address),
        "status": get_class("checkout.mixins", "OrderPlacementMixin")().get_initial_order_status(basket),
        "surcharges": [_surcharge(each, quote.currency) for each in quote.surcharges] or None,
        "site": _site(quote),
        **quote.order_kwargs,
        **({} if user.is_authenticated else {"guest_email": quote.email}),
    }
    try:
        return creator.place_order(**arguments)
    except Exception:
        # `order_placed` is sent after the commit: what a receiver raises does not undo the order.
        order = get_model("order", "Order").objects.filter(number=order_number).first()
        if order is None:
            raise
        if creator.nd8_order is None:
            raise AlreadyClaimed(f"Order {order_number} exists already.") from None
        logger.exception("Order %s is placed; a receiver of order_placed failed", order_number)
        return order


def oversold_products(quote: Quote) -> list[str]:
    """Titles of the quote's products of which more is allocated than in stock."""
    tracked = {line.stockrecord: line.title for line in quote.lines if line.track_stock}
    short = (
        get_model("partner", "StockRecord")
        .objects.filter(pk__in=tracked, num_allocated__gt=F("num_in_stock"))
        .values_list("pk", flat=True)
    )
    return [tracked[pk] for pk in short]


def _user(quote: Quote) -> Any:
    # An account deleted while its owner paid: the order is a guest's, under the same e-mail.
    user = get_user_model().objects.filter(pk=quote.user).first() if quote.user is not None else None
    return user or AnonymousUser()


def _site(quote: Quote) -> Site | None:
    own = Site.objects.filter(pk=quote.site).first() if quote.site is not None else None
    return own or Site.objects.first()


def _price(price: QuotedPrice, currency: str) -> Any:
    return Price(currency=currency, excl_tax=price.excl, incl_tax=price.incl, tax_code=price.tax_code)


def _surcharge(surcharge: Any, currency: str) -> Any:
    return SimpleNamespace(
        surcharge=SimpleNamespace(code=surcharge.code, name=surcharge.name),
        price=_price(surcharge.price, currency),
    )


def _address(model: str, data: Address | None) -> Any:
    if data is None:
        return None
    country = data.get("country_id")
    if country is not None and not get_model("address", "Country").objects.filter(pk=country).exists():
        raise QuoteUnplaceable(f"the country {country} of an address is no longer in the shop.")
    return get_model("order", model)(**data)


class _PinnedShipping:
    """Stands in for the shipping method, which may have changed its price or be gone."""

    def __init__(self, shipping: QuotedShipping, currency: str) -> None:
        self.code, self.name = shipping.code, shipping.name
        self._shipping, self._currency = shipping, currency

    def calculate(self, basket: Any) -> Any:
        """The charge as quoted."""
        return _price(self._shipping.price, self._currency)

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


def _pinned_basket(quote: Quote, *, basket_id: int | None, user: Any) -> Any:
    Basket = get_model("basket", "Basket")
    basket = Basket.objects.filter(pk=basket_id).first() if basket_id is not None else None
    if basket is None:
        # It was deleted with the shopper's account; an order does with an empty one.
        basket = Basket.objects.create(status=Basket.FROZEN)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy(user=user if user.is_authenticated else None)
    offers = _offers(quote)
    live = {line.line_reference: line for line in _live_lines(basket)}
    basket._lines = _PinnedLines(  # noqa: SLF001  # Oscar's own cache: what stands there is not read again
        _pinned_line(pin, live.get(pin.reference), basket=basket, offers=offers) for pin in quote.lines
    )
    basket.offer_applications = _applications(quote, offers)
    return basket


def _live_lines(basket: Any) -> Any:
    return basket.lines.select_related(
        "stockrecord__partner", "product__product_class", "product__parent__product_class"
    ).prefetch_related("attributes__option")


def _offers(quote: Quote) -> dict[int, Any]:
    offers = dict(
        get_model("offer", "ConditionalOffer")
        .objects.select_related("benefit", "condition")
        .in_bulk([each.offer for each in quote.applications])
    )
    for application in quote.applications:
        offers.setdefault(application.offer, _GoneOffer(application))
    return offers


def _pinned_line(pin: QuotedLine, line: Any, *, basket: Any, offers: Mapping[int, Any]) -> Any:
    if line is None:
        Line = get_model("basket", "Line")
        line = Line(basket=basket, line_reference=pin.reference, stockrecord_id=pin.stockrecord)
    line.nd8_pin = pin
    line.nd8_gone = line.pk is None
    # Line.purchase_info's own cache: no strategy and no stock record is asked again.
    line._info = _purchase_info(pin, None if line.nd8_gone else line.stockrecord)  # noqa: SLF001
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


def _purchase_info(pin: QuotedLine, stockrecord: Any) -> Any:
    PurchaseInfo = get_class("partner.strategy", "PurchaseInfo")
    price = get_class("partner.prices", "FixedPrice")(
        pin.currency, pin.unit.excl, tax=pin.unit.incl - pin.unit.excl, tax_code=pin.unit.tax_code
    )
    return PurchaseInfo(price, get_class("partner.availability", "Available")(), stockrecord)


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


def _creator(quote: Quote, *, claim: Callable[[], bool], record: Callable[[Any], None]) -> Any:
    """The shop's OrderCreator with the claim in front and the quote's own words on each line."""
    Creator = get_class("order.utils", "OrderCreator")

    class QuotedOrderCreator(Creator):
        nd8_order: Any = None

        def create_order_model(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> Any:
            # Oscar calls this first in its transaction, so everything that follows commits with the order.
            if not claim():
                raise AlreadyClaimed("Another process claimed this session.")
            shipping_address, _method, _charge, billing_address = args[:4]
            _save_addresses(user, shipping_address, billing_address)
            order = super().create_order_model(user, basket, *args, **kwargs)
            _use_vouchers(quote, basket, order=order, user=user)
            basket.submit()
            record(order)
            self.nd8_order = order
            return order

        def create_line_models(self, order: Any, basket_line: Any, extra_line_fields: Any = None) -> Any:
            if basket_line.nd8_gone:
                return _write_gone_line(self, order, basket_line)
            pin: QuotedLine = basket_line.nd8_pin
            fields = {"title": pin.title, "upc": pin.upc, "partner_sku": pin.partner_sku}
            fields["partner_name"] = pin.partner_name
            return super().create_line_models(order, basket_line, {**fields, **(extra_line_fields or {})})

        def update_stock_records(self, line: Any) -> None:
            if not line.nd8_gone:
                super().update_stock_records(line)
                return
            stockrecord = _stockrecord(line.nd8_pin)
            if stockrecord is not None and line.nd8_pin.track_stock:
                stockrecord.allocate(line.quantity)

    return QuotedOrderCreator()


def _save_addresses(user: Any, *addresses: Any) -> None:
    placer = get_class("checkout.mixins", "OrderPlacementMixin")()
    for address in filter(None, addresses):
        address.save()
        if user.is_authenticated:
            try:
                with transaction.atomic():
                    placer.update_address_book(user, address)
            except IntegrityError:
                # Two orders of one shopper at the same moment; the address book is not worth an order.
                logger.info("The address book of user %s was being written elsewhere", user.pk)


def _use_vouchers(quote: Quote, basket: Any, *, order: Any, user: Any) -> None:
    """Count the quote's vouchers as used. Oscar would refuse one that was used up or ended while the shopper paid."""
    basket.vouchers.clear()
    Voucher = get_model("voucher", "Voucher")
    vouchers = {
        each.pk: each for each in Voucher.objects.select_for_update().filter(pk__in=quote.vouchers).order_by("pk")
    }
    for application in basket.offer_applications:
        # Oscar saves the whole row for each counter: only one copy of it may be in play.
        if application["voucher"] is not None and application["voucher"].id in vouchers:
            application["voucher"] = vouchers[application["voucher"].id]
    for voucher in vouchers.values():
        voucher.record_usage(order, user)


def _stockrecord(pin: QuotedLine) -> Any:
    return get_model("partner", "StockRecord").objects.filter(pk=pin.stockrecord).first()


def _write_gone_line(creator: Any, order: Any, basket_line: Any) -> Any:
    """An order line for a product or stock record that was deleted while the shopper paid."""
    pin: QuotedLine = basket_line.nd8_pin
    line = order.lines.create(
        partner=get_model("partner", "Partner").objects.filter(pk=pin.partner).first(),
        partner_name=pin.partner_name,
        partner_sku=pin.partner_sku,
        stockrecord=_stockrecord(pin),
        product=get_model("catalogue", "Product").objects.filter(pk=pin.product).first(),
        title=pin.title,
        upc=pin.upc,
        quantity=pin.quantity,
        line_price_excl_tax=pin.line.excl,
        line_price_incl_tax=pin.line.incl,
        line_price_before_discounts_excl_tax=basket_line.line_price_excl_tax,
        line_price_before_discounts_incl_tax=basket_line.line_price_incl_tax,
        unit_price_excl_tax=pin.unit.excl,
        unit_price_incl_tax=pin.unit.incl,
        tax_code=pin.unit.tax_code,
        num_allocated=pin.quantity,
    )
    creator.create_line_price_models(order, line, basket_line)
    creator.create_line_discount_models(order, line, basket_line)
    options = get_model("catalogue", "Option").objects.in_bulk([each.option for each in pin.attributes])
    for each in pin.attributes:
        line.attributes.create(option=options.get(each.option), type=each.code, value=each.value)
    return line
