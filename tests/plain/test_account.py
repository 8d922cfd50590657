"""Asking about an account: what ND8 may answer instead of what it documents, and that nothing is guessed from it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from oscar_nd8.client import ND8Client
from oscar_nd8.gateway import Access, AccountReport, Right
from oscar_nd8.nd8.account import ask_account, other_environment

pytestmark = pytest.mark.usefixtures("repeated_at_once")

KEY = "sk_test_1234567890"
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
NO_DETAIL: dict[str, Any] = {"detail": "Not found."}


def asked(
    elsewhere: Callable[[], tuple[str, ND8Client] | None] = lambda: None, **answers: tuple[int, Any]
) -> AccountReport:
    """What is made of ND8's answers, by the last word of their path; a good account unless told otherwise."""
    good = {
        "refunds": (200, []),
        "transaction": (404, NO_DETAIL),
        "organization": (200, {"price_mode": "TTC", "min_payment": "0.50", "max_payment": "100.00"}),
        "webhook": (200, {"endpoint_url": "https://shop.example/nd8/webhook/"}),
        "keys": (200, [{"id": "1", "prefix": "sk_test_12", "allowed_scopes": ""}]),
    }
    said = {**good, **answers}

    def handler(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rstrip("/").rpartition("/")[2]
        name = "keys" if last == "api-keys" else last if last in said else "transaction"
        status, content = said[name]
        return httpx.Response(status, json=content, headers={"Date": "Sat, 14 Mar 2026 12:00:30 GMT"})

    with ND8Client(
        base_url="https://nd8.example/api/",
        api_key=KEY,
        merchant_token="token",
        transport=httpx.MockTransport(handler),
    ) as client:
        return ask_account(client, api_key=SecretStr(KEY), has_session=True, elsewhere=elsewhere, clock=lambda: NOON)


def access(report: AccountReport) -> dict[Right, Access]:
    """Which rights the key has."""
    return {right: permission.access for right, permission in report.permissions.items()}


def test_a_good_account() -> None:
    report = asked()
    assert set(access(report).values()) == {Access.GRANTED}
    assert (report.key, report.session, report.trouble) == (Access.GRANTED, Access.GRANTED, "")
    assert (report.price_mode, report.lowest, report.highest) == ("TTC", Decimal("0.50"), Decimal("100.00"))
    assert report.ahead == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("scopes", "may_refund"),
    [
        ("", Access.GRANTED),
        (None, Access.GRANTED),
        ("checkout:create payments:read", Access.REFUSED),
        ("checkout:create,refunds:write", Access.GRANTED),
        (["checkout:create", "payments:write"], Access.GRANTED),
        (["checkout:create"], Access.REFUSED),
        ({"checkout:create": True}, Access.UNTESTED),
        (7, Access.UNTESTED),
    ],
)
def test_scopes_are_read_however_they_are_written_or_not_at_all(scopes: Any, may_refund: Access) -> None:
    report = asked(keys=(200, [{"id": "1", "prefix": "sk_test_12", "allowed_scopes": scopes}]))
    assert access(report)[Right.REFUND] is may_refund


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"id": "1", "allowed_scopes": ""}],
        [{"id": "1", "prefix": "", "allowed_scopes": ""}],
        [{"id": "1", "prefix": "…", "allowed_scopes": ""}],
        [{"id": "1", "prefix": "sk_live_", "allowed_scopes": ""}],
        [{"prefix": "sk_test_", "allowed_scopes": ""}, {"prefix": "sk_test_", "allowed_scopes": "refunds:read"}],
        "none",
    ],
)
def test_a_list_in_which_ours_is_not_certain_grants_and_refuses_nothing(keys: Any) -> None:
    rights = access(asked(keys=(200, keys)))
    assert rights[Right.OPEN] is rights[Right.REFUND] is Access.UNTESTED
    assert rights[Right.READ] is Access.GRANTED


@pytest.mark.parametrize("prefix", ["sk_test_12", "sk_test_12...", "sk_test_12…", "sk_test_12****", KEY])
def test_a_prefix_may_be_cut_in_any_way(prefix: str) -> None:
    keys = [{"prefix": prefix, "allowed_scopes": "payments:read"}]
    assert access(asked(keys=(200, keys)))[Right.OPEN] is Access.REFUSED


def test_a_read_that_is_refused_as_such_says_nothing_about_its_scope() -> None:
    report = asked(refunds=(400, {"detail": "page_size is not known."}))
    assert access(report)[Right.READ_REFUNDS] is Access.UNTESTED
    assert "page_size is not known." in report.permissions[Right.READ_REFUNDS].reason
    assert report.key is Access.GRANTED


def test_a_payment_that_should_not_exist_still_shows_that_it_may_be_read() -> None:
    payment = {"id": "TX1", "amount": "1.00", "status": "paid", "currency": "USD"}
    assert access(asked(transaction=(200, payment)))[Right.READ] is Access.GRANTED


@pytest.mark.parametrize("amount", ["", "none", "NaN", "Infinity", None, {"USD": "1"}])
def test_a_limit_that_is_no_number_is_not_known(amount: Any) -> None:
    report = asked(organization=(200, {"price_mode": "tax included", "min_payment": amount}))
    assert (report.lowest, report.highest, report.price_mode) == (None, None, None)
    assert report.session is Access.GRANTED


@pytest.mark.parametrize(
    ("webhook", "address"),
    [({}, None), ({"url": "https://shop.example/"}, None), ({"endpoint_url": None}, ""), ({"endpoint_url": ""}, "")],
)
def test_no_address_and_no_word_about_it_are_told_apart(webhook: Any, address: str | None) -> None:
    assert asked(webhook=(200, webhook)).webhook_address == address


@pytest.mark.parametrize("status", [403, 500])
def test_a_session_that_may_not_look_is_not_known(status: int) -> None:
    report = asked(organization=(status, NO_DETAIL))
    assert (report.session, report.price_mode) == (Access.UNTESTED, None)
    assert report.session_trouble
    assert report.key is Access.GRANTED


def test_a_refused_key_without_another_environment_is_only_refused() -> None:
    report = asked(refunds=(401, NO_DETAIL))
    assert (report.key, report.elsewhere, report.permissions) == (Access.REFUSED, "", {})


def test_a_refused_key_is_tried_at_the_other_environment_once() -> None:
    def accepting(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url))
        return httpx.Response(200, json=[])

    calls: list[str] = []
    address = "https://nd8.example/sandbox/api/"
    other = ND8Client(base_url=address, api_key=KEY, transport=httpx.MockTransport(accepting))
    assert asked(lambda: (address, other), refunds=(401, NO_DETAIL)).elsewhere == address
    assert calls == [f"{address}refunds/?page_size=1"]


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("https://nd8.example/api/", "https://nd8.example/sandbox/api/"),
        ("https://nd8.example/sandbox/api/", "https://nd8.example/api/"),
        ("https://nd8.example/v2/", ""),
    ],
)
def test_the_other_environment_is_found_by_the_documented_prefixes_only(address: str, other: str) -> None:
    assert other_environment(address) == other
