"""What a control call can let happen to payments, refunds and deliveries, and starting over."""

from . import notices, refunds
from .outcomes import Oddity, Outcome, bring_about
from .problems import not_found
from .reading import Fields
from .shapes import Shape
from .world import World


def end_checkout(world: World, checkout_id: str, fields: Fields) -> Shape:
    """Bring an outcome about, as if the shopper had."""
    fields.refuse_others_than({"outcome", "new_transaction", "status", "currency", "net_amount", "error_message"})
    checkout = world.checkouts.find(checkout_id)
    if checkout is None:
        raise not_found("Checkout")
    outcome = Outcome(fields.choice("outcome", list(Outcome)))
    oddity = Oddity(
        status=fields.text("status") if "status" in fields else None,
        currency=fields.text("currency") if "currency" in fields else None,
        net=fields.decimal("net_amount") if "net_amount" in fields else None,
        error=fields.any_text("error_message") if "error_message" in fields else None,
    )
    anew = fields.flag("new_transaction", default=False)
    transaction = bring_about(world, checkout, outcome, oddity=oddity, anew=anew)
    return {"transaction_id": transaction.public_id}


def refund_in_dashboard(world: World, transaction_id: str, fields: Fields) -> Shape:
    """Refund as the merchant's staff would in ND8's own dashboard."""
    fields.refuse_others_than({"amount", "reason"})
    transaction = world.transactions.find(transaction_id)
    if transaction is None:
        raise not_found("Payment")
    amount = fields.text("amount") if "amount" in fields else None
    reason = fields.text("reason", longest=500) if "reason" in fields else "Refunded in the dashboard"
    return {"refund_id": refunds.grant(world, transaction, reason=reason, amount=amount).public_id}


def end_refund(world: World, refund_id: str, fields: Fields) -> Shape:
    """Give a refund another status."""
    fields.refuse_others_than({"status"})
    refund = world.refunds.find(refund_id)
    if refund is None:
        raise not_found("Refund")
    refunds.conclude(world, refund, fields.choice("status", refunds.STATUSES))
    return {"refund_id": refund.public_id, "status": refund.status}


def resend(world: World, delivery_id: str, fields: Fields) -> Shape:
    """Send a webhook again by hand, under a new delivery id unless told otherwise."""
    fields.refuse_others_than({"new_delivery_id"})
    found = [one for one in world.courier.deliveries if one.delivery_id == delivery_id]
    if not found:
        raise not_found("Delivery")
    again = world.courier.resend(
        found[0],
        url=world.organization.webhook_url,
        secret=world.organization.webhook_secret,
        keep_id=not fields.flag("new_delivery_id", default=True),
    )
    return {"delivery_id": again.delivery_id}


def send_test_webhook(world: World, fields: Fields) -> Shape:
    """Send `webhook.test`."""
    fields.refuse_others_than(())
    notices.test(world)
    return {"sent": "webhook.test"}


def reset(world: World, fields: Fields) -> Shape:
    """Forget everything, faults and delivery mode included."""
    fields.refuse_others_than(())
    world.reset()
    return {"reset": True}
