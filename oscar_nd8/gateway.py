"""The seam to a provider: begin a payment, look one up, read a notification, in our own words.

Services know these types and nothing of ND8's. Another provider is another class with these methods; what it
cannot say is None (a gross amount, a net amount), what it says in other words is translated in one table.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.core.signals import setting_changed
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oscar_nd8 import conf
from oscar_nd8.client import AdHocItem, Checkout, CheckoutRequest, ND8Client, Transaction, signatures
from oscar_nd8.exceptions import AmountsDisagree, NotOffered, ProviderUnavailable, RequestRejected
from oscar_nd8.lines import Item
from oscar_nd8.money import parse_minor, to_json_number
from oscar_nd8.states import DepositState, PaymentState

__all__ = [
    "Attempt",
    "Begun",
    "Gateway",
    "ND8Gateway",
    "Notification",
    "PayerDetails",
    "PaymentReport",
    "ReturnAddresses",
    "get_gateway",
]


class PayerDetails(Protocol):
    """Whom the provider bills; `country` is ISO 3166-1 alpha-2."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def postal_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ReturnAddresses:
    """Absolute URLs where the provider sends the browser; reaching one proves nothing about money."""

    success: str
    failed: str
    canceled: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that a shopper can make at `url` until `expires_at`; `checkout_id` comes back in notifications."""

    checkout_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay, as support wants to see it."""

    state: str
    at: str
    method: str
    message: str
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentReport:
    """The provider's answer about one payment. `net` is what it pays out, in minor units of `currency`."""

    transaction_id: str
    state: PaymentState
    raw_status: str
    deposit: DepositState
    currency: str
    net: int
    attempts: tuple[Attempt, ...]  # newest first


@dataclass(frozen=True, slots=True)
class Notification:
    """A signed message. Its ids are hints where to look; nothing else in it is believed."""

    delivery_id: str
    name: str
    checkout_id: str
    transaction_id: str


