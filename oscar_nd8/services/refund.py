"""Giving money back: written down first, asked for once, and never more than was paid."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oscar_nd8.exceptions import (
    CredentialsRejected,
    DecisionRefused,
    OutcomeUnknown,
    ProviderUnavailable,
    RequestRejected,
    ScopeMissing,
)
from oscar_nd8.gateway import get_gateway, new_reference
from oscar_nd8.models import Payment, PaymentSession, Refund, StaffAction
from oscar_nd8.money import to_major
from oscar_nd8.observing import observed
from oscar_nd8.services.move_refund import move_refund
from oscar_nd8.services.move_session import lock_session
from oscar_nd8.services.record_action import record_action
from oscar_nd8.services.record_refund import record_refund
from oscar_nd8.services.release_refund import release_refund
from oscar_nd8.shop.given_back import newest_refund, who_asked
from oscar_nd8.shop.refundable import Chosen, Parts, Refundable, amount_of, everything_left, parts_for, refundable_of
from oscar_nd8.states import HOLDS_MONEY, REFUNDED_FROM, RefundStatus, SessionStatus

__all__ = ["preview_refund", "request_refund"]

logger = logging.getLogger("oscar_nd8")

LOST = "ND8's answer was lost: the money may be on its way or not. It is being found out; do not ask again."
NOTHING_HAPPENED = "ND8 could not be reached. No money moved. Please try again in a few minutes."


@observed("refund", lambda refund: refund.status)
def request_refund(
    payment: Payment,
    *,
    reason: str,
    amount: int | None = None,
    chosen: Chosen | None = None,
    everything: bool = False,
    restock: bool = False,
    asked_by: Any = None,
    form_key: UUID | None = None,
    seen: int | None = None,
    seen_status: SessionStatus | None = None,
    clock: Callable[[], datetime] = timezone.now,
) -> Refund:
    """Give back `amount` minor units, what `chosen` is worth, or everything that remains; the refund as ND8 answered.

    With `amount` and `chosen`, the amount counts and `chosen` says what it is for. `reason` is shown to the customer.
    The same `form_key` twice is the same refund. `seen` is the id of the session's newest refund that whoever asks
    knew of, 0 for none; `seen_status` is the session's status that they knew: held, or with its order. Raises
    DecisionRefused, a sentence for staff, before anything is written. After that nothing is raised: REJECTED and FAILED
    say why in `status_reason`, and of UNKNOWN nobody knows yet whether it happened (`settle_refund` finds out). Must
    not run in a transaction: the row is there before ND8 hears of it.
    """
    refund, is_new = _write(
        payment,
        reason=_plain(reason, longest=get_gateway(payment.gateway).reason_length),
        wanted=partial(_wanted, amount=amount, chosen=chosen or Chosen({}), everything=everything),
        restock=restock,
        asked_by=asked_by,
        form_key=form_key,
        seen=seen,
        seen_status=seen_status,
    )
    if is_new:
        _ask(refund, asked_at=clock())
        refund.refresh_from_db()
    return refund


def preview_refund(
    payment: Payment, *, amount: int | None = None, chosen: Chosen | None = None, everything: bool = False
) -> tuple[int, Parts]:
    """What `request_refund` would give back now, in minor units, and what it would be for. Raises as it does."""
    _require_refundable(payment.session, payment)
    return _wanted(refundable_of(payment), amount=amount, chosen=chosen or Chosen({}), everything=everything)


def _write(
    payment: Payment,
    *,
    reason: str,
    wanted: Callable[[Refundable], tuple[int, Parts]],
    restock: bool,
    asked_by: Any,
    form_key: UUID | None,
    seen: int | None,
    seen_status: SessionStatus | None,
) -> tuple[Refund, bool]:
    """The row, and whether it is new. Under the session's lock, so that the sum of all refunds holds."""
    with transaction.atomic(durable=True):
        session = lock_session(payment.session_id)
        if form_key is not None:
            twin = Refund.objects.filter(form_key=form_key).first()
            if twin is not None:
                _require_same(twin, payment)
                return twin, False
        if seen is not None:
            _require_seen(session, seen)
        payment = session.payments.get(pk=payment.pk)
        _require_refundable(session, payment)
        if seen_status is not None and seen_status != session.status:
            raise DecisionRefused(_placed_meanwhile(session))
        refundable = refundable_of(payment)
        amount, parts = wanted(refundable)
        refund = Refund.objects.create(
            payment=payment,
            gateway=payment.gateway,
            reference=new_reference(),
            currency=refundable.currency,
            amount=amount,
            reason=reason,
            parts=parts,
            restock=restock and bool(parts.get("lines")),
            asked_by=asked_by,
            form_key=form_key,
        )
        note = f"{to_major(amount, refund.currency)} {refund.currency}: {reason}"
        record_action(StaffAction.Verb.REFUND, by=asked_by, session=session, refund=refund, note=note)
        logger.info("Refund %s of order %s is asked for", refund.reference, session.order_number)
    return refund, True


def _require_same(twin: Refund, payment: Payment) -> None:
    if twin.payment_id != payment.pk:
        raise DecisionRefused(
            _("This form was used for another payment, and nothing was given back. Please open it again.")
        )


