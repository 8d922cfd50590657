"""Late, double and odd payments: each ends as an order or before a person, and none is lost or charged again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, Payment, PaymentSession, WebhookEvent
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.testing import ND8, Shopper, make_product
from tests.regular import Regular

pytestmark = pytest.mark.django_db(transaction=True)

Order = get_model("order", "Order")


def begin(shopper: Shopper, product: Any, quantity: int = 1) -> PaymentSession:
    """From an empty basket to the hosted page."""
    return shopper.begin_payment(product, quantity)


def again(shopper: Shopper) -> PaymentSession:
    """The basket as it is, to a hosted page."""
    shopper.pay_now()
    return PaymentSession.objects.latest("pk")


def pay(nd8: ND8, session: PaymentSession, outcome: str = "paid", **details: Any) -> str:
    """Something happens on the hosted page, and the shop is told."""
    transaction_id = nd8.outcome(session, outcome, **details)
    assert nd8.deliver(Shopper().client).status_code == 200
    session.refresh_from_db()
    return transaction_id


def by_invoice(shopper: Shopper) -> Any:
    """The basket as it is, ordered by the shop's other method."""
    shopper.client.post("/checkout/payment-method/", {"method": "invoice"})
    shopper.client.post("/checkout/preview/", {"action": "place_order"})
    order = Order.objects.latest("pk")
    assert not hasattr(order, "nd8_session")
    return order


def the_matter(kind: str) -> Attention:
    """The one matter for staff, which must be of this kind."""
    matter = Attention.objects.get()
    assert (matter.kind, matter.resolved_at) == (kind, None)
    return matter


def test_paid_after_a_cancel_and_after_the_same_basket_was_bought_again(guest: Shopper, nd8: ND8, mug: Any) -> None:
    first = begin(guest, mug)
    pay(nd8, first, "canceled")
    second = again(guest)
    assert second.pk != first.pk
    pay(nd8, second)
    assert Attention.objects.count() == 0

    pay(nd8, first)

    assert (first.status, second.status, Order.objects.count()) == ("placed", "placed", 2)
    assert second.order_number in the_matter("bought_twice").detail
    assert Attention.objects.get().session == first


def test_paid_after_the_page_expired_and_the_same_basket_was_bought_again(guest: Shopper, nd8: ND8, mug: Any) -> None:
    first = begin(guest, mug)
    PaymentSession.objects.update(expires_at=timezone.now())
    second = again(guest)
    first.refresh_from_db()
    assert first.status == "expired"
    pay(nd8, second)

    pay(nd8, first)

    assert Order.objects.count() == 2
    assert second.order_number in the_matter("bought_twice").detail


