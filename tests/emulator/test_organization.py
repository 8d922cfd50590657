"""The merchant's account: profile, dashboard, API keys and webhook endpoint."""

import hashlib
import hmac
from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.conftest import TOKEN
from tests.emulator.merchant import BODY, Merchant, Session
from tests.emulator.receiver import Receiver, eventually


def status_of(emulator: Emulator, key: str) -> int:
    """What the sandbox answers to this key."""
    url = f"{emulator.sandbox_api_url}/checkout/create/"
    return emulator.http.post(url, json=BODY, headers={"Api-Key": key}).status_code


def test_the_profile_tells_limits_fees_and_status(session: Session) -> None:
    assert session.answered("GET", "organization/") == {
        "id": "org_emulated",
        "name": "Emulated merchant",
        "website": "",
        "contact_email": "",
        "telegram": "",
        "price_mode": "TTC",
        "status": "active",
        "min_payment": "0.50",
        "max_payment": "10000.00",
        "fee_rate": "0.029",
        "fee_fixed": "0.30",
        "tax_rate": "0.20",
    }


def test_what_can_be_changed_is_changed_and_the_rest_is_passed_over(emulator: Emulator, session: Session) -> None:
    before = session.answered("GET", "organization/")
    changes = {
        "name": "Lamps & Co",
        "website": "https://lamps.example/",
        "contact_email": "hello@lamps.example",
        "telegram": "@lamps",
        "price_mode": "HT",
    }
    ignored = {"status": "closed", "max_payment": "1.00", "fee_rate": 0, "id": "org_other", "colour": "red"}
    assert session.answered("PATCH", "organization/", **changes, **ignored) == before | changes
    assert session.answered("GET", "organization/") == before | changes
    assert session.answered("PATCH", "organization/", website="", contact_email="", telegram="")["website"] == ""
    assert emulator.state()["organization"]["max_payment"] == "10000.00"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": 5},
        {"website": "lamps"},
        {"website": 0},
        {"contact_email": "nobody"},
        {"contact_email": None},
        {"telegram": 5},
        {"price_mode": "NET"},
    ],
)
def test_a_profile_cannot_be_changed_to_nonsense(session: Session, fields: dict[str, Any]) -> None:
    before = session.answered("GET", "organization/")
    answer = session.http.patch("organization/", json=fields)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert session.answered("GET", "organization/") == before


def test_the_dashboard_adds_up(emulator: Emulator, merchant: Merchant, session: Session) -> None:
    empty = session.answered("GET", "organization/dashboard/")
    assert empty["wallet"] == {"balance": "10000.00", "currency": "USD"}
    assert set(empty["stats"].values()) == {0, "0.00"}
    payments = [merchant.paid() for _ in range(6)]
    merchant.end(merchant.checkout(), "failed")
    merchant.refund(payments[0], amount="10.00")
    session.link()
    seen = session.answered("GET", "organization/dashboard/")
    assert seen["wallet"]["balance"] == emulator.state()["wallet_balance"] == "10570.80"
    assert seen["stats"] == {"payments": 7, "paid": 6, "net_usd": "580.80", "refunds": 1, "payment_links": 1}
    assert [one["id"] for one in seen["recent_payments"][1:]] == payments[:1:-1]
    production = emulator.http.get(f"{emulator.api_url}/organization/dashboard/", headers=TOKEN).json()
    assert production["stats"]["payments"] == 0


def test_a_new_key_is_shown_once_and_opens_its_prefix(emulator: Emulator, session: Session) -> None:
    made = session.answered("POST", "organization/api-keys/", 201, name="Till", allowed_scopes="checkout:create")
    raw_key = made["raw_key"]
    assert (made["name"], made["allowed_scopes"]) == ("Till", "checkout:create")
    assert status_of(emulator, raw_key) == 201
    listed = session.http.get("organization/api-keys/")
    assert [one["name"] for one in listed.json()] == ["Till", "Key of the command line"]
    assert raw_key not in listed.text
    assert "raw_key" not in listed.text
    assert "nd8_test_key" not in listed.text
    for path in ("refunds/", f"{emulator.api_url}/refunds/"):
        answer = session.public.get(path, headers={"Api-Key": raw_key})
        assert answer.status_code == (401 if path.startswith("http") else 403)


def test_a_key_without_a_body_may_do_everything(emulator: Emulator, session: Session) -> None:
    made = session.answered("POST", "organization/api-keys/", 201)
    assert (made["name"], made["allowed_scopes"]) == ("API key", "")
    assert status_of(emulator, made["raw_key"]) == 201


