"""How ND8 writes its nouns as JSON, in answers and in webhooks."""

from datetime import UTC, datetime

from . import money
from .records import Attempt, Checkout, Item, Refund, Transaction

Shape = dict[str, object]


def moment(at: datetime) -> str:
    """A date-time in UTC, with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def session(checkout: Checkout) -> Shape:
    """The answer to createPayment."""
    return {
        "checkout_id": checkout.checkout_id,
        "order_id": checkout.checkout_id,
        "checkout_url": checkout.url,
        "token": checkout.token,
        "expires_at": checkout.expires_at,
    }


def payment(transaction: Transaction) -> Shape:
    """The answer to getPaymentById: net of fees, and without a word about the checkout."""
    checkout = transaction.checkout
    return {
        "id": transaction.public_id,
        "amount": money.text(transaction.net),
        "status": transaction.status,
        "currency": transaction.currency,
        "payer_email": checkout.payer_email,
        "products": [_product(item) for item in checkout.items],
        "created_at": moment(transaction.created_at),
        "depositAttempts": [_attempt(one) for one in transaction.attempts],
    }


def payment_event(transaction: Transaction) -> Shape:
    """The body of transaction.status_changed: the only place that names the checkout."""
    return {
        "event": "transaction.status_changed",
        "transaction_id": transaction.public_id,
        "order_id": transaction.checkout.checkout_id,
        "amount": money.text(transaction.net),
        "status": transaction.status,
        "currency": transaction.currency,
        "created_at": moment(transaction.created_at),
        "updated_at": moment(transaction.updated_at),
        "depositAttempts": [_attempt(one) for one in transaction.attempts],
    }


def refund(one: Refund, *, in_cents: int, in_usd: str) -> Shape:
    """A refund as listRefunds and getRefundById show it."""
    return {
        "id": one.public_id,
        "transaction_id": one.transaction.public_id,
        "amount": money.text(one.amount),
        "currency": one.transaction.currency,
        "amount_in_cents": in_cents,
        "amount_usd": in_usd,
        "reason": one.reason,
        "status": one.status,
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
    }


def accepted_refund(one: Refund, *, in_cents: int, in_usd: str) -> Shape:
    """The answer to createRefundForPayment: other names and types than a refund has later."""
    return {
        "status": one.status,
        "refund_id": one.number,
        "refund_public_id": one.public_id.removeprefix("RF"),
        "transaction_id": one.transaction.number,
        "amount": money.text(one.amount),
        "currency": one.transaction.currency,
        "amount_usd": in_usd,
        "amount_in_cents": in_cents,
    }


def refund_event(one: Refund) -> Shape:
    """The body of refund.status_changed; ND8 does not publish it, so this is the least it must say."""
    return {
        "event": "refund.status_changed",
        "refund_id": one.public_id,
        "transaction_id": one.transaction.public_id,
        "amount": money.text(one.amount),
        "currency": one.transaction.currency,
        "status": one.status,
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
    }


def _product(item: Item) -> Shape:
    return {"name": item.name} if item.product_id is None else {"id": item.product_id, "name": item.name}


def _attempt(one: Attempt) -> Shape:
    return {
        "status": one.status,
        "paymentId": one.payment_id,
        "attemptedAt": moment(one.attempted_at),
        "errorMessage": one.error_message,
        "paymentMethod": "card",
    }
