"""The control calls as such, and the page from which a person makes them."""

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


def test_the_overview_offers_every_outcome(emulator: Emulator, merchant: Merchant) -> None:
    empty = emulator.http.get("/")
    assert empty.status_code == 200
    assert empty.text.count("None yet.") == 3
    checkout = merchant.checkout(billing_email="x@example.com")
    refund = merchant.refund(merchant.end(checkout, "declined_then_paid")).json()["refund_public_id"]
    page = emulator.http.get("/").text
    for part in (checkout["checkout_id"], f"RF{refund}", "Your card was declined.", "x@example.com"):
        assert part in page
    assert "<script" not in page
    assert "None yet." not in page


def test_the_overviews_forms_are_control_calls(emulator: Emulator, merchant: Merchant) -> None:
    checkout = merchant.checkout()

    def press(path: str, **data: str) -> None:
        answer = emulator.http.post(path, data=data)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")

    press(f"_emulator/checkouts/{checkout['checkout_id']}/outcome", outcome="paid", new_transaction="true")
    (transaction,) = emulator.state()["transactions"]
    refund = merchant.refund(transaction["id"]).json()["refund_public_id"]
    press(f"_emulator/refunds/RF{refund}/outcome", status="completed")
    assert emulator.state()["refunds"][0]["status"] == "completed"
    press("_emulator/faults", operation="listRefunds", kind="429")
    assert merchant.http.get("refunds/").status_code == 429


def test_a_button_without_fields_is_a_form_too(emulator: Emulator, merchant: Merchant) -> None:
    merchant.checkout()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = emulator.http.post("_emulator/reset", headers=form)
    assert answer.status_code == 303
    assert emulator.state()["checkouts"] == []


def test_a_stranger_on_the_web_page_is_refused_in_html(emulator: Emulator) -> None:
    answer = emulator.http.get("nothing")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Not Found" in answer.text


def test_a_forgotten_slash_leads_to_the_page(emulator: Emulator, merchant: Merchant) -> None:
    url = merchant.checkout()["checkout_url"]
    answer = emulator.http.get(url.rstrip("/"))
    assert (answer.status_code, answer.headers["Location"]) == (308, url)
