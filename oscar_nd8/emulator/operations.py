"""The served operations: one row each, named as ND8's document names them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import account, checkouts, payment_links, refund_list, refunds, shapes
from .access import Admission, anybody, api_key, merchant_token
from .problems import not_found
from .reading import Fields, parse_object
from .records import Environment, PaymentLink, Refund, Transaction
from .world import World


@dataclass(frozen=True, slots=True)
class Request:
    """A call below one of the two prefixes; `target` is the id in its path."""

    environment: Environment
    base_url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes
    target: str = ""


Reply = tuple[int, object]  # None: an answer without a body


@dataclass(frozen=True, slots=True)
class Operation:
    """Where an operation is found, who may call it, and what it does; `act` is called with the lock held."""

    name: str
    method: str
    path: str
    admit: Admission
    act: Callable[[World, Request], Reply]


def create_payment(world: World, request: Request) -> Reply:
    """Open a hosted session."""
    checkout = checkouts.open_checkout(world, request.raw, environment=request.environment, base_url=request.base_url)
    return 201, shapes.session(checkout)


def get_payment_by_id(world: World, request: Request) -> Reply:
    """Show a payment by its public or numeric id."""
    return 200, shapes.payment(_transaction(world, request))


def create_refund_for_payment(world: World, request: Request) -> Reply:
    """Take a refund on; with auto-completion it completes right after the answer was written."""
    transaction = _transaction(world, request)
    fields = Fields(parse_object(request.raw))
    reason = fields.text("reason", longest=500)
    refund = refunds.grant(world, transaction, reason=reason, amount=fields.optional_text("amount"))
    answer = refunds.as_accepted(refund, world.organization)
    if world.organization.auto_complete_refunds:
        refunds.conclude(world, refund, "completed")
    return 200, answer


def list_refunds(world: World, request: Request) -> Reply:
    """List refunds as a plain array."""
    found = refund_list.matching(world, request.query, environment=request.environment)
    return 200, [refunds.as_listed(one, world.organization) for one in found]


def get_refund_by_id(world: World, request: Request) -> Reply:
    """Show a refund by its RF… or numeric id."""
    refund = world.refunds.find(request.target)
    if refund is None or _is_elsewhere(refund, request.environment):
        raise not_found("Refund")
    return 200, refunds.as_listed(refund, world.organization)


def get_organization(world: World, request: Request) -> Reply:
    """Show the merchant's profile."""
    return 200, shapes.organization(world.organization)


def patch_organization(world: World, request: Request) -> Reply:
    """Change the parts of the profile that can be changed."""
    account.change_profile(world, request.raw)
    return 200, shapes.organization(world.organization)


def get_organization_dashboard(world: World, request: Request) -> Reply:
    """Show wallet, counts and newest payments."""
    return 200, account.snapshot(world, request.environment)


def get_organization_api_keys(world: World, request: Request) -> Reply:
    """List the keys that work here, newest first, without their characters."""
    return 200, [shapes.api_key(one) for one in world.credentials.of(request.environment)]


def create_organization_api_key(world: World, request: Request) -> Reply:
    """Make a key; its characters are in this answer and in no other."""
    key = account.create_key(world, request.raw, request.environment)
    return 201, shapes.api_key(key) | {"raw_key": key.raw_key}


def rotate_organization_api_key(world: World, request: Request) -> Reply:
    """Give the newest key other characters; they are in this answer and in no other."""
    key = account.rotate_key(world, request.environment)
    return 200, shapes.api_key(key) | {"raw_key": key.raw_key}


def revoke_organization_api_key(world: World, request: Request) -> Reply:
    """End a key. ND8's guide has this call, ND8's document does not."""
    return 200, shapes.api_key(account.revoke_key(world, request.target, request.environment))


def get_organization_webhook(world: World, request: Request) -> Reply:
    """Show where webhooks go."""
    return 200, shapes.webhook(world.organization)


def put_organization_webhook(world: World, request: Request) -> Reply:
    """Send webhooks elsewhere; the new secret is in this answer and in no other. Without a body nothing changes."""
    if not request.raw:
        return 200, shapes.webhook(world.organization)
    secret = account.change_webhook(world, request.raw)
    return 200, shapes.webhook(world.organization) | {"secret": secret}


def list_payment_links(world: World, request: Request) -> Reply:
    """List the merchant's links as a plain array, newest first."""
    return 200, [shapes.payment_link(one) for one in payment_links.listed(world, request.environment)]


def create_payment_link(world: World, request: Request) -> Reply:
    """Make a link for products of the catalogue."""
    return 201, shapes.payment_link(payment_links.create(world, request.raw, environment=request.environment))


