"""The served operations keep ND8's contract, whatever anybody sends."""

import re
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.generation import GenerationMode

from oscar_nd8.emulator import Emulator
from oscar_nd8.emulator.ids import Ids
from tests.emulator.conftest import KEY, SEED, TOKEN
from tests.emulator.merchant import Merchant, Session

# Whatever of ours these requests reach, others reach on purpose; making them up takes twice as long while watched.
pytestmark = pytest.mark.no_cover

CONTRACT = Path(__file__).with_name("nd8_openapi.yaml")
NO_LIMIT = 10**60


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


_KEY_ID, LINK, UNKNOWN_LINK = map(Ids.uuid, repeat(Ids(SEED), 3))  # the first two are the first that an emulator gives


def narrowed(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with ids of things that exist here, so that valid requests find something."""
    parts = contract["components"]
    parts["parameters"]["PaymentId"]["schema"]["enum"] = ["1", "TXunknown"]
    parts["parameters"]["RefundId"]["schema"]["enum"] = ["2", "RFunknown"]
    for name in ("LinkId", "LinkToken"):
        parts["parameters"][name]["schema"]["enum"] = [LINK, UNKNOWN_LINK]
    parts["schemas"]["CatalogueItem"]["properties"]["id"]["enum"] = ["prod_mug", "prod_poster"]
    parts["schemas"]["PaymentLinkLine"]["properties"]["product_id"]["enum"] = ["prod_mug", "prod_poster"]
    parts["schemas"]["PaymentLinkStartRequest"]["properties"]["currency"]["enum"] = ["USD"]  # as the link
    # Its pattern says as much, and is quick to make examples from.
    del parts["schemas"]["ReturnUrl"]["format"]
    return contract


def config() -> SchemathesisConfig:
    """Valid and invalid requests, without the keys that the test itself sends."""
    generation = GenerationConfig(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        allow_x00=False,
        allow_extra_parameters=False,
        with_security_parameters=False,
    )
    return SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))


schema = schemathesis.openapi.from_dict(narrowed(load(CONTRACT)), config=config())


@pytest.fixture
def base_url(emulator: Emulator, merchant: Merchant, session: Session) -> str:
    """An emulator with a paid link, a payment and a refund, and limits that nothing valid can exceed."""
    emulator.control("organization", min_payment=0, max_payment=NO_LIMIT, wallet_balance=10**14)
    link = session.link()
    assert link["id"] == LINK
    payment = merchant.paid(products=[{"name": "Yacht", "unit_price": 10**12, "quantity": 2}])
    merchant.refund(payment, amount="1.00")
    emulator.control(f"checkouts/{session.start(link).json()['checkout_id']}/outcome", outcome="paid")
    return emulator.sandbox_api_url


def keeps(operation: str) -> Callable[[Callable[..., None]], Any]:
    """Try an operation with valid and invalid requests; each in a test of its own, which xdist can tell apart."""
    bounds = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    parametrize = schema.include(operation_id=operation).parametrize()
    return lambda test: parametrize(bounds(test))


@keeps("createPayment")
def test_create_payment_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=KEY)


@keeps("getPaymentById")
def test_get_payment_by_id_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=KEY)


@keeps("createRefundForPayment")
def test_create_refund_for_payment_keeps_the_contract(
    case: schemathesis.Case[Any], base_url: str, emulator: Emulator
) -> None:
    answer = case.call_and_validate(base_url=base_url, headers=KEY)
    if "refund_public_id" in answer.text:
        # What it took would be missing for the next valid request.
        emulator.control(f"refunds/RF{answer.json()['refund_public_id']}/outcome", status="failed")


@keeps("listRefunds")
def test_list_refunds_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=KEY)


@keeps("getRefundById")
def test_get_refund_by_id_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=KEY)


@keeps("getOrganization")
def test_get_organization_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("patchOrganization")
def test_patch_organization_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("getOrganizationDashboard")
def test_get_organization_dashboard_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("getOrganizationApiKeys")
def test_get_organization_api_keys_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("createOrganizationApiKey")
def test_create_organization_api_key_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("rotateOrganizationApiKey")
def test_rotate_organization_api_key_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("getOrganizationWebhook")
def test_get_organization_webhook_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("putOrganizationWebhook")
def test_put_organization_webhook_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("listPaymentLinks")
def test_list_payment_links_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("createPaymentLink")
def test_create_payment_link_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("getPaymentLink")
def test_get_payment_link_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("patchPaymentLink")
def test_patch_payment_link_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("deletePaymentLink")
def test_delete_payment_link_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("listPaymentLinkPayments")
def test_list_payment_link_payments_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url, headers=TOKEN)


@keeps("getPublicPaymentLink")
def test_get_public_payment_link_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url)


@keeps("startPaymentLinkCheckout")
def test_start_payment_link_checkout_keeps_the_contract(case: schemathesis.Case[Any], base_url: str) -> None:
    case.call_and_validate(base_url=base_url)


def test_every_operation_of_the_contract_is_tried() -> None:
    operations = {
        methods[method]["operationId"]
        for methods in load(CONTRACT)["paths"].values()
        for method in methods
        if method != "parameters"
    }
    tried = {name for name in globals() if name.endswith("_keeps_the_contract")}
    assert tried == {f"test_{snake(name)}_keeps_the_contract" for name in operations}


def snake(name: str) -> str:
    """`getRefundById` as `get_refund_by_id`."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
