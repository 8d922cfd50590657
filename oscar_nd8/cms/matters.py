"""The worklist in Wagtail's admin: what needs a person, one matter with all that bears on it, and the decisions."""

from typing import Any, ClassVar

import django_filters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import RadioSelect
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn

from oscar_nd8.cms.evidence import (
    STYLE,
    ChoicesFilter,
    DaysFilter,
    EvidenceIndexView,
    EvidenceInspectView,
    EvidenceViewSet,
    MoneyColumn,
    StatusColumn,
)
from oscar_nd8.cms.permissions import may_decide, may_refund
from oscar_nd8.decisions import DismissForm, PlaceForm, decided, facts_of
from oscar_nd8.models import Attention
from oscar_nd8.shop.overview import Urgency
from oscar_nd8.shop.worklist import Openness, actions_about, all_matters, matching_matters

__all__ = ["MatterViewSet"]


class MatterFilterSet(WagtailFilterSet):
    """What matters can be narrowed by."""

    state = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=[(Openness.OPEN.value, gettext_lazy("Open")), (Openness.SETTLED.value, gettext_lazy("Settled"))],
        empty_label=gettext_lazy("Open and settled"),
        widget=RadioSelect,
        method="in_state",
    )
    kind = ChoicesFilter(gettext_lazy("What"), Attention.Kind.choices)
    created_at = DaysFilter("created_at", gettext_lazy("Since"))

    class Meta:
        model = Attention
        fields: ClassVar = ["state", "kind", "created_at"]

    def in_state(self, matters: QuerySet[Attention], _name: str, state: str) -> QuerySet[Attention]:
        """Open ones or settled ones."""
        return matching_matters(matters, state=state)


class MatterIndexView(EvidenceIndexView):
    """Open ones first."""

    page_title = gettext_lazy("Needs attention")
    filterset_class = MatterFilterSet
    export_filename = "needs-attention"
    spreadsheet: ClassVar = {
        "what": (gettext_lazy("What"), lambda each: each.get_kind_display()),
        "about": (gettext_lazy("About"), lambda each: _about(each)),
        "customer": (gettext_lazy("Customer"), lambda each: each.session.email if each.session else ""),
        "detail": (gettext_lazy("What happened"), lambda each: each.detail),
        "since": (gettext_lazy("Since"), lambda each: each.created_at),
        "settled": (gettext_lazy("Settled"), lambda each: each.resolved_at),
        "ended": (gettext_lazy("How it ended"), lambda each: each.get_resolution_display()),
    }

    def get_base_queryset(self) -> QuerySet[Attention]:
        """Of the whole shop."""
        return all_matters()

    def mentioning(self, queryset: QuerySet[Attention], words: str) -> QuerySet[Attention]:
        """By order number, e-mail, transaction, checkout or refund."""
        return matching_matters(queryset, search=words)

    @cached_property
    def columns(self) -> list[Column]:
        """What, about which payment, and since when."""
        return [
            self._get_title_column("kind"),
            Column("about", label=_("About"), accessor=_about),
            Column("customer", label=_("Customer"), accessor="session.email"),
            MoneyColumn("amount", label=_("Amount"), money=_amount_of),
            StatusColumn("state", label=_("State"), status=_state_of),
            DateColumn("created_at", label=_("Since"), sort_key="created_at"),
        ]


class MatterInspectView(EvidenceInspectView):
    """One matter."""

    page_title = gettext_lazy("Needs attention")
    template_name = "oscar_nd8/cms/matter.html"

    def get_object(self, queryset: Any = None) -> Attention:
        """With its payment."""
        return _matter(self.pk)

    def get_page_subtitle(self) -> str:
        """What it is about."""
        return str(self.object)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """All that bears on it."""
        return {
            **super().get_context_data(**kwargs),
            **facts_of(self.object),
            "actions": actions_about(self.object),
            "may_decide": may_decide(self.request.user),
            "may_refund": may_refund(self.request.user),
        }


class MatterViewSet(EvidenceViewSet):
    """What needs a person."""

    name = "nd8_matters"
    url_prefix = "payments/attention"
    model = Attention
    icon = "warning"
    menu_label = gettext_lazy("Needs attention")
    index_view_class = MatterIndexView
    inspect_view_class = MatterInspectView

    def get_urlpatterns(self) -> list[Any]:
        """And the decisions."""
        decisions = [
            path("<int:pk>/place/", place, name="place"),
            path("<int:pk>/dismiss/", dismiss, name="dismiss"),
        ]
        return [*super().get_urlpatterns(), *decisions]


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Are you sure, and then: the order of a held payment is placed."""
    return _decide(request, pk, PlaceForm, "oscar_nd8/cms/matter_place.html")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # a decision is a transaction of its own
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Why, and then: the matter needs nobody any more."""
    return _decide(request, pk, DismissForm, "oscar_nd8/cms/matter_dismiss.html")


def _decide(request: HttpRequest, pk: int, form_class: Any, template: str) -> HttpResponse:
    if not may_decide(request.user):
        raise PermissionDenied
    matter = _matter(pk)
    form = form_class(request.POST if request.method == "POST" else None, matter=matter)
    if decided(request, form):
        return redirect("nd8_matters:inspect", pk)
    return render(request, template, {**facts_of(matter), "form": form, "media": STYLE})


def _matter(pk: Any) -> Attention:
    return get_object_or_404(all_matters().prefetch_related("session__payments", "session__attentions"), pk=pk)


def _about(matter: Attention) -> str:
    parts = [matter.session.order_number if matter.session else "", matter.subject]
    return " · ".join(part for part in parts if part)


def _amount_of(matter: Attention) -> tuple[Any, str]:
    return (matter.session.amount_major, matter.session.currency) if matter.session else (None, "")


def _state_of(matter: Attention) -> tuple[Urgency, Any, Any]:
    if matter.resolved_at is None:
        return Urgency.URGENT, _("Open"), ""
    return Urgency.OVER, matter.get_resolution_display(), ""
