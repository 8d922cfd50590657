"""Every failure of ND8 is sorted by what to do next; a write whose fate is unknown is never called harmless."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import stamina

from oscar_nd8.client import Checkout, ND8Client, Transaction
from oscar_nd8.client._answers import retry_after
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
from tests.plain.loopback import CHECKOUT, TRANSACTION, checkout_request

Call = Callable[[ND8Client], Transaction | Checkout]
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_repeats() -> Iterator[None]:
    """What one answer means; repeating is tested against real sockets."""
    stamina.set_active(False)
    yield
    stamina.set_active(True)


def reading(client: ND8Client) -> Transaction:
    return client.get_transaction("TX1")


def writing(client: ND8Client) -> Checkout:
    return client.create_checkout(checkout_request())


def client(handler: Handler, **settings: Any) -> ND8Client:
    settings.setdefault("api_key", "sk_test_1")
    return ND8Client(base_url="https://nd8.example/api", transport=httpx.MockTransport(handler), **settings)


def answering(status: int, **content: Any) -> Handler:
    return lambda request: httpx.Response(status, **content)


def failing(error: Exception) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


def failure(call: Call, handler: Handler, **settings: Any) -> ProviderError:
    with client(handler, **settings) as nd8, pytest.raises(ProviderError) as caught:
        call(nd8)
    return caught.value


def test_a_payment_and_a_checkout_are_read() -> None:
    with client(answering(200, json=TRANSACTION)) as nd8:
        assert nd8.get_transaction("TX1").amount == "99.00"
    with client(answering(201, json=CHECKOUT)) as nd8:
        assert nd8.create_checkout(checkout_request()).checkout_id == "co_1"


@pytest.mark.parametrize("call", [reading, writing])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, CredentialsRejected),
        (403, ScopeMissing),
        (404, NotFound),
        (405, RequestRejected),
        (409, RequestRejected),
        (410, NoLongerAvailable),
        (422, RequestRejected),
        (429, RateLimited),
    ],
)
def test_a_refusal_is_named_by_its_status(call: Call, status: int, kind: type[ProviderError]) -> None:
    error = failure(call, answering(status, json={"detail": "No such luck."}))
    assert type(error) is kind
    assert (error.status, error.detail) == (status, "No such luck.")
    assert error.operation == ("getPaymentById" if call is reading else "createPayment")


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_a_server_error_is_harmless_for_a_read_only(status: int) -> None:
    assert type(failure(reading, answering(status))) is ProviderUnavailable
    unknown = failure(writing, answering(status, json={"detail": "oops"}))
    assert type(unknown) is OutcomeUnknown
    assert (unknown.status, unknown.detail) == (status, "oops")


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full"), httpx.ProxyError("no")],
)
def test_what_was_never_sent_is_harmless_even_for_a_write(error: Exception) -> None:
    assert type(failure(reading, failing(error))) is ProviderUnavailable
    assert type(failure(writing, failing(error))) is ProviderUnavailable


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.WriteError("broken pipe"),
        httpx.RemoteProtocolError("half"),
        httpx.LocalProtocolError("odd"),
    ],
)
def test_what_may_have_been_sent_leaves_the_outcome_of_a_write_unknown(error: Exception) -> None:
    assert type(failure(reading, failing(error))) is ProviderUnavailable
    assert type(failure(writing, failing(error))) is OutcomeUnknown


@pytest.mark.parametrize(
    "content",
    [
        {"content": b""},
        {"content": b"<html>Welcome</html>"},
        {"content": b'{"id": "TX1", "amou'},
        {"content": b"\xff\xfe\x00"},
        {"content": b"[" * 100_000},
        {"content": b'{"id": "TX1", "extra": ' + b"9" * 10_000 + b"}"},
        {"json": None},
        {"json": []},
        {"json": {}},
        {"json": TRANSACTION | {"amount": 99}},
        {"content": b" " * 1_000_001},
        {"content": b"{}", "headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_a_good_status_with_an_unreadable_body_is_no_answer(content: dict[str, Any]) -> None:
    assert type(failure(reading, answering(200, **content))) is ProviderUnavailable
    assert type(failure(writing, answering(201, **content))) is OutcomeUnknown


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirect_is_never_followed(status: int) -> None:
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(status, headers={"Location": "https://evil.example/api/elsewhere/"})

    assert type(failure(writing, handler)) is OutcomeUnknown
    assert paths == ["/api/checkout/create/"]
    assert "base URL" in str(failure(reading, handler))
    assert set(paths) == {"/api/checkout/create/", "/api/transactions/TX1/"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"detail": "Payment not found"}, "Payment not found"),
        ({"detail": ["One.", "Two."]}, "One.; Two."),
        ({"detail": {"code": "min", "message": "Too small"}}, "code: min; message: Too small"),
        ({"billing_email": ["Enter a valid address."]}, "billing_email: Enter a valid address."),
        (
            {"products": [{}, {"unit_price": ["Too low."]}], "non_field_errors": ["No."]},
            "products.unit_price: Too low.; non_field_errors: No.",
        ),
        (["plain"], "plain"),
        ("words", "words"),
        ({"detail": None}, ""),
        ({"detail": "a\n\x00b\x1b[31m"}, "a b[31m"),
        ({"detail": 7, "more": 1}, "7"),
    ],
)
def test_nd8s_own_words_are_kept_whatever_their_shape(body: Any, detail: str) -> None:
    assert failure(writing, answering(400, json=body)).detail == detail


def test_nd8s_own_words_are_cut() -> None:
    error = failure(writing, answering(400, json={"detail": "x" * 10_000}))
    assert error.detail == "x" * 500
    assert len(str(error)) < 600


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"{" * 100_000, b"9" * 6000, b" " * 2_000_000])
def test_a_refusal_without_words_is_still_a_refusal(body: bytes) -> None:
    error = failure(writing, answering(400, content=body))
    assert type(error) is RequestRejected
    assert error.detail == ""


def test_the_missing_scope_is_named() -> None:
    told = failure(writing, answering(403, json={"detail": "Missing required scope: refunds:write"}))
    silent = failure(writing, answering(403, content=b"Forbidden"))
    assert isinstance(told, ScopeMissing)
    assert isinstance(silent, ScopeMissing)
    assert (told.scope, silent.scope) == ("refunds:write", "checkout:create")
    assert "checkout:create" in str(silent)


def test_without_a_key_nothing_is_sent() -> None:
    error = failure(writing, failing(AssertionError("sent")), api_key="")
    assert type(error) is CredentialsRejected
    assert error.status is None


NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Wed, 01 May 2024 12:01:00 -0000", 60.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("Wed, 99 May 2024 12:01:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(header: str, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds


def test_a_rate_limit_says_when_to_come_back_and_a_write_is_not_repeated() -> None:
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(429, headers={"Retry-After": "0"})

    error = failure(writing, handler)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 0.0
    assert calls == ["POST"]


@pytest.mark.parametrize("handler", [answering(500), answering(201, content=b"half"), failing(httpx.ConnectError(""))])
def test_a_write_goes_out_once_whatever_happens(handler: Handler) -> None:
    calls: list[str] = []

    def counting(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return handler(request)

    failure(writing, counting)
    assert calls == ["POST"]


def test_nd8s_clock_is_known_from_any_answer_and_stays_known_without_one() -> None:
    answers = iter(
        [
            httpx.Response(404, headers={"Date": "Sat, 14 Mar 2026 12:00:00 GMT"}),
            httpx.Response(200, json=TRANSACTION, headers={"Date": "noon, more or less"}),
            httpx.Response(200, json=TRANSACTION),
        ]
    )
    with client(lambda _request: next(answers)) as nd8:
        assert nd8.server_time is None
        with pytest.raises(NotFound):
            nd8.get_transaction("TX1")
        for _answer in range(2):
            assert nd8.server_time == datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
            nd8.get_transaction("TX1")
        assert nd8.server_time == datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
