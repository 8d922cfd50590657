"""Every operation under every fault of the emulator: a read gets over it, a write is never sent twice."""

from collections.abc import Iterator
from time import monotonic

import pytest

from oscar_nd8.client import ND8Client, PaymentLinkLine, PaymentLinkRequest, RefundRequest
from oscar_nd8.client._operations import OPERATIONS, Operation
from oscar_nd8.emulator import Emulator
from oscar_nd8.emulator.faults import KINDS
from oscar_nd8.exceptions import OutcomeUnknown, ProviderUnavailable, RateLimited
from tests.plain.conftest import KEY, TOKEN
from tests.plain.every_call import CALLS, Known
from tests.plain.loopback import checkout_request

READS = [operation for operation in OPERATIONS if operation.repeatable]
WRITES = [operation for operation in OPERATIONS if not operation.repeatable]
# ND8 documents no field of these answers that could be wrong, or no answer at all.
HARMLESS = {
    ("patchOrganization", "wrong_types"),
    ("putOrganizationWebhook", "wrong_types"),
    ("revokeOrganizationApiKey", "wrong_types"),
    ("deletePaymentLink", "wrong_types"),
    ("deletePaymentLink", "garbage"),  # half of nothing
    ("deletePaymentLink", "slow"),
}


@pytest.fixture(scope="module")
def nd8(emulator: Emulator) -> Iterator[ND8Client]:
    """An impatient client that asks on and on."""
    with ND8Client(
        base_url=emulator.sandbox_api_url,
        api_key=KEY,
        merchant_token=TOKEN,
        connect_timeout=0.5,
        read_timeout=0.5,
        read_budget=4,
        circuit_threshold=1_000_000,
    ) as client:
        yield client


@pytest.fixture(scope="module")
def patient(emulator: Emulator) -> Iterator[ND8Client]:
    """For what a test begins with, which a busy machine must not fail."""
    with ND8Client(base_url=emulator.sandbox_api_url, api_key=KEY, merchant_token=TOKEN) as client:
        yield client


def made(emulator: Emulator, nd8: ND8Client) -> Known:
    """In a fresh account: a payment, a refund of a part of it, a key and a link."""
    emulator.control("reset")
    checkout = nd8.create_checkout(checkout_request())
    payment = emulator.control(f"checkouts/{checkout.checkout_id}/outcome", outcome="paid")["transaction_id"]
    link = PaymentLinkRequest(
        name="Mug", products=(PaymentLinkLine(product_id="prod_mug", quantity=1),), currency="EUR"
    )
    return Known(
        payment=payment,
        refund=nd8.create_refund(payment, RefundRequest(reason="Sent back", amount="1.00")).refund_public_id,
        key=str(nd8.list_api_keys().results[0].id),
        link=nd8.create_payment_link(link).id,
    )


@pytest.fixture(scope="module")
def known(emulator: Emulator, patient: ND8Client) -> Known:
    """Things that nobody changes: for reads."""
    return made(emulator, patient)


def spoil(emulator: Emulator, operation: Operation, kind: str, *, times: int = 1) -> int:
    """Let the next calls of the operation meet a fault; how many calls of it there were before."""
    emulator.control("faults", operation=operation.id, kind=kind, times=times, seconds=0 if kind == "429" else 2)
    return calls(emulator, operation)


def calls(emulator: Emulator, operation: Operation) -> int:
    return sum(call["operation"] == operation.id for call in emulator.state()["calls"])


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("operation", READS, ids=lambda each: each.id)
def test_a_read_gets_over_it(emulator: Emulator, nd8: ND8Client, known: Known, operation: Operation, kind: str) -> None:
    before = spoil(emulator, operation, kind)
    CALLS[operation.id](nd8, known)
    assert calls(emulator, operation) - before <= 2
    assert nd8.circuit.failures == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_read_that_never_gets_over_it_gives_up_in_time(emulator: Emulator, known: Known, kind: str) -> None:
    operation = next(each for each in READS if each.id == "getPaymentById")
    spoil(emulator, operation, kind, times=99)
    impatient = ND8Client(
        base_url=emulator.sandbox_api_url, api_key=KEY, connect_timeout=2, read_timeout=2, read_budget=0.6
    )
    began = monotonic()
    with impatient, pytest.raises(ProviderUnavailable) as caught:
        impatient.get_transaction(known.payment)
    assert monotonic() - began < 4
    emulator.control("faults", operation=operation.id, kind=kind, times=0)
    assert (type(caught.value) is RateLimited) == (kind == "429")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("operation", WRITES, ids=lambda each: each.id)
def test_a_write_is_never_sent_twice(
    emulator: Emulator, nd8: ND8Client, patient: ND8Client, operation: Operation, kind: str
) -> None:
    fresh = made(emulator, patient)
    before = spoil(emulator, operation, kind)
    if (operation.id, kind) in HARMLESS:
        CALLS[operation.id](nd8, fresh)
    else:
        with pytest.raises(RateLimited if kind == "429" else OutcomeUnknown) as caught:
            CALLS[operation.id](nd8, fresh)
        assert caught.value.operation == operation.id
    assert calls(emulator, operation) - before == 1


def test_a_burst_of_errors_costs_the_shop_its_patience_and_no_more(emulator: Emulator) -> None:
    """Whatever was refused by an open circuit did not happen, and what may have happened was sent once."""
    operation = next(each for each in WRITES if each.id == "createPayment")
    emulator.control("reset")
    spoil(emulator, operation, "500", times=7)
    outcomes = []
    with ND8Client(base_url=emulator.sandbox_api_url, api_key=KEY) as shop:
        for _ in range(20):
            with pytest.raises((OutcomeUnknown, ProviderUnavailable)) as caught:
                shop.create_checkout(checkout_request())
            outcomes.append(type(caught.value).__name__)
    assert outcomes == ["OutcomeUnknown"] * 5 + ["CircuitOpen"] * 15
    assert calls(emulator, operation) == 5
