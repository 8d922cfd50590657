"""Payments for staff: the list, and one payment with all that is known about it and what can be done."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe
from pydantic import ValidationError

from oscar_nd8.dashboard.export import download
from oscar_nd8.dashboard.forms import PaymentFilterForm
from oscar_nd8.dashboard.links import may_view_orders, refund_url
from oscar_nd8.decisions import ask, tell
from oscar_nd8.models import PaymentSession
from oscar_nd8.paging import LongPaginator
from oscar_nd8.services.examine_records import alarms
from oscar_nd8.shop.overview import attempts_of, overview_of
from oscar_nd8.shop.quote import Quote
from oscar_nd8.shop.refunds import money_of, refunds_of
from oscar_nd8.shop.sessions import Sessions, as_spreadsheet_rows, matching, sessions_seen_by, with_money_and_matters
from oscar_nd8.shop.staff import may_decide
from oscar_nd8.shop.timeline import events_of, timeline_of
from oscar_nd8.shop.worklist import count_open
from oscar_nd8.spreadsheets import PAYMENT_COLUMNS

__all__ = ["ask_nd8", "export_payments", "list_payments", "show_payment"]


@require_safe
def list_payments(request: HttpRequest) -> HttpResponse:
    """Newest first, narrowed by the form; a form that is not valid finds nothing and says why."""
    form, sessions = _found(request)
    paginator = LongPaginator(sessions, settings.OSCAR_DASHBOARD_ITEMS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "form": form,
        "paginator": paginator,
        "page_obj": page,
        "overviews": [overview_of(session) for session in page],
        "may_view_orders": may_view_orders(request.user),
        "open_matters": count_open(request.user),
        # A partner's staff can do nothing about how the shop is run.
        "alarms": alarms() if request.user.is_staff else [],
    }
    return render(request, "oscar_nd8/dashboard/payment_list.html", context)


@require_safe
def export_payments(request: HttpRequest) -> HttpResponseBase:
    """What the list would show, all pages of it, as a table for a spreadsheet."""
    form, sessions = _found(request)
    if not form.is_valid():
        return redirect(f"{reverse('nd8-dashboard:nd8-payments')}?{request.GET.urlencode()}")
    return download(as_spreadsheet_rows(sessions), PAYMENT_COLUMNS, name="payments")


@require_safe
def show_payment(request: HttpRequest, pk: int) -> HttpResponse:
    """One payment session; 404 for one that is not theirs to see."""
    sessions = (
        sessions_seen_by(request.user)
        .select_related("order")
        .prefetch_related("payments", "attentions", "staff_actions")
    )
    session = get_object_or_404(sessions, pk=pk)
    events, refunds = list(events_of(session)), list(refunds_of(session))
    context = {
        "overview": overview_of(session),
        "session": session,
        "quote": _quote_of(session),
        "payments": [(payment, attempts_of(payment)) for payment in session.payments.all()],
        "events": events,
        "timeline": timeline_of(session, events, refunds),
        "may_decide": may_decide(request.user),
        "refundables": money_of(session, refunds=refunds),
        "refunds": refunds,
        "refund_url": refund_url(session, request.user),
        "may_view_orders": may_view_orders(request.user),
        "admin_url": _admin_url(session, request.user),
    }
    return render(request, "oscar_nd8/dashboard/payment_detail.html", context)


@require_POST
@transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
def ask_nd8(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask ND8 about one payment now, and say what came of it."""
    session = get_object_or_404(sessions_seen_by(request.user), pk=pk)
    tell(request, ask(session, by=request.user))
    return redirect("nd8-dashboard:nd8-payment", pk)


def _found(request: HttpRequest) -> tuple[PaymentFilterForm, Sessions]:
    form = PaymentFilterForm(request.GET)
    sessions = with_money_and_matters(sessions_seen_by(request.user))
    return form, matching(sessions, **form.cleaned_data) if form.is_valid() else sessions.none()


def _quote_of(session: PaymentSession) -> Quote | None:
    try:
        return Quote.model_validate(session.quote)
    except ValidationError:
        return None  # written by another version; the rest of the page matters all the more then


def _admin_url(session: PaymentSession, user: Any) -> str:
    """The session's page in Django's admin; "" where there is none for `user`."""
    if not (user.is_staff and user.has_perm("oscar_nd8.view_paymentsession")):
        return ""
    try:
        return reverse("admin:oscar_nd8_paymentsession_change", args=[session.pk])
    except NoReverseMatch:
        return ""
