"""A paid order whose money can go back, and the emulator's books to compare with."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.testing import ND8, Shopper

REASON = "The mug arrived broken"


def pay(guest: Shopper, nd8: ND8, product: Any, quantity: int = 2) -> Payment:
    """An order of 24.97 USD: two mugs at 9.99, and 4.99 of shipping."""
    session = guest.begin_payment(product, quantity)
    nd8.outcome(session)
    assert nd8.deliver(guest.client).status_code == 200
    return Payment.objects.get(session=session)


def books(nd8: ND8) -> list[tuple[str, str]]:
    """Amount and status of every refund that ND8 has, oldest first."""
    return [(each["amount"], each["status"]) for each in nd8.state["refunds"]]


def end(nd8: ND8, refund_id: str, status: str = "completed") -> None:
    """Let ND8 end a refund."""
    nd8.control(f"refunds/{refund_id}/outcome", status=status)


def later(minutes: float) -> Any:
    """A clock that is ahead."""

    def clock() -> datetime:
        return timezone.now() + timedelta(minutes=minutes)

    return clock


def order_of(payment: Payment) -> Any:
    """The order that was paid."""
    return PaymentSession.objects.get(pk=payment.session_id).order
