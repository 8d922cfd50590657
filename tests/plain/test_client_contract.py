"""Every request of the client is one that ND8's contract allows, in each of its words."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jsonschema_rs
import pytest
import stamina
import yaml

from oscar_nd8.client import ND8Client
from oscar_nd8.client._operations import OPERATIONS
from oscar_nd8.exceptions import ProviderError
from tests.plain.every_call import CALLS, Known

TESTS = Path(__file__).parents[1]
OURS, ND8S = TESTS / "emulator" / "nd8_openapi.yaml", TESTS.parents[1] / "shared" / "nd8" / "openapi.yaml"
CONTRACTS = [OURS, *([ND8S] if ND8S.exists() else [])]
SECRETS = {"ApiKeyAuth": "Api-Key the-key", "TokenAuth": "Token the-token"}


def sent(operation: str) -> httpx.Request:
    """The request that a call of this operation makes."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    client = ND8Client(
        base_url="https://nd8.example/api",
        api_key="the-key",
        merchant_token="the-token",
        transport=httpx.MockTransport(handler),
    )
    with client, pytest.raises(ProviderError), stamina.set_testing(True):
        CALLS[operation](client, Known())
    (request,) = seen
    return request


def as_draft_4(node: Any) -> Any:
    """OpenAPI 3.0's own word for null, in JSON Schema's."""
    if isinstance(node, list):
        return [as_draft_4(each) for each in node]
    if not isinstance(node, dict):
        return node
    read = {name: as_draft_4(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, read]} if node.get("nullable") is True else read


def check(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Raise unless the schema allows the value."""
    whole = as_draft_4(schema | {"components": document["components"]})
    jsonschema_rs.Draft4Validator(whole, validate_formats=True).validate(value)


def resolved(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The node that a reference stands for."""
    while "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = document
        for name in path:
            node = node[name]
    return node


def found(request: httpx.Request, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[Any]]:
    """The operation that a request is for, what stands in its path, and the parameters it may have."""
    path = request.url.path.removeprefix("/api")
    for template, item in sorted(document["paths"].items(), key=lambda pair: "{" in pair[0]):
        match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template), path)
        operation = item.get(request.method.lower())
        if match and operation:
            return operation, match.groupdict(), item.get("parameters", []) + operation.get("parameters", [])
    raise AssertionError(f"{request.method} {path} is not in the document")


@pytest.mark.parametrize("contract", CONTRACTS, ids=["ours", "nd8s"][: len(CONTRACTS)])
@pytest.mark.parametrize("name", [name for name in CALLS if name != "revokeOrganizationApiKey"])
def test_a_request_keeps_the_contract(name: str, contract: Path) -> None:
    document = yaml.safe_load(contract.read_text())
    request = sent(name)
    operation, in_path, parameters = found(request, document)
    assert operation["operationId"] == name
    schemes = [scheme for requirement in operation["security"] for scheme in requirement]
    assert request.headers.get("Authorization") == (SECRETS[schemes[0]] if schemes else None)
    query = dict(parse_qsl(urlsplit(str(request.url)).query))
    declared = {each["name"]: each for each in (resolved(one, document) for one in parameters)}
    assert {*query, *in_path} <= declared.keys()
    for key, value in (query | in_path).items():
        schema = resolved(declared[key]["schema"], document)
        check(int(value) if schema.get("type") == "integer" else value, schema, document)
    wanted = operation.get("requestBody")
    assert bool(request.content) == (wanted is not None)
    if wanted:
        assert request.headers["Content-Type"] == "application/json"
        media = resolved(wanted, document)["content"]["application/json"]
        body = httpx.Response(200, content=request.content).json()
        check(body, media["schema"], document)
        known = resolved(media["schema"], document).get("properties")
        assert not known or body.keys() <= known.keys()


def test_every_operation_is_called() -> None:
    assert set(CALLS) == {operation.id for operation in OPERATIONS}
