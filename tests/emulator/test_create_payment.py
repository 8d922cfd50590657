"""createPayment: what it takes, what it refuses, and what it answers."""

import time
from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import Merchant, body

LAMP = {"name": "Lamp", "unit_price": 49.5, "quantity": 2}


def test_a_session_is_answered_and_kept(emulator: Emulator, merchant: Merchant) -> None:
    answer = merchant.ask()
    assert answer.status_code == 201
    session = answer.json()
    assert set(session) == {"checkout_id", "order_id", "checkout_url", "token", "expires_at"}
    assert session["checkout_id"] == session["order_id"]
    assert session["checkout_url"] == f"{emulator.url}pay/{session['token']}/"
    assert len(session["token"]) > 200
    assert session["expires_at"] == pytest.approx(time.time() + 30 * 60, abs=5)
    (kept,) = emulator.state()["checkouts"]
    assert kept["request"] == body()
    assert (kept["total"], kept["currency"], kept["environment"]) == ("100.00", "USD", "sandbox")
    assert kept["transactions"] == []


def test_the_lifetime_of_sessions_can_be_changed(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", session_lifetime=60)
    assert merchant.checkout()["expires_at"] == pytest.approx(time.time() + 60, abs=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "EUR"},
        {"currency": None},
        {"billing_country": "US", "billing_postal_code": "10001"},
        {"billing_first_name": "ß" * 100, "billing_phone": ""},
        {"products": [{"id": "prod_mug"}, LAMP]},
        {"products": [{"name": "Lamp", "unit_price": 1}]},
        {"successUrl": None, "failedUrl": None, "cancelUrl": None},
        {"successUrl": "https://shop.example:8443/a/b?c=%20d#e"},
        {"successUrl": "http://[::1]:8000/"},
        {"sandbox_simulate": "checkout_pending"},
        {"metadata": {"ignored": True}},
    ],
)
def test_what_is_accepted(merchant: Merchant, changes: dict[str, Any]) -> None:
    assert merchant.ask(**changes).status_code == 201


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"billing_country": None}, "billing_country is required."),
        ({"billing_country": "DEU"}, "billing_country must be a country code of two letters."),
        ({"billing_country": "D1"}, "billing_country must be a country code of two letters."),
        ({"billing_country": "US"}, "billing_postal_code is required when billing_country is US."),
        (
            {"billing_country": "US", "billing_postal_code": " "},
            "billing_postal_code is required when billing_country is US.",
        ),
        ({"billing_first_name": None}, "billing_first_name is required."),
        ({"billing_first_name": " "}, "billing_first_name may not be blank."),
        ({"billing_first_name": "x" * 101}, "billing_first_name may have at most 100 characters."),
        ({"billing_last_name": None}, "billing_last_name is required."),
        ({"billing_last_name": "x" * 101}, "billing_last_name may have at most 100 characters."),
        ({"billing_last_name": 7}, "billing_last_name must be a string."),
        ({"billing_last_name": "a\0b"}, "billing_last_name has characters that are not allowed."),
        ({"billing_email": None}, "billing_email is required."),
        ({"billing_email": "ada@localhost"}, "billing_email must be an e-mail address."),
        ({"billing_phone": 49}, "billing_phone must be a string."),
        ({"currency": "GBP"}, "currency must be one of EUR, USD."),
        ({"products": None}, "products is required and may not be empty."),
        ({"products": []}, "products is required and may not be empty."),
        ({"products": "Lamp"}, "products must be a list."),
        ({"successUrl": "/relative"}, "successUrl must be an http or https URL."),
        ({"failedUrl": "javascript:alert(1)"}, "failedUrl must be an http or https URL."),
        ({"cancelUrl": "http://shop.example:99999/"}, "cancelUrl must be an http or https URL."),
        ({"cancelUrl": ""}, "cancelUrl must be an http or https URL."),
    ],
)
def test_what_is_refused(emulator: Emulator, merchant: Merchant, changes: dict[str, Any], detail: str) -> None:
    answer = merchant.ask(**changes)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert emulator.state()["checkouts"] == []