def test_paid_after_the_same_basket_was_ordered_by_invoice(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    invoice = by_invoice(guest)

    pay(nd8, session)

    assert (session.status, Order.objects.count()) == ("placed", 2)
    assert invoice.number in the_matter("bought_twice").detail


def test_paid_after_the_same_basket_was_ordered_for_nothing(
    guest: Shopper, nd8: ND8, mug: Any, countries: None
) -> None:
    poster = make_product("Poster", "0.00", shipped=False)
    session = begin(guest, mug)
    guest.client.post("/basket/", {"form-TOTAL_FORMS": "0", "form-INITIAL_FORMS": "0"})
    guest.basket.lines.all().delete()
    guest.add(poster).go_to_preview()
    guest.pay_now()
    free = Order.objects.get()
    assert free.total_incl_tax == 0

    pay(nd8, session)

    assert Order.objects.count() == 2
    assert free.number in the_matter("bought_twice").detail


def sign_in(guest: Shopper, user: Any) -> None:
    """The guest's basket becomes the customer's."""
    guest.client.force_login(user)
    guest.user = user
    guest.client.get("/basket/")


def test_paid_as_a_guest_and_again_after_signing_in(guest: Shopper, user: Any, nd8: ND8, mug: Any) -> None:
    first = begin(guest, mug)
    sign_in(guest, user)
    guest.go_to_preview()
    second = again(guest)
    assert second.source_basket_id != first.source_basket_id
    assert second.email != first.email
    pay(nd8, second)

    pay(nd8, first)

    assert Order.objects.count() == 2
    assert second.order_number in the_matter("bought_twice").detail


def test_paid_as_a_guest_after_ordering_by_invoice_as_a_customer(guest: Shopper, user: Any, nd8: ND8, mug: Any) -> None:
    first = begin(guest, mug)
    sign_in(guest, user)
    guest.go_to_preview()
    invoice = by_invoice(guest)

    pay(nd8, first)

    assert Order.objects.count() == 2
    assert invoice.number in the_matter("bought_twice").detail


def test_the_same_goods_in_another_basket_under_the_same_address_are_told_too(nd8: ND8, mug: Any) -> None:
    first = begin(Regular(), mug)
    second = begin(Regular(), mug)
    pay(nd8, second)
    pay(nd8, first)
    assert second.order_number in the_matter("bought_twice").detail


def test_buying_the_same_thing_twice_one_after_the_other_is_no_matter(customer: Shopper, nd8: ND8, mug: Any) -> None:
    for _ in range(2):
        pay(nd8, begin(customer, mug))
    assert Order.objects.count() == 2
    assert Attention.objects.count() == 0


def test_another_shopper_who_buys_the_same_meanwhile_is_no_matter(nd8: ND8, mug: Any) -> None:
    first = begin(Regular(email="a@example.com"), mug)
    pay(nd8, begin(Regular(email="b@example.com"), mug))
    pay(nd8, first)
    assert Order.objects.count() == 2
    assert Attention.objects.count() == 0


def test_a_crash_before_staff_were_told_is_made_up_for(guest: Shopper, nd8: ND8, mug: Any, settings: Any) -> None:
    session = begin(guest, mug)
    by_invoice(guest)
    settings.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    Attention.objects.all().delete()  # as if the process had died between the order and this
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    reconcile(everything=True)

    the_matter("bought_twice")


def test_two_transactions_of_one_checkout_place_one_order_and_one_is_surplus(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = begin(guest, mug)
    first = pay(nd8, session)
    second = pay(nd8, session, new_transaction=True)
    assert Order.objects.count() == 1
    assert {first, second} <= set(the_matter("paid_twice").detail.replace(".", "").replace(",", "").split())
    assert [source.amount_debited for source in Order.objects.get().sources.all()] == [session.amount_major] * 2


def test_two_transactions_of_which_one_failed_are_one_payment(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    pay(nd8, session, "failed")
    pay(nd8, session)
    assert (session.status, session.payments.count(), Order.objects.count()) == ("placed", 2, 1)
    assert Attention.objects.count() == 0


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"currency": "EUR"}, "made in EUR"),
        ({"net_amount": "0.01"}, "a fee far above the limit"),
        ({"net_amount": "15.00"}, "which cannot be right"),
        ({"net_amount": "0.00"}, "which cannot be right"),
        ({"net_amount": "-5.00"}, "cannot be read"),
    ],
)
def test_an_amount_that_cannot_be_right_is_held_whatever_is_asked_again(
    guest: Shopper, nd8: ND8, mug: Any, details: dict[str, str], reason: str, mailoutbox: list[Any]
) -> None:
    session = begin(guest, mug)
    pay(nd8, session, **details)
    reconcile(everything=True)
    session.refresh_from_db()
    assert (session.status, Order.objects.count(), mailoutbox) == ("held", 0, [])
    assert reason in the_matter("held").detail