@pytest.mark.parametrize(
    "words", ["refunds:read,payments:read", "refunds:read payments:read", " refunds:read, payments:read "]
)
def test_scopes_are_parted_by_commas_or_blanks(session: Session, words: str) -> None:
    made = session.answered("POST", "organization/api-keys/", 201, allowed_scopes=words)
    assert made["allowed_scopes"] == "payments:read,refunds:read"


@pytest.mark.parametrize("fields", [{"allowed_scopes": 5}, {"allowed_scopes": ["refunds:read"]}, {"name": 5}])
def test_keys_that_make_no_sense(session: Session, fields: dict[str, Any]) -> None:
    answer = session.http.post("organization/api-keys/", json=fields)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert len(session.answered("GET", "organization/api-keys/")) == 1


def test_a_scope_that_nobody_knows_opens_nothing(emulator: Emulator, session: Session) -> None:
    made = session.answered("POST", "organization/api-keys/", 201, allowed_scopes="everything")
    assert made["allowed_scopes"] == "everything"
    assert status_of(emulator, made["raw_key"]) == 403


def test_a_rotated_key_dies_at_once(emulator: Emulator, session: Session) -> None:
    (before,) = session.answered("GET", "organization/api-keys/")
    rotated = session.answered("POST", "organization/api-keys/rotate/")
    assert (status_of(emulator, "nd8_test_key"), status_of(emulator, rotated["raw_key"])) == (401, 201)
    (after,) = session.answered("GET", "organization/api-keys/")
    assert (after["id"], after["name"]) == (before["id"], before["name"])


def test_the_newest_key_is_rotated_and_keeps_its_scopes(emulator: Emulator, session: Session) -> None:
    made = session.answered("POST", "organization/api-keys/", 201, allowed_scopes="checkout:create")
    rotated = session.answered("POST", "organization/api-keys/rotate/")
    assert rotated["allowed_scopes"] == "checkout:create"
    opened = [status_of(emulator, key) for key in ("nd8_test_key", made["raw_key"], rotated["raw_key"])]
    assert opened == [201, 401, 201]


def test_a_revoked_key_dies_at_once(emulator: Emulator, session: Session) -> None:
    made = session.answered("POST", "organization/api-keys/", 201)
    path = f"organization/api-keys/{made['id']}/revoke/"
    assert session.answered("POST", path)["id"] == made["id"]
    assert status_of(emulator, made["raw_key"]) == 401
    assert status_of(emulator, "nd8_test_key") == 201
    assert session.http.post(path).status_code == 404


def test_without_a_key_there_is_nothing_to_rotate(emulator: Emulator, session: Session) -> None:
    emulator.control("keys", key="nd8_test_key", revoked=True)
    answer = session.http.post("organization/api-keys/rotate/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no API key to rotate."})


def test_webhooks_go_to_the_new_endpoint_signed_with_the_new_secret(
    emulator: Emulator, session: Session, shop: Receiver
) -> None:
    emulator.control("organization", webhook_url="http://127.0.0.1:9/old/")
    before = session.answered("GET", "organization/webhook/")
    assert before == {"endpoint_url": "http://127.0.0.1:9/old/", "secret_preview": "…test"}
    changed = session.answered("PUT", "organization/webhook/", endpoint_url=shop.url)
    secret = changed.pop("secret")
    assert changed == {"endpoint_url": shop.url, "secret_preview": f"…{secret[-4:]}"}
    assert session.answered("GET", "organization/webhook/") == changed
    emulator.control("webhook_test")
    assert eventually(lambda: shop.headers)
    expected = hmac.new(secret.encode(), shop.bodies[0], hashlib.sha256).hexdigest()
    assert shop.headers[0]["X-Webhook-Signature"] == f"sha256={expected}"


def test_every_change_of_the_endpoint_makes_another_secret(session: Session) -> None:
    secrets = {
        session.answered("PUT", "organization/webhook/", endpoint_url="http://shop.example/")["secret"]
        for _ in range(2)
    }
    assert len(secrets) == 2


@pytest.mark.parametrize("fields", [{}, {"endpoint_url": ""}, {"endpoint_url": "shop"}, {"endpoint_url": None}])
def test_an_endpoint_must_be_an_address(session: Session, fields: dict[str, Any]) -> None:
    before = session.answered("GET", "organization/webhook/")
    assert session.answered("PUT", "organization/webhook/") == before
    answer = session.http.put("organization/webhook/", json=fields)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert session.answered("GET", "organization/webhook/") == before
