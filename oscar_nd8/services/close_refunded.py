"""What staff need not decide any more, because the money went back."""

from oscar_nd8.models import Attention, PaymentSession
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.shop.given_back import is_given_back
from oscar_nd8.states import PaymentState

__all__ = ["close_refunded"]

K = Attention.Kind

NO_MONEY = frozenset({PaymentState.PROCESSING, PaymentState.FAILED, PaymentState.CANCELED})


def close_refunded(session: PaymentSession) -> None:
    """Settle the matters of `session` that its completed refunds leave nobody to decide. Call it in `lock_session`."""
    payments = session.payments.exclude(state__in=NO_MONEY).select_related("session").prefetch_related("refunds")
    left = [payment for payment in payments if not is_given_back(payment, surely=True)]
    kinds: list[Attention.Kind] = []
    if len(left) <= 1:
        kinds.append(K.PAID_TWICE)
    if not left:
        # A refund that failed asks for the money to be paid back, which must not happen twice.
        kinds += [K.HELD, K.OVERSOLD, K.BOUGHT_TWICE, K.REFUND_FAILED]
    if kinds:
        close_matters(session, kinds, Attention.Resolution.REFUNDED)
