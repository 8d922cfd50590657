"""A server on this machine that can misbehave byte by byte, and the answers that tests script it with."""

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from oscar_nd8.client import AdHocItem, CheckoutRequest

TRANSACTION: dict[str, Any] = {"id": "TX1", "amount": "99.00", "status": "paid", "currency": "USD"}
CHECKOUT: dict[str, Any] = {
    "checkout_id": "co_1",
    "order_id": "co_1",
    "checkout_url": "https://pay.example/co_1",
    "token": "page-token-secret",
    "expires_at": 1_900_000_000,
}

Script = Callable[[socket.socket], bool]
"""Answers one request on an open connection; False closes it afterwards."""


def checkout_request(**changes: Any) -> CheckoutRequest:
    """A valid request; `changes` by field name."""
    fields = {
        "billing_country": "DE",
        "billing_first_name": "Ada",
        "billing_last_name": "Lovelace",
        "billing_email": "ada@example.com",
        "currency": "EUR",
        "products": (AdHocItem(name="Mug", quantity=2, unit_price=10.5),),
    }
    return CheckoutRequest(**(fields | changes))


def http(
    body: bytes | dict[str, Any], *, status: str = "200 OK", headers: str = "", length: int | None = None
) -> bytes:
    """A whole answer as bytes; a `length` other than the body's promises more than is sent."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(content) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + content


def sends(*answers: bytes, keep: bool = True) -> Script:
    """One answer a request, the last one for ever."""
    left = list(answers)

    def script(connection: socket.socket) -> bool:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        return keep

    return script


def drips(data: bytes, *, every: float) -> Script:
    """A byte at a time, always just soon enough for a timeout of one wait."""

    def script(connection: socket.socket) -> bool:
        pause = threading.Event()
        for byte in data:
            connection.sendall(bytes([byte]))
            pause.wait(every)
        return False

    return script


def resets(connection: socket.socket) -> bool:
    """The connection is torn down as by a crashed server."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hangs(connection: socket.socket) -> bool:
    """Never an answer: waits until the other side gives up."""
    connection.recv(1)
    return False


class Loopback:
    """What the server saw: how many connections, and every request as bytes."""

    def __init__(self, script: Script) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """The API's base URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/"

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while request := _request(connection):
                self.requests.append(request)
                if not self._script(connection):
                    break


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(script: Script) -> Iterator[Loopback]:
    """A server that answers every request by `script`."""
    server = Loopback(script)
    try:
        yield server
    finally:
        server.stop()
