"""Payments in Wagtail's admin: the list, one payment with all that is known about it, and having ND8 asked."""

from typing import Any, ClassVar

import django_filters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import RadioSelect
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from pydantic import ValidationError
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn

from oscar_nd8.cms.evidence import (
    ChoicesFilter,
    DaysFilter,
    EvidenceIndexView,
    EvidenceInspectView,
    EvidenceViewSet,
    MoneyColumn,
    StatusColumn,
)
from oscar_nd8.cms.permissions import may_decide, may_refund
from oscar_nd8.cms.refunds import refund
from oscar_nd8.decisions import ask, tell
from oscar_nd8.models import STATUS_LABELS, PaymentSession
from oscar_nd8.services.examine_records import alarms
from oscar_nd8.shop.overview import Urgency, attempts_of, overview_of
from oscar_nd8.shop.quote import Quote
from oscar_nd8.shop.refunds import can_refund, money_of, refunds_of
from oscar_nd8.shop.searching import mentioning
from oscar_nd8.shop.sessions import as_spreadsheet_rows, matching, with_money_and_matters
from oscar_nd8.shop.timeline import events_of, timeline_of
from oscar_nd8.spreadsheets import PAYMENT_COLUMNS

__all__ = ["PaymentViewSet"]


class PaymentFilterSet(WagtailFilterSet):
    """What payments can be narrowed by."""

    status = ChoicesFilter(gettext_lazy("Status"), [(str(status), label) for status, label in STATUS_LABELS.items()])
    created_at = DaysFilter("created_at", gettext_lazy("Begun"))
    attention = django_filters.ChoiceFilter(
        label=gettext_lazy("Attention"),
        choices=[("open", gettext_lazy("Needs attention"))],
        empty_label=gettext_lazy("All"),
        widget=RadioSelect,
        method="needing_attention",
    )

    class Meta:
        model = PaymentSession
        fields: ClassVar = ["status", "created_at", "attention"]

    def needing_attention(self, sessions: QuerySet[PaymentSession], _name: str, _wanted: str) -> Any:
        """Those with an open matter."""
        return matching(sessions, attention=True)


class PaymentIndexView(EvidenceIndexView):
    """Newest first."""

    page_title = gettext_lazy("Payments")
    template_name = "oscar_nd8/cms/payment_list.html"
    filterset_class = PaymentFilterSet
    default_ordering = ("-created_at", "-pk")
    export_filename = "payments"
    spreadsheet: ClassVar = PAYMENT_COLUMNS

    def get_base_queryset(self) -> QuerySet[PaymentSession]:
        """With all that a row shows."""
        sessions = with_money_and_matters(PaymentSession.objects.all())
        return as_spreadsheet_rows(sessions) if self.is_export else sessions

    def mentioning(self, queryset: QuerySet[PaymentSession], words: str) -> QuerySet[PaymentSession]:
        """By order number, e-mail, checkout or transaction."""
        return queryset.filter(mentioning(words))

    @cached_property
    def columns(self) -> list[Column]:
        """What staff look for first."""
        return [
            self._get_title_column("order_number"),
            Column("email", label=_("Customer")),
            MoneyColumn("amount", label=_("Amount"), money=lambda each: (each.amount_major, each.currency)),
            MoneyColumn("fee", label=_("Fee"), money=lambda each: (overview_of(each).fee, each.currency)),
            MoneyColumn("net", label=_("Net"), money=lambda each: (overview_of(each).net, each.currency)),
            StatusColumn("status", label=_("Status"), status=_status_of),
            DateColumn("created_at", label=_("Begun"), sort_key="created_at"),
        ]

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """With what staff must know before they believe the list."""
        return {**super().get_context_data(*args, **kwargs), "alarms": alarms()}


class PaymentInspectView(EvidenceInspectView):
    """One payment session."""

    page_title = gettext_lazy("Payment")
    template_name = "oscar_nd8/cms/payment.html"

    def get_object(self, queryset: Any = None) -> PaymentSession:
        """With its payments, matters and history."""
        sessions = PaymentSession.objects.select_related("order", "link").prefetch_related(
            "payments", "attentions", "staff_actions"
        )
        return get_object_or_404(sessions, pk=self.pk)

    def get_page_subtitle(self) -> str:
        """Its order's number."""
        return str(self.object.order_number)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """All that is known."""
        session = self.object
        events, refunds = list(events_of(session)), list(refunds_of(session))
        return {
            **super().get_context_data(**kwargs),
            "session": session,
            "overview": overview_of(session),
            "quote": _quote_of(session),
            "payments": [(payment, attempts_of(payment)) for payment in session.payments.all()],
            "events": events,
            "timeline": timeline_of(session, events, refunds),
            "refundables": money_of(session, refunds=refunds),
            "refunds": refunds,
            "may_decide": may_decide(self.request.user),
            "may_refund": may_refund(self.request.user),
            "can_refund": can_refund(session),
        }


class PaymentViewSet(EvidenceViewSet):
    """Payments and sessions."""

    name = "nd8_payments"
    url_prefix = "payments/all"
    model = PaymentSession
    icon = "nd8-payments"
    menu_label = gettext_lazy("All payments")
    index_view_class = PaymentIndexView
    inspect_view_class = PaymentInspectView

    def get_urlpatterns(self) -> list[Any]:
        """And the addresses of the buttons."""
        buttons = [path("<int:pk>/ask/", ask_nd8, name="ask"), path("<int:pk>/refund/", refund, name="refund")]
        return [*super().get_urlpatterns(), *buttons]


@require_POST
@transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
def ask_nd8(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask ND8 about one payment now, and say what came of it."""
    if not may_decide(request.user):
        raise PermissionDenied
    tell(request, ask(get_object_or_404(PaymentSession, pk=pk), by=request.user))
    return redirect("nd8_payments:inspect", pk)


def _status_of(session: PaymentSession) -> tuple[Urgency, Any, Any]:
    overview = overview_of(session)
    return overview.standing.urgency, session.status_label, _("Needs attention") if overview.matters else ""


def _quote_of(session: PaymentSession) -> Quote | None:
    try:
        return Quote.model_validate(session.quote)
    except ValidationError:
        return None  # written by another version; the rest of the page matters all the more then
