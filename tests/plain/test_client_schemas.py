"""What goes to ND8 is complete and exact; what comes back is strict where it must be and tolerant elsewhere."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oscar_nd8 import money
from oscar_nd8.client import AdHocItem, CatalogueItem, Checkout, Transaction
from oscar_nd8.client.schemas._base import Sent
from tests.plain.loopback import CHECKOUT, TRANSACTION, checkout_request


def written(model: Sent) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(model.to_json())
    return sent


def test_a_request_is_written_in_nd8s_words() -> None:
    request = checkout_request(
        success_url="https://shop.example/ok",
        failed_url="https://shop.example/no",
        cancel_url="https://shop.example/back",
        products=(AdHocItem(name="Mug", quantity=2, unit_price=10.5), CatalogueItem(id="cat_1", quantity=1)),
        sandbox_simulate="checkout_pending",
    )
    assert written(request) == {
        "billing_country": "DE",
        "billing_first_name": "Ada",
        "billing_last_name": "Lovelace",
        "billing_email": "ada@example.com",
        "currency": "EUR",
        "products": [{"name": "Mug", "quantity": 2, "unit_price": 10.5}, {"id": "cat_1", "quantity": 1}],
        "successUrl": "https://shop.example/ok",
        "failedUrl": "https://shop.example/no",
        "cancelUrl": "https://shop.example/back",
        "sandbox_simulate": "checkout_pending",
    }


@given(st.integers(1, 10**15 - 1), st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_price_is_written_with_exactly_its_digits(minor: int, currency: str) -> None:
    item = AdHocItem(name="Mug", quantity=1, unit_price=money.to_json_number(minor, currency))
    number = json.loads(item.model_dump_json(), parse_float=Decimal, parse_int=Decimal)["unit_price"]
    assert money.to_minor(number, currency) == minor


@pytest.mark.parametrize(
    "changes",
    [
        {"billing_country": "US"},
        {"billing_country": "US", "billing_postal_code": "  "},
        {"billing_country": "de"},
        {"billing_country": "DEU"},
        {"billing_first_name": ""},
        {"billing_last_name": " \n "},
        {"billing_email": "nobody"},
        {"billing_email": "@example.com"},
        {"billing_email": "a b@example.com"},
        {"currency": "GBP"},
        {"currency": None},
        {"products": ()},
        {"success_url": "javascript:alert(1)"},
        {"cancel_url": "https://shop.example/a b"},
        {"sandbox_simulate": "paid"},
        {"unknown": 1},
    ],
)
def test_what_nd8_would_refuse_is_refused_here(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        checkout_request(**changes)


def test_a_missing_postal_code_is_said_in_plain_words() -> None:
    with pytest.raises(ValidationError, match="billing_postal_code is needed for the country US"):
        checkout_request(billing_country="US")
    assert (
        written(checkout_request(billing_country="US", billing_postal_code="94107"))["billing_postal_code"] == "94107"
    )


def test_long_names_are_cut_and_blanks_in_them_collapse() -> None:
    request = checkout_request(billing_first_name="  Ada \n Maria ", billing_last_name="x" * 300)
    assert request.billing_first_name == "Ada Maria"
    assert request.billing_last_name == "x" * 100


@pytest.mark.parametrize(
    "item",
    [
        {"name": "Mug", "quantity": 0, "unit_price": 1},
        {"name": "Mug", "quantity": 1, "unit_price": 0},
        {"name": "Mug", "quantity": 1, "unit_price": -1.5},
        {"name": "Mug", "quantity": 1, "unit_price": float("nan")},
        {"name": "Mug", "quantity": 1, "unit_price": float("inf")},
        {"name": "Mug", "quantity": 1, "unit_price": "1.50"},
        {"name": "Mug", "quantity": 1, "unit_price": True},
        {"name": "Mug", "quantity": True, "unit_price": 1},
        {"name": "", "quantity": 1, "unit_price": 1},
        {"name": "Mug", "quantity": 1},
        {"id": "cat_1", "name": "Mug", "quantity": 1, "unit_price": 1},
        {"id": "cat_1", "quantity": 1, "unit_price": 1},
        {"id": "", "quantity": 1},
    ],
)
def test_an_item_is_either_ad_hoc_or_of_the_catalogue_and_costs_something(item: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        checkout_request(products=(item,))


@pytest.mark.parametrize("field", ["currency", "products"])
def test_values_are_frozen(field: str) -> None:
    with pytest.raises(ValidationError):
        setattr(checkout_request(), field, None)


def test_a_validation_error_shows_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        checkout_request(billing_email="ada-secret-address", billing_country="US")
    assert "ada-secret-address" not in str(caught.value)


def read(**changes: Any) -> Transaction:
    return Transaction.model_validate_json(json.dumps(TRANSACTION | changes))


def test_a_payment_is_read_with_its_attempts() -> None:
    attempt = {
        "status": "failed",
        "paymentId": "pi_1",
        "attemptedAt": "2024-05-01T10:00:00Z",
        "errorMessage": "Your card was declined.",
        "paymentMethod": "card",
        "brand": "visa",
    }
    payment = read(depositAttempts=[attempt], products=[{"id": "p", "name": "Mug"}], payer_email="a@example.com")
    (seen,) = payment.deposit_attempts
    assert (seen.status, seen.payment_id, seen.payment_method) == ("failed", "pi_1", "card")
    assert (seen.attempted_at, seen.error_message) == ("2024-05-01T10:00:00Z", "Your card was declined.")
    assert seen.model_extra == {"brand": "visa"}
    assert payment.products[0].name == "Mug"


def test_missing_and_null_optional_fields_are_no_trouble() -> None:
    assert read().deposit_attempts == ()
    payment = read(depositAttempts=None, products=None, payer_email=None, created_at=None)
    assert (payment.deposit_attempts, payment.products, payment.created_at) == ((), (), None)
    empty = read(depositAttempts=[{"errorMessage": None, "paymentId": 17, "status": {"odd": 1}}]).deposit_attempts[0]
    assert (empty.error_message, empty.payment_id, empty.status) == (None, "17", None)


def test_a_status_nobody_has_heard_of_is_kept_as_it_is() -> None:
    assert read(status="Partially_Charged!").status == "Partially_Charged!"


def test_fields_of_tomorrow_are_kept_but_not_shown() -> None:
    payment = read(payer_email="ada@example.com", payer_phone="+49 30 1234567")
    assert payment.model_extra == {"payer_phone": "+49 30 1234567"}
    assert "1234567" not in repr(payment)
    assert "ada@example.com" not in repr(payment)


@pytest.mark.parametrize("field", ["id", "amount", "status", "currency"])
@pytest.mark.parametrize("value", [None, "", 99, 99.0, True, [], {}])
def test_what_money_hangs_on_is_read_strictly(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        read(**{field: value})
    with pytest.raises(ValidationError):
        Transaction.model_validate({name: TRANSACTION[name] for name in TRANSACTION if name != field})


def test_a_checkout_shows_neither_its_token_nor_its_address() -> None:
    checkout = Checkout.model_validate_json(json.dumps(CHECKOUT))
    assert checkout.token.get_secret_value() == "page-token-secret"
    assert checkout.expires_at == 1_900_000_000
    assert "page-token-secret" not in repr(checkout) + str(checkout)
    assert "https://pay.example" not in repr(checkout)


@pytest.mark.parametrize(
    "changes",
    [
        {"checkout_id": 7},
        {"order_id": None},
        {"expires_at": "1900000000"},
        {"expires_at": 1.5},
        {"token": None},
        {"checkout_url": ""},
        {"expires_at": True},
    ],
)
def test_a_checkout_of_the_wrong_shape_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Checkout.model_validate_json(json.dumps(CHECKOUT | changes))
