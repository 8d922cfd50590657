"""A shopper, ND8, the network, staff, the clock and whoever pulls the plug do what they like, in any order."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from django.core import mail
from django.test import Client
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from oscar_nd8.emulator.courier import Delivery
from oscar_nd8.emulator.outcomes import Outcome
from oscar_nd8.exceptions import DecisionRefused, NotReusable, ProviderError
from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Attention, Payment, PaymentSession, StaffAction
from oscar_nd8.services.ask_again import ask_again
from oscar_nd8.services.dismiss_matter import dismiss_matter
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.shop.worklist import last_decision
from oscar_nd8.states import UNPAID_ENDS, RefundStatus
from oscar_nd8.testing import post_webhook
from tests.hunting.figures import SEQUENCES
from tests.hunting.killing import killed
from tests.hunting.promises import always, at_the_end, in_the_end_of_what_was_told
from tests.hunting.provider import Provider
from tests.hunting.shop import Buyer, Rows, Shelf, age_rows, forget_rows

__all__ = ["Road"]

T = TypeVar("T")

OUTCOMES = st.sampled_from([Outcome.PAID] * 6 + list(Outcome))
PAID_OR_NOT = st.sampled_from([None, None, *[Outcome.PAID] * 12, *Outcome])
TOLD = st.sampled_from([True, True, False])
ODDITIES = st.sampled_from([{}] * 15 + [{"currency": "EUR"}, {"net": Decimal("0.01")}, {"net": Decimal("999.99")}])
# A minute to five days, in seconds of which no few add up to any of the times that the shop waits, or four times them:
# a moment more or less must not decide what is due.
SPANS = st.sampled_from([timedelta(seconds=each) for each in (67, 184, 381, 693, 1236, 2663, 89_878, 460_632)])
ENDS = st.sampled_from(["processing", "completed", "completed", "completed", "failed", "rejected"])
PICKS = st.integers(0, 7)
SHARES = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.1")])
PRICES = st.sampled_from([Decimal("0.50"), Decimal("77.77")])


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong while something is done: its process dies before a write, or ND8's next `times` answers do."""

    dies_at: int | None = None
    nd8: str = ""
    times: int = 0


KINDS = ["500", "429", "garbage", "wrong_types", "reset", "timeout_before", "timeout_after", "cut_off"]
MISHAPS = st.one_of(
    *(st.just(Mishap()) for _ in range(6)),
    # Placing an order takes some fifty writes; most steps take fewer, and then nobody dies.
    st.builds(Mishap, dies_at=st.integers(1, 8)),
    st.builds(Mishap, dies_at=st.integers(1, 60)),
    st.builds(Mishap, nd8=st.sampled_from(KINDS), times=st.sampled_from([1, 2, 99])),
)
# ND8's patience, and the mail's: what was begun by somebody who died is taken over by then.
LONG_ENOUGH = timedelta(minutes=20, seconds=53)
# The schedule alone takes an hour until it has been everywhere.
ROUNDS = 3


def one_of(things: list[T], pick: int) -> T:
    """Counted from the newest, so that a small number is an interesting one."""
    return things[-1 - pick % len(things)]


def _seen(matter: Attention) -> int:
    last = last_decision(matter)
    return last.pk if last else 0


