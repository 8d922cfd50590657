"""Django admin: read-only evidence of everything kept, and the pages on which staff decide and refund."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from oscar_nd8.decisions import DismissForm, PlaceForm, ask, decided, facts_of, process_again, tell
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.refunding import facts_about, looked_up, take_step
from oscar_nd8.shop.refunds import payer_named, refunds_of
from oscar_nd8.shop.staff import may_decide, may_refund
from oscar_nd8.shop.timeline import events_of, timeline_of
from oscar_nd8.shop.worklist import can_dismiss, can_place, explanation_of

__all__ = [
    "AttentionAdmin",
    "PaymentAdmin",
    "PaymentSessionAdmin",
    "RefundAdmin",
    "StaffActionAdmin",
    "WebhookEventAdmin",
]


class _ReadOnly:
    """Nothing here is typed by hand: money is moved by services, and this is what they wrote."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes evidence."""
        return False


class _WithButtons(_ReadOnly, admin.ModelAdmin):
    """Evidence whose page has buttons, for those who may press them."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page, which asks who may decide, and who may refund."""
        may = {"may_decide": may_decide(request.user), "may_refund": may_refund(request.user)}
        context = {**may, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)


class _Money:
    """What a payment brought in, for its own page and for its row on the session's."""

    @admin.display(description=_("net of fees"), ordering="net")
    def net_shown(self, payment: Payment) -> str:
        """Major units and currency."""
        return "-" if payment.net is None else f"{payment.net_major} {payment.currency}"

    @admin.display(description=_("ND8's fee"), ordering="fee")
    def fee_shown(self, payment: Payment) -> str:
        """Major units and currency."""
        return "-" if payment.fee is None else f"{payment.fee_major} {payment.currency}"


class _Amount:
    """What was agreed to be paid, or to be given back."""

    @admin.display(description=_("amount"), ordering="amount")
    def amount_shown(self, row: PaymentSession | Refund) -> str:
        """Major units and currency."""
        return f"{row.amount_major} {row.currency}"


class PaymentInline(_ReadOnly, _Money, admin.TabularInline):
    """A session's transactions."""

    model = Payment
    fields = ("transaction_id", "state", "raw_status", "deposit", "net_shown", "fee_shown", "asked_at")
    readonly_fields = fields
    extra = 0
    show_change_link = True


class RefundInline(_ReadOnly, _Amount, admin.TabularInline):
    """What went back of a transaction."""

    model = Refund
    fields = ("refund_id", "status", "amount_shown", "reason", "asked_by", "created_at")
    readonly_fields = fields
    extra = 0
    show_change_link = True


class StaffActionInline(_ReadOnly, admin.TabularInline):
    """Who did what about a session or a matter."""

    model = StaffAction
    fields = ("created_at", "verb", "who", "note")
    readonly_fields = fields
    extra = 0


class AttentionInline(_ReadOnly, admin.TabularInline):
    """A session's matters for staff."""

    model = Attention
    fields = ("kind", "detail", "created_at", "resolved_at", "resolution")
    readonly_fields = fields
    extra = 0
    show_change_link = True


