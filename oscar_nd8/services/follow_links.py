"""Keeping payment links in step with ND8: how they are now, and who bought by them."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from oscar_nd8.exceptions import ProviderError
from oscar_nd8.models import PaymentLink, PaymentSession
from oscar_nd8.services.adopt_link_payments import adopt_link_payments
from oscar_nd8.services.payment_links import LATER, SOON, look_at_link, refresh_links

__all__ = ["follow_link", "follow_links"]


def follow_link(link: PaymentLink, *, clock: Callable[[], datetime] = timezone.now) -> list[PaymentSession]:
    """`link` as ND8 says now, and the payments by it that were not known here. Raises ProviderError.

    Must not run in a transaction.
    """
    link = look_at_link(link, clock=clock)
    found = adopt_link_payments(link) if link.deleted_at is None else []
    _write_due(link, now=clock())
    return found


def follow_links(*, gateway_code: str = "nd8", clock: Callable[[], datetime] = timezone.now) -> list[PaymentSession]:
    """The same for every link, those made in ND8's dashboard as well. Raises ProviderError, at the end of its work.

    Must not run in a transaction.
    """
    refresh_links(gateway_code=gateway_code, clock=clock)
    found: list[PaymentSession] = []
    failures: list[ProviderError] = []
    for link in PaymentLink.objects.filter(gateway=gateway_code, deleted_at=None):
        try:
            found += follow_link(link, clock=clock)
        except ProviderError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return found


def _write_due(link: PaymentLink, *, now: datetime) -> None:
    """Only where nothing happened meanwhile that makes another look worth while."""
    on_sale = link.availability_at(now) is PaymentLink.Availability.OPEN
    due_at = None if link.deleted_at is not None else now + (SOON if on_sale else LATER)
    PaymentLink.objects.filter(pk=link.pk, due_at=link.due_at).update(due_at=due_at)
