"""The served operations: one row each, named as ND8's document names them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import checkouts, refund_list, refunds, shapes
from .access import Admission, api_key
from .problems import not_found
from .reading import Fields, parse_object
from .records import Environment, Refund, Transaction
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


Reply = tuple[int, object]


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


def _transaction(world: World, request: Request) -> Transaction:
    transaction = world.transactions.find(request.target)
    if transaction is None or transaction.checkout.environment != request.environment:
        raise not_found("Payment")
    return transaction


def _is_elsewhere(refund: Refund, environment: Environment) -> bool:
    return refund.transaction.checkout.environment != environment


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
)
