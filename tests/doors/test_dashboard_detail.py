"""One payment in Oscar's dashboard: everything that is known about it, for those who may see it, and no secret."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oscar_nd8.models import Attention, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.shop.overview import STANDINGS
from oscar_nd8.states import DepositState, EventStatus, PaymentState, RefundStatus, SessionStatus
from tests.staff import (
    NOON,
    SECRET_URL,
    VIEW,
    browser_of,
    line,
    make_partner,
    make_payment,
    make_quote,
    make_session,
)

pytestmark = pytest.mark.django_db

S = SessionStatus


@pytest.fixture
def staff() -> Client:
    """Shop staff with every right."""
    return browser_of("boss", staff=True, superuser=True)


def path_of(session: PaymentSession) -> str:
    """Where the payment is shown."""
    return f"/dashboard/payments/{session.pk}/"


def page(client: Client, session: PaymentSession) -> str:
    """The payment as HTML, blanks squeezed."""
    response = client.get(path_of(session))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def make_event(session: PaymentSession, n: int = 1, **facts: Any) -> WebhookEvent:
    """A notification that was received and processed."""
    defaults = {
        "delivery_id": f"D-{n}",
        "name": "payment.paid",
        "body": '{"order_id": "raw-body-of-the-message"}',
        "checkout_id": session.checkout_id,
        "transaction_id": "TX-1",
        "status": EventStatus.PROCESSED,
        "attempts": 1,
        "received_at": NOON + timedelta(minutes=6),
    }
    return WebhookEvent.objects.create(**{**defaults, **facts})


# Who


def test_a_stranger_is_sent_to_the_dashboards_login_and_a_shopper_refused(client: Client) -> None:
    session = make_session()
    response = client.get(path_of(session))
    assert (response.status_code, response["Location"]) == (302, f"/dashboard/login/?next={path_of(session)}")
    assert browser_of("shopper").get(path_of(session)).status_code == 403


def test_a_partners_staff_cannot_open_the_payment_of_others_or_one_without_an_order() -> None:
    ours = make_partner("Ours")
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    assert client.get(path_of(make_session("100001", S.PLACED, partner=ours))).status_code == 200
    assert client.get(path_of(make_session("100002", S.PLACED, partner=make_partner("Theirs")))).status_code == 404
    assert client.get(path_of(make_session("100003", S.PAID))).status_code == 404


@pytest.mark.parametrize("pk", ["1", "99999999999999999999999"])
def test_a_payment_that_does_not_exist_is_not_found(staff: Client, pk: str) -> None:
    assert staff.get(f"/dashboard/payments/{pk}/").status_code == 404


def test_nothing_can_be_posted(staff: Client) -> None:
    session = make_session()
    assert staff.post(path_of(session)).status_code == 405


# What


@pytest.mark.parametrize("status", S)
def test_every_status_is_explained_with_what_to_do_next(staff: Client, status: SessionStatus) -> None:
    html = page(staff, make_session("100001", status))
    assert str(STANDINGS[status].meaning).replace("'", "&#x27;") in html
    assert str(STANDINGS[status].advice).replace("'", "&#x27;") in html


def test_the_agreement_is_shown_to_the_cent(staff: Client) -> None:
    html = page(staff, make_session("100001", S.PLACED))
    for text in (
        "Enamel mug",
        "$9.99",
        "$17.98",
        "Shipping: Standard post",
        "$4.99",
        "Surcharge: Gift wrapping",
        "$2.00",
        "Spring sale (voucher SPRING):",
        "$24.97",
    ):
        assert text in html


def test_a_quote_of_another_version_hides_no_other_fact(staff: Client) -> None:
    session = make_session("100001", S.HELD, quote={"version": 7})
    make_payment(session)
    html = page(staff, session)
    assert "was written by another version" in html
    assert "TX-1" in html


def test_payments_are_shown_with_money_deposit_and_declined_attempts(staff: Client) -> None:
    session = make_session("100001", S.PLACED)
    make_payment(session, deposit=DepositState.PENDING)
    html = page(staff, session)
    for text in ("TX-1", "Deposit pending", "$1.02", "$23.95 USD"):
        assert text in html
    assert html.index("Succeeded") < html.index("Declined") < html.index("Your card has insufficient funds.")
    assert "requires_payment_method" not in html


def test_an_attempt_that_nd8_describes_badly_is_shown_as_it_came(staff: Client) -> None:
    session = make_session("100001", S.FAILED)
    odd = {"state": "on_the_moon", "at": "lately", "method": "", "message": "<b>no</b>", "reference": ""}
    make_payment(
        session, state=PaymentState.UNKNOWN, raw_status="odd", net=None, fee=None, asked_at=None, attempts=[odd]
    )
    html = page(staff, session)
    assert "Unknown to this version (odd)" in html
    assert "on_the_moon" in html
    assert "&lt;b&gt;no&lt;/b&gt;" in html
    assert "<b>no</b>" not in html


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York", "UTC"])
def test_an_attempt_at_the_end_of_the_calendar_hides_no_other_fact(
    staff: Client, settings: Any, at: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    session = make_session("100001", S.FAILED)
    attempt = {"state": "failed", "at": at, "method": "", "message": "No luck.", "reference": "PM-1"}
    make_payment(session, state=PaymentState.FAILED, attempts=[attempt])
    html = page(staff, session)
    assert "No luck." in html
    assert "PM-1" in html


def test_open_matters_stand_on_top_and_settled_ones_in_the_timeline_only(staff: Client) -> None:
    session = make_session("100001", S.PLACED)
    Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, detail="Two mugs too many.")
    Attention.objects.create(
        session=session, kind=Attention.Kind.PAID_TWICE, detail="Refund TX-2.", created_at=NOON, resolved_at=NOON
    )
    html = page(staff, session)
    alert = html[html.index('class="alert alert-danger') : html.index("Where it stands")]
    assert "Two mugs too many." in alert
    assert "Refund TX-2." not in alert
    timeline = html[html.index("nd8-timeline") :]
    assert "Refund TX-2." in timeline
    assert "Settled: Paid more than once" in timeline


def test_a_calm_payment_alarms_nobody(staff: Client) -> None:
    assert "alert-danger" not in page(staff, make_session("100001", S.PLACED))


def test_the_timeline_tells_the_story_in_order(staff: Client) -> None:
    session = make_session(
        "100001", S.PLACED, opened_at=NOON + timedelta(minutes=1), paid_at=NOON + timedelta(minutes=7)
    )
    session.placed_at = session.mailed_at = NOON + timedelta(minutes=8)
    session.save()
    make_payment(
        session,
        created_at=NOON + timedelta(minutes=6, seconds=30),
        allocated_at=NOON + timedelta(minutes=9),
        debited_at=NOON + timedelta(minutes=10),
    )
    make_event(session)
    response = staff.get(path_of(session))
    assert [moment.text for moment in response.context["timeline"]] == [
        "The shopper agreed to pay",
        "ND8's payment page was opened",
        "Attempt to pay: Declined",
        "Attempt to pay: Succeeded",
        "ND8 sent payment.paid",
        "First heard of the transaction",
        "ND8 confirmed the payment",
        "The order was placed",
        "The order's mail was sent",
        "Booked as allocated",
        "Booked as received",
    ]


def test_messages_are_shown_with_what_became_of_them_but_not_their_bodies(staff: Client) -> None:
    session, other = make_session("100001", S.PLACED), make_session("100002")
    make_payment(session)
    make_event(session, 1, status=EventStatus.FAILED, attempts=3, last_error="ProviderUnavailable: no answer")
    make_event(session, 2, checkout_id="", name="payment.deposited")
    make_event(other, 3, transaction_id="TX-9", name="payment.of_somebody_else")
    html = page(staff, session)
    assert "Failed, will be tried again" in html
    assert "ProviderUnavailable: no answer" in html
    assert "payment.deposited" in html
    assert "payment.of_somebody_else" not in html
    assert "raw-body-of-the-message" not in html


def test_without_checkout_and_transaction_no_message_of_others_is_shown(staff: Client) -> None:
    make_event(make_session("100002"), checkout_id="", transaction_id="")
    assert "ND8 has sent no message about this payment." in page(staff, make_session("100001", S.NEW, checkout_id=""))


@pytest.mark.parametrize("status", S)
def test_nothing_secret_is_on_the_page(staff: Client, status: SessionStatus) -> None:
    session = make_session("100001", status)
    html = page(staff, session)
    assert SECRET_URL not in html
    assert "pay.nd8.example" not in html
    assert str(session.token) not in html


# Where to go from here


def test_links_lead_to_the_order_and_to_djangos_admin(staff: Client) -> None:
    session = make_session("100001", S.PLACED)
    html = page(staff, session)
    for address in ("/dashboard/orders/100001/", f"/django-admin/oscar_nd8/paymentsession/{session.pk}/change/"):
        assert f'href="{address}"' in html
        assert staff.get(address).status_code == 200


def test_links_that_would_refuse_are_not_offered() -> None:
    session = make_session("100001", S.PLACED)
    html = page(browser_of("clerk", VIEW, staff=True), session)
    assert "/dashboard/orders/100001/" not in html
    assert "/django-admin/" not in html


def test_a_shop_without_django_admin_has_the_page_all_the_same(staff: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.doors.test_dashboard_detail"
    assert "In Django admin" not in page(staff, make_session())


def test_the_number_of_queries_does_not_grow_with_what_happened(staff: Client) -> None:
    quiet, busy = make_session("100001", S.PLACED), make_session("100002", S.PLACED)
    busy.quote = make_quote(lines=(line("Enamel mug"), line("Pine soap", 1, "3.00", "3.00"))).model_dump(mode="json")
    busy.save()
    for n in range(5):
        payment = make_payment(busy, f"TX-{n}")
        make_event(busy, n)
        for status in RefundStatus:
            Refund.objects.create(
                payment=payment, reference=f"{n}{status}", currency="USD", amount=1, status=status.value
            )
    for kind in Attention.Kind:
        matter = Attention.objects.create(session=busy, kind=kind, detail="")
        StaffAction.objects.create(session=busy, attention=matter, verb=StaffAction.Verb.DISMISS)

    def queries(session: PaymentSession) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(staff, session)
        return len(captured)

    # Oscar: the browser's session, user and unread notifications.
    # Ours: session, payments, matters, what staff did, messages, refunds.
    assert queries(quiet) == queries(busy) == 9


def _without_admin() -> list[Any]:
    from sandbox_site.urls import urlpatterns as all_patterns

    return [pattern for pattern in all_patterns if str(pattern.pattern) != "django-admin/"]


urlpatterns = _without_admin()
