"""Neither keys nor bodies leave the client: not in errors, tracebacks with locals, logs or reprs."""

import gc
import logging
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stamina
from pydantic import SecretStr

from oscar_nd8.client import ND8Client
from oscar_nd8.exceptions import ProviderError
from tests.plain.loopback import (
    CHECKOUT,
    TRANSACTION,
    Script,
    checkout_request,
    http,
    resets,
    sends,
    serving,
)

KEY = "sk_live_do_not_show"
TOKEN = "mt_live_do_not_show"
EMAIL = "ada.private@example.com"
PRIVATE = (KEY, TOKEN, EMAIL, "page-token-secret", "Lovelace", "body-secret")


def calls(nd8: ND8Client) -> list[Callable[[], Any]]:
    request = checkout_request(billing_email=EMAIL)
    return [lambda: nd8.create_checkout(request), lambda: nd8.get_transaction("TX1")]


def shown(record: logging.LogRecord) -> str:
    return repr(vars(record)) + record.getMessage()


BAD: list[Script] = [
    resets,
    sends(b"garbage body-secret\r\n\r\n", keep=False),
    sends(http(CHECKOUT | {"expires_at": "body-secret", "payer_email": EMAIL}, status="201 Created")),
    sends(http(TRANSACTION | {"amount": [EMAIL, "body-secret"]})),
    sends(http(b'{"token": "page-token-secret", "x": body-secret')),
    sends(http(b"body-secret", status="500 Oh")),
    sends(http(b"body-secret", status="302 Found", headers="Location: https://x/\r\n")),
    sends(http({"detail": f"The key {KEY} is unknown"}, status="401 Unauthorized")),
    sends(http({"detail": [f"Token {TOKEN}"]}, status="403 Forbidden")),
]


@pytest.mark.parametrize("script", BAD)
def test_no_error_shows_a_secret_or_a_body(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    with serving(script) as server:
        nd8 = ND8Client(
            base_url=server.url, api_key=KEY, merchant_token=SecretStr(TOKEN), read_timeout=0.5, read_budget=0.4
        )
        for call in calls(nd8):
            with pytest.raises(ProviderError) as caught:
                call()
            error = caught.value
            own = traceback.TracebackException.from_exception(error, capture_locals=True)
            own.stack = traceback.StackSummary.from_list(own.stack[1:])  # not this test's own variables
            told += ["".join(own.format()), repr(error), repr(vars(error)), repr(error.__cause__)]
        told += [repr(nd8), repr(nd8._transport), repr(vars(nd8._transport))]
        nd8.close()
    told += [shown(record) for record in caplog.records if not record.name.startswith("httpcore.")]
    assert [secret for secret in PRIVATE if any(secret in text for text in told)] == []
    # At DEBUG httpcore shows what a server sent in place of a status line; what we send it never shows.
    everything = "".join(shown(record) for record in caplog.records)
    assert [secret for secret in (KEY, TOKEN, EMAIL) if secret in everything] == []


def test_a_success_is_logged_by_its_name_and_time_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        serving(sends(http(CHECKOUT, status="201 Created"))) as server,
        ND8Client(base_url=server.url, api_key=KEY) as nd8,
    ):
        nd8.create_checkout(checkout_request(billing_email=EMAIL))
    (record,) = [record for record in caplog.records if record.name == "oscar_nd8.client"]
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("createPayment: 201 in ")
    assert record.getMessage().endswith(" ms, attempt 1")
    everything = "".join(shown(record) for record in caplog.records)
    assert [secret for secret in PRIVATE if secret in everything] == []


def test_whatever_watches_the_retries_is_told_no_arguments() -> None:
    seen: list[stamina.instrumentation.RetryDetails] = []

    def watch(details: stamina.instrumentation.RetryDetails) -> None:
        seen.append(details)

    before = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([watch])
    transport = httpx.MockTransport(lambda request: httpx.Response(500))
    nd8 = ND8Client(base_url="https://nd8.example/", api_key=KEY, transport=transport, read_budget=0.5)
    try:
        with nd8, pytest.raises(ProviderError):
            nd8.get_transaction("TX1")
    finally:
        stamina.instrumentation.set_on_retry_hooks(before)
    assert seen
    assert all((details.args, details.kwargs) == ((), {}) for details in seen)
    assert KEY not in repr(seen)


def test_a_read_that_was_repeated_leaves_nothing_behind_that_holds_the_key() -> None:
    answers = iter([httpx.Response(500), httpx.Response(200, json=TRANSACTION)])
    nd8 = ND8Client(
        base_url="https://nd8.example/", api_key=KEY, transport=httpx.MockTransport(lambda request: next(answers))
    )
    gc.collect()
    gc.disable()
    try:
        with nd8, stamina.set_testing(True, attempts=2):
            nd8.get_transaction("TX1")
        left = [each for each in gc.get_objects() if isinstance(each, httpx.Request)]
        assert [request for request in left if KEY in request.headers.get("Authorization", "")] == []
    finally:
        gc.enable()
    assert next(answers, None) is None


def test_a_request_shows_nobody() -> None:
    shown = repr(checkout_request(billing_email=EMAIL)) + str(checkout_request(billing_email=EMAIL))
    assert [secret for secret in PRIVATE if secret in shown] == []


WITHOUT_DJANGO = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "oscar", "wagtail"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
import oscar_nd8.client, oscar_nd8.money, oscar_nd8.lines, oscar_nd8.exceptions
oscar_nd8.client.ND8Client(base_url="https://nd8.example/api/", api_key="k").close()
ours = sorted(name for name in sys.modules if name.startswith("oscar_nd8"))
assert ours == [
    "oscar_nd8", "oscar_nd8.client", "oscar_nd8.client._answers", "oscar_nd8.client._circuit",
    "oscar_nd8.client._client", "oscar_nd8.client._network", "oscar_nd8.client._operations",
    "oscar_nd8.client._transport", "oscar_nd8.client.schemas", "oscar_nd8.client.schemas._base",
    "oscar_nd8.client.schemas.checkout", "oscar_nd8.client.schemas.organization",
    "oscar_nd8.client.schemas.payment_links", "oscar_nd8.client.schemas.refunds", "oscar_nd8.client.signatures",
    "oscar_nd8.exceptions", "oscar_nd8.lines", "oscar_nd8.money", "oscar_nd8.tracing",
], ours
"""


def test_the_client_and_the_money_live_without_django() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_DJANGO], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
