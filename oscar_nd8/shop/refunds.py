"""Refunds as staff read them: what each state means for the customer's money, who finds which, and what each is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import ValidationError

from oscar_nd8.models import PaymentSession, Refund, StaffAction
from oscar_nd8.money import to_major
from oscar_nd8.shop.overview import Urgency
from oscar_nd8.shop.quote import Quote, payer_of
from oscar_nd8.shop.refundable import Refundable, RefundableCharge, refundables_of
from oscar_nd8.shop.searching import refunds_mentioning
from oscar_nd8.shop.sessions import local_moment, sessions_seen_by
from oscar_nd8.states import HOLDS_MONEY, REFUNDED_FROM, RefundStatus

__all__ = [
    "REFUND_STANDINGS",
    "RefundStanding",
    "Refunds",
    "all_refunds",
    "askers_of",
    "can_refund",
    "charge_named",
    "matching_refunds",
    "money_of",
    "names_of",
    "payer_named",
    "refunded_of",
    "refunds_of",
    "refunds_seen_by",
]

Refunds = QuerySet[Refund]
R = RefundStatus


@dataclass(frozen=True, slots=True)
class RefundStanding:
    """What a state means for the customer's money, and what staff do; a sentence each."""

    urgency: Urgency
    money: Any
    advice: Any


REFUND_STANDINGS: Mapping[RefundStatus, RefundStanding] = {
    R.REQUESTED: RefundStanding(
        Urgency.WAITING,
        gettext_lazy("ND8 is being asked right now. Until it answers, nobody knows whether the money moves."),
        gettext_lazy("Wait for the answer. Do not refund again."),
    ),
    R.UNKNOWN: RefundStanding(
        Urgency.URGENT,
        gettext_lazy("The answer was lost: the money may be on its way or not. We are finding out."),
        gettext_lazy("Do not refund again. As soon as it is known, it is shown here."),
    ),
    R.PROCESSING: RefundStanding(
        Urgency.WAITING,
        gettext_lazy("ND8 accepted the refund: the money is on its way to the customer."),
        gettext_lazy("Nothing to do: ND8 tells us when it is through."),
    ),
    R.COMPLETED: RefundStanding(
        Urgency.GOOD,
        gettext_lazy("ND8 confirmed it: the money went back to the customer."),
        gettext_lazy("Nothing to do."),
    ),
    R.FAILED: RefundStanding(
        Urgency.URGENT,
        gettext_lazy("The refund did not go through: nothing was refunded, the customer did not get this money."),
        gettext_lazy("Read the reason, then refund again or pay back another way."),
    ),
    R.REJECTED: RefundStanding(
        Urgency.URGENT,
        gettext_lazy("ND8 refused the refund: nothing was refunded, the customer did not get this money."),
        gettext_lazy("Read the reason and put it right, then refund again or pay back another way."),
    ),
}


def can_refund(session: PaymentSession) -> bool:
    """Whether `session` is in a state to be refunded at all; no query where its payments were fetched with it."""
    return session.status in REFUNDED_FROM and any(payment.state in HOLDS_MONEY for payment in session.payments.all())


def money_of(session: PaymentSession, *, refunds: Sequence[Refund] | None = None) -> list[Refundable]:
    """Where the money of each payment of `session` is; empty where another version wrote what was agreed."""
    try:
        return refundables_of(session, refunds=refunds)
    except ValidationError:
        return []


def refunds_of(session: PaymentSession) -> Refunds:
    """Every refund of `session` with who asked for it as `asker`, newest first."""
    return _with_asker(Refund.objects.filter(payment__session=session)).select_related("payment")


def all_refunds() -> Refunds:
    """With what a list shows of them, and who asked as `asker`. Newest first."""
    # Quotes are the bulk of a session's row, and no list shows them.
    refunds = Refund.objects.select_related("payment__session__order").defer(
        "payment__session__quote", "payment__session__checkout_url", "payment__attempts"
    )
    return _with_asker(refunds)


def refunds_seen_by(user: Any) -> Refunds:
    """All for shop staff; for partners' staff those of the payments that they may see."""
    refunds = all_refunds()
    return refunds if user.is_staff else refunds.filter(payment__session__in=sessions_seen_by(user).values("pk"))


def _with_asker(refunds: Refunds) -> Refunds:
    # Who asked is kept beside the account, which can be deleted.
    asked = StaffAction.objects.filter(refund=OuterRef("pk"), verb=StaffAction.Verb.REFUND)
    return refunds.annotate(asker=Subquery(asked.values("user_name")[:1]))


def askers_of(refunds: Refunds) -> list[tuple[str, str]]:
    """Who asked for any of `refunds`, as choices: the account's id and its address, in alphabetical order."""
    User: Any = get_user_model()
    people = User.objects.filter(pk__in=refunds.order_by().values("asked_by")).order_by(User.get_email_field_name())
    return [(str(user.pk), user.get_full_name() or user.email or user.get_username()) for user in people]


def matching_refunds(
    refunds: Refunds,
    *,
    search: str = "",
    status: str = "",
    asked_by: str = "",
    date_from: date | None = None,
    date_to: date | None = None,
) -> Refunds:
    """Those that meet every given condition. Days are the shop's, and both ends are included.

    `asked_by` is an account's id, or the Origin of refunds that nobody here asked for.
    """
    if search:
        refunds = refunds.filter(refunds_mentioning(search, seen=refunds))
    if status:
        refunds = refunds.filter(status=status)
    if asked_by == Refund.Origin.PROVIDER:
        refunds = refunds.filter(origin=asked_by)
    elif asked_by:
        refunds = refunds.filter(asked_by__pk=asked_by)
    if date_from is not None:
        refunds = refunds.filter(created_at__gte=local_moment(date_from, time.min))
    if date_to is not None:
        refunds = refunds.filter(created_at__lte=local_moment(date_to, time.max))
    return refunds


def refunded_of(session: PaymentSession) -> Decimal:
    """What went back of all payments of `session`, in major units; no query where `payments__refunds` was fetched."""
    refunds = [refund for payment in session.payments.all() for refund in payment.refunds.all()]
    # What ND8 gives back in another currency is a matter, and no part of this sum.
    done = [each for each in refunds if each.status == R.COMPLETED and each.currency == session.currency]
    return to_major(sum(refund.amount for refund in done), session.currency)


def payer_named(session: PaymentSession) -> str:
    """Whose money it is, by name and e-mail, as the order has them."""
    try:
        payer = payer_of(Quote.model_validate(session.quote))
    except ValidationError:
        payer = None
    names = dict.fromkeys([payer.first_name, payer.last_name]) if payer else {}
    name = " ".join(filter(None, names)) or (session.user.get_full_name() if session.user else "")
    return f"{name} ({session.email})" if name and session.email else name or session.email or _("somebody unknown")


def charge_named(charge: RefundableCharge) -> str:
    """What was charged besides goods: a shipping method's own name often says too little."""
    return _("Shipping: %(name)s") % {"name": charge.name} if charge.key == "shipping" else charge.name


def names_of(parts: Mapping[str, Any], refundable: Refundable) -> list[str]:
    """What a refund's `parts` are, in words, like two mugs and their shipping."""
    titles = {line.key: line.title for line in refundable.lines}
    charges = {charge.key: charge_named(charge) for charge in refundable.charges}
    chosen = [(part["quantity"], titles[key]) for key, part in parts.get("lines", {}).items() if key in titles]
    lines = [f"{quantity} × {title}" for quantity, title in chosen]  # noqa: RUF001  # as prices are written
    return lines + [charges[key] for key in parts.get("charges", {}) if key in charges]
