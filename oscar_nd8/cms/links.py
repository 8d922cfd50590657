"""Payment links in Wagtail's admin: the list, one link with its address and payments, making and changing them."""

import io
import logging
from datetime import timedelta
from typing import Any, ClassVar

import django_filters
import segno
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import RadioSelect
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.admin.widgets.button import HeaderButton

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
from oscar_nd8.cms.link_forms import KNOWN_PRODUCTS, ChangeLinkForm, NewLinkForm, products_of
from oscar_nd8.cms.permissions import may_manage_links, may_view
from oscar_nd8.exceptions import DecisionRefused, ProviderError
from oscar_nd8.models import PaymentLink
from oscar_nd8.services.follow_links import follow_link, follow_links
from oscar_nd8.services.payment_links import delete_link
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.link_offer import lines_of, products_known
from oscar_nd8.shop.overview import Urgency, overview_of
from oscar_nd8.shop.sessions import with_money_and_matters

__all__ = ["LinkViewSet"]

logger = logging.getLogger("oscar_nd8")

# So long what is known counts as news.
FRESH = timedelta(minutes=1)
PAYMENTS_SHOWN = 20
QR_SCALE = 8


class LinkFilterSet(WagtailFilterSet):
    """What links can be narrowed by; deleted ones are found by asking for them."""

    is_active = django_filters.ChoiceFilter(
        label=gettext_lazy("Switched"),
        choices=[("true", gettext_lazy("On")), ("false", gettext_lazy("Off"))],
        empty_label=gettext_lazy("On or off"),
        widget=RadioSelect,
        method="switched",
    )
    currency = ChoicesFilter(gettext_lazy("Currency"), [("USD", "USD"), ("EUR", "EUR")])
    expires_at = DaysFilter("expires_at", gettext_lazy("Expires"))

    class Meta:
        model = PaymentLink
        fields: ClassVar = ["is_active", "currency", "expires_at"]

    def switched(self, links: QuerySet[PaymentLink], _name: str, state: str) -> QuerySet[PaymentLink]:
        """Those that are on, or off."""
        return links.filter(is_active=state == "true")


class LinkIndexView(EvidenceIndexView):
    """Newest first."""

    page_title = gettext_lazy("Payment links")
    template_name = "oscar_nd8/cms/link_list.html"
    filterset_class = LinkFilterSet
    export_filename = "payment-links"
    spreadsheet: ClassVar = {
        "name": (gettext_lazy("Name"), lambda each: each.name),
        "price": (gettext_lazy("Price"), lambda each: each.amount_major),
        "currency": (gettext_lazy("Currency"), lambda each: each.currency),
        "state": (gettext_lazy("State"), lambda each: each.availability.label),
        "uses": (gettext_lazy("Uses"), lambda each: each.uses),
        "most": (gettext_lazy("Uses at most"), lambda each: each.max_uses),
        "expires": (gettext_lazy("Expires"), lambda each: each.expires_at),
        "made": (gettext_lazy("Made"), lambda each: each.made_at),
        "asked": (gettext_lazy("As ND8 said at"), lambda each: each.asked_at),
        "id": (gettext_lazy("ND8 link"), lambda each: str(each.link_id)),
    }

    def get_base_queryset(self) -> QuerySet[PaymentLink]:
        """Without those that were deleted; their payments are in the list of payments."""
        return PaymentLink.objects.filter(deleted_at=None)

    def mentioning(self, queryset: QuerySet[PaymentLink], words: str) -> QuerySet[PaymentLink]:
        """By name, or by what they sell."""
        return queryset.filter(name__icontains=words)

    @cached_property
    def columns(self) -> list[Column]:
        """What it costs, and whether it can be bought by."""
        return [
            self._get_title_column("name"),
            MoneyColumn("amount", label=_("Price"), money=lambda each: (each.amount_major, each.currency)),
            StatusColumn("state", label=_("State"), status=_state_of),
            Column("uses", label=_("Uses"), accessor=_uses_of),
            DateColumn("expires_at", label=_("Expires"), sort_key="expires_at"),
            DateColumn("asked_at", label=_("As ND8 said at"), sort_key="asked_at"),
        ]

    @cached_property
    def header_buttons(self) -> list[HeaderButton]:
        """For those who may make one."""
        if not may_manage_links(self.request.user):
            return []
        return [HeaderButton(_("New payment link"), url=reverse("nd8_links:new"), icon_name="plus")]

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """With who may have ND8 asked."""
        return {**super().get_context_data(*args, **kwargs), "may_manage": may_manage_links(self.request.user)}


class LinkInspectView(EvidenceInspectView):
    """One link, as ND8 says now where it answers."""

    page_title = gettext_lazy("Payment link")
    template_name = "oscar_nd8/cms/link.html"

    def get_object(self, queryset: Any = None) -> PaymentLink:
        """Also a deleted one: its payments stay."""
        return get_object_or_404(PaymentLink, pk=self.pk)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """ND8 is asked only now, when it is known that whoever asks may see it."""
        self.is_stale = not _refreshed(self.object)
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """All that is known."""
        link = self.object
        sessions = with_money_and_matters(link.sessions.all())[:PAYMENTS_SHOWN]
        return {
            **super().get_context_data(**kwargs),
            "link": link,
            "state": _state_of(link),
            "lines": lines_of(link),
            "address": _public_address(self.request, link),
            "payments": [overview_of(session) for session in sessions],
            "is_stale": self.is_stale,
            "may_manage": may_manage_links(self.request.user) and link.deleted_at is None,
        }


