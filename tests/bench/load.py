"""A steady hammer: some connections that post prepared requests, and what each answer took."""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Load", "hammer"]


@dataclass(frozen=True, slots=True)
class Load:
    """`seconds` for all; `latencies` of each answer, in milliseconds; `refused` are the heads that were no 2xx."""

    seconds: float
    latencies: list[float]
    refused: list[bytes]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def hammer(address: tuple[str, int], requests: Sequence[bytes], *, connections: int = 16) -> Load:
    """Post all `requests` over so many connections at once."""
    results: list[tuple[list[float], list[bytes]]] = []
    shares = [requests[number::connections] for number in range(connections)]
    workers = [threading.Thread(target=lambda share=share: results.append(_post(address, share))) for share in shares]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    return Load(
        seconds, [each for found, _ in results for each in found], [each for _, refused in results for each in refused]
    )


def _post(address: tuple[str, int], requests: Sequence[bytes]) -> tuple[list[float], list[bytes]]:
    latencies: list[float] = []
    refused: list[bytes] = []
    connection: socket.socket | None = None
    for request in requests:
        began = time.perf_counter()
        if connection is None:
            connection = socket.create_connection(address)
        connection.sendall(request)
        head, is_open = _answer(connection)
        latencies.append((time.perf_counter() - began) * 1000)
        if not head.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
            refused.append(head)
        if not is_open:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return latencies, refused


def _answer(connection: socket.socket) -> tuple[bytes, bool]:
    """The head of one answer, read to its end, and whether the connection can be used again."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data, False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    left = int(fields.get(b"content-length", b"0")) - len(body)
    while left > 0:
        left -= len(connection.recv(left))
    return head, fields.get(b"connection") != b"close"