@admin.register(PaymentSession)
class PaymentSessionAdmin(_Amount, _WithButtons):
    """Sessions with their timeline."""

    list_display = ("order_number", "order_link", "status", "amount_shown", "email", "created_at")
    list_filter = ("status", "currency", "created_at")
    search_fields = ("order_number", "email", "checkout_id", "payments__transaction_id")
    list_select_related = ("order",)
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (PaymentInline, AttentionInline, StaffActionInline)
    change_form_template = "oscar_nd8/admin/session.html"
    fieldsets = (
        (
            None,
            {"fields": ("order_number", "order_link", "status", "status_reason", "amount_shown", "email")},
        ),
        (_("What happened"), {"fields": ("timeline",)}),
        (_("ND8"), {"fields": ("gateway", "checkout_id", "expires_at")}),
        (_("Shop"), {"fields": ("user", "site", "language", "basket", "source_basket", "fingerprint")}),
        (_("What the shopper agreed to"), {"classes": ("collapse",), "fields": ("quote_shown",)}),
    )

    @admin.display(description=_("order"))
    def order_link(self, session: PaymentSession) -> str | SafeString:
        """The order in this admin, where it exists."""
        return _link(session.order)

    @admin.display(description=_("timeline"))
    def timeline(self, session: PaymentSession) -> SafeString:
        """Everything that happened, oldest first."""
        moments = timeline_of(session, events_of(session), refunds_of(session))
        rows = ((date_format(localtime(each.at), "DATETIME_FORMAT"), each.text, each.detail) for each in moments)
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}<br><b>{}</b> {}</li>", rows))

    @admin.display(description=_("quote"))
    def quote_shown(self, session: PaymentSession) -> SafeString:
        """The quote as stored."""
        return _pretty(session.quote)

    def get_urls(self) -> list[Any]:
        """And the addresses of its buttons."""
        views: dict[str, tuple[str, Any]] = {
            "ask": ("<int:pk>/ask/", self.ask_view),
            "refund": ("<int:pk>/refund/", self.refund_view),
            "refunded": ("<int:pk>/refund/<int:refund_pk>/", self.refunded_view),
        }
        urls = [
            path(route, self.admin_site.admin_view(view), name=f"oscar_nd8_paymentsession_{name}")
            for name, (route, view) in views.items()
        ]
        return [*urls, *super().get_urls()]

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask ND8 about one session now, and say what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        session = get_object_or_404(PaymentSession, pk=pk)
        if not (may_decide(request.user) and self.has_view_permission(request, session)):
            raise PermissionDenied
        tell(request, ask(session, by=request.user))
        return redirect("admin:oscar_nd8_paymentsession_change", pk)

    @method_decorator([never_cache, require_http_methods(["GET", "HEAD", "POST"])])
    @transaction.non_atomic_requests  # the refund is written before ND8 is asked, each in a transaction of its own
    def refund_view(self, request: HttpRequest, pk: int) -> HttpResponse:
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
    def refunded_view(self, request: HttpRequest, pk: int, refund_pk: int) -> HttpResponse:
        """One refund as it is now: ND8 is asked as long as it has not ended."""
        session = self._refundable(request, pk)
        refunds = Refund.objects.select_related("payment__session").filter(payment__session=session)
        refund = looked_up(get_object_or_404(refunds, pk=refund_pk))
        return self._render(request, "oscar_nd8/admin/refunded.html", title=_("Refund"), **facts_about(refund))

    def _refundable(self, request: HttpRequest, pk: int) -> PaymentSession:
        session = get_object_or_404(PaymentSession.objects.select_related("order", "user"), pk=pk)
        if not (may_refund(request.user) and self.has_view_permission(request, session)):
            raise PermissionDenied
        return session

    def _render(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


@admin.register(Payment)
class PaymentAdmin(_ReadOnly, _Money, admin.ModelAdmin):
    """Transactions as ND8 last described them."""

    list_display = ("transaction_id", "state", "deposit", "net_shown", "fee_shown", "session_link")
    list_filter = ("state", "deposit", "currency")
    search_fields = ("transaction_id", "session__order_number", "session__email")
    list_select_related = ("session",)
    show_full_result_count = False
    inlines = (RefundInline,)
    exclude = ("session", "net", "fee", "attempts")
    readonly_fields = ("session_link", "net_shown", "fee_shown", "attempts_shown")

    @admin.display(description=_("session"))
    def session_link(self, payment: Payment) -> str | SafeString:
        """The session it paid."""
        return _link(payment.session)

    @admin.display(description=_("attempts, newest first"))
    def attempts_shown(self, payment: Payment) -> SafeString:
        """Every attempt with its decline reason."""
        return _pretty(payment.attempts)


@admin.register(WebhookEvent)
class WebhookEventAdmin(_WithButtons):
    """Signed notifications and what became of them."""

    list_display = ("received_at", "name", "status", "attempts", "transaction_id", "checkout_id", "session_link")
    list_filter = ("status", "name", "received_at")
    search_fields = ("delivery_id", "transaction_id", "checkout_id")
    show_full_result_count = False
    readonly_fields = ("session_link",)
    change_form_template = "oscar_nd8/admin/event.html"

    def get_urls(self) -> list[Any]:
        """And the address of its button."""
        view = self.admin_site.admin_view(self.process_view)
        return [path("<int:pk>/process/", view, name="oscar_nd8_webhookevent_process"), *super().get_urls()]

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def process_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have one notification processed again, and say what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        event = get_object_or_404(WebhookEvent, pk=pk)
        if not (may_decide(request.user) and self.has_view_permission(request, event)):
            raise PermissionDenied
        tell(request, process_again(event, by=request.user))
        return redirect("admin:oscar_nd8_webhookevent_change", pk)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """With the session's id, so that the list needs one query."""
        events: QuerySet[WebhookEvent] = super().get_queryset(request)
        return events.annotate(session_id=PaymentSession.id_of_checkout())

    @admin.display(description=_("session"))
    def session_link(self, event: Any) -> str | SafeString:
        """The session whose checkout the event names."""
        if event.session_id is None:
            return "-"
        url = reverse("admin:oscar_nd8_paymentsession_change", args=[event.session_id])
        return format_html('<a href="{}">{}</a>', url, _("session"))


@admin.register(Refund)
class RefundAdmin(_ReadOnly, _Amount, admin.ModelAdmin):
    """Money on its way back, and what became of it."""

    list_display = ("created_at", "refund_id", "status", "amount_shown", "session_link", "asked_by")
    list_filter = ("status", "origin", "currency", "created_at")
    search_fields = ("refund_id", "reference", "payment__transaction_id", "payment__session__order_number")
    list_select_related = ("payment__session", "asked_by")
    show_full_result_count = False
    inlines = (StaffActionInline,)
    exclude = ("payment", "amount", "parts", "form_key")
    readonly_fields = ("session_link", "payment_link", "amount_shown", "parts_shown")

    @admin.display(description=_("session"))
    def session_link(self, refund: Refund) -> str | SafeString:
        """The session whose payment it reduces."""
        return _link(refund.payment.session)

    @admin.display(description=_("payment"))
    def payment_link(self, refund: Refund) -> str | SafeString:
        """The transaction that it reduces."""
        return _link(refund.payment)

    @admin.display(description=_("what it is for"))
    def parts_shown(self, refund: Refund) -> SafeString:
        """Lines and charges as stored."""
        return _pretty(refund.parts)


@admin.register(StaffAction)
class StaffActionAdmin(_ReadOnly, admin.ModelAdmin):
    """Who did what."""

    list_display = ("created_at", "verb", "who", "session_link", "note")
    list_filter = ("verb", "created_at")
    search_fields = ("user_name", "note", "session__order_number")
    list_select_related = ("session",)
    ordering = ("-created_at", "-pk")
    show_full_result_count = False
    exclude = ("session", "attention", "refund", "user_name")
    readonly_fields = ("who", "session_link", "matter_link", "refund_link")

    @admin.display(description=_("session"))
    def session_link(self, action: StaffAction) -> str | SafeString:
        """The session it is about."""
        return _link(action.session)

    @admin.display(description=_("matter"))
    def matter_link(self, action: StaffAction) -> str | SafeString:
        """The matter it decided."""
        return _link(action.attention)

    @admin.display(description=_("refund"))
    def refund_link(self, action: StaffAction) -> str | SafeString:
        """The refund it asked for."""
        return _link(action.refund)


@admin.register(Attention)
class AttentionAdmin(_WithButtons):
    """What a person should look at, and the pages on which they decide; shops without Oscar's dashboard work here."""

    list_display = ("created_at", "kind", "session_link", "subject", "resolved_at", "resolution")
    list_filter = ("kind", "resolution", "created_at")
    search_fields = ("session__order_number", "session__email", "subject")
    list_select_related = ("session",)
    inlines = (StaffActionInline,)
    fields = (
        "kind",
        "session_link",
        "subject",
        "detail",
        "money",
        "advice",
        "created_at",
        "mailed_at",
        "resolved_at",
        "resolution",
    )
    readonly_fields = ("session_link", "money", "advice")
    change_form_template = "oscar_nd8/admin/matter.html"

    @admin.display(description=_("session"))
    def session_link(self, attention: Attention) -> str | SafeString:
        """The session it is about."""
        return _link(attention.session)

    @admin.display(description=_("the shopper's money"))
    def money(self, attention: Attention) -> str:
        """What it means for the shopper."""
        return str(explanation_of(attention).money)

    @admin.display(description=_("what to do"))
    def advice(self, attention: Attention) -> str:
        """What staff do next."""
        return str(explanation_of(attention).advice)

    def get_urls(self) -> list[Any]:
        """And the addresses of its decisions."""
        views = {"place": self.place_view, "dismiss": self.dismiss_view}
        urls = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"oscar_nd8_attention_{name}")
            for name, view in views.items()
        ]
        return [*urls, *super().get_urls()]

    @transaction.non_atomic_requests  # ND8 is asked between transactions, and an order is placed in Oscar's own
    def place_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Are you sure, and then: the order of a held payment is placed."""
        return self._decide(request, pk, PlaceForm, can=can_place, title=_("Place the order?"))

    @transaction.non_atomic_requests  # a decision is a transaction of its own
    def dismiss_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Why, and then: the matter needs nobody any more."""
        return self._decide(request, pk, DismissForm, can=can_dismiss, title=_("Dismiss this matter?"))

    def _decide(self, request: HttpRequest, pk: int, form_class: Any, *, can: Any, title: Any) -> HttpResponse:
        matter = get_object_or_404(Attention.objects.select_related("session"), pk=pk)
        if not (may_decide(request.user) and self.has_view_permission(request, matter)):
            raise PermissionDenied
        form = form_class(request.POST if request.method == "POST" else None, matter=matter)
        if decided(request, form):
            return redirect("admin:oscar_nd8_attention_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            **facts_of(matter),
            "form": form,
            "can_decide": can(matter),
        }
        return render(request, "oscar_nd8/admin/decide.html", context)


def _link(row: Model | None) -> str | SafeString:
    if row is None:
        return "-"
    meta = row._meta  # noqa: SLF001  # Django's documented model API
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return str(row)  # a shop may keep its orders out of this admin
    return format_html('<a href="{}">{}</a>', url, row)


def _pretty(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
