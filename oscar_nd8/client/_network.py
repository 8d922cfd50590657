"""One clock for a whole exchange: a server that answers a byte at a time does not hold a worker for hours.

httpx limits each wait for bytes, never their sum, so the limit of the sum is put where bytes are read. The
system sets no limit to looking up an address, so that is waited for from outside.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final

import httpcore
import httpx

__all__ = ["LookUp", "TimedTransport", "addresses_of", "remaining", "until"]

LookUp = Callable[[str, int], list[str]]

_ends_at: ContextVar[float] = ContextVar("oscar_nd8_ends_at")

# Few servers keep an idle connection for less than this. Writing to one that the server is just closing would
# leave the outcome of a payment unknown, so a new connection now and then is the cheaper choice.
_KEEP_IDLE: Final = 5.0
_CONNECTIONS: Final = 32


@contextmanager
def until(ends_at: float) -> Iterator[None]:
    """Every exchange inside ends at `ends_at` (monotonic seconds) with an answer or a timeout."""
    token = _ends_at.set(ends_at)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining(timeout: float | None = None, *, late: type[Exception] = httpx.ReadTimeout) -> float:
    """Seconds that the next wait may take, at most `timeout`; raises `late` when there are none."""
    left = _ends_at.get() - monotonic()
    if left <= 0:
        raise late("The time for this answer is over.")
    return left if timeout is None else min(timeout, left)


def addresses_of(host: str, port: int) -> list[str]:
    """The numeric addresses of `host`, best first, as the system knows them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class TimedTransport(httpx.HTTPTransport):
    """httpx's own transport, with one connection pool and TLS context, whose waits respect `until`."""

    def __init__(self, *, tls: ssl.SSLContext, look_up: LookUp = addresses_of) -> None:
        super().__init__(verify=tls, trust_env=False)
        # httpx offers no way to hand over the network it reads from; the tests fail if this name ever
        # changes.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_IDLE,
            network_backend=_TimedNetwork(look_up),
        )


class _TimedNetwork(httpcore.NetworkBackend):
    def __init__(self, look_up: LookUp = addresses_of) -> None:
        self._network = httpcore.SyncBackend()
        self._look_up = look_up

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        options = list(socket_options or ())
        for address in self._addresses(host, port, remaining(timeout, late=httpcore.ConnectTimeout)):
            limit = remaining(timeout, late=httpcore.ConnectTimeout)
            try:
                return _TimedStream(self._network.connect_tcp(address, port, limit, local_address, options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("The host has no address.")

    def _addresses(self, host: str, port: int, limit: float) -> list[str]:
        found: SimpleQueue[list[str] | OSError] = SimpleQueue()

        def ask() -> None:
            try:
                found.put(self._look_up(host, port))
            except OSError as error:
                found.put(error)

        Thread(target=ask, name="oscar_nd8 looks up an address", daemon=True).start()
        try:
            answer = found.get(timeout=limit)
        except Empty:
            raise httpcore.ConnectTimeout("The host's address was not found in time.") from None
        if isinstance(answer, OSError):
            raise httpcore.ConnectError(str(answer)) from answer
        return answer


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, remaining(timeout, late=httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, remaining(timeout, late=httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = remaining(timeout, late=httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
