"""Django admin: read-only evidence of sessions, payments, notifications and matters for staff."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import Attention, Payment, PaymentSession, WebhookEvent
from oscar_nd8.shop.timeline import events_of, timeline_of

__all__ = ["AttentionAdmin", "PaymentAdmin", "PaymentSessionAdmin", "WebhookEventAdmin"]


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


class PaymentInline(_ReadOnly, _Money, admin.TabularInline):
    """A session's transactions."""

    model = Payment
    fields = ("transaction_id", "state", "raw_status", "deposit", "net_shown", "fee_shown", "asked_at")
    readonly_fields = fields
    extra = 0
    show_change_link = True


class AttentionInline(_ReadOnly, admin.TabularInline):
    """A session's matters for staff."""

    model = Attention
    fields = ("kind", "detail", "created_at", "resolved_at", "resolution")
    readonly_fields = fields
    extra = 0


@admin.register(PaymentSession)
class PaymentSessionAdmin(_ReadOnly, admin.ModelAdmin):
    """Sessions with their timeline."""

    list_display = ("order_number", "order_link", "status", "amount_shown", "email", "created_at")
    list_filter = ("status", "currency", "created_at")
    search_fields = ("order_number", "email", "checkout_id", "payments__transaction_id")
    list_select_related = ("order",)
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (PaymentInline, AttentionInline)
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

    @admin.display(description=_("amount"), ordering="amount")
    def amount_shown(self, session: PaymentSession) -> str:
        """Major units and currency."""
        return f"{session.amount_major} {session.currency}"

    @admin.display(description=_("order"))
    def order_link(self, session: PaymentSession) -> str | SafeString:
        """The order in this admin, where it exists."""
        return _link(session.order)

    @admin.display(description=_("timeline"))
    def timeline(self, session: PaymentSession) -> SafeString:
        """Everything that happened, oldest first."""
        moments = timeline_of(session, events_of(session))
        rows = ((date_format(localtime(each.at), "DATETIME_FORMAT"), each.text, each.detail) for each in moments)
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}<br><b>{}</b> {}</li>", rows))

    @admin.display(description=_("quote"))
    def quote_shown(self, session: PaymentSession) -> SafeString:
        """The quote as stored."""
        return _pretty(session.quote)


@admin.register(Payment)
class PaymentAdmin(_ReadOnly, _Money, admin.ModelAdmin):
    """Transactions as ND8 last described them."""

    list_display = ("transaction_id", "state", "deposit", "net_shown", "fee_shown", "session_link")
    list_filter = ("state", "deposit", "currency")
    search_fields = ("transaction_id", "session__order_number", "session__email")
    list_select_related = ("session",)
    show_full_result_count = False
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
class WebhookEventAdmin(_ReadOnly, admin.ModelAdmin):
    """Signed notifications and what became of them."""

    list_display = ("received_at", "name", "status", "attempts", "transaction_id", "checkout_id", "session_link")
    list_filter = ("status", "name", "received_at")
    search_fields = ("delivery_id", "transaction_id", "checkout_id")
    show_full_result_count = False
    readonly_fields = ("session_link",)

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


@admin.register(Attention)
class AttentionAdmin(_ReadOnly, admin.ModelAdmin):
    """What a person should look at."""

    list_display = ("created_at", "kind", "session_link", "resolved_at")
    list_filter = ("kind", "created_at")
    search_fields = ("session__order_number", "session__email")
    list_select_related = ("session",)
    readonly_fields = ("session_link",)

    @admin.display(description=_("session"))
    def session_link(self, attention: Attention) -> str | SafeString:
        """The session it is about."""
        return _link(attention.session)


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
