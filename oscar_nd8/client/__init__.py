"""The ND8 API in Python: what a caller may use. Knows no Django; raises `oscar_nd8.exceptions`."""

from oscar_nd8.client import signatures
from oscar_nd8.client._client import ND8Client
from oscar_nd8.client.schemas.checkout import (
    AdHocItem,
    CatalogueItem,
    Checkout,
    CheckoutRequest,
    DepositAttempt,
    Product,
    Transaction,
)
from oscar_nd8.client.schemas.refunds import AcceptedRefund, Refund, RefundPage, RefundQuery, RefundRequest

__all__ = [
    "AcceptedRefund",
    "AdHocItem",
    "CatalogueItem",
    "Checkout",
    "CheckoutRequest",
    "DepositAttempt",
    "ND8Client",
    "Product",
    "Refund",
    "RefundPage",
    "RefundQuery",
    "RefundRequest",
    "Transaction",
    "signatures",
]
