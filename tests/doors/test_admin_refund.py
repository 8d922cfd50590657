"""Refunds in Django's admin: the same form, the same service and the same permission as in the dashboard."""

from typing import Any

import pytest
from django.test import Client

from oscar_nd8.models import Payment, Refund, StaffAction
from oscar_nd8.services.refund import request_refund
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.doors.test_dashboard_refund import MAY_REFUND, hidden, key_of, nothing_happened, words
from tests.refunding import REASON, books, end, pay
from tests.staff import browser_of, make_payment, make_session

pytestmark = pytest.mark.django_db

SESSIONS = "/django-admin/oscar_nd8/paymentsession"
VIEW = "oscar_nd8.view_paymentsession"


@pytest.fixture
def staff() -> Client:
    """Staff who work in the admin and may refund."""
    return browser_of("stella", MAY_REFUND, VIEW, "oscar_nd8.view_refund", "oscar_nd8.view_staffaction", staff=True)


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed."""
    return pay(guest, nd8, mug)


def path_of(payment: Payment) -> str:
    """Where it is refunded in the admin."""
    return f"{SESSIONS}/{payment.session_id}/refund/"


def test_a_refund_by_line_from_the_button_to_its_end(staff: Client, payment: Payment, nd8: ND8) -> None:
    assert f'href="{path_of(payment)}"' in words(staff.get(f"{SESSIONS}/{payment.session_id}/change/"))
    assert "Enamel mug" in words(staff.get(path_of(payment)))
    answers = {"review": "1", "how": "lines", "reason": REASON, key_of(payment): "1"}
    confirmation = staff.post(path_of(payment), answers)
    assert "Give $9.99 USD back to Ada Byron (guest@example.com)?" in words(confirmation)
    assert nothing_happened(nd8)

    sent = {**hidden(confirmation), "confirm": "1"}
    first, second = [staff.post(path_of(payment), sent)["Location"] for _click in range(2)]

    refund = Refund.objects.get()
    assert first == second == f"{path_of(payment)}{refund.pk}/"
    assert books(nd8) == [("9.99", "processing")]
    assert StaffAction.objects.get().user_name == "stella@example.com"
    html = words(staff.get(first))
    assert "ND8 accepted the refund" in html
    assert 'http-equiv="refresh"' in html
    end(nd8, refund.refund_id)
    html = words(staff.get(first))
    assert "the money went back to the customer" in html
    assert 'http-equiv="refresh"' not in html
    evidence = words(staff.get(f"/django-admin/oscar_nd8/refund/{refund.pk}/change/"))
    assert "stella@example.com" in evidence
    assert f"9.99 USD: {REASON}" in evidence


@pytest.mark.parametrize(
    "answers", [{"other": "24.98"}, {"other": "-1"}, {"other": "NaN"}, {"how": ""}, {"reason": ""}]
)
def test_what_cannot_be_given_back_is_refused_in_words(
    staff: Client, payment: Payment, nd8: ND8, answers: dict[str, str]
) -> None:
    sent = {"confirm": "1", "how": "amount", "other": "5.00", "reason": REASON, **answers}
    assert "Nothing was given back." in words(staff.post(path_of(payment), sent))
    assert nothing_happened(nd8)


@pytest.mark.parametrize(
    ("permissions", "is_staff", "status"),
    [
        ((), True, 403),
        ((VIEW,), True, 403),
        ((MAY_REFUND,), True, 403),
        ((VIEW, "oscar_nd8.resolve_attention", "oscar_nd8.change_refund"), True, 403),
        ((VIEW, MAY_REFUND), False, 302),
    ],
)
def test_whoever_lacks_a_permission_finds_no_button_and_is_refused(
    payment: Payment, nd8: ND8, staff: Client, permissions: tuple[str, ...], is_staff: bool, status: int
) -> None:
    sent = hidden(staff.post(path_of(payment), {"how": "everything", "reason": REASON}))
    clerk = browser_of("clerk", *permissions, staff=is_staff)
    assert path_of(payment) not in clerk.get(f"{SESSIONS}/{payment.session_id}/change/").content.decode()
    assert clerk.get(path_of(payment)).status_code == status
    assert clerk.post(path_of(payment), {**sent, "confirm": "1"}).status_code == status
    assert nothing_happened(nd8)
    refund = request_refund(payment, amount=1, reason=REASON)
    assert clerk.get(f"{path_of(payment)}{refund.pk}/").status_code == status


def test_what_does_not_exist_or_belongs_elsewhere_is_not_found(staff: Client, payment: Payment) -> None:
    other = make_payment(make_session("100009", SessionStatus.PLACED), "TX-9")
    refund = Refund.objects.create(payment=other, reference="R9", currency="USD", amount=1, status="completed")
    assert staff.get(f"{SESSIONS}/{other.session_id}/refund/{refund.pk}/").status_code == 200
    assert staff.get(f"{path_of(payment)}{refund.pk}/").status_code == 404
    assert staff.get(path_of(payment), {"payment": other.pk}).status_code == 404
    assert staff.post(path_of(payment), {"payment": other.pk}).status_code == 404
    assert staff.get(f"{SESSIONS}/99999999999999999999999/refund/").status_code == 404


def test_where_nothing_was_paid_there_is_no_button(staff: Client) -> None:
    session = make_session("100001", SessionStatus.OPEN)
    assert f"{session.pk}/refund/" not in words(staff.get(f"{SESSIONS}/{session.pk}/change/"))
    assert "ND8 holds no money" in words(staff.get(f"{SESSIONS}/{session.pk}/refund/"))
