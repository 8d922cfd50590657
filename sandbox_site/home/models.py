"""The shop's Wagtail pages: a start page that shows products, plain pages below it, and pages that sell."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import reverse
from oscar.apps.catalogue.models import Product
from wagtail.admin.panels import FieldPanel, Panel
from wagtail.blocks import CharBlock, RichTextBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page

from oscar_nd8.cms.blocks import PaymentLinkBlock, ProductBlock

PRODUCTS_SHOWN = 8


class HomePage(Page):  # type: ignore[misc]  # Wagtail has no types
    """The start page: an introduction, and the first products of the catalogue."""

    introduction = RichTextField(blank=True)

    content_panels: ClassVar[list[Panel]] = [*Page.content_panels, FieldPanel("introduction")]
    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    max_count = 1

    def get_url_parts(self, request: HttpRequest | None = None) -> tuple[int, str, str] | None:
        """This page is served at the shop's root, its children below Wagtail's prefix."""
        parts = super().get_url_parts(request)
        return parts and (parts[0], parts[1], reverse("home"))

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The page's context, with the products to show."""
        products = Product.objects.browsable().base_queryset().order_by("pk")
        return {**super().get_context(request, *args, **kwargs), "products": products[:PRODUCTS_SHOWN]}


class TextPage(Page):  # type: ignore[misc]  # Wagtail has no types
    """A page of plain text, such as delivery or imprint."""

    body = RichTextField(blank=True)

    content_panels: ClassVar[list[Panel]] = [*Page.content_panels, FieldPanel("body")]
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []


class LandingPage(Page):  # type: ignore[misc]  # Wagtail has no types
    """A page that sells: whatever an editor puts on it."""

    introduction = RichTextField(blank=True)
    body = StreamField(
        [
            ("heading", CharBlock(form_classname="title", icon="title", template="home/blocks/heading.html")),
            ("text", RichTextBlock(icon="pilcrow")),
            ("payment_link", PaymentLinkBlock()),
            ("product", ProductBlock()),
        ],
        blank=True,
    )

    content_panels: ClassVar[list[Panel]] = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
