"""Webhooks on their way: signatures, order, retries, and everything that a control call can spoil."""

import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.merchant import NET, Merchant
from tests.emulator.receiver import Receiver, eventually

SECRET = b"whsec_test"


def arrived(shop: Receiver, count: int) -> list[dict[str, Any]]:
    """The bodies, once there are as many as expected (or time is up)."""
    eventually(lambda: len(shop.bodies) >= count)
    return [json.loads(one) for one in shop.bodies]


def is_signed(shop: Receiver, index: int, secret: bytes = SECRET) -> bool:
    """Whether the signature is that of the raw body."""
    expected = hmac.new(secret, shop.bodies[index], hashlib.sha256).hexdigest()
    return shop.headers[index]["X-Webhook-Signature"] == f"sha256={expected}"


def settled(emulator: Emulator) -> list[dict[str, Any]]:
    """All deliveries, once none is under way."""

    def done() -> list[dict[str, Any]]:
        deliveries: list[dict[str, Any]] = emulator.state()["deliveries"]
        return [] if any(one["state"] == "waiting" for one in deliveries) else deliveries

    return eventually(done)


def tries(delivery: dict[str, Any]) -> list[int | None]:
    """The answers of the shop."""
    return [one["status"] for one in delivery["tries"]]


def test_a_payment_is_told_as_documented(shop: Receiver, merchant: Merchant) -> None:
    checkout = merchant.checkout()
    transaction = merchant.end(checkout, "paid")
    (told,) = arrived(shop, 1)
    payment = merchant.payment(transaction)
    assert told.pop("updated_at") >= told["created_at"]
    assert told == {
        "event": "transaction.status_changed",
        "transaction_id": transaction,
        "order_id": checkout["checkout_id"],
        "amount": NET,
        "status": "paid",
        "currency": "USD",
        "created_at": payment["created_at"],
        "depositAttempts": payment["depositAttempts"],
    }
    headers = shop.headers[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Webhook-Event"] == "transaction.status_changed"
    assert uuid.UUID(headers["X-Webhook-Delivery-Id"]).version == 4
    assert int(headers["X-Webhook-Timestamp"]) == pytest.approx(time.time(), abs=5)
    assert is_signed(shop, 0)


def test_a_decline_is_told_before_the_payment(shop: Receiver, merchant: Merchant) -> None:
    merchant.end(merchant.checkout(), "declined_then_paid")
    first, second = arrived(shop, 2)
    assert (first["status"], len(first["depositAttempts"])) == ("processing", 1)
    assert (second["status"], len(second["depositAttempts"])) == ("paid", 2)
    assert first["transaction_id"] == second["transaction_id"]


def test_a_refund_is_told(shop: Receiver, merchant: Merchant, emulator: Emulator) -> None:
    transaction = merchant.paid()
    refund = "RF" + merchant.refund(transaction, amount="1.00").json()["refund_public_id"]
    emulator.control(f"refunds/{refund}/outcome", status="completed")
    told = [one for one in arrived(shop, 3) if one["event"] == "refund.status_changed"]
    assert [one["status"] for one in told] == ["processing", "completed"]
    assert {(one["refund_id"], one["transaction_id"], one["amount"], one["currency"]) for one in told} == {
        (refund, transaction, "1.00", "USD")
    }


def test_a_test_webhook(shop: Receiver, emulator: Emulator) -> None:
    emulator.control("webhook_test")
    (told,) = arrived(shop, 1)
    assert told["event"] == shop.headers[0]["X-Webhook-Event"] == "webhook.test"
    assert is_signed(shop, 0)


def test_nothing_is_sent_without_an_address(emulator: Emulator, merchant: Merchant) -> None:
    merchant.paid()
    (delivery,) = emulator.state()["deliveries"]
    assert (delivery["state"], delivery["tries"]) == ("unsent", [])
    raw = delivery["body"].encode()
    assert delivery["headers"]["X-Webhook-Signature"] == "sha256=" + hmac.digest(SECRET, raw, "sha256").hex()


def test_a_new_secret_signs_from_now_on(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", webhook_secret="whsec_next")
    merchant.paid()
    arrived(shop, 1)
    assert is_signed(shop, 0, b"whsec_next")
    assert not is_signed(shop, 0)


def test_a_refused_webhook_is_tried_again_under_its_id(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    shop.answers += [500, 302, 404]
    merchant.paid()
    (delivery,) = settled(emulator)
    assert (delivery["state"], tries(delivery)) == ("delivered", [500, 302, 404, 200])
    assert {one["X-Webhook-Delivery-Id"] for one in shop.headers} == {delivery["id"]}
    assert set(shop.bodies) == {delivery["body"].encode()}


def test_a_webhook_is_given_up_after_its_last_try(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    shop.answers += [500] * 9
    merchant.paid()
    (delivery,) = settled(emulator)
    assert (delivery["state"], tries(delivery)) == ("failed", [500, 500, 500, 500])


def test_a_shop_that_is_down_counts_as_refusal(emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("organization", webhook_url="http://127.0.0.1:9/")
    emulator.control("deliveries", retry_delays=[0.05])
    merchant.paid()
    (delivery,) = settled(emulator)
    assert (delivery["state"], tries(delivery)) == ("failed", [None, None])
    assert delivery["tries"][0]["error"].startswith("ConnectError")


def test_no_retries_when_none_are_wanted(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", retry_delays=[])
    shop.answers += [500]
    merchant.paid()
    assert [tries(one) for one in settled(emulator)] == [[500]]


def test_copies_have_delivery_ids_of_their_own(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", copies=5)
    merchant.paid()
    assert len(settled(emulator)) == 5
    assert len(shop.bodies) == 5
    assert len(set(shop.bodies)) == 1
    assert len({one["X-Webhook-Delivery-Id"] for one in shop.headers}) == 5


def test_dropped_webhooks_never_leave_but_can_be_resent(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", drop=True)
    merchant.paid()
    (delivery,) = emulator.state()["deliveries"]
    assert (delivery["state"], delivery["tries"]) == ("dropped", [])
    emulator.control(f"deliveries/{delivery['id']}/resend")
    arrived(shop, 1)
    assert [one["state"] for one in settled(emulator)] == ["dropped", "delivered"]
    assert len(shop.bodies) == 1


def test_a_delay_holds_webhooks_back(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", delay=2)
    start = time.monotonic()
    merchant.paid()
    assert shop.bodies == []
    assert settled(emulator)[0]["state"] == "delivered"
    assert time.monotonic() - start >= 2


def test_shuffled_webhooks_arrive_in_another_order(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", shuffle=True)
    merchant.end(merchant.checkout(), "declined_then_paid")
    assert [one["status"] for one in arrived(shop, 2)] == ["paid", "processing"]


def test_bad_signatures_are_well_formed_but_wrong(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", bad_signature=True)
    merchant.paid()
    arrived(shop, 1)
    signature = shop.headers[0]["X-Webhook-Signature"]
    assert len(signature) == len("sha256=") + 64
    assert not is_signed(shop, 0)


def test_what_is_not_given_is_normal_again(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", copies=3, bad_signature=True)
    emulator.control("deliveries")
    merchant.paid()
    assert len(settled(emulator)) == 1
    assert is_signed(shop, 0)


@pytest.mark.parametrize(("fields", "same"), [({}, False), ({"new_delivery_id": False}, True)])
def test_a_resend_carries_the_same_body(
    shop: Receiver, emulator: Emulator, merchant: Merchant, fields: dict[str, bool], same: bool
) -> None:
    merchant.paid()
    (first,) = settled(emulator)
    answer = emulator.control(f"deliveries/{first['id']}/resend", **fields)
    arrived(shop, 2)
    assert (answer["delivery_id"] == first["id"]) is same
    assert shop.headers[1]["X-Webhook-Delivery-Id"] == answer["delivery_id"]
    assert shop.bodies[0] == shop.bodies[1]
    assert is_signed(shop, 1)
    assert settled(emulator)[1]["resend_of"] == first["id"]


def test_a_reset_gives_up_what_is_under_way(shop: Receiver, emulator: Emulator, merchant: Merchant) -> None:
    emulator.control("deliveries", delay=2)
    merchant.paid()
    emulator.control("reset")
    time.sleep(2.5)  # longer than it was held back: only time can show that nothing comes
    assert shop.bodies == []
    assert emulator.state()["deliveries"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"copies": 0},
        {"copies": "2"},
        {"delay": -1},
        {"delay": "soon"},
        {"drop": 1},
        {"retry_delays": 3},
        {"retry_delays": ["x"]},
        {"copys": 2},
    ],
)
def test_delivery_modes_that_make_no_sense(emulator: Emulator, merchant: Merchant, fields: dict[str, Any]) -> None:
    before = emulator.state()["delivery_mode"]
    assert merchant.refuse("deliveries", **fields).status_code == 400
    assert emulator.state()["delivery_mode"] == before


def test_an_unknown_delivery_cannot_be_resent(merchant: Merchant) -> None:
    assert merchant.refuse("deliveries/none/resend").status_code == 404


def test_a_resend_goes_nowhere_without_an_address(emulator: Emulator, merchant: Merchant) -> None:
    merchant.paid()
    (first,) = emulator.state()["deliveries"]
    emulator.control(f"deliveries/{first['id']}/resend")
    assert [(one["state"], one["tries"]) for one in emulator.state()["deliveries"]] == [("unsent", [])] * 2
