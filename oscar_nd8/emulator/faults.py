"""Misbehaviour on demand: which fault the next call of an operation meets, and what the caller then sees."""

import json
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from urllib.parse import urlsplit

from flask import Response

KINDS = frozenset(
    {"500", "429", "timeout_before", "timeout_after", "reset"}
    | {"garbage", "html", "wrong_types", "huge", "slow", "cut_off", "redirect"}
)
SECONDS = {"429": 1.0, "timeout_before": 30.0, "timeout_after": 30.0, "slow": 3.0}
HUGE = 3 * 1024 * 1024
NOT_AN_API = "<!doctype html><title>Please wait</title><p>We are checking your browser.</p>"
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


def misbehave(fault: Fault, act: Callable[[], Response], *, url: str, connection: socket.socket) -> Response:
    """The answer under a fault to a call of `url`; `act` does the work where the fault lets it be done."""
    match fault.kind:
        case "500":
            return Response("<h1>Server Error (500)</h1>", 500)
        case "429":
            return _throttled(ceil(fault.seconds))
        case "timeout_before":
            return _silence(connection, fault.seconds)
        case "reset":
            return _reset(connection)
        case "redirect":
            return Response("", 307, {"Location": _elsewhere(url)})
        case _:
            return _spoiled(fault, act(), connection)


def _spoiled(fault: Fault, answer: Response, connection: socket.socket) -> Response:
    """The answer to work that was done, so that nobody can use it."""
    whole = answer.get_data()
    status = answer.status_code if whole else 200  # 204 would promise that there is no body
    match fault.kind:
        case "timeout_after":
            return _silence(connection, fault.seconds)
        case "garbage":
            return Response(whole[: len(whole) // 2], 200, mimetype="application/json")
        case "html":
            return Response(NOT_AN_API, 200)
        case "wrong_types":
            return Response(_with_wrong_types(whole), status, mimetype="application/json")
        case "huge":
            return Response(whole + b" " * (HUGE - len(whole)), status, mimetype="application/json")
        case "cut_off":
            return _cut_off(status, whole)
        case _:
            return _slow(answer, whole, fault.seconds)


def leaves_unanswered(kind: str) -> bool:
    """Whether the caller never sees a status."""
    return kind in {"timeout_before", "timeout_after", "reset"}


class _Dropped:
    """A body that breaks off after its first `pieces`: it waits, then ends the connection."""

    def __init__(self, wait: Callable[[], object], *pieces: bytes) -> None:
        self._wait = wait
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        for piece in self._pieces:
            return piece
        self._wait()
        raise ConnectionResetError("dropped on purpose")


def _throttled(seconds: int) -> Response:
    body = json.dumps(
        {"detail": f"Request was throttled. Expected available in {seconds} second{'s' * (seconds != 1)}."}
    )
    return Response(body, 429, {"Retry-After": str(seconds)}, mimetype="application/json")


def _elsewhere(url: str) -> str:
    """The same path under another name of this machine: who follows is served, and was lured away."""
    parts = urlsplit(url)
    other = "127.0.0.1" if parts.hostname == "localhost" else "localhost"
    return parts._replace(netloc=f"{other}:{parts.port}" if parts.port else other).geturl()


def _with_wrong_types(body: bytes) -> bytes:
    def twisted(value: object) -> object:
        match value:
            case dict():
                return {name: twisted(one) for name, one in value.items()}
            case list():
                return {str(number): twisted(one) for number, one in enumerate(value)}
            case str():
                return [value]
            case _:
                return {"value": value}

    return json.dumps(twisted(json.loads(body or b"null"))).encode()


def _cut_off(status: int, whole: bytes) -> Response:
    """The length of the whole is announced, half of it comes."""
    half = _Dropped(lambda: None, whole[: len(whole) // 2])
    headers = {"Content-Type": "application/json", "Content-Length": str(max(len(whole), 1))}
    return Response(half, status, headers)


def _silence(connection: socket.socket, seconds: float) -> Response:
    def wait() -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)  # a caller who leaves makes it readable
            selector.select(seconds)

    return Response(_Dropped(wait))


def _reset(connection: socket.socket) -> Response:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return Response(_Dropped(lambda: None))


def _slow(answer: Response, whole: bytes, seconds: float) -> Response:
    def drip() -> Iterator[bytes]:
        for byte in whole:
            time.sleep(seconds / len(whole))
            yield bytes([byte])

    return Response(drip(), answer.status_code, answer.headers)
