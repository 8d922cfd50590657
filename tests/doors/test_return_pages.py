"""What the shopper reads on the way back, and what anybody else does."""

from typing import Any
from uuid import uuid4

import pytest
from oscar.core.loading import get_model

from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.testing import ND8, Shopper, make_user

pytestmark = pytest.mark.django_db

Order = get_model("order", "Order")


def page(shopper: Shopper, session: PaymentSession, outcome: str, query: str = "") -> str:
    """The return page's text; it must be a page and no redirect."""
    response = shopper.client.get(f"/nd8/return/{session.token}/{outcome}/{query}")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return " ".join(response.content.decode().split())


def test_success_before_the_webhook_waits_without_asking_to_pay_again(guest: Shopper, session: PaymentSession) -> None:
    text = page(guest, session, "success")
    assert "We are confirming your payment" in text
    assert "Please do not pay again" in text
    assert "<noscript><meta http-equiv=" in text
    assert Order.objects.count() == 0
    assert guest.goods() == [("Enamel mug", 1)]


def test_the_success_address_alone_places_nothing_even_where_the_payment_failed(
    guest: Shopper, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)
    assert "The payment did not go through" in page(guest, session, "success")
    assert Order.objects.count() == 0


def test_a_decline_is_explained_and_can_be_tried_again(guest: Shopper, session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)

    text = page(guest, session, "failed")

    assert "you have not been charged" in text
    assert "Your bank declined the payment" in text or "not enough money" in text
    assert 'href="/checkout/preview/"' in text
    assert guest.pay_now().status_code == 302
    assert PaymentSession.objects.count() == 2


def test_cancel_keeps_the_basket_and_offers_the_same_page_again(guest: Shopper, session: PaymentSession) -> None:
    text = page(guest, session, "canceled")
    assert "You have not paid yet" in text
    assert f'href="/nd8/pay/{session.token}/"' in text
    assert guest.goods() == [("Enamel mug", 1)]
    resumed = guest.client.get(f"/nd8/pay/{session.token}/")
    assert resumed["Location"] == session.checkout_url


def test_the_banner_in_checkout_offers_to_resume(guest: Shopper, session: PaymentSession, nd8: ND8) -> None:
    preview = guest.client.get("/checkout/preview/").content.decode()
    assert "have not finished" in preview
    assert f"/nd8/pay/{session.token}/" in preview

    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    assert f"/nd8/pay/{session.token}/" not in guest.client.get("/checkout/", follow=True).content.decode()


@pytest.mark.parametrize("outcome", ["success", "failed", "canceled"])
def test_a_stranger_with_the_address_sees_nothing_and_changes_nothing(
    session: PaymentSession, nd8: ND8, outcome: str
) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    stranger = Shopper(user=make_user("eve@example.com"))

    text = page(stranger, session, outcome)

    assert "details only in the browser" in text
    for secret in (session.order_number, "guest@example.com", "Enamel mug", session.checkout_url):
        assert secret not in text
    assert stranger.client.get("/checkout/thank-you/")["Location"] == "/"
    assert stranger.client.get(f"/nd8/return/{session.token}/state/").status_code == 404


def test_a_stranger_cannot_cancel_or_reach_the_payment_page(session: PaymentSession, guest: Shopper) -> None:
    stranger = Shopper()
    assert "details only" in page(stranger, session, "canceled")
    assert stranger.client.get(f"/nd8/pay/{session.token}/")["Location"] == f"/nd8/return/{session.token}/success/"

    session.refresh_from_db()
    assert session.status == "open"
    assert guest.goods() == [("Enamel mug", 1)]
    assert session.basket is not None
    assert session.basket.status == "Frozen"


def test_a_guessed_token_is_not_found(guest: Shopper, session: PaymentSession) -> None:
    for token in (uuid4(), "0" * 36, "not-a-token"):
        assert guest.client.get(f"/nd8/return/{token}/success/").status_code == 404
    assert guest.client.get(f"/nd8/return/{session.token}/paid/").status_code == 404


