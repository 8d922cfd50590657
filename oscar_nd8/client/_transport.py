"""One exchange with ND8, for any operation: credentials, clocks, repeated reads, and nothing secret said."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import count
from time import monotonic
from typing import Final, TypeVar

import httpx
import stamina
from pydantic import SecretStr

from oscar_nd8.client._answers import Answer, moment, refused, retry_after, unanswered, unreadable
from oscar_nd8.client._circuit import Circuit, CircuitState
from oscar_nd8.client._network import TimedTransport, remaining, until
from oscar_nd8.client._operations import Credentials, Operation
from oscar_nd8.client.schemas._base import Sent
from oscar_nd8.exceptions import CircuitOpen, CredentialsRejected, ProviderError, ProviderUnavailable
from oscar_nd8.tracing import span

__all__ = ["Observer", "Transport"]

logger = logging.getLogger("oscar_nd8.client")

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
Observer = Callable[[str, str, float], None]

_BODY_LIMIT: Final = 1_000_000  # bytes; ND8's largest answer, a page of refunds, has some ten thousand
_READ_ATTEMPTS: Final = 6
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
# Compressed answers could be small on the wire and huge in memory.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "oscar_nd8"}
_JSON_HEADERS: Final = _HEADERS | {"Content-Type": "application/json"}
_parsed = lru_cache(maxsize=256)(httpx.URL)


class Transport:
    """A keep-alive connection pool to one account at ND8; safe to share between threads.

    `connect_timeout` and `read_timeout` limit one exchange, also as a sum; `read_budget` limits a read with
    all its repetitions, and half of it one of them. All in seconds. `server_time` is what ND8's clock said in
    its newest answer. `observe` hears of every request: its operation, how it ended and the seconds that it took.
    """

    def __init__(
        self,
        *,
        base_url: str,
        secrets: Mapping[Credentials, SecretStr],
        connect_timeout: float,
        read_timeout: float,
        read_budget: float,
        circuit: Circuit,
        transport: httpx.BaseTransport | None = None,
        observe: Observer | None = None,
    ) -> None:
        if min(connect_timeout, read_timeout, read_budget) <= 0:
            raise ValueError("Timeouts and the read budget must be above zero seconds.")
        self._base_url = base_url
        self._secrets = {scheme: secret for scheme, secret in secrets.items() if secret}
        self._exchange_limit = connect_timeout + read_timeout
        self._read_budget = read_budget
        self._circuit = circuit
        self._observe = observe or _unobserved
        self.server_time: datetime | None = None
        limits = httpx.Timeout(read_timeout, connect=connect_timeout, pool=connect_timeout)
        self._limits = {"timeout": limits.as_dict()}
        # No httpx.Client around it: redirects, cookies and proxies of the environment are what must not happen
        # here, and asking it not to takes a quarter of a call.
        self._http = transport or TimedTransport(tls=httpx.create_ssl_context())
        self._is_closed = False

    def close(self) -> None:
        """Close all connections; the transport cannot be used afterwards."""
        self._is_closed = True
        self._http.close()

    def call(
        self,
        operation: Operation,
        *,
        read: Callable[[bytes], T],
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Sent | None = None,
    ) -> T:
        """The answer of `operation`, as `read` makes it from the body of a 2xx answer.

        A ValueError of `read` says that the body is not what ND8 documents. Reads are repeated with backoff
        and jitter, honouring Retry-After, within the read budget; writes go out once. Raises a
        ProviderError, and RuntimeError once it was closed.
        """
        if self._is_closed:
            raise RuntimeError("This client was closed, and cannot be used any more.")
        url = self._base_url + operation.path(path or {}).removeprefix("/")
        if operation.credentials and operation.credentials not in self._secrets:
            message = f"{operation.id} is authorized by {operation.credentials.name}, and none is set."
            raise CredentialsRejected(message, operation=operation.id)
        # Not by httpx's `build_request`, which parses the address and merges headers and cookies for every call.
        request = httpx.Request(
            operation.method,
            _parsed(url),
            params=query,
            content=body.to_json() if body else None,
            headers=_JSON_HEADERS if body else _HEADERS,
            extensions=self._limits,
        )
        try:
            with span(f"ND8 {operation.id}"), self._circuit.passage(operation):
                if operation.repeatable:
                    return self._repeated(operation, request, read)
                return self._once(operation, request, read, attempt=1, ends_at=monotonic() + self._exchange_limit)
        except CircuitOpen as error:
            self._observe(operation.id, type(error).__name__, 0)
            raise

    def _repeated(self, operation: Operation, request: httpx.Request, read: Callable[[bytes], T]) -> T:
        ends_at = monotonic() + self._read_budget

        def once(attempt: int) -> T:
            """One try: one that hangs leaves half of the budget to another."""
            turn = min(ends_at, monotonic() + self._read_budget / 2)
            return self._once(operation, request, read, attempt=attempt, ends_at=turn)

        try:
            return once(1)
        except ProviderUnavailable as error:
            failed = [error]
        return self._again(once, failed, ends_at=ends_at)

    def _again(self, once: Callable[[int], T], failed: list[ProviderUnavailable], *, ends_at: float) -> T:
        """What becomes of a read whose first try `failed`. Stamina is not asked before: it takes a tenth of a call."""
        numbers = count(2)

        def attempt() -> T:
            if failed:
                # Kept nowhere: its frames hold the request and its key, and would be held by it in turn.
                raise failed.pop()
            return once(next(numbers))

        def wait(error: Exception) -> bool | float:
            """Whether to repeat, or after how many seconds: never a wait that ends after the budget."""
            if not isinstance(error, ProviderUnavailable) or self._circuit.snapshot.state is CircuitState.OPEN:
                return False
            left = ends_at - monotonic()
            if error.retry_after is None:
                return left > longest_wait
            return error.retry_after if error.retry_after < left else False

        longest_wait = min(_LONGEST_WAIT, self._read_budget / 4)
        repeat = stamina.RetryingCaller(
            attempts=_READ_ATTEMPTS,
            timeout=self._read_budget,
            wait_initial=_FIRST_WAIT,
            wait_max=longest_wait,
            wait_jitter=_FIRST_WAIT,
        )
        # Without arguments, because stamina hands those of a repeated call to whatever logs its retries.
        return repeat(wait, attempt)

    def _once(
        self,
        operation: Operation,
        request: httpx.Request,
        read: Callable[[bytes], T],
        *,
        attempt: int,
        ends_at: float,
    ) -> T:
        started = monotonic()
        try:
            answer = self._answer(operation, request, read, attempt=attempt, started=started, ends_at=ends_at)
        except ProviderError as error:
            self._observe(operation.id, type(error).__name__, monotonic() - started)
            raise
        self._observe(operation.id, "ok", monotonic() - started)
        return answer

    def _answer(
        self,
        operation: Operation,
        request: httpx.Request,
        read: Callable[[bytes], T],
        *,
        attempt: int,
        started: float,
        ends_at: float,
    ) -> T:
        try:
            with until(min(ends_at, started + self._exchange_limit)):
                answer = self._exchange(operation, request)
        except httpx.RequestError as error:
            _log(operation, type(error).__name__, started=started, attempt=attempt, level=logging.WARNING)
            raise unanswered(operation, error) from _bare(error)
        good = 200 <= answer.status < 300
        level = logging.INFO if good else logging.WARNING
        _log(operation, str(answer.status), started=started, attempt=attempt, level=level)
        if answer.status >= 400:
            raise refused(operation, answer, redact=self._redact)
        if not good:
            raise unreadable(operation, answer)
        try:
            return read(answer.body)
        except ValueError as error:
            raise unreadable(operation, answer) from _bare(error)

    def _exchange(self, operation: Operation, request: httpx.Request) -> Answer:
        scheme = operation.credentials
        if scheme:
            # At the last moment, so that the secret is no variable of ours.
            request.headers["Authorization"] = f"{scheme} {self._secrets[scheme].get_secret_value()}"
        response = self._http.handle_request(request)
        try:
            body = _body(response)
        except httpx.RequestError:
            if response.is_success:
                raise
            body = b""  # a refusal is one, whether or not its explanation arrives
        finally:
            response.close()
        self.server_time = moment(response.headers.get("Date", "")) or self.server_time
        return Answer(response.status_code, body, retry_after(response.headers.get("Retry-After", "")))

    def _redact(self, text: str) -> str:
        for secret in self._secrets.values():
            text = text.replace(secret.get_secret_value(), "[secret]")
        return text


def _unobserved(operation: str, outcome: str, seconds: float) -> None:
    """Nobody asked to hear."""


def _body(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise httpx.RemoteProtocolError("The answer is compressed although that was not asked for.")
    body = bytearray()
    for chunk in response.iter_bytes():
        remaining()
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise httpx.RemoteProtocolError("The answer is longer than any of ND8's.")
    return bytes(body)


def _log(operation: Operation, outcome: str, *, started: float, attempt: int, level: int) -> None:
    milliseconds = (monotonic() - started) * 1000
    logger.log(level, "%s: %s in %d ms, attempt %d", operation.id, outcome, milliseconds, attempt)


def _bare(error: E) -> E:
    """`error` fit to be shown as a cause: its frames hold headers and bodies, which error reporters print."""
    error.__cause__ = error.__context__ = None
    if isinstance(error, httpx.ProtocolError):
        error.args = ()  # its message quotes what the server sent
    return error.with_traceback(None)
