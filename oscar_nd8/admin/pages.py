"""The pages behind the admin's buttons, on which staff decide and refund, and words that the evidence is told in."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from oscar_nd8.decisions import DismissForm, PlaceForm, ask, decided, facts_of, process_again, tell
from oscar_nd8.models import Attention, PaymentSession, Refund, WebhookEvent
from oscar_nd8.refunding import facts_about, looked_up, take_step
from oscar_nd8.shop import timeline
from oscar_nd8.shop.refunds import payer_named, refunds_of
from oscar_nd8.shop.staff import may_decide, may_refund
from oscar_nd8.shop.timeline import Moment
from oscar_nd8.shop.worklist import can_dismiss, can_place

__all__ = ["EventPages", "MatterPages", "SessionPages", "timeline_of"]


def timeline_of(session: PaymentSession) -> list[Moment]:
    """Everything that happened, oldest first."""
    return timeline.timeline_of(session, timeline.events_of(session), refunds_of(session))


class _Pages:
    """Pages of one ModelAdmin, under its names; `routes` are its views' names with where they are."""

    routes: ClassVar[Mapping[str, str]]

    def __init__(self, model_admin: "ModelAdmin[Any]") -> None:
        self._admin, self._site, self._opts = model_admin, model_admin.admin_site, model_admin.opts

    @property
    def urls(self) -> list[Any]:
        """What the ModelAdmin puts before its own addresses."""
        named = f"{self._opts.app_label}_{self._opts.model_name}"
        return [
            path(route, self._site.admin_view(getattr(self, name)), name=f"{named}_{name}")
            for name, route in self.routes.items()
        ]

    def _require(self, *, may: bool, request: HttpRequest, row: Model) -> None:
        if not (may and self._admin.has_view_permission(request, row)):
            raise PermissionDenied

    def _render(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return render(request, template, {**self._site.each_context(request), "opts": self._opts, **context})


class SessionPages(_Pages):
    """Ask ND8, and give money back."""

    routes: ClassVar = {
        "ask": "<int:pk>/ask/",
        "refund": "<int:pk>/refund/",
        "refunded": "<int:pk>/refund/<int:refund_pk>/",
    }

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def ask(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask ND8 about one session now, and say what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        session = get_object_or_404(PaymentSession, pk=pk)
        self._require(may=may_decide(request.user), request=request, row=session)
        tell(request, ask(session, by=request.user))
        return redirect("admin:oscar_nd8_paymentsession_change", pk)

    @method_decorator([never_cache, require_http_methods(["GET", "HEAD", "POST"])])
    @transaction.non_atomic_requests  # the refund is written before ND8 is asked, each in a transaction of its own
    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How much, are you sure, and then the refund's own page."""
        session = self._refundable(request, pk)
        data = request.POST if request.method == "POST" else None
        wanted = (request.GET if data is None else data).get("payment")
        step = take_step(session, data, wanted=wanted, by=request.user)
        if step.refund is not None:
            return redirect("admin:oscar_nd8_paymentsession_refunded", pk, step.refund.pk)
        context = {"session": session, "step": step, "form": step.form, "payer": payer_named(session)}
        title = _("Give this money back?") if step.confirmation else _("Refund")
        return self._render(request, "oscar_nd8/admin/refund.html", title=title, **context)

    @method_decorator([never_cache, require_safe])
    @transaction.non_atomic_requests  # ND8 is asked between transactions
    def refunded(self, request: HttpRequest, pk: int, refund_pk: int) -> HttpResponse:
        """One refund as it is now: ND8 is asked as long as it has not ended."""
        session = self._refundable(request, pk)
        refunds = Refund.objects.select_related("payment__session").filter(payment__session=session)
        refund = looked_up(get_object_or_404(refunds, pk=refund_pk))
        return self._render(request, "oscar_nd8/admin/refunded.html", title=_("Refund"), **facts_about(refund))

    def _refundable(self, request: HttpRequest, pk: int) -> PaymentSession:
        session = get_object_or_404(PaymentSession.objects.select_related("order", "user"), pk=pk)
        self._require(may=may_refund(request.user), request=request, row=session)
        return session


class EventPages(_Pages):
    """Have a notification processed again."""

    routes: ClassVar = {"process": "<int:pk>/process/"}

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def process(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have one notification processed again, and say what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        event = get_object_or_404(WebhookEvent, pk=pk)
        self._require(may=may_decide(request.user), request=request, row=event)
        tell(request, process_again(event, by=request.user))
        return redirect("admin:oscar_nd8_webhookevent_change", pk)


class MatterPages(_Pages):
    """Decide a matter."""

    routes: ClassVar = {"place": "<int:pk>/place/", "dismiss": "<int:pk>/dismiss/"}

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def place(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Are you sure, and then: the order of a held payment is placed."""
        return self._decide(request, pk, PlaceForm, can=can_place, title=_("Place the order?"))

    @transaction.non_atomic_requests  # a decision is a transaction of its own
    def dismiss(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Why, and then: the matter needs nobody any more."""
        return self._decide(request, pk, DismissForm, can=can_dismiss, title=_("Dismiss this matter?"))

    def _decide(self, request: HttpRequest, pk: int, form_class: Any, *, can: Any, title: Any) -> HttpResponse:
        matter = get_object_or_404(Attention.objects.select_related("session"), pk=pk)
        self._require(may=may_decide(request.user), request=request, row=matter)
        form = form_class(request.POST if request.method == "POST" else None, matter=matter)
        if decided(request, form):
            return redirect("admin:oscar_nd8_attention_change", pk)
        facts = {**facts_of(matter), "form": form, "can_decide": can(matter)}
        return self._render(request, "oscar_nd8/admin/decide.html", title=title, **facts)
