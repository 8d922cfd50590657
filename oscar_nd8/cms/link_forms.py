"""What staff say about a payment link: when it is made, and when it is changed."""

from typing import Any, cast

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateTimeInput

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.link_gateway import CURRENCIES, NAME_LENGTH
from oscar_nd8.models import PaymentLink
from oscar_nd8.services.payment_links import change_link, create_link

__all__ = ["KNOWN_PRODUCTS", "ChangeLinkForm", "NewLinkForm", "Products", "products_of"]

PRODUCTS_SHOWN, PRODUCTS_AT_MOST = 5, 50
# The id of the page's list of products that are suggested.
KNOWN_PRODUCTS = "nd8-known-products"

NO_SPACES = RegexValidator(r"^\S+$", gettext_lazy("An id has no spaces. Copy it from ND8's dashboard."))
NO_ADDRESS = RegexValidator(
    "://", gettext_lazy("This is the address of a page. Copy the product's id, which stands there."), inverse_match=True
)


class _LinkForm(forms.Form):
    """What can be said at any time."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=NAME_LENGTH, help_text=gettext_lazy("Visitors read it on your pages.")
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Expires"),
        required=False,
        widget=AdminDateTimeInput,
        help_text=gettext_lazy("Empty: never. In the shop's time."),
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("Uses at most"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=gettext_lazy("How often it can be paid. Empty: any number of times."),
    )

    def clean_expires_at(self) -> Any:
        """A time to come, or the time that the link had already."""
        wanted = self.cleaned_data["expires_at"]
        if wanted is not None and wanted <= timezone.now() and wanted != self.initial.get("expires_at"):
            raise forms.ValidationError(_("This time is over. Choose a later one, or none."))
        return wanted


class NewLinkForm(_LinkForm):
    """A link that does not exist yet."""

    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"),
        choices=[(code, code) for code in CURRENCIES],
        help_text=gettext_lazy("The price is that of ND8's catalogue. It is fixed when the link is made."),
    )
    field_order = ("name", "currency", "expires_at", "max_uses")

    def carry_out(self, products: "list[tuple[str, int]]", *, by: Any) -> PaymentLink | None:
        """The new link; None where ND8 made none, and the form says why."""
        try:
            return create_link(**self.cleaned_data, products=products, by=by)
        except DecisionRefused as refusal:
            self.add_error(None, str(refusal))
            return None


class ChangeLinkForm(_LinkForm):
    """A link that exists; what it sells cannot be changed any more."""

    is_active = forms.BooleanField(
        label=gettext_lazy("On sale"),
        required=False,
        help_text=gettext_lazy("Switched off, nobody can buy by it. It can be switched on again."),
    )

    def __init__(self, data: Any = None, *, link: PaymentLink) -> None:
        expires_at = link.expires_at and timezone.localtime(link.expires_at).replace(microsecond=0)
        known = {"name": link.name, "max_uses": link.max_uses, "is_active": link.is_active, "expires_at": expires_at}
        super().__init__(data, initial=known)
        self.link = link

    def carry_out(self, *, by: Any) -> bool:
        """Whether ND8 has the changes, or there were none; if not, the form says why."""
        try:
            if self.has_changed():
                change_link(self.link, {name: self.cleaned_data[name] for name in self.changed_data}, by=by)
        except DecisionRefused as refusal:
            self.add_error(None, str(refusal))
            return False
        return True


class ProductForm(forms.Form):
    """One product of ND8's catalogue; a row that stays as it is stands for none."""

    product_id = forms.CharField(
        label=gettext_lazy("Product id at ND8"),
        required=False,
        max_length=255,
        validators=[NO_SPACES, NO_ADDRESS],
        widget=forms.TextInput(attrs={"list": KNOWN_PRODUCTS, "autocomplete": "off", "spellcheck": "false"}),
    )
    quantity = forms.IntegerField(
        label=gettext_lazy("Quantity"), required=False, min_value=1, max_value=100_000, initial=1
    )

    def clean(self) -> dict[str, Any] | None:
        """Both, or neither."""
        data = super().clean() or self.cleaned_data
        if data.get("product_id") and data.get("quantity") is None and "quantity" not in self.errors:
            self.add_error("quantity", _("Please say how many."))
        if data.get("quantity") and not data.get("product_id") and "product_id" not in self.errors:
            self.add_error("product_id", _("Please say of which product."))
        return data


class Products(forms.BaseFormSet):
    """At least one, and none twice."""

    def clean(self) -> None:
        """Said above the rows."""
        if any(self.errors):
            return
        ids = [product_id for product_id, _quantity in self.products]
        if not ids:
            raise forms.ValidationError(_("Please say what the link sells: at least one product."))
        if len(set(ids)) < len(ids):
            raise forms.ValidationError(_("One product is written twice. Give it one row with the whole quantity."))

    @property
    def products(self) -> list[tuple[str, int]]:
        """Ids and quantities of the rows that were filled in."""
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("product_id")]
        return [(row["product_id"], row["quantity"]) for row in rows]


_ProductFormSet = forms.formset_factory(
    ProductForm, formset=Products, extra=PRODUCTS_SHOWN, max_num=PRODUCTS_AT_MOST, absolute_max=PRODUCTS_AT_MOST
)


def products_of(data: Any = None) -> Products:
    """The rows for a new link's products."""
    return cast("Products", _ProductFormSet(data, prefix="products"))
