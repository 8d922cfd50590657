"""The emulator as a running server: in a thread for tests, in a process for everybody else."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .app import create_app
from .courier import RETRY_DELAYS
from .faults import RESET_ON_CLOSE
from .world import Setup, World, utc_now


class QuietHandler(WSGIRequestHandler):
    """Logs nothing, and ends the connection of a request that was dropped on purpose."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # werkzeug's own name
        """Keep the terminal for the one line that matters."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Wait for no further request on this connection."""
        self.close_connection = True


class Server(ThreadedWSGIServer):
    """A thread per request; lets a reset be a reset."""

    def shutdown_request(self, request: Any) -> None:
        """Close as usual, except that a connection set to reset says no polite goodbye first."""
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET_ON_CLOSE))
        if linger == RESET_ON_CLOSE:
            self.close_request(request)
        else:
            super().shutdown_request(request)


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, as a test or a script speaks to it."""

    url: str  # with a slash at its end
    http: httpx.Client

    @property
    def api_url(self) -> str:
        """The base URL for production keys."""
        return f"{self.url}api"

    @property
    def sandbox_api_url(self) -> str:
        """The base URL for sandbox keys."""
        return f"{self.url}sandbox/api"

    def control(self, call: str, **fields: object) -> dict[str, Any]:
        """Make a control call, such as `control("reset")`; a refusal raises httpx.HTTPStatusError."""
        answer: dict[str, Any] = self.http.post(f"_emulator/{call}", json=fields).raise_for_status().json()
        return answer

    def state(self) -> dict[str, Any]:
        """Everything that happened since the last reset."""
        answer: dict[str, Any] = self.http.get("_emulator/state").raise_for_status().json()
        return answer


@contextmanager
def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str = Setup.api_key,
    merchant_token: str = Setup.merchant_token,
    webhook_url: str = "",
    webhook_secret: str = Setup.webhook_secret,
    seed: int | None = None,
    retry_delays: Sequence[float] = RETRY_DELAYS,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Emulator]:
    """Serve an emulator from a thread of this process; port 0 takes a free one."""
    setup = Setup(
        api_key=api_key,
        merchant_token=merchant_token,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        seed=seed,
        retry_delays=retry_delays,
    )
    world = World(setup, clock=clock)
    server = Server(host, port, create_app(world), QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    url = f"http://{host}:{server.port}/"
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            yield Emulator(url, http)
    finally:
        server.shutdown()
        thread.join()
        world.close()
