"""Payments in Wagtail's admin: who finds what, what it says, and that nothing there can be edited."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import timezone
from django.utils.translation import override
from openpyxl import load_workbook

from oscar_nd8.cms.home import PaymentsPanel
from oscar_nd8.models import Attention, PaymentSession
from oscar_nd8.money import to_major
from oscar_nd8.paging import ROWS_AT_ONCE, LongPaginator
from oscar_nd8.services.refund import request_refund
from oscar_nd8.shop.takings import Day, takings_this_week
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from sandbox_site.seed.pages import seed_pages
from tests.refunding import pay
from tests.staff import (
    NOON,
    SECRET_URL,
    browser_of,
    make_many_like,
    make_matter,
    make_partner,
    make_payment,
    make_session,
)

pytestmark = pytest.mark.django_db

HOME = "/cms-admin/"
LIST = "/cms-admin/payments/all/"
MATTERS = "/cms-admin/payments/attention/"


@pytest.fixture(autouse=True)
def pages() -> None:
    """Wagtail's admin has a home page."""
    seed_pages()


def editor(name: str, *permissions: str) -> Client:
    """Somebody whom a group lets into Wagtail's admin, and no "staff"."""
    return browser_of(name, "wagtailadmin.access_admin", *permissions)


@pytest.fixture
def viewer() -> Client:
    """May look."""
    return editor("vera", "oscar_nd8.view_payments")


@pytest.fixture
def decider() -> Client:
    """May decide."""
    return editor("dora", "oscar_nd8.view_payments", "oscar_nd8.resolve_attention")


def text(client: Client, url: str) -> str:
    """A page that opens."""
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def menu(client: Client) -> str:
    """The menu as Wagtail's script is given it."""
    page = text(client, HOME)
    return page[page.index("wagtail-sidebar-props") : page.index("wagtail-sidebar-props") + 20_000]


@pytest.fixture
def matter() -> Attention:
    """A held payment."""
    session = make_session("100002", SessionStatus.HELD)
    make_payment(session)
    return make_matter(session)


def addresses(matter: Attention) -> Iterator[str]:
    """Everything that there is to open."""
    assert matter.session
    for url in (LIST, f"{LIST}results/", f"{LIST}?export=csv", f"{LIST}{matter.session.pk}/"):
        yield url
    for url in (MATTERS, f"{MATTERS}results/", f"{MATTERS}?export=xlsx", f"{MATTERS}{matter.pk}/"):
        yield url


def test_a_group_with_the_permission_finds_menu_lists_pages_and_panel(viewer: Client, matter: Attention) -> None:
    assert LIST in menu(viewer)
    assert MATTERS in menu(viewer)
    for url in addresses(matter):
        assert viewer.get(url).status_code == 200, url
    assert 'id="nd8-payments-section"' in text(viewer, HOME)


@pytest.mark.parametrize("staff", [False, True])
def test_without_the_permission_there_is_no_menu_no_panel_and_no_page(staff: bool, matter: Attention) -> None:
    # What Oscar's dashboard takes for staff is not asked here: groups decide.
    client = browser_of("erik", "wagtailadmin.access_admin", "oscar_nd8.resolve_attention", staff=staff)

    assert "/payments/" not in menu(client)
    assert "nd8-payments" not in text(client, HOME).replace("icon-nd8-payments", "")
    for url in addresses(matter):
        response = client.get(url)
        assert response.status_code in {302, 403}, url
        assert b"100002" not in response.content
    for name in ("place", "dismiss"):
        assert client.post(f"{MATTERS}{matter.pk}/{name}/", {"seen": 0, "note": "x"}).status_code in {302, 403}
    matter.refresh_from_db()
    assert matter.resolved_at is None


def test_a_partners_staff_find_nothing_here_because_here_is_everything(matter: Attention) -> None:
    client = browser_of(
        "pam",
        "wagtailadmin.access_admin",
        "oscar_nd8.view_payments",
        "partner.dashboard_access",
        partner=make_partner("Mill"),
    )
    for url in addresses(matter):
        assert client.get(url).status_code in {302, 403}


