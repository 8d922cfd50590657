"""The emulator as a test steers it: its control calls, and its webhooks carried by hand where no shop listens."""

import json
from typing import Any

import httpx
from django.test import Client

from oscar_nd8.models import PaymentSession

WEBHOOK = "/nd8/webhook/"


class ND8:
    """Control of a running emulator; `url` is its root."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.http = httpx.Client(base_url=f"{self.url}/_emulator/", timeout=40)

    def control(self, path: str, **payload: Any) -> Any:
        """One control call; it must be accepted."""
        response = self.http.post(path, json=payload)
        assert response.is_success, response.text
        return response.json()

    def reset(self) -> None:
        """Back to how it started."""
        self.control("reset")

    @property
    def state(self) -> dict[str, Any]:
        """Everything the emulator knows."""
        state: dict[str, Any] = self.http.get("state").json()
        return state

    @property
    def checkouts(self) -> list[dict[str, Any]]:
        """The checkouts that were created."""
        found: list[dict[str, Any]] = self.state["checkouts"]
        return found

    def calls(self, operation: str) -> int:
        """How often an operation was called, whatever came of it."""
        return sum(call["operation"] == operation for call in self.state["calls"])

    def outcome(self, session: PaymentSession, outcome: str = "paid", **details: Any) -> str:
        """What the shopper did on the hosted page; returns the transaction's id."""
        answer = self.control(f"checkouts/{session.checkout_id}/outcome", outcome=outcome, **details)
        return str(answer["transaction_id"])

    def fault(self, operation: str, kind: str, times: int = 1, **details: Any) -> None:
        """Let the next calls of an operation fail."""
        self.control("faults", operation=operation, kind=kind, times=times, **details)

    def notification(self, index: int = -1) -> tuple[bytes, dict[str, str]]:
        """Body and headers of one of the deliveries so far, as they would go out."""
        delivery = self.state["deliveries"][index]
        body = delivery["body"]
        return (body if isinstance(body, str) else json.dumps(body)).encode(), delivery["headers"]

    def deliver(self, client: Client, index: int = -1, path: str = WEBHOOK) -> Any:
        """Carry a delivery to the shop's webhook by hand."""
        return post_webhook(client, *self.notification(index), path=path)


def post_webhook(client: Client, body: bytes, headers: dict[str, str], *, path: str = WEBHOOK) -> Any:
    """A POST to the shop's webhook."""
    wanted = {name: value for name, value in headers.items() if name.lower().startswith("x-webhook")}
    return client.post(path, body, content_type="application/json", headers=wanted)
