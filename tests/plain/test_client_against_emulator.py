"""The client against a running emulator of ND8: the whole road of a call, and each of the emulator's faults."""

from collections.abc import Iterator

import pytest

from oscar_nd8.client import AdHocItem, CatalogueItem, ND8Client
from oscar_nd8.emulator import Emulator
from oscar_nd8.exceptions import (
    CredentialsRejected,
    NotFound,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
)
from tests.plain.conftest import KEY
from tests.plain.loopback import checkout_request


@pytest.fixture
def nd8(emulator: Emulator) -> Iterator[ND8Client]:
    """A client of a fresh account: an exchange may take 1.6 seconds, a read 4."""
    emulator.control("reset")
    with ND8Client(
        base_url=emulator.sandbox_api_url, api_key=KEY, connect_timeout=0.8, read_timeout=0.8, read_budget=4
    ) as client:
        yield client


def paid(emulator: Emulator, nd8: ND8Client, outcome: str = "paid") -> str:
    checkout = nd8.create_checkout(checkout_request())
    return str(emulator.control(f"checkouts/{checkout.checkout_id}/outcome", outcome=outcome)["transaction_id"])


def calls(emulator: Emulator, operation: str) -> int:
    return sum(call["operation"] == operation for call in emulator.state()["calls"])


def test_a_checkout_is_opened_with_exactly_what_was_asked(emulator: Emulator, nd8: ND8Client) -> None:
    request = checkout_request(
        currency="USD",
        billing_country="US",
        billing_postal_code="94107",
        products=(
            AdHocItem(name="Mug", quantity=3, unit_price=9.29),
            AdHocItem(name="Shipping", quantity=1, unit_price=5),
        ),
        success_url="https://shop.example/ok",
    )
    checkout = nd8.create_checkout(request)
    assert checkout.checkout_id == checkout.order_id
    assert checkout.checkout_url.startswith(emulator.url)
    assert checkout.token.get_secret_value()
    (known,) = emulator.state()["checkouts"]
    assert (known["checkout_id"], known["currency"], known["total"]) == (checkout.checkout_id, "USD", "32.87")


def test_a_payment_is_read_by_its_id(emulator: Emulator, nd8: ND8Client) -> None:
    transaction = nd8.get_transaction(paid(emulator, nd8))
    assert (transaction.status, transaction.currency) == ("paid", "EUR")
    assert transaction.deposit_attempts[0].status == "succeeded"
    assert transaction.products[0].name == "Mug"


def test_a_declined_payment_carries_the_reason(emulator: Emulator, nd8: ND8Client) -> None:
    transaction = nd8.get_transaction(paid(emulator, nd8, "declined_then_paid"))
    assert any(attempt.error_message for attempt in transaction.deposit_attempts)


def test_what_nd8_refuses_comes_with_its_words(nd8: ND8Client) -> None:
    with pytest.raises(NotFound):
        nd8.get_transaction("TXnobody")
    with pytest.raises(RequestRejected) as caught:
        nd8.create_checkout(checkout_request(products=(CatalogueItem(id="no-such-product", quantity=1),)))
    assert caught.value.status == 400
    assert caught.value.detail


def test_a_wrong_key_is_named(emulator: Emulator) -> None:
    with ND8Client(base_url=emulator.sandbox_api_url, api_key="sk_other") as stranger:
        with pytest.raises(CredentialsRejected):
            stranger.get_transaction("TX1")
        with pytest.raises(CredentialsRejected):
            stranger.create_checkout(checkout_request())


@pytest.mark.parametrize("kind", ["500", "429", "garbage", "reset", "timeout_before"])
def test_a_read_gets_over_a_passing_fault(emulator: Emulator, nd8: ND8Client, kind: str) -> None:
    transaction_id = paid(emulator, nd8)
    emulator.control("faults", operation="getPaymentById", kind=kind, times=1)
    assert nd8.get_transaction(transaction_id).status == "paid"
    assert calls(emulator, "getPaymentById") == 2


@pytest.mark.parametrize("kind", ["500", "reset", "slow"])
def test_a_read_gives_up_in_time(emulator: Emulator, nd8: ND8Client, kind: str) -> None:
    transaction_id = paid(emulator, nd8)
    emulator.control("faults", operation="getPaymentById", kind=kind, times=99)
    with pytest.raises(ProviderUnavailable):
        nd8.get_transaction(transaction_id)


@pytest.mark.parametrize("kind", ["500", "garbage", "reset", "slow", "timeout_before", "timeout_after"])
def test_a_write_whose_answer_is_lost_is_not_repeated(emulator: Emulator, nd8: ND8Client, kind: str) -> None:
    emulator.control("faults", operation="createPayment", kind=kind, times=1)
    with pytest.raises(OutcomeUnknown):
        nd8.create_checkout(checkout_request())
    assert calls(emulator, "createPayment") == 1


def test_a_write_that_is_rate_limited_did_not_happen(emulator: Emulator, nd8: ND8Client) -> None:
    emulator.control("faults", operation="createPayment", kind="429", times=1)
    with pytest.raises(RateLimited) as caught:
        nd8.create_checkout(checkout_request())
    assert caught.value.retry_after == 1
    assert emulator.state()["checkouts"] == []
