"""What the shopper agreed to, taken once at the moment of redirect and never changed after."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.contrib.sites.shortcuts import get_current_site
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from oscar.core.loading import get_model
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from oscar_nd8.exceptions import NotOffered
from oscar_nd8.lines import Part
from oscar_nd8.money import exponent, round_to_minor
from oscar_nd8.prepared import rows_of
from oscar_nd8.shop.prefetch import read_classes, read_partners

__all__ = [
    "Address",
    "Payer",
    "Quote",
    "QuotedApplication",
    "QuotedAttribute",
    "QuotedDiscount",
    "QuotedLine",
    "QuotedPrice",
    "QuotedShipping",
    "QuotedSurcharge",
    "fingerprint",
    "minor_total",
    "parts_of",
    "payer_of",
    "take_quote",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Payer:
    """Whom the provider bills. `country` is ISO 3166-1 alpha-2."""

    first_name: str
    last_name: str
    email: str
    country: str
    postal_code: str


class QuotedPrice(_Frozen):
    """Major units of the quote's currency, as Oscar computed them: not rounded where Oscar does not round."""

    excl: Decimal
    incl: Decimal
    tax_code: str | None = None


class QuotedShipping(_Frozen):
    """The shipping method as chosen; `discount` is what a shipping offer took off (tax as the method counts)."""

    code: str
    name: str
    price: QuotedPrice
    discount: Decimal


class QuotedSurcharge(_Frozen):
    """A surcharge, or a rebate where the price is negative."""

    code: str
    name: str
    price: QuotedPrice


class QuotedDiscount(_Frozen):
    """One discount on a line, as `basket.Line.discount()` recorded it."""

    amount: Decimal
    quantity: int
    incl_tax: bool
    offer: int | None


class QuotedAttribute(_Frozen):
    """An option's value on a line (engraving, size)."""

    option: int
    code: str
    value: JsonValue


class QuotedLine(_Frozen):
    """A basket line with everything that placing needs, should product or stock record be gone by then."""

    id: int
    reference: str
    product: int
    stockrecord: int
    partner: int
    partner_name: str
    partner_sku: str
    title: str
    upc: str | None
    quantity: int
    track_stock: bool
    currency: str
    unit: QuotedPrice
    line: QuotedPrice
    consumed: int
    discounts: tuple[QuotedDiscount, ...]
    attributes: tuple[QuotedAttribute, ...]


class QuotedApplication(_Frozen):
    """One offer's part in the order, as `basket.offer_applications` held it."""

    offer: int
    name: str
    description: str | None
    frequency: int
    discount: Decimal
    affects: int
    voucher: int | None
    voucher_code: str | None


Address = dict[str, JsonValue]


class Quote(_Frozen):
    """The whole agreement. `total` is rounded half-up to the currency's minor unit; it is what is charged."""

    currency: str
    total: QuotedPrice
    shipping: QuotedShipping
    surcharges: tuple[QuotedSurcharge, ...]
    shipping_address: Address | None
    billing_address: Address | None
    email: str
    user: int | None
    site: int | None
    language: str
    lines: tuple[QuotedLine, ...]
    applications: tuple[QuotedApplication, ...]
    vouchers: tuple[int, ...]
    order_kwargs: dict[str, JsonValue]


def take_quote(submission: Mapping[str, Any], *, request: HttpRequest) -> Quote:
    """The submission of Oscar's `build_submission()` as a quote.

    Raises NotOffered when the order's total or tax is not known, or when `order_kwargs` cannot be kept until
    the payment comes back.
    """
    basket, total = submission["basket"], submission["order_total"]
    if total is None or not total.is_tax_known or not basket.is_tax_known:
        raise NotOffered(_("The total of your order is not known yet. Please choose a shipping method first."))
    lines = list(basket.all_lines())
    if {line.price_currency for line in lines} != {total.currency}:
        # Oscar adds up whatever lines it finds, and merging a saved basket can bring in another currency.
        raise NotOffered(
            _("Your basket holds prices in more than one currency, which cannot be paid together. Please remove some.")
        )
    # Whatever the number of lines: one query for each relation that a quoted line names.
    prefetch_related_objects(lines, "attributes__option")
    read_classes(lines)
    read_partners(lines)
    user = submission["user"]
    order_kwargs = submission.get("order_kwargs") or {}
    email = user.email if user.is_authenticated else order_kwargs.get("guest_email")
    try:
        return Quote(
            currency=total.currency,
            total=_rounded(total),
            shipping=_shipping(submission, basket),
            surcharges=tuple(_surcharge(each) for each in submission.get("surcharges") or ()),
            shipping_address=_address(submission["shipping_address"]),
            billing_address=_address(submission["billing_address"]),
            email=email or "",
            user=user.pk if user.is_authenticated else None,
            site=getattr(get_current_site(request), "pk", None),
            language=get_language() or "",
            lines=tuple(_line(line) for line in lines),
            applications=tuple(_application(each) for each in basket.offer_applications),
            vouchers=_vouchers(basket),
            order_kwargs=order_kwargs,
        )
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) for item in error.errors(include_input=False))
        raise NotOffered(
            _("This order cannot be paid by ND8: %(fields)s cannot be kept until the payment is made.")
            % {"fields": fields}
        ) from error