def get_payment_link(world: World, request: Request) -> Reply:
    """Show a link and what came of it."""
    link = _link(world, request)
    return 200, shapes.payment_link(link) | {"stats": shapes.payment_link_statistics(link)}


def patch_payment_link(world: World, request: Request) -> Reply:
    """Change the parts of a link that can be changed."""
    link = _link(world, request)
    payment_links.change(world, link, request.raw)
    return 200, shapes.payment_link(link)


def delete_payment_link(world: World, request: Request) -> Reply:
    """Delete a link softly: nobody can pay it any more, its payments stay."""
    payment_links.delete(world, _link(world, request))
    return 204, None


def list_payment_link_payments(world: World, request: Request) -> Reply:
    """List a link's payments, newest first."""
    return 200, [shapes.payment(one) for one in _link(world, request).transactions]


def get_public_payment_link(world: World, request: Request) -> Reply:
    """Show a link to a customer."""
    link = payment_links.on_offer(world, request.target, request.environment)
    return 200, shapes.public_payment_link(link, merchant=world.organization.name)


def start_payment_link_checkout(world: World, request: Request) -> Reply:
    """Open a hosted session for a customer."""
    checkout = payment_links.start(
        world, request.target, request.raw, environment=request.environment, base_url=request.base_url
    )
    return 201, shapes.session(checkout)


def _link(world: World, request: Request) -> PaymentLink:
    return payment_links.of_merchant(world, request.target, request.environment)


def _transaction(world: World, request: Request) -> Transaction:
    transaction = world.transactions.find(request.target)
    if transaction is None or transaction.checkout.environment != request.environment:
        raise not_found("Payment")
    return transaction


def _is_elsewhere(refund: Refund, environment: Environment) -> bool:
    return refund.transaction.checkout.environment != environment


KEYS = "/organization/api-keys/"
LINKS = "/payment-links/"
READ_REFUNDS = api_key("refunds:read", "payments:read")
OPERATIONS = (
    Operation("createPayment", "POST", "/checkout/create/", api_key("checkout:create"), create_payment),
    Operation("getPaymentById", "GET", "/transactions/<target>/", api_key("payments:read"), get_payment_by_id),
    Operation(
        "createRefundForPayment",
        "POST",
        "/transactions/<target>/refund/",
        api_key("refunds:write", "payments:write"),
        create_refund_for_payment,
    ),
    Operation("listRefunds", "GET", "/refunds/", READ_REFUNDS, list_refunds),
    Operation("getRefundById", "GET", "/refunds/<target>/", READ_REFUNDS, get_refund_by_id),
    Operation("getOrganization", "GET", "/organization/", merchant_token, get_organization),
    Operation("patchOrganization", "PATCH", "/organization/", merchant_token, patch_organization),
    Operation(
        "getOrganizationDashboard", "GET", "/organization/dashboard/", merchant_token, get_organization_dashboard
    ),
    Operation("getOrganizationApiKeys", "GET", KEYS, merchant_token, get_organization_api_keys),
    Operation("createOrganizationApiKey", "POST", KEYS, merchant_token, create_organization_api_key),
    Operation("rotateOrganizationApiKey", "POST", f"{KEYS}rotate/", merchant_token, rotate_organization_api_key),
    Operation(
        "revokeOrganizationApiKey", "POST", f"{KEYS}<target>/revoke/", merchant_token, revoke_organization_api_key
    ),
    Operation("getOrganizationWebhook", "GET", "/organization/webhook/", merchant_token, get_organization_webhook),
    Operation("putOrganizationWebhook", "PUT", "/organization/webhook/", merchant_token, put_organization_webhook),
    Operation("listPaymentLinks", "GET", LINKS, merchant_token, list_payment_links),
    Operation("createPaymentLink", "POST", LINKS, merchant_token, create_payment_link),
    Operation("getPaymentLink", "GET", f"{LINKS}<target>/", merchant_token, get_payment_link),
    Operation("patchPaymentLink", "PATCH", f"{LINKS}<target>/", merchant_token, patch_payment_link),
    Operation("deletePaymentLink", "DELETE", f"{LINKS}<target>/", merchant_token, delete_payment_link),
    Operation(
        "listPaymentLinkPayments", "GET", f"{LINKS}<target>/payments/", merchant_token, list_payment_link_payments
    ),
    Operation("getPublicPaymentLink", "GET", f"{LINKS}public/<target>/", anybody, get_public_payment_link),
    Operation(
        "startPaymentLinkCheckout", "POST", f"{LINKS}public/<target>/start/", anybody, start_payment_link_checkout
    ),
)
