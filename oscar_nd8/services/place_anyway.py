"""A member of staff decides that a held payment becomes its order after all."""

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from oscar_nd8.exceptions import DecisionRefused, ProviderError
from oscar_nd8.models import Attention, Payment, PaymentSession, StaffAction
from oscar_nd8.services.adopt_refund import adopt_refunds
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.lock_matter import lock_matter
from oscar_nd8.services.move_session import lock_session, move_session
from oscar_nd8.services.place_order import place_order
from oscar_nd8.services.record_action import record_action
from oscar_nd8.services.settle import settle
from oscar_nd8.services.settle_refund import CLOCKS_APART, finish_refunds
from oscar_nd8.shop.given_back import currency_of, going_back, is_given_back, newest_refund, who_asked
from oscar_nd8.states import PaymentState, SessionStatus

__all__ = ["place_anyway"]

logger = logging.getLogger("oscar_nd8")


def place_anyway(matter: Attention, *, by: Any, seen: int, seen_refund: int | None = None) -> PaymentSession:
    """The session of a HELD matter, placed as the user `by` decided; HELD again with its new reason if it cannot be.

    ND8 is asked first: without money there is no order. Of what went back in part the order's ledger tells. `seen` is
    explained at `lock_matter`; `seen_refund` is the id of the session's newest refund that whoever decides knew of, 0
    for none. Raises DecisionRefused, a sentence for staff. Must not run in a transaction: the order is placed in
    Oscar's own.
    """
    session = matter.session
    if session is None or matter.kind != Attention.Kind.HELD:
        raise DecisionRefused(_("This matter is not about an order that waits to be placed."))
    try:
        settle(session)
        _find_refunds(session)
    except ProviderError as error:
        raise DecisionRefused(
            _("ND8 could not be asked whether the money is still there, so nothing was done. Please try again soon.")
        ) from error
    _decide(matter, session, by=by, seen=seen, seen_refund=seen_refund)
    session.refresh_from_db()
    try:
        place_order(session, list(Payment.of(session)))
        finish_refunds(session)
    except Exception as error:  # a shop's own order code may raise anything, and staff must hear of it
        logger.exception("Session %s could not be placed as staff decided", session.order_number)
        # Does nothing where the order stands, and only its mail or its ledger is late: those are made up for.
        hold_session(session, f"Staff decided to place the order, and the shop failed: {type(error).__name__}: {error}")
    session.refresh_from_db()
    return session


def _find_refunds(session: PaymentSession) -> None:
    """Take over what went back in part and was never told: of the payment itself ND8 says nothing but "paid"."""
    for payment in session.payments.filter(state=PaymentState.PAID):
        adopt_refunds(payment, since=session.created_at - CLOCKS_APART)


def _decide(matter: Attention, session: PaymentSession, *, by: Any, seen: int, seen_refund: int | None) -> None:
    """Back to PAID, which is the one way to an order, and who said so."""
    with transaction.atomic(durable=True):
        session = lock_session(session.pk)
        matter = lock_matter(matter.pk, seen=seen)
        if session.status != SessionStatus.HELD:
            raise DecisionRefused(
                _("This payment is not held any more; it is now: %(status)s. Nothing was changed.")
                % {"status": session.status_label}
            )
        _require_money(session)
        _require_seen(session, seen_refund)
        move_session(session.pk, SessionStatus.PAID, reason="Staff decided that the order is placed.")
        # What was overruled: the matter itself takes a new reason if the order cannot be placed.
        record_action(StaffAction.Verb.PLACE, by=by, session=session, attention=matter, note=matter.detail)


def _require_money(session: PaymentSession) -> None:
    payments = list(session.payments.prefetch_related("refunds"))
    paid = [payment for payment in payments if payment.state == PaymentState.PAID]
    if not paid:
        raise DecisionRefused(
            _(
                "ND8 does not call this payment paid any more; it says: %(state)s. "
                "No order was placed: there is no money for it."
            )
            % {"state": ", ".join(str(payment.get_state_display()) for payment in payments) or _("nothing")}
        )
    if all(is_given_back(payment, surely=False) for payment in paid):
        raise DecisionRefused(
            _("All of this payment is given back to the shopper, or on its way. No order was placed.")
        )
    back = going_back(session)
    if back and {*back, *(currency_of(payment) for payment in paid)} != {session.currency}:
        raise DecisionRefused(
            _(
                "A part of this payment went back in another currency than the order's, or is on its way. The order's "
                "ledger could not show that, so no order was placed. Give the rest back, and let the shopper pay again."
            )
        )


def _require_seen(session: PaymentSession, seen_refund: int | None) -> None:
    """The order is placed in full: whoever decides must know that less than that was left of its money."""
    newest = newest_refund(session)
    if seen_refund is None or newest is None or newest.pk == seen_refund:
        return
    raise DecisionRefused(
        _(
            "Meanwhile a refund of %(amount)s %(currency)s was asked for (%(who)s). No order was placed. "
            "Look at it before you decide."
        )
        % {"amount": newest.amount_major, "currency": newest.currency, "who": who_asked(newest)}
    )
