"""What a control call can make different from now on: deliveries, faults, keys and the merchant's account."""

from dataclasses import fields as fields_of
from dataclasses import replace
from decimal import Decimal

from .access import ENVIRONMENTS, SCOPES
from .courier import Mode
from .faults import KINDS, SECONDS, Fault
from .forms import EMPTIED
from .operations import OPERATIONS
from .problems import invalid
from .reading import Fields
from .records import ApiKey, Organization
from .shapes import Shape
from .world import World

MODE_FIELDS = frozenset(field.name for field in fields_of(Mode))
ACCOUNT_FIELDS = {field.name: field.type for field in fields_of(Organization)}


def set_delivery_mode(world: World, fields: Fields) -> Shape:
    """How webhooks go out from now on; what is not given is normal."""
    fields.refuse_others_than(MODE_FIELDS)
    world.courier.mode = Mode(
        copies=fields.whole("copies", least=1, default=1),
        delay=fields.seconds("delay", default=0),
        drop=fields.flag("drop", default=False),
        shuffle=fields.flag("shuffle", default=False),
        bad_signature=fields.flag("bad_signature", default=False),
        retry_delays=_retry_delays(fields) if "retry_delays" in fields else world.setup.retry_delays,
    )
    return {"deliveries": "changed"}


def add_fault(world: World, fields: Fields) -> Shape:
    """Let the next calls of an operation go wrong; `times` 0 ends what goes wrong with it."""
    fields.refuse_others_than({"operation", "kind", "times", "seconds"})
    kind = fields.choice("kind", KINDS)
    fault = Fault(
        operation=fields.choice("operation", [operation.name for operation in OPERATIONS]),
        kind=kind,
        times=fields.whole("times", least=0, default=1),
        seconds=fields.seconds("seconds", default=SECONDS.get(kind, 0)),
    )
    if fault.times:
        world.faults.add(fault)
    else:
        world.faults.end(fault.operation)
    return {"faults": len(world.faults.waiting)}


def change_keys(world: World, fields: Fields) -> Shape:
    """Add an API key, replace one, or revoke it."""
    fields.refuse_others_than({"key", "scopes", "environment", "revoked"})
    key = fields.text("key")
    if fields.flag("revoked", default=False):
        world.credentials.drop(key)
        return {"key": key, "revoked": True}
    scopes = fields.array("scopes") if "scopes" in fields else []
    known = frozenset(scope for scope in SCOPES if scope in scopes)
    if len(known) != len(scopes):
        raise invalid(f"scopes may hold each of {', '.join(sorted(SCOPES))} once.")
    chosen = fields.choice("environment", ENVIRONMENTS) if "environment" in fields else None
    environments = frozenset(one for one in ENVIRONMENTS if chosen in {one, None})
    world.credentials.add(ApiKey(world.ids.uuid(), "Key of a control call", key, known, environments, world.clock()))
    return {"key": key, "scopes": sorted(known), "environments": sorted(environments)}


def change_organization(world: World, fields: Fields) -> Shape:
    """Change the merchant's account; what is not given stays."""
    fields.refuse_others_than(ACCOUNT_FIELDS)
    changes = {name: _account_value(fields, name) for name in fields.values}
    world.organization = replace(world.organization, **changes)  # type: ignore[arg-type]  # each by its own type
    return {"changed": sorted(changes)}


def _account_value(fields: Fields, name: str) -> object:
    if name == "price_mode":
        return fields.choice(name, {"TTC", "HT"})
    if name in EMPTIED and fields.values[name] == "":
        return ""
    if name in {"webhook_url", "website"}:
        return fields.url(name)
    if name == "contact_email":
        return fields.email(name)
    match ACCOUNT_FIELDS[name]:
        case kind if kind is bool:
            return fields.flag(name, default=False)
        case kind if kind is int:
            return fields.whole(name, least=1, default=1)
        case kind if kind is Decimal:
            return _amount(fields, name)
        case _:
            return fields.text(name)


def _amount(fields: Fields, name: str) -> Decimal:
    amount = fields.decimal(name)
    if amount < 0:
        raise invalid(f"{name} may not be negative.")
    return amount


def _retry_delays(fields: Fields) -> tuple[float, ...]:
    pauses = fields.array("retry_delays")
    return tuple(Fields({"retry_delays": pause}).seconds("retry_delays", default=0) for pause in pauses)
