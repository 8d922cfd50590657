"""ND8's operations: where each is, which credentials it takes and whether it may be repeated.

A row carries its own credentials, so no caller can send an API key where a merchant token belongs, or a
secret to an operation that takes none. Source: ND8's OpenAPI document 1.1.0; the scopes and revoking a key are in its
product guides only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Final
from urllib.parse import quote

from oscar_nd8.exceptions import RequestRejected

__all__ = [
    "CREATE_API_KEY",
    "CREATE_PAYMENT",
    "CREATE_PAYMENT_LINK",
    "CREATE_REFUND",
    "DELETE_PAYMENT_LINK",
    "DOCUMENTED",
    "GET_DASHBOARD",
    "GET_ORGANIZATION",
    "GET_PAYMENT",
    "GET_PAYMENT_LINK",
    "GET_PUBLIC_LINK",
    "GET_REFUND",
    "GET_WEBHOOK",
    "LIST_API_KEYS",
    "LIST_LINK_PAYMENTS",
    "LIST_PAYMENT_LINKS",
    "LIST_REFUNDS",
    "OPERATIONS",
    "PATCH_ORGANIZATION",
    "PATCH_PAYMENT_LINK",
    "PUT_WEBHOOK",
    "REVOKE_API_KEY",
    "ROTATE_API_KEY",
    "START_LINK_CHECKOUT",
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
GET_ORGANIZATION: Final = Operation("getOrganization", "GET", "/organization/", _TOKEN)
PATCH_ORGANIZATION: Final = Operation("patchOrganization", "PATCH", "/organization/", _TOKEN)
GET_DASHBOARD: Final = Operation("getOrganizationDashboard", "GET", "/organization/dashboard/", _TOKEN)
LIST_API_KEYS: Final = Operation("getOrganizationApiKeys", "GET", "/organization/api-keys/", _TOKEN)
CREATE_API_KEY: Final = Operation("createOrganizationApiKey", "POST", "/organization/api-keys/", _TOKEN)
ROTATE_API_KEY: Final = Operation("rotateOrganizationApiKey", "POST", "/organization/api-keys/rotate/", _TOKEN)
GET_WEBHOOK: Final = Operation("getOrganizationWebhook", "GET", "/organization/webhook/", _TOKEN)
PUT_WEBHOOK: Final = Operation("putOrganizationWebhook", "PUT", "/organization/webhook/", _TOKEN)
LIST_PAYMENT_LINKS: Final = Operation("listPaymentLinks", "GET", "/payment-links/", _TOKEN)
CREATE_PAYMENT_LINK: Final = Operation("createPaymentLink", "POST", "/payment-links/", _TOKEN)
GET_PAYMENT_LINK: Final = Operation("getPaymentLink", "GET", _LINK, _TOKEN)
PATCH_PAYMENT_LINK: Final = Operation("patchPaymentLink", "PATCH", _LINK, _TOKEN)
DELETE_PAYMENT_LINK: Final = Operation("deletePaymentLink", "DELETE", _LINK, _TOKEN)
LIST_LINK_PAYMENTS: Final = Operation("listPaymentLinkPayments", "GET", "/payment-links/{id}/payments/", _TOKEN)
GET_PUBLIC_LINK: Final = Operation("getPublicPaymentLink", "GET", "/payment-links/public/{token}/", _NOBODY)
START_LINK_CHECKOUT: Final = Operation(
    "startPaymentLinkCheckout", "POST", "/payment-links/public/{token}/start/", _NOBODY
)
REVOKE_API_KEY: Final = Operation("revokeOrganizationApiKey", "POST", "/organization/api-keys/{id}/revoke/", _TOKEN)

DOCUMENTED: Final[tuple[Operation, ...]] = (
    CREATE_PAYMENT,
    GET_PAYMENT,
    CREATE_REFUND,
    LIST_REFUNDS,
    GET_REFUND,
    GET_ORGANIZATION,
    PATCH_ORGANIZATION,
    GET_DASHBOARD,
    LIST_API_KEYS,
    CREATE_API_KEY,
    ROTATE_API_KEY,
    GET_WEBHOOK,
    PUT_WEBHOOK,
    LIST_PAYMENT_LINKS,
    CREATE_PAYMENT_LINK,
    GET_PAYMENT_LINK,
    PATCH_PAYMENT_LINK,
    DELETE_PAYMENT_LINK,
    LIST_LINK_PAYMENTS,
    GET_PUBLIC_LINK,
    START_LINK_CHECKOUT,
)
OPERATIONS: Final[tuple[Operation, ...]] = (*DOCUMENTED, REVOKE_API_KEY)
