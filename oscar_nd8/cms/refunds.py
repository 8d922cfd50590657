"""Refunds in Wagtail's admin: the form and its confirmation, the list, and one refund until it has ended."""

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
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
from oscar_nd8.cms.permissions import may_refund, may_view
from oscar_nd8.models import REFUND_LABELS, PaymentSession, Refund
from oscar_nd8.refunding import facts_about, looked_up, take_step
from oscar_nd8.shop.overview import Urgency
from oscar_nd8.shop.refunds import REFUND_STANDINGS, all_refunds, matching_refunds, payer_named
from oscar_nd8.spreadsheets import REFUND_COLUMNS

__all__ = ["RefundViewSet", "refund"]


class RefundFilterSet(WagtailFilterSet):
    """What refunds can be narrowed by."""

    status = ChoicesFilter(gettext_lazy("State"), [(str(status), label) for status, label in REFUND_LABELS.items()])
    origin = ChoicesFilter(gettext_lazy("Started"), Refund.Origin.choices)
    created_at = DaysFilter("created_at", gettext_lazy("When"))

    class Meta:
        model = Refund
        fields: ClassVar = ["status", "origin", "created_at"]


class RefundIndexView(EvidenceIndexView):
    """Newest first."""

    page_title = gettext_lazy("Refunds")
    filterset_class = RefundFilterSet
    export_filename = "refunds"
    spreadsheet: ClassVar = REFUND_COLUMNS

    def get_base_queryset(self) -> QuerySet[Refund]:
        """Of the whole shop."""
        return all_refunds()

    def mentioning(self, queryset: QuerySet[Refund], words: str) -> QuerySet[Refund]:
        """By order number, e-mail, transaction, refund, or who asked."""
        return matching_refunds(queryset, search=words)

    @cached_property
    def columns(self) -> list[Column]:
        """Whose money, how much, and where it is."""
        title = self._get_title_column("reference")
        title.label, title.accessor = _("Order"), "payment.session.order_number"
        return [
            title,
            Column("customer", label=_("Customer"), accessor="payment.session.email"),
            MoneyColumn("amount", label=_("Amount"), money=lambda each: (each.amount_major, each.currency)),
            StatusColumn("status", label=_("State"), status=_status_of),
            Column("asker", label=_("Asked for by"), accessor=_asker_of),
            DateColumn("created_at", label=_("When"), sort_key="created_at"),
        ]


class RefundInspectView(EvidenceInspectView):
    """One refund as it is now: ND8 is asked as long as it has not ended."""

    page_title = gettext_lazy("Refund")
    template_name = "oscar_nd8/cms/refund_detail.html"

    def get_object(self, queryset: Any = None) -> Refund:
        """With its payment."""
        refunds = Refund.objects.select_related("payment__session__order", "payment__session__user")
        return get_object_or_404(refunds.prefetch_related("payment__session__payments"), pk=self.pk)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Only now, when it is known that whoever asks may see it."""
        self.object = looked_up(self.object)
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def get_page_subtitle(self) -> str:
        """Whose payment it is of."""
        return str(self.object.payment.session.order_number)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """All that is known."""
        return {
            **super().get_context_data(**kwargs),
            **facts_about(self.object),
            "may_refund": may_refund(self.request.user),
            "state_url": reverse("nd8_refunds:state", args=[self.object.pk]),
        }


class RefundViewSet(EvidenceViewSet):
    """Money that went back, or is on its way."""

    name = "nd8_refunds"
    url_prefix = "payments/refunds"
    model = Refund
    icon = "nd8-refunds"
    asks_nd8 = True
    menu_label = gettext_lazy("Refunds")
    index_view_class = RefundIndexView
    inspect_view_class = RefundInspectView

    def get_urlpatterns(self) -> list[Any]:
        """And the address that a waiting page asks."""
        return [*super().get_urlpatterns(), path("<int:pk>/state/", tell_state, name="state")]


@never_cache
@require_safe
def tell_state(request: HttpRequest, pk: int) -> HttpResponse:
    """`{"settled": bool}`: whether the refund is something else than the page that asks says. No call to ND8."""
    if not may_view(request.user):
        raise PermissionDenied
    return JsonResponse({"settled": get_object_or_404(Refund, pk=pk).status != request.GET.get("was")})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # the refund is written before ND8 is asked, each in a transaction of its own
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """How much, are you sure, and then the refund's own page."""
    if not may_refund(request.user):
        raise PermissionDenied
    sessions = PaymentSession.objects.select_related("order", "user").prefetch_related("payments")
    session = get_object_or_404(sessions, pk=pk)
    data = request.POST if request.method == "POST" else None
    wanted = (request.GET if data is None else data).get("payment")
    step = take_step(session, data, wanted=wanted, by=request.user)
    if step.refund is not None:
        return redirect("nd8_refunds:inspect", step.refund.pk)
    context = {"session": session, "step": step, "form": step.form, "payer": payer_named(session), "media": STYLE}
    return render(request, "oscar_nd8/cms/refund.html", context)


def _status_of(refund: Refund) -> tuple[Urgency, Any, Any]:
    return REFUND_STANDINGS[refund.state].urgency, refund.status_label, ""


def _asker_of(refund: Any) -> str:
    if refund.origin == Refund.Origin.PROVIDER:
        return str(refund.origin_label)
    return refund.asker or _("Somebody at the server's console")
