"""The client on real connections: which are kept, what goes out on them, and when a read is repeated."""

import socket
import ssl
import threading
from time import monotonic
from typing import Any

import httpx
import pytest

from oscar_nd8.client import ND8Client
from oscar_nd8.client._network import _CONNECTIONS, LookUp, TimedTransport
from oscar_nd8.conf import MOST_WORKERS
from oscar_nd8.exceptions import ProviderUnavailable, RateLimited, RequestRejected
from tests.plain.loopback import (
    CHECKOUT,
    TRANSACTION,
    Script,
    checkout_request,
    hangs,
    http,
    sends,
    serving,
)

GOOD = http(TRANSACTION)
BUSY = "Retry-After: 1\r\n"


def client(url: str, **settings: float) -> ND8Client:
    return ND8Client(base_url=url, api_key="sk_test_1", **settings)  # type: ignore[arg-type]  # all are seconds


def test_one_connection_serves_many_calls() -> None:
    with serving(sends(GOOD)) as server, client(server.url) as nd8:
        for _ in range(20):
            nd8.get_transaction("TX1")
        assert (server.connections, len(server.requests)) == (1, 20)


def test_refusals_do_not_cost_the_connection() -> None:
    with serving(sends(http({"detail": "no"}, status="400 Bad Request"))) as server, client(server.url) as nd8:
        for _ in range(5):
            with pytest.raises(RequestRejected):
                nd8.create_checkout(checkout_request())
        assert server.connections == 1


def test_cookies_are_not_kept() -> None:
    answer = http(TRANSACTION, headers="Set-Cookie: sessionid=1; Path=/\r\n")
    with serving(sends(answer)) as server, client(server.url) as nd8:
        nd8.get_transaction("TX1")
        nd8.get_transaction("TX1")
        assert not any(b"cookie" in request.lower() for request in server.requests)


