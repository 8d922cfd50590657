"""The emulator's whole state as JSON, for tests and for people who look on."""

from dataclasses import asdict
from decimal import Decimal

from . import money, refunds, shapes
from .courier import Delivery
from .records import ApiKey, Checkout, PaymentLink, Refund, Transaction
from .world import CATALOGUE, World


def describe(world: World) -> shapes.Shape:
    """Everything that happened since the last reset, oldest first."""
    return {
        "organization": _plain(asdict(world.organization)),
        "wallet_balance": money.text(refunds.wallet(world)),
        "catalogue": [
            {"id": name, "name": item.name, "unit_price": money.text(item.unit_price)}
            for name, item in CATALOGUE.items()
        ],
        "checkouts": [_checkout(one) for one in world.checkouts],
        "transactions": [_transaction(one) for one in world.transactions],
        "refunds": [_refund(world, one) for one in world.refunds],
        "payment_links": [_link(one) for one in world.links],
        "api_keys": [_api_key(one) for one in world.credentials],
        "delivery_mode": asdict(world.courier.mode),
        "deliveries": [_delivery(one) for one in world.courier.deliveries],
        "faults": [asdict(one) for one in world.faults.waiting],
        "calls": [
            {
                "operation": one.operation,
                "environment": one.environment,
                "status": one.status,
                "at": shapes.moment(one.at),
            }
            for one in world.calls
        ],
    }


def _checkout(one: Checkout) -> shapes.Shape:
    return shapes.session(one) | {
        "environment": one.environment,
        "request": one.request,
        "currency": one.currency,
        "tax": money.text(one.tax),
        "total": money.text(one.total),
        "created_at": shapes.moment(one.created_at),
        "payment_link": one.link.link_id if one.link else None,
        "transactions": [transaction.public_id for transaction in one.transactions],
    }


def _transaction(one: Transaction) -> shapes.Shape:
    return shapes.payment(one) | {
        "number": one.number,
        "checkout_id": one.checkout.checkout_id,
        "total": money.text(one.total),
        "remaining": money.text(one.remaining),
        "updated_at": shapes.moment(one.updated_at),
        "refunds": [refund.public_id for refund in one.refunds],
    }


def _refund(world: World, one: Refund) -> shapes.Shape:
    return refunds.as_listed(one, world.organization) | {"number": one.number}


def _link(one: PaymentLink) -> shapes.Shape:
    return shapes.payment_link(one) | {
        "environment": one.environment,
        "is_deleted": one.is_deleted,
        "checkouts": [checkout.checkout_id for checkout in one.checkouts],
    }


def _api_key(one: ApiKey) -> shapes.Shape:
    return {
        "id": one.key_id,
        "name": one.name,
        "scopes": sorted(one.scopes),
        "environments": sorted(one.environments),
    }


def _delivery(one: Delivery) -> shapes.Shape:
    return {
        "id": one.delivery_id,
        "event": one.event,
        "body": one.body.decode(),
        "headers": one.headers(one.tries[-1].at if one.tries else one.created_at),
        "url": one.url,
        "state": one.state,
        "resend_of": one.resend_of,
        "created_at": shapes.moment(one.created_at),
        "tries": [{"at": shapes.moment(each.at), "status": each.status, "error": each.error} for each in one.tries],
    }


def _plain(values: dict[str, object]) -> shapes.Shape:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}
