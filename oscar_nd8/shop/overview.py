"""A payment session as staff read it: where it stands and what to do, what it brought in, what is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import Attention, Payment, PaymentSession
from oscar_nd8.states import HOLDS_MONEY, SessionStatus

__all__ = ["STANDINGS", "Attempt", "Overview", "Standing", "Urgency", "attempts_of", "overview_of"]


class Urgency(StrEnum):
    """How urgent a status is; pages colour it, and always name the status in words too."""

    GOOD = "good"
    WAITING = "waiting"
    OVER = "over"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a status means, and what staff do next; a sentence each."""

    urgency: Urgency
    meaning: Any
    advice: Any


STANDINGS: Mapping[SessionStatus, Standing] = {
    SessionStatus.NEW: Standing(
        Urgency.WAITING,
        _("The shopper confirmed the order, and ND8 has not opened a payment page for it yet."),
        _("Nothing to do: within minutes it opens, or ends without a charge."),
    ),
    SessionStatus.OPEN: Standing(
        Urgency.WAITING,
        _("The shopper can pay on ND8's page, and ND8 has not confirmed a payment."),
        _("Nothing to do: it is settled when ND8 says so, and it expires by itself."),
    ),
    SessionStatus.PAID: Standing(
        Urgency.WAITING,
        _("ND8 confirmed the payment, and the order is about to be placed."),
        _("Nothing to do at first: if there is no order in a few minutes, ask ND8 again."),
    ),
    SessionStatus.PLACED: Standing(
        Urgency.GOOD,
        _("ND8 confirmed the payment, and the order was placed as the shopper agreed."),
        _("Nothing to do for the payment: deliver the order."),
    ),
    SessionStatus.SOLD: Standing(
        Urgency.GOOD,
        _("ND8 confirmed the payment of a payment link. Such a sale has no order in this shop."),
        _("Deliver what the link sells; the customer's e-mail is here."),
    ),
    SessionStatus.HELD: Standing(
        Urgency.URGENT,
        _("ND8 reports money for this payment, but no order was placed because something does not add up."),
        _("Read the reason and compare with ND8's dashboard. Then place the order, refund it, or dismiss the matter."),
    ),
    SessionStatus.FAILED: Standing(
        Urgency.OVER,
        _("The payment did not go through: no order was placed, and the shopper was not charged."),
        _("Nothing to do: the shopper's basket is still theirs, and they can try again."),
    ),
    SessionStatus.CANCELED: Standing(
        Urgency.OVER,
        _("The shopper left without paying: no order was placed, and they were not charged."),
        _("Nothing to do: should a payment arrive after all, it is booked and the order is placed."),
    ),
    SessionStatus.EXPIRED: Standing(
        Urgency.OVER,
        _("ND8's page closed before anybody paid: no order was placed, and the shopper was not charged."),
        _("Nothing to do: should a payment arrive after all, it is booked and the order is placed."),
    ),
}

# ND8 gives examples of an attempt's state only; any other word is shown as it came.
_ATTEMPT_LABELS: Mapping[str, Any] = {
    "succeeded": _("Succeeded"),
    "pending": _("Pending"),
    "processing": _("Processing"),
    "requires_payment_method": _("Declined"),
    "failed": _("Failed"),
}


@dataclass(frozen=True, slots=True)
class Overview:
    """`fee` and `net` in major units of the session's currency, over all its payments; None while unknown."""

    session: PaymentSession
    standing: Standing
    fee: Decimal | None
    net: Decimal | None
    matters: list[Attention]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay. `at` is None where ND8 gave no readable time; `message` is the bank's own."""

    state: Any
    at: datetime | None
    method: str
    message: str
    reference: str


def overview_of(session: PaymentSession) -> Overview:
    """`session` with its open matters and money; no query where `with_money_and_matters` fetched it."""
    # A fee is written when ND8 confirmed a plausible payment, so only such payments are added up.
    holding = [payment for payment in session.payments.all() if payment.state in HOLDS_MONEY]
    booked = [payment for payment in holding if payment.fee is not None and payment.net is not None]
    return Overview(
        session=session,
        standing=STANDINGS[session.state],
        fee=sum((payment.fee_major for payment in booked), Decimal()) if booked else None,
        net=sum((payment.net_major for payment in booked), Decimal()) if booked else None,
        matters=[matter for matter in session.attentions.all() if matter.resolved_at is None],
    )


def attempts_of(payment: Payment) -> list[Attempt]:
    """Every attempt of `payment`, newest first."""
    return [
        Attempt(
            state=_ATTEMPT_LABELS.get(attempt["state"], attempt["state"]),
            at=_parsed(attempt["at"]),
            method=attempt["method"],
            message=attempt["message"],
            reference=attempt["reference"],
        )
        for attempt in payment.attempts
    ]


def _parsed(text: str) -> datetime | None:
    """ND8's own time stamp; None where it is missing, malformed, without a zone, or has no time in the shop's."""
    try:
        at = datetime.fromisoformat(text)
        return timezone.localtime(at) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
