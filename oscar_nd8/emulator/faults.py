"""Misbehaviour on demand: which fault the next call of an operation meets, and what the caller then sees."""

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response

KINDS = frozenset({"500", "429", "timeout_before", "timeout_after", "garbage", "slow", "reset"})
SECONDS = {"timeout_before": 30.0, "timeout_after": 30.0, "slow": 3.0}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Fault:
    """What goes wrong, how often still, and how long it takes where it takes time."""

    operation: str
    kind: str
    times: int
    seconds: float


class Faults:
    """The faults that wait for their operation, first come first served."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the next `times` calls of the operation meet this fault, after those already waiting."""
        self.waiting.append(fault)

    def end(self, operation: str) -> None:
        """Let the operation work again."""
        self.waiting = [fault for fault in self.waiting if fault.operation != operation]

    def take(self, operation: str) -> Fault | None:
        """The fault that this call meets, used up by it."""
        for fault in self.waiting:
            if fault.operation == operation:
                fault.times -= 1
                if not fault.times:
                    self.waiting.remove(fault)
                return fault
        return None


def misbehave(fault: Fault, act: Callable[[], Response], connection: socket.socket) -> Response:
    """The answer under a fault; `act` does the work where the fault lets it be done."""
    match fault.kind:
        case "500":
            return Response("<h1>Server Error (500)</h1>", 500)
        case "429":
            body = '{"detail":"Request was throttled. Expected available in 1 second."}'
            return Response(body, 429, {"Retry-After": "1"}, mimetype="application/json")
        case "timeout_before":
            return _silence(connection, fault.seconds)
        case "timeout_after":
            act()
            return _silence(connection, fault.seconds)
        case "garbage":
            whole = act().get_data()
            return Response(whole[: len(whole) // 2], 200, mimetype="application/json")
        case "slow":
            return _slow(act(), fault.seconds)
        case _:
            return _reset(connection)


def leaves_unanswered(kind: str) -> bool:
    """Whether the caller never sees a status."""
    return kind in {"timeout_before", "timeout_after", "reset"}


class _Dropped:
    """A body whose first byte never comes: it waits, then ends the connection."""

    def __init__(self, wait: Callable[[], object]) -> None:
        self._wait = wait

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._wait()
        raise ConnectionResetError("dropped on purpose")


def _silence(connection: socket.socket, seconds: float) -> Response:
    def wait() -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)  # a caller who leaves makes it readable
            selector.select(seconds)

    return Response(_Dropped(wait))


def _reset(connection: socket.socket) -> Response:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return Response(_Dropped(lambda: None))


def _slow(whole: Response, seconds: float) -> Response:
    body = whole.get_data()

    def drip() -> Iterator[bytes]:
        for byte in body:
            time.sleep(seconds / len(body))
            yield bytes([byte])

    return Response(drip(), whole.status_code, whole.headers)
