"""Mails, signals and receivers that fail: the order stands, and what is missing is made up for."""

from typing import Any

import pytest
from django.core import mail
from django.dispatch import Signal
from oscar.apps.order.signals import order_placed as oscars_order_placed
from oscar.core.loading import get_model

from oscar_nd8 import signals
from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.services.settle import settle
from oscar_nd8.testing import ND8, Shopper, post_webhook

pytestmark = pytest.mark.django_db(transaction=True)

Order = get_model("order", "Order")


@pytest.fixture
def heard() -> Any:
    """Records every outward signal as (name, session's status when it was sent)."""
    log: list[tuple[str, str]] = []
    receivers: list[tuple[Signal, Any]] = []
    for name in signals.__all__:

        def receive(*, session: PaymentSession, name: str = name, **_: Any) -> None:
            log.append((name, PaymentSession.objects.get(pk=session.pk).status))

        signal = getattr(signals, name)
        signal.connect(receive)
        receivers.append((signal, receive))
    yield log
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_signals_are_sent_once_each_after_the_fact(
    heard: list[tuple[str, str]], guest: Shopper, nd8: ND8, mug: Any
) -> None:
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    body, headers = nd8.notification()
    for number in range(3):
        post_webhook(guest.client, body, {**headers, "X-Webhook-Delivery-Id": str(number)})
    assert heard == [("session_opened", "open"), ("payment_confirmed", "paid"), ("order_placed", "placed")]


def test_a_held_payment_is_told_once(heard: list[tuple[str, str]], session: PaymentSession, nd8: ND8) -> None:
    heard.clear()
    nd8.outcome(session, "paid", net_amount="0.01")
    nd8.deliver(Shopper().client)
    settle(session)
    assert heard == [("attention_needed", "held"), ("payment_confirmed", "held")]
    assert "fee far above the limit" in session.attentions.get().detail
    assert Order.objects.count() == 0


def test_a_receiver_that_fails_does_not_undo_a_paid_order(session: PaymentSession, nd8: ND8) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the shop's own receiver")

    oscars_order_placed.connect(fail)
    signals.order_placed.connect(fail)
    try:
        nd8.outcome(session)
        assert nd8.deliver(Shopper().client).status_code == 200
    finally:
        oscars_order_placed.disconnect(fail)
        signals.order_placed.disconnect(fail)

    session.refresh_from_db()
    assert session.status == "placed"
    assert session.order is not None
    assert session.order.sources.count() == 1
    assert len(mail.outbox) == 1


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_delivery(
    session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 503
    assert Order.objects.count() == 1
    assert WebhookEvent.objects.get().status == "failed"

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert nd8.deliver(Shopper().client).status_code == 200

    assert [each.to for each in mail.outbox] == [["guest@example.com"]]
    assert Order.objects.count() == 1
    assert Order.objects.get().sources.get().transactions.count() == 2


def test_an_order_that_cannot_be_written_is_held_and_says_why(session: PaymentSession, nd8: ND8) -> None:
    get_model("address", "Country").objects.filter(pk="US").delete()

    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200

    session.refresh_from_db()
    assert session.status == "held"
    assert "country US" in session.attentions.get().detail
    assert Order.objects.count() == 0
    assert mail.outbox == []


def test_a_partner_deleted_while_paying_is_still_on_the_order(session: PaymentSession, nd8: ND8) -> None:
    get_model("partner", "Partner").objects.get().delete()

    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200

    line = Order.objects.get(number=session.order_number).lines.get()
    assert (line.partner, line.partner_name, line.title) == (None, "Warehouse", "Enamel mug")


def test_an_order_number_taken_by_somebody_else_is_held_and_not_lost(session: PaymentSession, nd8: ND8) -> None:
    Order.objects.create(number=session.order_number, currency="USD", total_incl_tax="1", total_excl_tax="1")

    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200

    session.refresh_from_db()
    assert (session.status, session.order) == ("held", None)
    assert "is taken by an order" in session.attentions.get().detail
    assert Order.objects.count() == 1
    assert mail.outbox == []


def test_an_order_is_written_in_the_language_it_was_bought_in(guest: Shopper, nd8: ND8, mug: Any) -> None:
    guest.client.post("/i18n/setlang/", {"language": "de"})
    guest.add(mug).go_to_preview()
    guest.pay_now()
    session = PaymentSession.objects.get()
    assert session.language == "de"

    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    assert "Bestellung" in mail.outbox[0].subject


def test_a_refund_before_the_shop_knew_of_the_payment_is_held(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "paid", status="refunded")
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    assert session.status == "held"
    assert "being given back" in session.status_reason
    assert Order.objects.count() == 0


def test_a_word_that_nd8_invents_tomorrow_is_kept_and_not_acted_on(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "paid", status="half_paid")
    assert nd8.deliver(Shopper().client).status_code == 200
    session.refresh_from_db()
    payment = session.payments.get()
    assert (session.status, payment.state, payment.raw_status) == ("open", "unknown", "half_paid")


def test_two_payments_for_one_checkout_place_one_order_and_call_for_staff(session: PaymentSession, nd8: ND8) -> None:
    first = nd8.outcome(session)
    nd8.deliver(Shopper().client)
    second = nd8.outcome(session, "paid", new_transaction=True)
    nd8.deliver(Shopper().client)

    assert Order.objects.count() == 1
    attention = session.attentions.get()
    assert attention.kind == "paid_twice"
    assert first in attention.detail
    assert second in attention.detail
    assert Order.objects.get().sources.count() == 2


def test_one_transaction_that_nd8_does_not_know_keeps_no_other_order_back(session: PaymentSession, nd8: ND8) -> None:
    WebhookEvent.objects.create(
        delivery_id="odd", name="transaction.status_changed", checkout_id=session.checkout_id, transaction_id="TX0never"
    )
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 503
    session.refresh_from_db()
    assert (session.status, Order.objects.count()) == ("placed", 1)


def test_money_that_does_not_stay_is_told_to_staff(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "pending_deposit")
    nd8.deliver(Shopper().client)
    nd8.outcome(session, "paid", status="failed")
    nd8.deliver(Shopper().client)
    assert session.attentions.get().kind == "money_lost"
    assert Order.objects.get().sources.get().amount_debited == 0
