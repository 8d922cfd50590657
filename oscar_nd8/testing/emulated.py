"""The emulator as a test steers it, the shop's settings that point to it, and webhooks carried by hand."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from django.conf import settings
from django.test import Client, override_settings

from oscar_nd8.conf import get_settings
from oscar_nd8.emulator import Setup, running
from oscar_nd8.shop.addresses import address_of

if TYPE_CHECKING:
    # A plugin of pytest may be loaded before Django's apps are, and then no model can be imported.
    from oscar_nd8.models import PaymentSession

__all__ = ["ND8", "emulated_nd8", "emulator_at", "post_webhook", "settings_with"]

# Longer than a fault leaves a call unanswered.
CONTROL_SECONDS = 40


class ND8:
    """An emulated ND8 under control of a test. `url` is its root, without a slash at its end.

    Nothing that it has to tell reaches the shop by itself: a test carries each notification, when and in the
    order it likes. A control call that the emulator refuses raises AssertionError with its words.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.http = httpx.Client(base_url=f"{self.url}/_emulator/", timeout=CONTROL_SECONDS, trust_env=False)
        self._carried: set[str] = set()

    def close(self) -> None:
        """Let go of the connection; the emulator runs on."""
        self.http.close()

    def control(self, path: str, **payload: Any) -> Any:
        """One control call, such as `control("deliveries", copies=2)`; the answer's JSON."""
        response = self.http.post(path, json=payload)
        if not response.is_success:
            raise AssertionError(f"The emulator refused {path} {payload}: {response.text}")
        return response.json()

    def reset(self) -> None:
        """Forget everything, and agree with the shop's settings about key and webhook secret once more."""
        self.control("reset")
        self._carried.clear()
        settings = get_settings()
        self.control("keys", key=settings.API_KEY.get_secret_value())
        secrets = [secret.get_secret_value() for secret in settings.WEBHOOK_SECRETS]
        self.control("organization", webhook_url="", webhook_secret=(secrets or [Setup.webhook_secret])[0])

    @property
    def state(self) -> dict[str, Any]:
        """Everything that happened since the last reset, oldest first."""
        state: dict[str, Any] = self.http.get("state").json()
        return state

    @property
    def checkouts(self) -> list[dict[str, Any]]:
        """The checkouts that the shop created; `request` is what it asked for."""
        found: list[dict[str, Any]] = self.state["checkouts"]
        return found

    def calls(self, operation: str) -> int:
        """How often the shop called an operation, such as `"createPayment"`, whatever came of it."""
        return sum(call["operation"] == operation for call in self.state["calls"])

    def outcome(self, session: "PaymentSession", outcome: str = "paid", **details: Any) -> str:
        """What the shopper does on the hosted page of `session`; the transaction's id."""
        answer = self.control(f"checkouts/{session.checkout_id}/outcome", outcome=outcome, **details)
        return str(answer["transaction_id"])

    def refund(self, session: "PaymentSession", *, amount: str | None = None, status: str = "completed") -> str:
        """What staff do in ND8's own dashboard: give back `amount` (major units; None: all that is left).

        Returns the refund's id. `status` is how it ends; `"processing"` leaves it under way.
        """
        paid = [
            each["id"]
            for each in self.state["transactions"]
            if each["checkout_id"] == session.checkout_id and each["status"] == "paid"
        ]
        if not paid:
            raise AssertionError(f"Nothing was paid for {session}: let nd8.outcome(session) come first.")
        wanted = {} if amount is None else {"amount": amount}
        refund_id = str(self.control(f"transactions/{paid[-1]}/refund", **wanted)["refund_id"])
        if status != "processing":
            self.control(f"refunds/{refund_id}/outcome", status=status)
        return refund_id

    def fault(self, operation: str, kind: str, times: int = 1, **details: Any) -> None:
        """Let the next `times` calls of an operation go wrong; `times=0` ends what goes wrong with it."""
        self.control("faults", operation=operation, kind=kind, times=times, **details)

    def notification(self, index: int = -1) -> tuple[bytes, dict[str, str]]:
        """Body and headers of one of the notifications so far, as they would go out."""
        return _as_sent(self._notifications()[index])

    def deliver(self, client: Client | None = None, index: int = -1, path: str | None = None) -> Any:
        """Carry one notification to the shop's webhook, the newest unless told otherwise; the shop's answer.

        Carried before or not: ND8, too, may send the same one again.
        """
        return self._carry(self._notifications()[index], client, path)

    def deliver_new(self, client: Client | None = None) -> Any:
        """Carry every notification that waits, oldest first; the shop's answer to the last one."""
        waiting = [
            each for each in self.state["deliveries"] if each["state"] == "unsent" and each["id"] not in self._carried
        ]
        if not waiting:
            raise AssertionError(
                "ND8 has nothing new to tell: let nd8.outcome(session) come first. nd8.deliver() repeats the newest."
            )
        return [self._carry(each, client, None) for each in waiting][-1]

    def send_webhooks_to(self, url: str) -> None:
        """From now on ND8 sends notifications by itself, as to a live server; an absolute URL."""
        self.control("organization", webhook_url=url)

    def _notifications(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state["deliveries"]
        if not found:
            raise AssertionError("ND8 has told nothing yet: let nd8.outcome(session) come first.")
        return found

    def _carry(self, notification: dict[str, Any], client: Client | None, path: str | None) -> Any:
        self._carried.add(notification["id"])
        return post_webhook(client or Client(), *_as_sent(notification), path=path)


def _as_sent(notification: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    body = notification["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode(), notification["headers"]


def post_webhook(client: Client, body: bytes, headers: Mapping[str, str], *, path: str | None = None) -> Any:
    """POST `body` to the webhook, wherever the shop mounted it, with those of `headers` that are ND8's."""
    wanted = {name: value for name, value in headers.items() if name.lower().startswith("x-webhook")}
    return client.post(path or address_of("webhook"), body, content_type="application/json", headers=wanted)


def settings_with(url: str, *, shop: Mapping[str, Any]) -> dict[str, Any]:
    """`settings.ND8` of a shop as it is, but pointing to the emulator at `url`, and quick to lose patience."""
    return {
        **shop,
        "BASE_URL": f"{url}/sandbox/api/",
        "CHECKOUT_HOSTS": [httpx.URL(url).netloc.decode()],
        "MERCHANT_TOKEN": Setup.merchant_token,
        "WEBHOOK_SECRETS": shop.get("WEBHOOK_SECRETS") or [Setup.webhook_secret],
        "READ_TIMEOUT": 2,
        "READ_BUDGET": 3,
    }


@contextmanager
def emulator_at(url: str = "") -> Iterator[ND8]:
    """The emulator that runs at `url`, or one in a thread of this process while the block lasts."""
    if url:
        nd8 = ND8(url)
        try:
            yield nd8
        finally:
            with suppress(httpx.TransportError):
                nd8.control("reset")  # as somebody else may have started it
            nd8.close()
    else:
        with running() as emulator, emulator_at(emulator.url) as nd8:
            yield nd8


@contextmanager
def emulated_nd8(url: str = "") -> Iterator[ND8]:
    """A fresh ND8 that the shop's settings point to while the block lasts, for tests without pytest's fixtures.

    It is served by a thread of this process; give the `url` of a running emulator to use that one instead.
    """
    with emulator_at(url) as nd8, override_settings(ND8=settings_with(nd8.url, shop=settings.ND8)):
        nd8.reset()
        yield nd8