def test_a_stranger_is_asked_to_sign_in(matter: Attention) -> None:
    for url in addresses(matter):
        response = Client().get(url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/cms-admin/login/")


def test_nothing_can_be_added_edited_or_deleted_by_anybody() -> None:
    for viewset in ("nd8_payments", "nd8_matters"):
        for name, args in {"add": [], "edit": [1], "delete": [1], "copy": [1]}.items():
            with pytest.raises(NoReverseMatch):
                reverse(f"{viewset}:{name}", args=args)


def test_the_list_says_amount_fee_net_and_status(viewer: Client) -> None:
    make_payment(make_session("100001", SessionStatus.PLACED))

    page = text(viewer, LIST)

    for words in ("100001", "ada@example.com", "$24.97", "$1.02", "$23.95", "Paid, order placed"):
        assert words in page
    assert "Needs attention</span>" not in page
    assert SECRET_URL not in page


def test_a_row_has_one_link_and_no_menu_that_would_repeat_it(viewer: Client, matter: Attention) -> None:
    for url, row in ((LIST, matter.session_id), (MATTERS, matter.pk)):
        page = text(viewer, url)
        assert page.count(f'href="{url}{row}/"') == 1
        assert "More options" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=100002", {"100002"}),
        ("q=TX-9", {"100001"}),
        ("q=bob%40example.com", {"100003"}),
        ("q=nobody", set()),
        ("status=held", {"100002"}),
        ("status=held&status=failed", {"100002", "100003"}),
        ("attention=open", {"100002"}),
        ("created_at_from=2026-03-14&created_at_to=2026-03-14", {"100001", "100002"}),
        ("created_at_from=2026-03-15", {"100003"}),
        ("created_at_from=0001-01-01", {"100001", "100002", "100003"}),
        ("created_at_to=soon", {"100001", "100002", "100003"}),
    ],
)
def test_what_is_looked_for_is_found(viewer: Client, matter: Attention, query: str, found: set[str]) -> None:
    make_payment(make_session("100001", SessionStatus.PLACED), "TX-9")
    make_session("100003", SessionStatus.FAILED, email="bob@example.com", created_at=NOON + timedelta(days=1))

    page = text(viewer, f"{LIST}results/?{query}")

    assert {number for number in ("100001", "100002", "100003") if f"{LIST}" in page and number in page} == found


