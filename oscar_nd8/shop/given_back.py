"""What was paid, and what of it went back: whole payments and sums, in minor units."""

from collections.abc import Iterable, Sequence

from oscar_nd8.models import Payment, PaymentSession, Refund
from oscar_nd8.shop.link_offer import adds_tax
from oscar_nd8.shop.quote import Quote, minor_total
from oscar_nd8.states import MOVED_NOTHING, PaymentState, RefundStatus

__all__ = [
    "counted_refunds",
    "currency_of",
    "excess",
    "going_back",
    "is_given_back",
    "left_nothing",
    "newest_refund",
    "paid_amount",
    "who_asked",
]


def paid_amount(payment: Payment) -> int | None:
    """What the customer paid, in minor units of the payment's currency; None where ND8 does not tell.

    ND8 tells what it pays out. What it charged is what it was asked for, where prices include tax and its
    fee, the difference, is plausible.
    """
    session = payment.session
    with_tax = minor_total(Quote.model_validate(session.quote), with_tax=True)
    told = not adds_tax(session) and session.amount == with_tax
    return session.amount if told and payment.currency == session.currency and payment.fee is not None else None


def currency_of(payment: Payment) -> str:
    """What the customer paid in, which can be another currency than was agreed; the agreed one where ND8 names none."""
    return payment.currency or payment.session.currency


def counted_refunds(session: PaymentSession) -> Sequence[Refund]:
    """Those of `session` that took money, or may have."""
    return list(Refund.objects.filter(payment__session=session).exclude(status__in=MOVED_NOTHING).order_by("pk"))


def going_back(session: PaymentSession) -> dict[str, int]:
    """What went back of all payments, or may be on its way, in minor units by currency; nothing where nothing did."""
    amounts: dict[str, int] = {}
    for refund in counted_refunds(session):
        amounts[refund.currency] = amounts.get(refund.currency, 0) + refund.amount
    return amounts


def excess(payment: Payment) -> int:
    """By how much all refunds that may move money exceed what was paid, in minor units; 0 where nobody can tell."""
    paid = paid_amount(payment)
    if paid is None:
        return 0
    counted = payment.refunds.exclude(status__in=MOVED_NOTHING).filter(currency=payment.currency)
    return max(0, sum(counted.values_list("amount", flat=True)) - paid)


def is_given_back(payment: Payment, *, surely: bool) -> bool:
    """Whether the whole payment went back: by refunds that ND8 completed, or, not `surely`, by any that may move money.

    Nobody can add up two currencies: surely, only what went back in the payment's own counts. No query where `payment`
    was fetched with its refunds.
    """
    currency = currency_of(payment)
    counted = [
        refund
        for refund in payment.refunds.all()
        if refund.status not in MOVED_NOTHING
        and (not surely or (refund.status == RefundStatus.COMPLETED and refund.currency == currency))
    ]
    everything = [refund for refund in counted if refund.parts.get("everything")]
    # What may be on its way may take along what another refund left that failed meanwhile.
    if payment.state == PaymentState.REFUNDED or (everything and not surely):
        return True
    if left_nothing(everything, among=payment.refunds.all()):
        return True
    whole = paid_amount(payment)
    if whole is None and not surely:
        # The least that was paid; of a payment in a currency that nobody agreed to, only the net is known.
        whole = payment.session.amount if payment.currency == payment.session.currency else payment.net
    return whole is not None and 0 < whole <= sum(refund.amount for refund in counted if refund.currency == currency)


def left_nothing(refunds: Iterable[Refund], *, among: Iterable[Refund]) -> bool:
    """Whether one of `refunds` reached everything, and no other `among` all of its payment failed after it.

    What ND8 had set aside for one that fails is there again, and "everything" did not reach it.
    """
    asked = max((refund.created_at for refund in refunds if refund.parts.get("everything")), default=None)
    if asked is None:
        return False
    failed = (each for each in among if each.refund_id and each.status in MOVED_NOTHING)
    return not any(each.closed_at is not None and each.closed_at > asked for each in failed)


def newest_refund(session: PaymentSession) -> Refund | None:
    """The last refund that was asked for or taken over, whatever became of it: who decides shows that they knew it."""
    return Refund.objects.filter(payment__session=session).order_by("-pk").first()


def who_asked(refund: Refund) -> str:
    """Name and address of whoever asked for it here, or where else it was started."""
    action = refund.staff_actions.first()
    return action.who if action else str(refund.origin_label)
