"""The list of payments in Oscar's dashboard: who sees which, what can be looked for, and what it costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oscar_nd8.models import STATUS_LABELS, Attention, PaymentSession
from oscar_nd8.paging import LongPaginator
from oscar_nd8.shop.searching import mentioning
from oscar_nd8.states import PaymentState, SessionStatus
from tests.staff import NOON, SECRET_URL, VIEW, browser_of, make_partner, make_payment, make_session

pytestmark = pytest.mark.django_db

LIST = "/dashboard/payments/"
S = SessionStatus


@pytest.fixture
def staff() -> Client:
    """Shop staff with every right."""
    return browser_of("boss", staff=True, superuser=True)


def page(client: Client, **query: Any) -> str:
    """The list as HTML."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    return response.content.decode()


def numbers(client: Client, **query: Any) -> list[str]:
    """The order numbers in the list, from top to bottom."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [overview.session.order_number for overview in response.context["overviews"]]


# Who


def test_a_stranger_is_sent_to_the_dashboards_login(client: Client) -> None:
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"/dashboard/login/?next={LIST}")


@pytest.mark.parametrize("permissions", [(), (VIEW,), ("partner.dashboard_access",)], ids=["none", "view", "partner"])
def test_a_shopper_and_half_a_permission_are_refused(permissions: tuple[str, ...]) -> None:
    make_session()
    assert browser_of("shopper", *permissions).get(LIST).status_code == 403


def test_nothing_can_be_posted(staff: Client) -> None:
    assert staff.post(LIST).status_code == 405


def test_staff_without_further_permissions_see_payments_without_links_that_would_refuse_them() -> None:
    make_session("100001", S.PLACED)
    html = page(browser_of("clerk", VIEW, staff=True))
    assert "100001" in html
    assert "/dashboard/orders/100001/" not in html


def test_a_partners_staff_see_only_payments_of_orders_with_their_lines() -> None:
    ours, theirs = make_partner("Ours"), make_partner("Theirs")
    make_session("100001", S.PLACED, partner=ours)
    make_session("100002", S.PLACED, partner=theirs)
    make_session("100003", S.OPEN)
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    assert numbers(client) == ["100001"]
    assert numbers(client, search="100002") == []
    assert "1 payment" in page(client)


# What


def test_a_row_says_who_paid_what_and_what_is_left(staff: Client) -> None:
    make_payment(make_session("100001", S.PLACED))
    html = page(staff)
    assert '<a href="/dashboard/orders/100001/">100001</a>' in html
    for text in ("ada@example.com", "$24.97", "USD", "$1.02", "$23.95", "Paid, order placed", "03/14/2026"):
        assert text in html
    assert "Needs attention</span>" not in html


def test_without_an_order_there_is_its_number_and_no_link(staff: Client) -> None:
    make_session("100001", S.OPEN)
    html = page(staff)
    assert "100001" in html
    assert "/dashboard/orders/100001/" not in html


def test_a_payment_that_failed_brings_in_nothing(staff: Client) -> None:
    make_payment(make_session("100001", S.FAILED), state=PaymentState.FAILED, net=2497, fee=None)
    html = page(staff)
    assert html.count("$24.97") == 1
    assert re.findall(r'data-label="(?:Fee|Net)" class="nd8-money">(.*)</td>', html) == ["\u2013", "\u2013"]


def test_fee_and_net_of_two_payments_are_added_up(staff: Client) -> None:
    session = make_session("100001", S.PLACED)
    make_payment(session, "TX-1")
    make_payment(session, "TX-2")
    html = page(staff)
    assert "$2.04" in html
    assert "$47.90" in html


def test_other_currencies_are_shown_as_such(staff: Client) -> None:
    make_session("100001", currency="JPY", amount=1500)
    assert "¥1,500" in page(staff)


def test_nothing_secret_is_on_the_page(staff: Client) -> None:
    session = make_session()
    html = page(staff)
    assert SECRET_URL not in html
    assert str(session.token) not in html


def test_newest_first(staff: Client) -> None:
    for days, number in enumerate(("100001", "100002", "100003")):
        make_session(number, created_at=NOON + timedelta(days=days % 2))
    assert numbers(staff) == ["100002", "100003", "100001"]


def test_the_two_kinds_of_empty_say_which_they_are(staff: Client) -> None:
    assert "No payments yet" in page(staff)
    assert "Nothing matches" in page(staff, search="nobody")
    assert "No payments yet" not in page(staff, search="nobody")


# Looking for


@pytest.mark.parametrize("text", ["100002", "bea@", "BEA@EXAMPLE.COM", "TX-BEA", "CO-100002", "  100002 "])
def test_number_mail_transaction_and_checkout_are_all_found(staff: Client, text: str) -> None:
    make_payment(make_session("100001", S.PLACED), "TX-ADA")
    session = make_session("100002", S.PLACED, email="bea@example.com")
    make_payment(session, "TX-BEA-1")
    make_payment(session, "TX-BEA-2")
    assert numbers(staff, search=text) == ["100002"]


def test_a_wildcard_is_only_a_character(staff: Client) -> None:
    make_session()
    assert numbers(staff, search="%") == []


@pytest.mark.parametrize("status", S)
def test_every_status_can_be_looked_for(staff: Client, status: SessionStatus) -> None:
    for n, each in enumerate(S):
        make_session(f"10000{n}", each)
    assert numbers(staff, status=status) == [f"10000{list(S).index(status)}"]
    assert str(STATUS_LABELS[status]) in page(staff, status=status)


def test_only_open_matters_need_attention(staff: Client) -> None:
    opened, settled, _calm = make_session("100001"), make_session("100002"), make_session("100003")
    Attention.objects.create(session=opened, kind=Attention.Kind.OVERSOLD, detail="")
    Attention.objects.create(session=opened, kind=Attention.Kind.PAID_TWICE, detail="")
    Attention.objects.create(session=settled, kind=Attention.Kind.OVERSOLD, detail="", resolved_at=NOON)
    assert numbers(staff, attention="on") == ["100001"]
    assert page(staff).count("Needs attention</span>") == 1


def test_both_days_are_included_and_are_the_shops(staff: Client, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    # In New York still the 13th, the 14th, and already the 15th.
    for number, hours in {"100001": -9, "100002": 0, "100003": 17}.items():
        make_session(number, created_at=NOON + timedelta(hours=hours))
    assert numbers(staff, date_from="2026-03-14", date_to="2026-03-14") == ["100002"]
    assert numbers(staff, date_from="2026-03-14") == ["100003", "100002"]
    assert numbers(staff, date_to="2026-03-14") == ["100002", "100001"]


def test_filters_narrow_together_and_stay_while_turning_pages(staff: Client, settings: Any) -> None:
    settings.OSCAR_DASHBOARD_ITEMS_PER_PAGE = 2
    for n in range(5):
        make_session(f"10000{n}", S.PAID if n else S.OPEN)
    query = {"search": "1000", "status": "paid", "date_from": "2026-03-14"}
    assert numbers(staff, **query) == ["100004", "100003"]
    html = page(staff, **query)
    assert "4 payments" in html
    assert "Page 1 of 2" in " ".join(html.split())
    assert '?search=1000&amp;status=paid&amp;date_from=2026-03-14&amp;page=2"' in html
    assert numbers(staff, **query, page=2) == ["100002", "100001"]


@pytest.mark.parametrize("wrong", ["", "x", "0", "-1", "99999999999999999999", "\x00"])
def test_a_page_that_is_none_shows_one_that_is(staff: Client, wrong: str) -> None:
    make_session()
    assert numbers(staff, page=wrong) == ["100001"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"date_from": "yesterday"}, "Enter a valid date."),
        ({"date_to": "2026-02-30"}, "Enter a valid date."),
        ({"date_from": "\x00"}, "Enter a valid date."),
        ({"date_from": "0001-01-01"}, "greater than or equal to"),
        ({"date_to": "9999-12-31"}, "less than or equal to"),
        ({"date_from": "2026-03-15", "date_to": "2026-03-14"}, "The last day is before the first."),
        ({"status": "rich"}, "rich is not one of the available choices."),
        ({"search": "x" * 500}, "Ensure this value has at most 200 characters"),
        ({"search": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_understood_is_said_and_finds_nothing(staff: Client, query: dict[str, str], error: str) -> None:
    make_session("100001")
    html = page(staff, **query)
    assert error in html
    assert "Please correct it below." in html
    for misleading in ("100001", "Nothing matches", "No payments yet"):
        assert misleading not in html


def test_what_is_looked_for_is_shown_as_text(staff: Client) -> None:
    assert "<script>alert" not in page(staff, search="<script>alert(1)</script>")


# Cost, and the page itself


def test_the_number_of_queries_does_not_grow_with_the_rows(staff: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(staff)
        return len(captured)

    def add(number: int) -> None:
        session = make_session(str(number), S.PLACED)
        make_payment(session, f"TX-{number}")
        Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, detail="")

    add(100001)
    few = queries()
    for number in range(100002, 100020):
        add(number)
    assert len(numbers(staff)) == 19
    # Oscar: the browser's session, user and unread notifications. Ours: how many, which, their payments, their matters;
    # how many matters are open; for the alarms the last notification, the pages since, and the oldest work in each of
    # three tables.
    assert queries() == few == 13


def test_the_table_and_the_form_can_be_read_aloud(staff: Client) -> None:
    make_session()
    html = page(staff)
    table = html[html.index("<table") : html.index("</table>")]
    assert table.count("<th") == table.count('scope="col"') + table.count('scope="row"') + table.count("<thead")
    for field in ("search", "status", "date_from", "date_to", "attention"):
        assert f'<label for="id_{field}"' in html or f'for="id_{field}">' in html
        assert f'id="id_{field}"' in html
    ours = html[html.index("nd8-filter") :]
    assert "style=" not in ours[: ours.index("</table>")]
    assert "<script" not in ours[: ours.index("</table>")]


# How the shop is doing


def test_silence_is_said_above_the_list_with_what_to_do(staff: Client) -> None:
    assert "nd8-alarm" not in page(staff)
    for number in range(100001, 100006):
        make_session(str(number), created_at=timezone.now(), opened_at=timezone.now())
    html = page(staff)
    assert html.count("nd8-alarm") == 1
    assert "No notification of ND8&#x27;s has ever arrived. 5 payment pages were opened since." in html
    assert "Send a test notification from ND8&#x27;s dashboard" in html
    assert html.index("nd8-alarm") < html.index("nd8-filter")


def test_a_shop_that_nobody_reconciles_is_said_too_and_ends_when_somebody_does(staff: Client) -> None:
    session = make_session(due_at=timezone.now() - timedelta(hours=2))
    assert "it does not run, or ND8 does not answer it" in page(staff)
    session.due_at = None
    session.save()
    assert "nd8-alarm" not in page(staff)


def test_a_partners_staff_are_not_troubled_with_how_the_shop_is_run() -> None:
    ours = make_partner("Ours")
    make_session("100001", S.PLACED, partner=ours, due_at=timezone.now() - timedelta(hours=9))
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    assert "nd8-alarm" not in page(client)


# Among very many


def test_a_whole_name_is_found_however_old_and_a_part_among_the_newest_only() -> None:
    for number, email in enumerate(["Ada@example.com", "ada@example.com.au", "bob@example.com"]):
        make_session(f"10{number}", email=email, created_at=NOON + timedelta(days=number))

    def found(text: str, among: int) -> list[str]:
        sessions = PaymentSession.objects.filter(mentioning(text, among=among)).order_by("order_number")
        return list(sessions.values_list("order_number", flat=True))

    assert found("ada@example.com", 1) == ["100"]
    assert found("100", 1) == ["100"]
    assert found("example", 1) == ["102"]
    assert found("example", 2) == ["101", "102"]
    assert found("example", 3) == ["100", "101", "102"]


def test_a_very_long_list_counts_and_pages_so_many_rows_and_says_that_there_are_more() -> None:
    class ShortPaginator(LongPaginator):
        most = 3

    for number in range(3):
        make_session(f"10{number}")
    whole = ShortPaginator(PaymentSession.objects.order_by("pk"), 2)
    assert (whole.count, whole.num_pages, whole.is_cut) == (3, 2, False)
    make_session("103")
    cut = ShortPaginator(PaymentSession.objects.order_by("pk"), 2)
    assert (cut.count, cut.num_pages, cut.is_cut) == (3, 2, True)
