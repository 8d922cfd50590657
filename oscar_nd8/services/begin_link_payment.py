"""From a payment link and its customer to a page where it can be paid."""

import hashlib
import logging
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import NoLongerAvailable, NotFound, NotOffered, NotReusable, ProviderError
from oscar_nd8.gateway import ReturnAddresses, new_reference
from oscar_nd8.link_gateway import CURRENCIES, get_link_gateway
from oscar_nd8.models import PaymentLink, PaymentSession
from oscar_nd8.services.close_session import close_session, give_up_preparing
from oscar_nd8.services.move_session import move_session
from oscar_nd8.shop.link_offer import quote_of
from oscar_nd8.shop.quote import Payer, Quote, fingerprint, minor_total
from oscar_nd8.states import SessionStatus
from oscar_nd8.wording import BEING_PREPARED, as_written

__all__ = ["begin_link_payment"]

logger = logging.getLogger("oscar_nd8")

POLL_SECONDS = 0.1


def begin_link_payment(
    link: PaymentLink,
    payer: Payer,
    *,
    form_key: UUID,
    returns: Callable[[PaymentSession], ReturnAddresses],
    language: str = "",
    site: int | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> PaymentSession:
    """The session at whose `checkout_url` the customer can pay; one that is paid already is returned as it is.

    `form_key` is one form's: sending it twice begins one payment. Raises NotOffered and NotReusable (sentences for the
    customer), NoLongerAvailable where nobody can buy by the link any more, and other ProviderErrors. Must not run in a
    transaction: ND8 is called between two of its own.
    """
    if link.availability is not PaymentLink.Availability.OPEN:
        raise NoLongerAvailable(f"Payment link {link.link_id} is {link.availability}.")
    if link.currency not in CURRENCIES:
        raise NotOffered(_("This cannot be paid here, because of its currency."))
    quote = quote_of(link, payer, site=site, language=language)
    key = hashlib.sha256(f"link:{link.pk}:{form_key}:{fingerprint(quote)}".encode()).hexdigest()
    session = _reusable(key, pause=pause)
    if session is not None:
        return session
    try:
        session = _write(link, quote, reuse_key=key)
    except IntegrityError as error:
        # The other request of the same double click wrote its row first.
        session = _reusable(key, pause=pause)
        if session is None:
            raise NotReusable(BEING_PREPARED) from error
        return session
    return _begin(session, link, payer, returns(session))


def _reusable(key: str, *, pause: Callable[[float], None]) -> PaymentSession | None:
    """What the same form began before, if it can be paid or is paid; waits a moment for one that is being prepared."""
    waited = 0.0
    while True:
        session = PaymentSession.objects.filter(reuse_key=key).order_by("-pk").first()
        if session is None or session.is_paid or session.can_be_paid_at(timezone.now()):
            return session
        if session.status == SessionStatus.OPEN:
            move_session(session.pk, SessionStatus.EXPIRED, reason="The payment page closed before it was used.")
        elif session.status != SessionStatus.NEW:
            return None
        elif session.created_at < timezone.now() - get_settings().answered_within:
            close_session(session)
        elif waited < get_settings().PREPARE_WAIT:
            pause(POLL_SECONDS)
            waited += POLL_SECONDS
        else:
            raise NotReusable(BEING_PREPARED)


def _write(link: PaymentLink, quote: Quote, *, reuse_key: str) -> PaymentSession:
    """The session's row, before ND8 hears of it. IntegrityError: another was first."""
    with transaction.atomic(durable=True):
        return PaymentSession.objects.create(
            link=link,
            gateway=link.gateway,
            quote=quote.model_dump(mode="json"),
            fingerprint=fingerprint(quote),
            reuse_key=reuse_key,
            currency=link.currency,
            amount=minor_total(quote, with_tax=True),
            order_number=new_reference("L"),
            email=quote.email,
            language=quote.language,
            site_id=quote.site,
            due_at=timezone.now() + get_settings().answered_within,
        )


def _begin(session: PaymentSession, link: PaymentLink, payer: Payer, returns: ReturnAddresses) -> PaymentSession:
    gateway, asked_at = get_link_gateway(link.gateway), timezone.now()
    try:
        begun = gateway.begin_link(link.link_id, currency=link.currency, payer=payer, returns=returns)
    except (ProviderError, NotOffered) as error:
        # Even if ND8 did open a checkout, nobody knows its address: it cannot be paid.
        give_up_preparing(session, f"ND8 did not open a payment page: {as_written(error)}")
        if isinstance(error, (NoLongerAvailable, NotFound)):
            PaymentLink.objects.filter(pk=link.pk, asked_at__lte=asked_at).update(gone_at=asked_at, due_at=asked_at)
        raise
    opened = move_session(
        session.pk,
        SessionStatus.OPEN,
        checkout_id=begun.checkout_id,
        checkout_url=begun.url,
        expires_at=begun.expires_at,
    )
    session.refresh_from_db()
    if not opened and not session.is_paid:
        raise NotReusable(BEING_PREPARED)
    logger.info("Session %s opened as checkout %s of link %s", session.order_number, session.checkout_id, link.link_id)
    transaction.on_commit(partial(signals.session_opened.send_robust, sender=PaymentSession, session=session))
    return session
