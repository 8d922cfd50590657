"""A dead ND8 costs the shop a few calls and no more, and nobody has to tell the client that it lives again."""

import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import stamina

from oscar_nd8.client import CircuitState, ND8Client
from oscar_nd8.exceptions import CircuitOpen, OutcomeUnknown, ProviderError, ProviderUnavailable
from tests.plain.loopback import TRANSACTION, Script, checkout_request, hangs, http, resets, sends, serving

PAUSE = 0.8
IMPATIENT = {"connect_timeout": 0.1, "read_timeout": 0.1, "read_budget": 0.1}
DOWN = http(b"", status="503 Service Unavailable")
GOOD = http(TRANSACTION)


def client(url: str, **settings: Any) -> ND8Client:
    """Its circuit opens at the third failure."""
    return ND8Client(base_url=url, api_key="sk_test_1", circuit_threshold=3, **{"circuit_pause": PAUSE} | settings)


def state(nd8: ND8Client) -> CircuitState:
    """The circuit's state at this moment."""
    return nd8.circuit.state


def failing(nd8: ND8Client, times: int) -> list[ProviderError]:
    """How so many writes end; all of them fail."""
    errors = []
    for _ in range(times):
        with pytest.raises(ProviderError) as caught:
            nd8.create_checkout(checkout_request())
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("script", [sends(DOWN), resets, hangs, sends(b"HTTP/1.1 2", keep=False)])
def test_after_repeated_failures_nothing_is_sent(script: Script) -> None:
    with serving(script) as server, client(server.url, circuit_pause=60, **IMPATIENT) as nd8:
        assert [type(error) for error in failing(nd8, 3)] == [OutcomeUnknown] * 3
        for call in (lambda: nd8.create_checkout(checkout_request()), lambda: nd8.get_transaction("TX1")):
            with pytest.raises(CircuitOpen) as caught:
                call()
            assert isinstance(caught.value, ProviderUnavailable)
            assert 59 < (caught.value.retry_after or 0) <= 60
        assert len(server.requests) == 3
        seen = nd8.circuit
        assert (seen.state, seen.failures) == (CircuitState.OPEN, 3)
        assert seen.open_until
        assert timedelta(seconds=58) < seen.open_until - datetime.now(UTC) <= timedelta(seconds=60)


def test_nobody_listening_opens_it_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    with client(url) as nd8:
        failing(nd8, 3)
        assert state(nd8) is CircuitState.OPEN


def test_a_read_with_all_its_repetitions_is_one_failure() -> None:
    with serving(sends(DOWN)) as server, client(server.url, read_budget=0.6) as nd8:
        with pytest.raises(ProviderUnavailable):
            nd8.get_transaction("TX1")
        assert len(server.requests) > 1
        assert nd8.circuit.failures == 1


@pytest.mark.parametrize(
    "answer",
    [
        http(b"", status="400 Bad Request"),
        http(b"", status="401 Unauthorized"),
        http(b"", status="404 Not Found"),
        http(b"", status="408 Request Timeout"),
        http(b"", status="429 Too Many Requests"),
        http(b"<html>Welcome</html>"),
        http(b"", status="302 Found", headers="Location: https://elsewhere.example/\r\n"),
    ],
)
def test_a_provider_that_answers_is_not_left_alone(answer: bytes) -> None:
    with serving(sends(answer)) as server, client(server.url) as nd8:
        failing(nd8, 6)
        assert (state(nd8), nd8.circuit.failures, nd8.circuit.open_until) == (CircuitState.CLOSED, 0, None)
        assert len(server.requests) == 6


def test_failures_count_in_a_row_only() -> None:
    with serving(sends(DOWN, DOWN, GOOD, DOWN, DOWN, DOWN)) as server, client(server.url) as nd8:
        failing(nd8, 2)
        nd8.get_transaction("TX1")
        failing(nd8, 2)
        assert state(nd8) is CircuitState.CLOSED
        failing(nd8, 1)
        assert state(nd8) is CircuitState.OPEN


def test_it_closes_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(sends(DOWN, DOWN, DOWN, DOWN, GOOD)) as server, client(server.url) as nd8:
        failing(nd8, 3)
        sleep(PAUSE)
        assert state(nd8) is CircuitState.HALF_OPEN
        assert type(failing(nd8, 1)[0]) is OutcomeUnknown  # it was sent
        assert state(nd8) is CircuitState.OPEN
        assert type(failing(nd8, 1)[0]) is CircuitOpen
        sleep(PAUSE)
        assert nd8.get_transaction("TX1").id == "TX1"
        assert (state(nd8), nd8.circuit.failures) == (CircuitState.CLOSED, 0)
        assert len(server.requests) == 5
    ours = [record.getMessage() for record in caplog.records if record.name == "oscar_nd8.client"]
    said = [line for line in ours if "ms, attempt" not in line]
    assert said == [
        f"ND8 failed at 3 calls in a row, the last was createPayment: nothing is sent for {PAUSE} seconds",
        "ND8 is asked again after a pause: createPayment",
        f"ND8 failed at 4 calls in a row, the last was createPayment: nothing is sent for {PAUSE} seconds",
        "ND8 is asked again after a pause: getPaymentById",
        "ND8 answers again (getPaymentById): calls go out as usual",
    ]


