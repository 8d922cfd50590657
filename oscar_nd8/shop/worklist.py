"""What staff have to decide: which matters they find, what each means for the shopper's money, what can be done."""

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import Attention, StaffAction
from oscar_nd8.shop.searching import matters_mentioning
from oscar_nd8.shop.sessions import local_moment, sessions_seen_by
from oscar_nd8.states import PaymentState, SessionStatus

__all__ = [
    "EXPLANATIONS",
    "Explanation",
    "Openness",
    "actions_about",
    "all_matters",
    "can_dismiss",
    "can_place",
    "count_open",
    "explanation_of",
    "last_decision",
    "matching_matters",
    "matters_seen_by",
]

Matters = QuerySet[Attention]
K = Attention.Kind


class Openness(StrEnum):
    """Whether a matter still waits for somebody."""

    OPEN = "open"
    SETTLED = "settled"


class Explanation(NamedTuple):
    """What a kind of matter means for the shopper's money, and what staff do; a sentence or two each."""

    money: Any
    advice: Any


EXPLANATIONS: Mapping[Attention.Kind, Explanation] = {
    K.HELD: Explanation(
        _("The shopper was charged and has no order. The shop asked them not to pay again."),
        _(
            "Read the reason and compare with ND8's dashboard. Then place the order, or refund the payment. "
            "Dismiss it only if neither is needed any more."
        ),
    ),
    K.OVERSOLD: Explanation(
        _("The shopper paid what they agreed to and has their order."),
        _("Restock and deliver, or refund what you cannot deliver."),
    ),
    K.PAID_TWICE: Explanation(
        _("The shopper was charged more than once for one order."),
        _("Refund the surplus, then dismiss this with a note."),
    ),
    K.BOUGHT_TWICE: Explanation(
        _("The shopper bought the same basket, or some of the same goods, more than once, and has all the orders."),
        _("Ask the shopper. Refund one of the orders if it was a mistake, and deliver the rest."),
    ),
    K.MONEY_LOST: Explanation(
        _("The order stands, but its money may not have stayed: the shopper may not have been charged in the end."),
        _("Do not ship before you have looked at the payment in ND8's dashboard."),
    ),
    K.VOUCHER_OVERSPENT: Explanation(
        _("The shopper paid the reduced price that they agreed to and has their order."),
        _("Nothing has to be done. Talk to the shopper if it looks like abuse."),
    ),
    K.CLAIMED_ELSEWHERE: Explanation(
        _("The payment is booked once, for the other order. Here nothing was booked."),
        _("Ask ND8 which checkout this transaction paid."),
    ),
    K.UNKNOWN_CHECKOUT: Explanation(
        _("ND8 may have charged somebody, for a checkout that this shop never made. Nothing was booked."),
        _("Look in ND8's dashboard whose payment it is, and whether another shop uses the same account."),
    ),
    K.UNANSWERED: Explanation(
        _("Nobody here knows whether this money arrived. What ND8 said last is kept, and it is not asked any more."),
        _(
            "Look at the transaction in ND8's dashboard. If it ended there, ask ND8 again on the payment's page; then "
            "dismiss this with a note."
        ),
    ),
    K.UNPROCESSED: Explanation(
        _("Nobody here knows what became of this money: somebody may have paid and have no order, or no refund."),
        _(
            "Look at it in ND8's dashboard, and show the reason to whoever runs the shop. The shop keeps trying; if it "
            "has given up, ask ND8 again on the payment's page. This settles by itself as soon as it succeeds."
        ),
    ),
    K.REFUND_FAILED: Explanation(
        _("The shopper has not got this money back. No refund was booked."),
        _("Read the reason, then refund again or pay back another way."),
    ),
    K.REFUND_ODD: Explanation(
        _("ND8 shows a refund that does not fit what was paid or agreed. The reason says whether it was booked."),
        _("Compare with ND8's dashboard, and correct the ledger by hand if the refund is real."),
    ),
    K.REFUND_EXCESS: Explanation(
        _("By what ND8 says, the customer gets more back than they paid. What is too much was not booked."),
        _("Compare with ND8's dashboard. Should one of the refunds fail after all, this settles by itself."),
    ),
}
_GOING_BACK = Explanation(
    _("The shopper was charged and gets the money back. They have no order."),
    _(
        "There is nothing to place. If the shopper still wants the goods, they must pay again. "
        "Dismiss this with a note."
    ),
)
_PLACED = Explanation(
    _("The shopper was charged once and has the order."),
    _("Nothing to do for the payment: deliver the order."),
)
_SOLD = Explanation(
    _("The customer was charged once, by a payment link."),
    _("Nothing to do for the payment: deliver what the link sells. No order is written for it."),
)


