"""What follows a refund that ended without moving money: its amount is free again, and nothing about it is odd."""

from functools import partial

from django.db import transaction

from oscar_nd8 import signals
from oscar_nd8.models import Attention, Refund
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.move_session import lock_session
from oscar_nd8.shop.given_back import excess

__all__ = ["release_refund"]

K = Attention.Kind
BY_ITSELF = Attention.Resolution.BY_ITSELF


def release_refund(refund: Refund) -> None:
    """Tell other people's code, and settle what staff need not look at any more. Call it where its status moved."""
    with transaction.atomic():
        session = lock_session(refund.payment.session_id)
        close_matters(session, [K.REFUND_ODD, K.REFUND_EXCESS], BY_ITSELF, subject=refund.reference)
        if not any(excess(payment) for payment in session.payments.all()):
            close_matters(session, [K.REFUND_EXCESS], BY_ITSELF)
        transaction.on_commit(partial(signals.refund_failed.send_robust, sender=Refund, refund=refund))
