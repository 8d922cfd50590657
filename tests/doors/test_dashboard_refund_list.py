"""The list of refunds and its table for spreadsheets: what is found, by whom, what it costs, and no cell a formula."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oscar_nd8.models import PaymentSession, Refund, StaffAction
from oscar_nd8.shop.searching import refunds_mentioning
from oscar_nd8.states import RefundStatus, SessionStatus
from tests.staff import NOON, VIEW, browser_of, make_order, make_partner, make_payment, make_session

pytestmark = pytest.mark.django_db

LIST = "/dashboard/payments/refunds/"
EXPORT = "/dashboard/payments/refunds/export/"


@pytest.fixture
def staff() -> Client:
    """Whoever may look."""
    return browser_of("clerk", VIEW, staff=True)


def make_refund(number: str = "100001", *, by: str = "", **facts: Any) -> Refund:
    """A refund of 9.99 USD of an order of its own, asked for by somebody."""
    payment = make_payment(make_session(number, SessionStatus.PLACED, email=f"{number}@example.com"), f"TX-{number}")
    user = get_user_model().objects.get_or_create(username=by, email=by)[0] if by else None
    defaults = {"reference": f"R-{number}", "refund_id": f"RF{number}", "currency": "USD", "amount": 999}
    refund = Refund.objects.create(
        payment=payment, **{**defaults, "created_at": NOON, "asked_by": user, "status": "completed", **facts}
    )
    if by:
        StaffAction.objects.create(verb="refund", refund=refund, session=payment.session, user=user, user_name=by)
    return refund


def found(client: Client, **query: Any) -> list[str]:
    """The orders in the list, from top to bottom."""
    page = client.get(LIST, query).context["page_obj"]
    return [refund.payment.session.order_number for refund in page]


def exported(client: Client, **query: Any) -> list[list[str]]:
    """The table's rows below its titles."""
    response: Any = client.get(EXPORT, query)
    assert response.status_code == 200
    assert response.streaming
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_a_stranger_and_a_shopper_see_neither(client: Client) -> None:
    make_refund()
    for path in (LIST, EXPORT):
        assert client.get(path)["Location"] == f"/dashboard/login/?next={path}"
        assert browser_of(f"shopper{len(path)}").get(path).status_code == 403


def test_the_newest_stand_first_with_amount_state_and_who_asked(staff: Client) -> None:
    make_refund("100001", by="ada@example.com")
    make_refund("100002", origin="provider", status="processing", created_at=NOON + timedelta(days=1))
    assert found(staff) == ["100002", "100001"]
    html = " ".join(staff.get(LIST).content.decode().split())
    for text in ("2 refunds, newest first", "$9.99", "ada@example.com", "In ND8&#x27;s dashboard", "On its way"):
        assert text in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "100002"}, ["100002"]),
        ({"search": "RF100001"}, ["100001"]),
        ({"search": "r-100001"}, ["100001"]),
        ({"search": "TX-100002"}, ["100002"]),
        ({"search": "100002@EXAMPLE"}, ["100002"]),
        ({"search": "ada@"}, ["100001"]),
        ({"search": "nobody"}, []),
        ({"status": "failed"}, ["100002"]),
        ({"status": "unknown"}, []),
        ({"asked_by": "provider"}, ["100003"]),
        ({"date_from": "2026-03-15"}, ["100003", "100002"]),
        ({"date_to": "2026-03-14"}, ["100001"]),
        ({"date_from": "2026-03-15", "date_to": "2026-03-15", "status": "failed"}, ["100002"]),
    ],
)
def test_refunds_are_found_and_the_table_has_the_same(
    staff: Client, query: dict[str, str], expected: list[str]
) -> None:
    make_refund("100001", by="ada@example.com")
    make_refund("100002", by="bob@example.com", status="failed", created_at=NOON + timedelta(days=1))
    make_refund("100003", origin="provider", created_at=NOON + timedelta(days=1, minutes=1))
    assert found(staff, **query) == expected
    assert [row[0] for row in exported(staff, **query)] == expected


def test_refunds_are_found_by_who_asked(staff: Client) -> None:
    mine = make_refund("100001", by="ada@example.com")
    make_refund("100002", by="bob@example.com")
    assert mine.asked_by is not None
    assert found(staff, asked_by=mine.asked_by.pk) == ["100001"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "lost"},
        {"asked_by": "99999"},
        {"asked_by": "1 OR 1=1"},
        {"date_from": "yesterday"},
        {"date_from": "2026-03-15", "date_to": "2026-03-14"},
        {"search": "x" * 201},
        {"search": "a\x00b"},
    ],
)
def test_what_cannot_be_understood_finds_nothing_and_says_so(staff: Client, query: dict[str, str]) -> None:
    make_refund()
    assert found(staff, **query) == []
    assert "cannot be understood" in staff.get(LIST, query).content.decode()
    sent_back = staff.get(EXPORT, query)
    assert sent_back.status_code == 302
    assert sent_back["Location"].startswith(f"{LIST}?")


def test_an_empty_list_says_where_refunds_are_made(staff: Client) -> None:
    assert "Refund a payment from its own page" in staff.get(LIST).content.decode()
    assert "Nothing matches" in staff.get(LIST, {"search": "x"}).content.decode()
    assert exported(staff) == []


