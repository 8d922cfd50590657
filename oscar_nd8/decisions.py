"""What staff can have done, the same in every admin: the forms they fill in, and what they are told afterwards."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import EVENT_LABELS, Attention, PaymentSession, WebhookEvent
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.dismiss_matter import dismiss_matter
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.replay_event import replay_event
from oscar_nd8.shop.worklist import last_decision
from oscar_nd8.states import SessionStatus

__all__ = ["DismissForm", "Outcome", "PlaceForm", "ask", "process_again"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sentence or two for whoever decided; `level` is one of Django's messages."""

    level: int
    text: str


class _DecisionForm(forms.Form):
    """`seen` remembers what the page told: who was overtaken by a colleague, or clicked twice, decides nothing."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, matter: Attention) -> None:
        last = last_decision(matter)
        super().__init__(data, initial={"seen": last.pk if last else 0})
        self.matter = matter

    def carry_out(self, *, by: Any) -> Outcome:
        """Do what the valid form says, in the name of the user `by`."""
        try:
            return self._decide(by)
        except DecisionRefused as refusal:
            return Outcome(messages.ERROR, str(refusal))

    def _decide(self, by: Any) -> Outcome:
        raise NotImplementedError


class PlaceForm(_DecisionForm):
    """Nothing to fill in: placing is as agreed, or not at all."""

    def _decide(self, by: Any) -> Outcome:
        session = place_anyway(self.matter, by=by, seen=self.cleaned_data["seen"])
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

    def _decide(self, by: Any) -> Outcome:
        dismiss_matter(self.matter, by=by, note=self.cleaned_data["note"], seen=self.cleaned_data["seen"])
        return Outcome(messages.SUCCESS, _("Dismissed. The money stays where it is."))


def ask(session: PaymentSession, *, by: Any) -> Outcome:
    """Ask ND8 about `session` in the name of the user `by`; needs no form, for it decides nothing."""
    try:
        session = ask_again(session, by=by)
    except DecisionRefused as refusal:
        return Outcome(messages.ERROR, str(refusal))
    text = _("ND8 was asked. This payment is now: %(status)s.")
    return Outcome(messages.SUCCESS, text % {"status": session.get_status_display()})


def process_again(event: WebhookEvent, *, by: Any) -> Outcome:
    """Have a stored notification processed again in the name of the user `by`."""
    try:
        status = replay_event(event, by=by)
    except DecisionRefused as refusal:
        return Outcome(messages.ERROR, str(refusal))
    text = _("ND8's message was processed again: %(status)s.")
    return Outcome(messages.SUCCESS, text % {"status": EVENT_LABELS[status]})
