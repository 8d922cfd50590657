"""One answer of the provider about a refund, written down: matched to ours, adopted, or dropped for a newer one."""

import logging
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from oscar_nd8 import signals
from oscar_nd8.gateway import RefundReport, new_reference
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund
from oscar_nd8.money import to_major
from oscar_nd8.services.close_matters import close_matters
from oscar_nd8.services.close_refunded import close_refunded
from oscar_nd8.services.move_refund import move_refund
from oscar_nd8.services.move_session import lock_session
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.shop.refundable import paid_amount
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
    raise_attention(
        session,
        Attention.Kind.REFUND_FAILED,
        _("The refund of %(amount)s did not go through: %(why)s The customer did not get this money. Ask for it again.")
        % {"amount": _money(refund.amount, refund.currency), "why": refund.status_reason},
        subject=refund.reference,
    )
    transaction.on_commit(partial(signals.refund_failed.send_robust, sender=Refund, refund=refund))


def _ended(report: RefundReport) -> str:
    return _("ND8 took the request, and then called it “%(word)s”.") % {"word": report.raw_status}


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
            _(
                "ND8 called this refund completed, and now calls it %(word)s. It is still booked as given back. "
                "Compare with ND8's dashboard, and correct the order's ledger by hand if the money never left."
            )
            % {"word": report.raw_status},
        )
    return refund


def _check(session: PaymentSession, refund: Refund, *, asked_for: str) -> None:
    """Whether what ND8 says about a refund can be right. It is kept all the same: the money is there."""
    is_now = _money(refund.amount, refund.currency)
    if refund.origin == Refund.Origin.SHOP and is_now != asked_for and not refund.parts.get("everything"):
        _notice(
            session,
            refund,
            _("%(asked)s were to be given back, and ND8 says %(now)s.") % {"asked": asked_for, "now": is_now},
        )
    payment = refund.payment
    if payment.currency and refund.currency != payment.currency:
        _notice(
            session,
            refund,
            _("ND8 gave %(now)s back for a payment in %(currency)s. It is not booked. Book it by hand.")
            % {"now": is_now, "currency": payment.currency},
        )
        return
    paid = paid_amount(payment)
    counted = payment.refunds.exclude(status__in=MOVED_NOTHING).filter(currency=payment.currency)
    total = sum(counted.values_list("amount", flat=True))
    if paid is not None and total > paid and refund.status not in MOVED_NOTHING:
        _notice(
            session,
            refund,
            _(
                "With this refund of %(now)s, %(total)s go back of %(paid)s that were paid, which cannot be right. "
                "Compare with ND8's dashboard; what is too much is not booked."
            )
            % {
                "now": is_now,
                "total": _money(total, payment.currency),
                "paid": _money(paid, payment.currency),
            },
        )


def _elsewhere(report: RefundReport) -> str:
    return _(
        "ND8 says about refund %(refund)s: %(amount)s for transaction %(transaction)s. That does not fit what is "
        "known here, and nothing was changed. Compare with ND8's dashboard."
    ) % {
        "refund": report.refund_id,
        "amount": _money(report.amount, report.currency),
        "transaction": report.transaction_id,
    }


def _notice(session: PaymentSession, refund: Refund, detail: str) -> None:
    raise_attention(session, Attention.Kind.REFUND_ODD, detail, subject=refund.reference)


def _money(amount: int, currency: str) -> str:
    return f"{to_major(amount, currency)} {currency}"
