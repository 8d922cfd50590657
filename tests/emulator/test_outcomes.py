"""What a control call can make of a checkout, and how the payment then reads."""

from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import NET, Merchant

DECLINED = ("failed", "Your card was declined.")
SUCCEEDED = ("succeeded", None)


def attempts(payment: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Status and error of each attempt, newest first."""
    return [(one["status"], one["errorMessage"]) for one in payment["depositAttempts"]]


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        ("paid", "paid", [SUCCEEDED]),
        ("failed", "failed", [DECLINED]),
        ("insufficient_funds", "failed", [("failed", "Your card has insufficient funds.")]),
        ("canceled", "canceled", []),
        ("processing", "processing", [("processing", None)]),
        ("pending_deposit", "paid", [("pending", None)]),
        ("declined_once", "processing", [DECLINED]),
        ("declined_then_paid", "paid", [SUCCEEDED, DECLINED]),
    ],
)
def test_every_outcome(merchant: Merchant, outcome: str, status: str, expected: list[Any]) -> None:
    payment = merchant.payment(merchant.end(merchant.checkout(), outcome))
    assert payment["status"] == status
    assert attempts(payment) == expected


def test_a_payment_reads_as_documented_and_names_no_checkout(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.end(merchant.checkout(products=[{"id": "prod_mug", "quantity": 8}]), "paid")
    payment = merchant.payment(transaction)
    (attempt,) = payment.pop("depositAttempts")
    created = payment.pop("created_at")
    assert created.endswith("Z")
    assert payment == {
        "id": transaction,
        "amount": NET,
        "status": "paid",
        "currency": "USD",
        "payer_email": "ada@example.com",
        "products": [{"id": "prod_mug", "name": "Enamel mug"}],
    }
    assert set(attempt) == {"status", "paymentId", "attemptedAt", "errorMessage", "paymentMethod"}


def test_both_ids_find_a_payment(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.paid()
    (kept,) = emulator.state()["transactions"]
    assert transaction.startswith("TX")
    assert merchant.payment(str(kept["number"])) == merchant.payment(transaction)


@pytest.mark.parametrize("target", ["TXnone", "99", "\u0661", "..", "TX%00"])
def test_other_ids_find_nothing(merchant: Merchant, target: str) -> None:
    merchant.paid()
    answer = merchant.http.get(f"transactions/{target}/")
    assert answer.status_code == 404
    assert list(answer.json()) == ["detail"]


@pytest.mark.parametrize(
    ("price", "net"), [(10, "9.41"), (0.5, "0.19"), (100, "96.80"), (10.5, "9.90"), (9999.99, "9709.69")]
)
def test_the_amount_is_net_of_fees(merchant: Merchant, price: float, net: str) -> None:
    assert merchant.payment(merchant.paid(products=[{"name": "x", "unit_price": price}]))["amount"] == net


def test_fees_can_be_changed_but_leave_a_cent(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", fee_rate="0.1", fee_fixed=0)
    assert merchant.payment(merchant.paid())["amount"] == "90.00"
    emulator.control("organization", fee_fixed="500")
    assert merchant.payment(merchant.paid())["amount"] == "0.01"


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ("processing", "paid", [SUCCEEDED]),
        ("processing", "failed", [DECLINED]),
        ("pending_deposit", "paid", [SUCCEEDED]),
        ("declined_once", "paid", [SUCCEEDED, DECLINED]),
        ("processing", "processing", [("processing", None)]),
    ],
)
def test_an_unfinished_transaction_goes_on(
    emulator: Emulator, merchant: Merchant, first: str, then: str, expected: list[Any]
) -> None:
    checkout = merchant.checkout()
    transaction = merchant.end(checkout, first)
    assert merchant.end(checkout, then) == transaction
    assert attempts(merchant.payment(transaction)) == expected
    assert emulator.state()["checkouts"][0]["transactions"] == [transaction]


@pytest.mark.parametrize("first", ["failed", "canceled"])
def test_after_a_failure_comes_a_new_transaction(emulator: Emulator, merchant: Merchant, first: str) -> None:
    checkout = merchant.checkout()
    one, two = merchant.end(checkout, first), merchant.end(checkout, "paid")
    assert one != two
    assert [merchant.payment(one)["status"], merchant.payment(two)["status"]] == [first, "paid"]
    assert emulator.state()["checkouts"][0]["transactions"] == [one, two]


def test_a_paid_checkout_is_paid_again_only_on_demand(emulator: Emulator, merchant: Merchant) -> None:
    checkout = merchant.checkout()
    first = merchant.end(checkout, "paid")
    path = f"checkouts/{checkout['checkout_id']}/outcome"
    assert merchant.refuse(path, outcome="paid").status_code == 400
    assert merchant.refuse(path, outcome="failed").status_code == 400
    assert merchant.payment(first)["status"] == "paid"
    assert merchant.end(checkout, "paid", new_transaction=True) != first
    assert len(emulator.state()["transactions"]) == 2


def test_odd_payments_can_be_staged(merchant: Merchant) -> None:
    odd = merchant.payment(
        merchant.end(merchant.checkout(), "paid", status="on_hold", currency="EUR", net_amount="250.00")
    )
    assert (odd["status"], odd["currency"], odd["amount"]) == ("on_hold", "EUR", "250.00")
    odder = merchant.payment(
        merchant.end(merchant.checkout(), "paid", net_amount="-0.1250", error_message="De\0clined")
    )
    assert (odder["amount"], odder["depositAttempts"][0]["errorMessage"]) == ("-0.1250", "De\0clined")


def test_a_status_can_be_forced_on_a_paid_transaction(merchant: Merchant) -> None:
    checkout = merchant.checkout()
    transaction = merchant.end(checkout, "paid")
    assert merchant.end(checkout, "paid", status="disputed") == transaction
    assert merchant.payment(transaction)["status"] == "disputed"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"outcome": "won"},
        {"outcome": 1},
        {"outcome": "paid", "net_amount": "much"},
        {"outcome": "paid", "error_message": 1},
        {"outcome": "paid", "new_transaction": "yes"},
        {"outcome": "paid", "staus": "x"},
    ],
)
def test_what_makes_no_sense_changes_nothing(emulator: Emulator, merchant: Merchant, fields: dict[str, Any]) -> None:
    checkout = merchant.checkout()
    answer = merchant.refuse(f"checkouts/{checkout['checkout_id']}/outcome", **fields)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert emulator.state()["transactions"] == []


def test_an_unknown_checkout_has_no_outcome(merchant: Merchant) -> None:
    assert merchant.refuse("checkouts/none/outcome", outcome="paid").status_code == 404
