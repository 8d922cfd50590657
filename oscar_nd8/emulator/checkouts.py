"""createPayment: what a shop may ask for, and the session that comes of it."""

from datetime import timedelta
from decimal import Decimal

from . import money
from .outcomes import SIMULATED
from .problems import invalid
from .reading import Fields, as_received, parse_object
from .records import Checkout, Environment, Item, Organization
from .world import CATALOGUE, World

CURRENCIES = frozenset({"USD", "EUR"})


def open_checkout(world: World, raw: bytes, *, environment: Environment, base_url: str) -> Checkout:
    """Check the request and keep a session for it, whose page is below `base_url`."""
    fields = Fields(parse_object(raw))
    _check_billing(fields)
    items = _items(fields, world.organization)
    currency = fields.choice("currency", CURRENCIES) if "currency" in fields else "USD"
    simulate = _simulation(fields, environment)
    subtotal = money.sum_of(items)
    tax = money.tax_on(subtotal, world.organization)
    _check_limits(subtotal + tax, currency, world.organization)
    now = world.clock()
    expires_at = int((now + timedelta(seconds=world.organization.session_lifetime)).timestamp())
    checkout_id = world.ids.public("ord_", 20)
    token = world.ids.session_token(checkout_id, expires_at)
    checkout = Checkout(
        checkout_id=checkout_id,
        token=token,
        url=f"{base_url}pay/{token}/",
        environment=environment,
        items=items,
        tax=tax,
        total=subtotal + tax,
        currency=currency,
        payer_email=fields.email("billing_email"),
        success_url=fields.url("successUrl"),
        failed_url=fields.url("failedUrl"),
        cancel_url=fields.url("cancelUrl"),
        simulate=simulate,
        request=as_received(raw),
        created_at=now,
        expires_at=expires_at,
    )
    world.checkouts.add(checkout, checkout_id, token)
    return checkout


def _check_billing(fields: Fields) -> None:
    country = fields.text("billing_country")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise invalid("billing_country must be a country code of two letters.")
    fields.text("billing_first_name", longest=100)
    fields.text("billing_last_name", longest=100)
    fields.email("billing_email")
    fields.optional_text("billing_phone")
    if not fields.optional_text("billing_postal_code") and country.upper() == "US":
        raise invalid("billing_postal_code is required when billing_country is US.")


def _items(fields: Fields, organization: Organization) -> tuple[Item, ...]:
    products = fields.array("products") if "products" in fields else None
    if not products:
        raise invalid("products is required and may not be empty.")
    return tuple(_item(one, number, organization) for number, one in enumerate(products, start=1))


def _item(product: object, number: int, organization: Organization) -> Item:
    where = f"Product {number}: "
    if not isinstance(product, dict):
        raise invalid(f"{where}must be an object.")
    fields = Fields(product, where)
    if ("id" in fields) == ("name" in fields or "unit_price" in fields):
        raise invalid(f"{where}give exactly one of id, or name and unit_price.")
    quantity = fields.whole("quantity", least=1, default=1)
    if "id" in fields:
        known = CATALOGUE.get(fields.text("id"))
        if known is None:
            raise invalid(f"{where}no product of the catalogue has this id.")
        return Item(known.name, known.unit_price, quantity, known.product_id)
    if not organization.ad_hoc_products:
        raise invalid(f"{where}this organization sells products of its catalogue only.")
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