@pytest.mark.parametrize("url", [LIST, f"{LIST}?export=csv"])
def test_a_list_makes_the_same_queries_however_long_it_is(viewer: Client, url: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            b"".join(viewer.get(url))
        return len(captured)

    make_payment(make_session("100000", SessionStatus.PLACED), "TX-0")
    make_session("200000", SessionStatus.SOLD)
    queries()
    short = queries()
    for number in range(1, 13):
        make_payment(make_session(f"1{number:05}", SessionStatus.PLACED), f"TX-{number}")
        make_session(f"2{number:05}", SessionStatus.SOLD)

    assert queries() == short


def test_csv_and_xlsx_hold_what_the_list_shows_and_no_formula(viewer: Client) -> None:
    make_payment(make_session("100001", SessionStatus.PLACED, email="=1+1@example.com"))

    sheet = viewer.get(f"{LIST}?export=csv")
    rows = list(csv.DictReader(io.StringIO(sheet.getvalue().decode())))
    book = load_workbook(io.BytesIO(viewer.get(f"{LIST}?export=xlsx").getvalue()))

    assert [(row["Order"], row["Amount"], row["Fee"], row["Status"]) for row in rows] == [
        ("100001", "24.97", "1.02", "Paid, order placed")
    ]
    assert rows[0]["E-mail"] == "'=1+1@example.com"
    cell = book.worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == ("=1+1@example.com", "s")


def test_a_spreadsheet_is_read_in_portions_and_nothing_else_is(viewer: Client) -> None:
    total = 2 * ROWS_AT_ONCE
    make_many_like(make_session("1"), total, begun=lambda number: NOON - timedelta(hours=1, minutes=number % 3))

    with CaptureQueriesContext(connection) as captured:
        sheet = viewer.get(f"{LIST}?export=csv&ordering=order_number&status=open&status=held")
        numbers = [row["Order"] for row in csv.DictReader(io.StringIO(sheet.getvalue().decode()))]
    # Counted before the next request, which begins by forgetting them.
    queries = [each["sql"] for each in captured.captured_queries]
    book = load_workbook(io.BytesIO(viewer.get(f"{LIST}?export=xlsx").getvalue()))

    assert numbers[0] == "1"
    assert len(numbers) == len(set(numbers)) == total + 1
    assert [cell.value for cell in book.worksheets[0]["A"]][1:] == numbers
    asked = [sql for sql in queries if 'FROM "oscar_nd8_paymentsession"' in sql]
    assert len(asked) == 3
    assert all(f"LIMIT {ROWS_AT_ONCE}" in sql for sql in asked)
    # It would sort all of them for each portion.
    assert not any("DISTINCT" in sql for sql in asked)


def test_a_very_long_list_says_that_there_are_more(viewer: Client) -> None:
    make_many_like(make_session("1"), LongPaginator.most - 1)

    assert "10000 payment sessions" in text(viewer, LIST)
    assert "There are 10,000 matches" in text(viewer, f"{LIST}?status=open")

    make_session("2")
    whole, matches = text(viewer, LIST), text(viewer, f"{LIST}?status=open")

    assert "The first 10000; narrow the list to find others" in whole
    assert "There are more than 10000 matches" in matches
    assert "The first 10000; narrow the list to find others" in matches
    assert "There are 10,000" not in matches
    assert "There is 1 match" in text(viewer, f"{LIST}?q=CO-2")


def test_no_cell_is_a_formula_where_lists_are_separated_otherwise(viewer: Client) -> None:
    address = """";=HYPERLINK(1);"@x.com"""
    make_session("100001", SessionStatus.PLACED, email=address)

    sheet = viewer.get(f"{LIST}?export=csv").getvalue().decode()
    book = load_workbook(io.BytesIO(viewer.get(f"{LIST}?export=xlsx").getvalue()))

    cells = next(csv.reader([sheet.splitlines()[1]], delimiter=";"))
    assert [cell for cell in cells if cell.startswith(("=", "@", '"'))] == []
    # One cell of text, which nothing separates.
    assert (book.worksheets[0]["B2"].value, book.worksheets[0]["B2"].data_type) == (address, "s")


def test_a_payments_page_tells_its_whole_story(viewer: Client, guest: Shopper, nd8: ND8, mug: Any) -> None:
    payment = pay(guest, nd8, mug)

    page = text(viewer, f"{LIST}{payment.session_id}/")

    for words in (
        "ND8 confirmed the payment, and the order was placed as the shopper agreed.",
        payment.transaction_id,
        "Enamel mug",
        "$24.97",
        "The shopper agreed to pay",
        "transaction.status_changed",
    ):
        assert words in page
    assert "Ask ND8 again" not in page
    assert payment.session.checkout_url not in page


def test_who_may_decide_has_nd8_asked(decider: Client, viewer: Client, guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session)
    url = f"{LIST}{session.pk}/ask/"

    assert viewer.post(url).status_code in {302, 403}
    assert decider.get(url).status_code == 405
    page = decider.post(url, follow=True).content.decode()

    assert "ND8 was asked." in page
    assert resolve(url).func._non_atomic_requests  # type: ignore[attr-defined]  # Django's own mark
    actions = list(session.staff_actions.values_list("verb", "user__email"))
    assert actions == [("ask", "dora@example.com")]


def test_who_may_decide_dismisses_with_a_reason(decider: Client, viewer: Client, matter: Attention) -> None:
    url = f"{MATTERS}{matter.pk}/dismiss/"
    assert viewer.get(url).status_code in {302, 403}
    assert "Dismiss this matter?" in text(decider, url)
    assert "Please say why" in decider.post(url, {"seen": 0, "note": ""}).content.decode()
    matter.refresh_from_db()
    assert matter.resolved_at is None

    page = decider.post(url, {"seen": 0, "note": "Paid back by bank transfer."}, follow=True).content.decode()

    assert "Dismissed. The money stays where it is." in page
    assert "Paid back by bank transfer." in page
    assert "dora@example.com" in page
    matter.refresh_from_db()
    assert matter.resolution == Attention.Resolution.DISMISSED
    assert PaymentSession.objects.get().status == SessionStatus.HELD


def test_a_second_decision_is_told_of_the_first(decider: Client, matter: Attention) -> None:
    url = f"{MATTERS}{matter.pk}/dismiss/"
    decider.post(url, {"seen": 0, "note": "First."})

    page = decider.post(url, {"seen": 0, "note": "Second."}, follow=True).content.decode()

    assert "Second." not in page
    assert matter.staff_actions.count() == 1


def test_a_held_payment_is_placed_from_here(
    decider: Client, guest: Shopper, nd8: ND8, mug: Any, transactional_db: None
) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session)
    PaymentSession.objects.filter(pk=session.pk).update(currency="EUR")
    nd8.deliver(guest.client)
    PaymentSession.objects.filter(pk=session.pk).update(currency="USD")
    matter = Attention.objects.get(kind=Attention.Kind.HELD)
    url = f"{MATTERS}{matter.pk}/place/"
    assert "Place the order?" in text(decider, url)
    refund = request_refund(session.payments.get(), amount=500, reason="Sorry")
    assert "5.00 USD of this payment went back to the shopper" in text(decider, url)

    page = decider.post(url, {"seen": 0, "seen_refund": refund.pk}, follow=True).content.decode()

    session.refresh_from_db()
    assert session.status == SessionStatus.PLACED
    assert f"Order {session.order_number} is placed, as the shopper agreed." in page
    assert resolve(url).func._non_atomic_requests  # type: ignore[attr-defined]  # Django's own mark


