"""The contract that the emulator is tested with says what ND8's own document says; the emulator serves all of it."""

from pathlib import Path
from typing import Any

import pytest

from oscar_nd8.emulator.access import Admission, anybody, merchant_token
from oscar_nd8.emulator.operations import OPERATIONS
from tests.emulator.test_contract import CONTRACT, load

BESIDE = Path(__file__).parents[2].parent / "shared" / "nd8" / "openapi.yaml"
# Where ND8's document does not lie beside the repository, the contract stands for it.
DOCUMENT = BESIDE if BESIDE.exists() else CONTRACT
METHODS = ("get", "post", "put", "patch", "delete")
RULES = ("type", "format", "enum", "default", "nullable", "maxLength", "minimum", "exclusiveMinimum")
OURS, THEIRS = load(CONTRACT), load(DOCUMENT)
GUIDES_OWN = {"revokeOrganizationApiKey"}  # told in ND8's guide alone


def resolved(node: Any, document: dict[str, Any]) -> Any:
    """The node with references followed."""
    while isinstance(node, dict) and "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = document
        for name in path:
            node = node[name]
    return node


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Path and method of each operation."""
    return {
        methods[method]["operationId"]: (path, method)
        for path, methods in document["paths"].items()
        for method in METHODS
        if method in methods
    }


def differences(mine: Any, documented: Any, where: str) -> list[str]:
    """Where our schema does not say what the documented one says; it may say more."""
    mine, documented = resolved(mine, OURS), resolved(documented, THEIRS)
    if "oneOf" in documented:
        pairs = zip(mine["oneOf"], documented["oneOf"], strict=True)
        return [found for number, pair in enumerate(pairs) for found in differences(*pair, f"{where}/{number}")]
    found = [f"{where} {rule}" for rule in RULES if rule in documented and mine.get(rule) != documented[rule]]
    if "items" in documented:
        found += differences(mine["items"], documented["items"], f"{where}/[]")
    if "properties" in documented:
        if mine["properties"].keys() != documented["properties"].keys():
            return [*found, f"{where} properties"]
        for name, rules in documented["properties"].items():
            found += differences(mine["properties"][name], rules, f"{where}/{name}")
    return found


def schema_of(part: Any, document: dict[str, Any]) -> Any:
    """The schema of a JSON body, if there is one."""
    media = resolved(part, document).get("content", {}).get("application/json", {})
    return resolved(media.get("schema"), document)


def parameters(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """An operation's parameters by place and name, those of its path included."""
    methods = document["paths"][path]
    found = [*methods.get("parameters", []), *methods[method].get("parameters", [])]
    return {f"{one['in']} {one['name']}": one for one in (resolved(each, document) for each in found)}


def test_the_contract_has_every_documented_operation_and_no_other() -> None:
    assert operations(OURS) == operations(THEIRS)
    assert len(operations(OURS)) == 21


@pytest.mark.parametrize("operation", sorted(operations(OURS)))
def test_the_contract_is_the_documents(operation: str) -> None:
    path, method = operations(THEIRS)[operation]
    mine, documented = OURS["paths"][path][method], THEIRS["paths"][path][method]
    assert mine["security"] == documented["security"]
    assert documented["responses"].keys() <= mine["responses"].keys()
    ours, theirs = parameters(OURS, path, method), parameters(THEIRS, path, method)
    assert {name: one.get("required", False) for name, one in ours.items()} == {
        name: one.get("required", False) for name, one in theirs.items()
    }
    found = [
        each for name, one in theirs.items() for each in differences(ours[name]["schema"], one["schema"], f"/{name}")
    ]
    for status, answer in documented["responses"].items():
        if schema := schema_of(answer, THEIRS):
            found += differences(schema_of(mine["responses"][status], OURS), schema, f"/{status}")
    assert found == []


@pytest.mark.parametrize("operation", sorted(operations(OURS)))
def test_what_can_be_sent_is_what_is_documented(operation: str) -> None:
    path, method = operations(THEIRS)[operation]
    mine = OURS["paths"][path][method].get("requestBody")
    documented = THEIRS["paths"][path][method].get("requestBody")
    assert (mine is None) == (documented is None)
    if documented is not None:
        assert mine.get("required", False) == documented.get("required", False)
        ours, theirs = schema_of(mine, OURS), schema_of(documented, THEIRS)
        assert differences(ours, theirs, "") == []
        assert ours.get("required") == theirs.get("required")


@pytest.mark.parametrize("scheme", ["ApiKeyAuth", "TokenAuth"])
def test_credentials_travel_as_documented(scheme: str) -> None:
    theirs = {
        name: word for name, word in THEIRS["components"]["securitySchemes"][scheme].items() if name != "description"
    }
    assert OURS["components"]["securitySchemes"][scheme] == theirs


def test_the_emulator_serves_the_contract_and_nothing_else() -> None:
    served = {
        one.name: (one.path.replace("<target>", "{}"), one.method.lower())
        for one in OPERATIONS
        if one.name not in GUIDES_OWN
    }
    contract = {
        name: (path.replace("{id}", "{}").replace("{token}", "{}"), method)
        for name, (path, method) in operations(OURS).items()
    }
    assert served == contract


def test_the_emulator_admits_whom_the_contract_admits() -> None:
    admitted: dict[Admission, Any] = {merchant_token: [{"TokenAuth": []}], anybody: []}
    for one in OPERATIONS:
        if one.name not in GUIDES_OWN:
            path, method = operations(OURS)[one.name]
            security = OURS["paths"][path][method]["security"]
            assert security == admitted.get(one.admit, [{"ApiKeyAuth": []}]), one.name
