"""Refunds: who is eligible, how they end, how they are found."""

from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import Merchant


def refunded(merchant: Merchant, transaction: str, **fields: Any) -> str:
    """A refund's public id, with its prefix."""
    answer = merchant.refund(transaction, **fields)
    assert answer.status_code == 200, answer.text
    return "RF" + str(answer.json()["refund_public_id"])


def conclude(emulator: Emulator, refund: str, status: str) -> None:
    """Let a refund end."""
    emulator.control(f"refunds/{refund}/outcome", status=status)


def test_a_refund_is_answered_as_documented(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.paid(currency="EUR")
    answer = merchant.refund(transaction, amount="40.00").json()
    state = emulator.state()
    assert answer == {
        "status": "processing",
        "refund_id": state["refunds"][0]["number"],
        "refund_public_id": state["refunds"][0]["id"].removeprefix("RF"),
        "transaction_id": state["transactions"][0]["number"],
        "amount": "40.00",
        "currency": "EUR",
        "amount_usd": "44.00",
        "amount_in_cents": 4000,
    }


def test_a_refund_is_read_as_documented(merchant: Merchant) -> None:
    transaction = merchant.paid()
    accepted = merchant.refund(transaction, amount="40.00").json()
    public = "RF" + accepted["refund_public_id"]
    refund = merchant.http.get(f"refunds/{public}/").json()
    assert merchant.http.get(f"refunds/{accepted['refund_id']}/").json() == refund
    assert refund.pop("created_at") == refund.pop("updated_at")
    assert refund == {
        "id": public,
        "transaction_id": transaction,
        "amount": "40.00",
        "currency": "USD",
        "amount_in_cents": 4000,
        "amount_usd": "40.00",
        "reason": "Broken",
        "status": "processing",
    }


def test_under_ht_cents_are_before_tax(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", price_mode="HT")
    answer = merchant.refund(merchant.paid(), amount="40.00").json()
    assert (answer["amount"], answer["amount_in_cents"]) == ("40.00", 3333)


def test_without_an_amount_all_that_remains_is_refunded(merchant: Merchant) -> None:
    transaction = merchant.paid()
    refunded(merchant, transaction, amount="30.01")
    assert merchant.refund(transaction).json()["amount"] == "69.99"


def test_never_more_than_was_paid(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.paid()
    refunded(merchant, transaction, amount="60.00")
    assert merchant.refund(transaction, amount="40.01").json() == {
        "detail": "Only 40.00 USD of this payment can still be refunded."
    }
    refunded(merchant, transaction, amount="40")
    again = merchant.refund(transaction, amount="0.01")
    assert again.status_code == 400
    assert again.json() == {"detail": "This payment has already been refunded in full."}
    assert len(emulator.state()["refunds"]) == 2


@pytest.mark.parametrize("status", ["failed", "rejected"])
def test_what_a_failed_refund_held_can_be_refunded_again(emulator: Emulator, merchant: Merchant, status: str) -> None:
    transaction = merchant.paid()
    conclude(emulator, refunded(merchant, transaction), status)
    assert merchant.payment(transaction)["status"] == "paid"
    assert merchant.refund(transaction).json()["amount"] == "100.00"


@pytest.mark.parametrize("outcome", ["failed", "canceled", "processing"])
def test_only_paid_payments_are_refunded(emulator: Emulator, merchant: Merchant, outcome: str) -> None:
    answer = merchant.refund(merchant.end(merchant.checkout(), outcome))
    assert answer.status_code == 400
    assert answer.json() == {"detail": f"Only paid payments can be refunded; this one is {outcome}."}
    assert emulator.state()["refunds"] == []


def test_a_pending_deposit_is_not_refunded(merchant: Merchant) -> None:
    answer = merchant.refund(merchant.end(merchant.checkout(), "pending_deposit"))
    assert answer.json() == {"detail": "This payment's deposit has not succeeded yet."}


def test_the_wallet_must_hold_the_refund(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", wallet_balance=0)
    transaction = merchant.paid()
    assert emulator.state()["wallet_balance"] == "96.80"
    assert merchant.refund(transaction).json() == {"detail": "The wallet balance is too low for this refund."}
    refunded(merchant, transaction, amount="96.80")
    assert emulator.state()["wallet_balance"] == "0.00"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"reason": ""}, "reason may not be blank."),
        ({"reason": "x" * 501}, "reason may have at most 500 characters."),
        ({"reason": 5}, "reason must be a string."),
        ({"amount": 5}, "amount must be a string."),
        ({"amount": "0.00"}, "amount must be greater than 0."),
        ({"amount": "-1"}, 'amount must be a decimal with at most 2 places, like "40.00".'),
        ({"amount": "1.001"}, 'amount must be a decimal with at most 2 places, like "40.00".'),
        ({"amount": ""}, 'amount must be a decimal with at most 2 places, like "40.00".'),
    ],
)
def test_what_is_refused(emulator: Emulator, merchant: Merchant, fields: dict[str, Any], detail: str) -> None:
    answer = merchant.refund(merchant.paid(), **fields)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert emulator.state()["refunds"] == []


def test_a_reason_is_required(merchant: Merchant) -> None:
    answer = merchant.http.post(f"transactions/{merchant.paid()}/refund/", json={})
    assert answer.json() == {"detail": "reason is required."}


def test_unknown_ids(merchant: Merchant) -> None:
    assert merchant.refund("TXnone").status_code == 404
    assert merchant.http.get("refunds/RFnone/").status_code == 404
    assert merchant.refuse("refunds/RFnone/outcome", status="completed").status_code == 404
    assert merchant.refuse("transactions/TXnone/refund").status_code == 404


