"""The steps by which staff refund a payment, the same in every admin: what is asked, what is confirmed, what comes."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES, MaxLengthValidator
from django.db import models
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oscar_nd8.exceptions import DecisionRefused, ProviderError
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import PaymentSession, Refund
from oscar_nd8.money import exponent, to_major, to_minor
from oscar_nd8.services.refund import preview_refund, request_refund
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.given_back import newest_refund
from oscar_nd8.shop.refundable import Chosen, Parts, Refundable, RefundableCharge, RefundableLine, refundable_of
from oscar_nd8.shop.refunds import REFUND_STANDINGS, charge_named, money_of, names_of, payer_named
from oscar_nd8.states import REFUND_ENDS, REFUNDED_FROM, SessionStatus

__all__ = ["Confirmation", "HowMuch", "RefundForm", "Step", "facts_about", "looked_up", "take_step"]

logger = logging.getLogger("oscar_nd8")

# A page that was left open asks no longer than this.
WATCHED = timedelta(minutes=10)

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")


class HowMuch(models.TextChoices):
    """Which part of the form says how much."""

    LINES = "lines", gettext_lazy("What I choose here")
    EVERYTHING = "everything", gettext_lazy("Everything that is left")
    AMOUNT = "amount", gettext_lazy("Another amount")


class RefundForm(forms.Form):
    """How much of one payment goes back, and why. A valid one knows the `amount` (minor units) and its `parts`."""

    how = forms.ChoiceField(
        label=gettext_lazy("How much?"),
        choices=HowMuch.choices,
        error_messages={"required": gettext_lazy("Please say how much to give back.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The customer sees it."),
        error_messages={"required": gettext_lazy("Please give a reason: the customer is shown it.")},
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control no-widget-init"}),
    )
    restock = forms.BooleanField(
        label=gettext_lazy("Put these goods back into stock"),
        required=False,
        help_text=gettext_lazy("For the pieces chosen above, as soon as ND8 confirmed the refund."),
    )

    def __init__(self, data: Any = None, *, refundable: Refundable) -> None:
        usual = HowMuch.LINES if refundable.lines else HowMuch.EVERYTHING
        super().__init__(data, initial={"how": usual.value})
        self.refundable = refundable
        self.amount = 0
        self.parts: Parts = {}
        self.fields |= {f"line-{line.key}": _pieces(line) for line in refundable.lines}
        self.fields |= {f"charge-{charge.key}": _whole(charge) for charge in refundable.charges}
        self.fields["other"] = _amount(refundable.currency)
        longest = get_gateway(refundable.payment.gateway).reason_length
        self.fields["reason"].validators.append(MaxLengthValidator(longest))
        self.fields["reason"].widget.attrs["maxlength"] = longest
        if not refundable.lines or refundable.payment.session.order_id is None:
            del self.fields["restock"]

    def clean(self) -> dict[str, Any]:
        """The amount is computed here, from the shop's own records, and from nothing that a browser computed."""
        data: dict[str, Any] = super().clean() or {}
        if self.errors.keys() - {"reason"}:
            return data
        by_amount = data["how"] == HowMuch.AMOUNT
        if by_amount and data["other"] is None:
            self.add_error("other", _("Please write how much to give back."))
            return data
        try:
            self.amount, self.parts = preview_refund(self.refundable.payment, **self.wanted)
        except DecisionRefused as refusal:
            self.add_error("other" if by_amount else "how", str(refusal))
        return data

    @property
    def wanted(self) -> dict[str, Any]:
        """What `preview_refund` and `request_refund` take."""
        match HowMuch(self.cleaned_data["how"]):
            case HowMuch.EVERYTHING:
                return {"everything": True}
            case HowMuch.AMOUNT:
                minor = to_minor(self.cleaned_data["other"], self.refundable.currency)
                return {"amount": minor, "chosen": self._chosen()}
            case _:
                return {"chosen": self._chosen()}

    @property
    def agreed(self) -> dict[str, Any]:
        """The same after the amount was confirmed: exactly that amount, whatever the parts are worth by then."""
        return self.wanted if "everything" in self.wanted else {**self.wanted, "amount": self.amount}

    @property
    def rows(self) -> list[tuple[RefundableLine, forms.BoundField]]:
        """Each line with its field."""
        return [(line, self[f"line-{line.key}"]) for line in self.refundable.lines]

    @property
    def charges(self) -> list[tuple[RefundableCharge, forms.BoundField]]:
        """Shipping, surcharges and what else was charged, each with its field."""
        return [(charge, self[f"charge-{charge.key}"]) for charge in self.refundable.charges]

    @property
    def decimals(self) -> int:
        """How many the currency has."""
        return exponent(self.refundable.currency)

    def _chosen(self) -> Chosen:
        pieces = {line.key: self.cleaned_data[f"line-{line.key}"] or 0 for line in self.refundable.lines}
        keys = [charge.key for charge in self.refundable.charges]
        return Chosen(
            lines={key: quantity for key, quantity in pieces.items() if quantity},
            charges=frozenset(key for key in keys if self.cleaned_data[f"charge-{key}"]),
        )


