"""What follows money that went back: the ledger, the stock, the order's status, and the customer's mail."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund
from oscar_nd8.services.mail_once import mail_once
from oscar_nd8.services.move_refund import look_again_later
from oscar_nd8.services.move_session import lock_session
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.shop import ledger
from oscar_nd8.shop.given_back import currency_of, is_given_back, paid_amount
from oscar_nd8.shop.messages import send_refund_mail
from oscar_nd8.shop.returned import in_shops_language, move_order, pieces_of, put_back, write_note
from oscar_nd8.states import HOLDS_MONEY, RefundStatus

__all__ = ["book_earlier_refunds", "complete_refund"]

logger = logging.getLogger("oscar_nd8")


def complete_refund(refund: Refund) -> None:
    """Do for a COMPLETED refund what is not done yet: book it once, mail once. Safe to repeat and to race.

    What does not add up is neither booked nor mailed; staff were told. What the order's ledger cannot take, because it
    went back in another currency or somebody deleted the payment's entry, is mailed, and staff are told to book it.
    Raises what sending mail raises, and tries again later.
    """
    look_again_later(refund, now=timezone.now())
    if not _adds_up(refund):
        Refund.objects.filter(pk=refund.pk).update(due_at=None)
    elif _follow_once(refund):
        mail_once(Refund.objects.filter(pk=refund.pk), lambda: send_refund_mail(refund))
        Refund.objects.filter(pk=refund.pk, mailed_at__isnull=False).update(due_at=None)
        refund.refresh_from_db()


def book_earlier_refunds(payment: Payment, source_id: int) -> None:
    """Refunds that were completed while there was no order, entered where the payment's ledger begins.

    Call it in the transaction that writes the Source.
    """
    order = payment.session.order
    for refund in payment.refunds.filter(booked_at__isnull=False).order_by("pk"):
        unbookable = _why_unbookable(refund, payment.session, source_id=source_id)
        if unbookable:
            Refund.objects.filter(pk=refund.pk).update(booked_at=None)
            refund.booked_at = None
            _tell_unbooked(refund, payment.session, unbookable)
        pieces = pieces_of(refund, order)
        _enter(refund, source_id, pieces)
        with in_shops_language():
            write_note(order, _note(refund, pieces), by=refund.asked_by)


def _adds_up(refund: Refund) -> bool:
    """Whether it can be true: in the payment's currency, and with what went back before no more than was paid."""
    payment = refund.payment
    if refund.booked_at is not None:
        return True
    if refund.currency != currency_of(payment):
        return False
    paid = paid_amount(payment)
    booked = payment.refunds.filter(booked_at__isnull=False, currency=refund.currency)
    return paid is None or sum(booked.values_list("amount", flat=True)) + refund.amount <= paid


def _follow_once(refund: Refund) -> bool:
    """Let what belongs to the refund follow exactly once; False where its order's ledger is not begun yet."""
    with transaction.atomic(durable=True):
        session = lock_session(refund.payment.session_id)
        payment = session.payments.get(pk=refund.payment_id)
        if session.order_id is not None and payment.allocated_at is None:
            # The payment's own entry comes first; whoever settles the session writes it.
            PaymentSession.objects.filter(pk=session.pk).update(due_at=timezone.now())
            return False
        if not _adds_up(refund):
            return False
        unbookable = _why_unbookable(refund, session, source_id=payment.source_id)
        if not (_tell_unbooked(refund, session, unbookable) if unbookable else _book(refund)):
            return True
        refund.refresh_from_db()
        if session.order_id is not None:
            _follow(refund, session.order, source_id=payment.source_id)
        transaction.on_commit(partial(signals.refund_completed.send_robust, sender=Refund, refund=refund))
    return True


def _why_unbookable(refund: Refund, session: PaymentSession, *, source_id: int | None) -> str:
    """Why the order's ledger cannot take it, a sentence; "" where it can, or where there is no order and no ledger."""
    if session.order_id is None:
        return ""
    if refund.currency != session.currency:
        return (
            f"The payment was made in {refund.currency}, and the order's ledger is kept in {session.currency}, so the "
            f"refund is not booked in it. Book by hand what it is worth in {session.currency}"
        )
    if source_id is None:
        return (
            "Somebody deleted the payment's entry in the order's ledger, so the refund is not booked. Book it by hand"
        )
    return ""


def _book(refund: Refund) -> bool:
    mine = Refund.objects.filter(pk=refund.pk, status=RefundStatus.COMPLETED, booked_at__isnull=True)
    booked = mine.update(booked_at=timezone.now())
    if booked:
        logger.info("Refund %s is booked", refund.reference)
    return bool(booked)


def _tell_unbooked(refund: Refund, session: PaymentSession, why: str) -> bool:
    """Have staff do by hand what the ledger cannot take; whether they are told now, for the first time."""
    return raise_attention(
        session,
        Attention.Kind.REFUND_ODD,
        f"ND8 gave {refund.amount_major} {refund.currency} back, and the customer is told by mail. {why}, then dismiss "
        "this with a note.",
        subject=refund.reference,
    )


def _follow(refund: Refund, order: Any, *, source_id: int | None) -> None:
    pieces = pieces_of(refund, order)
    _enter(refund, source_id, pieces)
    if refund.restock and pieces:
        _restock(refund, order, pieces)
    with in_shops_language():
        told = [_note(refund, pieces)]
        status = get_settings().REFUND_ORDER_STATUS
        if status and _is_given_back(refund.payment.session):
            told.append(move_order(order, status))
        write_note(order, " ".join(filter(None, told)), by=refund.asked_by)


def _enter(refund: Refund, source_id: int | None, pieces: Mapping[Any, int]) -> None:
    if source_id is None or refund.booked_at is None:
        return  # it was told to staff instead
    reference = refund.refund_id or refund.reference
    ledger.refund(source_id, amount=refund.amount_major, reference=reference, pieces=pieces)


def _restock(refund: Refund, order: Any, pieces: Mapping[Any, int]) -> None:
    earlier: dict[Any, int] = {}
    for other in refund.payment.refunds.filter(booked_at__isnull=False):
        for pk, count in other.parts.get("released", {}).items():
            earlier[int(pk)] = earlier.get(int(pk), 0) + count
    released = put_back(order, pieces, released={line: earlier.get(line.pk, 0) for line in pieces})
    refund.parts = {**refund.parts, "released": {str(line.pk): count for line, count in released.items()}}
    refund.save(update_fields=["parts"])


def _note(refund: Refund, pieces: Mapping[Any, int]) -> str:
    facts = {"amount": refund.amount_major, "currency": refund.currency, "refund": refund.refund_id}
    text = _("%(amount)s %(currency)s given back by ND8 (%(refund)s).") % facts
    if pieces:
        goods = ", ".join(f"{quantity} \N{MULTIPLICATION SIGN} {line.title}" for line, quantity in pieces.items())
        text += " " + (_("Put back into stock: %s.") if refund.restock else _("For: %s.")) % goods
    return f"{text} {_('Reason: %s') % refund.reason}" if refund.reason else text


def _is_given_back(session: PaymentSession) -> bool:
    """Whether nothing of what this session brought in is left."""
    return all(is_given_back(payment, surely=True) for payment in session.payments.filter(state__in=HOLDS_MONEY))
