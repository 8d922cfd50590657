"""ND8's API as methods: one per operation, each a line over the transport."""

import ipaddress
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from pydantic_core import from_json

from oscar_nd8.client import _operations as operations
from oscar_nd8.client._circuit import Circuit, CircuitSnapshot
from oscar_nd8.client._operations import Credentials
from oscar_nd8.client._transport import Observer, Transport
from oscar_nd8.client.schemas._base import Page
from oscar_nd8.client.schemas.checkout import Checkout, CheckoutRequest, Transaction
from oscar_nd8.client.schemas.organization import (
    ApiKey,
    ApiKeyPage,
    ApiKeyRequest,
    NewApiKey,
    Organization,
    OrganizationDashboard,
    OrganizationPatch,
    Webhook,
    WebhookRequest,
)
from oscar_nd8.client.schemas.payment_links import (
    LinkPayment,
    PaymentLink,
    PaymentLinkPatch,
    PaymentLinkRequest,
    PaymentLinkStart,
    PublicPaymentLink,
)
from oscar_nd8.client.schemas.refunds import AcceptedRefund, Refund, RefundQuery, RefundRequest
from oscar_nd8.exceptions import NotFound

__all__ = ["ND8Client"]


class ND8Client:
    """One account at ND8. Keep one per process: it holds open connections, and threads may share it.

    `base_url` is like `https://host/api/` or `https://host/sandbox/api/`. Plain http is for this machine only
    (the emulator), unless `allow_http` is set. Timeouts and `read_budget` (a read with all its repetitions) are
    in seconds. After `circuit_threshold` calls in a row that failed at ND8, nothing is sent for `circuit_pause`
    seconds. Proxies of the environment are not used; pass `transport=httpx.HTTPTransport(proxy=…)` for one.
    `observe` is called with operation, outcome ("ok", or the name of a ProviderError) and seconds of every
    request that ended, on the thread that made it. Raises ValueError for what cannot work; every method may
    raise a ProviderError.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | SecretStr = "",
        merchant_token: str | SecretStr = "",
        transport: httpx.BaseTransport | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 15.0,
        read_budget: float = 20.0,
        circuit_threshold: int = 5,
        circuit_pause: float = 5.0,
        allow_http: bool = False,
        observe: Observer | None = None,
    ) -> None:
        self._circuit = Circuit(threshold=circuit_threshold, pause=circuit_pause)
        self._transport = Transport(
            base_url=_checked_base_url(base_url, allow_http=allow_http),
            secrets={
                Credentials.API_KEY: _checked_secret(api_key, name="API key"),
                Credentials.MERCHANT_TOKEN: _checked_secret(merchant_token, name="merchant token"),
            },
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            read_budget=read_budget,
            circuit=self._circuit,
            transport=transport,
            observe=observe,
        )

    @property
    def circuit(self) -> CircuitSnapshot:
        """Whether calls go out at this moment. Every change is logged to `oscar_nd8.client`."""
        return self._circuit.snapshot

    @property
    def server_time(self) -> datetime | None:
        """What ND8's clock said in its newest answer, to the second; None before the first."""
        return self._transport.server_time

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a hosted payment (createPayment). A write: sent once; OutcomeUnknown if the answer is lost."""
        return self._transport.call(operations.CREATE_PAYMENT, read=Checkout.model_validate_json, body=request)

    def get_transaction(self, transaction_id: str) -> Transaction:
        """A payment as it is now (getPaymentById), by its public id `TX…` or its number. A read: repeated."""
        return self._transport.call(
            operations.GET_PAYMENT, read=Transaction.model_validate_json, path={"id": transaction_id}
        )

    def create_refund(self, transaction_id: str, request: RefundRequest) -> AcceptedRefund:
        """Give money of a payment back (createRefundForPayment), in part or all that remains.

        Amounts are in major units of the charge currency, tax included. A write, sent once: OutcomeUnknown if
        the answer is lost, so look for it with `iterate_refunds` before asking again. RequestRejected says why
        the payment is not eligible.
        """
        return self._transport.call(
            operations.CREATE_REFUND, read=AcceptedRefund.model_validate_json, path={"id": transaction_id}, body=request
        )

    def get_refund(self, refund_id: str) -> Refund:
        """A refund as it is now (getRefundById), by its public id `RF…` or its number. A read: repeated.

        `amount` is in major units of the refund's currency, tax included. NotFound if there is none.
        """
        return self._transport.call(operations.GET_REFUND, read=Refund.model_validate_json, path={"id": refund_id})

    def list_refunds(self, query: RefundQuery | None = None) -> Page[Refund]:
        """One page of the account's refunds (listRefunds), also those made in ND8's dashboard. A read: repeated.

        Amounts are in major units of each refund's currency, tax included. ND8 bounds the size of a page.
        """
        parameters = query.to_parameters() if query else None
        return self._transport.call(operations.LIST_REFUNDS, read=Page[Refund].model_validate_json, query=parameters)

    def iterate_refunds(self, query: RefundQuery | None = None) -> Iterator[Refund]:
        """Every refund that `query` asks for, each once, page by page (listRefunds) from the query's page on.

        ND8 does not say how many pages there are: they end with an empty one, with one that brings nothing new,
        or where ND8 knows no such page.
        """
        query = query or RefundQuery()
        seen: set[str] = set()
        for number in count(query.page or 1):
            try:
                page = self.list_refunds(query.model_copy(update={"page": number}))
            except NotFound:
                if not seen:
                    raise
                return
            new = {refund.id: refund for refund in page.results if refund.id not in seen}
            yield from new.values()
            seen |= new.keys()
            if page.is_last or not new:
                return

    def get_organization(self) -> Organization:
        """The merchant's profile (getOrganization). A read: repeated.

        Limits are in major units, of a currency that ND8 does not name.
        """
        return self._transport.call(operations.GET_ORGANIZATION, read=Organization.model_validate_json)

    def update_organization(self, patch: OrganizationPatch) -> Organization:
        """Change the profile (patchOrganization) and see it as it is then. A write: sent once."""
        return self._transport.call(operations.PATCH_ORGANIZATION, read=Organization.model_validate_json, body=patch)

    def get_organization_dashboard(self) -> OrganizationDashboard:
        """Counts and wallet (getOrganizationDashboard), in fields and units that ND8 does not document. A read."""
        return self._transport.call(operations.GET_DASHBOARD, read=OrganizationDashboard.model_validate_json)

    def list_api_keys(self) -> Page[ApiKey]:
        """What may be known of the API keys (getOrganizationApiKeys), never their characters. A read: repeated."""
        return self._transport.call(operations.LIST_API_KEYS, read=ApiKeyPage.model_validate_json)

    def create_api_key(self, request: ApiKeyRequest) -> NewApiKey:
        """Make an API key (createOrganizationApiKey). A write: sent once.

        After OutcomeUnknown a key may exist that nobody knows: look for it and revoke it.
        """
        return self._transport.call(operations.CREATE_API_KEY, read=NewApiKey.model_validate_json, body=request)

    def rotate_api_key(self) -> NewApiKey:
        """Replace the API key (rotateOrganizationApiKey); the old one ends at once. A write: sent once.

        This client goes on with the key that it was made with. After OutcomeUnknown the old key may be dead
        and the new one unknown: create another.
        """
        return self._transport.call(operations.ROTATE_API_KEY, read=NewApiKey.model_validate_json)

    def revoke_api_key(self, key_id: str) -> None:
        """End an API key (revokeOrganizationApiKey). A write: sent once.

        `POST /organization/api-keys/{id}/revoke/` is in ND8's guide only; its name here is ours. NotFound if there
        is no such key.
        """
        self._transport.call(operations.REVOKE_API_KEY, read=_nothing, path={"id": key_id})

    def get_webhook(self) -> Webhook:
        """Where notifications go (getOrganizationWebhook), without the secret. A read: repeated."""
        return self._transport.call(operations.GET_WEBHOOK, read=Webhook.model_validate_json)

    def set_webhook(self, request: WebhookRequest) -> Webhook:
        """Have notifications sent elsewhere (putOrganizationWebhook); the answer holds their new secret.

        A write: sent once. After OutcomeUnknown the secret may be another one: set the endpoint again.
        """
        return self._transport.call(operations.PUT_WEBHOOK, read=Webhook.model_validate_json, body=request)

    def list_payment_links(self, page: int | None = None) -> Page[PaymentLink]:
        """The merchant's payment links (listPaymentLinks). A read: repeated.

        Amounts are in major units of each link's currency. ND8 documents no pages: ask for one only where an
        answer said that more follows.
        """
        return self._transport.call(
            operations.LIST_PAYMENT_LINKS, read=Page[PaymentLink].model_validate_json, query=_page(page)
        )

    def create_payment_link(self, request: PaymentLinkRequest) -> PaymentLink:
        """Make a link for products of the catalogue at ND8 (createPaymentLink). A write: sent once.

        Amounts are in major units of the link's currency. After OutcomeUnknown look for it in the list.
        """
        return self._transport.call(operations.CREATE_PAYMENT_LINK, read=PaymentLink.model_validate_json, body=request)

    def get_payment_link(self, link_id: str) -> PaymentLink:
        """A payment link and what came of it (getPaymentLink). A read: repeated. NotFound if there is none.

        Amounts are in major units of the link's currency.
        """
        return self._transport.call(
            operations.GET_PAYMENT_LINK, read=PaymentLink.model_validate_json, path={"id": link_id}
        )

    def update_payment_link(self, link_id: str, patch: PaymentLinkPatch) -> PaymentLink:
        """Change a payment link (patchPaymentLink) and see it as it is then. A write: sent once."""
        return self._transport.call(
            operations.PATCH_PAYMENT_LINK, read=PaymentLink.model_validate_json, path={"id": link_id}, body=patch
        )

    def delete_payment_link(self, link_id: str) -> None:
        """End a payment link (deletePaymentLink); its payments stay. A write: sent once."""
        self._transport.call(operations.DELETE_PAYMENT_LINK, read=_nothing, path={"id": link_id})

    def list_payment_link_payments(self, link_id: str, page: int | None = None) -> Page[LinkPayment]:
        """The payments that came of a link (listPaymentLinkPayments). A read: repeated.

        Amounts are in major units of each payment's currency. `page` as in `list_payment_links`.
        """
        return self._transport.call(
            operations.LIST_LINK_PAYMENTS,
            read=Page[LinkPayment].model_validate_json,
            path={"id": link_id},
            query=_page(page),
        )

    def get_public_payment_link(self, token: str) -> PublicPaymentLink:
        """What a customer may see of a link (getPublicPaymentLink); `token` is the link's id. A read: repeated.

        Sent without credentials. Amounts are in major units of the link's currency. NoLongerAvailable if the
        link is inactive, expired or used up.
        """
        return self._transport.call(
            operations.GET_PUBLIC_LINK, read=PublicPaymentLink.model_validate_json, path={"token": token}
        )

    def start_payment_link_checkout(self, token: str, request: PaymentLinkStart) -> Checkout:
        """Open a hosted payment for a customer of a link (startPaymentLinkCheckout). A write: sent once.

        Sent without credentials. NoLongerAvailable if the link is inactive, expired or used up.
        """
        return self._transport.call(
            operations.START_LINK_CHECKOUT, read=Checkout.model_validate_json, path={"token": token}, body=request
        )

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _page(number: int | None) -> dict[str, str | int] | None:
    return None if number is None else {"page": number}


def _nothing(body: bytes) -> None:
    """Done is said without a body or with a JSON one; a web page says something else."""
    if body.strip():
        from_json(body)


def _checked_base_url(base_url: str, *, allow_http: bool) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("base_url must be an absolute URL like https://host/api/.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("base_url must have no user, query or fragment; credentials are parameters of their own.")
    if parts.scheme == "http" and not allow_http and not _is_this_machine(parts.hostname):
        raise ValueError("base_url must begin with https://, or the API key would travel in clear.")
    return f"{base_url.rstrip('/')}/"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_secret(value: str | SecretStr, *, name: str) -> SecretStr:
    secret = value if isinstance(value, SecretStr) else SecretStr(value)
    if not all("!" <= character <= "~" for character in secret.get_secret_value()):
        raise ValueError(f"The {name} has characters that no key has, perhaps a line break or a space; copy it again.")
    return secret