class LinkViewSet(EvidenceViewSet):
    """Payment links; every change goes to ND8 first."""

    name = "nd8_links"
    url_prefix = "payments/links"
    model = PaymentLink
    icon = "link"
    asks_nd8 = True
    menu_label = gettext_lazy("Payment links")
    index_view_class = LinkIndexView
    inspect_view_class = LinkInspectView

    def get_urlpatterns(self) -> list[Any]:
        """And what can be done with a link."""
        return [
            *super().get_urlpatterns(),
            path("new/", new, name="new"),
            path("refresh/", refresh, name="refresh"),
            path("<int:pk>/change/", change, name="change"),
            path("<int:pk>/delete/", delete, name="delete"),
            path("<int:pk>/qr.svg", qr_code, name="qr"),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # ND8 is called outside of any transaction
def new(request: HttpRequest) -> HttpResponse:
    """A new link for products of the catalogue at ND8."""
    _require_manager(request)
    data = request.POST if request.method == "POST" else None
    form, products = NewLinkForm(data), products_of(data)
    if all([form.is_valid(), products.is_valid()]):
        link = form.carry_out(products.products, by=request.user)
        if link is not None:
            messages.success(
                request, _("“%(name)s” is made. Check here what it sells, and its price.") % {"name": link.name}
            )
            return redirect("nd8_links:inspect", link.pk)
    context = {
        "form": form,
        "products": products,
        "known": products_known(),
        "known_id": KNOWN_PRODUCTS,
        "media": STYLE + form.media,
    }
    return render(request, "oscar_nd8/cms/link_form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # the same
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, time, uses, and whether it is on sale."""
    _require_manager(request)
    link = get_object_or_404(PaymentLink, pk=pk, deleted_at=None)
    form = ChangeLinkForm(request.POST if request.method == "POST" else None, link=link)
    if form.is_valid() and form.carry_out(by=request.user):
        messages.success(request, _("“%(name)s” is saved at ND8.") % {"name": link.name})
        return redirect("nd8_links:inspect", link.pk)
    return render(request, "oscar_nd8/cms/link_form.html", {"form": form, "link": link, "media": STYLE + form.media})


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # the same
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Are you sure, and then: nobody can buy by it any more, ever."""
    _require_manager(request)
    link = get_object_or_404(PaymentLink, pk=pk, deleted_at=None)
    if request.method != "POST":
        return render(request, "oscar_nd8/cms/link_delete.html", {"link": link, "media": STYLE})
    try:
        delete_link(link, by=request.user)
    except DecisionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("nd8_links:inspect", link.pk)
    messages.success(request, _("“%(name)s” is deleted. Its payments stay.") % {"name": link.name})
    return redirect("nd8_links:index")


@require_POST
@transaction.non_atomic_requests  # the same
def refresh(request: HttpRequest) -> HttpResponse:
    """Have ND8 asked about all links, those made in its own dashboard as well."""
    _require_manager(request)
    try:
        follow_links()
    except ProviderError as error:
        logger.info("Payment links could not be refreshed: %s", error)
        messages.error(request, _("ND8 could not be asked. The list shows what was last known."))
    else:
        messages.success(request, _("The list is as ND8 has it now."))
    return redirect("nd8_links:index")


@require_safe
def qr_code(request: HttpRequest, pk: int) -> HttpResponse:
    """The address of the customer's page, to be printed."""
    if not may_view(request.user):
        raise PermissionDenied
    link = get_object_or_404(PaymentLink, pk=pk)
    drawing = io.BytesIO()
    segno.make(_public_address(request, link), micro=False).save(drawing, kind="svg", scale=QR_SCALE, title=link.name)
    return HttpResponse(drawing.getvalue(), content_type="image/svg+xml")


def _require_manager(request: HttpRequest) -> None:
    if not may_manage_links(request.user):
        raise PermissionDenied


def _refreshed(link: PaymentLink) -> bool:
    """Whether what is known of `link` is news, if need be because ND8 was asked."""
    if link.deleted_at is not None or timezone.now() - link.asked_at < FRESH:
        return True
    try:
        follow_link(link)
    except ProviderError as error:
        logger.info("Payment link %s is shown as it was last known: %s", link.link_id, error)
        return False
    link.refresh_from_db()
    return True


def _public_address(request: HttpRequest, link: PaymentLink) -> str:
    return request.build_absolute_uri(address_of("link", link_id=link.link_id))


def _state_of(link: PaymentLink) -> tuple[Urgency, Any, Any]:
    availability = link.availability
    urgency = Urgency.GOOD if availability is PaymentLink.Availability.OPEN else Urgency.OVER
    return urgency, availability.label, ""


def _uses_of(link: PaymentLink) -> str:
    uses = "?" if link.uses is None else str(link.uses)
    return uses if link.max_uses is None else _("%(uses)s of %(most)d") % {"uses": uses, "most": link.max_uses}