def test_the_table_has_every_fact(staff: Client) -> None:
    make_refund(by="ada@example.com", reason="It broke, “twice”\nreally", status="failed", status_reason="No money.")
    assert exported(staff) == [
        [
            "100001",
            "100001@example.com",
            "RF100001",
            "TX-100001",
            "R-100001",
            "9.99",
            "USD",
            "Failed, no money moved",
            "No money.",
            "It broke, “twice”\nreally",
            "In this shop",
            "ada@example.com",
            "2026-03-14 12:00:00+00:00",
            "",
            "",
        ]
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n="])
def test_no_cell_is_ever_a_formula(staff: Client, start: str) -> None:
    dangerous = f'{start}HYPERLINK("https://evil.example")'
    make_refund(by=dangerous, reason=dangerous, status_reason=dangerous, refund_id=dangerous)
    [row] = exported(staff)
    cells = [cell for cell in row if "HYPERLINK" in cell]
    assert len(cells) == 4
    assert {cell.replace("'", "") for cell in cells} == {dangerous}
    assert {cell[0] for cell in cells} == {"'"}
    assert not [cell for cell in cells if re.search("[\\t\\r\\n]=", cell)]


def test_the_number_of_queries_does_not_grow_with_the_refunds(staff: Client) -> None:
    def queries(action: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            action()
        return sum("oscar_nd8_refund" in each["sql"] for each in captured.captured_queries)

    counts = set()
    for number, status in enumerate(RefundStatus):
        make_refund(f"10000{number}", by=f"{number}@example.com", status=status.value)
        counts.add((queries(lambda: staff.get(LIST)), queries(lambda: exported(staff))))
    # People to choose from, how many there are, and the page.
    assert counts == {(3, 2)}


def test_a_whole_name_is_found_however_old_and_a_part_among_the_newest_only() -> None:
    for number in range(3):
        make_refund(f"10{number}", by=f"clerk{number}@example.com", created_at=NOON + timedelta(days=number))

    def found(text: str, among: int) -> list[str]:
        refunds = Refund.objects.filter(refunds_mentioning(text, among=among)).order_by("reference")
        return list(refunds.values_list("reference", flat=True))

    for name in ("R-100", "RF100", "100", "TX-100", "CO-100", "100@EXAMPLE.com"):
        assert found(name, 1) == ["R-100"], name
    for _ in range(3):
        # Newer payments hide no refund.
        make_session(f"7{PaymentSession.objects.count()}", created_at=NOON + timedelta(days=9))
    for part in ("F10", "r-10", "clerk", "@example", "X-10", "O-10"):
        assert found(part, 1) == ["R-102"], part
        assert found(part, 2) == ["R-101", "R-102"], part
        assert found(part, 3) == ["R-100", "R-101", "R-102"], part
    assert found("nobody", 3) == []


def test_a_sale_by_link_is_found_by_a_part_of_the_links_name_or_of_its_number_alone() -> None:
    make_refund("100001")
    payment = make_payment(make_session("ORD-7", SessionStatus.SOLD, checkout_id="CO-1"), "TX-100002")
    Refund.objects.create(payment=payment, reference="R-100002", currency="USD", amount=999, status="completed")

    for part in ("mas mark", "rd-7"):
        refunds = Refund.objects.filter(refunds_mentioning(part)).values_list("reference", flat=True)
        assert list(refunds) == ["R-100002"], part


def test_for_a_part_of_a_name_each_refunds_own_payment_is_looked_up_and_none_is_joined() -> None:
    make_refund("100001")
    with CaptureQueriesContext(connection) as captured:
        refunds_mentioning("nobody at all")

    (search,) = [query["sql"] for query in captured if "LIKE" in query["sql"]]
    # A join of so many rows is a reason to read the whole table, as EXISTS is; one row's key is not.
    assert '"payment_id" = (SELECT' in search
    assert search.count('"oscar_nd8_payment"') == search.count('FROM "oscar_nd8_payment"') == 1


def test_who_asked_is_found_though_they_bought_something_themselves() -> None:
    make_refund("100001", by="stella@example.com")
    make_refund("100002", by="bob@example.com")
    PaymentSession.objects.filter(order_number="100002").update(email="stella@example.com")

    found = Refund.objects.filter(refunds_mentioning("stella@example.com")).order_by("reference")

    assert list(found.values_list("reference", flat=True)) == ["R-100001", "R-100002"]


def test_what_a_partners_staff_may_not_see_hides_nothing_of_theirs_and_is_not_betrayed() -> None:
    ours, theirs = make_partner("Ours"), make_partner("Theirs")
    make_refund("1001")
    make_refund("11001")
    for number, partner in (("1001", theirs), ("11001", ours)):
        session = PaymentSession.objects.get(order_number=number)
        PaymentSession.objects.filter(pk=session.pk).update(order=make_order(f"{number}-", partner))
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)

    assert found(client, search="1001") == ["11001"]
    assert [row.order_number for row in client.get("/dashboard/payments/?search=1001").context["page_obj"]] == ["11001"]


def test_the_table_is_read_in_portions(staff: Client) -> None:
    payment = make_payment(make_session("100001", SessionStatus.PLACED))
    Refund.objects.bulk_create(
        Refund(payment=payment, reference=f"R{number}", currency="USD", amount=1) for number in range(1201)
    )
    assert len(exported(staff)) == 1201


def test_how_another_version_says_that_a_refund_was_started_is_shown_as_it_is(staff: Client) -> None:
    refund = make_refund(origin="oracle")
    assert "<dd>oracle, " in staff.get(f"{LIST}{refund.pk}/").content.decode()
    assert "oracle" in exported(staff)[0]
