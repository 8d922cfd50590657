"""A notification at the door: verified on its raw bytes, stored once, not yet believed."""

import hashlib
import logging
from collections.abc import Mapping
from contextlib import nullcontext

from django.db import IntegrityError, connection, transaction

from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import WebhookEvent

__all__ = ["receive_event"]

logger = logging.getLogger("oscar_nd8")


def receive_event(body: bytes, headers: Mapping[str, str], *, gateway_code: str) -> WebhookEvent:
    """The stored event; a delivery that was stored before is returned as it is.

    Raises SignatureInvalid for a body that none of our secrets signed, ValueError for one that is no
    notification. Neither is stored: a stranger must not be able to fill the table.
    """
    gateway = get_gateway(gateway_code)
    gateway.verify(body, headers)
    notification = gateway.read_notification(body, headers)
    # ND8 always names the delivery; should it not, the body itself tells repeats apart.
    delivery_id = notification.delivery_id or hashlib.sha256(body).hexdigest()
    # A bare INSERT where it may be one: a savepoint costs two more round trips, and only a transaction needs it.
    guard = transaction.atomic() if connection.in_atomic_block else nullcontext()
    try:
        with guard:
            return WebhookEvent.objects.create(
                gateway=gateway_code,
                delivery_id=delivery_id,
                name=notification.name,
                body=body.decode(),
                checkout_id=notification.checkout_id,
                transaction_id=notification.transaction_id,
                refund_id=notification.refund_id,
            )
    except IntegrityError:
        logger.info("Delivery %s came again", delivery_id)
        return WebhookEvent.objects.get(gateway=gateway_code, delivery_id=delivery_id)
