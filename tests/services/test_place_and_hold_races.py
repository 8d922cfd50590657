"""One process places what another one holds, at the same moment: an order or a matter for staff, not both."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from oscar.core.loading import get_model

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.testing import ND8, Shopper, make_countries, post_webhook
from tests.hunting.killing import killed
from tests.races import at_once
from tests.refunding import REASON, end

# How two processes meet is a matter of luck, so each race is run more than once.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.parametrize("heat", range(3)),
]

Order = get_model("order", "Order")


def deliver(nd8: ND8, name: str) -> int:
    """The newest notification, under a delivery id of its own."""
    body, headers = nd8.notification()
    answer = post_webhook(Shopper().client, body, {**headers, "X-Webhook-Delivery-Id": name})
    return int(answer.status_code)


def leave_unplaced(session: PaymentSession, nd8: ND8) -> None:
    """The payment is known, and whoever was told died before writing the order."""
    nd8.outcome(session)
    for at in count(1):
        with killed(at):
            deliver(nd8, "the first")
        session.refresh_from_db()
        if session.status == "paid":
            return


def an_order_or_a_matter(session: PaymentSession, mails: list[Any]) -> str:
    """What became of the session, and that all of it did."""
    session.refresh_from_db()
    held = Attention.objects.filter(kind="held", resolved_at__isnull=True)
    if session.status == "held":
        assert (Order.objects.count(), mails, held.count()) == (0, [], 1)
    else:
        order = Order.objects.get()
        assert (session.status, session.order_id, held.count()) == ("placed", order.pk, 0)
        assert (len(mails), order.sources.count()) == (1, 1)
        assert order.sources.get().amount_debited == session.amount_major
    return session.status


def test_an_order_is_placed_while_another_process_finds_its_country_gone(
    heat: int, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    leave_unplaced(session, nd8)
    country = get_model("address", "Country").objects.filter(pk="US")

    def unless_both_write_at_once(do: Callable[[], object]) -> None:
        try:
            do()
        except IntegrityError as error:  # an address and the end of its country; the next run finishes it
            if "address_country" not in str(error):
                raise

    at_once(
        *[lambda: unless_both_write_at_once(lambda: settle(PaymentSession.objects.get()))] * 2,
        lambda: unless_both_write_at_once(country.delete),
        lambda: deliver(nd8, "the second"),
        lambda: reconcile(everything=True, workers=2).stopped,
    )
    reconcile(everything=True)

    if an_order_or_a_matter(session, mailoutbox) == "held":
        assert "the country US of an address is no longer in the shop" in session.status_reason


def test_an_order_is_placed_while_another_process_hears_that_the_money_goes_back(
    heat: int, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    leave_unplaced(session, nd8)
    refund_id = nd8.refund(session, status="processing")

    answers = at_once(
        *[lambda: settle(PaymentSession.objects.get()).status] * 2,
        lambda: deliver(nd8, "the second"),
        lambda: deliver(nd8, "the third"),
        lambda: reconcile(everything=True, workers=2).stopped,
    )
    end(nd8, refund_id)
    nd8.deliver_new()
    reconcile(everything=True)

    assert answers[2:] == [200, 200, ""]
    session.refresh_from_db()
    refund = Refund.objects.get()
    assert (refund.status, refund.amount, refund.booked_at is not None) == ("completed", session.amount, True)
    if session.status == "held":
        assert Order.objects.count() == 0
    else:
        source = Order.objects.get().sources.get()
        assert (session.status, source.amount_debited, source.amount_refunded) == (
            "placed",
            *[session.amount_major] * 2,
        )
    assert not Attention.objects.filter(kind="held", resolved_at__isnull=True).exists()


def test_one_of_staff_places_what_another_refunds(
    heat: int, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session, net_amount="0.01")
    nd8.deliver()
    stella, sven = (
        get_user_model().objects.create_user(name, f"{name}@example.com", "secret") for name in ("stella", "sven")
    )

    def place() -> str:
        try:
            return place_anyway(Attention.objects.get(), by=stella, seen=0).status
        except DecisionRefused as refusal:
            return str(refusal)

    def refund() -> str:
        try:
            return request_refund(Payment.objects.get(), everything=True, reason=REASON, asked_by=sven).status
        except DecisionRefused as refusal:
            return str(refusal)

    placed, refunded = at_once(place, refund)
    session.refresh_from_db()
    verbs = sorted(StaffAction.objects.values_list("verb", flat=True))
    if Refund.objects.exists():
        refund_row = Refund.objects.get()
        assert (refunded, refund_row.amount) == ("processing", session.amount)
        end(nd8, refund_row.refund_id)
    nd8.deliver_new()
    reconcile(everything=True)

    session.refresh_from_db()
    if placed == "placed":
        source = Order.objects.get().sources.get()
        given_back = session.amount_major if "refund" in verbs else 0
        assert (source.amount_debited, source.amount_refunded) == (session.amount_major, given_back)
    else:
        assert "given back" in placed or "refund" in placed.lower()
        assert (verbs, session.status, Order.objects.count()) == (["refund"], "held", 0)
    assert not Attention.objects.filter(kind="held", resolved_at__isnull=True).exists()


def test_staff_place_what_webhooks_returns_and_runs_ask_about_at_once(
    heat: int, guest: Shopper, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session, net_amount="0.01")
    nd8.deliver()
    stella = get_user_model().objects.create_user("stella", "stella@example.com", "secret")

    def place() -> str:
        try:
            return place_anyway(Attention.objects.get(), by=stella, seen=0).status
        except DecisionRefused:
            return "refused"

    answers = at_once(
        place,
        place,
        lambda: deliver(nd8, "the second"),
        lambda: guest.come_back(session).status_code,
        lambda: reconcile(everything=True, workers=2).stopped,
    )

    assert sorted(answers[:2]) in (["placed", "refused"], ["paid", "refused"])
    assert an_order_or_a_matter(session, mailoutbox) == "placed"
    assert StaffAction.objects.get().verb == "place"


def test_two_processes_find_at_once_that_an_order_cannot_be_written_and_staff_hear_of_it_once(
    heat: int, session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    leave_unplaced(session, nd8)
    get_model("address", "Country").objects.filter(pk="US").delete()

    at_once(
        *[lambda: settle(PaymentSession.objects.get()).status] * 3,
        lambda: deliver(nd8, "the second"),
        lambda: reconcile(everything=True, workers=2).stopped,
    )

    assert an_order_or_a_matter(session, mailoutbox) == "held"
    make_countries()
    stella = get_user_model().objects.create_user("stella", "stella@example.com", "secret")
    assert place_anyway(Attention.objects.get(), by=stella, seen=0).status == "placed"
    assert an_order_or_a_matter(session, mailoutbox) == "placed"
