"""ND8's 21 operations: each goes where ND8's document says, with the credentials it says and no others."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from oscar_nd8.client import ND8Client
from oscar_nd8.client._circuit import Circuit
from oscar_nd8.client._operations import DOCUMENTED, GET_PAYMENT, OPERATIONS, Credentials, Operation
from oscar_nd8.client._transport import Transport
from oscar_nd8.exceptions import CredentialsRejected, RequestRejected
from tests.plain.loopback import TRANSACTION

# tests/emulator holds this file to ND8's own document.
CONTRACT = Path(__file__).parents[1] / "emulator" / "nd8_openapi.yaml"
SCHEMES = {"ApiKeyAuth": Credentials.API_KEY, "TokenAuth": Credentials.MERCHANT_TOKEN}


def transport(handler: Any, **secrets: str) -> Transport:
    return Transport(
        base_url="https://nd8.example/api/",
        secrets={
            Credentials.API_KEY: SecretStr(secrets.get("key", "")),
            Credentials.MERCHANT_TOKEN: SecretStr(secrets.get("token", "")),
        },
        connect_timeout=1,
        read_timeout=1,
        read_budget=1,
        circuit=Circuit(threshold=5, pause=1),
        transport=httpx.MockTransport(handler),
    )


def parameters(operation: Operation) -> dict[str, str]:
    return {name: "id-1" for name in ("id", "token") if f"{{{name}}}" in operation.path_template}


def test_the_table_is_the_contracts() -> None:
    documented = {
        (
            details["operationId"],
            method.upper(),
            path,
            next((SCHEMES[name] for scheme in details["security"] for name in scheme), Credentials.NONE),
        )
        for path, methods in yaml.safe_load(CONTRACT.read_text())["paths"].items()
        for method, details in methods.items()
        if method != "parameters"
    }
    assert len(documented) == 21
    assert {(each.id, each.method, each.path_template, each.credentials) for each in DOCUMENTED} == documented
    assert len(DOCUMENTED) == len(documented)


def test_a_scope_is_what_only_an_api_key_has() -> None:
    for operation in OPERATIONS:
        assert bool(operation.scope) == (operation.credentials is Credentials.API_KEY)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_every_operation_goes_out_with_its_own_credentials(operation: Operation) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204 if operation.method == "DELETE" else 200, content=b"")

    both = transport(handler, key="the-key", token="the-token")
    assert both.call(operation, read=lambda body: len(body), path=parameters(operation)) == 0
    expected = {"Api-Key": "Api-Key the-key", "Token": "Token the-token", "": None}
    assert seen[0].headers.get("Authorization") == expected[operation.credentials]
    assert seen[0].method == operation.method
    assert seen[0].url.path == "/api" + operation.path(parameters(operation))
    both.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_without_its_credentials_an_operation_is_not_sent(operation: Operation) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert operation.credentials is Credentials.NONE
        assert "Authorization" not in request.headers
        return httpx.Response(200)

    other = {"token": "the-token"} if operation.credentials is Credentials.API_KEY else {"key": "the-key"}
    call = transport(handler, **other).call
    if operation.credentials is Credentials.NONE:
        call(operation, read=bytes, path=parameters(operation))
    else:
        with pytest.raises(CredentialsRejected, match=operation.credentials.name):
            call(operation, read=bytes, path=parameters(operation))


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "../refunds",
        "TX1/refund",
        "a\\b",
        "TX1\n",
        "TX\r\nHost: evil",
        "TX\x00",
        " TX1",
        "TX1 ",
        "T" * 201,
        chr(0xD800),
        "TX\u202e1",
        "\xa0",
    ],
)
def test_an_id_that_could_name_something_else_is_refused_before_sending(value: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        GET_PAYMENT.path({"id": value})
    assert caught.value.operation == "getPaymentById"
    assert caught.value.status is None


@given(st.text(max_size=60))
def test_any_id_stays_one_segment_of_the_path(value: str) -> None:
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200)

    try:
        transport(handler, key="k").call(GET_PAYMENT, read=bytes, path={"id": value})
    except RequestRejected:
        assert seen == []
    else:
        raw = seen[0].raw_path.decode()
        assert raw.startswith("/api/transactions/")
        assert raw.count("/") == 4
        assert not {"?", "#"} & set(raw)
        assert seen[0].path == f"/api/transactions/{value}/"


@pytest.mark.parametrize("path", [{}, {"token": "x"}, {"id": "x", "token": "y"}])
def test_a_path_takes_its_own_parameters_and_no_others(path: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="getPaymentById"):
        GET_PAYMENT.path(path)


def test_a_client_that_was_closed_sends_nothing_any_more() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=TRANSACTION)

    client = ND8Client(base_url="https://nd8.example/api/", api_key="k", transport=httpx.MockTransport(answer))
    assert client.get_transaction("TX1").id == "TX1"
    client.close()
    with pytest.raises(RuntimeError, match="was closed"):
        client.get_transaction("TX1")
    assert len(sent) == 1
