"""StreamField blocks that sell: a payment link, and a product of the shop. Both work without JavaScript."""

from typing import Any

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.blocks import CharBlock, ChoiceBlock, StructBlock

from oscar_nd8.cms.choosers import link_chooser, product_chooser
from oscar_nd8.models import PaymentLink
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.link_offer import lines_of
from oscar_nd8.shop.storefront import newest_product, shown_product

__all__ = ["PaymentLinkBlock", "PaymentLinkChooserBlock", "ProductBlock", "ProductChooserBlock"]

ProductChooserBlock = product_chooser.get_block_class("ProductChooserBlock", module_path="oscar_nd8.cms.blocks")
PaymentLinkChooserBlock = link_chooser.get_block_class("PaymentLinkChooserBlock", module_path="oscar_nd8.cms.blocks")


class Action(TextChoices):
    """Where a product's button leads."""

    BUY = "buy", _("Buy now: into the basket, and to the checkout")
    BASKET = "basket", _("Into the basket")
    PAGE = "page", _("To the product's page (for pages that a cache keeps)")


class PaymentLinkBlock(StructBlock):
    """What a payment link sells, as ND8 last said it, and the way to pay for it. Asks ND8 nothing."""

    link = PaymentLinkChooserBlock(label=_("Payment link"))
    button = CharBlock(label=_("Words on the button"), max_length=40, required=False, help_text=_("Empty: “Buy”."))

    class Meta:
        label = _("Payment link")
        icon = "nd8-payments"
        template = "oscar_nd8/cms/blocks/payment_link.html"
        preview_template = "oscar_nd8/cms/blocks/preview.html"
        description = _("One thing to buy by a payment link: what it is, what it costs, and a button.")

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        """`link`, its `lines`, `is_on_sale`, the `url` of the page where it is paid, and `is_preview`."""
        context: dict[str, Any] = super().get_context(value, parent_context)
        link = value.get("link")
        if link is not None and link.deleted_at is not None:
            link = None
        return {
            **context,
            "link": link,
            "lines": lines_of(link) if link else (),
            "is_on_sale": link is not None and link.availability is PaymentLink.Availability.OPEN,
            "url": address_of("link", link_id=link.link_id) if link else "",
            "is_preview": _is_preview(parent_context),
        }

    def get_preview_value(self) -> Any:
        """The newest link on sale, so that the block picker shows the shop's own."""
        links = PaymentLink.objects.filter(deleted_at=None, is_active=True)
        return self.normalize({"link": links.first()})


class ProductBlock(StructBlock):
    """A product with its picture, its price for whoever looks, and a button."""

    product = ProductChooserBlock(label=_("Product"))
    action = ChoiceBlock(label=_("The button"), choices=Action.choices, default=Action.BUY.value)

    class Meta:
        label = _("Product")
        icon = "tag"
        template = "oscar_nd8/cms/blocks/product.html"
        preview_template = "oscar_nd8/cms/blocks/preview.html"
        description = _("A product of the shop with its picture, its price, and a button that buys it.")

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        """`shown`, a ShownProduct or None; the button's `action` and the `next_url` after it; and `is_preview`."""
        context: dict[str, Any] = super().get_context(value, parent_context)
        product, request = value.get("product"), (parent_context or {}).get("request")
        shown = shown_product(product, request=request) if product is not None else None
        action = Action(value.get("action") or Action.BUY)
        # A page that renders its body without {% include_block %} gives no token for a form.
        if shown is not None and not (shown.add_url and (parent_context or {}).get("csrf_token")):
            action = Action.PAGE
        return {
            **context,
            "shown": shown,
            "action": action.value,
            "next_url": reverse("checkout:index") if action is Action.BUY else "",
            "is_preview": _is_preview(parent_context),
        }

    def get_preview_value(self) -> Any:
        """The newest product."""
        return self.normalize({"product": newest_product(), "action": Action.PAGE.value})


def _is_preview(parent_context: Any) -> bool:
    """Whether an editor looks. Never told by who is signed in: then a cache could keep no page."""
    context = parent_context or {}
    return bool(getattr(context.get("request"), "is_preview", False) or context.get("block_def"))