def all_matters() -> Matters:
    """With what a list shows of them. Open ones first."""
    matters = Attention.objects.order_by(F("resolved_at").desc(nulls_first=True), "-created_at", "-pk")
    # Quotes are the bulk of a session's row, and no matter shows them.
    return matters.select_related("session__order").defer("session__quote", "session__checkout_url")


def matters_seen_by(user: Any) -> Matters:
    """All for shop staff; for partners' staff those about the payments that they may see. Open ones first."""
    matters = all_matters()
    return matters if user.is_staff else matters.filter(session__in=sessions_seen_by(user).values("pk"))


def count_open(user: Any) -> int:
    """How many matters that `user` may see wait for somebody."""
    return matters_seen_by(user).filter(resolved_at__isnull=True).count()


def matching_matters(
    matters: Matters,
    *,
    search: str = "",
    kind: str = "",
    state: str = "",
    date_from: date | None = None,
    date_to: date | None = None,
) -> Matters:
    """Those that meet every given condition. Days are the shop's, and both ends are included."""
    if search:
        matters = matters.filter(matters_mentioning(search, seen=matters))
    if kind:
        matters = matters.filter(kind=kind)
    if state:
        matters = matters.filter(resolved_at__isnull=state == Openness.OPEN)
    if date_from is not None:
        matters = matters.filter(created_at__gte=local_moment(date_from, time.min))
    if date_to is not None:
        matters = matters.filter(created_at__lte=local_moment(date_to, time.max))
    return matters


def explanation_of(matter: Attention) -> Explanation:
    """What `matter` means now: a held payment may have been placed or given back since."""
    session = matter.session
    if matter.kind != K.HELD or session is None:
        return EXPLANATIONS[K(matter.kind)]
    if session.status == SessionStatus.PLACED:
        return _PLACED
    if session.status == SessionStatus.SOLD:
        return _SOLD
    states = {payment.state for payment in session.payments.all()}
    going_back = states & {PaymentState.REFUNDED, PaymentState.REFUND_PENDING} and PaymentState.PAID not in states
    return _GOING_BACK if going_back else EXPLANATIONS[K.HELD]


def can_place(matter: Attention) -> bool:
    """Whether the order can still be placed: also after a dismissal, which may have been a mistake."""
    waits = matter.kind == K.HELD and matter.session is not None and matter.session.status == SessionStatus.HELD
    return waits and matter.resolution != Attention.Resolution.REFUNDED


def can_dismiss(matter: Attention) -> bool:
    """Whether the matter waits for somebody."""
    return matter.resolved_at is None


def actions_about(matter: Attention) -> QuerySet[StaffAction]:
    """What staff did about `matter` or about its payment, oldest first."""
    about = Q(attention=matter)
    if matter.session_id is not None:
        about |= Q(session=matter.session_id)
    return StaffAction.objects.filter(about)


def last_decision(matter: Attention) -> StaffAction | None:
    """The newest decision about `matter`: whoever decides next shows that they knew it."""
    return StaffAction.objects.filter(attention=matter, verb__in=StaffAction.DECISIONS).order_by("-pk").first()
