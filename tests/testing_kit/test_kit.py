"""What the kit gives to a shop's tests: sessions in every state, webhooks carried by hand, faults, a shopper."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from oscar.core.loading import get_model

from oscar_nd8.models import Payment, PaymentSession, WebhookEvent
from oscar_nd8.testing import ND8, Shopper, emulated_nd8, make_product, make_session

pytestmark = pytest.mark.django_db

Order = get_model("order", "Order")


@pytest.fixture
def repeated_at_once() -> None:
    """Not here: the kit alone says how long its failures take."""


def test_an_open_session_waits_for_payment(open_session: PaymentSession, nd8: ND8) -> None:
    assert (open_session.status, open_session.order) == ("open", None)
    assert [each["checkout_id"] for each in nd8.checkouts] == [open_session.checkout_id]
    assert Order.objects.count() == WebhookEvent.objects.count() == 0


def test_a_paid_session_has_its_order(
    paid_session: PaymentSession, nd8_shopper: Shopper, nd8_product: Any, mailoutbox: list[Any]
) -> None:
    order = Order.objects.get()
    assert (paid_session.status, paid_session.order) == ("placed", order)
    assert order.user == nd8_shopper.user
    assert [(line.product, line.quantity) for line in order.lines.all()] == [(nd8_product, 1)]
    assert [mail.to for mail in mailoutbox] == [[nd8_shopper.user.email]]
    assert nd8_shopper.goods() == []


def test_a_failed_session_has_no_order_and_its_shopper_the_basket(
    failed_session: PaymentSession, nd8_shopper: Shopper
) -> None:
    assert (failed_session.status, failed_session.order, Order.objects.count()) == ("failed", None, 0)
    assert nd8_shopper.goods() == [("Enamel mug", 1)]


def test_a_canceled_session_has_no_order_and_its_shopper_the_basket(
    canceled_session: PaymentSession, nd8_shopper: Shopper
) -> None:
    assert (canceled_session.status, canceled_session.order, Order.objects.count()) == ("canceled", None, 0)
    assert nd8_shopper.goods() == [("Enamel mug", 1)]


def test_sessions_made_by_hand_are_of_different_people(nd8: ND8) -> None:
    sessions = [make_session(nd8, outcome) for outcome in ("paid", "declined_then_paid", "processing", "")]
    assert [session.status for session in sessions] == ["placed", "placed", "open", "open"]
    assert len({session.user for session in sessions}) == 4
    assert nd8.calls("createPayment") == 4


def test_a_session_made_by_hand_carries_no_word_about_another_one(nd8: ND8, open_session: PaymentSession) -> None:
    nd8.outcome(open_session)
    make_session(nd8, "paid")
    open_session.refresh_from_db()
    assert open_session.status == "open"


def test_everything_new_is_carried_once_and_in_order(
    nd8: ND8, open_session: PaymentSession, deliver_webhook: Callable[[], Any]
) -> None:
    nd8.outcome(open_session, "declined_then_paid")

    assert deliver_webhook().status_code == 200

    assert WebhookEvent.objects.count() == 2
    assert Order.objects.count() == 1
    with pytest.raises(AssertionError, match="nothing new to tell"):
        deliver_webhook()


def test_a_notification_can_be_carried_again(nd8: ND8, paid_session: PaymentSession) -> None:
    assert nd8.deliver().status_code == 200
    assert Order.objects.get() == paid_session.order
    assert WebhookEvent.objects.count() == 1


def test_what_nd8_drops_is_not_carried(
    nd8: ND8, open_session: PaymentSession, deliver_webhook: Callable[[], Any]
) -> None:
    nd8.control("deliveries", drop=True)
    nd8.outcome(open_session)
    with pytest.raises(AssertionError, match="nothing new to tell"):
        deliver_webhook()
    assert WebhookEvent.objects.count() == 0


def test_there_is_nothing_to_carry_or_refund_before_something_happened(nd8: ND8, open_session: PaymentSession) -> None:
    with pytest.raises(AssertionError, match="told nothing yet"):
        nd8.deliver()
    with pytest.raises(AssertionError, match="Nothing was paid"):
        nd8.refund(open_session)


def test_a_refund_in_nd8s_dashboard_reaches_the_shop(
    nd8: ND8, paid_session: PaymentSession, deliver_webhook: Callable[[], Any]
) -> None:
    nd8.refund(paid_session)
    assert deliver_webhook().status_code == 200
    assert Payment.objects.get().state == "refunded"


def test_a_part_can_be_refunded_and_left_under_way(nd8: ND8, paid_session: PaymentSession) -> None:
    refund_id = nd8.refund(paid_session, amount="1.50", status="processing")
    refund = nd8.state["refunds"][0]
    assert (refund["id"], refund["amount"], refund["status"]) == (refund_id, "1.50", "processing")


def test_a_refused_control_call_says_why(nd8: ND8) -> None:
    with pytest.raises(AssertionError, match="The emulator refused faults"):
        nd8.fault("createPayment", "rain")


def test_faults_come_and_can_be_ended(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> None:
    nd8.fault("createPayment", "500", times=9)
    with pytest.raises(AssertionError, match=r"not sent to ND8: .*You have not been charged"):
        nd8_shopper.begin_payment(nd8_product)

    nd8.fault("createPayment", "500", times=0)
    assert nd8_shopper.pay_now().status_code == 302


def test_a_lost_answer_is_over_in_seconds(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> None:
    nd8.fault("createPayment", "timeout_after")
    nd8_shopper.add(nd8_product).go_to_preview()
    assert "not been charged" in nd8_shopper.pay_now().content.decode()
    assert len(nd8.checkouts) == 1


def test_a_walk_that_does_not_reach_nd8_says_where_it_ended_and_why(nd8_shopper: Shopper) -> None:
    with pytest.raises(AssertionError, match=r"not sent to ND8, but to /basket/: .+"):
        nd8_shopper.begin_payment(make_product(stock=0))


def test_a_digital_basket_is_paid_without_an_address_to_ship_to(nd8: ND8, nd8_shopper: Shopper) -> None:
    session = make_session(nd8, "paid", shopper=nd8_shopper, product=make_product("E-book", "7.00", shipped=False))
    order: Any = Order.objects.get()
    assert (session.order, order.shipping_address) == (order, None)
    assert order.billing_address.first_name == "Ada"


def test_the_shopper_comes_back_by_any_address(nd8_shopper: Shopper, open_session: PaymentSession) -> None:
    assert "confirming your payment" in nd8_shopper.come_back(open_session).content.decode()
    assert "You have not paid yet" in nd8_shopper.come_back(open_session, "canceled").content.decode()
    assert Order.objects.count() == 0


def test_without_fixtures_the_settings_are_the_shops_own_again_afterwards() -> None:
    before = django_settings.ND8
    with emulated_nd8() as nd8:
        assert django_settings.ND8["BASE_URL"] == f"{nd8.url}/sandbox/api/"
        assert make_session(nd8, "paid").order is not None
        with emulated_nd8(nd8.url) as same:
            assert (same.url, same.checkouts) == (nd8.url, [])
    assert django_settings.ND8 is before


def test_a_shop_that_named_no_secret_gets_the_emulators(settings: Any) -> None:
    settings.ND8 = {name: value for name, value in settings.ND8.items() if name != "WEBHOOK_SECRETS"}
    with emulated_nd8() as nd8:
        assert make_session(nd8, "paid").order is not None


@pytest.mark.django_db(transaction=True)
def test_a_live_shop_is_told_by_nd8_itself(
    live_server: Any, nd8: ND8, open_session: PaymentSession, deliver_webhook: Callable[[], Any]
) -> None:
    nd8.control("deliveries", retry_delays=[])
    nd8.send_webhooks_to(live_server.url + reverse("nd8:webhook"))
    nd8.outcome(open_session)
    deadline = time.monotonic() + 30
    while nd8.state["deliveries"][-1]["state"] == "waiting" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert nd8.state["deliveries"][-1]["state"] == "delivered"
    assert Order.objects.count() == 1
    with pytest.raises(AssertionError, match="nothing new to tell"):
        deliver_webhook()