def test_a_public_id_needs_its_prefix(merchant: Merchant) -> None:
    refund = refunded(merchant, merchant.paid())
    assert merchant.http.get(f"refunds/{refund.removeprefix('RF')}/").status_code == 404


def test_the_payment_follows_a_full_refund(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.paid()
    part = refunded(merchant, transaction, amount="40.00")
    assert merchant.payment(transaction)["status"] == "paid"
    rest = refunded(merchant, transaction)
    assert merchant.payment(transaction)["status"] == "refund_pending"
    conclude(emulator, part, "completed")
    assert merchant.payment(transaction)["status"] == "refund_pending"
    conclude(emulator, rest, "completed")
    assert merchant.payment(transaction)["status"] == "refunded"


def test_a_refund_ends_as_it_is_told(emulator: Emulator, merchant: Merchant) -> None:
    refund = refunded(merchant, merchant.paid())
    for status in ("pending", "completed", "failed", "rejected", "processing"):
        conclude(emulator, refund, status)
        assert merchant.http.get(f"refunds/{refund}/").json()["status"] == status
    assert merchant.refuse(f"refunds/{refund}/outcome", status="lost").status_code == 400
    assert merchant.refuse(f"refunds/{refund}/outcome").status_code == 400


def test_refunds_can_complete_by_themselves(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", auto_complete_refunds=True)
    answer = merchant.refund(merchant.paid()).json()
    assert answer["status"] == "processing"
    assert merchant.http.get(f"refunds/RF{answer['refund_public_id']}/").json()["status"] == "completed"


def test_staff_can_refund_in_nd8s_own_dashboard(emulator: Emulator, merchant: Merchant) -> None:
    transaction = merchant.paid()
    made = emulator.control(f"transactions/{transaction}/refund", amount="10.00")
    (listed,) = merchant.refunds()
    assert listed["id"] == made["refund_id"]
    assert (listed["amount"], listed["reason"]) == ("10.00", "Refunded in the dashboard")
    assert [call["operation"] for call in emulator.state()["calls"]] == ["createPayment", "listRefunds"]


def test_refunds_are_listed_newest_first_and_filtered(emulator: Emulator, merchant: Merchant) -> None:
    one, two = merchant.paid(), merchant.paid()
    first = refunded(merchant, one, amount="5.00", reason="Lost in the mail, ref 77")
    second = refunded(merchant, two, amount="1.00", reason="Broken")
    third = refunded(merchant, one, amount="30.00", reason="Late")
    conclude(emulator, second, "completed")

    def ids(**query: Any) -> list[str]:
        return [refund["id"] for refund in merchant.refunds(**query)]

    assert ids() == [third, second, first]
    assert ids(status="completed") == [second]
    assert ids(status="rejected") == []
    assert ids(search="ref 77") == [first]
    assert ids(search="LATE") == [third]
    assert ids(search=one) == [third, first]
    assert ids(search="nothing") == []
    assert ids(ordering="created_at") == [first, second, third]
    assert ids(ordering="-created_at") == [third, second, first]
    assert ids(ordering="amount") == [second, first, third]
    assert ids(ordering="-amount") == [third, first, second]
    assert ids(ordering="unknown") == [third, second, first]
    assert ids(ordering="status,-amount") == [second, third, first]
    assert ids(page_size=2) == [third, second]
    assert ids(page_size=2, page=2) == [first]
    assert ids(page=3) == []
    assert ids(page=0, page_size=-1) == [third]


def test_refunds_are_filtered_by_time(merchant: Merchant) -> None:
    transaction = merchant.paid()
    refunded(merchant, transaction, amount="1.00")
    refunded(merchant, transaction, amount="2.00")
    late, early = (refund["created_at"] for refund in merchant.refunds())
    amounts = {
        query: [refund["amount"] for refund in merchant.refunds(**{query: moment})]
        for query, moment in {"created_at__gte": late, "created_at__lte": early}.items()
    }
    assert amounts == {"created_at__gte": ["2.00"], "created_at__lte": ["1.00"]}
    assert merchant.refunds(created_at__gte="2999-01-01T00:00:00+01:00") == []
    assert merchant.http.get("refunds/?created_at__gte=2999-01-01T00:00:00+01:00").json() == []
    assert len(merchant.refunds(created_at__gte="2020-01-01")) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": ""},
        {"created_at__gte": "yesterday"},
        {"created_at__lte": ""},
        {"page": "x"},
        {"page_size": "1.5"},
        {"page": "9" * 5000},
    ],
)
def test_queries_that_make_no_sense(merchant: Merchant, query: dict[str, Any]) -> None:
    answer = merchant.http.get("refunds/", params=query)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]


def test_a_page_has_fifty_refunds_and_never_more_than_a_hundred(merchant: Merchant) -> None:
    transaction = merchant.paid(products=[{"name": "x", "unit_price": 200}])
    for _ in range(101):
        refunded(merchant, transaction, amount="1.00")
    assert len(merchant.refunds()) == 50
    assert len(merchant.refunds(page_size=1000)) == 100


def test_a_forced_status_is_left_alone_by_refunds(emulator: Emulator, merchant: Merchant) -> None:
    checkout = merchant.checkout()
    transaction = merchant.end(checkout, "paid")
    refund = refunded(merchant, transaction)
    merchant.end(checkout, "paid", status="disputed")
    conclude(emulator, refund, "completed")
    assert merchant.payment(transaction)["status"] == "disputed"
