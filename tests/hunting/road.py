"""A shopper, ND8, the network, staff, the clock and whoever pulls the plug do what they like, in any order."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from django.core import mail
from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from oscar_nd8.emulator.courier import Delivery
from oscar_nd8.emulator.outcomes import Outcome
from oscar_nd8.exceptions import DecisionRefused, NotReusable, ProviderError
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Attention, Payment, PaymentSession
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.dismiss_matter import dismiss_matter
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.shop.worklist import last_decision
from oscar_nd8.testing import post_webhook
from tests.hunting.killing import killed
from tests.hunting.promises import always, at_the_end, in_the_end_of_what_was_told
from tests.hunting.provider import Provider
from tests.hunting.shop import Buyer, Rows, Shelf, age_rows, forget_rows

__all__ = ["Road"]

T = TypeVar("T")

OUTCOMES = st.sampled_from([Outcome.PAID] * 4 + list(Outcome))
ODDITIES = st.sampled_from([{"currency": "EUR"}, {"net": Decimal("0.01")}, {"net": Decimal("999.99")}])
OPERATIONS = ["createPayment", "getPaymentById", "createRefundForPayment", "listRefunds", "getRefundById"]
KINDS = ["500", "429", "garbage", "wrong_types", "reset", "timeout_before", "timeout_after", "cut_off"]
SPANS = st.sampled_from([timedelta(minutes=each) for each in (1, 3, 6, 11, 20, 40, 24 * 60, 5 * 24 * 60)])
ENDS = st.sampled_from(["completed", "completed", "failed", "rejected"])
PICKS = st.integers(0, 7)
SHARES = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.1")])
# Placing an order takes some fifty writes; most steps take fewer, and then nobody dies.
DEATHS = st.one_of(st.none(), st.none(), st.integers(1, 12), st.integers(1, 60))
# ND8's patience, and the mail's: what was begun by somebody who died is taken over by then.
LONG_ENOUGH = timedelta(minutes=20)


def one_of(things: list[T], pick: int) -> T:
    """Counted from the newest, so that a small number is an interesting one."""
    return things[-1 - pick % len(things)]


def _seen(matter: Attention) -> int:
    last = last_decision(matter)
    return last.pk if last else 0


class Road(RuleBasedStateMachine):
    """One shopper's payments, from the first "Pay now" to the day when nothing is left to do."""

    def __init__(self, shelf: Shelf, provider: Provider, *, staff: Any, restart: Callable[[], None]) -> None:
        super().__init__()
        forget_rows()
        provider.reset()
        self.shelf, self.provider, self.staff, self.restart = shelf, provider, staff, restart
        self.client, self.carried, self.new_ids = Client(), set[str](), count()
        self.repeated_mails, self.was_disturbed = 0, False

    @initialize(
        signed_in=st.booleans(),
        quantity=st.integers(1, 3),
        outcome=st.one_of(st.none(), st.just(Outcome.PAID), OUTCOMES),
        tell=st.booleans(),
        deaths=st.tuples(DEATHS, DEATHS),
    )
    def come_in(
        self,
        signed_in: bool,
        quantity: int,
        outcome: Outcome | None,
        tell: bool,
        deaths: tuple[int | None, int | None],
    ) -> None:
        """A shopper, a basket, a first payment page, and perhaps what became of it."""
        self.buyer = Buyer(self.shelf, signed_in=signed_in)
        self.buyer.add(0, quantity)
        self._press(deaths[0])
        if outcome is not None:
            self._end_page(outcome, tell=tell, at=deaths[1])

    # Each rule is always there, and does nothing where there is nothing to do it to: which rules there are must not
    # depend on how quickly ND8 answered.

    # The shopper

    @rule(kind=st.integers(0, 1), quantity=st.integers(0, 2), at=DEATHS)
    def pay_now(self, kind: int, quantity: int, at: int | None) -> None:
        """The button once more, in another tab perhaps, and with more in the basket."""
        if quantity:
            self.buyer.add(kind, quantity)
        self._press(at)

    @rule(pick=PICKS, at=DEATHS)
    def come_back(self, pick: int, at: int | None) -> None:
        """The browser opens a return address, which settles before it shows anything."""
        if self.rows.sessions:
            self._do(lambda: settle(self._session(pick)), at, allowed=(ProviderError,))

    # ND8

    @rule(outcome=OUTCOMES, pick=PICKS, anew=st.sampled_from([False, False, True]), tell=st.booleans(), at=DEATHS)
    def use_the_hosted_page(self, outcome: Outcome, pick: int, anew: bool, tell: bool, at: int | None) -> None:
        """Any page that was ever opened, however late, and however often it was paid before."""
        self._end_page(outcome, pick, tell=tell, at=at, anew=anew)

    @rule(oddity=ODDITIES, pick=PICKS, tell=st.booleans(), at=DEATHS)
    def pay_something_odd(self, oddity: dict[str, Any], pick: int, tell: bool, at: int | None) -> None:
        """Another currency, next to nothing, or more than was asked for."""
        self._end_page(Outcome.PAID, pick, tell=tell, at=at, **oddity)

    @rule(pick=PICKS, how=st.sampled_from(["as sent", "under a new id", "forged"]), at=DEATHS)
    def deliver(self, pick: int, how: str, at: int | None) -> None:
        """Any notification so far: late, early, twice, or from a stranger who knows what ND8 says."""
        if self.provider.deliveries:
            self._carry(one_of(self.provider.deliveries, pick), at, how=how)

    @rule(pick=PICKS, share=SHARES, status=ENDS, tell=st.booleans(), at=DEATHS)
    def use_nd8s_dashboard(self, pick: int, share: Decimal, status: str, tell: bool, at: int | None) -> None:
        """ND8 ends a refund that is under way; where there is none, somebody makes one there."""
        waiting = [each for each in self.provider.refunds if each.status == "processing"]
        paid = [each for each in self.provider.transactions if each.status == "paid"]
        if waiting:
            self.provider.conclude(one_of(waiting, pick), status)
        elif paid:
            self.provider.give_back(one_of(paid, pick), share)
        if tell:
            self._tell_newest(at)

    @rule(operation=st.sampled_from(OPERATIONS), kind=st.sampled_from(KINDS), times=st.sampled_from([1, 1, 99]))
    def break_nd8(self, operation: str, kind: str, times: int) -> None:
        """The next calls of an operation go wrong."""
        self.was_disturbed = True
        self.provider.misbehave(operation, kind, times)

    # Staff

    @rule(what=st.sampled_from(["place", "dismiss", "refund", "refund", "ask"]), pick=PICKS, share=SHARES, at=DEATHS)
    def decide(self, what: str, pick: int, share: Decimal, at: int | None) -> None:
        """The first of these, from the one that they meant, that there is something for."""
        decisions: dict[str, tuple[list[Any], Callable[[Any, Decimal], object]]] = {
            "place": (self.rows.held(), self._place),
            "dismiss": (self.rows.open_matters(), self._dismiss),
            "refund": (self.rows.payments, self._refund),
            "ask": (self.rows.sessions, self._ask),
        }
        for name in list(decisions)[list(decisions).index(what) :]:
            things, act = decisions[name]
            if things:
                thing = one_of(things, pick)
                self._do(lambda: act(thing, share), at, allowed=(DecisionRefused,))  # noqa: B023  # called at once
                return

    def _place(self, matter: Attention, _share: Decimal) -> None:
        place_anyway(matter, by=self.staff, seen=_seen(matter))

    def _dismiss(self, matter: Attention, _share: Decimal) -> None:
        dismiss_matter(matter, by=self.staff, note="Talked to the shopper", seen=_seen(matter))

    def _refund(self, payment: Payment, share: Decimal) -> None:
        payment = Payment.objects.select_related("session").get(pk=payment.pk)
        wanted: dict[str, Any] = {"amount": int(payment.session.amount * share)} if share < 1 else {"everything": True}
        request_refund(payment, reason="The mug arrived broken", asked_by=self.staff, **wanted)

    def _ask(self, session: PaymentSession, _share: Decimal) -> None:
        ask_again(session, by=self.staff)

    # The clock

    @rule(everything=st.booleans(), at=DEATHS)
    def reconcile(self, everything: bool, at: int | None) -> None:
        """The schedule comes round, or an operator runs the command."""
        self._do(lambda: reconcile(everything=everything, workers=1), at)

    @rule(span=SPANS, mended=st.booleans())
    def wait(self, span: timedelta, mended: bool) -> None:
        """Time passes, and nobody does anything but ND8's own people."""
        age_rows(span)
        self.provider.age(span)
        if mended:
            self._recover()
        self._look()

    @rule(kind=st.integers(0, 1), price=st.sampled_from([Decimal("0.50"), Decimal("77.77")]))
    def change_price(self, kind: int, price: Decimal) -> None:
        """The shop changes its mind about what things cost."""
        self.shelf.products[kind].stockrecords.update(price=price)

    def teardown(self) -> None:
        """One run finishes what the shop was told; a while later, told all, it has done all."""
        self._recover()
        if self.was_disturbed:
            self._reconcile_once()
            in_the_end_of_what_was_told(self.rows, self.provider)
        for delivery in self.provider.deliveries:
            if delivery.delivery_id not in self.carried:
                self._carry(delivery, None, how="as sent")
        age_rows(LONG_ENOUGH)
        self.provider.age(LONG_ENOUGH)
        self._reconcile_once()
        at_the_end(self.rows, self.provider)

    def _reconcile_once(self) -> None:
        summary = reconcile(everything=True, workers=1)
        while summary.postponed or summary.stopped:  # a machine so busy that ND8's answer came too late
            self._recover()
            summary = reconcile(everything=True, workers=1)
        assert not summary.broken
        self._look()

    def _end_page(
        self, outcome: Outcome, pick: int = 0, *, tell: bool, at: int | None, anew: bool = False, **oddity: Any
    ) -> None:
        if self.provider.checkouts:
            self.provider.end(one_of(self.provider.checkouts, pick), outcome, anew=anew, **oddity)
        if tell:
            self._tell_newest(at)

    def _tell_newest(self, at: int | None) -> None:
        if self.provider.deliveries:
            self._carry(self.provider.deliveries[-1], at, how="as sent")

    def _press(self, at: int | None) -> None:
        self._do(self.buyer.pay_now, at, allowed=(NotReusable, ProviderError))

    def _carry(self, delivery: Delivery, at: int | None, *, how: str) -> None:
        headers, right = delivery.headers(delivery.created_at), {200, 503}
        if how == "under a new id":
            headers["X-Webhook-Delivery-Id"] = f"again-{next(self.new_ids)}"
        elif how == "forged":
            headers["X-Webhook-Signature"], right = f"sha256={0:064}", {400}

        def post() -> None:
            answer = post_webhook(self.client, delivery.body, headers)
            assert answer.status_code in right, answer.content
            if answer.status_code == 200:
                self.carried.add(delivery.delivery_id)

        self._do(post, at)

    def _do(self, action: Callable[[], object], at: int | None, *, allowed: tuple[type[Exception], ...] = ()) -> None:
        """One process does something, and may not live to see the end of it."""
        sent = len(mail.outbox)
        with killed(at) as death, suppress(*allowed):
            action()
        # Sent, and perhaps not written down: nobody can know better than to send it again.
        self.repeated_mails += death.came and len(mail.outbox) > sent
        self.was_disturbed |= death.came
        self._look()

    def _look(self) -> None:
        self.rows = Rows.of(self.buyer)
        always(self.rows, self.provider, self.buyer, repeated_mails=self.repeated_mails)

    def _session(self, pick: int) -> PaymentSession:
        return PaymentSession.objects.get(pk=one_of(self.rows.sessions, pick).pk)

    def _recover(self) -> None:
        self.provider.recover()
        if get_gateway("nd8").failures():
            self.restart()
