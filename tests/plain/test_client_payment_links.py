"""Payment links through the client: the merchant's side with a token, the customer's side with nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from oscar_nd8.client import (
    ND8Client,
    PaymentLink,
    PaymentLinkLine,
    PaymentLinkPatch,
    PaymentLinkRequest,
    PaymentLinkStart,
    PublicPaymentLink,
)
from oscar_nd8.emulator import Emulator
from oscar_nd8.exceptions import NoLongerAvailable, NotFound, RequestRejected
from tests.plain.conftest import TOKEN

SOON = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def nd8(emulator: Emulator) -> Iterator[ND8Client]:
    """A merchant's client."""
    emulator.control("reset")
    with ND8Client(base_url=emulator.sandbox_api_url, merchant_token=TOKEN, read_timeout=1, read_budget=2) as client:
        yield client


@pytest.fixture
def customer(emulator: Emulator) -> Iterator[ND8Client]:
    """A client that knows no secret at all."""
    with ND8Client(base_url=emulator.sandbox_api_url) as client:
        yield client


def request(**changes: Any) -> PaymentLinkRequest:
    fields = {
        "name": "Two mugs",
        "products": (PaymentLinkLine(product_id="prod_mug", quantity=2),),
        "currency": "EUR",
    }
    return PaymentLinkRequest(**(fields | changes))


def payer(**changes: Any) -> PaymentLinkStart:
    fields = {
        "billing_country": "DE",
        "billing_first_name": "Ada",
        "billing_last_name": "Lovelace",
        "billing_email": "ada@example.com",
    }
    return PaymentLinkStart(**(fields | changes))


def test_a_link_is_made_shown_and_listed(nd8: ND8Client) -> None:
    link = nd8.create_payment_link(request(expires_at=SOON, max_uses=3, metadata={"campaign": "spring"}))
    assert (link.name, link.currency, link.amount, link.is_active) == ("Two mugs", "EUR", "25.00", True)
    assert (link.max_uses, link.metadata, link.expires_at) == (3, {"campaign": "spring"}, "2100-01-01T00:00:00.000000Z")
    assert (link.products[0].product_id, link.products[0].unit_price) == ("prod_mug", "12.50")
    assert "spring" not in repr(link)
    shown = nd8.get_payment_link(link.id)
    assert shown.id == link.id
    assert "stats" in (shown.model_extra or {})
    assert [each.id for each in nd8.list_payment_links().results] == [link.id]
    with pytest.raises(RequestRejected):
        nd8.create_payment_link(request(products=(PaymentLinkLine(product_id="nothing", quantity=1),)))


def test_a_patch_clears_what_it_names_and_keeps_the_rest(nd8: ND8Client) -> None:
    link = nd8.create_payment_link(request(expires_at=SOON, max_uses=3))
    cleared = nd8.update_payment_link(link.id, PaymentLinkPatch(expires_at=None, name="Cups"))
    assert (cleared.expires_at, cleared.max_uses, cleared.name) == (None, 3, "Cups")


def test_a_customer_needs_no_credentials(emulator: Emulator, nd8: ND8Client, customer: ND8Client) -> None:
    link = nd8.create_payment_link(request(max_uses=1))
    seen = customer.get_public_payment_link(link.id)
    assert (seen.amount, seen.currency, seen.products[0].quantity) == ("25.00", "EUR", 2)
    checkout = customer.start_payment_link_checkout(link.id, payer(success_url="https://shop.example/ok"))
    assert checkout.checkout_url.startswith(emulator.url)
    emulator.control(f"checkouts/{checkout.checkout_id}/outcome", outcome="paid")
    (payment,) = nd8.list_payment_link_payments(link.id).results
    assert (payment.status, payment.currency, payment.id[:2]) == ("paid", "EUR", "TX")
    assert "ada@example.com" not in repr(payment)
    with pytest.raises(NoLongerAvailable):
        customer.get_public_payment_link(link.id)
    with pytest.raises(NoLongerAvailable):
        customer.start_payment_link_checkout(link.id, payer())


def test_an_ended_link_is_gone_for_everybody(nd8: ND8Client, customer: ND8Client) -> None:
    link = nd8.create_payment_link(request())
    nd8.update_payment_link(link.id, PaymentLinkPatch(is_active=False))
    with pytest.raises(NoLongerAvailable):
        customer.get_public_payment_link(link.id)
    nd8.delete_payment_link(link.id)
    with pytest.raises(NotFound):
        nd8.get_payment_link(link.id)
    with pytest.raises(NotFound):
        customer.get_public_payment_link("6f1c1b1e-0000-4000-8000-000000000000")


def test_no_secret_goes_out_with_a_public_call() -> None:
    seen: list[httpx.Request] = []

    def handler(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        return httpx.Response(410)

    both = ND8Client(
        base_url="https://nd8.example/", api_key="k", merchant_token="t", transport=httpx.MockTransport(handler)
    )
    for call in (lambda: both.get_public_payment_link("x"), lambda: both.start_payment_link_checkout("x", payer())):
        with pytest.raises(NoLongerAvailable):
            call()
    assert [name for sent in seen for name in sent.headers if name in {"authorization", "api-key", "cookie"}] == []


def test_a_patch_writes_null_only_where_it_was_told_to() -> None:
    assert json.loads(PaymentLinkPatch(expires_at=None, max_uses=None).to_json()) == {
        "expires_at": None,
        "max_uses": None,
    }
    assert json.loads(PaymentLinkPatch(name="Cups").to_json()) == {"name": "Cups"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": None},
        {"name": ""},
        {"is_active": None},
        {"is_active": "no"},
        {"max_uses": 0},
        {"max_uses": True},
        {"expires_at": datetime(2100, 1, 1)},  # noqa: DTZ001 - whose clock?
        {"currency": "USD"},
    ],
)
def test_a_patch_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PaymentLinkPatch(**fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"products": ()},
        {"products": ({"product_id": "p", "quantity": 0},)},
        {"products": ({"name": "Mug", "quantity": 1, "unit_price": 1},)},
        {"currency": "GBP"},
        {"currency": None},
        {"pricing_mode": "TTC"},
        {"max_uses": 0},
        {"expires_at": datetime(2100, 1, 1)},  # noqa: DTZ001 - whose clock?
        {"metadata": {"when": SOON - timedelta(days=1)}},
    ],
)
def test_a_link_that_nd8_would_refuse_is_refused_here(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**changes)


def test_a_payer_from_us_needs_a_postal_code_here_too() -> None:
    with pytest.raises(ValidationError, match="billing_postal_code is needed"):
        payer(billing_country="US")
    assert "Lovelace" not in repr(payer())


def test_odd_fields_of_a_link_are_passed_over() -> None:
    odd = {"products": {"a": 1}, "is_active": "yes", "max_uses": "3", "metadata": [], "colour": "red"}
    link = PaymentLink.model_validate_json(json.dumps(odd | {"id": "l1"}))
    assert (link.products, link.is_active, link.max_uses, link.metadata) == ((), None, None, None)
    assert (link.model_extra or {})["colour"] == "red"
    assert (
        PublicPaymentLink.model_validate_json('{"products": [{"product_id": 5}, null]}').products[0].product_id == "5"
    )
    with pytest.raises(ValidationError):
        PaymentLink.model_validate_json(json.dumps(odd))
