"""The merchant's account through the client: profile, keys and webhook, and no secret that is shown by accident."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from oscar_nd8.client import (
    ApiKeyRequest,
    ND8Client,
    NewApiKey,
    Organization,
    OrganizationPatch,
    Webhook,
    WebhookRequest,
)
from oscar_nd8.emulator import Emulator
from oscar_nd8.exceptions import CredentialsRejected, NotFound, OutcomeUnknown, ScopeMissing
from tests.plain.conftest import KEY, TOKEN
from tests.plain.loopback import checkout_request


@pytest.fixture
def nd8(emulator: Emulator) -> Iterator[ND8Client]:
    """A merchant's client, without an API key."""
    emulator.control("reset")
    with ND8Client(base_url=emulator.sandbox_api_url, merchant_token=TOKEN, read_timeout=1, read_budget=2) as client:
        yield client


def client(handler: Any) -> ND8Client:
    return ND8Client(base_url="https://nd8.example/api", merchant_token="t", transport=httpx.MockTransport(handler))


def works(emulator: Emulator, key: str) -> bool:
    with ND8Client(base_url=emulator.sandbox_api_url, api_key=key) as server:
        try:
            server.create_checkout(checkout_request())
        except CredentialsRejected:
            return False
        return True


def test_the_profile_is_read_and_changed(nd8: ND8Client) -> None:
    before = nd8.get_organization()
    assert (before.price_mode, before.status, before.min_payment) == ("TTC", "active", "0.50")
    assert (before.model_extra or {})["fee_rate"] == "0.029"
    changed = nd8.update_organization(OrganizationPatch(website="https://lamps.example/", price_mode="HT"))
    assert (changed.website, changed.price_mode, changed.name) == ("https://lamps.example/", "HT", before.name)
    assert nd8.update_organization(OrganizationPatch(website="")).website == ""
    assert nd8.get_organization().price_mode == "HT"


def test_the_dashboard_keeps_whatever_nd8_says(nd8: ND8Client) -> None:
    content = nd8.get_organization_dashboard().model_extra or {}
    assert content["wallet"] == {"balance": "10000.00", "currency": "USD"}


def test_a_key_is_made_seen_rotated_and_revoked(emulator: Emulator, nd8: ND8Client) -> None:
    made = nd8.create_api_key(ApiKeyRequest(name="Shop", allowed_scopes="checkout:create"))
    raw = made.raw_key.get_secret_value()
    assert works(emulator, raw)
    listed = nd8.list_api_keys().results
    assert listed[0].name == "Shop"
    assert all("raw_key" not in (key.model_extra or {}) for key in listed)
    rotated = nd8.rotate_api_key()
    assert (rotated.id, works(emulator, raw), works(emulator, rotated.raw_key.get_secret_value())) == (
        made.id,
        False,
        True,
    )
    nd8.revoke_api_key(str(rotated.id))
    assert not works(emulator, rotated.raw_key.get_secret_value())
    with pytest.raises(NotFound):
        nd8.revoke_api_key(str(rotated.id))


def test_a_key_may_do_what_it_was_made_for_and_no_more(emulator: Emulator, nd8: ND8Client) -> None:
    made = nd8.create_api_key(ApiKeyRequest(name="Shop", allowed_scopes="checkout:create"))
    with ND8Client(base_url=emulator.sandbox_api_url, api_key=made.raw_key) as shop:
        assert shop.create_checkout(checkout_request()).checkout_id
        with pytest.raises(ScopeMissing):
            shop.get_transaction("TX1")


def test_a_webhook_is_set_and_its_secret_told_once(emulator: Emulator, nd8: ND8Client) -> None:
    told = nd8.set_webhook(WebhookRequest(endpoint_url="https://shop.example/nd8/webhook/"))
    assert told.secret
    assert told.secret.get_secret_value()
    seen = nd8.get_webhook()
    assert (seen.endpoint_url, seen.secret) == ("https://shop.example/nd8/webhook/", None)
    emulator.control("faults", operation="putOrganizationWebhook", kind="timeout_after", times=1)
    with pytest.raises(OutcomeUnknown):
        nd8.set_webhook(WebhookRequest(endpoint_url="https://shop.example/other/"))
    assert nd8.get_webhook().endpoint_url == "https://shop.example/other/"