def test_a_matter_about_no_payment_of_this_shop_has_its_page(viewer: Client) -> None:
    matter = make_matter(None, Attention.Kind.UNKNOWN_CHECKOUT, subject="CO-elsewhere")

    assert "CO-elsewhere" in text(viewer, MATTERS)
    assert "a checkout that this shop never made" in text(viewer, f"{MATTERS}{matter.pk}/")
    assert "CO-elsewhere" in viewer.get(f"{MATTERS}?export=csv").getvalue().decode()


WEDNESDAY = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first_weekday", "amounts"),
    [
        (0, [40, 2, 500, 1250, 0, 0, 0]),  # Sunday, the 15th
        (1, [2, 500, 1250, 0, 0, 0, 0]),  # Monday, the 16th
        (3, [1250, 0, 0, 0, 0, 0, 0]),  # a week that begins today
        (4, [7, 0, 0, 40, 2, 500, 1250]),  # Thursday, the 12th: today is the last day
    ],
)
def test_takings_count_what_was_paid_on_each_day_of_the_calendar_week(first_weekday: int, amounts: list[int]) -> None:
    for number, (back, amount, currency, status) in enumerate(
        [
            (0, 1000, "USD", SessionStatus.PAID),
            (0, 250, "USD", SessionStatus.PLACED),
            (1, 500, "USD", SessionStatus.PAID),
            (2, 2, "USD", SessionStatus.PAID),
            (3, 40, "USD", SessionStatus.PAID),
            (6, 7, "USD", SessionStatus.PAID),
            (7, 9999, "USD", SessionStatus.PAID),
            (0, 7777, "USD", SessionStatus.HELD),
            (0, 300, "EUR", SessionStatus.PAID),
        ]
    ):
        at = WEDNESDAY - timedelta(days=back)
        make_session(str(100001 + number), status, amount=amount, currency=currency, paid_at=at, created_at=at)
    make_session("100020", SessionStatus.OPEN, created_at=WEDNESDAY)

    found = {each.currency: each for each in takings_this_week(first_weekday=first_weekday, clock=lambda: WEDNESDAY)}

    assert set(found) == {"EUR", "USD"}
    assert [day.amount for day in found["USD"].days] == amounts
    assert found["USD"].today == Day(WEDNESDAY.date(), 1250, "USD")
    assert found["USD"].total == to_major(sum(amounts), "USD")
    assert (str(found["EUR"].today.amount_major), str(found["EUR"].total)) == ("3.00", "3.00")