@pytest.mark.parametrize(
    ("item", "detail"),
    [
        ("Lamp", "must be an object."),
        ({}, "give exactly one of id, or name and unit_price."),
        ({**LAMP, "id": "prod_mug"}, "give exactly one of id, or name and unit_price."),
        ({"id": "prod_none"}, "no product of the catalogue has this id."),
        ({"name": "Lamp"}, "unit_price must be a number."),
        ({"unit_price": 1}, "name is required."),
        ({**LAMP, "name": " "}, "name may not be blank."),
        ({**LAMP, "unit_price": "49.50"}, "unit_price must be a number."),
        ({**LAMP, "unit_price": True}, "unit_price must be a number."),
        ({**LAMP, "unit_price": 0}, "unit_price must be greater than 0."),
        ({**LAMP, "unit_price": -1}, "unit_price must be greater than 0."),
        ({**LAMP, "unit_price": 9.999}, "unit_price may have at most 2 decimal places."),
        ({**LAMP, "unit_price": 1e300}, "unit_price is too high."),
        ({**LAMP, "quantity": 0}, "quantity must be 1 or more."),
        ({**LAMP, "quantity": 1.5}, "quantity must be an integer."),
        ({**LAMP, "quantity": "2"}, "quantity must be an integer."),
        ({**LAMP, "quantity": True}, "quantity must be an integer."),
    ],
)
def test_which_items_are_refused(merchant: Merchant, item: Any, detail: str) -> None:
    answer = merchant.ask(products=[LAMP, item])
    assert (answer.status_code, answer.json()) == (400, {"detail": f"Product 2: {detail}"})


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b'{"a": 1e99999999999999999999}', b"[" * 100_000]
)
def test_what_is_not_a_json_object_is_refused(merchant: Merchant, raw: bytes) -> None:
    answer = merchant.http.post("checkout/create/", content=raw)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]


def test_amounts_are_the_digits_that_were_sent(emulator: Emulator, merchant: Merchant) -> None:
    merchant.checkout(products=[{"name": "Dime", "unit_price": 0.1, "quantity": 3}, {"name": "x", "unit_price": 0.7}])
    assert emulator.state()["checkouts"][0]["total"] == "1.00"


def test_limits_are_inclusive(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", min_payment="2.00", max_payment=3)
    statuses = {
        price: merchant.ask(products=[{"name": "x", "unit_price": price}]).status_code
        for price in (1.99, 2.00, 3.00, 3.01)
    }
    assert statuses == {1.99: 400, 2.00: 201, 3.00: 201, 3.01: 400}


def test_limits_say_what_they_are(merchant: Merchant) -> None:
    low = merchant.ask(products=[{"name": "x", "unit_price": 0.49}], currency="EUR")
    high = merchant.ask(products=[{"name": "x", "unit_price": 10000.01}])
    assert low.json() == {"detail": "The payment must be at least 0.50 EUR."}
    assert high.json() == {"detail": "The payment must be at most 10000.00 USD."}


def test_catalogue_items_cost_what_the_catalogue_says(emulator: Emulator, merchant: Merchant) -> None:
    merchant.checkout(products=[{"id": "prod_mug", "quantity": 2}])
    assert emulator.state()["checkouts"][0]["total"] == "25.00"


def test_ad_hoc_items_can_be_forbidden(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", ad_hoc_products=False)
    assert merchant.ask().status_code == 400
    assert merchant.ask(products=[{"id": "prod_mug"}]).status_code == 201


def test_tax_is_added_under_ht_only(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", price_mode="HT", tax_rate="0.19")
    merchant.checkout(products=[{"name": "x", "unit_price": 9.99}])
    emulator.control("organization", price_mode="TTC")
    merchant.checkout(products=[{"name": "x", "unit_price": 9.99}])
    ht, ttc = emulator.state()["checkouts"]
    assert (ht["tax"], ht["total"]) == ("1.90", "11.89")
    assert (ttc["tax"], ttc["total"]) == ("0.00", "9.99")


def test_simulation_is_for_sandbox_keys(emulator: Emulator, merchant: Merchant) -> None:
    answer = merchant.http.post(f"{emulator.api_url}/checkout/create/", json=body(sandbox_simulate="canceled"))
    assert answer.status_code == 400
    assert answer.json() == {"detail": "sandbox_simulate is accepted from sandbox API keys only."}


def test_simulation_knows_its_words(merchant: Merchant) -> None:
    assert merchant.ask(sandbox_simulate="paid").status_code == 400
