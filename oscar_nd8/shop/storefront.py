"""A product as a page outside of Oscar's own shows it: with the price and the availability for whoever looks."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse
from oscar.core.loading import get_class, get_model

__all__ = ["ShownProduct", "newest_product", "products_mentioning", "public_products", "shown_product"]


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """`price` in major units of `currency`, with tax where it is known; None where the shopper is told none.

    `add_url` takes a POST with `quantity` and `next`; "" where it cannot be bought, or not without a choice.
    """

    product: Any
    title: str
    url: str
    picture: Any
    price: Decimal | None
    currency: str
    is_available: bool
    availability: Any
    add_url: str


def public_products() -> QuerySet[Any]:
    """What shoppers find in the catalogue: no variants, which stand on their parent's page."""
    return get_model("catalogue", "Product").objects.browsable().order_by("title", "pk")


def products_mentioning(products: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Those of `products` whose title or UPC has `words` in it."""
    return products.filter(Q(title__icontains=words) | Q(upc__icontains=words))


def newest_product() -> Any:
    """One to show how a product looks; None in an empty shop."""
    return public_products().order_by("-pk").first()


def shown_product(product: Any, *, request: Any) -> ShownProduct | None:
    """`product` with the price that the shop's strategy has for `request`; None for one that shoppers do not find.

    `request` may be None where a page is rendered without one: then the price is a stranger's.
    """
    if not product.is_public:
        return None
    strategy = getattr(request, "strategy", None) or get_class("partner.strategy", "Selector")().strategy(
        request=request, user=getattr(request, "user", None)
    )
    info = strategy.fetch_for_parent(product) if product.is_parent else strategy.fetch_for_product(product)
    price = info.price if info.price.exists else None
    is_available = bool(info.availability.is_available_to_buy and price)
    needs_choice = product.is_parent or product.has_options
    return ShownProduct(
        product=product,
        title=product.get_title(),
        url=product.get_absolute_url(),
        picture=next(iter(product.get_all_images()), None),
        price=(price.incl_tax if price.is_tax_known else price.excl_tax) if price else None,
        currency=str(price.currency) if price else "",
        is_available=is_available,
        availability=info.availability.message,
        add_url=_address("basket:add", product.pk) if is_available and not needs_choice else "",
    )


def _address(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""  # a shop that only shows has no basket
