"""Lists and pages of what nobody may edit, in Wagtail's own look: a viewset that has no form at all."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar

import django_filters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import transaction
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, Media
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.menu import MenuItem
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.ui.tables import Column
from wagtail.admin.views import generic
from wagtail.admin.viewsets.base import ViewSet

from oscar_nd8.cms.permissions import SeesPayments, may_view
from oscar_nd8.paging import LongPaginator, in_portions
from oscar_nd8.shop.overview import Urgency
from oscar_nd8.spreadsheets import Columns, not_a_formula

__all__ = [
    "ChoicesFilter",
    "DaysFilter",
    "EvidenceIndexView",
    "EvidenceInspectView",
    "EvidenceViewSet",
    "MoneyColumn",
    "StatusColumn",
]

STYLE = Media(css={"all": ["oscar_nd8/cms.css"]})
# Outside of these, a day at either end of the calendar has no time in some time zone.
SENSIBLE_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


class DaysField(django_filters.fields.DateRangeField):
    """From the first day to the last, both included, in the shop's own time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day in self.fields:
            day.validators += SENSIBLE_DAYS


class DaysFilter(django_filters.DateFromToRangeFilter):
    """Two days, picked by Wagtail's own calendar."""

    field_class = DaysField

    def __init__(self, field_name: str, label: Any) -> None:
        super().__init__(field_name=field_name, label=label, widget=DateRangePickerWidget)


class ChoicesFilter(django_filters.MultipleChoiceFilter):
    """Any of the ticked values. A row's own column repeats no row, and looking for repetitions would sort them all."""

    def __init__(self, label: Any, choices: Any) -> None:
        super().__init__(label=label, choices=choices, widget=CheckboxSelectMultiple, distinct=False)


class MoneyColumn(Column):
    """An amount on the right; `money` gives a Decimal in major units, or None, and its currency."""

    cell_template_name = "oscar_nd8/cms/partials/money_cell.html"

    def __init__(self, name: str, *, money: Callable[[Any], tuple[Any, str]], **kwargs: Any) -> None:
        super().__init__(name, classname="nd8-money", accessor=money, **kwargs)

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        """With the amount and the currency apart."""
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        amount, currency = context["raw_value"]
        return {**context, "amount": amount, "currency": currency}


class StatusColumn(Column):
    """A tag in words and colour; `status` gives an Urgency and words, and words about what is urgent besides, or ""."""

    cell_template_name = "oscar_nd8/cms/partials/status_cell.html"

    def __init__(self, name: str, *, status: Callable[[Any], tuple[Urgency, Any, Any]], **kwargs: Any) -> None:
        super().__init__(name, accessor=status, **kwargs)

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        """With all three apart."""
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        urgency, text, urgent = context["raw_value"]
        return {**context, "urgency": urgency, "text": text, "urgent": urgent}


class EvidencePaginator(LongPaginator, WagtailPaginator):
    """Wagtail's pages, of which the last is not always the end."""

    @cached_property
    def items_count_label(self) -> str:
        """How many there are, or that there are more."""
        label: str = super().items_count_label
        first = _("The first %(total)s; narrow the list to find others") % {"total": self.count}
        return first if self.is_cut else label


class EvidenceIndexView(generic.IndexView, ABC):
    """Searched and ordered by the database, with the search of Oscar's dashboard."""

    permission_policy = SeesPayments(None)
    any_permission_required: ClassVar = ["view"]
    is_searchable = True
    paginate_by = 20
    paginator_class = EvidencePaginator
    results_template_name = "oscar_nd8/cms/evidence_results.html"
    base_filterset_class = WagtailFilterSet
    spreadsheet: ClassVar[Columns] = {}
    custom_value_preprocess: ClassVar = {
        **generic.IndexView.custom_value_preprocess,
        str: {"csv": not_a_formula},
    }

    @property
    def list_export(self) -> list[str]:
        """The spreadsheet's columns."""
        return list(self.spreadsheet)

    def get_heading(self, queryset: QuerySet[Any], field: str) -> str:
        """In the reader's language."""
        return str(self.spreadsheet[field][0])

    def to_row_dict(self, item: Any) -> dict[str, Any]:
        """One row of the spreadsheet."""
        return {name: value(item) for name, (_heading, value) in self.spreadsheet.items()}

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that the words are found in."""
        return self.mentioning(queryset, self.search_query) if self.is_searching else queryset

    def get_list_buttons(self, instance: Any) -> list[Any]:
        """None: Wagtail's menu would offer one thing, in every row, which is where the row's title leads."""
        return []

    @abstractmethod
    def mentioning(self, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        """The rows of `queryset` that mention `words`."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The list; a spreadsheet without all that a page needs, which would count and keep every row."""
        if self.is_export:
            return self.as_spreadsheet(self.get_queryset(), request.GET["export"])
        response: HttpResponseBase = super().get(request, *args, **kwargs)
        return response

    def as_spreadsheet(self, queryset: QuerySet[Any], spreadsheet_format: str) -> HttpResponseBase:
        """All of `queryset`, newest first, with few rows in memory."""
        response: HttpResponseBase = super().as_spreadsheet(in_portions(queryset), spreadsheet_format)
        return response

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """With our style."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        context["media"] += STYLE
        return context


class EvidenceInspectView(generic.InspectView):
    """One row with all that bears on it."""

    permission_policy = SeesPayments(None)
    any_permission_required: ClassVar = ["view"]
    fields: ClassVar = ["pk"]
    object: Any

    def get_fields_context(self) -> list[dict[str, Any]]:
        """Our templates say more than field by field."""
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With our style."""
        return {**super().get_context_data(**kwargs), "media": STYLE}


class EvidenceViewSet(ViewSet):
    """A list and a page for each row; there are no addresses at which anything could be edited."""

    model: Any
    index_view_class: Any
    inspect_view_class: Any
    # Its pages ask ND8, between transactions.
    asks_nd8 = False

    def construct_view(self, view_class: Any, **kwargs: Any) -> Any:
        """Outside of ATOMIC_REQUESTS where ND8 is asked."""
        view = super().construct_view(view_class, **kwargs)
        return transaction.non_atomic_requests(view) if self.asks_nd8 else view

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """What both views know of each other."""
        names = {f"{name}_url_name": self.get_url_name(name) for name in ("index", "index_results", "inspect")}
        return {"model": self.model, "header_icon": self.icon, **names, **kwargs}

    def get_urlpatterns(self) -> list[Any]:
        """The list, its part that Wagtail's own script fetches, and one row."""
        return [
            path("", self.construct_view(self.index_view_class), name="index"),
            path("results/", self.construct_view(self.index_view_class, results_only=True), name="index_results"),
            path("<int:pk>/", self.construct_view(self.inspect_view_class), name="inspect"),
        ]

    @cached_property
    def menu_item_class(self) -> type:
        """In the menu only for those who can open it."""
        return ViewersMenuItem


class ViewersMenuItem(MenuItem):
    """For those who may view payments."""

    def is_shown(self, request: HttpRequest) -> bool:
        """As its page decides."""
        return may_view(request.user)
