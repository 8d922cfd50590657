"""From a paid session to its order, exactly once, and to everything a shop expects after it; by link, to its sale."""

import logging
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import JSONField, Value
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
from oscar_nd8.services.move_session import move_session, show_moved
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.services.reschedule import due_once_mailed
from oscar_nd8.shop import ledger
from oscar_nd8.shop.basket import take_out_what_was_bought, when_merged
from oscar_nd8.shop.messages import send_order_mail
from oscar_nd8.shop.orders import AlreadyClaimed, bought_meanwhile, oversold_products, overspent_vouchers, place
from oscar_nd8.shop.quote import Quote
from oscar_nd8.states import DepositState, PaymentState, SessionStatus

__all__ = ["place_order"]

logger = logging.getLogger("oscar_nd8")


def place_order(session: PaymentSession, payments: Sequence[Payment]) -> Sequence[Payment]:
    """Place the order of a PAID session, then book, empty the basket, mail and tell; repeats finish what is missing.

    A quote that cannot be placed any more moves the session to HELD. Other errors leave it PAID for the next try. A
    payment by link has no order: it is SOLD. `payments` are the session's as they were just read, and as they are now
    they are returned. Must not run in a transaction: the order is placed in Oscar's own.
    """
    if session.link_id is not None:
        complete_sale(session)
        return list(Payment.of(session))
    is_placed = session.status == SessionStatus.PLACED
    if is_placed and session.mailed_at is not None and not any(map(_is_to_be_booked, payments)):
        return payments
    quote = Quote.model_validate(session.quote)
    order = _place(session, quote) if session.status == SessionStatus.PAID else None
    if session.status == SessionStatus.PLACED:
        if session.mailed_at is None:
            # The mail is the last of all: who died before it may have died before this, too.
            _notice(session, quote)
        # Read after the session was moved, and after any refund that came before the order was booked without it.
        payments = list(Payment.of(session))
        for payment in filter(_is_to_be_booked, payments):
            _book(payment, session, amount=quote.total.incl)
        if order is not None:
            signals.order_placed.send_robust(sender=PaymentSession, session=session, order=order)
        if session.mailed_at is None:
            _mail(session, payments)
    return payments if session.status == SessionStatus.PLACED else list(Payment.of(session))


@observed("place", lambda order: "not placed" if order is None else "placed")
def _place(session: PaymentSession, quote: Quote) -> Any:
    """The order, or None where somebody else placed it or nobody can."""
    written: dict[str, Any] = {}
    try:
        order = place(
            quote,
            basket_id=session.basket_id,
            order_number=session.order_number,
            claim=partial(_claim, session.pk, written),
            record=partial(_record, session, quote, written),
        )
    except AlreadyClaimed:
        session.refresh_from_db()
        if session.status == SessionStatus.PLACED:
            _close_held(session)
        elif session.status == SessionStatus.PAID:
            # Whoever claims a session leaves PAID with the order: this order is somebody else's.
            _hold(session, f"the order number {session.order_number} is taken by an order that is not this one's.")
        return None
    except QuoteUnplaceable as error:
        _hold(session, str(error))
        return None
    show_moved(session, written)
    logger.info("Session %s placed its order", session.order_number)
    return order


def _hold(session: PaymentSession, problem: str) -> None:
    reason = f"The payment arrived, but the order cannot be written: {problem} Put it right and place it, or refund."
    hold_session(session, reason)
    session.refresh_from_db()


def _claim(session_id: int, written: dict[str, Any]) -> bool:
    """The first statement of Oscar's order transaction: whoever changes this row places the order."""
    written["placed_at"] = timezone.now()
    free = PaymentSession.objects.filter(
        pk=session_id, status=SessionStatus.PAID, order__isnull=True, placed_at__isnull=True
    )
    return bool(free.update(placed_at=written["placed_at"]))


