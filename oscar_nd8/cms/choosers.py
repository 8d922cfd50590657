"""Choosers with search: a product of the shop, a payment link."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.chooser import (
    BaseChooseView,
    ChooseResultsViewMixin,
    ChooseViewMixin,
    CreationFormMixin,
)
from wagtail.admin.viewsets.chooser import ChooserViewSet

from oscar_nd8.cms.evidence import MoneyColumn
from oscar_nd8.models import PaymentLink
from oscar_nd8.shop.storefront import products_mentioning, public_products

__all__ = ["link_chooser", "product_chooser"]


class WordsForm(BaseFilterForm):
    """The chooser's search field; the database searches, so no index has to be kept."""

    q = forms.CharField(label=gettext_lazy("Search term"), max_length=200, required=False)

    def take_words(self) -> str:
        """What is looked for, which the dialog repeats; "" for everything."""
        words = str(self.cleaned_data["q"])
        if words:
            self.is_searching, self.search_query = True, words
        return words


class ProductWordsForm(WordsForm):
    """By title or UPC."""

    def filter(self, products: QuerySet[Any]) -> QuerySet[Any]:
        """As the shop searches."""
        return products_mentioning(products, words) if (words := self.take_words()) else products


class ProductChoices(CreationFormMixin, BaseChooseView):
    """What editors tell products apart by, of those that shoppers find."""

    filter_form_class = ProductWordsForm

    def get_object_list(self) -> QuerySet[Any]:
        """What shoppers find in the catalogue."""
        return public_products()

    @property
    def columns(self) -> list[Column]:
        """Title and UPC."""
        return [*super().columns, Column("upc", label=_("UPC"))]


class ProductChooseView(ChooseViewMixin, ProductChoices):
    """The whole dialog."""


class ProductChooseResultsView(ChooseResultsViewMixin, ProductChoices):
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

    def filter(self, links: QuerySet[Any]) -> QuerySet[Any]:
        """Names are all that an editor knows of a link."""
        return links.filter(name__icontains=words) if (words := self.take_words()) else links


class LinkChoices(CreationFormMixin, BaseChooseView):
    """What editors tell links apart by, of those that were not deleted."""

    filter_form_class = LinkWordsForm

    def get_object_list(self) -> QuerySet[PaymentLink]:
        """Also those that are switched off: a page may be prepared before the sale begins."""
        return PaymentLink.objects.filter(deleted_at=None)

    @property
    def columns(self) -> list[Column]:
        """Name, price and whether it can be bought by."""
        price = MoneyColumn("amount", label=_("Price"), money=lambda each: (each.amount_major, each.currency))
        state = Column("availability", label=_("State"), accessor=lambda each: each.availability.label)
        return [*super().columns, price, state]


class LinkChooseView(ChooseViewMixin, LinkChoices):
    """The whole dialog."""


class LinkChooseResultsView(ChooseResultsViewMixin, LinkChoices):
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
