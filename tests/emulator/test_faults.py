"""Faults on demand: what the caller sees, and whether the work was done."""

import time
from typing import Any

import httpx
import pytest

from oscar_nd8.emulator import Emulator
from oscar_nd8.emulator.faults import KINDS
from oscar_nd8.emulator.operations import OPERATIONS, Operation
from tests.emulator.merchant import BODY, Merchant, Session


def calls(emulator: Emulator) -> list[tuple[str, int | None]]:
    """Operation and status of every call."""
    return [(one["operation"], one["status"]) for one in emulator.state()["calls"]]


UNDONE = {"500", "429", "timeout_before", "reset", "redirect"}
UNANSWERED = {"timeout_before", "timeout_after", "reset", "cut_off"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_does_its_work_or_does_not(emulator: Emulator, merchant: Merchant, kind: str) -> None:
    emulator.control("faults", operation="createPayment", kind=kind, seconds=0.1)
    try:
        merchant.ask()
    except httpx.TransportError:
        assert kind in UNANSWERED
    else:
        assert kind not in UNANSWERED
    assert len(emulator.state()["checkouts"]) == (kind not in UNDONE)
    assert merchant.ask().status_code == 201


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_can_meet_every_kind(emulator: Emulator, operation: Operation) -> None:
    url = emulator.sandbox_api_url + operation.path.replace("<target>", "none")
    for kind in sorted(KINDS):
        emulator.control("faults", operation=operation.name, kind=kind, seconds=0.02)
        try:
            answer = emulator.http.request(operation.method, url, json={})
        except httpx.TransportError:
            assert kind in UNANSWERED
        else:
            assert (answer.status_code >= 500) == (kind == "500")
    assert emulator.state()["faults"] == []
    assert {name for name, _ in calls(emulator)} == {operation.name}


def test_500_is_not_even_json(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="500")
    answer = merchant.http.get("refunds/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_429_says_when_to_come_back(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="429")
    answer = merchant.http.get("refunds/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_garbage_is_a_200_that_breaks_off(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="garbage")
    answer = merchant.ask()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated string"):
        answer.json()


def test_429_names_the_seconds_it_was_given(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="429", seconds=7)
    assert merchant.http.get("refunds/").headers["Retry-After"] == "7"


def test_html_is_a_200_that_is_no_answer(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="html")
    answer = merchant.ask()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "checkout_id" not in answer.text


def test_wrong_types_keep_the_names(emulator: Emulator, merchant: Merchant) -> None:
    payment = merchant.paid()
    emulator.control("faults", operation="getPaymentById", kind="wrong_types")
    twisted, right = merchant.payment(payment), merchant.payment(payment)
    assert twisted.keys() == right.keys()
    assert (twisted["id"], twisted["amount"]) == ([right["id"]], [right["amount"]])
    assert twisted["depositAttempts"]["0"]["errorMessage"] == {"value": None}


def test_huge_is_the_right_answer_and_three_megabytes_of_nothing(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="huge")
    answer = merchant.http.get("refunds/")
    assert len(answer.content) == int(answer.headers["Content-Length"]) == 3 * 1024 * 1024
    assert answer.json() == []


def test_cut_off_announces_more_than_it_sends(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="cut_off")
    with merchant.http.stream("POST", "checkout/create/", json=BODY) as answer:
        assert answer.status_code == 201
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    assert calls(emulator) == [("createPayment", 201)]


def test_redirect_leads_to_another_host_that_would_answer(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="redirect")
    answer = merchant.http.get("refunds/?page=1")
    there = f"{emulator.sandbox_api_url}/refunds/?page=1".replace("127.0.0.1", "localhost")
    assert (answer.status_code, answer.headers["Location"]) == (307, there)
    assert merchant.http.get(there).json() == []
    emulator.control("faults", operation="listRefunds", kind="redirect")
    back = merchant.http.get(there).headers["Location"]
    assert back == f"{emulator.sandbox_api_url}/refunds/?page=1"


def test_a_fault_of_an_answer_without_a_body_gets_one(emulator: Emulator, session: Session) -> None:
    def deleted(kind: str) -> httpx.Response:
        emulator.control("faults", operation="deletePaymentLink", kind=kind, seconds=0.1)
        return session.http.delete(f"payment-links/{session.link()['id']}/")

    assert [deleted(kind).status_code for kind in ("slow", "huge", "wrong_types", "html")] == [204, 200, 200, 200]
    with pytest.raises(httpx.RemoteProtocolError):
        deleted("cut_off")
    assert session.answered("GET", "payment-links/") == []


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_timeout_lasts_longer_than_a_patient_client(emulator: Emulator, merchant: Merchant, kind: str) -> None:
    emulator.control("faults", operation="createPayment", kind=kind)
    merchant.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        merchant.ask()
    assert calls(emulator) == [("createPayment", None)]


def test_a_timeout_ends_without_an_answer(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="timeout_before", seconds=0.2)
    start = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        merchant.ask()
    assert 0.2 <= time.monotonic() - start < 5


def test_a_reset_is_a_reset(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="reset")
    with pytest.raises(httpx.ReadError):
        merchant.ask()
    assert calls(emulator) == [("createPayment", None)]


def test_slow_drips_a_whole_answer(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="slow", seconds=0.4)
    start = time.monotonic()
    with merchant.http.stream("POST", "checkout/create/", json={}) as answer:
        pieces = list(answer.iter_raw())
    assert time.monotonic() - start >= 0.4
    assert len(pieces) > 5
    assert answer.status_code == 400
    assert b"".join(pieces).strip().endswith(b"}")


def test_faults_are_used_up_in_their_order(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="500", times=2)
    emulator.control("faults", operation="listRefunds", kind="429")
    statuses = [merchant.http.get("refunds/").status_code for _ in range(4)]
    assert statuses == [500, 500, 429, 200]
    assert [status for _, status in calls(emulator)] == statuses


def test_a_fault_meets_its_own_operation_only(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="getRefundById", kind="500")
    assert merchant.ask().status_code == 201
    assert merchant.http.get("refunds/").status_code == 200
    assert merchant.http.get("refunds/RFnone/").status_code == 500


def test_faults_end_with_times_0_and_with_a_reset(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="listRefunds", kind="500", times=9)
    emulator.control("faults", operation="createPayment", kind="500", times=9)
    emulator.control("faults", operation="listRefunds", kind="500", times=0)
    assert merchant.http.get("refunds/").status_code == 200
    assert merchant.ask().status_code == 500
    emulator.control("reset")
    assert merchant.ask().status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"operation": "createPayment"},
        {"operation": "payAll", "kind": "500"},
        {"operation": "createPayment", "kind": "404"},
        {"operation": "createPayment", "kind": "500", "times": -1},
        {"operation": "createPayment", "kind": "500", "times": 1.5},
        {"operation": "createPayment", "kind": "slow", "seconds": "long"},
        {"operation": "createPayment", "kind": "500", "time": 2},
    ],
)
def test_faults_that_make_no_sense(emulator: Emulator, merchant: Merchant, fields: dict[str, Any]) -> None:
    answer = merchant.refuse("faults", **fields)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert emulator.state()["faults"] == []


def test_other_calls_go_on_while_one_hangs(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("faults", operation="createPayment", kind="timeout_before", seconds=5)
    merchant.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        merchant.ask()
    start = time.monotonic()
    merchant.http.timeout = httpx.Timeout(5)
    assert merchant.ask().status_code == 201
    assert time.monotonic() - start < 2
