"""The control calls as such."""

from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import BODY, Merchant


def test_a_reset_forgets_everything(emulator: Emulator, merchant: Merchant) -> None:
    fresh = emulator.state()
    emulator.control("organization", name="Other", min_payment=5, price_mode="HT", webhook_url="")
    emulator.control("deliveries", copies=4, drop=True)
    emulator.control("faults", operation="getRefundById", kind="500")
    merchant.refund(merchant.paid())
    assert emulator.state() != fresh
    emulator.control("reset")
    assert emulator.state() == fresh


def test_calls_are_counted_whatever_came_of_them(emulator: Emulator, merchant: Merchant) -> None:
    merchant.ask()
    merchant.ask(products=[])
    merchant.http.get("transactions/TXnone/")
    merchant.http.get("refunds/", headers={"Authorization": "Api-Key wrong"})
    merchant.http.post(f"{emulator.api_url}/checkout/create/", json=BODY)
    calls = [(one["operation"], one["status"], one["environment"]) for one in emulator.state()["calls"]]
    assert calls == [
        ("createPayment", 201, "sandbox"),
        ("createPayment", 400, "sandbox"),
        ("getPaymentById", 404, "sandbox"),
        ("listRefunds", 401, "sandbox"),
        ("createPayment", 201, "production"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"nme": "x"},
        {"name": ""},
        {"price_mode": "GROSS"},
        {"min_payment": "a lot"},
        {"max_payment": -1},
        {"session_lifetime": 0},
        {"session_lifetime": "60"},
        {"ad_hoc_products": "no"},
        {"webhook_url": "ftp://shop.example/"},
        {"webhook_url": 5},
        {"website": "lamps"},
        {"contact_email": "nobody"},
        {"telegram": 5},
    ],
)
def test_an_account_cannot_be_changed_to_nonsense(
    emulator: Emulator, merchant: Merchant, fields: dict[str, Any]
) -> None:
    before = emulator.state()["organization"]
    answer = merchant.refuse("organization", **fields)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert emulator.state()["organization"] == before


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"key": ""},
        {"key": "k", "scopes": ["everything"]},
        {"key": "k", "scopes": "refunds:read"},
        {"key": "k", "scopes": [["refunds:read"]]},
        {"key": "k", "environment": "staging"},
    ],
)
def test_keys_that_make_no_sense(merchant: Merchant, fields: dict[str, Any]) -> None:
    assert merchant.refuse("keys", **fields).status_code == 400


def test_what_may_be_empty_can_be_emptied(emulator: Emulator) -> None:
    filled = {
        "webhook_url": "http://shop.example/",
        "website": "http://lamps.example/",
        "contact_email": "hello@lamps.example",
        "telegram": "@lamps",
    }
    emulator.control("organization", **filled)
    assert emulator.state()["organization"].items() >= filled.items()
    emulator.control("organization", **dict.fromkeys(filled, ""))
    assert emulator.state()["organization"].items() >= dict.fromkeys(filled, "").items()


def test_bad_bodies_and_paths_are_refused_in_json(emulator: Emulator) -> None:
    for answer in (
        emulator.http.post("_emulator/faults", content=b"{"),
        emulator.http.post("_emulator/reset", json={"really": True}),
    ):
        assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert emulator.http.post("_emulator/nothing").status_code == 404
    assert emulator.http.get("_emulator/reset").status_code == 405
    assert list(emulator.http.get("_emulator/nothing").json()) == ["detail"]


def test_json_counts_as_json_even_when_it_is_labelled_a_form(emulator: Emulator) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    raw = b'{"operation": "listRefunds", "kind": "500"}'
    assert emulator.http.post("_emulator/faults", content=raw, headers=form).json() == {"faults": 1}


def test_a_stranger_on_the_web_page_is_refused_in_html(emulator: Emulator) -> None:
    answer = emulator.http.get("nothing")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Not Found" in answer.text


def test_a_forgotten_slash_leads_to_the_page(emulator: Emulator, merchant: Merchant) -> None:
    url = merchant.checkout()["checkout_url"]
    answer = emulator.http.get(url.rstrip("/"))
    assert (answer.status_code, answer.headers["Location"]) == (308, url)
