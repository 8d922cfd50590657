"""The merchant's side of the documented API, for tests: an HTTP client and one valid request."""

from dataclasses import dataclass
from typing import Any

import httpx

from oscar_nd8.emulator import Emulator

BODY: dict[str, Any] = {
    "billing_country": "DE",
    "billing_first_name": "Ada",
    "billing_last_name": "Lovelace",
    "billing_email": "ada@example.com",
    "products": [{"name": "Lamp", "unit_price": 49.5, "quantity": 2}, {"name": "Shipping", "unit_price": 1}],
    "successUrl": "http://shop.example/paid",
    "failedUrl": "http://shop.example/failed",
    "cancelUrl": "http://shop.example/canceled",
}
PRICE = "100.00"
NET = "96.80"


def body(**changes: Any) -> dict[str, Any]:
    """A valid request with changes; None leaves a field out."""
    return {name: value for name, value in {**BODY, **changes}.items() if value is not None}


@dataclass
class Merchant:
    """Calls under the sandbox prefix; `http` has its key, `emulator` its controls."""

    emulator: Emulator
    http: httpx.Client

    def ask(self, **changes: Any) -> httpx.Response:
        """createPayment."""
        return self.http.post("checkout/create/", json=body(**changes))

    def checkout(self, **changes: Any) -> dict[str, Any]:
        """A session that was created."""
        answer = self.ask(**changes)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def end(self, checkout: dict[str, Any], outcome: str, **more: Any) -> str:
        """Let a checkout end by control call; the transaction's id."""
        path = f"checkouts/{checkout['checkout_id']}/outcome"
        return str(self.emulator.control(path, outcome=outcome, **more)["transaction_id"])

    def paid(self, **changes: Any) -> str:
        """A new checkout's paid transaction."""
        return self.end(self.checkout(**changes), "paid")

    def payment(self, transaction_id: str) -> dict[str, Any]:
        """getPaymentById."""
        answer = self.http.get(f"transactions/{transaction_id}/")
        assert answer.status_code == 200, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    def refund(self, transaction_id: str, **fields: Any) -> httpx.Response:
        """createRefundForPayment."""
        return self.http.post(f"transactions/{transaction_id}/refund/", json={"reason": "Broken", **fields})

    def refunds(self, **query: Any) -> list[dict[str, Any]]:
        """listRefunds."""
        answer = self.http.get("refunds/", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def refuse(self, path: str, **fields: Any) -> httpx.Response:
        """A control call whose answer is wanted whatever it is."""
        return self.emulator.http.post(f"_emulator/{path}", json=fields)


LINK: dict[str, Any] = {
    "name": "Christmas market",
    "products": [{"product_id": "prod_mug", "quantity": 2}, {"product_id": "prod_poster", "quantity": 1}],
}
BILLING = {name: value for name, value in BODY.items() if name != "products"}


@dataclass
class Session:
    """Calls under the sandbox prefix by the merchant's own session; `public` has no credentials at all."""

    http: httpx.Client
    public: httpx.Client

    def link(self, **changes: Any) -> dict[str, Any]:
        """A payment link that was created."""
        link: dict[str, Any] = self.answered("POST", "payment-links/", 201, **{**LINK, **changes})
        return link

    def start(self, link: dict[str, Any], **changes: Any) -> httpx.Response:
        """startPaymentLinkCheckout, as a customer."""
        return self.public.post(f"payment-links/public/{link['id']}/start/", json={**BILLING, **changes})

    def preview(self, link: dict[str, Any]) -> httpx.Response:
        """getPublicPaymentLink, as a customer."""
        return self.public.get(f"payment-links/public/{link['id']}/")

    def answered(self, method: str, path: str, status: int = 200, /, **fields: Any) -> Any:
        """The answer to a call, which must have this status."""
        answer = self.http.request(method, path, json=fields or None)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None
