"""Read-only evidence of everything kept. Its pages with buttons are loaded when their addresses are asked for."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.paging import LongPaginator
from oscar_nd8.shop.searching import (
    actions_mentioning,
    events_naming,
    matters_mentioning,
    mentioning,
    payments_mentioning,
    refunds_mentioning,
)
from oscar_nd8.shop.staff import may_decide, may_refund
from oscar_nd8.shop.worklist import explanation_of

__all__ = [
    "AttentionAdmin",
    "PaymentAdmin",
    "PaymentSessionAdmin",
    "RefundAdmin",
    "StaffActionAdmin",
    "WebhookEventAdmin",
]

# Which names ND8 uses is seen among the newest; looking for them in all takes seconds in a shop with a long past.
NAMES_AMONG = 2_000


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


class _Evidence(_ReadOnly, admin.ModelAdmin):
    """A list that may be very long: not all of it is counted, and indexes are searched before anything else."""

    paginator = LongPaginator
    # Half of Django's own, which takes twice as long to write.
    list_per_page = 50
    show_full_result_count = False
    # Shows the box; `found_by` looks.
    search_fields = ("pk",)
    found_by: "ClassVar[staticmethod[[str], Q]]"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """As Oscar's dashboard would find them; no row twice."""
        words = search_term.strip()
        return queryset.filter(self.found_by(words)) if words else queryset, False


class _CurrencyFilter(admin.SimpleListFilter):
    """By what the shop takes, which no row need be read for."""

    title = _("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Codes."""
        return [(currency, currency) for currency in get_settings().CURRENCIES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows in one of them."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


class _NameFilter(admin.SimpleListFilter):
    """By the names that ND8 gave lately."""

    title = _("name")
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Names."""
        names = WebhookEvent.objects.order_by("-received_at").values_list("name", flat=True)
        return [(name, name) for name in sorted({*names[:NAMES_AMONG]})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of one of them."""
        return queryset.filter(name=self.value()) if self.value() else queryset


class _WithButtons(_Evidence):
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


class _Status:
    """How far something is, in words that are not put together anew for each row."""

    @admin.display(description=_("status"), ordering="status")
    def status_shown(self, row: PaymentSession | Refund | WebhookEvent) -> str:
        """As elsewhere."""
        return str(row.status_label)


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
class PaymentSessionAdmin(_Amount, _Status, _WithButtons):
    """Sessions with their timeline."""

    list_display = ("order_number", "order_link", "status_shown", "amount_shown", "email", "created_at")
    list_filter = ("status", _CurrencyFilter, "created_at")
    found_by = staticmethod(mentioning)
    search_help_text = _("By order number, e-mail, ND8's checkout or transaction, or a payment link's name")
    list_select_related = ("order",)
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
        from oscar_nd8.admin.pages import timeline_of

        moments = timeline_of(session)
        rows = ((date_format(localtime(each.at), "DATETIME_FORMAT"), each.text, each.detail) for each in moments)
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}<br><b>{}</b> {}</li>", rows))

    @admin.display(description=_("quote"))
    def quote_shown(self, session: PaymentSession) -> SafeString:
        """The quote as stored."""
        return _pretty(session.quote)

    def get_urls(self) -> list[Any]:
        """And the addresses of its buttons."""
        from oscar_nd8.admin.pages import SessionPages

        return [*SessionPages(self).urls, *super().get_urls()]


@admin.register(Payment)
class PaymentAdmin(_Money, _Evidence):
    """Transactions as ND8 last described them."""

    list_display = ("transaction_id", "state", "deposit", "net_shown", "fee_shown", "session_link")
    list_filter = ("state", "deposit", _CurrencyFilter)
    found_by = staticmethod(payments_mentioning)
    search_help_text = _("By order number, e-mail, ND8's checkout or transaction, or a payment link's name")
    list_select_related = ("session",)
    ordering = ("-pk",)
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
class WebhookEventAdmin(_Status, _WithButtons):
    """Signed notifications and what became of them."""

    list_display = ("received_at", "name", "status_shown", "attempts", "transaction_id", "checkout_id", "session_link")
    list_filter = ("status", _NameFilter, "received_at")
    found_by = staticmethod(events_naming)
    search_help_text = _("By ND8's delivery, transaction or checkout, in full")
    readonly_fields = ("session_link",)
    change_form_template = "oscar_nd8/admin/event.html"

    def get_urls(self) -> list[Any]:
        """And the address of its button."""
        from oscar_nd8.admin.pages import EventPages

        return [*EventPages(self).urls, *super().get_urls()]

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
class RefundAdmin(_Amount, _Status, _Evidence):
    """Money on its way back, and what became of it."""

    list_display = ("created_at", "refund_id", "status_shown", "amount_shown", "session_link", "asked_by")
    list_filter = ("status", "origin", _CurrencyFilter, "created_at")
    found_by = staticmethod(refunds_mentioning)
    search_help_text = _("By order number, e-mail, who asked, or ND8's refund, checkout or transaction")
    list_select_related = ("payment__session", "asked_by")
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
class StaffActionAdmin(_Evidence):
    """Who did what."""

    list_display = ("created_at", "verb", "who", "session_link", "note")
    list_filter = ("verb", "created_at")
    found_by = staticmethod(actions_mentioning)
    search_help_text = _("By who did it, their note, order number, e-mail, or ND8's checkout or transaction")
    list_select_related = ("session",)
    ordering = ("-pk",)
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
    found_by = staticmethod(matters_mentioning)
    search_help_text = _("By order number, e-mail, or ND8's checkout, transaction or refund")
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
        from oscar_nd8.admin.pages import MatterPages

        return [*MatterPages(self).urls, *super().get_urls()]


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
    # What is wider than the screen is scrolled by keyboard, too.
    return format_html('<pre tabindex="0">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
