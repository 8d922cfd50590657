"""Payment links and the people who pay by them, at an emulated ND8."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from oscar_nd8.conf import get_settings
from oscar_nd8.gateway import ReturnAddresses
from oscar_nd8.models import PaymentLink, PaymentSession
from oscar_nd8.services.begin_link_payment import begin_link_payment
from oscar_nd8.services.payment_links import create_link
from oscar_nd8.shop.quote import Payer
from oscar_nd8.testing import ND8

__all__ = ["ADA", "begin", "buy_elsewhere", "make_link", "merchant"]

ADA = Payer(first_name="Ada", last_name="Byron", email="ada@example.com", country="DE", postal_code="10115")


def make_link(**changes: Any) -> PaymentLink:
    """Two mugs for 25.00 USD."""
    return create_link(**{"name": "Christmas market", "products": [("prod_mug", 2)], "currency": "USD", **changes})


def begin(link: PaymentLink, payer: Payer = ADA, *, form_key: UUID | None = None) -> PaymentSession:
    """A customer of this shop's page is on ND8's page."""
    home = "https://shop.example/"
    returns = ReturnAddresses(success=home, failed=home, canceled=home)
    return begin_link_payment(link, payer, form_key=form_key or uuid4(), returns=lambda _session: returns)


def merchant(method: str, path: str, **fields: Any) -> Any:
    """What the merchant does in ND8's own dashboard."""
    settings = get_settings()
    token = settings.MERCHANT_TOKEN.get_secret_value()
    answer = httpx.request(
        method,
        f"{settings.BASE_URL}{path}",
        json=fields or None,
        headers={"Authorization": f"Token {token}"},
        trust_env=False,
    )
    answer.raise_for_status()
    return answer.json() if answer.content else None


def buy_elsewhere(nd8: ND8, link: PaymentLink, outcome: str = "paid", *, email: str = "bob@example.com") -> str:
    """Somebody pays by ND8's own page of a link, which this shop knows nothing of; the transaction's id."""
    fields = {
        "billing_country": "DE",
        "billing_first_name": "Bob",
        "billing_last_name": "Builder",
        "billing_email": email,
    }
    url = f"{get_settings().BASE_URL}payment-links/public/{link.link_id}/start/"
    started = httpx.post(url, json=fields, trust_env=False)
    started.raise_for_status()
    ended = nd8.control(f"checkouts/{started.json()['checkout_id']}/outcome", outcome=outcome)
    return str(ended["transaction_id"])
