"""A server that is slow, broken or gone costs a moment, and a payment that may exist is never called harmless."""

import gzip
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import httpcore
import pytest

from oscar_nd8.client import ND8Client
from oscar_nd8.client._network import remaining, until
from oscar_nd8.exceptions import OutcomeUnknown, ProviderError, ProviderUnavailable, RequestRejected
from tests.plain.loopback import TRANSACTION, Script, checkout_request, drips, hangs, http, resets, sends, serving


def impatient(url: str) -> ND8Client:
    """An exchange ends after 0.5 seconds, a read with its repetitions after 0.6."""
    return ND8Client(base_url=url, api_key="sk_test_1", connect_timeout=0.2, read_timeout=0.3, read_budget=0.6)


def broken(script: Script) -> dict[str, ProviderError]:
    """What a read and a write come to on a server that answers by `script`."""
    errors: dict[str, ProviderError] = {}
    with serving(script) as server, impatient(server.url) as nd8:
        calls: dict[str, Callable[[], Any]] = {
            "read": lambda: nd8.get_transaction("TX1"),
            "write": lambda: nd8.create_checkout(checkout_request()),
        }
        for name, call in calls.items():
            with pytest.raises(ProviderError) as caught:
                call()
            errors[name] = caught.value
        writes = [request for request in server.requests if request.startswith(b"POST")]
        assert len(writes) == 1
    return errors


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(b" " * 5_000_000)
BROKEN: dict[str, Script] = {
    "reset": resets,
    "hang": hangs,
    "close": sends(b"", keep=False),
    "half a line": sends(b"HTTP/1.1 20", keep=False),
    "no http": sends(b"garbage with a body-secret in it\r\n\r\n", keep=False),
    "cut body": sends(http(TRANSACTION, length=5_000), keep=False),
    "stalled body": sends(http(TRANSACTION, length=5_000)),
    "cut chunk": sends(CHUNKS + b"5\r\n{", keep=False),
    "bad chunk": sends(CHUNKS + b"zz\r\n", keep=False),
    "dripped head": drips(OK + b"X-Slow: yes\r\n" * 20, every=0.05),
    "dripped body": drips(http(b" " * 200), every=0.05),
    "endless body": sends(http(b" " * 3_000_000)),
    "endless head": sends(OK + b"X-Much: " + b"y" * 300_000, keep=False),
    "zipped body": sends(http(ZIPPED, headers="Content-Encoding: gzip\r\n")),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_server_costs_a_moment_and_never_hides_a_payment(script: Script) -> None:
    started = monotonic()
    errors = broken(script)
    assert monotonic() - started < 2.5
    assert type(errors["read"]) is ProviderUnavailable
    assert type(errors["write"]) is OutcomeUnknown
    assert "body-secret" not in str(errors["write"]) + str(errors["write"].__cause__)


def test_a_drip_that_outlives_every_timeout_ends_with_the_exchange() -> None:
    with serving(drips(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, every=0.1)) as server, impatient(server.url) as nd8:
        started = monotonic()
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            nd8.create_checkout(checkout_request())
        assert 0.4 < monotonic() - started < 1.5


def test_no_wait_begins_after_the_end() -> None:
    with until(monotonic() + 60):
        assert remaining(5) == 5
        assert 59 < remaining() <= 60
    with until(monotonic() - 1), pytest.raises(httpcore.ConnectTimeout):
        remaining(5, late=httpcore.ConnectTimeout)


def test_nobody_listening_is_harmless_even_for_a_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    with impatient(url) as nd8, pytest.raises(ProviderUnavailable, match=r"ConnectError.*refused"):
        nd8.create_checkout(checkout_request())


def test_a_server_that_speaks_no_tls_is_harmless_even_for_a_write() -> None:
    with serving(sends(http(TRANSACTION))) as server, impatient(server.url.replace("http://", "https://")) as nd8:
        with pytest.raises(ProviderUnavailable, match=r"\(Connect(Error|Timeout)"):
            nd8.create_checkout(checkout_request())
        assert not any(b"POST" in request for request in server.requests)


def test_a_server_that_refuses_the_handshake_is_harmless_even_for_a_write() -> None:
    refused: list[bytes] = []

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            refused.append(connection.recv(65536))
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # TLS: handshake failure
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=refuse)
        server.start()
        with impatient(f"https://127.0.0.1:{listener.getsockname()[1]}/api/") as nd8:
            with pytest.raises(ProviderUnavailable, match="ConnectError"):
                nd8.create_checkout(checkout_request())
            assert nd8.circuit.failures == 1
        server.join()
    assert b"sk_test_1" not in refused[0]


def test_a_refusal_whose_words_are_cut_off_is_still_a_refusal() -> None:
    answer = http({"detail": "no"}, status="400 Bad Request", length=9_000)
    with serving(sends(answer, keep=False)) as server, impatient(server.url) as nd8, pytest.raises(RequestRejected):
        nd8.create_checkout(checkout_request())
