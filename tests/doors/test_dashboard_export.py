"""The dashboard's payments as a table for spreadsheets: whose, which, every fact, and memory that stays flat."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.validators import validate_email
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oscar_nd8.models import PaymentSession, Refund
from oscar_nd8.paging import ROWS_AT_ONCE
from oscar_nd8.states import SessionStatus
from tests.staff import (
    NOON,
    SECRET_URL,
    VIEW,
    browser_of,
    make_many_like,
    make_matter,
    make_partner,
    make_payment,
    make_session,
)

pytestmark = pytest.mark.django_db

LIST = "/dashboard/payments/"
EXPORT = "/dashboard/payments/export/"
S = SessionStatus


@pytest.fixture
def staff() -> Client:
    """Whoever may look; the export asks for no permission beyond that."""
    return browser_of("clerk", VIEW, staff=True)


def lines_of(client: Client, **query: Any) -> Iterator[str]:
    """The table as it comes in."""
    response: Any = client.get(EXPORT, query)
    assert response.status_code == 200
    assert response.streaming
    return (part.decode() for part in response.streaming_content)


def exported(client: Client, **query: Any) -> list[dict[str, str]]:
    """The table's rows, each by its titles."""
    text = "".join(lines_of(client, **query))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def orders(client: Client, **query: Any) -> list[str]:
    """The orders from top to bottom."""
    return [row["Order"] for row in exported(client, **query)]


def refund(payment: Any, amount: int, status: str = "completed", currency: str = "USD") -> None:
    """Money that went back, or did not."""
    number = Refund.objects.count()
    Refund.objects.create(payment=payment, reference=f"R{number}", currency=currency, amount=amount, status=status)


def test_a_stranger_and_a_shopper_get_nothing(client: Client) -> None:
    make_session()
    assert client.get(EXPORT)["Location"] == f"/dashboard/login/?next={EXPORT}"
    for permissions in ((), (VIEW,), ("partner.dashboard_access",)):
        assert (
            browser_of(f"shopper{len(permissions) + len(str(permissions))}", *permissions).get(EXPORT).status_code
            == 403
        )


def test_a_partners_staff_get_payments_of_orders_with_their_lines_only() -> None:
    ours, theirs = make_partner("Ours"), make_partner("Theirs")
    make_session("100001", S.PLACED, partner=ours)
    make_session("100002", S.PLACED, partner=theirs)
    make_session("100003", S.OPEN)
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    assert orders(client) == ["100001"]
    assert orders(client, search="100002") == []


def test_nothing_can_be_posted_and_no_cache_keeps_it(staff: Client) -> None:
    assert staff.post(EXPORT).status_code == 405
    answer = staff.get(EXPORT)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"] == 'attachment; filename="payments.csv"'


def test_the_table_has_every_fact_with_amounts_in_major_units_beside_their_currency(staff: Client) -> None:
    session = make_session("100001", S.PLACED, status_reason="Late.")
    first = make_payment(session, "TX-1")
    make_payment(session, "TX-2", fee=None, net=None)
    for amount, status in ((999, "completed"), (1, "completed"), (500, "processing"), (7, "failed")):
        refund(first, amount, status)
    refund(first, 3, currency="EUR")
    make_matter(session, "oversold")
    make_matter(session, "paid_twice")
    make_matter(session, "held", resolved_at=NOON)

    [row] = exported(staff)

    assert row == {
        "Order": "100001",
        "E-mail": "ada@example.com",
        "Payment link": "",
        "Amount": "24.97",
        "Fee": "1.02",
        "Net of the fee": "23.95",
        "Refunded": "10.00",
        "Currency": "USD",
        "Status": "Paid, order placed",
        "Reason": "Late.",
        "Needs attention": row["Needs attention"],
        "ND8 checkout": "CO-100001",
        "ND8 transactions": "TX-1 TX-2",
        "Begun at": "2026-03-14 12:00:00+00:00",
        "Paid at": "2026-03-14 12:00:00+00:00",
        "Order placed at": "2026-03-14 12:00:00+00:00",
        "Closed unpaid at": "",
    }
    assert set(row["Needs attention"].split("; ")) == {"More was sold than is in stock", "Paid more than once"}


def test_what_is_not_known_yet_is_empty_and_currencies_have_their_own_units(staff: Client) -> None:
    make_session("100001", S.OPEN, currency="JPY", amount=1500)
    make_session("100002", S.SOLD, created_at=NOON - timedelta(days=1))
    yen, link = exported(staff)
    assert (yen["Amount"], yen["Currency"], yen["Fee"], yen["Net of the fee"], yen["Paid at"]) == (
        "1500", "JPY", "", "", "",
    )  # fmt: skip
    assert (link["Payment link"], link["Status"]) == ("Christmas market", "Paid by link")


