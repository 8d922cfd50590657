"""The shopper's two waits beside Oscar's own: from the button to the redirect, and from the payment to the order."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.apps.payment.exceptions import RedirectRequired
from oscar.core.loading import get_class

from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.services.settle import settle
from oscar_nd8.signals import provider_called
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import Shopper
from tests.bench.figures import Figure, Profile, at_most, in_turns, milliseconds, quotient
from tests.bench.shop import filled, provider

NAME = "payment"
NUMBERS = iter(range(1_000_000))


def run(profile: Profile) -> Iterator[Figure]:
    """Each size of basket."""
    with provider():
        for number in lines(profile):
            # What takes little is told from a busy moment by being done often.
            yield from _start(
                number, {1: profile.pick(24, 80), 10: profile.pick(8, 30)}.get(number, profile.pick(2, 15))
            )
            yield from _place(
                number, {1: profile.pick(8, 30), 10: profile.pick(8, 15)}.get(number, profile.pick(2, 15))
            )


def lines(profile: Profile) -> list[int]:
    """Of each basket, the largest last."""
    return [1, 10, 50, 200] if profile.full else [1, 10, 50]


def _start(lines: int, rounds: int) -> Iterator[Figure]:
    """POST to redirect, beside Oscar's own submit with a method that only redirects."""

    def floor() -> float:
        # Oscar freezes the basket that it sends away, so each needs a shopper of its own.
        shopper = _by_invoice(filled(lines, next(NUMBERS)))
        with _invoice_only_redirects():
            return milliseconds(shopper.pay_now)

    def ours() -> float:
        shopper = filled(lines, next(NUMBERS))
        with _asking_nd8() as seconds:
            taken = milliseconds(shopper.pay_now)
        return taken - 1000 * sum(seconds)

    floor(), ours()
    floors, times = in_turns(floor, ours, rounds=rounds)
    shopper = _by_invoice(filled(lines, next(NUMBERS)))
    with _invoice_only_redirects():
        floor_queries = _queries(shopper.pay_now)
    our_queries = _queries(filled(lines, next(NUMBERS)).pay_now)
    floor_time = statistics.median(floors)
    time = statistics.median(times)
    yield _queries_figure(f"start, {lines} lines", our_queries, floor_queries, goal=12)
    more = statistics.median(a - b for a, b in zip(times, floors, strict=True))
    detail = f"{time:.1f} ms beside {floor_time:.1f} ms"
    yield at_most(
        round(max(5, floor_time * 0.1), 1), f"start, {lines} lines, time", more, unit="ms more", detail=detail
    )


def _place(lines: int, rounds: int) -> Iterator[Figure]:
    """Settle and place, beside Oscar's own placement."""

    def floor() -> float:
        return milliseconds(_by_invoice(filled(lines, next(NUMBERS))).pay_now)

    def ours() -> float:
        session = _paid_session(lines)
        taken = milliseconds(lambda: settle(session))
        assert session.status == SessionStatus.PLACED, session.status_reason
        return taken

    floor(), ours()
    floors, times = in_turns(floor, ours, rounds=rounds)
    floor_queries = _queries(_by_invoice(filled(lines, next(NUMBERS))).pay_now)
    session = _paid_session(lines)
    our_queries = _queries(lambda: settle(session))
    floor_time, time = statistics.median(floors), statistics.median(times)
    yield _queries_figure(f"place, {lines} lines", our_queries, floor_queries, goal=10)
    detail = f"{time:.1f} ms beside {floor_time:.1f} ms"
    yield at_most(1.0 if lines >= 10 else 1.5, f"place, {lines} lines, time", quotient(times, floors), detail=detail)


def _paid_session(lines: int) -> PaymentSession:
    filled(lines, next(NUMBERS)).pay_now()
    session = PaymentSession.objects.latest("pk")
    Payment.objects.create(session=session, transaction_id=f"TX{session.amount}-{session.pk}")
    return session


def _by_invoice(shopper: Shopper) -> Shopper:
    shopper.client.post("/checkout/payment-method/", {"method": "invoice"})
    return shopper


@contextmanager
def _invoice_only_redirects() -> Iterator[None]:
    """Oscar's view, for as long as its bare redirect is measured; nothing of ours is replaced."""
    view: Any = next(each for each in get_class("checkout.views", "PaymentDetailsView").__mro__ if _is_oscars(each))

    def redirect(self: Any, order_number: Any, total: Any, **kwargs: Any) -> None:
        raise RedirectRequired("https://elsewhere.example/")

    theirs = view.handle_payment
    view.handle_payment = redirect
    try:
        yield
    finally:
        view.handle_payment = theirs


def _is_oscars(each: type) -> bool:
    return each.__module__.startswith("oscar.") and "handle_payment" in vars(each)


@contextmanager
def _asking_nd8() -> Iterator[list[float]]:
    """How many seconds each request to ND8 took: what `provider_called` says of it."""
    seconds: list[float] = []

    def note(**told: Any) -> None:
        seconds.append(told["seconds"])

    provider_called.connect(note)
    try:
        yield seconds
    finally:
        provider_called.disconnect(note)


def _queries(action: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


def _queries_figure(what: str, ours: int, floor: int, *, goal: int) -> Figure:
    detail = f"{ours} beside {floor}"
    return at_most(goal, f"{what}, queries more than Oscar", ours - floor, unit="queries", detail=detail)
