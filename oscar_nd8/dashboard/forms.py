"""What staff can look for in the list of payments."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import STATUS_LABELS

__all__ = ["PaymentFilterForm"]

# Outside of these, a day at either end of the calendar has no time in some time zone.
SENSIBLE_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


def _day(label: Any) -> forms.DateField:
    # The browser's own calendar speaks ISO 8601, whatever the page's language.
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "form-control"})
    return forms.DateField(
        label=label, required=False, input_formats=["%Y-%m-%d"], widget=widget, validators=SENSIBLE_DAYS
    )


class PaymentFilterForm(forms.Form):
    """All fields are optional; together they narrow the list."""

    search = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        help_text=_("Order number, e-mail, ND8 transaction or checkout"),
        widget=forms.TextInput(attrs={"type": "search", "class": "form-control"}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Any status")), *((status.value, label) for status, label in STATUS_LABELS.items())],
        # Oscar's dashboard would replace the select by a widget that a phone cannot use well.
        widget=forms.Select(attrs={"class": "form-control no-widget-init"}),
    )
    date_from = _day(_("From"))
    date_to = _day(_("To"))
    attention = forms.BooleanField(
        label=_("Needs attention"), required=False, widget=forms.CheckboxInput(attrs={"class": "custom-control-input"})
    )

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
