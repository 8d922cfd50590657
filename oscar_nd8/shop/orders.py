"""Writing the order exactly as quoted, by the shop's own OrderCreator, whatever changed since.

A line whose product or stock record is gone is written from the quote alone.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sites.models import Site
from django.db import IntegrityError
from django.db.models import F, Prefetch, Q, prefetch_related_objects
from oscar.core.loading import get_class, get_model

from oscar_nd8.exceptions import ND8Error, QuoteUnplaceable
from oscar_nd8.shop.pinned import PinnedShipping, pinned_basket, price_of
from oscar_nd8.shop.quote import Address, Quote, QuotedLine

__all__ = [
    "AlreadyClaimed",
    "bought_meanwhile",
    "next_order_number",
    "oversold_products",
    "overspent_vouchers",
    "place",
]

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
    basket = pinned_basket(quote, basket_id=basket_id, user=user)
    creator = _creator(quote, claim=claim, record=record)
    countries = _countries(quote)
    arguments = {
        "basket": basket,
        "total": price_of(quote.total, quote.currency),
        "user": user,
        "order_number": order_number,
        "shipping_method": PinnedShipping(quote.shipping, quote.currency),
        "shipping_charge": price_of(quote.shipping.price, quote.currency),
        "shipping_address": _address("ShippingAddress", quote.shipping_address, countries),
        "billing_address": _address("BillingAddress", quote.billing_address, countries),
        "status": get_class("checkout.mixins", "OrderPlacementMixin")().get_initial_order_status(basket),
        "surcharges": [_surcharge(each, quote.currency) for each in quote.surcharges] or None,
        "site": _site(quote),
        **quote.order_kwargs,
        **({} if user.is_authenticated else {"guest_email": quote.email}),
    }
    try:
        order = creator.place_order(**arguments)
        _remember_addresses(user, arguments["shipping_address"], arguments["billing_address"])
    except Exception:  # `order_placed` is sent after the commit: what a receiver raises does not undo the order
        order = get_model("order", "Order").objects.filter(number=order_number).first()
        if order is None:
            raise
        if creator.nd8_order is None:
            raise AlreadyClaimed(f"Order {order_number} exists already.") from None
        logger.exception("Order %s is placed; a receiver of order_placed, or the address book, failed", order_number)
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


def overspent_vouchers(quote: Quote) -> list[str]:
    """Codes of the quote's vouchers that were used more often than they allow: several shoppers paid at once."""
    if not quote.vouchers:
        return []
    Voucher = get_model("voucher", "Voucher")
    codes = []
    for voucher in Voucher.objects.filter(pk__in=quote.vouchers).order_by("pk"):
        used = voucher.applications.all()
        if voucher.usage == Voucher.ONCE_PER_CUSTOMER and quote.user is not None:
            used = used.filter(user_id=quote.user)
        if voucher.usage != Voucher.MULTI_USE and used.count() > 1:
            codes.append(voucher.code)
    return codes


def bought_meanwhile(quote: Quote, *, source_id: int | None, since: datetime) -> Any:
    """The orders placed `since`: of this very basket, or of the same shopper and some of the same goods.

    The shopper's own basket is another one after a login, and other payment methods order it directly.
    """
    theirs = Q(guest_email__iexact=quote.email) if quote.email else Q(pk=None)
    if quote.user is not None:
        theirs |= Q(user_id=quote.user)
    goods = Q(lines__stockrecord__in=[line.stockrecord for line in quote.lines])
    # Lines keep their id when a guest's basket is merged into the customer's.
    basket = Q(basket__lines__in=[line.id for line in quote.lines])
    if source_id is not None:
        basket |= Q(basket_id=source_id)
    orders = get_model("order", "Order").objects.filter(basket | (theirs & goods), date_placed__gt=since)
    return orders.order_by()


def _user(quote: Quote) -> Any:
    # An account deleted while its owner paid: the order is a guest's, under the same e-mail.
    user = get_user_model().objects.filter(pk=quote.user).first() if quote.user is not None else None
    return user or AnonymousUser()


def _site(quote: Quote) -> Site | None:
    if quote.site is not None:
        with suppress(Site.DoesNotExist):
            # Of the site that the process serves Django keeps the row.
            mine = quote.site == getattr(settings, "SITE_ID", None)
            return Site.objects.get_current() if mine else Site.objects.get(pk=quote.site)
    return Site.objects.first()


def _surcharge(surcharge: Any, currency: str) -> Any:
    return SimpleNamespace(
        surcharge=SimpleNamespace(code=surcharge.code, name=surcharge.name),
        price=price_of(surcharge.price, currency),
    )


def _countries(quote: Quote) -> dict[Any, Any]:
    """Those of the quote's addresses, by their codes."""
    addresses = filter(None, (quote.shipping_address, quote.billing_address))
    codes = {address["country_id"] for address in addresses if address.get("country_id") is not None}
    found: dict[Any, Any] = get_model("address", "Country").objects.in_bulk(codes)
    return found


def _address(model: str, data: Address | None, countries: Mapping[Any, Any]) -> Any:
    if data is None:
        return None
    address: Any = get_model("order", model)(**data)
    code = data.get("country_id")
    if code is not None:
        if code not in countries:
            raise QuoteUnplaceable(f"the country {code} of an address is no longer in the shop.")
        address.country = countries[code]
    return address


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
            _save(shipping_address, billing_address)
            order = super().create_order_model(user, basket, *args, **kwargs)
            if user.is_authenticated:
                order.user = user
            _use_vouchers(quote, basket, order=order, user=user)
            basket.submit()
            record(order)
            self.nd8_order = order
            return order

        def create_discount_model(self, order: Any, discount: Any) -> None:
            super().create_discount_model(order, discount)
            # Oscar looks name and code up: a deleted offer has none, a renamed one another.
            offer_id = discount["offer"].id
            code = next((each.voucher_code for each in quote.applications if each.offer == offer_id), None)
            order.discounts.filter(offer_id=offer_id).update(offer_name=discount["name"], voucher_code=code or "")

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


def _save(*addresses: Any) -> None:
    for address in filter(None, addresses):
        address.save()


def _remember_addresses(user: Any, *addresses: Any) -> None:
    """In the shopper's address book, as Oscar does it: outside of the order's transaction, which it is not worth."""
    if not user.is_authenticated:
        return
    placer = get_class("checkout.mixins", "OrderPlacementMixin")()
    for address in filter(None, addresses):
        try:
            placer.update_address_book(user, address)
        except IntegrityError:
            logger.info("The address book of user %s was being written elsewhere", user.pk)


def _use_vouchers(quote: Quote, basket: Any, *, order: Any, user: Any) -> None:
    """Count the quote's vouchers as used. Oscar would refuse one that was used up or ended while the shopper paid."""
    Voucher = get_model("voucher", "Voucher")
    if quote.vouchers:
        basket.vouchers.clear()
    # Oscar looks for them twice more.
    prefetch_related_objects([basket], Prefetch("vouchers", Voucher.objects.none()))
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
        # The project's setting of Oscar's that its own creator reads for every other line.
        status=getattr(settings, "OSCAR_INITIAL_LINE_STATUS", ""),
    )
    creator.create_line_price_models(order, line, basket_line)
    creator.create_line_discount_models(order, line, basket_line)
    options = get_model("catalogue", "Option").objects.in_bulk([each.option for each in pin.attributes])
    for each in pin.attributes:
        line.attributes.create(option=options.get(each.option), type=each.code, value=each.value)
    return line
