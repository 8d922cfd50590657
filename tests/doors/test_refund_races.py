"""Refunds confirmed at the same moment by browsers, on PostgreSQL: ND8's books never show more than was paid."""

from typing import Any

import pytest
from django.test import Client

from oscar_nd8.models import Payment, Refund, StaffAction
from oscar_nd8.testing import ND8, Shopper
from tests.doors.test_dashboard_refund import MAY_REFUND, hidden, path_of, review
from tests.races import at_once
from tests.refunding import books, pay
from tests.staff import VIEW, browser_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed."""
    return pay(guest, nd8, mug)


def confirmations(payment: Payment, count: int, **answers: Any) -> list[Any]:
    """As many members of staff, each with a confirmation of their own on the screen."""
    staff = [browser_of(f"clerk{number}", VIEW, MAY_REFUND, staff=True) for number in range(count)]
    pages = [(client, {**hidden(review(client, payment, **answers)), "confirm": "1"}) for client in staff]
    assert len({sent["form_key"] for _client, sent in pages}) == count
    return [lambda client=client, sent=sent: click(client, payment, sent) for client, sent in pages]


def click(client: Client, payment: Payment, sent: dict[str, str]) -> int:
    """The button of the confirmation; the answer's status."""
    return int(client.post(path_of(payment.session), sent).status_code)


def test_eight_confirming_the_full_amount_at_once_give_it_back_once(payment: Payment, nd8: ND8) -> None:
    answers = at_once(*confirmations(payment, 8, how="everything"))
    assert sorted(answers) == [200] * 7 + [302]
    assert books(nd8) == [("24.97", "processing")]
    assert nd8.calls("createRefundForPayment") == 1
    assert Refund.objects.count() == StaffAction.objects.count() == 1


def test_eight_confirming_a_part_at_once_give_one_part_back_and_see_it(payment: Payment, nd8: ND8) -> None:
    answers = at_once(*confirmations(payment, 8, how="amount", other="5.00"))
    assert sorted(answers) == [200] * 7 + [302]
    assert books(nd8) == [("5.00", "processing")]


def test_eight_clicks_on_one_confirmation_lead_to_one_refund(payment: Payment, nd8: ND8) -> None:
    client = browser_of("clerk", VIEW, MAY_REFUND, staff=True)
    sent = {**hidden(review(client, payment, how="everything")), "confirm": "1"}
    assert at_once(*[lambda: click(client, payment, sent)] * 8) == [302] * 8
    assert books(nd8) == [("24.97", "processing")]
    assert Refund.objects.count() == 1
