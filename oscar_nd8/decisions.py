"""What staff can have done, the same in every admin: the forms they fill in, and what they are told afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import EVENT_LABELS, Attention, PaymentSession, WebhookEvent
from oscar_nd8.money import to_major
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.dismiss_matter import dismiss_matter
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.replay_event import replay_event
from oscar_nd8.shop.given_back import going_back, newest_refund
from oscar_nd8.shop.overview import overview_of
from oscar_nd8.shop.worklist import explanation_of, last_decision
from oscar_nd8.states import SessionStatus

__all__ = ["DismissForm", "Outcome", "PlaceForm", "ask", "decided", "facts_of", "process_again", "tell"]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sentence or two for whoever decided; `level` is one of Django's messages."""

    level: int
    text: str


def _refusals_told(decide: Callable[P, Outcome]) -> Callable[P, Outcome]:
    """A decision whose refusal is an outcome like others: a sentence for whoever decided."""

    @wraps(decide)
    def told(*args: P.args, **kwargs: P.kwargs) -> Outcome:
        try:
            return decide(*args, **kwargs)
        except DecisionRefused as refusal:
            return Outcome(messages.ERROR, str(refusal))

    return told


class _DecisionForm(forms.Form):
    """`seen` remembers what the page told: who was overtaken by a colleague, or clicked twice, decides nothing."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, matter: Attention) -> None:
        last = last_decision(matter)
        super().__init__(data, initial={"seen": last.pk if last else 0})
        self.matter = matter


class PlaceForm(_DecisionForm):
    """Nothing to fill in: placing is as agreed, or not at all. `seen_refund` is the newest refund the page knew of."""

    seen_refund = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, matter: Attention) -> None:
        super().__init__(data, matter=matter)
        newest = newest_refund(matter.session) if matter.session else None
        self.initial["seen_refund"] = newest.pk if newest else 0

    @property
    def warning(self) -> str:
        """What went back of the payment, a sentence; "" where nothing did."""
        back = going_back(self.matter.session) if self.matter.session else {}
        if not back:
            return ""
        amounts = ", ".join(f"{to_major(amount, currency)} {currency}" for currency, amount in back.items())
        text = _("%(amounts)s of this payment went back to the shopper, or is on its way. The order is placed in full.")
        return text % {"amounts": amounts}

    @_refusals_told
    def carry_out(self, *, by: Any) -> Outcome:
        """Place the order, in the name of the user `by`."""
        known = self.cleaned_data["seen_refund"] or 0
        session = place_anyway(self.matter, by=by, seen=self.cleaned_data["seen"], seen_refund=known)
        if session.status == SessionStatus.HELD:
            text = _("The order could not be placed, so the payment stays held. %(reason)s")
            return Outcome(messages.ERROR, text % {"reason": session.status_reason})
        if session.status == SessionStatus.PLACED:
            text = _("Order %(number)s is placed, as the shopper agreed.")
            return Outcome(messages.SUCCESS, text % {"number": session.order_number})
        if session.status == SessionStatus.SOLD:
            return Outcome(messages.SUCCESS, _("The payment counts as a sale. A payment link has no order."))
        return Outcome(messages.WARNING, _("The order is being placed. Look again in a minute."))


class DismissForm(_DecisionForm):
    """Why nothing more is needed; whoever looks later reads it."""

    note = forms.CharField(
        label=gettext_lazy("Why is nothing more needed?"),
        max_length=2000,
        help_text=gettext_lazy("Colleagues see it with your name. The shopper does not."),
        error_messages={"required": gettext_lazy("Please say why: the next person to look will want to know.")},
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60, "class": "form-control no-widget-init"}),
    )

    @_refusals_told
    def carry_out(self, *, by: Any) -> Outcome:
        """Dismiss the matter, in the name of the user `by`."""
        dismiss_matter(self.matter, by=by, note=self.cleaned_data["note"], seen=self.cleaned_data["seen"])
        return Outcome(messages.SUCCESS, _("Dismissed. The money stays where it is."))


def decided(request: HttpRequest, form: PlaceForm | DismissForm) -> bool:
    """Whether `form` was sent and is valid; then it is carried out, and whoever sent it is told what came of it."""
    if not form.is_valid():
        return False
    tell(request, form.carry_out(by=request.user))
    return True


def tell(request: HttpRequest, outcome: Outcome) -> None:
    """Say `outcome` on the next page that the browser opens."""
    messages.add_message(request, outcome.level, outcome.text)


def facts_of(matter: Attention) -> dict[str, Any]:
    """What the pages about `matter` say of it, and of its payment where it has one."""
    return {
        "matter": matter,
        "session": matter.session,
        "overview": overview_of(matter.session) if matter.session else None,
        "explanation": explanation_of(matter),
    }


@_refusals_told
def ask(session: PaymentSession, *, by: Any) -> Outcome:
    """Ask ND8 about `session` in the name of the user `by`; needs no form, for it decides nothing."""
    session = ask_again(session, by=by)
    text = _("ND8 was asked. This payment is now: %(status)s.")
    return Outcome(messages.SUCCESS, text % {"status": session.status_label})


@_refusals_told
def process_again(event: WebhookEvent, *, by: Any) -> Outcome:
    """Have a stored notification processed again in the name of the user `by`."""
    status = replay_event(event, by=by)
    text = _("ND8's message was processed again: %(status)s.")
    return Outcome(messages.SUCCESS, text % {"status": EVENT_LABELS[status]})
