"""What strangers and clumsy senders can do to the webhook: nothing."""

import hashlib
import hmac
import json
import logging
from typing import Any

import pytest
from oscar.core.loading import get_model

from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.testing import ND8, Shopper, make_product, post_webhook
from tests.signing import signed

pytestmark = pytest.mark.django_db

Order = get_model("order", "Order")
SECRET = "whsec_sandbox"


def sign(body: bytes, secret: str = SECRET) -> str:
    """The documented signature, computed without our own code."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send(body: bytes, *, signature: str | None = None, delivery: str = "d-1") -> Any:
    """A notification as anybody could post it."""
    headers = {
        "X-Webhook-Event": "transaction.status_changed",
        "X-Webhook-Delivery-Id": delivery,
        "X-Webhook-Timestamp": "1790000000",
        "X-Webhook-Signature": sign(body) if signature is None else signature,
    }
    return post_webhook(Shopper().client, body, headers)


def body_for(checkout_id: str, transaction_id: str, status: str = "paid") -> bytes:
    """A well-formed notification."""
    return json.dumps(
        {
            "event": "transaction.status_changed",
            "transaction_id": transaction_id,
            "order_id": checkout_id,
            "amount": "99.00",
            "status": status,
            "currency": "USD",
            "depositAttempts": [],
        }
    ).encode()


def nothing_happened(session: PaymentSession) -> None:
    """No order, no payment, no event; the session is as it was."""
    session.refresh_from_db()
    assert session.status == "open"
    assert Order.objects.count() == Payment.objects.count() == WebhookEvent.objects.count() == 0


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "sha256=ü" + "0" * 63,
        "0" * 64,
        "sha256=" + "0" * 100_000,
    ],
)
def test_a_forged_signature_is_refused_and_nothing_is_stored(session: PaymentSession, nd8: ND8, signature: str) -> None:
    asked = nd8.calls("getPaymentById")
    body = body_for(session.checkout_id, nd8.outcome(session))

    response = send(body, signature=signature.encode("utf-8").decode("latin-1"))

    assert response.status_code == 400
    nothing_happened(session)
    assert nd8.calls("getPaymentById") == asked


def test_a_signature_under_a_wrong_secret_is_refused(session: PaymentSession, nd8: ND8) -> None:
    body = body_for(session.checkout_id, nd8.outcome(session))
    assert send(body, signature=sign(body, "another")).status_code == 400
    nothing_happened(session)


def test_a_body_changed_after_signing_is_refused(session: PaymentSession, nd8: ND8) -> None:
    body = body_for(session.checkout_id, nd8.outcome(session))
    assert send(body[:-1], signature=sign(body)).status_code == 400
    assert send(body.replace(b"99.00", b"99.01"), signature=sign(body)).status_code == 400
    nothing_happened(session)


def test_without_a_secret_every_notification_is_refused(session: PaymentSession, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "WEBHOOK_SECRETS": []}
    body = body_for(session.checkout_id, nd8.outcome(session))
    assert send(body, signature=sign(body, "")).status_code == 400
    nothing_happened(session)


def test_while_secrets_rotate_both_are_accepted(session: PaymentSession, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "WEBHOOK_SECRETS": ["whsec_next", SECRET]}
    transaction_id = nd8.outcome(session)
    body = body_for(session.checkout_id, transaction_id)
    assert send(body, signature=sign(body, "whsec_next"), delivery="a").status_code == 200
    assert send(body, signature=sign(body, SECRET), delivery="b").status_code == 200
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"paid"',
        b"{",
        b"\xff\xfe",
        b'{"event": 7}',
        b'{"event": "transaction.status_changed", "transaction_id": {"$ne": 1}, "order_id": "x"}',
        b'{"event": "transaction.status_changed", "transaction_id": "TX\\u0000", "order_id": "x"}',
        b'{"event": "transaction.status_changed", "transaction_id": "TX/../../x", "order_id": "\\ud800"}',
        b'{"event": "' + b"x" * 300 + b'"}',
        b"[" * 50_000,
    ],
)
def test_signed_nonsense_is_refused_and_not_stored(session: PaymentSession, body: bytes) -> None:
    assert send(body).status_code == 400
    nothing_happened(session)


def test_a_huge_body_is_refused_unread(session: PaymentSession) -> None:
    body = b'{"event": "' + b"x" * 3_000_000 + b'"}'
    assert send(body).status_code == 413
    nothing_happened(session)


def test_only_post_is_answered(session: PaymentSession) -> None:
    assert Shopper().client.get("/nd8/webhook/").status_code == 405
    nothing_happened(session)


def test_what_the_body_says_about_money_is_not_believed(session: PaymentSession, nd8: ND8) -> None:
    transaction_id = nd8.outcome(session, "processing")

    assert send(body_for(session.checkout_id, transaction_id, status="paid")).status_code == 200

    session.refresh_from_db()
    assert (session.status, Order.objects.count()) == ("open", 0)
    assert Payment.objects.get().state == "processing"


def test_a_notification_about_an_unknown_checkout_is_kept_for_people(session: PaymentSession, nd8: ND8) -> None:
    assert send(body_for("co_never_ours", nd8.outcome(session))).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.status, event.checkout_id) == ("unmatched", "co_never_ours")
    session.refresh_from_db()
    assert (session.status, Order.objects.count()) == ("open", 0)


def test_an_event_that_overtakes_its_session_is_found_at_the_return(
    session: PaymentSession, guest: Shopper, nd8: ND8
) -> None:
    checkout_id = session.checkout_id
    PaymentSession.objects.update(status="new", checkout_id="")
    send(body_for(checkout_id, nd8.outcome(session)))
    PaymentSession.objects.update(status="open", checkout_id=checkout_id)

    response = guest.client.get(f"/nd8/return/{session.token}/success/")

    assert response["Location"] == "/checkout/thank-you/"
    assert Order.objects.count() == 1


def test_a_cheap_payment_cannot_be_presented_for_a_dear_basket(nd8: ND8, mug: Any) -> None:
    cheap, dear = Shopper(email="a@example.com"), Shopper(email="b@example.com")
    cheap.add(mug).go_to_preview()
    cheap.pay_now()
    cheap_session = PaymentSession.objects.latest("pk")
    dear.add(make_product("Statue", "999.00")).go_to_preview()
    dear.pay_now()
    dear_session = PaymentSession.objects.latest("pk")
    transaction_id = nd8.outcome(cheap_session)
    nd8.deliver(cheap.client)

    # The most an attacker with a signed message could do: name the paid transaction for the dear checkout.
    assert send(body_for(dear_session.checkout_id, transaction_id)).status_code == 200
    dear.client.get(f"/nd8/return/{dear_session.token}/success/?transaction_id={transaction_id}")

    dear_session.refresh_from_db()
    assert dear_session.status == "open"
    assert dear_session.payments.count() == 0
    assert [order.total_incl_tax for order in Order.objects.all()] == [cheap_session.amount_major]
    assert dear_session.attentions.get().kind == "claimed_elsewhere"


def test_an_unknown_event_is_kept_and_answered(session: PaymentSession) -> None:
    assert send(b'{"event": "payout.created", "payout_id": "PO1", "new_field": {"deep": []}}').status_code == 200
    assert WebhookEvent.objects.get().status == "ignored"
    session.refresh_from_db()
    assert session.status == "open"


def test_no_secret_and_no_body_reaches_the_log(
    session: PaymentSession, nd8: ND8, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = body_for(session.checkout_id, nd8.outcome(session))
    send(body, signature="sha256=feedface", delivery="forged")
    nd8.fault("getPaymentById", "garbage", times=6)
    send(body)

    assert SECRET not in caplog.text
    assert "nd8_test_key" not in caplog.text
    assert "feedface" not in caplog.text
    assert "depositAttempts" not in caplog.text


def test_the_webhook_leaves_no_browser_session_and_no_basket(session: PaymentSession, nd8: ND8) -> None:
    baskets = get_model("basket", "Basket").objects.count()
    response = send(body_for(session.checkout_id, nd8.outcome(session)))
    assert not response.cookies
    assert get_model("basket", "Basket").objects.count() == baskets


@pytest.mark.parametrize("transaction_id", ["..", "TX1?x=1", "TX%2F1", "TX1/refund", "T" * 201])
def test_an_id_that_nd8_could_not_be_asked_about_is_kept_and_never_asked(
    session: PaymentSession, nd8: ND8, transaction_id: str
) -> None:
    body = {
        "event": "transaction.status_changed",
        "order_id": session.checkout_id,
        "transaction_id": transaction_id,
        "status": "paid",
    }
    assert post_webhook(Shopper().client, *signed(body)).status_code == 200

    event = WebhookEvent.objects.get()
    assert (event.transaction_id, json.loads(event.body)["transaction_id"]) == ("", transaction_id)
    assert nd8.calls("getPaymentById") == 0
    session.refresh_from_db()
    assert (session.status, session.order) == ("open", None)
