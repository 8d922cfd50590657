"""ND8's 21 operations: where each is, which credentials it takes and whether it may be repeated.

A row carries its own credentials, so no caller can send an API key where a merchant token belongs, or a
secret to an operation that takes none. Source: ND8's OpenAPI document 1.1.0; scopes also from its product
guides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Final
from urllib.parse import quote

from oscar_nd8.exceptions import RequestRejected

__all__ = [
    "CREATE_PAYMENT",
    "CREATE_REFUND",
    "GET_PAYMENT",
    "GET_REFUND",
    "LIST_REFUNDS",
    "OPERATIONS",
    "Credentials",
    "Operation",
]

_ID_LENGTH: Final = 200


class Credentials(StrEnum):
    """What an operation is authorized by: ND8's name of the scheme in the `Authorization` header."""

    API_KEY = "Api-Key"
    MERCHANT_TOKEN = "Token"  # noqa: S105 - the scheme's name, no secret
    NONE = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of ND8's API; `id` is its operationId, `scope` what an API key needs for it ("" where none)."""

    id: str
    method: str
    path_template: str
    credentials: Credentials
    scope: str = ""

    @property
    def repeatable(self) -> bool:
        """A read. ND8 has no idempotency keys, so nothing else may go out twice without being asked to."""
        return self.method == "GET"

    def path(self, parameters: Mapping[str, str]) -> str:
        """The path with `parameters` percent-encoded.

        Ids come from notifications and databases: one that could name another resource is refused, with
        RequestRejected, before anything is sent.
        """
        names = {name for _, name, _, _ in Formatter().parse(self.path_template) if name}
        if names != set(parameters):
            raise TypeError(f"{self.id} takes the path parameters {sorted(names)}, not {sorted(parameters)}.")
        return self.path_template.format_map({name: self._safe(value) for name, value in parameters.items()})

    def _safe(self, value: str) -> str:
        usable = value.isprintable() and value.strip() == value and len(value) <= _ID_LENGTH
        if not usable or value in {"", ".", ".."} or "/" in value or "\\" in value:
            raise RequestRejected(f"{value[:40]!r} cannot be an id of ND8; nothing was sent.", operation=self.id)
        return quote(value, safe="")


_KEY, _TOKEN, _NOBODY = Credentials.API_KEY, Credentials.MERCHANT_TOKEN, Credentials.NONE
_LINK = "/payment-links/{id}/"

CREATE_PAYMENT: Final = Operation("createPayment", "POST", "/checkout/create/", _KEY, "checkout:create")
GET_PAYMENT: Final = Operation("getPaymentById", "GET", "/transactions/{id}/", _KEY, "payments:read")
CREATE_REFUND: Final = Operation("createRefundForPayment", "POST", "/transactions/{id}/refund/", _KEY, "refunds:write")
LIST_REFUNDS: Final = Operation("listRefunds", "GET", "/refunds/", _KEY, "refunds:read")
GET_REFUND: Final = Operation("getRefundById", "GET", "/refunds/{id}/", _KEY, "refunds:read")

OPERATIONS: Final[tuple[Operation, ...]] = (
    CREATE_PAYMENT,
    GET_PAYMENT,
    CREATE_REFUND,
    LIST_REFUNDS,
    GET_REFUND,
    Operation("getOrganization", "GET", "/organization/", _TOKEN),
    Operation("patchOrganization", "PATCH", "/organization/", _TOKEN),
    Operation("getOrganizationDashboard", "GET", "/organization/dashboard/", _TOKEN),
    Operation("getOrganizationApiKeys", "GET", "/organization/api-keys/", _TOKEN),
    Operation("createOrganizationApiKey", "POST", "/organization/api-keys/", _TOKEN),
    Operation("rotateOrganizationApiKey", "POST", "/organization/api-keys/rotate/", _TOKEN),
    Operation("getOrganizationWebhook", "GET", "/organization/webhook/", _TOKEN),
    Operation("putOrganizationWebhook", "PUT", "/organization/webhook/", _TOKEN),
    Operation("listPaymentLinks", "GET", "/payment-links/", _TOKEN),
    Operation("createPaymentLink", "POST", "/payment-links/", _TOKEN),
    Operation("getPaymentLink", "GET", _LINK, _TOKEN),
    Operation("patchPaymentLink", "PATCH", _LINK, _TOKEN),
    Operation("deletePaymentLink", "DELETE", _LINK, _TOKEN),
    Operation("listPaymentLinkPayments", "GET", "/payment-links/{id}/payments/", _TOKEN),
    Operation("getPublicPaymentLink", "GET", "/payment-links/public/{token}/", _NOBODY),
    Operation("startPaymentLinkCheckout", "POST", "/payment-links/public/{token}/start/", _NOBODY),
)
