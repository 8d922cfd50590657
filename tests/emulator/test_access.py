"""Who may call what."""

import httpx
import pytest

from oscar_nd8.emulator import Emulator, running
from oscar_nd8.emulator.operations import OPERATIONS, Operation
from tests.emulator.merchant import BODY, Merchant


@pytest.mark.parametrize("prefix", ["api", "sandbox/api"])
@pytest.mark.parametrize("headers", [{"Authorization": "Api-Key nd8_test_key"}, {"Api-Key": "nd8_test_key"}])
def test_both_forms_of_the_key_open_both_prefixes(emulator: Emulator, prefix: str, headers: dict[str, str]) -> None:
    answer = emulator.http.post(f"{emulator.url}{prefix}/checkout/create/", json=BODY, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Api-Key wrong"},
        {"Authorization": "Api-Key"},
        {"Api-Key": "wrong"},
        {"Authorization": "Token nd8_test_token"},
        {"Authorization": "nd8_test_key"},
    ],
)
def test_without_a_valid_key_nothing_is_done(emulator: Emulator, headers: dict[str, str]) -> None:
    answer = emulator.http.post(f"{emulator.api_url}/checkout/create/", json=BODY, headers=headers)
    assert answer.status_code == 401
    assert list(answer.json()) == ["detail"]
    assert emulator.state()["checkouts"] == []


def call_all(emulator: Emulator, key: str) -> dict[str, int]:
    """The status that each operation answers to a key, for ids that nothing has."""
    api, headers = emulator.api_url, {"Api-Key": key}
    http = emulator.http
    refund = f"{api}/transactions/TX0/refund/"
    return {
        "createPayment": http.post(f"{api}/checkout/create/", json=BODY, headers=headers).status_code,
        "getPaymentById": http.get(f"{api}/transactions/TX0/", headers=headers).status_code,
        "createRefundForPayment": http.post(refund, json={"reason": "x"}, headers=headers).status_code,
        "listRefunds": http.get(f"{api}/refunds/", headers=headers).status_code,
        "getRefundById": http.get(f"{api}/refunds/RF0/", headers=headers).status_code,
    }


CLOSED = {
    "createPayment": 403,
    "getPaymentById": 403,
    "createRefundForPayment": 403,
    "listRefunds": 403,
    "getRefundById": 403,
}


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        ("checkout:create", {"createPayment": 201}),
        ("payments:read", {"getPaymentById": 404, "listRefunds": 200, "getRefundById": 404}),
        ("refunds:read", {"listRefunds": 200, "getRefundById": 404}),
        ("refunds:write", {"createRefundForPayment": 404}),
        ("payments:write", {"createRefundForPayment": 404}),
    ],
)
def test_a_scope_opens_its_operations_and_no_other(emulator: Emulator, scope: str, opened: dict[str, int]) -> None:
    emulator.control("keys", key="narrow", scopes=[scope])
    assert call_all(emulator, "narrow") == CLOSED | opened


def test_no_scopes_are_all_scopes(emulator: Emulator) -> None:
    emulator.control("keys", key="wide", scopes=[])
    assert 403 not in call_all(emulator, "wide").values()


def test_a_missing_scope_is_named(emulator: Emulator) -> None:
    emulator.control("keys", key="narrow", scopes=["refunds:read"])
    answer = emulator.http.post(f"{emulator.api_url}/checkout/create/", json=BODY, headers={"Api-Key": "narrow"})
    assert answer.json() == {"detail": "This API key lacks the scope checkout:create."}


@pytest.mark.parametrize(("environment", "statuses"), [("sandbox", (401, 201)), ("production", (201, 401))])
def test_a_key_belongs_to_its_environment(emulator: Emulator, environment: str, statuses: tuple[int, int]) -> None:
    emulator.control("keys", key="one", environment=environment)
    seen = [
        emulator.http.post(f"{url}/checkout/create/", json=BODY, headers={"Api-Key": "one"}).status_code
        for url in (emulator.api_url, emulator.sandbox_api_url)
    ]
    assert tuple(seen) == statuses


def knock(emulator: Emulator, operation: Operation, headers: dict[str, str]) -> httpx.Response:
    """Call an operation for an id that nothing has."""
    url = emulator.sandbox_api_url + operation.path.replace("<target>", "none")
    return emulator.http.request(operation.method, url, headers=headers, json={})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_key_and_a_token_open_different_doors(emulator: Emulator, operation: Operation) -> None:
    by_key = knock(emulator, operation, {"Authorization": "Api-Key nd8_test_key"}).status_code
    by_token = knock(emulator, operation, {"Authorization": "Token nd8_test_token"}).status_code
    wants_token = operation.path.startswith(("/organization/", "/payment-links/"))
    if "/public/" in operation.path:
        assert (by_key, by_token) == (404, 404)
    else:
        assert (by_key == 401, by_token == 401) == (wants_token, not wants_token)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("credentials", [None, "Token wrong", "Token", "Api-Key wrong", "Bearer nd8_test_token"])
def test_strangers_are_told_what_is_wanted(emulator: Emulator, operation: Operation, credentials: str | None) -> None:
    answer = knock(emulator, operation, {"Authorization": credentials} if credentials else {})
    wanted = "Token" if operation.path.startswith(("/organization/", "/payment-links/")) else "Api-Key"
    if "/public/" in operation.path:
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, wanted)
        assert list(answer.json()) == ["detail"]


def test_another_token_can_be_the_merchants() -> None:
    with running(merchant_token="mine") as emulator:
        statuses = [
            emulator.http.get(
                f"{emulator.api_url}/organization/", headers={"Authorization": f"Token {one}"}
            ).status_code
            for one in ("mine", "nd8_test_token")
        ]
    assert statuses == [200, 401]


def test_a_revoked_key_is_refused_until_the_reset(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("keys", key="nd8_test_key", revoked=True)
    assert merchant.ask().status_code == 401
    emulator.control("reset")
    assert merchant.ask().status_code == 201


def test_sandbox_payments_are_unknown_to_production(emulator: Emulator, merchant: Merchant) -> None:
    payment = merchant.paid()
    refund = "RF" + merchant.refund(payment).json()["refund_public_id"]
    http, api = merchant.http, emulator.api_url
    assert http.get(f"{api}/transactions/{payment}/").status_code == 404
    assert http.post(f"{api}/transactions/{payment}/refund/", json={"reason": "x"}).status_code == 404
    assert http.get(f"{api}/refunds/{refund}/").status_code == 404
    assert http.get(f"{api}/refunds/").json() == []


def test_refunds_cannot_be_posted_to_the_list(merchant: Merchant) -> None:
    answer = merchant.http.post("refunds/", json={})
    assert answer.status_code == 405
    assert list(answer.json()) == ["detail"]
