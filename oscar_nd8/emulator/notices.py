"""What the merchant is told by webhook, and when it is worth telling."""

from . import shapes
from .records import Refund, Transaction
from .world import World


def payment_changed(world: World, transaction: Transaction) -> None:
    """Tell that a transaction's status or its attempts changed."""
    _send(world, shapes.payment_event(transaction), subject=transaction.public_id)


def refund_changed(world: World, refund: Refund) -> None:
    """Tell that a refund's status changed."""
    _send(world, shapes.refund_event(refund), subject=refund.public_id)


def test(world: World) -> None:
    """Send what the dashboard's test button sends."""
    body: shapes.Shape = {"event": "webhook.test", "created_at": shapes.moment(world.clock())}
    _send(world, body, subject="webhook.test")


def _send(world: World, body: shapes.Shape, *, subject: str) -> None:
    account = world.organization
    world.courier.send(
        str(body["event"]), body, subject=subject, url=account.webhook_url, secret=account.webhook_secret
    )
