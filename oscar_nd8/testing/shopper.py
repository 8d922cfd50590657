"""A shopper with a browser of their own, as far as Django's test client is one."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.test import Client
from django.urls import reverse

from oscar_nd8.shop.addresses import address_of

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

__all__ = ["ADDRESS", "Shopper"]

ADDRESS = {
    "first_name": "Ada",
    "last_name": "Byron",
    "line1": "12 Analytical Road",
    "line4": "Springfield",
    "postcode": "62701",
    "country": "US",
}


class Shopper:
    """Fills baskets and walks through Oscar's checkout over HTTP.

    With `user` signed in, otherwise a guest with `email`, where OSCAR_ALLOW_ANON_CHECKOUT lets guests pay. Other
    keywords are for Django's test client, which is `client`. A shop whose checkout asks other questions overrides
    `go_to_preview`.
    """

    def __init__(self, *, user: Any = None, email: str = "guest@example.com", **client: Any) -> None:
        self.client = Client(**client)
        self.user, self.email = user, email
        if user is not None:
            self.client.force_login(user)

    def add(self, product: Any, quantity: int = 1, **options: str) -> "Shopper":
        """Put a product into the basket."""
        url = reverse("basket:add", kwargs={"pk": product.pk})
        response = self.client.post(url, {"quantity": quantity, "action": "add", **options})
        _expect_redirect(response, f"{product} cannot be put into the basket")
        return self

    def add_voucher(self, code: str) -> "Shopper":
        """Enter a voucher code."""
        response = self.client.post(reverse("basket:vouchers-add"), {"code": code})
        _expect_redirect(response, f"The voucher code {code} cannot be entered")
        return self

    def go_to_preview(self, *, address: dict[str, str] | None = None, shipping: str = "") -> Any:
        """Answer every question of checkout, and open the preview; its response.

        `address` changes fields of ADDRESS; `shipping` is a method's code, "" takes the first that is offered.
        """
        answers = {**ADDRESS, **(address or {})}
        if self.user is None:
            self.client.post(reverse("checkout:index"), {"username": self.email, "options": "anonymous"})
        self.client.post(reverse("checkout:shipping-address"), answers)
        self._choose_shipping(shipping)
        preview = self.client.get(reverse("checkout:preview"))
        asks_who_pays = reverse("checkout:payment-method")
        if preview.status_code == 302 and preview["Location"] == asks_who_pays:
            self.client.post(asks_who_pays, {"method": "nd8", **answers})
            preview = self.client.get(reverse("checkout:preview"))
        return preview

    def pay_now(self) -> Any:
        """Press the button on the preview; a redirect to ND8 if all is well."""
        return self.client.post(reverse("checkout:preview"), {"action": "place_order"})

    def begin_payment(self, product: Any, quantity: int = 1) -> "PaymentSession":
        """From the shelf to ND8's hosted page; the session that waits for payment there."""
        self.add(product, quantity).go_to_preview()
        response = self.pay_now()
        _expect_redirect(response, "The shopper was not sent to ND8")
        sessions: type[PaymentSession] = apps.get_model("oscar_nd8.PaymentSession")
        session = sessions.objects.filter(checkout_url=response["Location"]).first()
        if session is None:
            told = self._told_at(response["Location"])
            raise AssertionError(f"The shopper was not sent to ND8, but to {response['Location']}: {told}")
        return session

    def come_back(self, session: "PaymentSession", outcome: str = "success", **details: Any) -> Any:
        """Follow ND8's redirect back to the shop: `"success"`, `"failed"` or `"canceled"`, as the browser claims."""
        return self.client.get(address_of("return", token=session.token, outcome=outcome), **details)

    @property
    def basket(self) -> Any:
        """The open basket as the next page would show it."""
        return self.client.get(reverse("basket:summary")).wsgi_request.basket  # type: ignore[attr-defined]  # Oscar's

    def goods(self) -> list[tuple[str, int]]:
        """What is in the basket: titles and quantities."""
        return [(line.product.get_title(), line.quantity) for line in self.basket.all_lines()]

    def _choose_shipping(self, code: str) -> None:
        url = reverse("checkout:shipping-method")
        page = self.client.get(url)  # where there is no choice, looking at the page makes it
        if page.status_code == 200:
            self.client.post(url, {"method_code": code or page.context["methods"][0].code})

    def _told_at(self, url: str) -> str:
        page = self.client.get(url, follow=True)
        return " ".join(str(message) for message in (page.context or {}).get("messages") or ())


def _expect_redirect(response: Any, otherwise: str) -> None:
    if response.status_code != 302:
        told = (response.context or {}).get("error") or f"the shop answered {response.status_code}"
        raise AssertionError(f"{otherwise}: {told}")