class _AsWritten:
    """A field for a number as people write it: Python would also read 1_0 and 1e1, and digits of every script."""

    def to_python(self, value: Any) -> Any:
        """Refuses every other spelling as not a number."""
        if value not in EMPTY_VALUES and not NUMBER.fullmatch(str(value).strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")  # type: ignore[attr-defined]  # the field's
        return super().to_python(value)  # type: ignore[misc]  # the field's


class Pieces(_AsWritten, forms.IntegerField):
    """How many."""


class Amount(_AsWritten, forms.DecimalField):
    """In major units."""


class ConsentForm(forms.Form):
    """What the confirmation's button sends besides: which page it was, and what that page knew."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    seen_status = forms.TypedChoiceField(
        choices=[(status.value, status.value) for status in sorted(REFUNDED_FROM)],
        coerce=SessionStatus,
        widget=forms.HiddenInput,
    )
    confirmed = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The last question. Amounts in major units; `at_least` where only ND8 knows how much more it is.

    `before` is what was given back of the payment so far, or is on its way.
    """

    amount: Decimal
    at_least: bool
    before: Decimal
    restocks: bool
    payer: str
    goods: list[str]
    consent: ConsentForm
    changed: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Where somebody is: at the form, at its confirmation, at the refund that came of it, or at a refusal.

    `form` is None where they must first say which of `refundables`, or where there is none.
    """

    refundables: Sequence[Refundable]
    form: RefundForm | None = None
    confirmation: Confirmation | None = None
    refund: Refund | None = None
    refusal: str = ""


def take_step(session: PaymentSession, data: Mapping[str, Any] | None, *, wanted: str | None, by: Any) -> Step:
    """Go on from the `data` that was sent about the payment with the id `wanted`, in the name of the user `by`.

    Money moves only for a confirmation whose amount is still what the shop computes, and once for each. Raises
    Http404 for a payment that is not one of the session's. Must not run in a transaction.
    """
    refundables = money_of(session)
    refundable = _choose(refundables, wanted)
    if refundable is None:
        return Step(refundables)
    form = _form(data, refundable)
    step = Step(refundables, form)
    if data is not None and "change" not in data:
        step = _go_on(data, step, form, by=by)
    return step if step.confirmation or step.refund else replace(step, refusal=_why_not(refundable))


def _choose(refundables: Sequence[Refundable], wanted: str | None) -> Refundable | None:
    """The payment that staff named, or the only one that it can be; None where they must say which."""
    if wanted:
        for refundable in refundables:
            if str(refundable.payment.pk) == wanted:
                return refundable
        raise Http404("There is no such payment.")
    candidates = [refundable for refundable in refundables if not refundable.is_over] or refundables
    return candidates[0] if len(candidates) == 1 else None


def _why_not(refundable: Refundable) -> str:
    """Why nothing of it can be given back now, a sentence; "" where something can."""
    try:
        preview_refund(refundable.payment, everything=True)
    except DecisionRefused as refusal:
        return str(refusal)
    return ""


def _form(data: Mapping[str, Any] | None, refundable: Refundable) -> RefundForm:
    form = RefundForm(data, refundable=refundable)
    form.is_valid()
    return form


def _go_on(data: Mapping[str, Any], step: Step, form: RefundForm, *, by: Any) -> Step:
    consent = ConsentForm(data)
    confirmed = "confirm" in data and consent.is_valid()
    if confirmed:
        # After the form was looked at: had the first click of a double click used up the money, it is found here.
        key = consent.cleaned_data["form_key"]
        twin = Refund.objects.filter(form_key=key, payment=form.refundable.payment).first()
        if twin is not None:
            return replace(step, refund=twin)
    if not form.is_valid():
        return step
    if confirmed and consent.cleaned_data["confirmed"] == form.amount:
        return _refund(data, step, form, consent, by=by)
    return replace(step, confirmation=_confirmation_of(form, changed=confirmed))


def looked_up(refund: Refund) -> Refund:
    """`refund` as ND8 says now, where it has not ended and ND8 can be asked; otherwise as it is known."""
    if refund.state in REFUND_ENDS:
        return refund
    try:
        return settle_refund(refund)
    except ProviderError:
        logger.info("ND8 could not be asked about refund %s; the page says what is known", refund.reference)
    except Exception:  # staff are told what became of the money, not that a mail server is down
        logger.exception("Refund %s could not be settled from its page", refund.reference)
    refund.refresh_from_db()
    return refund


def facts_about(refund: Refund) -> dict[str, Any]:
    """What a page about `refund` shows, for its template."""
    session = refund.payment.session
    mine = [refundable for refundable in money_of(session) if refundable.payment.pk == refund.payment_id]
    ended = refund.state in REFUND_ENDS
    return {
        "refund": refund,
        "session": session,
        "standing": REFUND_STANDINGS[refund.state],
        "payer": payer_named(session),
        "goods": names_of(refund.parts, mine[0]) if mine else [],
        "actions": refund.staff_actions.all(),
        "ended": ended,
        "watched": not ended and timezone.now() - refund.created_at < WATCHED,
    }


def _refund(data: Mapping[str, Any], step: Step, form: RefundForm, consent: ConsentForm, *, by: Any) -> Step:
    payment, answers = form.refundable.payment, consent.cleaned_data
    try:
        refund = request_refund(
            payment,
            **form.agreed,
            reason=form.cleaned_data["reason"],
            restock=form.cleaned_data.get("restock", False),
            asked_by=by,
            form_key=answers["form_key"],
            seen=answers["seen"],
            seen_status=answers["seen_status"],
        )
    except DecisionRefused as refusal:
        # What is left may be less by now.
        form = _form(data, refundable_of(payment))
        form.add_error(None, str(refusal))
        return replace(step, form=form)
    return replace(step, refund=refund)


def _confirmation_of(form: RefundForm, *, changed: bool) -> Confirmation:
    refundable = form.refundable
    session: PaymentSession = refundable.payment.session
    newest = newest_refund(session)
    known = {
        "form_key": uuid4(),
        "seen": newest.pk if newest else 0,
        "seen_status": session.status,
        "confirmed": form.amount,
    }
    return Confirmation(
        amount=to_major(form.amount, refundable.currency),
        at_least=bool(form.parts.get("everything")) and not refundable.certain,
        before=to_major(refundable.refunded + refundable.on_its_way, refundable.currency),
        restocks=bool(form.cleaned_data.get("restock") and form.parts.get("lines")),
        payer=payer_named(session),
        goods=names_of(form.parts, refundable),
        consent=ConsentForm(initial=known),
        changed=changed,
    )


def _pieces(line: RefundableLine) -> Pieces:
    return Pieces(
        label=line.title,
        required=False,
        initial=0,
        min_value=0,
        max_value=line.left,
        error_messages={
            "max_value": _("Of this line %(limit_value)s can still be given back."),
            "min_value": _("Please write a number of pieces, or nothing."),
            "invalid": _("Please write a number of pieces, or nothing."),
        },
        widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "numeric"}),
    )


def _whole(charge: RefundableCharge) -> forms.BooleanField:
    return forms.BooleanField(label=charge_named(charge), required=False, disabled=not charge.amount)


def _amount(currency: str) -> Amount:
    decimals = exponent(currency)
    step = str(Decimal(1).scaleb(-decimals))
    return Amount(
        label=_("Another amount"),
        required=False,
        max_digits=15,
        decimal_places=decimals,
        help_text=_("What is chosen above then says what it is for."),
        error_messages={"invalid": _("Please write an amount in digits, with a point: %s") % to_major(999, currency)},
        widget=forms.NumberInput(attrs={"class": "form-control", "min": step, "step": step}),
    )
