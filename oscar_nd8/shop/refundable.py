"""What can still be given back of a payment: the whole, and each line and charge of its order, to the last cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.lines import shares_of
from oscar_nd8.models import Payment, PaymentSession, Refund
from oscar_nd8.money import split, to_major
from oscar_nd8.shop.given_back import counted_refunds, currency_of, left_nothing, paid_amount
from oscar_nd8.shop.quote import Quote, minor_total, parts_of
from oscar_nd8.states import HOLDS_MONEY, MOVED_NOTHING, PaymentState, RefundStatus

__all__ = [
    "Chosen",
    "Parts",
    "Refundable",
    "RefundableCharge",
    "RefundableLine",
    "amount_of",
    "everything_left",
    "parts_for",
    "refundable_of",
    "refundables_of",
]

_NOT_ANSWERED = frozenset({RefundStatus.REQUESTED, RefundStatus.UNKNOWN})

Parts = dict[str, Any]
"""What a refund is for, as `Refund.parts` keeps it: lines with quantity and amount, charges with amount."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What staff want to give back: pieces of lines, and whole charges, by their keys."""

    lines: Mapping[str, int]
    charges: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.lines or self.charges)


@dataclass(frozen=True, slots=True)
class RefundableLine:
    """A line of the order. `left` pieces can be given back, worth `amount` minor units together."""

    key: str
    title: str
    quantity: int
    left: int
    amount: int
    currency: str

    def amount_for(self, quantity: int) -> int:
        """What `quantity` of the pieces left are worth, in minor units; all of them are worth exactly the rest."""
        return sum(split(self.amount, [1] * self.left)[:quantity]) if self.left else 0

    @property
    def amount_major(self) -> Decimal:
        """All pieces left, in major units."""
        return to_major(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class RefundableCharge:
    """Shipping, a surcharge, or what else was charged; given back as a whole, once. `amount` in minor units."""

    key: str
    name: str
    amount: int
    currency: str

    @property
    def amount_major(self) -> Decimal:
        """The same in major units."""
        return to_major(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Refundable:
    """Where a payment's money is; amounts in minor units of `currency`, tax included.

    `paid` is None where ND8 charged an amount that it does not tell: it added tax (HT accounts), or something about
    the payment does not add up. Then `remaining` is what was certainly paid and not given back, and only giving back
    everything reaches the rest, once, as long as no refund fails. `certain` is False exactly then. `is_explained` is
    whether the refunds known here can make up all of the payment, should ND8 call it refunded.
    """

    payment: Payment
    currency: str
    paid: int | None
    fee: int | None
    refunded: int
    on_its_way: int
    remaining: int
    may_take_everything: bool
    is_explained: bool
    lines: tuple[RefundableLine, ...]
    charges: tuple[RefundableCharge, ...]

    @property
    def certain(self) -> bool:
        """Whether the amount that the customer paid is known."""
        return self.paid is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing can be given back any more."""
        return not self.remaining and not self.may_take_everything

    @property
    def paid_major(self) -> Decimal | None:
        """What the customer paid, in major units; None where ND8 does not tell."""
        return None if self.paid is None else to_major(self.paid, self.currency)

    @property
    def fee_major(self) -> Decimal | None:
        """What ND8 kept, in major units; None while unknown."""
        return None if self.fee is None else to_major(self.fee, self.currency)

    @property
    def refunded_major(self) -> Decimal:
        """What went back, in major units."""
        return to_major(self.refunded, self.currency)

    @property
    def on_its_way_major(self) -> Decimal:
        """What is going back, or may be, in major units."""
        return to_major(self.on_its_way, self.currency)

    @property
    def remaining_major(self) -> Decimal:
        """What can certainly be given back, in major units."""
        return to_major(self.remaining, self.currency)


def refundables_of(session: PaymentSession, *, refunds: Sequence[Refund] | None = None) -> list[Refundable]:
    """`refundable_of` each payment that brought money, or from which some went back.

    One query for all refunds of the session, or none where they were just read.
    """
    counted = (
        counted_refunds(session) if refunds is None else [each for each in refunds if each.status not in MOVED_NOTHING]
    )
    known = {refund.payment_id for refund in counted}
    payments = [each for each in session.payments.all() if each.state in HOLDS_MONEY or each.pk in known]
    return [refundable_of(payment, counted=counted) for payment in payments]


def refundable_of(payment: Payment, *, counted: Sequence[Refund] | None = None) -> Refundable:
    """The payment's money as it is known now. Within `lock_session` it cannot change before the lock is given back.

    `counted` are the refunds of the whole session that took money, where they were just read.
    """
    session = payment.session
    counted = counted_refunds(session) if counted is None else counted
    refunds = [refund for refund in counted if refund.payment_id == payment.pk]
    currency = currency_of(payment)
    taken = sum(refund.amount for refund in refunds)
    refunded = sum(refund.amount for refund in refunds if refund.status == RefundStatus.COMPLETED)
    paid = paid_amount(payment)
    certain = session.amount if currency == session.currency else 0
    # Nobody can add up two currencies, and of a payment that ND8 calls refunded nothing is left.
    spoilt = payment.state == PaymentState.REFUNDED or any(refund.currency != currency for refund in refunds)
    everything = [refund for refund in refunds if refund.parts.get("everything")]
    # While the answer to "everything" is open, it may be all gone.
    spoilt = spoilt or any(refund.status in _NOT_ANSWERED for refund in everything)
    # Where nobody knows how much was paid, that ND8 took it on tells that nothing is left.
    if paid is None and everything and not spoilt:
        spoilt = left_nothing(everything, among=payment.refunds.all())
    remaining = 0 if spoilt else max(0, certain - taken)
    goods = currency == session.currency and not _is_surplus(payment, counted)
    lines, charges = _parts_left(session, counted) if goods else ((), ())
    return Refundable(
        payment=payment,
        currency=currency,
        paid=paid,
        fee=payment.fee,
        refunded=refunded,
        on_its_way=taken - refunded,
        remaining=remaining,
        may_take_everything=not spoilt and (paid is None or remaining > 0),
        is_explained=bool(everything) if paid is None else taken >= paid,
        lines=lines,
        charges=charges,
    )


def amount_of(refundable: Refundable, chosen: Chosen) -> int:
    """What `chosen` is worth, in minor units: the sum of its parts, or what remains if that is less.

    Raises DecisionRefused, a sentence for staff, for nothing chosen, an unknown key, or more pieces than are left.
    """
    return min(sum(_priced(refundable, chosen).values()), refundable.remaining)


def parts_for(refundable: Refundable, chosen: Chosen, *, amount: int) -> Parts:
    """`chosen` as `Refund.parts` keeps it, with `amount` minor units spread over its parts, none above its worth.

    Raises DecisionRefused as `amount_of`.
    """
    worth = _priced(refundable, chosen)
    shares = list(worth.values())
    if sum(shares) > amount:
        shares = split(amount, shares)
    priced = dict(zip(worth, shares, strict=True))
    return {
        "lines": {key: {"quantity": quantity, "amount": priced["line", key]} for key, quantity in chosen.lines.items()},
        "charges": {key: priced["charge", key] for key in sorted(chosen.charges)},
    }


def everything_left(refundable: Refundable) -> Chosen:
    """All pieces and charges that were not given back yet."""
    return Chosen(
        lines={line.key: line.left for line in refundable.lines if line.left},
        charges=frozenset(charge.key for charge in refundable.charges if charge.amount),
    )


def _is_surplus(payment: Payment, counted: Sequence[Refund]) -> bool:
    """Whether another payment still pays for the goods: then giving this one back takes none of them back."""
    session = payment.session
    others = [each for each in session.payments.all() if each.pk != payment.pk and each.state == PaymentState.PAID]
    return any(
        sum(refund.amount for refund in counted if refund.payment_id == each.pk) < session.amount for each in others
    )


def _parts_left(
    session: PaymentSession, counted: Sequence[Refund]
) -> tuple[tuple[RefundableLine, ...], tuple[RefundableCharge, ...]]:
    """Each line and charge with its share of what ND8 charged, less what refunds of it took."""
    quote = Quote.model_validate(session.quote)
    with_tax = minor_total(quote, with_tax=True) == session.amount
    shares, unexplained = shares_of(session.amount, parts_of(quote, with_tax=with_tax), currency=quote.currency)
    pieces: dict[str, int] = {}
    amounts: dict[str, int] = {}
    for refund in counted:
        for key, part in refund.parts.get("lines", {}).items():
            pieces[key] = pieces.get(key, 0) + part["quantity"]
            amounts[key] = amounts.get(key, 0) + part["amount"]
        for key in refund.parts.get("charges", {}):
            amounts[key] = session.amount  # once is all of it, whatever was given for it
    lines = tuple(
        RefundableLine(
            key=str(line.id),
            title=line.title,
            quantity=line.quantity,
            left=max(0, line.quantity - pieces.get(str(line.id), 0)),
            amount=max(0, share - amounts.get(str(line.id), 0)),
            currency=quote.currency,
        )
        for line, share in zip(quote.lines, shares, strict=False)
    )
    names = [("shipping", quote.shipping.name)]
    names += [(f"surcharge-{number}", each.name) for number, each in enumerate(quote.surcharges)]
    names += [("other", _("Other charges") if any(shares) else _("Your order"))]
    charges = tuple(
        RefundableCharge(key=key, name=name, amount=max(0, share - amounts.get(key, 0)), currency=quote.currency)
        for (key, name), share in zip(names, [*shares[len(lines) :], unexplained], strict=True)
        if share
    )
    return lines, charges


def _priced(refundable: Refundable, chosen: Chosen) -> dict[tuple[str, str], int]:
    lines = {line.key: line for line in refundable.lines}
    charges = {charge.key: charge for charge in refundable.charges}
    if not chosen:
        raise DecisionRefused(_("Please choose what to give back."))
    if chosen.lines.keys() - lines.keys() or chosen.charges - charges.keys():
        raise DecisionRefused(_("That is not part of this payment."))
    worth: dict[tuple[str, str], int] = {}
    for key, quantity in chosen.lines.items():
        line = lines[key]
        if not 0 < quantity <= line.left:
            raise DecisionRefused(
                _("Of “%(title)s” %(left)d can still be given back, not %(quantity)d.")
                % {"title": line.title, "left": line.left, "quantity": quantity}
            )
        worth["line", key] = line.amount_for(quantity)
    for key in sorted(chosen.charges):
        if not charges[key].amount:
            raise DecisionRefused(_("“%(name)s” was given back already.") % {"name": charges[key].name})
        worth["charge", key] = charges[key].amount
    return worth
