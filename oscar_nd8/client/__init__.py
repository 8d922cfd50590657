"""The ND8 API in Python: what a caller may use. Knows no Django; raises `oscar_nd8.exceptions`."""

from oscar_nd8.client import signatures
from oscar_nd8.client._client import ND8Client
from oscar_nd8.client.schemas import (
    AdHocItem,
    CatalogueItem,
    Checkout,
    CheckoutRequest,
    DepositAttempt,
    Product,
    Transaction,
)

__all__ = [
    "AdHocItem",
    "CatalogueItem",
    "Checkout",
    "CheckoutRequest",
    "DepositAttempt",
    "ND8Client",
    "Product",
    "Transaction",
    "signatures",
]
