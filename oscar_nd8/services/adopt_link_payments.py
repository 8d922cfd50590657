"""Payments that came of a link and were begun elsewhere, on ND8's own page for it: taken over from ND8's list."""

import hashlib
import logging

from django.db import IntegrityError, transaction
from django.utils import timezone

from oscar_nd8.exceptions import NotFound
from oscar_nd8.gateway import get_gateway, new_reference
from oscar_nd8.link_gateway import LinkPaymentReport, get_link_gateway
from oscar_nd8.models import Payment, PaymentLink, PaymentSession, WebhookEvent
from oscar_nd8.services.settle import settle
from oscar_nd8.shop.link_offer import quote_of
from oscar_nd8.shop.quote import Payer, fingerprint
from oscar_nd8.states import EventStatus, PaymentState, SessionStatus

__all__ = ["adopt_link_payments"]

logger = logging.getLogger("oscar_nd8")

# What never brought money, or gave it all back before it was known here, stays ND8's business.
NO_MONEY = frozenset({PaymentState.PROCESSING, PaymentState.FAILED, PaymentState.CANCELED, PaymentState.REFUNDED})
UNPAID = [SessionStatus.NEW, SessionStatus.OPEN, SessionStatus.EXPIRED, SessionStatus.CANCELED, SessionStatus.FAILED]


def adopt_link_payments(link: PaymentLink) -> list[PaymentSession]:
    """The sessions of payments of `link` that were not known here, settled. Raises ProviderError as `settle`.

    Must not run in a transaction.
    """
    try:
        reports = get_link_gateway(link.gateway).link_payments(link.link_id)
    except NotFound:
        return []
    ids = [report.transaction_id for report in reports]
    known = set(
        Payment.objects.filter(gateway=link.gateway, transaction_id__in=ids).values_list("transaction_id", flat=True)
    )
    strange = [each for each in reports if each.transaction_id not in known and each.state not in NO_MONEY]
    return [session for report in strange if (session := _adopt(link, report)) is not None]


def _adopt(link: PaymentLink, report: LinkPaymentReport) -> PaymentSession | None:
    events = WebhookEvent.objects.filter(gateway=link.gateway, transaction_id=report.transaction_id)
    checkout_id = events.exclude(checkout_id="").values_list("checkout_id", flat=True).first() or ""
    if checkout_id:
        session = PaymentSession.objects.filter(gateway=link.gateway, checkout_id=checkout_id).first()
    else:
        session = _begun_here(link, report)
    if session is None or not checkout_id:
        session = _tied(link, report, session, checkout_id=checkout_id)
    if session is None:
        return None
    settle(session)
    events.filter(status=EventStatus.UNMATCHED).update(due_at=timezone.now())
    return session


def _begun_here(link: PaymentLink, report: LinkPaymentReport) -> PaymentSession | None:
    """An unpaid session of the same customer: most likely its notification was lost. All that it buys is the same."""
    if not report.email:
        return None
    unpaid = link.sessions.filter(email__iexact=report.email, status__in=UNPAID, payments=None)
    return unpaid.order_by("-pk").first()


def _tied(
    link: PaymentLink, report: LinkPaymentReport, session: PaymentSession | None, *, checkout_id: str
) -> PaymentSession | None:
    """`session`, or a new one, with the transaction; None where somebody else was first."""
    try:
        with transaction.atomic(durable=True):
            session = session or _written(link, report, checkout_id=checkout_id)
            Payment.objects.create(session=session, gateway=link.gateway, transaction_id=report.transaction_id)
    except IntegrityError:
        logger.info("Transaction %s of link %s was taken over meanwhile", report.transaction_id, link.link_id)
        return None
    return session


def _written(link: PaymentLink, report: LinkPaymentReport, *, checkout_id: str) -> PaymentSession:
    """NEW, as a session whose notification is quicker than the answer that opens it."""
    payer = Payer(first_name="", last_name="", email=report.email, country="", postal_code="")
    if link.amount is None:
        # Only the payment itself tells what it was about, and without fees.
        link.amount = max(get_gateway(link.gateway).look_up(report.transaction_id).net or 0, 1)
    quote = quote_of(link, payer, site=None, language="")
    logger.info("Transaction %s of link %s was not begun here", report.transaction_id, link.link_id)
    return PaymentSession.objects.create(
        link=link,
        gateway=link.gateway,
        quote=quote.model_dump(mode="json"),
        fingerprint=fingerprint(quote),
        reuse_key=hashlib.sha256(f"transaction:{report.transaction_id}".encode()).hexdigest(),
        currency=link.currency,
        amount=link.amount,
        order_number=new_reference("L"),
        email=report.email,
        checkout_id=checkout_id,
    )
