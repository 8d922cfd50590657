"""Telling people: one row for a matter, one signal, however often it is noticed."""

import logging
from functools import partial

from django.db import IntegrityError, transaction

from oscar_nd8 import signals
from oscar_nd8.models import Attention, PaymentSession

__all__ = ["raise_attention"]

logger = logging.getLogger("oscar_nd8")


def raise_attention(session: PaymentSession, kind: Attention.Kind, detail: str) -> None:
    """Note that staff should look at `session`; a kind that is already noted changes nothing."""
    try:
        with transaction.atomic():
            attention = Attention.objects.create(session=session, kind=kind, detail=detail)
    except IntegrityError:
        return
    logger.warning("Session %s needs attention: %s", session.order_number, kind)
    transaction.on_commit(
        partial(signals.attention_needed.send_robust, sender=PaymentSession, session=session, attention=attention)
    )