def test_a_single_call_finds_out() -> None:
    everybody_else_was_refused = threading.Event()
    refusals: list[float | None] = []

    def script(connection: socket.socket) -> bool:
        answer = DOWN
        if len(server.requests) > 3:
            everybody_else_was_refused.wait(5)
            answer = GOOD
        connection.sendall(answer)
        return True

    def outcome(_: int) -> str:
        try:
            return nd8.get_transaction("TX1").id
        except CircuitOpen as error:
            refusals.append(error.retry_after)
            if len(refusals) == 7:
                everybody_else_was_refused.set()
            return "refused"

    with serving(script) as server, client(server.url) as nd8:
        failing(nd8, 3)
        sleep(PAUSE)
        with ThreadPoolExecutor(8) as pool:
            outcomes = sorted(pool.map(outcome, range(8)))
        assert outcomes == ["TX1"] + ["refused"] * 7
        assert refusals == [1.0] * 7
        assert len(server.requests) == 4
        assert state(nd8) is CircuitState.CLOSED


def mocked(handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> ND8Client:
    return client("https://nd8.example/api/", transport=httpx.MockTransport(handler), **settings)


class Interrupted(BaseException):
    """As when a server ends a worker that took too long."""


def test_a_call_that_was_interrupted_leaves_the_question_open() -> None:
    answers: list[Any] = [httpx.ReadError("x")] * 3 + [Interrupted(), httpx.PoolTimeout("full")]

    def handler(request: httpx.Request) -> httpx.Response:
        if answers:
            raise answers.pop(0)
        return httpx.Response(200, json=TRANSACTION)

    nd8 = mocked(handler)
    failing(nd8, 3)
    sleep(PAUSE)
    with pytest.raises(Interrupted):
        nd8.create_checkout(checkout_request())
    assert state(nd8) is CircuitState.HALF_OPEN
    failing(nd8, 1)  # no connection was free: that says nothing about ND8
    assert state(nd8) is CircuitState.HALF_OPEN
    assert nd8.get_transaction("TX1").id == "TX1"
    assert state(nd8) is CircuitState.CLOSED


@pytest.mark.parametrize("late", [200, 503])
def test_what_ends_late_says_nothing_about_now(late: int) -> None:
    began, go_on = threading.Event(), threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            began.set()
            go_on.wait(5)
            return httpx.Response(late, json=TRANSACTION)
        return httpx.Response(503)

    nd8 = mocked(handler, circuit_pause=60)
    reader = threading.Thread(target=lambda: _ignoring(lambda: nd8.get_transaction("TX1")))
    reader.start()
    began.wait(5)
    failing(nd8, 3)
    before = nd8.circuit
    go_on.set()
    reader.join()
    assert nd8.circuit == before
    assert before.state is CircuitState.OPEN


def _ignoring(call: Callable[[], Any]) -> None:
    try:
        call()
    except ProviderError:
        return


def test_a_read_is_not_repeated_once_it_is_open() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if request.method == "GET" and seen.count("GET") == 2:
            failing(nd8, 3)
        return httpx.Response(503)

    nd8 = mocked(handler, read_budget=20, circuit_pause=60)
    with pytest.raises(ProviderUnavailable) as caught:
        nd8.get_transaction("TX1")
    assert caught.value.status == 503
    assert seen == ["GET", "GET", "POST", "POST", "POST"]


def test_a_dead_nd8_holds_no_more_than_one_worker_at_a_time() -> None:
    """Eight workers ask for two seconds; each exchange would hold one for 0.1 seconds."""
    ended = monotonic() + 2

    def work(_: int) -> list[type[ProviderError]]:
        found = []
        while monotonic() < ended:
            found += [type(error) for error in failing(nd8, 1)]
            sleep(0.01)
        return found

    # Whoever is sent finds a connection at once, however busy this machine is; the answer is what never comes.
    with (
        serving(hangs) as server,
        client(server.url, read_timeout=0.1, circuit_pause=0.3) as nd8,
        ThreadPoolExecutor(8) as pool,
    ):
        outcomes = Counter(outcome for found in pool.map(work, range(8)) for outcome in found)
        assert set(outcomes) == {OutcomeUnknown, CircuitOpen}
        assert len(server.requests) == outcomes[OutcomeUnknown]
        assert 8 <= outcomes[OutcomeUnknown] <= 8 + 8  # all at first, then one for each pause
        assert outcomes[CircuitOpen] > 200


def test_each_client_has_its_own() -> None:
    with serving(sends(DOWN)) as server, client(server.url) as nd8, client(server.url) as other:
        failing(nd8, 3)
        assert (state(nd8), state(other)) == (CircuitState.OPEN, CircuitState.CLOSED)


@pytest.mark.parametrize("settings", [{"circuit_threshold": 0}, {"circuit_pause": 0}, {"circuit_pause": -1}])
def test_a_circuit_that_could_not_work_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="circuit needs"):
        ND8Client(base_url="https://nd8.example/", **settings)


def test_what_was_never_asked_does_not_count() -> None:
    with stamina.set_testing(True), mocked(lambda request: httpx.Response(200)) as nd8:
        for _ in range(4):
            with pytest.raises(ProviderError):
                nd8.get_organization()  # there is no token
            with pytest.raises(ProviderError):
                nd8.get_transaction("..")
        assert nd8.circuit.failures == 0
