"""Refunds that this shop did not start, or whose id it never learnt: taken over from what the provider has."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from oscar_nd8.exceptions import NotFound
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Payment, Refund
from oscar_nd8.services.record_refund import record_refund

__all__ = ["adopt_refund", "adopt_refunds"]


def adopt_refund(gateway_code: str, refund_id: str, *, clock: Callable[[], datetime] = timezone.now) -> Refund | None:
    """The refund that a notification named, as the provider says it is; None where it is none of a payment here.

    `refund_id` is a hint, in whatever form it came: the provider is asked, and nothing else is believed. Raises
    ProviderError when it could not be asked. Must not run in a transaction.
    """
    asked_at = clock()
    try:
        report = get_gateway(gateway_code).look_up_refund(refund_id)
    except NotFound:
        return None
    payment = (
        Payment.objects.filter(gateway=gateway_code, transaction_id=report.transaction_id)
        .select_related("session")
        .first()
    )
    return record_refund(payment, report, asked_at=asked_at) if payment is not None else None


def adopt_refunds(payment: Payment, *, since: datetime, clock: Callable[[], datetime] = timezone.now) -> list[Refund]:
    """Every refund that the provider has of `payment` since a moment, each as it is now. Raises as `adopt_refund`."""
    asked_at = clock()
    found = get_gateway(payment.gateway).find_refunds(payment.transaction_id, since=since)
    refunds = [record_refund(payment, report, asked_at=asked_at) for report in found]
    return [refund for refund in refunds if refund is not None]