def test_nothing_secret_is_in_the_table(staff: Client) -> None:
    session = make_session()
    text = "".join(lines_of(staff))
    assert SECRET_URL not in text
    assert str(session.token) not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "100002"}, ["100002"]),
        ({"search": "bea@"}, ["100002"]),
        ({"status": "held"}, ["100003"]),
        ({"attention": "on"}, ["100003"]),
        ({"date_from": "2026-03-15"}, ["100003", "100002"]),
        ({"date_from": "2026-03-15", "date_to": "2026-03-15"}, ["100002"]),
        ({"status": "held", "search": "bea@"}, []),
        ({"page": "7"}, ["100003", "100002", "100001"]),
    ],
)
def test_the_table_has_what_the_list_finds_on_all_its_pages(
    staff: Client, query: dict[str, str], expected: list[str], settings: Any
) -> None:
    settings.OSCAR_DASHBOARD_ITEMS_PER_PAGE = 1
    make_session("100001", S.PLACED)
    make_session("100002", S.FAILED, email="bea@example.com", created_at=NOON + timedelta(days=1))
    make_matter(make_session("100003", S.HELD, created_at=NOON + timedelta(days=2)))
    assert orders(staff, **query) == expected


@pytest.mark.parametrize("query", [{"status": "lost"}, {"date_from": "soon"}, {"search": "a\x00b"}])
def test_what_cannot_be_understood_leads_back_to_the_list_that_says_so(staff: Client, query: dict[str, str]) -> None:
    make_session()
    answer = staff.get(EXPORT, query)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{LIST}?")
    assert "cannot be understood" in staff.get(answer["Location"]).content.decode()


def test_the_list_has_a_button_that_keeps_what_is_looked_for(staff: Client) -> None:
    assert "Download as CSV" not in staff.get(LIST).content.decode()
    make_session()
    html = staff.get(LIST, {"status": "open"}).content.decode()
    # A button of the filter's own form, so that the fields as they stand go with it.
    form = html[html.index('role="search"') : html.index("</form>", html.index('role="search"'))]
    assert f'formaction="{EXPORT}"' in form
    assert "Download as CSV" in form


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n="])
def test_no_cell_is_ever_a_formula(staff: Client, start: str) -> None:
    dangerous = f'{start}HYPERLINK("https://evil.example")'
    session = make_session(status_reason=dangerous, email=dangerous, checkout_id=dangerous)
    make_payment(session, dangerous)
    PaymentSession.objects.update(order_number=dangerous)
    [row] = exported(staff)
    cells = [cell for cell in row.values() if "HYPERLINK" in cell]
    assert [cell.replace("'", "") for cell in cells] == [dangerous] * 5
    assert {cell[0] for cell in cells} == {"'"}


SEPARATED = """";=HYPERLINK(1);"@x.com"""


def cells(line: str, separator: str) -> list[str]:
    """The line's cells where lists are opened by `separator`, as Excel and LibreOffice do by their language."""
    return [cell.lstrip() for cell in next(csv.reader([line], delimiter=separator))]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", " =", '"=', '" @'])
def test_no_cell_is_a_formula_whatever_a_list_is_separated_by(staff: Client, separator: str, start: str) -> None:
    dangerous = f'a"{separator}{start}HYPERLINK(1){separator}"@x.com'
    make_session(email=dangerous, status_reason=f"{dangerous}\n{start}HYPERLINK(2)")
    text = "".join(lines_of(staff)).removeprefix("\ufeff")
    assert "HYPERLINK(2)" in text
    found = [cell for line in text.splitlines() for cell in cells(line, separator)]
    assert [cell for cell in found if cell.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d"))] == []


def test_an_address_that_is_a_formula_elsewhere_is_text(staff: Client) -> None:
    validate_email(SEPARATED)
    make_session(email=SEPARATED)
    [row] = exported(staff)
    assert row["E-mail"] == """";'=HYPERLINK(1);'"@x.com"""


def test_what_cannot_be_a_formula_is_left_as_it_was_written(staff: Client) -> None:
    make_session(email="ada-lovelace+nd8=1@example.com", status_reason="Late; then paid - at last, -5 of it.\nSee a=b.")
    [row] = exported(staff)
    assert row["E-mail"] == "ada-lovelace+nd8=1@example.com"
    assert row["Reason"] == "Late; then paid - at last, -5 of it.\nSee a=b."


def test_a_table_costs_the_same_however_many_lines(staff: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            exported(staff)
        return len(captured)

    def sell(number: int) -> None:
        session = make_session(f"10000{number}", S.PLACED)
        refund(make_payment(session, f"TX-{number}"), 100)
        make_matter(session, "oversold")

    sell(1)
    make_session("200001", S.SOLD)
    few = queries()
    for number in range(2, 8):
        sell(number)
        make_session(f"20000{number}", S.SOLD)
    assert queries() == few


def test_a_long_table_is_read_in_portions_whatever_is_added_meanwhile(staff: Client) -> None:
    total = 2 * ROWS_AT_ONCE + 1
    # Most began in the same moment, so that a portion ends amid equals.
    make_many_like(make_session("1"), total, begun=lambda number: NOON - timedelta(days=1 if number < 3 else 2))

    with CaptureQueriesContext(connection) as captured:
        lines = lines_of(staff)
        head = [next(lines) for _ in range(3)]
        make_session("newer", created_at=NOON + timedelta(days=1))
        numbers = [line.split(",")[0] for line in [*head, *lines]][1:]

    assert numbers[0] == "1"
    assert set(numbers[1:4]) == {"S0", "S1", "S2"}
    assert len(numbers) == len(set(numbers)) == total + 1
    assert "newer" not in numbers
    portions = [each["sql"] for each in captured.captured_queries if 'FROM "oscar_nd8_paymentsession"' in each["sql"]]
    assert len(portions) == 3
    assert all(f"LIMIT {ROWS_AT_ONCE}" in sql for sql in portions)
