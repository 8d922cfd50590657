"""ND8's API as methods: one per operation that is used, each a line over the transport."""

import ipaddress
from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from oscar_nd8.client._operations import (
    CREATE_PAYMENT,
    CREATE_REFUND,
    GET_PAYMENT,
    GET_REFUND,
    LIST_REFUNDS,
    Credentials,
)
from oscar_nd8.client._transport import Transport
from oscar_nd8.client.schemas.checkout import Checkout, CheckoutRequest, Transaction
from oscar_nd8.client.schemas.refunds import AcceptedRefund, Refund, RefundPage, RefundQuery, RefundRequest
from oscar_nd8.exceptions import NotFound

__all__ = ["ND8Client"]


class ND8Client:
    """One account at ND8. Keep one per process: it holds open connections, and threads may share it.

    `base_url` is like `https://host/api/` or `https://host/sandbox/api/`. Plain http is for this machine
    only (the emulator), unless `allow_http` is set. Timeouts and `read_budget` (a read with all its
    repetitions) are in seconds. Proxies of the environment are not used; pass
    `transport=httpx.HTTPTransport(proxy=…)` for one. Raises ValueError for what cannot work; every method
    may raise a ProviderError.
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
        allow_http: bool = False,
    ) -> None:
        self._transport = Transport(
            base_url=_checked_base_url(base_url, allow_http=allow_http),
            secrets={
                Credentials.API_KEY: _checked_secret(api_key, name="API key"),
                Credentials.MERCHANT_TOKEN: _checked_secret(merchant_token, name="merchant token"),
            },
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            read_budget=read_budget,
            transport=transport,
        )

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a hosted payment (createPayment). A write: sent once; OutcomeUnknown if the answer is lost."""
        return self._transport.call(CREATE_PAYMENT, read=Checkout.model_validate_json, body=request)

    def get_transaction(self, transaction_id: str) -> Transaction:
        """A payment as it is now (getPaymentById), by its public id `TX…` or its number. A read: repeated."""
        return self._transport.call(GET_PAYMENT, read=Transaction.model_validate_json, path={"id": transaction_id})

    def create_refund(self, transaction_id: str, request: RefundRequest) -> AcceptedRefund:
        """Give money of a payment back (createRefundForPayment), in part or all that remains.

        Amounts are in major units of the charge currency, tax included. A write, sent once: OutcomeUnknown if
        the answer is lost, so look for it with `iterate_refunds` before asking again. RequestRejected says why
        the payment is not eligible.
        """
        return self._transport.call(
            CREATE_REFUND, read=AcceptedRefund.model_validate_json, path={"id": transaction_id}, body=request
        )

    def get_refund(self, refund_id: str) -> Refund:
        """A refund as it is now (getRefundById), by its public id `RF…` or its number. A read: repeated.

        `amount` is in major units of the refund's currency, tax included. NotFound if there is none.
        """
        return self._transport.call(GET_REFUND, read=Refund.model_validate_json, path={"id": refund_id})

    def list_refunds(self, query: RefundQuery | None = None) -> RefundPage:
        """One page of the account's refunds (listRefunds), also those made in ND8's dashboard. A read: repeated.

        Amounts are in major units of each refund's currency, tax included. ND8 bounds the size of a page.
        """
        parameters = query.to_parameters() if query else None
        return self._transport.call(LIST_REFUNDS, read=RefundPage.model_validate_json, query=parameters)

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

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


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
