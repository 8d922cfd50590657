"""What staff can look for in the lists of payments, matters and refunds."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import REFUND_LABELS, STATUS_LABELS, Attention, Refund
from oscar_nd8.shop.worklist import Openness

__all__ = ["MatterFilterForm", "PaymentFilterForm", "RefundFilterForm"]

# Outside of these, a day at either end of the calendar has no time in some time zone.
SENSIBLE_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


def _day(label: Any) -> forms.DateField:
    # The browser's own calendar speaks ISO 8601, whatever the page's language.
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "form-control"})
    return forms.DateField(
        label=label, required=False, input_formats=["%Y-%m-%d"], widget=widget, validators=SENSIBLE_DAYS
    )


def _search(help_text: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "search", "class": "form-control"})
    return forms.CharField(label=_("Search"), required=False, max_length=200, help_text=help_text, widget=widget)


def _choice(label: Any, any_of_them: Any, choices: Iterable[tuple[str, Any]]) -> forms.ChoiceField:
    # Oscar's dashboard would replace the select by a widget that a phone cannot use well.
    widget = forms.Select(attrs={"class": "form-control no-widget-init"})
    return forms.ChoiceField(label=label, required=False, choices=[("", any_of_them), *choices], widget=widget)


class _FilterForm(forms.Form):
    """All fields are optional; together they narrow the list."""

    def clean(self) -> dict[str, Any]:
        """The first day is not after the last."""
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("date_from"), data.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", _("The last day is before the first."))
        return data

    @property
    def narrows(self) -> bool:
        """Whether anything is looked for at all."""
        return self.is_valid() and any(self.cleaned_data.values())


class PaymentFilterForm(_FilterForm):
    """What payments can be looked for by."""

    search = _search(_("Order number, e-mail, payment link, ND8 transaction or checkout"))
    status = _choice(_("Status"), _("Any status"), ((str(status), label) for status, label in STATUS_LABELS.items()))
    date_from = _day(_("From"))
    date_to = _day(_("To"))
    attention = forms.BooleanField(
        label=_("Needs attention"), required=False, widget=forms.CheckboxInput(attrs={"class": "custom-control-input"})
    )


class MatterFilterForm(_FilterForm):
    """What matters can be looked for by."""

    search = _search(_("Order number, e-mail, ND8 transaction, checkout or refund"))
    kind = _choice(_("What"), _("Anything"), Attention.Kind.choices)
    state = _choice(_("State"), _("Open and settled"), [(Openness.OPEN, _("Open")), (Openness.SETTLED, _("Settled"))])
    date_from = _day(_("From"))
    date_to = _day(_("To"))


class RefundFilterForm(_FilterForm):
    """What refunds can be looked for by; `askers` are the people who asked for any, as choices."""

    search = _search(_("Order number, e-mail, who asked, ND8 refund or transaction"))
    status = _choice(_("State"), _("Any state"), ((str(status), label) for status, label in REFUND_LABELS.items()))
    asked_by = _choice(_("Asked for by"), _("Anybody"), ())
    date_from = _day(_("From"))
    date_to = _day(_("To"))

    def __init__(self, data: Any, *, askers: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        elsewhere = (Refund.Origin.PROVIDER.value, Refund.Origin.PROVIDER.label)
        field: Any = self.fields["asked_by"]
        field.choices = [*field.choices, elsewhere, *askers]
