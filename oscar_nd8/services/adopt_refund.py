"""Refunds that this shop did not start, or whose id it never learnt: taken over from what the provider has."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from oscar_nd8.exceptions import NotFound
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Payment, Refund
from oscar_nd8.services.record_refund import record_refund

__all__ = ["adopt_new_refunds", "adopt_refund", "adopt_refunds"]


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
    found = get_gateway(payment.gateway).find_refunds(since=since, transaction_id=payment.transaction_id)
    refunds = [record_refund(payment, report, asked_at=asked_at) for report in found]
    return [refund for refund in refunds if refund is not None]


def adopt_new_refunds(
    gateway_code: str, *, since: datetime, clock: Callable[[], datetime] = timezone.now
) -> list[Refund]:
    """Refunds of payments here that the provider has since a moment, and of which no message ever came.

    Raises as `adopt_refund`.
    """
    asked_at = clock()
    found = {report.refund_id: report for report in get_gateway(gateway_code).find_refunds(since=since)}
    rows = Refund.objects.filter(gateway=gateway_code)
    new = found.keys() - set(rows.filter(refund_id__in=found).values_list("refund_id", flat=True))
    payments = {
        payment.transaction_id: payment
        for payment in Payment.objects.filter(
            gateway=gateway_code, transaction_id__in={found[refund_id].transaction_id for refund_id in new}
        )
    }
    ours = [report for refund_id, report in found.items() if refund_id in new and report.transaction_id in payments]
    refunds = [record_refund(payments[report.transaction_id], report, asked_at=asked_at) for report in ours]
    return [refund for refund in refunds if refund is not None]
