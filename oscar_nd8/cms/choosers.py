"""Choosers with search: a product of the shop, a payment link."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.chooser import ChooseResultsView, ChooseView
from wagtail.admin.viewsets.chooser import ChooserViewSet

from oscar_nd8.cms.evidence import MoneyColumn
from oscar_nd8.models import PaymentLink
from oscar_nd8.shop.storefront import products_mentioning, public_products

__all__ = ["link_chooser", "product_chooser"]


class WordsForm(BaseFilterForm):
    """The chooser's search field; the database searches, so no index has to be kept."""

    q = forms.CharField(label=gettext_lazy("Search term"), max_length=200, required=False)

    def filter(self, objects: QuerySet[Any]) -> QuerySet[Any]:
        """Those that mention the words."""
        words = self.cleaned_data["q"]
        if not words:
            return objects
        self.is_searching, self.search_query = True, words
        return self.find(objects, words)

    def find(self, objects: QuerySet[Any], words: str) -> QuerySet[Any]:
        """The rows that mention `words`."""
        raise NotImplementedError


class ProductWordsForm(WordsForm):
    """By title or UPC."""

    def find(self, objects: QuerySet[Any], words: str) -> QuerySet[Any]:
        """As the shop searches."""
        return products_mentioning(objects, words)


class ProductColumns:
    """What editors tell products apart by, of those that shoppers find."""

    filter_form_class = ProductWordsForm

    def get_object_list(self) -> QuerySet[Any]:
        """What shoppers find in the catalogue."""
        return public_products()

    @property
    def columns(self) -> list[Column]:
        """Title and UPC."""
        found: list[Column] = super().columns  # type: ignore[misc]  # of the view that this is mixed into
        return [*found, Column("upc", label=_("UPC"))]


class ProductChooseView(ProductColumns, ChooseView):
    """The whole dialog."""


class ProductChooseResultsView(ProductColumns, ChooseResultsView):
    """Its list alone."""


class ProductChooserViewSet(ChooserViewSet):
    """Products that shoppers find."""

    model = "catalogue.Product"
    icon = "tag"
    choose_one_text = gettext_lazy("Choose a product")
    choose_another_text = gettext_lazy("Choose another product")
    # How other apps' forms show a foreign key to a product is theirs to say.
    register_widget = False
    choose_view_class = ProductChooseView
    choose_results_view_class = ProductChooseResultsView


class LinkWordsForm(WordsForm):
    """By name."""

    def find(self, objects: QuerySet[Any], words: str) -> QuerySet[Any]:
        """Names are all that an editor knows of a link."""
        return objects.filter(name__icontains=words)


class LinkColumns:
    """What editors tell links apart by, of those that were not deleted."""

    filter_form_class = LinkWordsForm

    def get_object_list(self) -> QuerySet[PaymentLink]:
        """Also those that are switched off: a page may be prepared before the sale begins."""
        return PaymentLink.objects.filter(deleted_at=None)

    @property
    def columns(self) -> list[Column]:
        """Name, price and whether it can be bought by."""
        found: list[Column] = super().columns  # type: ignore[misc]  # of the view that this is mixed into
        price = MoneyColumn("amount", label=_("Price"), money=lambda each: (each.amount_major, each.currency))
        return [*found, price, Column("availability", label=_("State"), accessor=lambda each: each.availability.label)]


class LinkChooseView(LinkColumns, ChooseView):
    """The whole dialog."""


class LinkChooseResultsView(LinkColumns, ChooseResultsView):
    """Its list alone."""


class LinkChooserViewSet(ChooserViewSet):
    """Payment links that exist."""

    model = "oscar_nd8.PaymentLink"
    icon = "nd8-payments"
    choose_one_text = gettext_lazy("Choose a payment link")
    choose_another_text = gettext_lazy("Choose another payment link")
    edit_item_text = gettext_lazy("Change this link")
    choose_view_class = LinkChooseView
    choose_results_view_class = LinkChooseResultsView


product_chooser = ProductChooserViewSet("nd8_product_chooser", url_prefix="payments/choose-product")
link_chooser = LinkChooserViewSet("nd8_link_chooser", url_prefix="payments/choose-link")
