"""What an answer, or the lack of one, means for the caller: the only place where HTTP becomes our errors.

Messages hold the operation, what to do, and ND8's own sentence; never a body, a header or a secret.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

import httpx
from pydantic_core import from_json

from oscar_nd8.client._operations import Credentials, Operation
from oscar_nd8.exceptions import (
    CredentialsRejected,
    NoLongerAvailable,
    NotFound,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
    ScopeMissing,
)

__all__ = ["Answer", "is_failure_of_provider", "moment", "refused", "retry_after", "unanswered", "unreadable"]

_DETAIL_LENGTH: Final = 500
_SCOPE: Final = re.compile(r"\b[a-z_]+:[a-z_]+\b")
# Raised before the request leaves; whatever else goes wrong may have reached ND8.
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
# Our own doing: no connection is free here, or the request was never one.
_OURS: Final = (httpx.PoolTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol)
_CREDENTIALS: Final = {
    Credentials.API_KEY: "API key",
    Credentials.MERCHANT_TOKEN: "merchant token",
    Credentials.NONE: "request",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, complete. `retry_after` is in seconds; the body never shows in a repr."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


def unanswered(operation: Operation, error: httpx.RequestError) -> ProviderError:
    """No complete answer came: harmless for a read or if nothing was sent, else the outcome is unknown."""
    reason = type(error).__name__
    if isinstance(error, _NEVER_SENT):
        message = f"{operation.id} could not be sent to ND8 ({reason}: {error}). Nothing happened there; try later."
        return ProviderUnavailable(message, operation=operation.id)
    return _lost(operation, f"ND8 did not answer {operation.id} to the end ({reason}).")


def is_failure_of_provider(error: ProviderError) -> bool | None:
    """Whether a call ended so because ND8 is down or cannot be reached; None where that cannot be told.

    An answer that refuses, or that nobody can read, comes from a provider that answers.
    """
    if isinstance(error.__cause__, _OURS):
        return None
    return error.status is None or error.status >= 500


def unreadable(operation: Operation, answer: Answer) -> ProviderError:
    """An answer came that nobody can read: not the documented JSON, or a redirect, never followed."""
    where = " It points elsewhere: check the base URL." if 300 <= answer.status < 400 else ""
    return _lost(operation, f"ND8 answered {operation.id} with something unreadable.{where}", status=answer.status)


def refused(operation: Operation, answer: Answer, *, redact: Callable[[str], str]) -> ProviderError:
    """The error that an answer with status 400 or higher stands for; `redact` takes secrets out of a text."""
    detail = redact(_detail(answer.body))[:_DETAIL_LENGTH]
    told: dict[str, Any] = {"operation": operation.id, "status": answer.status, "detail": detail}
    if answer.status >= 500 or answer.status == 408:
        message = f"ND8 failed at {operation.id} (status {answer.status})."
        return _lost(operation, message, retry_after=answer.retry_after, status=answer.status, detail=detail)
    if answer.status == 429:
        message = f"ND8 takes no more requests for now ({operation.id}); wait before the next one."
        return RateLimited(message, retry_after=answer.retry_after, **told)
    return _rejected(operation, answer.status, told)


def _rejected(operation: Operation, status: int, told: dict[str, Any]) -> RequestRejected:
    credentials, detail = _CREDENTIALS[operation.credentials], told["detail"]
    match status:
        case 401:
            message = f"ND8 does not accept the {credentials} ({operation.id}). Check it and the base URL."
            return CredentialsRejected(message, **told)
        case 403:
            named = _SCOPE.search(detail)
            scope = named[0] if named else operation.scope
            lacks = f"lacks the scope {scope}" if scope else "has no permission"
            message = f"The {credentials} {lacks} ({operation.id}). Grant it in ND8's dashboard."
            return ScopeMissing(message, scope=scope, **told)
        case 404:
            return NotFound(f"ND8 knows no such thing ({operation.id}). {detail}".strip(), **told)
        case 410:
            return NoLongerAvailable(f"It is no longer available ({operation.id}). {detail}".strip(), **told)
        case _:
            return RequestRejected(f"ND8 refused {operation.id} (status {status}). {detail}".strip(), **told)


def _lost(
    operation: Operation,
    message: str,
    *,
    status: int | None = None,
    detail: str = "",
    retry_after: float | None = None,
) -> ProviderUnavailable | OutcomeUnknown:
    told: dict[str, Any] = {"operation": operation.id, "status": status, "detail": detail}
    if operation.repeatable:
        return ProviderUnavailable(f"{message} Try later.", retry_after=retry_after, **told)
    return OutcomeUnknown(f"{message} It may have happened: find out before repeating it.", **told)


def retry_after(value: str, *, now: datetime | None = None) -> float | None:
    """The header `Retry-After` in seconds from `now`: a number of seconds or an HTTP date, else None."""
    if not value:
        return None
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    at = moment(value)
    return None if at is None else max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


@lru_cache(maxsize=16)  # many answers come within a second
def moment(value: str) -> datetime | None:
    """An HTTP date, as in the header `Date`; None where it is none."""
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _detail(body: bytes) -> str:
    """ND8's own words, of whatever shape: a sentence, or Django REST framework's errors by field."""
    try:
        content = from_json(body)
    except ValueError:
        return ""
    if isinstance(content, dict) and "detail" in content:
        content = content["detail"]
    words = " ".join("; ".join(_sentences(content)).split())
    return "".join(filter(str.isprintable, words))


def _sentences(content: Any, name: str = "") -> Iterator[str]:
    match content:
        case dict():
            for key, value in content.items():
                yield from _sentences(value, f"{name}.{key}" if name else str(key))
        case list():
            for value in content:
                yield from _sentences(value, name)
        case None:
            return
        case _:
            yield f"{name}: {content}" if name else str(content)
