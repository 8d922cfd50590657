"""A notification at the door: verified on its raw bytes, stored once, not yet believed."""

import hashlib
import logging
from collections.abc import Mapping

from django.db import IntegrityError, connection, transaction

from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import WebhookEvent
from oscar_nd8.prepared import prepared_cursor

__all__ = ["receive_event"]

logger = logging.getLogger("oscar_nd8")

# What `save` would write. Django composes its statement anew for each row, which takes longer than all else here does.
_INSERT = """
    INSERT INTO oscar_nd8_webhookevent (
        gateway, delivery_id, name, body, checkout_id, transaction_id, refund_id,
        status, attempts, last_error, received_at, due_at
    )
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, '', %s, %s)
    ON CONFLICT (gateway, delivery_id) DO NOTHING
    RETURNING id
"""


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
    event = WebhookEvent(
        gateway=gateway_code,
        delivery_id=delivery_id,
        name=notification.name,
        body=body.decode(),
        checkout_id=notification.checkout_id,
        transaction_id=notification.transaction_id,
        refund_id=notification.refund_id,
    )
    if _store(event):
        return event
    logger.info("Delivery %s came again", delivery_id)
    return WebhookEvent.objects.get(gateway=gateway_code, delivery_id=delivery_id)


def _store(event: WebhookEvent) -> bool:
    """Make `event` a row, without looking first; False where its delivery has one."""
    if connection.vendor == "postgresql":
        return _insert(event)
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _insert(event: WebhookEvent) -> bool:
    values = (
        event.gateway,
        event.delivery_id,
        event.name,
        event.body,
        event.checkout_id,
        event.transaction_id,
        event.refund_id,
        event.status,
        event.received_at,
        event.due_at,
    )
    with prepared_cursor() as cursor:
        cursor.execute(_INSERT, values)
        stored = cursor.fetchone()
    if stored:
        (event.pk,) = stored
    return stored is not None
