"""Telling people: one row for a matter, one signal each time it opens, however often it is noticed."""

import logging
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.models import Attention, PaymentSession

__all__ = ["raise_attention"]

logger = logging.getLogger("oscar_nd8")


def raise_attention(session: PaymentSession | None, kind: Attention.Kind, detail: str, *, subject: str = "") -> bool:
    """Note that staff should look at `session`, or at what `subject` names where it has several, or there is none.

    What is noted already stays as it is, settled or not; then nobody is told, and the answer is False. What had settled
    by itself opens again with the new reason. So does HELD, which tells of something new each time: the money still has
    no order.
    """
    try:
        with transaction.atomic():
            attention = Attention.objects.create(session=session, kind=kind, subject=subject, detail=detail)
    except IntegrityError:
        # Raises where the row was refused for another reason than that it is there.
        attention = Attention.objects.get(session=session, kind=kind, subject=subject)
        may_open = kind == Attention.Kind.HELD or attention.resolution == Attention.Resolution.BY_ITSELF
        if not may_open or not _opens_again(attention, detail):
            return False
    logger.warning("%s needs attention: %s", session.order_number if session else subject, kind)
    transaction.on_commit(
        partial(signals.attention_needed.send_robust, sender=PaymentSession, session=session, attention=attention)
    )
    return True


def _opens_again(attention: Attention, detail: str) -> bool:
    same = Attention.objects.filter(pk=attention.pk)
    opened = same.filter(resolved_at__isnull=False).update(
        detail=detail,
        created_at=timezone.now(),
        mail_claimed_at=None,
        mailed_at=None,
        resolved_at=None,
        resolution="",
    )
    if not opened:
        same.update(detail=detail)
    attention.refresh_from_db()
    return bool(opened)
