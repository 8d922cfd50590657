"""Payment links: what a merchant may offer and change, and what a customer finds at the other end."""

from collections.abc import Callable
from datetime import datetime

from .checkouts import CURRENCIES, Order, check_customer, from_catalogue, keep, product_fields, products_of
from .problems import ApiError, invalid, not_found
from .reading import Fields, parse_object, parse_optional_object, parse_time
from .records import Checkout, Environment, Item, PaymentLink
from .world import World

PRICING_MODES = frozenset({"TAX_INCLUSIVE", "TAX_EXCLUSIVE"})
LONGEST_LIST = 1000


def create(world: World, raw: bytes, *, environment: Environment) -> PaymentLink:
    """Keep a link with a snapshot of the catalogue's products."""
    fields = Fields(parse_object(raw))
    now = world.clock()
    link = PaymentLink(
        link_id=world.ids.uuid(),
        environment=environment,
        name=fields.text("name"),
        items=_items(fields),
        currency=fields.choice("currency", CURRENCIES) if "currency" in fields else "USD",
        pricing_mode=_pricing_mode(world, fields),
        expires_at=_expires_at(fields),
        max_uses=_max_uses(fields),
        metadata=_metadata(fields),
        created_at=now,
        updated_at=now,
    )
    world.links.add(link, link.link_id)
    return link


def change(world: World, link: PaymentLink, raw: bytes) -> None:
    """Change what was sent of the five things that can change; everything else in the body is passed over."""
    fields = Fields(parse_optional_object(raw))
    changes = {name: read(fields) for name, read in CHANGEABLE.items() if name in fields}
    for name, value in changes.items():
        setattr(link, name, value)
    link.updated_at = world.clock()


def delete(world: World, link: PaymentLink) -> None:
    """Take the link from the merchant's sight; its payments stay."""
    link.is_deleted = True
    link.is_active = False
    link.updated_at = world.clock()


def listed(world: World, environment: Environment) -> list[PaymentLink]:
    """The merchant's links, newest first."""
    found = [one for one in world.links if one.environment == environment and not one.is_deleted]
    return found[: -LONGEST_LIST - 1 : -1]


def of_merchant(world: World, link_id: str, environment: Environment) -> PaymentLink:
    """A link that was not deleted."""
    link = _find(world, link_id, environment)
    if link.is_deleted:
        raise not_found("Payment link")
    return link


def on_offer(world: World, link_id: str, environment: Environment) -> PaymentLink:
    """A link that a customer can pay now; 410 says why another cannot be paid any more."""
    link = _find(world, link_id, environment)
    _refuse_gone(world, link)
    return link


def start(world: World, link_id: str, raw: bytes, *, environment: Environment, base_url: str) -> Checkout:
    """Open a session for the link's products; when it is paid, the link was used once more."""
    link = _find(world, link_id, environment)
    fields = Fields(parse_object(raw))
    check_customer(fields)
    if "currency" in fields and fields.choice("currency", CURRENCIES) != link.currency:
        raise invalid(f"This payment link is paid in {link.currency}.")
    _refuse_gone(world, link)
    order = Order(items=link.items, currency=link.currency, adds_tax=link.pricing_mode == "TAX_EXCLUSIVE", link=link)
    checkout = keep(world, order, fields, raw, environment=link.environment, base_url=base_url)
    link.checkouts.append(checkout)
    return checkout


def _find(world: World, link_id: str, environment: Environment) -> PaymentLink:
    link = world.links.find(link_id.lower())
    if link is None or link.environment != environment:
        raise not_found("Payment link")
    return link


def _refuse_gone(world: World, link: PaymentLink) -> None:
    if not link.is_active:
        raise ApiError(410, "This payment link is not active.")
    if link.expires_at is not None and world.clock() >= link.expires_at:
        raise ApiError(410, "This payment link has expired.")
    if link.is_used_up:
        raise ApiError(410, "This payment link has been used up.")


def _items(fields: Fields) -> tuple[Item, ...]:
    return tuple(_item(product_fields(one, number)) for number, one in enumerate(products_of(fields), start=1))


def _item(fields: Fields) -> Item:
    if "quantity" not in fields:
        raise invalid(f"{fields.where}quantity is required.")
    return from_catalogue(fields, "product_id")


def _pricing_mode(world: World, fields: Fields) -> str:
    if "pricing_mode" in fields:
        return fields.choice("pricing_mode", PRICING_MODES)
    return "TAX_INCLUSIVE" if world.organization.price_mode == "TTC" else "TAX_EXCLUSIVE"


def _name(fields: Fields) -> str:
    return fields.text("name")


def _is_active(fields: Fields) -> bool:
    return fields.flag("is_active", default=True)


def _expires_at(fields: Fields) -> datetime | None:
    return None if fields.is_null("expires_at") else parse_time(fields.text("expires_at"), "expires_at")


def _max_uses(fields: Fields) -> int | None:
    return None if fields.is_null("max_uses") else fields.whole("max_uses", least=1, default=1)


def _metadata(fields: Fields) -> dict[str, object] | None:
    return None if fields.is_null("metadata") else fields.mapping("metadata")


CHANGEABLE: dict[str, Callable[[Fields], object]] = {
    "name": _name,
    "is_active": _is_active,
    "expires_at": _expires_at,
    "max_uses": _max_uses,
    "metadata": _metadata,
}