def test_threads_share_a_client() -> None:
    with serving(sends(GOOD)) as server, client(server.url) as nd8:
        threads = [threading.Thread(target=lambda: [nd8.get_transaction("TX1") for _ in range(10)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 80
        assert server.connections <= 8


def test_a_client_makes_one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    original = ssl.SSLContext.__new__

    def counting(cls: type[ssl.SSLContext], *arguments: Any, **named: Any) -> ssl.SSLContext:
        made.append(original(cls, *arguments, **named))
        return made[-1]

    monkeypatch.setattr(ssl.SSLContext, "__new__", counting)
    with serving(sends(GOOD)) as server, client(server.url) as nd8:
        for _ in range(3):
            nd8.get_transaction("TX1")
    assert len(made) == 1


def test_what_goes_out_is_plain_json_with_the_key() -> None:
    with serving(sends(http(CHECKOUT, status="201 Created"))) as server, client(server.url) as nd8:
        nd8.create_checkout(checkout_request())
        request = server.requests[0]
    assert request.startswith(b"POST /api/checkout/create/ HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Api-Key sk_test_1\r\n" in request
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert b"\r\nAccept-Encoding: identity\r\n" in request
    assert b'"unit_price":10.5' in request


def test_a_read_is_repeated_until_it_is_answered() -> None:
    down = http(b"", status="503 Service Unavailable")
    with serving(sends(down, b"HTTP/1.1 2", down, GOOD, keep=False)) as server, client(server.url) as nd8:
        assert nd8.get_transaction("TX1").id == "TX1"
        assert len(server.requests) == 4


def test_a_read_that_is_refused_is_not_repeated() -> None:
    with serving(sends(http(b"", status="404 Not Found"))) as server, client(server.url) as nd8:
        with pytest.raises(RequestRejected):
            nd8.get_transaction("TX1")
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_read_waits_as_long_as_it_is_told(status: str) -> None:
    busy = http(b"", status=status, headers=BUSY)
    with serving(sends(busy, GOOD)) as server, client(server.url) as nd8:
        started = monotonic()
        assert nd8.get_transaction("TX1").id == "TX1"
        assert 1.0 <= monotonic() - started < 3.0
        assert len(server.requests) == 2


def test_a_wait_beyond_the_budget_is_not_begun() -> None:
    busy = http(b"", status="429 Too Many Requests", headers="Retry-After: 3600\r\n")
    with serving(sends(busy, GOOD)) as server, client(server.url) as nd8:
        started = monotonic()
        with pytest.raises(RateLimited) as caught:
            nd8.get_transaction("TX1")
        assert monotonic() - started < 5
        assert caught.value.retry_after == 3600
        assert len(server.requests) == 1


def test_a_try_that_hangs_leaves_time_for_another() -> None:
    def script(connection: socket.socket) -> bool:
        return hangs(connection) if len(server.requests) == 1 else sends(GOOD)(connection)

    with serving(script) as server, client(server.url, read_timeout=5, read_budget=1) as nd8:
        assert nd8.get_transaction("TX1").id == "TX1"
        assert len(server.requests) == 2


@pytest.mark.parametrize("script", [hangs, sends(http(b"", status="500 Oh"))])
def test_a_read_ends_within_its_budget(script: Script) -> None:
    with serving(script) as server, client(server.url, read_timeout=5, read_budget=0.6) as nd8:
        started = monotonic()
        with pytest.raises(ProviderUnavailable):
            nd8.get_transaction("TX1")
        assert monotonic() - started < 1.5


def test_a_read_is_repeated_a_few_times_only() -> None:
    with serving(sends(http(b"", status="500 Oh"))) as server, client(server.url, read_budget=30) as nd8:
        with pytest.raises(ProviderUnavailable):
            nd8.get_transaction("TX1")
        assert len(server.requests) == 6


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(sends(GOOD)) as server, client(server.url) as nd8:
        assert nd8.get_transaction("TX1").id == "TX1"


def looking_up(look_up: LookUp, url: str) -> ND8Client:
    """A client to which `shop-bank.test` is where `look_up` says."""
    transport = TimedTransport(tls=httpx.create_ssl_context(), look_up=look_up)
    named = url.replace("127.0.0.1", "shop-bank.test")
    return ND8Client(
        base_url=named, api_key="k", connect_timeout=0.2, read_timeout=0.2, allow_http=True, transport=transport
    )


def test_an_address_that_nobody_finds_costs_a_moment() -> None:
    end = threading.Event()

    def silent(host: str, port: int) -> list[str]:
        end.wait(5)
        return []

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for look_up, why in [
        (silent, "ConnectTimeout"),
        (unknown, "ConnectError"),
        (lambda host, port: [], "ConnectError"),
    ]:
        started = monotonic()
        with looking_up(look_up, "http://127.0.0.1:1/") as nd8, pytest.raises(ProviderUnavailable, match=why):
            nd8.create_checkout(checkout_request())
        assert monotonic() - started < 1
    end.set()


def test_every_address_of_a_host_is_tried() -> None:
    with serving(sends(GOOD)) as server, looking_up(lambda host, port: ["127.0.0.9", "127.0.0.1"], server.url) as nd8:
        assert nd8.get_transaction("TX1").id == "TX1"
        assert b"\r\nHost: shop-bank.test:" in server.requests[0]


def test_a_proxy_can_be_handed_over() -> None:
    with serving(sends(GOOD)) as proxy:
        through = httpx.HTTPTransport(proxy=proxy.url.removesuffix("/api/"))
        with ND8Client(base_url="http://127.0.0.2:1/api/", api_key="k", transport=through) as nd8:
            assert nd8.get_transaction("TX1").id == "TX1"
        assert proxy.requests[0].startswith(b"GET http://127.0.0.2:1/api/transactions/TX1/ ")


def test_there_are_connections_for_as_many_questions_as_a_run_may_ask_at_once() -> None:
    assert MOST_WORKERS <= _CONNECTIONS
