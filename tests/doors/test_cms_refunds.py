"""Refunds in Wagtail's admin: the form of Oscar's dashboard, its confirmation, one refund to its end, the list."""

import csv
import io
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from oscar_nd8.models import Payment, Refund
from oscar_nd8.states import RefundStatus
from oscar_nd8.testing import ND8, Shopper
from sandbox_site.seed.pages import seed_pages
from tests.refunding import REASON, books, end, pay
from tests.staff import browser_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/cms-admin/payments/refunds/"


@pytest.fixture(autouse=True)
def pages() -> None:
    """Wagtail's admin has a home page."""
    seed_pages()


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD for two mugs."""
    return pay(guest, nd8, mug)


@pytest.fixture
def refunder() -> Client:
    """A group lets them in, lets them look and lets them refund; no "staff"."""
    return browser_of("rita", "wagtailadmin.access_admin", "oscar_nd8.view_payments", "oscar_nd8.refund_payment")


def form_of(payment: Payment) -> str:
    """Where a payment is refunded."""
    return f"/cms-admin/payments/all/{payment.session_id}/refund/"


def hidden(page: str) -> dict[str, str]:
    """What a confirmation's button sends."""
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    found.pop("csrfmiddlewaretoken", None)
    return found


def test_a_refund_by_line_is_confirmed_with_its_amount_asked_for_once_and_followed_to_its_end(
    refunder: Client, payment: Payment, nd8: ND8
) -> None:
    page = refunder.get(f"/cms-admin/payments/all/{payment.session_id}/").content.decode()
    assert form_of(payment) in page
    page = refunder.get(form_of(payment)).content.decode()
    assert "Enamel mug" in page
    line = re.findall(r'name="(line-\d+)"', page)[0]

    data = {"payment": payment.pk, "how": "lines", line: "1", "reason": REASON, "review": "1"}
    page = refunder.post(form_of(payment), data).content.decode()
    assert "Give this money back?" in page
    assert "$9.99" in page
    assert books(nd8) == []

    answer = refunder.post(form_of(payment), {**hidden(page), "confirm": "1"})
    again = refunder.post(form_of(payment), {**hidden(page), "confirm": "1"})
    refund = Refund.objects.get()
    assert answer.headers["Location"] == again.headers["Location"] == f"{LIST}{refund.pk}/"
    assert books(nd8) == [("9.99", "processing")]
    assert refund.staff_actions.get().user_name

    page = refunder.get(f"{LIST}{refund.pk}/").content.decode()
    assert "ND8 accepted the refund: the money is on its way to the customer." in page
    assert refunder.get(f"{LIST}{refund.pk}/state/?was=processing").json() == {"settled": False}
    end(nd8, refund.refund_id)
    page = refunder.get(f"{LIST}{refund.pk}/").content.decode()
    assert "ND8 confirmed it: the money went back to the customer." in page
    refund.refresh_from_db()
    assert refund.status == RefundStatus.COMPLETED
    assert refunder.get(f"{LIST}{refund.pk}/state/?was=processing").json() == {"settled": True}

    listed = refunder.get(LIST).content.decode()
    for words in (payment.session.order_number, "$9.99", "rita@example.com", "Refunded"):
        assert words in listed
    rows = list(csv.DictReader(io.StringIO(refunder.get(f"{LIST}?export=csv").getvalue().decode())))
    assert [(row["Amount"], row["Currency"], row["State"]) for row in rows] == [("9.99", "USD", "Refunded")]


def test_what_is_wrong_is_said_and_no_money_moves(refunder: Client, payment: Payment, nd8: ND8) -> None:
    data = {"payment": payment.pk, "how": "amount", "other": "99.00", "reason": REASON, "review": "1"}

    page = refunder.post(form_of(payment), data).content.decode()

    assert "Nothing was given back." in page
    assert "Only 24.97 USD of this payment can still be given back." in page
    assert Refund.objects.count() == 0
    assert books(nd8) == []


@pytest.mark.parametrize("permission", ["oscar_nd8.view_payments", "oscar_nd8.refund_payment"])
def test_one_of_the_two_permissions_is_not_enough(permission: str, payment: Payment, nd8: ND8) -> None:
    client = browser_of("erik", "wagtailadmin.access_admin", permission, staff=True)
    data = {"payment": payment.pk, "how": "everything", "reason": REASON, "confirm": "1", "confirmed": 2497, "seen": 0}

    assert client.get(form_of(payment)).status_code in {302, 403}
    assert client.post(form_of(payment), data).status_code in {302, 403}
    assert form_of(payment) not in client.get(f"/cms-admin/payments/all/{payment.session_id}/").content.decode()
    assert Refund.objects.count() == 0
    assert books(nd8) == []


def test_nobody_without_the_permission_has_nd8_asked_or_learns_a_state(payment: Payment, nd8: ND8) -> None:
    refund = Refund.objects.create(
        payment=payment, reference="R1", currency="USD", amount=100, status=RefundStatus.PROCESSING, refund_id="RF1"
    )
    client = browser_of("erik", "wagtailadmin.access_admin", staff=True)
    for url in (LIST, f"{LIST}{refund.pk}/", f"{LIST}{refund.pk}/state/", f"{LIST}?export=csv"):
        assert client.get(url).status_code in {302, 403}
    refund.refresh_from_db()
    assert refund.asked_at is None


def test_the_form_and_the_page_run_outside_of_a_requests_transaction(payment: Payment) -> None:
    for url in (form_of(payment), f"{LIST}1/"):
        assert resolve(url).func._non_atomic_requests  # type: ignore[attr-defined]  # Django's own mark
