"""Giving money back from the dashboard: the form and its confirmation, one refund until it has ended, and the list."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from oscar_nd8.dashboard.export import download
from oscar_nd8.dashboard.forms import RefundFilterForm
from oscar_nd8.dashboard.links import may_view_orders, refund_url
from oscar_nd8.models import Refund
from oscar_nd8.paging import LongPaginator
from oscar_nd8.refunding import facts_about, looked_up, take_step
from oscar_nd8.shop.refunds import REFUND_STANDINGS, Refunds, askers_of, matching_refunds, payer_named, refunds_seen_by
from oscar_nd8.shop.sessions import sessions_seen_by
from oscar_nd8.spreadsheets import REFUND_COLUMNS

__all__ = ["export_refunds", "list_refunds", "refund", "show_refund", "tell_state"]


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # the refund is written before ND8 is asked, each in a transaction of its own
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """How much, are you sure, and then the refund's own page; 404 for a payment that is not theirs to see."""
    sessions = sessions_seen_by(request.user).select_related("order", "user").prefetch_related("payments")
    session = get_object_or_404(sessions, pk=pk)
    data = request.POST if request.method == "POST" else None
    wanted = (request.GET if data is None else data).get("payment")
    step = take_step(session, data, wanted=wanted, by=request.user)
    if step.refund is not None:
        return redirect("nd8-dashboard:nd8-refund-detail", step.refund.pk)
    context = {"session": session, "step": step, "form": step.form, "payer": payer_named(session)}
    return render(request, "oscar_nd8/dashboard/refund.html", context)


@require_safe
@transaction.non_atomic_requests  # ND8 is asked between transactions
def show_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """One refund as it is now: ND8 is asked as long as it has not ended."""
    refund = looked_up(_refund(request, pk))
    context = {
        **facts_about(refund),
        "may_view_orders": may_view_orders(request.user),
        "refund_url": refund_url(refund.payment.session, request.user),
    }
    return render(request, "oscar_nd8/dashboard/refund_detail.html", context)


@require_safe
def tell_state(request: HttpRequest, pk: int) -> HttpResponse:
    """`{"settled": bool}`: whether the refund is something else than the page that asks says. No call to ND8."""
    return JsonResponse({"settled": _refund(request, pk).status != request.GET.get("was")})


@require_safe
def list_refunds(request: HttpRequest) -> HttpResponse:
    """Newest first, narrowed by the form; a form that is not valid finds nothing and says why."""
    form, refunds = _found(request)
    paginator = LongPaginator(refunds, settings.OSCAR_DASHBOARD_ITEMS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "form": form,
        "paginator": paginator,
        "page_obj": page,
        "rows": [(refund, REFUND_STANDINGS[refund.state]) for refund in page],
    }
    return render(request, "oscar_nd8/dashboard/refund_list.html", context)


@require_safe
def export_refunds(request: HttpRequest) -> HttpResponseBase:
    """What the list would show, all pages of it, as a table for a spreadsheet."""
    form, refunds = _found(request)
    if not form.is_valid():
        return redirect(f"{reverse('nd8-dashboard:nd8-refunds')}?{request.GET.urlencode()}")
    return download(refunds, REFUND_COLUMNS, name="refunds")


def _found(request: HttpRequest) -> tuple[RefundFilterForm, Refunds]:
    refunds = refunds_seen_by(request.user)
    form = RefundFilterForm(request.GET, askers=askers_of(refunds))
    return form, matching_refunds(refunds, **form.cleaned_data) if form.is_valid() else refunds.none()


def _refund(request: HttpRequest, pk: int) -> Any:
    # With all that the list leaves out: its page reads what was agreed.
    seen = refunds_seen_by(request.user).values("pk")
    refunds = Refund.objects.filter(pk__in=seen).select_related("payment__session__order", "payment__session__user")
    return get_object_or_404(refunds.prefetch_related("payment__session__payments"), pk=pk)