def test_a_key_does_not_open_what_a_token_opens(emulator: Emulator) -> None:
    with ND8Client(base_url=emulator.sandbox_api_url, api_key=KEY) as keyed:
        with pytest.raises(CredentialsRejected, match="MERCHANT_TOKEN"):
            keyed.get_organization()
        with pytest.raises(CredentialsRejected, match="MERCHANT_TOKEN"):
            keyed.list_payment_links()
    merchant = ND8Client(base_url=emulator.sandbox_api_url, merchant_token=TOKEN)
    with merchant, pytest.raises(CredentialsRejected, match="API_KEY"):
        merchant.create_checkout(checkout_request())


@pytest.mark.parametrize("name", ["secret", "webhook_secret", "signing_secret", "raw_secret"])
def test_a_secret_of_any_name_is_one(name: str) -> None:
    webhook = Webhook.model_validate_json(json.dumps({"endpoint_url": "https://x/", name: "whsec_private"}))
    assert webhook.secret
    assert webhook.secret.get_secret_value() == "whsec_private"
    assert "whsec_private" not in repr(webhook) + webhook.model_dump_json()


def test_a_raw_key_is_not_shown_and_has_to_be_there() -> None:
    made = NewApiKey.model_validate_json(json.dumps({"id": 7, "raw_key": "sk_private"}))
    assert (made.id, made.raw_key.get_secret_value()) == ("7", "sk_private")
    assert "sk_private" not in repr(made) + made.model_dump_json()
    for content in ({}, {"raw_key": ""}, {"raw_key": None}, {"raw_key": 5}):
        nd8 = client(lambda request, content=content: httpx.Response(201, json=content))
        with pytest.raises(OutcomeUnknown):
            nd8.create_api_key(ApiKeyRequest(name="Shop"))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ([], []),
        ([{"name": "a"}, {"name": "b"}], ["a", "b"]),
        ({"results": [{"name": "a"}], "next": None}, ["a"]),
        ({"id": 1, "name": "only"}, ["only"]),
    ],
)
def test_keys_come_alone_in_an_array_or_in_an_envelope(content: Any, names: list[str]) -> None:
    nd8 = client(lambda request: httpx.Response(200, json=content))
    assert [key.name for key in nd8.list_api_keys().results] == names


def test_odd_and_new_fields_of_a_profile_are_no_trouble() -> None:
    odd = Organization.model_validate_json(
        '{"name": null, "min_payment": 0.5, "price_mode": "NET", "limits": {"a": 1}}'
    )
    assert (odd.name, odd.min_payment, odd.price_mode) == (None, "0.5", "NET")
    assert odd.model_extra == {"limits": {"a": 1}}


def test_only_what_is_given_is_changed() -> None:
    assert json.loads(OrganizationPatch(telegram="").to_json()) == {"telegram": ""}


@pytest.mark.parametrize(
    "fields", [{}, {"name": ""}, {"name": None}, {"contact_email": None}, {"price_mode": "NET"}, {"status": "closed"}]
)
def test_a_change_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OrganizationPatch(**fields)


@pytest.mark.parametrize("url", ["", "shop.example/webhook", "javascript:alert(1)", "https://shop.example/a b"])
def test_a_webhook_needs_an_address(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookRequest(endpoint_url=url)


@pytest.mark.parametrize(
    ("status", "body", "done"),
    [(204, b"", True), (200, b"", True), (200, b'{"id": 1}', True), (200, b"<html>Log in</html>", False)],
)
def test_a_web_page_is_not_the_end_of_a_key(status: int, body: bytes, *, done: bool) -> None:
    nd8 = client(lambda request: httpx.Response(status, content=body))
    if done:
        nd8.revoke_api_key("7")
    else:
        with pytest.raises(OutcomeUnknown):
            nd8.revoke_api_key("7")
