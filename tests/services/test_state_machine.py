"""A shopper, ND8 and the network do whatever they like, in any order; what must hold always holds."""

from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from oscar.core.loading import get_model

from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper, make_product, post_webhook

Order = get_model("order", "Order")

OUTCOMES = ["paid", "failed", "canceled", "processing", "pending_deposit", "declined_then_paid"]
NUMBERS = count()


class Road(RuleBasedStateMachine):
    """One shopper with their sessions. Rows of earlier examples stay; each example looks at its own shopper's."""

    def __init__(self, nd8: ND8) -> None:
        super().__init__()
        nd8.reset()
        self.nd8, self.number = nd8, next(NUMBERS)
        self.email = f"shopper-{self.number}@example.com"
        self.shopper = Shopper(email=self.email)
        self.product = make_product(f"Thing {self.number}", "10.00")
        self.deliveries = count()

    def sessions(self) -> list[PaymentSession]:
        """This shopper's sessions, oldest first."""
        return list(PaymentSession.objects.filter(email=self.email).order_by("pk"))

    @rule(quantity=st.integers(1, 3))
    def buy(self, quantity: int) -> None:
        """More goes into the basket, and the shopper presses "Pay now"."""
        self.shopper.add(self.product, quantity)
        self.shopper.go_to_preview()
        assert self.shopper.pay_now().status_code == 302

    @precondition(lambda self: self.sessions())
    @rule(outcome=st.sampled_from(OUTCOMES), pick=st.integers(0, 9))
    def use_the_hosted_page(self, outcome: str, pick: int) -> None:
        """Something happens on one of the shopper's hosted pages."""
        opened = [session for session in self.sessions() if session.checkout_id]
        self.nd8.http.post(f"checkouts/{opened[pick % len(opened)].checkout_id}/outcome", json={"outcome": outcome})

    @rule(pick=st.integers(0, 99), again=st.booleans())
    def deliver(self, pick: int, again: bool) -> None:
        """Any of the messages so far arrives: late, early, twice, under its own or a new delivery id."""
        sent = self.nd8.state["deliveries"]
        if sent:
            body, headers = self.nd8.notification(pick % len(sent))
            if again:
                headers["X-Webhook-Delivery-Id"] = f"{self.number}-{next(self.deliveries)}"
            assert post_webhook(Shopper().client, body, headers).status_code in {200, 503}

    @precondition(lambda self: self.sessions())
    @rule(outcome=st.sampled_from(["success", "failed", "canceled"]), pick=st.integers(0, 9))
    def come_back(self, outcome: str, pick: int) -> None:
        """The browser opens one of the return addresses."""
        sessions = self.sessions()
        path = f"/nd8/return/{sessions[pick % len(sessions)].token}/{outcome}/"
        assert self.shopper.client.get(path).status_code in {200, 302}

    @rule(price=st.decimals(1, 500, places=2))
    def change_the_price(self, price: Decimal) -> None:
        """The shop changes its mind."""
        self.product.stockrecords.update(price=price)

    @rule(kind=st.sampled_from(["500", "garbage"]))
    def break_nd8(self, kind: str) -> None:
        """The next look-ups fail."""
        self.nd8.fault("getPaymentById", kind, times=6)

    @invariant()
    def an_order_is_what_was_agreed_and_paid(self) -> None:
        """One order a session, of its amount, and only with a payment that ND8 confirmed."""
        for session in self.sessions():
            if session.status == SessionStatus.PLACED:
                assert session.order is not None
                assert session.order.total_incl_tax == session.amount_major
                assert session.payments.filter(state__in=["paid", "refund_pending", "refunded"]).exists()
                debited = [source.amount_debited for source in session.order.sources.all()]
                assert all(amount in {0, session.amount_major} for amount in debited)
            else:
                assert session.order is None
        placed = [session.order_id for session in self.sessions() if session.order_id]
        assert Order.objects.filter(guest_email=self.email).count() == len(placed)

    def teardown(self) -> None:
        """When ND8 answers again and every message has arrived, each payment has its order."""
        self.nd8.control("faults", operation="getPaymentById", kind="500", times=0)
        for index in range(len(self.nd8.state["deliveries"])):
            body, headers = self.nd8.notification(index)
            headers["X-Webhook-Delivery-Id"] = f"{self.number}-end-{index}"
            assert post_webhook(Shopper().client, body, headers).status_code == 200
        self.an_order_is_what_was_agreed_and_paid()
        for session in self.sessions():
            paid = session.payments.filter(state="paid").exists()
            assert paid == (session.status == SessionStatus.PLACED)
        assert not WebhookEvent.objects.filter(
            checkout_id__in=[session.checkout_id for session in self.sessions()], status="unmatched"
        ).exists()


@pytest.mark.django_db
def test_whatever_happens_every_payment_has_one_order_of_its_amount(nd8: ND8, countries: Any, settings: Any) -> None:
    settings.OSCAR_MAX_BASKET_QUANTITY_THRESHOLD = None

    class ThisRoad(Road):
        def __init__(self) -> None:
            super().__init__(nd8)

    run_state_machine_as_test(ThisRoad, settings=FEW)


FEW = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    # The database and the emulator make each step slow, which is the point of testing them.
    suppress_health_check=[HealthCheck.too_slow],
)
