"""One clock for a whole exchange: a server that answers a byte at a time does not hold a worker for hours.

httpx limits each wait for bytes, never their sum, so the limit of the sum is put where bytes are read. The
look-up of the host's address is the system's own and stays outside of it.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, Final

import httpcore
import httpx

__all__ = ["TimedTransport", "remaining", "until"]

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


class TimedTransport(httpx.HTTPTransport):
    """httpx's own transport, with one connection pool and TLS context, whose waits respect `until`."""

    def __init__(self, *, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # httpx offers no way to hand over the network it reads from; the tests fail if this name ever
        # changes.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_IDLE,
            network_backend=_TimedNetwork(),
        )


class _TimedNetwork(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        limit = remaining(timeout, late=httpcore.ConnectTimeout)
        return _TimedStream(self._network.connect_tcp(host, port, limit, local_address, socket_options))


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
