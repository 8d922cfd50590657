"""The ND8 API in Python: what a caller may use. Knows no Django; raises `oscar_nd8.exceptions`."""

from oscar_nd8.client import signatures
from oscar_nd8.client._circuit import CircuitSnapshot, CircuitState
from oscar_nd8.client._client import ND8Client
from oscar_nd8.client.schemas._base import Page
from oscar_nd8.client.schemas.checkout import (
    AdHocItem,
    CatalogueItem,
    Checkout,
    CheckoutRequest,
    DepositAttempt,
    Product,
    Transaction,
)
from oscar_nd8.client.schemas.organization import (
    ApiKey,
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
    LinkProduct,
    PaymentLink,
    PaymentLinkLine,
    PaymentLinkPatch,
    PaymentLinkRequest,
    PaymentLinkStart,
    PublicPaymentLink,
)
from oscar_nd8.client.schemas.refunds import (
    AcceptedRefund,
    Refund,
    RefundQuery,
    RefundRequest,
)

__all__ = [
    "AcceptedRefund",
    "AdHocItem",
    "ApiKey",
    "ApiKeyRequest",
    "CatalogueItem",
    "Checkout",
    "CheckoutRequest",
    "CircuitSnapshot",
    "CircuitState",
    "DepositAttempt",
    "LinkPayment",
    "LinkProduct",
    "ND8Client",
    "NewApiKey",
    "Organization",
    "OrganizationDashboard",
    "OrganizationPatch",
    "Page",
    "PaymentLink",
    "PaymentLinkLine",
    "PaymentLinkPatch",
    "PaymentLinkRequest",
    "PaymentLinkStart",
    "Product",
    "PublicPaymentLink",
    "Refund",
    "RefundQuery",
    "RefundRequest",
    "Transaction",
    "Webhook",
    "WebhookRequest",
    "signatures",
]
