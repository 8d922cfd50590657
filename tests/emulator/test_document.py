"""The contract that the emulator is tested with says what ND8's own document says."""

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.test_contract import CONTRACT, load

DOCUMENT = Path(__file__).parents[2].parent / "shared" / "nd8" / "openapi.yaml"
METHODS = {"get", "post", "put", "patch", "delete"}

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="ND8's document lies beside the repository")


def resolved(node: Any, document: dict[str, Any]) -> Any:
    """The node with references followed."""
    while isinstance(node, dict) and "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = document
        for name in path:
            node = node[name]
    return node


def shape(schema: Any, document: dict[str, Any]) -> Any:
    """Types, properties, required names and choices of a schema; not its narrower rules."""
    schema = resolved(schema, document)
    if "oneOf" in schema:
        return [shape(one, document) for one in schema["oneOf"]]
    if schema.get("type") == "array":
        return [shape(schema["items"], document)]
    if "properties" in schema:
        return {name: shape(one, document) for name, one in schema["properties"].items()}
    return schema.get("type", "object"), schema.get("format")


def parameters(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Name to place and shape."""
    found = [resolved(one, document) for one in operation.get("parameters", [])]
    return {one["name"]: (one["in"], shape(one["schema"], document)) for one in found}


def content(part: Any, document: dict[str, Any]) -> Any:
    """The shape of a JSON body, and which of its fields are required."""
    schema = resolved(part, document)["content"]["application/json"]["schema"]
    return shape(schema, document), resolved(schema, document).get("required")


OPERATIONS = [
    (path, method) for path, methods in load(CONTRACT)["paths"].items() for method in methods if method in METHODS
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_contract_is_the_documents(path: str, method: str) -> None:
    ours, theirs = load(CONTRACT), load(DOCUMENT)
    mine, documented = ours["paths"][path][method], theirs["paths"][path][method]
    assert mine["operationId"] == documented["operationId"]
    assert mine["security"] == documented["security"]
    assert parameters(mine, ours) == parameters(documented, theirs)
    assert documented["responses"].keys() <= mine["responses"].keys()
    if "requestBody" in documented:
        assert content(mine["requestBody"], ours) == content(documented["requestBody"], theirs)
    success = min(documented["responses"])
    answer, _ = content(mine["responses"][success], ours)
    assert answer == content(documented["responses"][success], theirs)[0]


@pytest.mark.parametrize("name", ["CheckoutCreateRequest", "RefundCreateRequest", "Refund"])
def test_documented_choices_are_ours(name: str) -> None:
    ours, theirs = load(CONTRACT), load(DOCUMENT)
    documented = theirs["components"]["schemas"][name]["properties"]
    mine = ours["components"]["schemas"][name]["properties"]
    choices = {field: rules["enum"] for field, rules in documented.items() if "enum" in rules}
    for field, words in choices.items():
        assert resolved(mine[field], ours)["enum"] == words, field