def test_a_day_begins_at_the_shops_midnight(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    # Half past midnight on Monday in Berlin is still Sunday in Greenwich.
    early = datetime(2026, 3, 15, 23, 30, tzinfo=UTC)
    make_session("100001", SessionStatus.PAID, amount=100, paid_at=early - timedelta(hours=1), created_at=early)
    make_session("100002", SessionStatus.PAID, amount=7, paid_at=early, created_at=early)

    [week] = takings_this_week(first_weekday=1, clock=lambda: early)

    assert [day.amount for day in week.days] == [7, 0, 0, 0, 0, 0, 0]
    assert week.today.day == date(2026, 3, 16)


@pytest.mark.parametrize(("language", "words"), [("en", "this week, since Sunday"), ("en-gb", "since Monday")])
def test_the_week_of_the_panel_begins_as_the_readers_calendar_does(language: str, words: str) -> None:
    make_session("100001", SessionStatus.PAID, created_at=timezone.now(), paid_at=timezone.now())
    with override(language):
        assert words in PaymentsPanel().render_html({})


def test_a_week_without_a_payment_says_so() -> None:
    long_ago = timezone.now() - timedelta(days=8)
    make_session("100001", SessionStatus.PAID, created_at=long_ago, paid_at=long_ago)
    panel = PaymentsPanel().render_html({})
    assert "Nothing was paid this week." in panel
    assert "<rect" not in panel
    assert "is held" not in panel


def test_held_payments_stand_by_themselves_with_number_and_amount_however_old() -> None:
    for number, (amount, currency) in enumerate([(1500, "USD"), (1, "USD"), (250, "EUR")]):
        make_session(str(100001 + number), SessionStatus.HELD, amount=amount, currency=currency)

    panel = " ".join(PaymentsPanel().render_html({}).split())

    assert "2 payments of $15.01 USD together are held without an order" in panel
    assert "1 payment of €2.50 EUR is held without an order" in panel
    assert panel.count('href="/cms-admin/payments/all/?status=held"') == 2


def test_the_panel_draws_takings_without_script_or_style_and_says_what_waits(viewer: Client) -> None:
    session = make_session("100001", SessionStatus.HELD, created_at=timezone.now(), paid_at=timezone.now())
    make_matter(session)
    make_session("100002", SessionStatus.PAID, amount=4200, created_at=timezone.now(), paid_at=timezone.now())

    page = text(viewer, HOME)
    panel = page[page.index('id="nd8-payments-section"') :]
    panel = panel[: panel.index("</section>")]

    assert "$42.00" in panel
    assert panel.count("<rect") == 7
    assert 'height="60"' in panel
    assert "style=" not in panel
    assert "<script" not in panel
    assert "1 matter waits for a person" in panel
    assert "1 payment of $24.97 USD is held without an order" in panel
    assert panel.count("nd8-takings__bar--today") == 1


def test_wagtails_group_form_offers_our_permissions(viewer: Client) -> None:
    admin = browser_of("boss", staff=True, superuser=True)
    page = text(admin, "/cms-admin/groups/new/")
    for permission in Permission.objects.filter(
        codename__in=["view_payments", "refund_payment", "resolve_attention"], content_type__app_label="oscar_nd8"
    ):
        assert f'value="{permission.pk}"' in page
    assert Group.objects.count() == 0
