"""The shapes of ND8's answers that the stub gives."""

import time
from typing import Any

__all__ = ["checkout", "transaction"]


def checkout(address: str, name: str) -> dict[str, Any]:
    """createPayment."""
    return {
        "checkout_id": name,
        "order_id": name,
        "checkout_url": f"{address}/pay/{name}",
        "token": "t" * 200,
        "expires_at": int(time.time()) + 1800,
    }


def transaction(name: str) -> dict[str, Any]:
    """getPaymentById of a payment of 10.00 that arrived, as `TX<cents>-…` says where it is another amount."""
    cents = int(name[2:].partition("-")[0] or 1000) if name[2:].partition("-")[1] else 1000
    return {
        "id": name,
        "amount": f"{cents * 0.95 / 100:.2f}",
        "status": "paid",
        "currency": "USD",
        "payer_email": "bench@example.com",
        "products": [{"id": None, "name": "Product"}],
        "created_at": "2026-01-01T00:00:00Z",
        "depositAttempts": [
            {
                "status": "succeeded",
                "paymentId": "pi_1",
                "attemptedAt": "2026-01-01T00:00:00Z",
                "errorMessage": None,
                "paymentMethod": "card",
            }
        ],
    }