def test_what_nd8_writes_unusually_about_a_paid_payment_still_becomes_the_order(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = begin(guest, mug)
    net = session.amount_major - Decimal("1.00")
    pay(nd8, session, net_amount=f"{net}50", error_message="Declined\0 before\x1b, then taken")
    assert (session.status, Order.objects.count(), Attention.objects.count()) == ("placed", 1, 0)
    payment = session.payments.get()
    assert (payment.net_major, payment.attempts[0]["message"]) == (
        net + Decimal("0.01"),
        "Declined before, then taken",
    )
    assert reconcile(everything=True).broken == 0


def test_an_odd_amount_after_the_page_had_expired_is_held_too(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    PaymentSession.objects.update(status="expired", closed_at=timezone.now())
    pay(nd8, session, currency="EUR")
    assert session.status == "held"
    the_matter("held")


def test_a_transaction_named_for_two_sessions_belongs_to_the_first(nd8: ND8, mug: Any) -> None:
    cheap = begin(Regular(email="a@example.com"), mug)
    dear = begin(Regular(email="b@example.com"), make_product("Statue", "999.00"))
    transaction_id = pay(nd8, cheap)
    WebhookEvent.objects.create(
        delivery_id="forged",
        name="transaction.status_changed",
        checkout_id=dear.checkout_id,
        transaction_id=transaction_id,
    )

    reconcile(everything=True)

    dear.refresh_from_db()
    assert (dear.status, dear.payments.count(), Order.objects.count()) == ("open", 0, 1)
    assert the_matter("claimed_elsewhere").session == dear


def test_once_the_money_of_a_held_payment_went_back_the_same_basket_can_be_bought(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    first = begin(guest, mug)
    transaction_id = pay(nd8, first, "paid", currency="EUR")
    held = guest.pay_now()["Location"]
    assert held == f"/nd8/return/{first.token}/success/"
    assert "Please do not pay again" in guest.client.get(held).content.decode()

    pay(nd8, first, "paid", status="refunded")
    assert Payment.objects.get(transaction_id=transaction_id).state == "refunded"
    page = guest.client.get(held).content.decode()
    assert "Please do not pay again" not in page
    assert "Your money goes back to you" in page

    second = again(guest)
    assert second.pk != first.pk
    pay(nd8, second)
    assert Order.objects.get().number == second.order_number
    first.refresh_from_db()
    assert first.status == "held"


def test_no_second_page_is_opened_while_nd8_works_on_a_payment_whose_page_has_closed(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    first = begin(guest, mug)
    pay(nd8, first, "processing")
    assert guest.pay_now()["Location"] == f"/nd8/return/{first.token}/success/"

    PaymentSession.objects.update(expires_at=timezone.now())
    response = guest.pay_now()
    assert "still working on your payment" in response.content.decode()
    assert PaymentSession.objects.count() == nd8.calls("createPayment") == 1

    Payment.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert guest.pay_now().status_code == 302
    assert PaymentSession.objects.count() == 2


def test_a_shopper_cannot_open_payment_pages_without_end(guest: Shopper, nd8: ND8, mug: Any, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "MAX_OPEN_PAGES": 3}
    sessions = [begin(guest, mug) for _ in range(3)]

    guest.add(mug)
    response = guest.pay_now()

    assert "many payment pages" in response.content.decode()
    assert PaymentSession.objects.count() == nd8.calls("createPayment") == 3
    pay(nd8, sessions[0])
    assert Order.objects.get().total_incl_tax == Decimal("14.98")
    assert guest.pay_now().status_code == 302


def test_what_a_browser_can_repeat_asks_nd8_little(guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = begin(guest, mug)
    for _ in range(6):
        pay(nd8, session, "failed")
    PaymentSession.objects.update(status="open")
    Payment.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    asked = nd8.calls("getPaymentById")
    come_back = f"/nd8/return/{session.token}/failed/"

    guest.client.get(come_back)
    assert nd8.calls("getPaymentById") == asked + 3
    guest.client.get(come_back)
    assert nd8.calls("getPaymentById") == asked + 6
    for _ in range(5):
        PaymentSession.objects.update(status="open")
        Payment.objects.update(asked_at=timezone.now())
        guest.client.get(come_back)
    assert nd8.calls("getPaymentById") == asked + 6