def fingerprint(quote: Quote) -> str:
    """Equal exactly for quotes that agree in everything that matters: prices, lines, addresses, shopper."""
    canonical = json.dumps(quote.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def parts_of(quote: Quote, *, with_tax: bool) -> list[Part]:
    """What the total is made of, in exact major units: lines after discounts, shipping, surcharges."""

    def amount(price: QuotedPrice) -> Decimal:
        return price.incl if with_tax else price.excl

    lines = [Part(line.title, line.quantity, amount(line.line)) for line in quote.lines]
    rest: Iterable[QuotedShipping | QuotedSurcharge] = (quote.shipping, *quote.surcharges)
    return lines + [Part(each.name, 1, amount(each.price)) for each in rest]


def minor_total(quote: Quote, *, with_tax: bool) -> int:
    """What ND8 is asked to charge, in minor units of the quote's currency."""
    return round_to_minor(quote.total.incl if with_tax else quote.total.excl, quote.currency)


def payer_of(quote: Quote) -> Payer | None:
    """Who pays: the billing address, else the shipping address; None where the shopper gave neither."""
    address = quote.billing_address or quote.shipping_address
    if not address or not address.get("country_id"):
        return None
    first, last = str(address.get("first_name") or "").strip(), str(address.get("last_name") or "").strip()
    return Payer(
        # Oscar asks for a last name only, ND8 for both.
        first_name=first or last,
        last_name=last or first,
        email=quote.email,
        country=str(address["country_id"]),
        postal_code=str(address.get("postcode") or ""),
    )


def _vouchers(basket: Any) -> tuple[int, ...]:
    return tuple(sorted(key for (key,) in rows_of(_vouchers_of, basket_id=basket.pk)))


def _vouchers_of(basket_id: object) -> QuerySet[Any, tuple[Any, ...]]:
    # Their keys stand beside the basket's: the vouchers themselves, in their order, take longer.
    through: Any = get_model("basket", "Basket").vouchers.through
    vouchers: QuerySet[Any, tuple[Any, ...]] = through.objects.filter(basket_id=basket_id).values_list("voucher_id")
    return vouchers


def _rounded(total: Any) -> QuotedPrice:
    # SQLite stores a tie half-even and PostgreSQL half-up, so the total is rounded before either sees it.
    unit = Decimal(1).scaleb(-exponent(total.currency))
    return QuotedPrice(
        excl=total.excl_tax.quantize(unit, ROUND_HALF_UP), incl=total.incl_tax.quantize(unit, ROUND_HALF_UP)
    )


def _price(price: Any) -> QuotedPrice:
    return QuotedPrice(excl=price.excl_tax, incl=price.incl_tax, tax_code=price.tax_code)


def _shipping(submission: Mapping[str, Any], basket: Any) -> QuotedShipping:
    method = submission["shipping_method"]
    return QuotedShipping(
        code=method.code,
        name=str(method.name),
        price=_price(submission["shipping_charge"]),
        discount=method.discount(basket),
    )


def _surcharge(applied: Any) -> QuotedSurcharge:
    return QuotedSurcharge(code=applied.surcharge.code, name=str(applied.surcharge.name), price=_price(applied.price))


def _address(address: Any) -> Address | None:
    if address is None:
        return None
    values = {
        field.attname: field.value_from_object(address)
        for field in address._meta.concrete_fields  # noqa: SLF001  # Django's documented model API
        if not field.primary_key and field.name != "search_text"
    }
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> JsonValue:
    # Phone numbers are objects; a forked address may hold dates or decimals, which Django reads back from text.
    return value if isinstance(value, str | int | bool | None) else str(value)


def _line(line: Any) -> QuotedLine:
    stockrecord, product = line.stockrecord, line.product
    return QuotedLine(
        id=line.pk,
        reference=line.line_reference,
        product=product.pk,
        stockrecord=stockrecord.pk,
        partner=stockrecord.partner_id,
        partner_name=stockrecord.partner.name,
        partner_sku=stockrecord.partner_sku,
        title=product.get_title(),
        upc=product.upc,
        quantity=line.quantity,
        track_stock=product.get_product_class().track_stock,
        currency=line.price_currency,
        unit=QuotedPrice(excl=line.unit_price_excl_tax, incl=line.unit_price_incl_tax, tax_code=line.tax_code or None),
        line=QuotedPrice(excl=line.line_price_excl_tax_incl_discounts, incl=line.line_price_incl_tax_incl_discounts),
        consumed=int(line.discounts.num_consumed()),
        discounts=tuple(
            QuotedDiscount(
                amount=each.amount,
                quantity=int(each.quantity),
                incl_tax=each.incl_tax,
                offer=each.offer.pk if each.offer else None,
            )
            for each in line.discounts
        ),
        attributes=tuple(
            QuotedAttribute(option=each.option_id, code=each.option.code, value=each.value)
            for each in line.attributes.all()
        ),
    )


def _application(application: Mapping[str, Any]) -> QuotedApplication:
    voucher, description = application["voucher"], application["description"]
    return QuotedApplication(
        offer=application["offer"].pk,
        name=str(application["name"]),
        description=None if description is None else str(description),
        frequency=application["freq"],
        discount=application["discount"],
        affects=application["result"].affects,
        voucher=voucher.pk if voucher else None,
        voucher_code=voucher.code if voucher else None,
    )