class Gateway(Protocol):
    """What services ask of a provider. Every method that calls out may raise a ProviderError."""

    code: str

    def begin(
        self,
        *,
        items: Sequence[Item],
        currency: str,
        payer: PayerDetails,
        returns: ReturnAddresses,
    ) -> Begun:
        """Open a hosted payment. A write without idempotency key: never repeated by the gateway."""

    def look_up(self, transaction_id: str) -> PaymentReport:
        """The truth about a payment, now. A read: repeated within its budget."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise SignatureInvalid unless `body` was signed with one of our secrets."""

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification:
        """What a verified body says. Raises ValueError where it is not a notification at all."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    event: str = Field(default="", max_length=100, pattern=r"^[ -~]*$")
    # Ids are stored and put into addresses: printable ASCII without blanks, as ND8's are.
    order_id: str = Field(default="", max_length=255, pattern=r"^[!-~]*$")
    transaction_id: str = Field(default="", max_length=255, pattern=r"^[!-~]*$")


# The one place where ND8's words become ours; source: Payment.status in its API document.
_STATES: Mapping[str, PaymentState] = {
    "processing": PaymentState.PROCESSING,
    "paid": PaymentState.PAID,
    "failed": PaymentState.FAILED,
    "canceled": PaymentState.CANCELED,
    "refund_pending": PaymentState.REFUND_PENDING,
    "refunded": PaymentState.REFUNDED,
}
# ND8 gives examples only; any other word for a deposit that is under way is not one of success.
_DEPOSITS: Mapping[str, DepositState] = {
    "succeeded": DepositState.SUCCEEDED,
    "pending": DepositState.PENDING,
    "processing": DepositState.PENDING,
    "requires_payment_method": DepositState.FAILED,
    "failed": DepositState.FAILED,
}


class ND8Gateway:
    """ND8's hosted checkout, through `oscar_nd8.client`."""

    code = "nd8"

    def __init__(self, client: ND8Client, *, settings: conf.ND8Settings) -> None:
        self._client = client
        self._settings = settings

    def begin(
        self,
        *,
        items: Sequence[Item],
        currency: str,
        payer: PayerDetails,
        returns: ReturnAddresses,
    ) -> Begun:
        """createPayment. Raises NotOffered when ND8 could never accept the payer's details as they are."""
        try:
            request = CheckoutRequest(
                billing_country=payer.country,
                billing_first_name=payer.first_name,
                billing_last_name=payer.last_name,
                billing_email=payer.email,
                billing_postal_code=payer.postal_code or None,
                currency=currency,
                products=tuple(
                    AdHocItem(
                        name=item.name,
                        quantity=item.quantity,
                        unit_price=to_json_number(item.unit_amount, currency),
                    )
                    for item in items
                ),
                success_url=returns.success,
                failed_url=returns.failed,
                cancel_url=returns.canceled,
            )
        except ValidationError as error:
            raise NotOffered(_refusal(error)) from None  # the cause would show the payer's details
        return self._begun(self._client.create_checkout(request))

    def _begun(self, checkout: Checkout) -> Begun:
        page = urlsplit(checkout.checkout_url)
        secure = page.scheme == "https" or (page.scheme == "http" and page.hostname in conf.LOOPBACK)
        if page.netloc.lower() not in self._settings.CHECKOUT_HOSTS or not secure:
            raise RequestRejected(
                f"ND8 answered with a payment page on {page.netloc!r}, where shoppers are not sent. If it is ND8's, "
                "add the host to ND8['CHECKOUT_HOSTS'].",
                operation="createPayment",
            )
        return Begun(
            checkout_id=checkout.checkout_id,
            url=checkout.checkout_url,
            expires_at=datetime.fromtimestamp(checkout.expires_at, tz=UTC),
        )

    def look_up(self, transaction_id: str) -> PaymentReport:
        """getPaymentById. Raises ProviderUnavailable also for an amount that is none."""
        answer = self._client.get_transaction(transaction_id)
        try:
            return _report(transaction_id, answer)
        except AmountsDisagree as error:
            raise ProviderUnavailable(
                f"ND8 answered with an amount that cannot be read: {error}", operation="getPaymentById"
            ) from error

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """`X-Webhook-Signature` over the raw body; no other header is signed."""
        signatures.verify(
            body, signature=headers.get("X-Webhook-Signature", ""), secrets=self._settings.WEBHOOK_SECRETS
        )

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification:
        """The event's name and the ids it is about; fields that ND8 adds are ignored."""
        try:
            content = _Body.model_validate(json.loads(body.decode()))
        except (ValidationError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError("the body is not a notification") from error
        return Notification(
            delivery_id=_delivery_id(headers.get("X-Webhook-Delivery-Id", "").strip()),
            name=content.event,
            checkout_id=content.order_id,
            transaction_id=content.transaction_id,
        )


def _delivery_id(given: str) -> str:
    # The header is not signed: what is no plain id is told apart by its digest, and never cut to a shared beginning.
    plain = len(given) <= 64 and given.isascii() and (not given or given.isprintable())
    return given if plain else hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()


def _refusal(error: ValidationError) -> str:
    fields = {str(item["loc"][0]) for item in error.errors(include_input=False) if item["loc"]}
    if "billing_postal_code" in fields or not fields:
        return _("Payments from your country need a postal code. Please add it to your address.")
    return _("Your name, e-mail or address is not complete enough for paying by ND8. Please check them.")


def _report(transaction_id: str, answer: Transaction) -> PaymentReport:
    attempts = tuple(
        Attempt(
            state=each.status or "",
            at=str(each.attempted_at or ""),
            method=each.payment_method or "",
            message=each.error_message or "",
            reference=each.payment_id or "",
        )
        for each in answer.deposit_attempts
    )
    attempts = tuple(sorted(attempts, key=lambda each: each.at, reverse=True))
    return PaymentReport(
        transaction_id=transaction_id,
        state=_STATES.get(answer.status, PaymentState.UNKNOWN),
        raw_status=answer.status[:64],
        deposit=_DEPOSITS.get(attempts[0].state, DepositState.PENDING) if attempts else DepositState.NONE,
        currency=answer.currency.upper()[:3],
        net=parse_minor(answer.amount, answer.currency),
        attempts=attempts,
    )


@cache
def _nd8() -> ND8Gateway:
    settings = conf.get_settings()
    client = ND8Client(
        base_url=settings.BASE_URL,
        api_key=settings.API_KEY,
        merchant_token=settings.MERCHANT_TOKEN,
        connect_timeout=settings.CONNECT_TIMEOUT,
        read_timeout=settings.READ_TIMEOUT,
        read_budget=settings.READ_BUDGET,
    )
    return ND8Gateway(client, settings=settings)


def get_gateway(code: str) -> Gateway:
    """The gateway a session was begun with; one client and connection pool a process, made at first use."""
    if code != ND8Gateway.code:
        raise LookupError(f"No payment gateway is called {code!r}.")
    return _nd8()


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == "ND8":
        _nd8.cache_clear()


setting_changed.connect(_forget, dispatch_uid="oscar_nd8.gateway")