def _require_seen(session: PaymentSession, seen: int) -> None:
    """Two members of staff, one decision: the second is told of the first one's."""
    newest = newest_refund(session)
    if newest is None or newest.pk == seen:
        return
    raise DecisionRefused(
        _(
            "Meanwhile a refund of %(amount)s %(currency)s was asked for (%(who)s). "
            "Nothing was given back by you. Look at it before you try again."
        )
        % {
            "amount": newest.amount_major,
            "currency": newest.currency,
            "who": who_asked(newest),
        }
    )


def _placed_meanwhile(session: PaymentSession) -> str:
    """The only way from one status of which money is given back to another."""
    decision = session.staff_actions.filter(verb=StaffAction.Verb.PLACE).last()
    told = {"number": session.order_number, "who": decision.who if decision else _("the shop")}
    if session.order_id is None:
        return (
            _(
                "Meanwhile %(number)s was accepted as a sale (%(who)s). Nothing was given back by you. "
                "Look at it before you try again."
            )
            % told
        )
    return (
        _(
            "Meanwhile order %(number)s was placed (%(who)s). Nothing was given back by you. "
            "Look at it before you try again."
        )
        % told
    )


def _require_refundable(session: PaymentSession, payment: Payment) -> None:
    if session.status == SessionStatus.PAID:
        raise DecisionRefused(_("The order of this payment is just being placed. Please try again in a minute."))
    if session.status not in REFUNDED_FROM or payment.state not in HOLDS_MONEY:
        raise DecisionRefused(_("ND8 holds no money of this payment, so nothing can be given back."))


def _wanted(refundable: Refundable, *, amount: int | None, chosen: Chosen, everything: bool) -> tuple[int, Parts]:
    """The amount in minor units and what it is for. Raises DecisionRefused where that is not there to be given."""
    if everything == (amount is not None or bool(chosen)):
        raise DecisionRefused(_("Please say how much to give back."))
    if everything:
        return _all_of(refundable)
    if amount is None:
        amount = amount_of(refundable, chosen)
    if amount <= 0:
        raise DecisionRefused(_("The amount to give back must be above zero."))
    if amount > refundable.remaining:
        raise DecisionRefused(
            _("Only %(remaining)s %(currency)s of this payment can still be given back.")
            % {"remaining": refundable.remaining_major, "currency": refundable.currency}
        )
    return amount, parts_for(refundable, chosen, amount=amount) if chosen else {}


def _all_of(refundable: Refundable) -> tuple[int, Parts]:
    if not refundable.may_take_everything:
        raise DecisionRefused(_("Nothing of this payment is left to be given back."))
    # Where only ND8 knows what remains, the least it can be stands in until ND8 says how much it was.
    amount = max(refundable.remaining, 1)
    rest = everything_left(refundable)
    parts = parts_for(refundable, rest, amount=amount) if rest else {}
    return amount, {**parts, "everything": True}


def _plain(reason: str, *, longest: int) -> str:
    """The reason on one line, without characters that nobody sees."""
    text = "".join(filter(str.isprintable, " ".join(reason.split())))
    if not text:
        raise DecisionRefused(_("Please give a reason: the customer is shown it."))
    if len(text) > longest:
        raise DecisionRefused(
            _("The reason is too long: %(longest)d characters fit, and it has %(length)d.")
            % {"longest": longest, "length": len(text)}
        )
    return text


def _ask(refund: Refund, *, asked_at: datetime) -> None:
    """The one call that moves money. Outside of any transaction, and never repeated."""
    payment = refund.payment
    unnamed = refund.parts.get("everything") and not refundable_of(payment).certain
    try:
        report = get_gateway(refund.gateway).refund(
            payment.transaction_id,
            amount=None if unnamed else refund.amount,
            currency=refund.currency,
            reason=refund.reason,
            reference=refund.reference,
        )
    except OutcomeUnknown as error:
        logger.warning("Refund %s: its answer was lost (%s)", refund.reference, error)
        move_refund(refund, RefundStatus.UNKNOWN, asked_at=asked_at, reason=LOST)
    except RequestRejected as error:
        _end(refund, RefundStatus.REJECTED, asked_at=asked_at, reason=_why(error))
    except ProviderUnavailable as error:
        logger.warning("Refund %s could not be asked for: %s", refund.reference, error)
        _end(refund, RefundStatus.FAILED, asked_at=asked_at, reason=NOTHING_HAPPENED)
    else:
        record_refund(payment, report, asked_at=asked_at)


def _end(refund: Refund, status: RefundStatus, *, asked_at: datetime, reason: str) -> None:
    """Whoever asked is told by the answer, so no matter for staff is made of it."""
    if move_refund(refund, status, asked_at=asked_at, reason=reason):
        refund.refresh_from_db()
        release_refund(refund)


def _why(error: RequestRejected) -> str:
    match error:
        case ScopeMissing():
            return (
                "ND8 does not let this shop give money back: its API key lacks the scope "
                f"{error.scope or 'refunds:write'}. No money moved. Ask whoever runs the shop to grant it in ND8's "
                "dashboard."
            )
        case CredentialsRejected():
            return "ND8 does not accept the shop's API key. No money moved. Ask whoever runs the shop to check the key."
        case _:
            return f"ND8 refused, and no money moved. It says: {error.detail or error}"
