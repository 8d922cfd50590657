"""One answer of the provider about a refund, written down: matched to ours, adopted, or dropped for a newer one."""

import logging
from datetime import datetime

from django.db import transaction

from oscar_nd8.gateway import RefundReport, new_reference
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund
from oscar_nd8.money import to_major
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.close_refunded import close_refunded
from oscar_nd8.services.move_refund import move_refund
from oscar_nd8.services.move_session import lock_session
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.services.release_refund import release_refund
from oscar_nd8.shop.given_back import currency_of, excess, is_given_back, paid_amount
from oscar_nd8.states import MOVED_NOTHING, RefundStatus

__all__ = ["record_refund", "tell_failed"]

logger = logging.getLogger("oscar_nd8")


def record_refund(payment: Payment, report: RefundReport, *, asked_at: datetime) -> Refund | None:
    """The row that `report` is about, as it says; one that was made elsewhere gets a row of its own.

    `report` must be about `payment`. Nothing is booked here. Raises nothing for what does not add up: staff are
    told, and what the provider says is kept. None for a refund of nothing that is not known here.
    """
    with transaction.atomic(durable=True):
        session = lock_session(payment.session_id)
        refund = _known(payment, report)
        if refund is None and report.amount > 0:
            refund = _adopt(payment, report)
        if refund is None:
            return None
        if refund.payment_id != payment.pk or report.amount <= 0:
            _notice(session, refund, _elsewhere(report))
            return refund
        asked_for, was = _money(refund.amount, refund.currency), refund.state
        moved = move_refund(
            refund,
            report.status,
            asked_at=asked_at,
            refund_id=report.refund_id,
            raw_status=report.raw_status,
            currency=report.currency,
            amount=report.amount,
            reason=_ended(report) if report.status in MOVED_NOTHING else "",
        )
        refund.refresh_from_db()
        if refund.asked_at != asked_at:
            return _contradicted(session, refund, report, asked_at=asked_at)
        if moved:
            logger.info("Refund %s was %s and is %s", refund.reference, was, refund.status)
            if report.status in MOVED_NOTHING:
                tell_failed(session, refund)
            elif report.status is RefundStatus.COMPLETED:
                close_matters(
                    session, [Attention.Kind.REFUND_FAILED], Attention.Resolution.BY_ITSELF, subject=refund.reference
                )
                close_refunded(session)
        _check(session, refund, asked_for=asked_for)
    return refund


def tell_failed(session: PaymentSession, refund: Refund) -> None:
    """Tell staff and other people's code that a refund ended without moving money. Call it where its status moved."""
    # Where all the money went back after all, asking for it again would give it back twice.
    if not is_given_back(refund.payment, surely=True):
        raise_attention(
            session,
            Attention.Kind.REFUND_FAILED,
            f"The refund of {_money(refund.amount, refund.currency)} did not go through: {refund.status_reason} "
            "The customer did not get this money. Ask for it again.",
            subject=refund.reference,
        )
    release_refund(refund)


def _ended(report: RefundReport) -> str:
    return f"ND8 took the request, and then called it “{report.raw_status}”."


def _known(payment: Payment, report: RefundReport) -> Refund | None:
    known = Refund.objects.filter(gateway=payment.gateway, refund_id=report.refund_id).first()
    if known is None and report.reference:
        # The answer that would have told the id was lost, or is still on its way.
        known = Refund.objects.filter(payment=payment, reference=report.reference, refund_id="").first()
    return known


def _adopt(payment: Payment, report: RefundReport) -> Refund:
    logger.info("Refund %s of %s was not made here", report.refund_id, payment.transaction_id)
    return Refund.objects.create(
        payment=payment,
        gateway=payment.gateway,
        refund_id=report.refund_id,
        reference=new_reference(),
        origin=Refund.Origin.PROVIDER,
        currency=report.currency,
        amount=report.amount,
        reason=report.reason,
    )


def _contradicted(session: PaymentSession, refund: Refund, report: RefundReport, *, asked_at: datetime) -> Refund:
    """An answer that was not taken: an older one, or one that takes a completed refund back."""
    newer = refund.asked_at is None or refund.asked_at < asked_at
    if newer and refund.status == RefundStatus.COMPLETED and report.status in MOVED_NOTHING:
        _notice(
            session,
            refund,
            f"ND8 called this refund completed, and now calls it {report.raw_status}. It is still booked as given "
            "back. Compare with ND8's dashboard, and correct the order's ledger by hand if the money never left.",
        )
    return refund


def _check(session: PaymentSession, refund: Refund, *, asked_for: str) -> None:
    """Whether what ND8 says about a refund can be right. It is kept all the same: the money is there."""
    if refund.status in MOVED_NOTHING:
        return
    payment, is_now = refund.payment, _money(refund.amount, refund.currency)
    if refund.origin == Refund.Origin.SHOP and is_now != asked_for and not refund.parts.get("everything"):
        _notice(session, refund, f"{asked_for} were to be given back, and ND8 says {is_now}.")
    if refund.currency != currency_of(payment):
        _notice(
            session,
            refund,
            f"ND8 says that {is_now} go back for a payment in {currency_of(payment)}, which cannot be right. It is not "
            "booked, and the customer is not told. Compare with ND8's dashboard. If it is real, book it by hand and "
            "write to the customer.",
        )
        return
    too_much = excess(payment)
    if too_much:
        paid = paid_amount(payment) or 0
        raise_attention(
            session,
            Attention.Kind.REFUND_EXCESS,
            f"With this refund of {is_now}, {_money(paid + too_much, payment.currency)} go back of "
            f"{_money(paid, payment.currency)} that were paid, which cannot be right. Compare with ND8's dashboard; "
            "what is too much is not booked.",
            subject=refund.reference,
        )


def _elsewhere(report: RefundReport) -> str:
    return (
        f"ND8 says about refund {report.refund_id}: {_money(report.amount, report.currency)} for transaction "
        f"{report.transaction_id}. That does not fit what is known here, and nothing was changed. "
        "Compare with ND8's dashboard."
    )


def _notice(session: PaymentSession, refund: Refund, detail: str) -> None:
    raise_attention(session, Attention.Kind.REFUND_ODD, detail, subject=refund.reference)


def _money(amount: int, currency: str) -> str:
    return f"{to_major(amount, currency)} {currency}"
