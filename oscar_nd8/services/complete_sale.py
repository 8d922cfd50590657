"""From a payment by link to a finished sale: there is no order to place, so the money itself is the end."""

import logging

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.move_session import lock_session, move_session
from oscar_nd8.states import DepositState, PaymentState, SessionStatus

__all__ = ["complete_sale"]

logger = logging.getLogger("oscar_nd8")


def complete_sale(session: PaymentSession) -> None:
    """Let a PAID session of a link be SOLD, and note what of its money has arrived; repeats finish what is missing."""
    with transaction.atomic(durable=True):
        locked = lock_session(session.pk)
        if locked.status == SessionStatus.PAID:
            _sell(locked)
        if locked.status in {SessionStatus.PAID, SessionStatus.SOLD}:
            _count(locked)
    session.refresh_from_db()


def _sell(session: PaymentSession) -> None:
    move_session(session.pk, SessionStatus.SOLD)
    close_matters(session, [Attention.Kind.HELD], Attention.Resolution.BY_ITSELF)
    # Its uses and statistics are others now.
    PaymentLink.objects.filter(sessions=session, deleted_at=None).update(due_at=timezone.now())
    logger.info("Session %s is sold", session.order_number)


def _count(session: PaymentSession) -> None:
    """The stamps of a ledger's entries, for there is no order that a ledger could be about."""
    now = timezone.now()
    paid = Payment.objects.filter(session=session, state=PaymentState.PAID)
    paid.filter(allocated_at__isnull=True).update(allocated_at=now)
    arrived = Q(deposit__in=[DepositState.SUCCEEDED, DepositState.NONE])
    paid.filter(arrived, debited_at__isnull=True).update(debited_at=now)