def test_a_transaction_in_the_query_string_is_not_read(guest: Shopper, session: PaymentSession, nd8: ND8) -> None:
    transaction_id = nd8.outcome(session)
    asked = nd8.calls("getPaymentById")

    text = page(guest, session, "success", f"?transaction_id={transaction_id}&status=paid&order_id=1")

    assert "We are confirming" in text
    assert nd8.calls("getPaymentById") == asked
    assert Payment.objects.count() == Order.objects.count() == 0


def test_a_signed_in_customer_may_return_in_another_browser(customer: Shopper, user: Any, mug: Any, nd8: ND8) -> None:
    customer.add(mug).go_to_preview()
    customer.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    phone = Shopper(user=user)
    response = phone.client.get(f"/nd8/return/{session.token}/success/", follow=True)
    assert session.order_number in response.content.decode()


def test_a_guest_who_signs_in_while_paying_still_sees_the_order(
    guest: Shopper, session: PaymentSession, nd8: ND8
) -> None:
    guest.client.force_login(make_user())
    assert guest.goods() == [("Enamel mug", 1)]
    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    response = guest.client.get(f"/nd8/return/{session.token}/success/", follow=True)

    assert session.order_number in response.content.decode()
    assert guest.goods() == []


def test_nd8_down_at_the_return_says_that_the_answer_is_open(guest: Shopper, session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    nd8.fault("getPaymentById", "garbage", times=20)
    assert "We are confirming your payment" in page(guest, session, "success")
    assert guest.goods() == [("Enamel mug", 1)]


def test_the_waiting_page_asks_our_record_and_not_nd8(guest: Shopper, session: PaymentSession, nd8: ND8) -> None:
    state = f"/nd8/return/{session.token}/state/"
    assert guest.client.get(state).json() == {"settled": False}
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    asked = nd8.calls("getPaymentById")
    assert guest.client.get(state).json() == {"settled": True}
    assert nd8.calls("getPaymentById") == asked


@pytest.mark.parametrize("outcome", ["success", "failed", "canceled"])
def test_while_nd8_works_on_a_payment_no_address_offers_to_pay_again(
    guest: Shopper, session: PaymentSession, nd8: ND8, outcome: str
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    text = page(guest, session, outcome)
    assert "Please do not pay again" in text
    assert f"/nd8/pay/{session.token}/" not in text


def test_while_nd8_works_on_a_payment_the_banner_in_checkout_does_not_offer_to_resume(
    guest: Shopper, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)

    preview = " ".join(guest.client.get("/checkout/preview/").content.decode().split())

    assert "is being confirmed. Please do not pay it again." in preview
    assert f'href="/nd8/return/{session.token}/success/"' in preview
    assert f"/nd8/pay/{session.token}/" not in preview


def test_after_a_decline_that_is_not_the_end_the_banner_offers_to_resume(
    guest: Shopper, session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "declined_once")
    nd8.deliver(Shopper().client)
    assert f"/nd8/pay/{session.token}/" in guest.client.get("/checkout/preview/").content.decode()


def test_an_unconfirmed_failure_promises_nothing_that_is_not_known(guest: Shopper, session: PaymentSession) -> None:
    assert "Should you have paid after all" in page(guest, session, "failed")
    assert "Should you have paid after all" in page(guest, session, "canceled")


def test_a_mail_server_that_is_down_does_not_stand_between_a_shopper_and_the_thank_you_page(
    guest: Shopper, session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    assert guest.client.get(f"/nd8/return/{session.token}/success/")["Location"] == "/checkout/thank-you/"


def test_a_payment_that_nd8_refuses_says_so_and_keeps_the_basket(guest: Shopper, nd8: ND8, mug: Any) -> None:
    nd8.control("organization", min_payment="500.00")
    guest.add(mug).go_to_preview()
    response = guest.pay_now()
    assert response.status_code == 200
    assert "refused to open a payment" in response.content.decode()
    assert guest.goods() == [("Enamel mug", 1)]
