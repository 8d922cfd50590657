"""From a paid session to its order, exactly once, and to everything a shop expects after it; by link, to its sale."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import QuoteUnplaceable
from oscar_nd8.models import Attention, Payment, PaymentSession
from oscar_nd8.observing import observed
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.complete_refund import book_earlier_refunds
from oscar_nd8.services.complete_sale import complete_sale
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.mail_once import mail_once
from oscar_nd8.services.move_session import move_session
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.shop import ledger
from oscar_nd8.shop.basket import take_out_what_was_bought, when_merged
from oscar_nd8.shop.messages import send_order_mail
from oscar_nd8.shop.orders import AlreadyClaimed, bought_meanwhile, oversold_products, overspent_vouchers, place
from oscar_nd8.shop.quote import Quote
from oscar_nd8.states import DepositState, PaymentState, SessionStatus

__all__ = ["place_order"]

logger = logging.getLogger("oscar_nd8")


def place_order(session: PaymentSession) -> None:
    """Place the order of a PAID session, then book, empty the basket, mail and tell; repeats finish what is missing.

    A quote that cannot be placed any more moves the session to HELD. Other errors leave it PAID for the next try. A
    payment by link has no order: it is SOLD. Must not run in a transaction: the order is placed in Oscar's own.
    """
    if session.link_id is not None:
        complete_sale(session)
        return
    order = _place(session) if session.status == SessionStatus.PAID else None
    if session.status == SessionStatus.PLACED:
        if session.mailed_at is None:
            # The mail is the last of all: who died before it may have died before this, too.
            _notice(session)
        _book(session)
        if order is not None:
            signals.order_placed.send_robust(sender=PaymentSession, session=session, order=order)
        _mail(session)


@observed("place", lambda order: "not placed" if order is None else "placed")
def _place(session: PaymentSession) -> Any:
    """The order, or None where somebody else placed it or nobody can."""
    quote = Quote.model_validate(session.quote)
    try:
        order = place(
            quote,
            basket_id=session.basket_id,
            order_number=session.order_number,
            claim=partial(_claim, session.pk),
            record=partial(_record, session, quote),
        )
    except AlreadyClaimed:
        session.refresh_from_db()
        if session.status == SessionStatus.PAID:
            # Whoever claims a session leaves PAID with the order: this order is somebody else's.
            _hold(session, f"the order number {session.order_number} is taken by an order that is not this one's.")
        return None
    except QuoteUnplaceable as error:
        _hold(session, str(error))
        return None
    session.refresh_from_db()
    logger.info("Session %s placed its order", session.order_number)
    return order


def _hold(session: PaymentSession, problem: str) -> None:
    reason = f"The payment arrived, but the order cannot be written: {problem} Put it right and place it, or refund."
    hold_session(session, reason)
    session.refresh_from_db()


def _claim(session_id: int) -> bool:
    """The first statement of Oscar's order transaction: whoever changes this row places the order."""
    return bool(
        PaymentSession.objects.filter(
            pk=session_id, status=SessionStatus.PAID, order__isnull=True, placed_at__isnull=True
        ).update(placed_at=timezone.now())
    )


def _record(session: PaymentSession, quote: Quote, order: object) -> None:
    """Within the same transaction as the order: the session has it, nobody and the shopper's basket wait for it."""
    move_session(session.pk, SessionStatus.PLACED, order=order)
    close_matters(session, [Attention.Kind.HELD], Attention.Resolution.PLACED)
    take_out_what_was_bought(quote, source_id=session.source_basket_id)


def _notice(session: PaymentSession) -> None:
    """What staff should know about this order."""
    quote = Quote.model_validate(session.quote)
    oversold = oversold_products(quote)
    if oversold:
        raise_attention(
            session,
            Attention.Kind.OVERSOLD,
            f"Sold beyond stock while the shopper was paying: {', '.join(oversold)}. "
            "The order stands as agreed. Restock, or refund what cannot be delivered.",
        )
    overspent = overspent_vouchers(quote)
    if overspent:
        raise_attention(
            session,
            Attention.Kind.VOUCHER_OVERSPENT,
            f"Used beyond their limit while shoppers were paying: {', '.join(overspent)}. "
            "The order stands as agreed and paid. Talk to the shopper if it looks like abuse.",
        )
    others = bought_meanwhile(quote, source_id=session.source_basket_id, since=session.created_at)
    others |= _twins(session, quote)
    others.discard(session.order_number)
    if others:
        raise_attention(
            session,
            Attention.Kind.BOUGHT_TWICE,
            "While this payment was open, the same shopper also bought this basket, or some of the same goods: order "
            f"{', '.join(sorted(others))}. All orders stand. If that was a mistake, refund one of them.",
        )


def _twins(session: PaymentSession, quote: Quote) -> set[str]:
    """Order numbers of the sessions of the same basket that were placed while this one was open, whatever was in it."""
    if session.source_basket_id is None:
        return set()
    placed = PaymentSession.objects.filter(status=SessionStatus.PLACED, placed_at__gt=session.created_at)
    same = set(placed.filter(source_basket_id=session.source_basket_id).values_list("order_number", flat=True))
    merged_at = when_merged(session.source_basket_id)
    if merged_at is None:
        return same
    # The basket went on as another one, which the lines tell: they keep their id.
    mine = {line.id for line in quote.lines}
    later = placed.filter(created_at__gte=merged_at).values_list("order_number", "quote__lines")
    return same | {number for number, lines in later.iterator() if mine & {line["id"] for line in lines}}


def _book(session: PaymentSession) -> None:
    settings = get_settings()
    quote = Quote.model_validate(session.quote)
    # Money that came and went is booked with the refunds that took it, or not at all.
    given_back = Q(state__in=[PaymentState.REFUND_PENDING, PaymentState.REFUNDED], refunds__isnull=False)
    for payment in session.payments.filter(
        Q(allocated_at__isnull=True) | Q(debited_at__isnull=True), Q(state=PaymentState.PAID) | given_back
    ).distinct():
        with transaction.atomic(durable=True):
            now = timezone.now()
            unbooked = Payment.objects.filter(pk=payment.pk, allocated_at__isnull=True)
            if unbooked.update(allocated_at=now):
                source_id = ledger.allocate(
                    session.order,
                    amount=quote.total.incl,
                    currency=session.currency,
                    reference=payment.transaction_id,
                    source_type=settings.SOURCE_TYPE,
                )
                Payment.objects.filter(pk=payment.pk).update(source_id=source_id)
                book_earlier_refunds(payment, source_id)
            arrived = payment.deposit in {DepositState.SUCCEEDED, DepositState.NONE}
            undebited = Payment.objects.filter(pk=payment.pk, debited_at__isnull=True, source__isnull=False)
            if arrived and undebited.update(debited_at=now):
                source_id = Payment.objects.values_list("source_id", flat=True).get(pk=payment.pk)
                ledger.debit(source_id, amount=quote.total.incl, reference=payment.transaction_id)


def _mail(session: PaymentSession) -> None:
    row = PaymentSession.objects.filter(pk=session.pk)
    mail_once(row, lambda: send_order_mail(session.order, language=session.language))
