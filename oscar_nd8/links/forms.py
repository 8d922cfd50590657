"""What the customer of a payment link is asked: the billing fields that ND8 cannot do without."""

from typing import Any, cast
from uuid import uuid4

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from oscar_nd8.shop.countries import country_choices
from oscar_nd8.shop.quote import Payer

__all__ = ["PayerForm"]

WITH_A_LETTER = RegexValidator(r"\w", _("This cannot be a name. Please write it as on your card."))
POSTAL_CODE = RegexValidator(r"^[\w -]*\Z", _("This cannot be a postal code. Please use letters and digits only."))


class PayerForm(forms.Form):
    """Who pays. `key` is one form's: sent twice, it begins one payment."""

    first_name = forms.CharField(label=_("First name"), max_length=100, validators=[WITH_A_LETTER])
    last_name = forms.CharField(label=_("Last name"), max_length=100, validators=[WITH_A_LETTER])
    email = forms.EmailField(label=_("E-mail"), max_length=254, help_text=_("For questions about your purchase."))
    country = forms.ChoiceField(
        label=_("Country"), error_messages={"invalid_choice": _("Please choose a country of the list.")}
    )
    postcode = forms.CharField(
        label=_("Postal code"),
        max_length=16,
        required=False,
        help_text=_("Needed in the United States."),
        validators=[POSTAL_CODE],
    )
    key = forms.UUIDField(
        widget=forms.HiddenInput, error_messages={"invalid": _("This form was changed. Please load the page again.")}
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"key": uuid4()})
        country = cast("forms.ChoiceField", self.fields["country"])
        country.choices = [("", _("Choose a country")), *country_choices()]
        for name, token in AUTOCOMPLETE.items():
            self.fields[name].widget.attrs["autocomplete"] = token

    def clean_first_name(self) -> str:
        """On one line."""
        return _one_line(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        """On one line."""
        return _one_line(self.cleaned_data["last_name"])

    def clean(self) -> dict[str, Any] | None:
        """A postal code where ND8 insists on one."""
        data = super().clean() or self.cleaned_data
        if data.get("country") == "US" and not data.get("postcode") and "postcode" not in self.errors:
            self.add_error("postcode", _("Payments from the United States need a postal code."))
        return data

    def payer(self) -> Payer:
        """The valid form's answers."""
        data = self.cleaned_data
        return Payer(
            first_name=data["first_name"],
            last_name=data["last_name"],
            email=data["email"],
            country=data["country"],
            postal_code=data["postcode"],
        )


AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "country": "country",
    "postcode": "postal-code",
}


def _one_line(text: str) -> str:
    return "".join(filter(str.isprintable, " ".join(text.split())))