class Road(RuleBasedStateMachine):
    """One shopper's payments, from the first "Pay now" to the day when nothing is left to do."""

    def __init__(
        self, shelf: Shelf, provider: Provider, *, staff: Any, restart: Callable[[], None], reached: Counter[str]
    ) -> None:
        super().__init__()
        forget_rows()
        provider.reset()
        self.shelf, self.provider, self.staff, self.restart = shelf, provider, staff, restart
        self.client, self.carried, self.new_ids = Client(), set[str](), count()
        self.repeated_mails, self.deaths, self.decided = 0, 0, False
        self.reached = reached

    @initialize(
        signed_in=st.booleans(),
        quantity=st.integers(1, 3),
        outcome=PAID_OR_NOT,
        oddity=ODDITIES,
        tell=TOLD,
        mishaps=st.tuples(MISHAPS, MISHAPS),
        by_schedule=st.sampled_from([False, False, True]),
    )
    def come_in(self, signed_in: bool, quantity: int, by_schedule: bool, **page: Any) -> None:
        """A shopper, a basket, a first payment page, and perhaps what became of it."""
        self.by_schedule = by_schedule
        self.buyer = Buyer(self.shelf, signed_in=signed_in)
        self.buyer.add(0, quantity)
        self.rows = Rows(self.buyer)
        self._use_a_new_page(**page)

    # Each rule is always there, and does nothing where there is nothing to do it to: which rules there are must not
    # depend on how quickly ND8 answered.

    # The shopper

    @rule(
        kind=st.integers(0, 1),
        quantity=st.sampled_from([0, 1, 1, 2]),
        outcome=PAID_OR_NOT,
        oddity=ODDITIES,
        tell=TOLD,
        mishaps=st.tuples(MISHAPS, MISHAPS),
    )
    def pay_now(self, kind: int, quantity: int, **page: Any) -> None:
        """The button once more, in another tab perhaps, and with more in the basket."""
        if quantity:
            self.buyer.add(kind, quantity)
            self.rows.read({"basket_line"})
        self._use_a_new_page(**page)

    @rule(pick=PICKS, mishap=MISHAPS)
    def come_back(self, pick: int, mishap: Mishap) -> None:
        """The browser opens a return address, which settles before it shows anything."""
        if self.rows.sessions:
            self._do(lambda: settle(self._session(pick)), mishap, allowed=(ProviderError,))

    # ND8

    @rule(
        outcome=OUTCOMES,
        oddity=ODDITIES,
        pick=PICKS,
        anew=st.sampled_from([False, False, True]),
        tell=TOLD,
        mishap=MISHAPS,
    )
    def use_the_hosted_page(
        self, outcome: Outcome, oddity: dict[str, Any], pick: int, anew: bool, tell: bool, mishap: Mishap
    ) -> None:
        """Any page that was ever opened, however late, and however often it was paid before; in an odd way perhaps."""
        if self.provider.checkouts:
            self.provider.end(one_of(self.provider.checkouts, pick), outcome, anew=anew, **oddity)
        if tell:
            self._tell_newest(mishap)

    @rule(pick=PICKS, how=st.sampled_from(["as sent", "under a new id", "forged"]), mishap=MISHAPS)
    def deliver(self, pick: int, how: str, mishap: Mishap) -> None:
        """Any notification so far: late, early, twice, or from a stranger who knows what ND8 says."""
        if self.provider.deliveries:
            self._carry(one_of(self.provider.deliveries, pick), mishap, how=how)

    @rule(pick=PICKS, share=SHARES, status=ENDS, tell=TOLD, mishap=MISHAPS)
    def use_nd8s_dashboard(self, pick: int, share: Decimal, status: str, tell: bool, mishap: Mishap) -> None:
        """Somebody refunds there, unless a refund is under way; ND8 ends it, or does not yet."""
        if not self.provider.under_way:
            paid = [each for each in self.provider.transactions if each.status == "paid"]
            if paid:
                self.provider.give_back(one_of(paid, pick), share)
        self._end_refund(status)
        if tell:
            self._tell_newest(mishap)

    # Staff

    @rule(pick=PICKS, share=SHARES, status=ENDS, tell=TOLD, mishaps=st.tuples(MISHAPS, MISHAPS))
    def refund(self, pick: int, share: Decimal, status: str, tell: bool, mishaps: tuple[Mishap, Mishap]) -> None:
        """Staff give a payment back, all of it or a share; ND8 ends that, or does not yet."""
        if self.rows.payments:
            payment = one_of(self.rows.payments, pick)
            self._do(lambda: self._refund(payment, share), mishaps[0], allowed=(DecisionRefused,))
        self._end_refund(status)
        if tell:
            self._tell_newest(mishaps[1])

    @rule(what=st.sampled_from(["place", "dismiss", "ask"]), pick=PICKS, mishap=MISHAPS)
    def decide(self, what: str, pick: int, mishap: Mishap) -> None:
        """The first of these, from the one that they meant, that there is something for."""
        decisions: dict[str, tuple[list[Any], Callable[[Any], object]]] = {
            "place": (self.rows.held(), self._place),
            "dismiss": (self.rows.open_matters(), self._dismiss),
            "ask": (self.rows.sessions, self._ask),
        }
        for name in list(decisions)[list(decisions).index(what) :]:
            things, act = decisions[name]
            if things:
                thing = one_of(things, pick)
                thing.refresh_from_db()
                self._do(lambda: act(thing), mishap, allowed=(DecisionRefused,))  # noqa: B023  # called at once
                return

    def _place(self, matter: Attention) -> None:
        place_anyway(matter, by=self.staff, seen=_seen(matter))

    def _dismiss(self, matter: Attention) -> None:
        dismiss_matter(matter, by=self.staff, note="Talked to the shopper", seen=_seen(matter))

    def _ask(self, session: PaymentSession) -> None:
        ask_again(session, by=self.staff)

    def _refund(self, payment: Payment, share: Decimal) -> None:
        payment = Payment.objects.select_related("session").get(pk=payment.pk)
        wanted: dict[str, Any] = {"amount": int(payment.session.amount * share)} if share < 1 else {"everything": True}
        request_refund(payment, reason="The mug arrived broken", asked_by=self.staff, **wanted)

    # The clock

    @rule(everything=st.booleans(), mishap=MISHAPS)
    def reconcile(self, everything: bool, mishap: Mishap) -> None:
        """The schedule comes round, or an operator runs the command."""
        self._do(lambda: reconcile(everything=everything, workers=1), mishap)

    @rule(span=SPANS, mended=st.booleans(), price=st.none() | PRICES)
    def wait(self, span: timedelta, mended: bool, price: Decimal | None) -> None:
        """Time passes; ND8's people do their work, or not, and the shop changes its mind about what a thing costs."""
        self._age(span)
        if mended:
            self._recover()
        if price is not None:
            self.shelf.products[0].stockrecords.update(price=price)

    def teardown(self) -> None:
        """One run over everything finishes what the shop was told. A while later, told all, it has done all.

        That is so by another such run, and by nothing but the schedule too.
        """
        self._recover()
        if self.deaths or self.provider.misbehaved:
            self._reconcile(everything=True)
            in_the_end_of_what_was_told(self.rows, self.provider)
        for delivery in self.provider.deliveries:
            if delivery.delivery_id not in self.carried:
                self._carry(delivery, Mishap(), how="as sent")
        for _ in range(ROUNDS if self.by_schedule else 1):
            self._age(LONG_ENOUGH)
            began = timezone.now()
            self._reconcile(everything=not self.by_schedule)
        at_the_end(self.rows, self.provider, last_run=began)
        self.reached.update([SEQUENCES, *(name for name, came in self._came_across().items() if came)])

    def _age(self, span: timedelta) -> None:
        age_rows(span)
        self.provider.age(span)

    def _reconcile(self, *, everything: bool) -> None:
        with killed(None) as nobody:
            summary = reconcile(everything=everything, workers=1)
        assert (summary.broken, summary.postponed, summary.stopped) == (0, 0, "")
        self._look(nobody.written)

    def _use_a_new_page(
        self, outcome: Outcome | None, oddity: dict[str, Any], tell: bool, mishaps: tuple[Mishap, Mishap]
    ) -> None:
        """Open it, and perhaps pay there; if the shop cannot open one, whatever page is the newest."""
        self._do(self.buyer.pay_now, mishaps[0], allowed=(NotReusable, ProviderError))
        if outcome is not None and self.provider.checkouts:
            self.provider.end(self.provider.checkouts[-1], outcome, **oddity)
            if tell:
                self._tell_newest(mishaps[1])

    def _end_refund(self, status: str) -> None:
        if self.provider.under_way and status != "processing":
            self.provider.conclude(self.provider.under_way[-1], status)

    def _tell_newest(self, mishap: Mishap) -> None:
        if self.provider.deliveries:
            self._carry(self.provider.deliveries[-1], mishap, how="as sent")

    def _carry(self, delivery: Delivery, mishap: Mishap, *, how: str) -> None:
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

        self._do(post, mishap)

    def _do(self, action: Callable[[], object], mishap: Mishap, *, allowed: tuple[type[Exception], ...] = ()) -> None:
        """One process does something, and may not live to see the end of it, or get no answers from ND8."""
        sent = len(mail.outbox)
        if mishap.nd8:
            self.provider.misbehave(mishap.nd8, mishap.times)
        with killed(mishap.dies_at) as death, suppress(*allowed):
            action()
        # Sent, and perhaps not written down: nobody can know better than to send it again.
        self.repeated_mails += death.came and len(mail.outbox) > sent
        self.deaths += death.came
        self.decided |= StaffAction._meta.db_table in death.written
        self._look(death.written)

    def _look(self, written: set[str]) -> None:
        self.rows.read(written)
        always(self.rows, self.provider, self.buyer, repeated_mails=self.repeated_mails)

    def _came_across(self) -> dict[str, bool]:
        """What this sequence was about; `figures.REACHED_AT_LEAST` says how often that must be."""
        statuses = [each.status for each in self.rows.sessions]
        kinds = {each.kind for each in self.rows.matters}
        refunds = {each.state for each in self.rows.refunds}
        return {
            "an order was placed": bool(self.rows.orders),
            "two orders were placed": len(self.rows.orders) > 1,
            "a payment page ended unpaid": any(status in UNPAID_ENDS for status in statuses),
            "a payment was held": Attention.Kind.HELD in kinds,
            "staff decided": self.decided,
            "one page was paid twice": Attention.Kind.PAID_TWICE in kinds,
            "the same goods were bought twice": Attention.Kind.BOUGHT_TWICE in kinds,
            "money that was booked was lost": Attention.Kind.MONEY_LOST in kinds,
            "nobody knew the checkout that was paid": Attention.Kind.UNKNOWN_CHECKOUT in kinds,
            "money went back": RefundStatus.COMPLETED in refunds,
            "a refund failed": bool(refunds & {RefundStatus.FAILED, RefundStatus.REJECTED}),
            "a process was killed": bool(self.deaths),
            "ND8 misbehaved": self.provider.misbehaved,
        }

    def _session(self, pick: int) -> PaymentSession:
        return PaymentSession.objects.get(pk=one_of(self.rows.sessions, pick).pk)

    def _recover(self) -> None:
        self.provider.recover()
        if get_gateway("nd8").failures():
            self.restart()
