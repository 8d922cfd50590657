"""What the shopper is asked on the payment step: the method and, for digital baskets, who pays."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_model

from oscar_nd8.checkout.methods import PaymentMethod

__all__ = ["PayerForm", "PaymentMethodForm"]


class PaymentMethodForm(forms.Form):
    """One of the offered methods."""

    method = forms.ChoiceField(
        label=_("How would you like to pay?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Please choose how you would like to pay."),
            "invalid_choice": _("This way of paying is not available for your order. Please choose another."),
        },
    )

    def __init__(self, *args: Any, methods: Sequence[PaymentMethod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ChoiceField", self.fields["method"])
        field.choices = [(method.code, method.name) for method in methods if method.offered]
        offered = [method.code for method in methods if method.offered]
        if self.initial.get("method") not in offered:
            self.initial["method"] = offered[0] if offered else None


class PayerForm(forms.Form):
    """The billing fields that ND8 cannot do without, for an order that has no address."""

    first_name = forms.CharField(label=_("First name"), max_length=100)
    last_name = forms.CharField(label=_("Last name"), max_length=100)
    country: Any = forms.ModelChoiceField(label=_("Country"), queryset=None, empty_label=_("Choose a country"))
    postcode = forms.CharField(
        label=_("Postal code"), max_length=64, required=False, help_text=_("Needed in the United States.")
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, **kwargs: Any) -> None:
        given = initial or {}
        super().__init__(data, **kwargs, initial={**given, "country": given.get("country_id")})
        country = cast("forms.ModelChoiceField", self.fields["country"])
        country.queryset = get_model("address", "Country").objects.all()
        for name, token in {
            "first_name": "given-name",
            "last_name": "family-name",
            "country": "country",
            "postcode": "postal-code",
        }.items():
            self.fields[name].widget.attrs |= {"autocomplete": token, "class": "form-control"}

    def clean(self) -> dict[str, Any] | None:
        """A postal code where ND8 insists on one."""
        data = super().clean() or self.cleaned_data
        country = data.get("country")
        if country is not None and country.pk == "US" and not data.get("postcode"):
            self.add_error("postcode", _("Payments from the United States need a postal code."))
        return data

    def address_fields(self) -> dict[str, str]:
        """The fields as Oscar's checkout session keeps a billing address."""
        data = self.cleaned_data
        return {
            "first_name": data["first_name"],
            "last_name": data["last_name"],
            "country_id": data["country"].pk,
            "postcode": data["postcode"],
        }
