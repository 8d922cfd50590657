"""From a quote to a page where it can be paid: reuse the open session of the same quote, or begin a new one."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import NotOffered, NotReusable, ProviderError
from oscar_nd8.gateway import Gateway, ReturnAddresses, get_gateway
from oscar_nd8.lines import Item, itemise
from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.prepared import insert, rows_of
from oscar_nd8.services.close_session import close_session, give_up_preparing
from oscar_nd8.services.move_session import move_session, show_moved
from oscar_nd8.services.settle import settle
from oscar_nd8.services.why_not_offered import why_not_offered
from oscar_nd8.shop.frozen_copy import copy_frozen
from oscar_nd8.shop.orders import next_order_number
from oscar_nd8.shop.quote import Payer, Quote, fingerprint, minor_total, parts_of, payer_of
from oscar_nd8.states import UNFINISHED, PaymentState, SessionStatus
from oscar_nd8.wording import BEING_PREPARED, as_written

__all__ = ["OpenCheckout", "open_checkout"]

logger = logging.getLogger("oscar_nd8")

# A page that closes while the shopper looks for a card helps nobody.
USEFUL_LIFETIME = timedelta(minutes=2)
# A payment takes minutes; one that takes longer must not keep the shopper from buying.
UNDER_WAY_AT_MOST = timedelta(hours=1)
POLL_SECONDS = 0.1
# Nobody pays sooner on a hosted page, least of all before its address is known. A gateway that charges while it begins
# would need a look each time; without one, its notification waits for the return or for the next run.
PAID_SOONEST = 1.0  # seconds
# Those that can still be paid, and those that were and have no order yet.
USABLE = [SessionStatus.NEW, SessionStatus.OPEN, SessionStatus.PAID, SessionStatus.HELD]


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    """A session that the shopper is sent to. Of one just opened is known that no payment of it is under way."""

    session: PaymentSession
    may_be_under_way: bool


@dataclass(frozen=True, slots=True)
class _Page:
    reuse_key: str
    status: str
    expires_at: datetime | None

    def is_open_at(self, moment: datetime) -> bool:
        opens = self.status in {SessionStatus.NEW, SessionStatus.OPEN}
        return opens and (self.expires_at is None or self.expires_at > moment)


def open_checkout(
    quote: Quote,
    *,
    source_basket_id: int,
    returns: Callable[[PaymentSession], ReturnAddresses],
    pause: Callable[[float], None] = time.sleep,
) -> OpenCheckout:
    """The session at whose `checkout_url` the shopper can pay `quote`; a session already paid is returned as it is.

    Raises NotOffered and NotReusable (sentences for the shopper: never, and not now), and what `Gateway.begin`
    raises. Must not run in a transaction: the provider is called between two of its own.
    """
    payer, items = _payer(quote), _items(quote)
    mark = fingerprint(quote)
    reuse_key = hashlib.sha256(f"{source_basket_id}:{mark}".encode()).hexdigest()
    pages = _pages_of(quote, source_basket_id=source_basket_id)
    if any(page.reuse_key == reuse_key for page in pages):
        session = _reusable(reuse_key, pause=pause)
        if session is not None:
            return OpenCheckout(session, may_be_under_way=True)
    _require_few_open(pages)
    try:
        session = _write(quote, mark=mark, reuse_key=reuse_key, source_basket_id=source_basket_id, items=items)
    except IntegrityError as error:
        # Another request of the same double click wrote its row first.
        session = _reusable(reuse_key, pause=pause)
        if session is None:
            raise NotReusable(BEING_PREPARED) from error
        return OpenCheckout(session, may_be_under_way=True)
    return _begin(session, get_gateway(session.gateway), items=items, payer=payer, returns=returns(session))


def _payer(quote: Quote) -> Payer:
    payer = payer_of(quote)
    if payer is None:
        raise NotOffered(_("Please tell us your name and country first: ND8 needs them for the payment."))
    if not payer.email:
        raise NotOffered(_("Please tell us your e-mail address first: ND8 needs it for the payment."))
    return payer


def _items(quote: Quote) -> tuple[Item, ...]:
    reason = why_not_offered(total=quote.total.incl, currency=quote.currency)
    if reason:
        raise NotOffered(reason)
    with_tax = get_settings().PRICE_MODE == "TTC"
    total = minor_total(quote, with_tax=with_tax)
    if total <= 0:
        raise NotOffered(_("There is nothing to pay by ND8 for this order."))
    unexplained = _("Other charges")
    items = itemise(
        total,
        parts_of(quote, with_tax=with_tax),
        currency=quote.currency,
        whole_name=_("Your order"),
        other_name=unexplained,
    )
    if any(item.name == unexplained for item in items):
        logger.warning("An order's total is more than its lines, shipping and surcharges: ND8 shows the rest by itself")
    return items


def _reusable(reuse_key: str, *, pause: Callable[[float], None]) -> PaymentSession | None:
    """The session of the same quote that is open or paid; waits a moment for one that is being prepared."""
    waited = 0.0
    while True:
        session = _newest(reuse_key)
        if session is None or session.is_paid or session.can_be_paid_at(timezone.now() + USEFUL_LIFETIME):
            return session
        if session.status == SessionStatus.OPEN:
            _require_no_payment_under_way(session)
            move_session(session.pk, SessionStatus.EXPIRED, reason="The payment page closed before it was used.")
        elif session.created_at < timezone.now() - get_settings().answered_within:
            close_session(session)
        elif waited < get_settings().PREPARE_WAIT:
            pause(POLL_SECONDS)
            waited += POLL_SECONDS
        else:
            raise NotReusable(BEING_PREPARED)


def _newest(reuse_key: str) -> PaymentSession | None:
    money = Payment.objects.filter(session=OuterRef("pk"), state__in=[*UNFINISHED, PaymentState.PAID])
    # Money that went back buys nothing any more: whoever still wants the goods pays anew.
    sessions = PaymentSession.objects.filter(reuse_key=reuse_key, status__in=USABLE)
    return sessions.exclude(Q(status=SessionStatus.HELD) & ~Exists(money)).order_by("-pk").first()


def _require_no_payment_under_way(session: PaymentSession) -> None:
    """A page that closed while ND8 works on a payment made there: another page now could charge twice."""
    lately = session.payments.filter(state__in=UNFINISHED, created_at__gt=timezone.now() - UNDER_WAY_AT_MOST)
    if session.is_under_way() and lately.exists():
        raise NotReusable(
            _(
                "ND8 is still working on your payment for this basket. Please wait for its answer before you pay "
                "again; it can take some minutes, and we write to you when your order is placed."
            )
        )


def _pages_of(quote: Quote, *, source_basket_id: int) -> list[_Page]:
    """The shopper's pages that are not over: most shoppers have none, which one short query tells."""
    return [_Page(*row) for row in rows_of(_pages, source_basket_id=source_basket_id, user_id=quote.user)]


