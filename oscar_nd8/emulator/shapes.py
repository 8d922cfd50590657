"""How ND8 writes its nouns as JSON, in answers and in webhooks."""

from datetime import UTC, datetime
from decimal import Decimal

from . import money
from .records import ApiKey, Attempt, Checkout, Item, Organization, PaymentLink, Refund, Transaction

Shape = dict[str, object]


def moment(at: datetime) -> str:
    """A date-time in UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
        "amount": money.as_staged(transaction.net),
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
        "amount": money.as_staged(transaction.net),
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


def organization(account: Organization) -> Shape:
    """The answer to getOrganization; ND8 does not publish it. Limits, fees and status can only be read."""
    return {
        "id": "org_emulated",
        "name": account.name,
        "website": account.website,
        "contact_email": account.contact_email,
        "telegram": account.telegram,
        "price_mode": account.price_mode,
        "status": "active",
        "min_payment": money.text(account.min_payment),
        "max_payment": money.text(account.max_payment),
        "fee_rate": str(account.fee_rate),
        "fee_fixed": money.text(account.fee_fixed),
        "tax_rate": str(account.tax_rate),
    }


def api_key(key: ApiKey) -> Shape:
    """What may be known of a key after it was made; ND8 does not publish it."""
    return {
        "id": key.key_id,
        "name": key.name,
        "prefix": key.raw_key[: min(12, len(key.raw_key) // 2)],
        "allowed_scopes": ",".join(sorted(key.scopes)),
        "created_at": moment(key.created_at),
    }


def webhook(account: Organization) -> Shape:
    """The webhook endpoint without its secret; ND8 does not publish it."""
    secret = account.webhook_secret
    return {"endpoint_url": account.webhook_url, "secret_preview": f"…{secret[-4:]}" if len(secret) > 4 else "…"}


def payment_link(link: PaymentLink) -> Shape:
    """A link as its merchant sees it; ND8 does not publish it."""
    return {
        "id": link.link_id,
        "name": link.name,
        "products": [_link_product(item) for item in link.items],
        "currency": link.currency,
        "pricing_mode": link.pricing_mode,
        "amount": money.text(money.sum_of(link.items)),
        "is_active": link.is_active,
        "expires_at": moment(link.expires_at) if link.expires_at else None,
        "max_uses": link.max_uses,
        "uses": link.uses,
        "metadata": link.metadata,
        "created_at": moment(link.created_at),
        "updated_at": moment(link.updated_at),
    }


def payment_link_statistics(link: PaymentLink) -> Shape:
    """What getPaymentLink says beyond the list; ND8 does not publish it."""
    paid = [one.newest for one in link.checkouts if one.is_paid and one.newest]
    return {
        "checkouts": len(link.checkouts),
        "payments": len(link.transactions),
        "paid": len(paid),
        "total": money.text(sum((one.total for one in paid), Decimal(0))),
        "net": money.text(sum((one.net for one in paid), Decimal(0))),
    }


def public_payment_link(link: PaymentLink, *, merchant: str) -> Shape:
    """A link as its customer sees it: without the merchant's own label and metadata. ND8 does not publish it."""
    return {
        "id": link.link_id,
        "merchant_name": merchant,
        "products": [_link_product(item) for item in link.items],
        "currency": link.currency,
        "pricing_mode": link.pricing_mode,
        "amount": money.text(money.sum_of(link.items)),
        "expires_at": moment(link.expires_at) if link.expires_at else None,
    }


def _link_product(item: Item) -> Shape:
    return {
        "product_id": item.product_id,
        "name": item.name,
        "unit_price": money.text(item.unit_price),
        "quantity": item.quantity,
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
