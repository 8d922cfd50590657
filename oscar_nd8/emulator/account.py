"""The merchant's account: its profile, API keys and webhook endpoint, as the merchant's session changes them."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from . import money, refunds, shapes
from .problems import ApiError, invalid, not_found
from .reading import Fields, parse_object, parse_optional_object
from .records import ApiKey, Environment
from .world import World

RECENT = 5  # payments in the dashboard's snapshot
DEFAULT_KEY_NAME = "API key"


def change_profile(world: World, raw: bytes) -> None:
    """Change what can be changed; limits, fees, status and unknown fields are passed over."""
    fields = Fields(parse_optional_object(raw))
    changes = {name: read(fields, name) for name, read in EDITABLE.items() if name in fields}
    world.organization = replace(world.organization, **changes)  # type: ignore[arg-type]  # none but words are editable


def snapshot(world: World, environment: Environment) -> shapes.Shape:
    """What the dashboard opens with: the wallet, counts, and the newest payments."""
    payments = [one for one in world.transactions if one.checkout.environment == environment]
    backs = [one for one in world.refunds if one.transaction.checkout.environment == environment]
    paid = [one for one in payments if one.checkout.is_paid]
    return {
        "wallet": {"balance": money.text(refunds.wallet(world)), "currency": "USD"},
        "stats": {
            "payments": len(payments),
            "paid": len(paid),
            "net_usd": money.text(sum((money.in_usd(one.net, one.currency) for one in paid), Decimal(0))),
            "refunds": len(backs),
            "payment_links": sum(one.environment == environment and not one.is_deleted for one in world.links),
        },
        "recent_payments": [shapes.payment(one) for one in payments[: -RECENT - 1 : -1]],
    }


def create_key(world: World, raw: bytes, environment: Environment) -> ApiKey:
    """Make a key for one prefix; without scopes it may do everything."""
    fields = Fields(parse_optional_object(raw))
    key = ApiKey(
        key_id=world.ids.uuid(),
        name=fields.optional_text("name") or DEFAULT_KEY_NAME,
        raw_key=_new_raw_key(world, environment),
        scopes=_scopes(fields),
        environments=frozenset({environment}),
        created_at=world.clock(),
    )
    world.credentials.add(key)
    return key


def rotate_key(world: World, environment: Environment) -> ApiKey:
    """Replace the newest key that opens this prefix; the old characters open nothing from now on."""
    keys = world.credentials.of(environment)
    if not keys:
        raise ApiError(404, "There is no API key to rotate.")
    return world.credentials.rotate(keys[0], raw_key=_new_raw_key(world, environment), at=world.clock())


def revoke_key(world: World, key_id: str, environment: Environment) -> ApiKey:
    """End a key at once."""
    for key in world.credentials.of(environment):
        if key.key_id == key_id:
            world.credentials.drop(key.raw_key)
            return key
    raise not_found("API key")


def change_webhook(world: World, raw: bytes) -> str:
    """Send webhooks elsewhere from now on, signed with a new secret; the secret."""
    url = Fields(parse_object(raw)).url("endpoint_url")
    if url is None:
        raise invalid("endpoint_url is required.")
    secret = world.ids.secret("whsec_")
    world.organization = replace(world.organization, webhook_url=url, webhook_secret=secret)
    return secret


def _new_raw_key(world: World, environment: Environment) -> str:
    return world.ids.secret("sk_test_" if environment == "sandbox" else "sk_live_")


def _scopes(fields: Fields) -> frozenset[str]:
    """ND8 documents a string and not how it parts its words, so commas and blanks both do; any word is accepted."""
    return frozenset(re.split(r"[,\s]+", fields.optional_text("allowed_scopes") or "")) - {""}


def _website(fields: Fields, name: str) -> str:
    return "" if fields.values[name] == "" else fields.url(name) or ""


def _contact_email(fields: Fields, name: str) -> str:
    return "" if fields.values[name] == "" else fields.email(name)


def _telegram(fields: Fields, name: str) -> str:
    return fields.optional_text(name) or ""


def _name(fields: Fields, name: str) -> str:
    return fields.text(name)


def _price_mode(fields: Fields, name: str) -> str:
    return fields.choice(name, {"TTC", "HT"})


EDITABLE: dict[str, Callable[[Fields, str], str]] = {
    "name": _name,
    "website": _website,
    "contact_email": _contact_email,
    "telegram": _telegram,
    "price_mode": _price_mode,
}
