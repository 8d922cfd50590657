"""The payment's tab on Oscar's order page, for those who may see payments."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oscar_nd8.models import Attention, Refund
from oscar_nd8.states import SessionStatus
from tests.staff import SECRET_URL, VIEW, browser_of, make_order, make_partner, make_payment, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    """Shop staff with every right."""
    return browser_of("boss", staff=True, superuser=True)


def order_page(client: Client, number: str = "100001") -> str:
    """Oscar's page of an order."""
    response = client.get(f"/dashboard/orders/{number}/")
    assert response.status_code == 200
    return response.content.decode()


def tab(html: str) -> str:
    """Our tab's content, blanks squeezed."""
    return " ".join(html[html.index('id="nd8-payment"') :].split())


def test_the_tab_says_what_was_paid_and_leads_to_the_rest(staff: Client) -> None:
    session = make_session("100001", SessionStatus.PLACED)
    make_payment(session, "TX-1")
    html = order_page(staff)
    assert html.count('href="#nd8-payment"') == 1
    for text in ("Paid, order placed", "$24.97 USD", "$1.02", "$23.95", "TX-1", "Deposit received"):
        assert text in tab(html)
    link = re.search(r'href="(/dashboard/payments/\d+/)"', tab(html))
    assert link is not None
    assert staff.get(link[1]).status_code == 200


def test_the_tab_says_what_went_back_and_offers_a_refund_to_who_may(staff: Client) -> None:
    session = make_session("100001", SessionStatus.PLACED)
    payment = make_payment(session)
    refund = Refund.objects.create(
        payment=payment, reference="R1", currency="USD", amount=999, status="completed", reason="It broke"
    )
    html = tab(order_page(staff))
    for text in ("$9.99", "$14.98", "It broke", f'href="/dashboard/payments/refunds/{refund.pk}/"'):
        assert text in html
    assert f'href="/dashboard/payments/{session.pk}/refund/"' in html
    clerk = browser_of("clerk", "order.view_order", VIEW, staff=True)
    assert "It broke" in tab(order_page(clerk))
    assert "/refund/" not in tab(order_page(clerk))


def test_oscars_own_tabs_are_still_there(staff: Client) -> None:
    make_session("100001", SessionStatus.PLACED)
    html = order_page(staff)
    for name in ("lines", "shipping", "payment", "discounts", "notes"):
        assert f'id="{name}"' in html


def test_an_order_paid_otherwise_says_so(staff: Client) -> None:
    make_order("100001")
    assert "This order was not paid by ND8." in tab(order_page(staff))


def test_an_open_matter_is_told_without_opening_the_tab(staff: Client) -> None:
    session = make_session("100001", SessionStatus.PLACED)
    Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, detail="Two mugs too many.")
    html = order_page(staff)
    assert html.count("Two mugs too many.") == 1
    assert html.index("Two mugs too many.") < html.index('class="nav nav-tabs')


def test_nothing_secret_is_on_the_page(staff: Client) -> None:
    session = make_session("100001", SessionStatus.PLACED)
    html = order_page(staff)
    assert SECRET_URL not in html
    assert str(session.token) not in html


def test_staff_see_the_tab_only_with_the_permission_for_payments() -> None:
    make_payment(make_session("100001", SessionStatus.PLACED), "TX-1")
    html = order_page(browser_of("clerk", "order.view_order", staff=True))
    assert "nd8-payment" not in html
    assert "TX-1" not in html


def test_partners_staff_see_the_tab_only_with_the_permission_for_payments() -> None:
    ours = make_partner("Ours")
    session = make_session("100001", SessionStatus.PLACED, partner=ours)
    make_payment(session, "TX-1")
    Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, detail="Two mugs too many.")
    half = order_page(browser_of("half", "partner.dashboard_access", partner=ours))
    assert "nd8-payment" not in half
    assert "Two mugs too many." not in half
    assert "TX-1" not in half
    whole = browser_of("whole", "partner.dashboard_access", VIEW, partner=ours)
    assert "TX-1" in tab(order_page(whole))


def test_the_tab_costs_four_queries_whatever_was_paid_and_given_back(staff: Client) -> None:
    make_order("100001")
    for n, payments in {2: 1, 3: 5}.items():
        session = make_session(f"10000{n}", SessionStatus.PLACED)
        for each in range(payments):
            payment = make_payment(session, f"TX-{n}-{each}")
            Refund.objects.create(payment=payment, reference=f"{n}-{each}", currency="USD", amount=1)

    def queries(number: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            order_page(staff, number)
        return sum("oscar_nd8" in each["sql"] for each in captured.captured_queries)

    assert queries("100001") == 1
    assert queries("100002") == queries("100003") == 4


def test_a_shop_without_our_dashboard_pages_has_the_tab_without_the_link(staff: Client, settings: Any) -> None:
    make_session("100001", SessionStatus.PLACED)
    settings.ROOT_URLCONF = "tests.doors.test_dashboard_menu"
    assert "All about this payment" not in tab(order_page(staff))
