"""Hosted sessions: what a shop or a payment link's customer may ask for, and the session that comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from . import money
from .outcomes import SIMULATED
from .problems import invalid
from .reading import Fields, as_received, parse_object
from .records import Checkout, Environment, Item, Organization, PaymentLink
from .world import CATALOGUE, World

CURRENCIES = frozenset({"USD", "EUR"})


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid: `adds_tax` says that the items' prices are without it."""

    items: tuple[Item, ...]
    currency: str
    adds_tax: bool
    simulate: str | None = None
    link: PaymentLink | None = None


def open_checkout(world: World, raw: bytes, *, environment: Environment, base_url: str) -> Checkout:
    """createPayment: check the request and keep a session for it, whose page is below `base_url`."""
    fields = Fields(parse_object(raw))
    check_customer(fields)
    order = Order(
        items=_items(fields, world.organization),
        currency=fields.choice("currency", CURRENCIES) if "currency" in fields else "USD",
        adds_tax=world.organization.price_mode == "HT",
        simulate=_simulation(fields, environment),
    )
    return keep(world, order, fields, raw, environment=environment, base_url=base_url)


def keep(
    world: World, order: Order, fields: Fields, raw: bytes, *, environment: Environment, base_url: str
) -> Checkout:
    """Open a session for an order whose customer was checked, within the organization's limits."""
    subtotal = money.sum_of(order.items)
    tax = money.tax_on(subtotal, world.organization) if order.adds_tax else Decimal(0)
    _check_limits(subtotal + tax, order.currency, world.organization)
    now = world.clock()
    expires_at = int((now + timedelta(seconds=world.organization.session_lifetime)).timestamp())
    checkout_id = world.ids.public("ord_", 20)
    token = world.ids.session_token(checkout_id, expires_at)
    checkout = Checkout(
        checkout_id=checkout_id,
        token=token,
        url=f"{base_url}pay/{token}/",
        environment=environment,
        items=order.items,
        tax=tax,
        total=subtotal + tax,
        currency=order.currency,
        payer_email=fields.email("billing_email"),
        success_url=fields.url("successUrl"),
        failed_url=fields.url("failedUrl"),
        cancel_url=fields.url("cancelUrl"),
        simulate=order.simulate,
        request=as_received(raw),
        created_at=now,
        expires_at=expires_at,
        link=order.link,
    )
    world.checkouts.add(checkout, checkout_id, token)
    return checkout


def check_customer(fields: Fields) -> None:
    """Refuse a payer, or a way back, that ND8 would refuse."""
    country = fields.text("billing_country")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise invalid("billing_country must be a country code of two letters.")
    fields.text("billing_first_name", longest=100)
    fields.text("billing_last_name", longest=100)
    fields.email("billing_email")
    fields.optional_text("billing_phone")
    if not fields.optional_text("billing_postal_code") and country.upper() == "US":
        raise invalid("billing_postal_code is required when billing_country is US.")
    for name in ("successUrl", "failedUrl", "cancelUrl"):
        fields.url(name)


def products_of(fields: Fields) -> Sequence[object]:
    """The list of products, at least one."""
    products = fields.array("products") if "products" in fields else None
    if not products:
        raise invalid("products is required and may not be empty.")
    return products


def product_fields(product: object, number: int) -> Fields:
    """One product of the list; its sentences name its place."""
    where = f"Product {number}: "
    if not isinstance(product, dict):
        raise invalid(f"{where}must be an object.")
    return Fields(product, where)


def from_catalogue(fields: Fields, name: str) -> Item:
    """The catalogue's product whose id stands in the field `name`, as often as `quantity` says."""
    known = CATALOGUE.get(fields.text(name))
    if known is None:
        raise invalid(f"{fields.where}no product of the catalogue has this id.")
    return Item(known.name, known.unit_price, fields.whole("quantity", least=1, default=1), known.product_id)


def _items(fields: Fields, organization: Organization) -> tuple[Item, ...]:
    return tuple(
        _item(product_fields(product, number), organization)
        for number, product in enumerate(products_of(fields), start=1)
    )


def _item(fields: Fields, organization: Organization) -> Item:
    if ("id" in fields) == ("name" in fields or "unit_price" in fields):
        raise invalid(f"{fields.where}give exactly one of id, or name and unit_price.")
    quantity = fields.whole("quantity", least=1, default=1)
    if "id" in fields:
        return from_catalogue(fields, "id")
    if not organization.ad_hoc_products:
        raise invalid(f"{fields.where}this organization sells products of its catalogue only.")
    return Item(fields.text("name"), _unit_price(fields), quantity)


def _unit_price(fields: Fields) -> Decimal:
    price = fields.number("unit_price")
    if price <= 0:
        raise invalid(f"{fields.where}unit_price must be greater than 0.")
    if price > money.HIGHEST:
        raise invalid(f"{fields.where}unit_price is too high.")
    if not money.has_whole_cents(price):
        raise invalid(f"{fields.where}unit_price may have at most 2 decimal places.")
    return price


def _simulation(fields: Fields, environment: Environment) -> str | None:
    if "sandbox_simulate" not in fields:
        return None
    if environment == "production":
        raise invalid("sandbox_simulate is accepted from sandbox API keys only.")
    return fields.choice("sandbox_simulate", SIMULATED)


def _check_limits(total: Decimal, currency: str, organization: Organization) -> None:
    if total < organization.min_payment:
        raise invalid(f"The payment must be at least {money.text(organization.min_payment)} {currency}.")
    if total > organization.max_payment:
        raise invalid(f"The payment must be at most {money.text(organization.max_payment)} {currency}.")
