"""The worklist: what needs a person, one matter with all that bears on it, and the pages on which it is decided."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from oscar_nd8.dashboard.forms import MatterFilterForm
from oscar_nd8.dashboard.links import may_view_orders, refund_url
from oscar_nd8.decisions import DismissForm, PlaceForm, decided, facts_of, process_again, tell
from oscar_nd8.models import Attention, WebhookEvent
from oscar_nd8.paging import LongPaginator
from oscar_nd8.services.process_event import session_of
from oscar_nd8.shop.staff import may_decide
from oscar_nd8.shop.timeline import events_about
from oscar_nd8.shop.worklist import actions_about, count_open, matching_matters, matters_seen_by

__all__ = ["dismiss", "list_matters", "place", "process_event_again", "show_matter"]


@require_safe
def list_matters(request: HttpRequest) -> HttpResponse:
    """Open ones first, narrowed by the form; a form that is not valid finds nothing and says why."""
    form = MatterFilterForm(request.GET)
    matters = matters_seen_by(request.user)
    matters = matching_matters(matters, **form.cleaned_data) if form.is_valid() else matters.none()
    paginator = LongPaginator(matters, settings.OSCAR_DASHBOARD_ITEMS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    context = {"form": form, "paginator": paginator, "page_obj": page, "open_matters": count_open(request.user)}
    return render(request, "oscar_nd8/dashboard/matter_list.html", context)


@require_safe
def show_matter(request: HttpRequest, pk: int) -> HttpResponse:
    """One matter; 404 for one that is not theirs to see."""
    matter = _matter(request, pk)
    context = {
        **facts_of(matter),
        "may_decide": may_decide(request.user),
        "actions": actions_about(matter),
        "events": list(events_about(matter)),
        "may_view_orders": may_view_orders(request.user),
        "refund_url": refund_url(matter.session, request.user) if matter.session else "",
    }
    return render(request, "oscar_nd8/dashboard/matter_detail.html", context)


@require_POST
@transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
def process_event_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Have one of ND8's messages processed again, and say what came of it, on the page of what it is about."""
    event = get_object_or_404(WebhookEvent, pk=pk)
    tell(request, process_again(event, by=request.user))
    session = session_of(event)
    if session is not None:
        return redirect("nd8-dashboard:nd8-payment", session.pk)
    matter = matters_seen_by(request.user).filter(session=None, subject=event.checkout_id).first()
    return redirect("nd8-dashboard:nd8-matter", matter.pk) if matter else redirect("nd8-dashboard:nd8-matters")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Are you sure, and then: the order of a held payment is placed."""
    return _decide(request, pk, PlaceForm, "oscar_nd8/dashboard/matter_place.html")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # a decision is a transaction of its own
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Why, and then: the matter needs nobody any more."""
    return _decide(request, pk, DismissForm, "oscar_nd8/dashboard/matter_dismiss.html")


def _decide(request: HttpRequest, pk: int, form_class: Any, template: str) -> HttpResponse:
    matter = _matter(request, pk)
    form = form_class(request.POST if request.method == "POST" else None, matter=matter)
    if decided(request, form):
        return redirect("nd8-dashboard:nd8-matter", matter.pk)
    return render(request, template, {**facts_of(matter), "form": form})


def _matter(request: HttpRequest, pk: int) -> Attention:
    matters = matters_seen_by(request.user).prefetch_related("session__payments", "session__attentions")
    return get_object_or_404(matters, pk=pk)
