"""Faults on demand: what the caller sees, and whether the work was done."""

import time
from typing import Any

import httpx
import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import Merchant


def calls(emulator: Emulator) -> list[tuple[str, int | None]]:
    """Operation and status of every call."""
    return [(one["operation"], one["status"]) for one in emulator.state()["calls"]]


@pytest.mark.parametrize(
    ("kind", "done"),
    [("500", 0), ("429", 0), ("timeout_before", 0), ("reset", 0), ("timeout_after", 1), ("garbage", 1), ("slow", 1)],
)
def test_every_kind_does_its_work_or_does_not(emulator: Emulator, merchant: Merchant, kind: str, done: int) -> None:
    emulator.control("faults", operation="createPayment", kind=kind, seconds=0.1)
    try:
        merchant.ask()
    except httpx.TransportError:
        assert kind in {"timeout_before", "timeout_after", "reset"}
    assert len(emulator.state()["checkouts"]) == done
    assert merchant.ask().status_code == 201


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