def _pages(source_basket_id: object, user_id: object) -> QuerySet[PaymentSession, tuple[Any, ...]]:
    # No page is of a user who is NULL, as a guest is here.
    theirs = Q(source_basket_id=source_basket_id) | Q(Exact(F("user_id"), user_id))
    sessions = PaymentSession.objects.filter(theirs, status__in=USABLE).order_by()
    return sessions.values_list("reuse_key", "status", "expires_at")


def _require_few_open(pages: list[_Page]) -> None:
    """Each page costs ND8 and the shop something, and each that is open can still be paid."""
    now = timezone.now()
    if sum(page.is_open_at(now) for page in pages) >= get_settings().MAX_OPEN_PAGES:
        raise NotReusable(
            _(
                "You have opened many payment pages in a short time. Please pay on one of them, or try again later, "
                "when they have closed. You have not been charged for any of them unless you paid there."
            )
        )


def _write(
    quote: Quote, *, mark: str, reuse_key: str, source_basket_id: int, items: tuple[Item, ...]
) -> PaymentSession:
    """The session's row and its frozen basket, before the provider hears of it. IntegrityError: another was first."""
    with transaction.atomic(durable=True):
        basket = copy_frozen(quote, source_id=source_basket_id)
        session = PaymentSession(
            quote=quote.model_dump(mode="json"),
            fingerprint=mark,
            reuse_key=reuse_key,
            currency=quote.currency,
            amount=sum(item.quantity * item.unit_amount for item in items),
            order_number=str(next_order_number(basket)),
            email=quote.email,
            language=quote.language,
            user_id=quote.user,
            site_id=quote.site,
            basket=basket,
            source_basket_id=source_basket_id,
            due_at=timezone.now() + get_settings().answered_within,
        )
        insert(session)
        return session


def _begin(
    session: PaymentSession,
    gateway: Gateway,
    *,
    items: tuple[Item, ...],
    payer: Payer,
    returns: ReturnAddresses,
) -> OpenCheckout:
    began = time.monotonic()
    try:
        begun = gateway.begin(items=items, currency=session.currency, payer=payer, returns=returns)
    except (ProviderError, NotOffered) as error:
        # Even if ND8 did open a checkout, nobody knows its address: it cannot be paid.
        give_up_preparing(session, f"ND8 did not open a payment page: {as_written(error)}")
        raise
    opened = move_session(
        session.pk,
        SessionStatus.OPEN,
        checkout_id=begun.checkout_id,
        checkout_url=begun.url,
        expires_at=begun.expires_at,
    )
    if opened:
        show_moved(session, opened)
    else:
        session.refresh_from_db()
        if not session.is_paid:
            raise NotReusable(BEING_PREPARED)
    logger.info("Session %s opened as checkout %s", session.order_number, session.checkout_id)
    transaction.on_commit(partial(signals.session_opened.send_robust, sender=PaymentSession, session=session))
    if time.monotonic() - began < PAID_SOONEST:
        return OpenCheckout(session, may_be_under_way=False)
    return _catch_up(session)


def _catch_up(session: PaymentSession) -> OpenCheckout:
    """A notification about this checkout can be here before its slow answer was: then it found no session."""
    overtook = WebhookEvent.objects.filter(gateway=session.gateway, checkout_id=session.checkout_id)
    if not overtook.exists():
        return OpenCheckout(session, may_be_under_way=False)
    overtook.update(due_at=timezone.now())
    try:
        session = settle(session)
    except ProviderError:
        logger.info("ND8 could not be asked about session %s yet; it is due", session.order_number)
    return OpenCheckout(session, may_be_under_way=True)
