"""What a payment link sells, as a page shows it, and as the quote that its customer agrees to."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import NotOffered
from oscar_nd8.models import PaymentLink, PaymentSession
from oscar_nd8.money import to_major
from oscar_nd8.shop.quote import Payer, Quote, QuotedLine, QuotedPrice, QuotedShipping

__all__ = ["OfferLine", "adds_tax", "lines_of", "products_known", "quote_of"]

# What a link sells stands in ND8's catalogue; no row of this shop has the key 0.
NO_ROW = 0
# Of so many links, the newest, the products are suggested for a new one.
NEWEST = 100


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One product of a link. Prices are in major units of the link's currency, None where ND8 did not say."""

    product_id: str
    name: str
    quantity: int
    unit: Decimal | None
    total: Decimal | None


def lines_of(link: PaymentLink) -> tuple[OfferLine, ...]:
    """What `link` sells, as ND8 last said."""
    return tuple(_line(each, link.currency) for each in link.lines)


def products_known() -> dict[str, str]:
    """Names by id of what the newest links sell: all that is known here of ND8's catalogue, which cannot be read."""
    links = PaymentLink.objects.order_by("-created_at", "-pk")[:NEWEST]
    return {line.product_id: line.name for link in reversed(links) for line in lines_of(link) if line.product_id}


def quote_of(link: PaymentLink, payer: Payer, *, site: int | None, language: str) -> Quote:
    """What the customer of `link` agrees to: its price, once. Raises NotOffered where ND8 has not said the price.

    Where ND8 adds tax on its page, the total is without it.
    """
    if link.amount is None:
        raise NotOffered(_("The price is not known at the moment, so this cannot be paid here. Please try again soon."))
    price = _price(to_major(link.amount, link.currency))
    free = _price(Decimal(0))
    return Quote(
        currency=link.currency,
        total=price,
        shipping=QuotedShipping(code="", name="", price=free, discount=Decimal(0)),
        surcharges=(),
        shipping_address=None,
        billing_address={
            "first_name": payer.first_name,
            "last_name": payer.last_name,
            "country_id": payer.country,
            "postcode": payer.postal_code,
        },
        email=payer.email,
        user=None,
        site=site,
        language=language,
        lines=_quoted_lines(link),
        applications=(),
        vouchers=(),
        order_kwargs={},
    )


def adds_tax(session: PaymentSession) -> bool:
    """Whether ND8 charges more than it was asked for: by the rule of the link, else by that of the account."""
    if session.link is not None and session.link.tax_included is not None:
        return not session.link.tax_included
    return get_settings().PRICE_MODE == "HT"


def _line(line: Mapping[str, Any], currency: str) -> OfferLine:
    quantity, amount = line["quantity"], line["unit_amount"]
    unit = None if amount is None else to_major(amount, currency)
    return OfferLine(
        product_id=line["product_id"],
        name=line["name"],
        quantity=quantity,
        unit=unit,
        total=None if unit is None else unit * quantity,
    )


def _quoted_lines(link: PaymentLink) -> tuple[QuotedLine, ...]:
    """None where ND8 did not price each of them: then the total stands alone."""
    lines = lines_of(link)
    if any(line.unit is None for line in lines):
        return ()
    return tuple(_quoted(number, line, link.currency) for number, line in enumerate(lines, start=1))


def _quoted(number: int, line: OfferLine, currency: str) -> QuotedLine:
    return QuotedLine(
        id=number,
        reference=line.product_id,
        product=NO_ROW,
        stockrecord=NO_ROW,
        partner=NO_ROW,
        partner_name="",
        partner_sku=line.product_id,
        title=line.name,
        upc=None,
        quantity=line.quantity,
        track_stock=False,
        currency=currency,
        unit=_price(line.unit or Decimal(0)),
        line=_price(line.total or Decimal(0)),
        consumed=0,
        discounts=(),
        attributes=(),
    )


def _price(amount: Decimal) -> QuotedPrice:
    return QuotedPrice(excl=amount, incl=amount)