def _record(session: PaymentSession, quote: Quote, written: dict[str, Any], order: object) -> None:
    """Within the same transaction as the order: the session has it, nobody and the shopper's basket wait for it."""
    written.update(move_session(session.pk, SessionStatus.PLACED, order=order))
    if session.status_reason:
        # A person decided; of any other PAID session nobody was told to.
        _close_held(session)
    take_out_what_was_bought(quote, source_id=session.source_basket_id)


def _close_held(session: PaymentSession) -> None:
    close_matters(session, [Attention.Kind.HELD], Attention.Resolution.PLACED)


def _notice(session: PaymentSession, quote: Quote) -> None:
    """What staff should know about this order."""
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
    others = _bought_meanwhile(session, quote) - {session.order_number}
    if others:
        raise_attention(
            session,
            Attention.Kind.BOUGHT_TWICE,
            "While this payment was open, the same shopper also bought this basket, or some of the same goods: order "
            f"{', '.join(sorted(others))}. All orders stand. If that was a mistake, refund one of them.",
        )


def _bought_meanwhile(session: PaymentSession, quote: Quote) -> set[str]:
    """Numbers of orders placed while this session was open: of its basket, whatever was in it, or of its goods."""
    nothing = Value(None, output_field=JSONField())
    found = bought_meanwhile(quote, source_id=session.source_basket_id, since=session.created_at).values_list(
        "number", nothing
    )
    if session.source_basket_id is not None:
        placed = PaymentSession.objects.filter(status=SessionStatus.PLACED, placed_at__gt=session.created_at)
        same = placed.filter(source_basket_id=session.source_basket_id)
        # The basket went on as another one, which the lines tell: they keep their id.
        later = placed.filter(created_at__gte=when_merged(session.source_basket_id))
        found = found.union(
            same.order_by().values_list("order_number", nothing),
            later.order_by().values_list("order_number", "quote__lines"),
            all=True,
        )
    mine = {line.id for line in quote.lines}
    return {str(number) for number, lines in found if lines is None or mine & {line["id"] for line in lines}}


def _is_to_be_booked(payment: Payment) -> bool:
    """Whether its ledger lacks something. Money that came and went is booked with the refunds that took it, or not."""
    given_back = payment.state in {PaymentState.REFUND_PENDING, PaymentState.REFUNDED} and payment.has_refunds
    missing = payment.allocated_at is None or (payment.debited_at is None and _has_arrived(payment))
    return missing and (payment.state == PaymentState.PAID or given_back)


def _has_arrived(payment: Payment) -> bool:
    return payment.deposit in {DepositState.SUCCEEDED, DepositState.NONE}


def _book(payment: Payment, session: PaymentSession, *, amount: Decimal) -> None:
    """Enter `amount` (major units) as promised, and as received where it was; each once, whoever else books it now."""
    now, row, arrived = timezone.now(), Payment.objects.filter(pk=payment.pk), _has_arrived(payment)
    with transaction.atomic(durable=True):
        stamps = {"allocated_at": now, "debited_at": now} if arrived else {"allocated_at": now}
        if row.filter(allocated_at__isnull=True).update(**stamps):
            source_id = ledger.allocate(
                session.order,
                amount=amount,
                currency=session.currency,
                reference=payment.transaction_id,
                source_type=get_settings().SOURCE_TYPE,
                arrived=arrived,
            )
            row.update(source_id=source_id)
            if payment.has_refunds:
                book_earlier_refunds(payment, source_id)
        elif arrived and row.filter(debited_at__isnull=True, source__isnull=False).update(debited_at=now):
            ledger.debit(row.values_list("source_id", flat=True).get(), amount=amount, reference=payment.transaction_id)
    # Whether here or elsewhere: that much is booked by now.
    for name in stamps:
        setattr(payment, name, getattr(payment, name) or now)


def _mail(session: PaymentSession, payments: Sequence[Payment]) -> None:
    row, (due_at, when_mailed) = PaymentSession.objects.filter(pk=session.pk), due_once_mailed(session, payments)
    mailed_at = mail_once(row, lambda: send_order_mail(session.order, language=session.language), due_at=when_mailed)
    if mailed_at is not None:
        session.mailed_at, session.due_at = mailed_at, due_at
