"""A shopper with a browser of their own, as far as Django's test client is one."""

from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from oscar.core.loading import get_model

ADDRESS = {
    "first_name": "Ada",
    "last_name": "Byron",
    "line1": "12 Analytical Road",
    "line4": "Springfield",
    "postcode": "62701",
    "country": "US",
}


class Shopper:
    """Fills baskets and walks through checkout over HTTP; `email` only for guests."""

    def __init__(self, *, user: Any = None, email: str = "guest@example.com", **client: Any) -> None:
        self.client = Client(**client)
        self.user, self.email = user, email
        if user is not None:
            self.client.force_login(user)

    def add(self, product: Any, quantity: int = 1, **options: str) -> "Shopper":
        """Put a product into the basket."""
        response = self.client.post(f"/basket/add/{product.pk}/", {"quantity": quantity, "action": "add", **options})
        assert response.status_code == 302, response.content
        return self

    def add_voucher(self, code: str) -> "Shopper":
        """Enter a voucher code."""
        assert self.client.post("/basket/vouchers/add/", {"code": code}).status_code == 302
        return self

    def go_to_preview(self, *, address: dict[str, str] | None = None, shipping: str = "standard") -> Any:
        """Answer every question of checkout, up to the preview page."""
        if self.user is None:
            self.client.post("/checkout/", {"username": self.email, "options": "anonymous"})
        self.client.post("/checkout/shipping-address/", {**ADDRESS, **(address or {})})
        self.client.post("/checkout/shipping-method/", {"method_code": shipping})
        return self.client.get("/checkout/preview/")

    def pay_now(self) -> Any:
        """Press the button on the preview."""
        return self.client.post("/checkout/preview/", {"action": "place_order"})

    @property
    def basket(self) -> Any:
        """The open basket as the next page would show it."""
        return self.client.get("/basket/").wsgi_request.basket  # type: ignore[attr-defined]  # BasketMiddleware

    def goods(self) -> list[tuple[str, int]]:
        """What is in the basket."""
        return [(line.product.get_title(), line.quantity) for line in self.basket.all_lines()]


def make_user(email: str = "ada@example.com") -> Any:
    """A customer with an account."""
    return get_user_model().objects.create_user(username=email, email=email, password="secret")


def make_product(title: str, price: str, *, currency: str = "USD", stock: int | None = 50, shipped: bool = True) -> Any:
    """A product with one stock record; `stock` None: not tracked."""
    product_class, _created = get_model("catalogue", "ProductClass").objects.get_or_create(
        name=f"{'Shipped' if shipped else 'Digital'} {'tracked' if stock is not None else 'untracked'}",
        defaults={"requires_shipping": shipped, "track_stock": stock is not None},
    )
    product = get_model("catalogue", "Product").objects.create(title=title, product_class=product_class)
    partner, _created = get_model("partner", "Partner").objects.get_or_create(name="Warehouse")
    product.stockrecords.create(
        partner=partner,
        partner_sku=f"sku-{product.pk}",
        price=Decimal(price),
        price_currency=currency,
        num_in_stock=stock,
        num_allocated=None if stock is None else 0,
    )
    return product


def make_countries() -> None:
    """The countries shoppers live in."""
    Country = get_model("address", "Country")
    for code, name in {"US": "United States", "DE": "Germany"}.items():
        Country.objects.create(
            iso_3166_1_a2=code,
            iso_3166_1_a3=f"{code}X",
            printable_name=name,
            name=name,
            is_shipping_country=True,
        )
