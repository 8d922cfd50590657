"""Django admin: evidence that can be read and searched, and that nobody can change, add or remove."""

import re
from typing import Any

import pytest
from django.contrib.admin import AdminSite, site
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.paging import LongPaginator
from oscar_nd8.states import EventStatus, SessionStatus
from tests.staff import NOON, SECRET_URL, browser_of, make_payment, make_session

pytestmark = pytest.mark.django_db

ADMIN = "/django-admin/oscar_nd8"
MODELS = ["paymentsession", "payment", "webhookevent", "attention", "refund", "staffaction"]
KEPT: Any = (PaymentSession, Payment, WebhookEvent, Attention, Refund, StaffAction)


@pytest.fixture
def boss() -> Client:
    """A superuser: whatever is refused to them is refused to everybody."""
    return browser_of("boss", staff=True, superuser=True)


def make_rows(n: int = 1) -> dict[str, Any]:
    """A placed session with a payment, a message and a matter; by the name of their model."""
    session = make_session(f"10000{n}", SessionStatus.PLACED, opened_at=NOON)
    event = WebhookEvent.objects.create(
        delivery_id=f"D-{n}",
        name="payment.paid",
        body="{}",
        checkout_id=session.checkout_id,
        transaction_id=f"TX-{n}",
        status=EventStatus.PROCESSED,
        received_at=NOON,
    )
    payment = make_payment(session, f"TX-{n}")
    matter = Attention.objects.create(session=session, kind=Attention.Kind.OVERSOLD, detail="Two too many.")
    facts = {"session": session, "user_name": "Stella (stella@example.com)"}
    return {
        "paymentsession": session,
        "payment": payment,
        "webhookevent": event,
        "attention": matter,
        "refund": Refund.objects.create(payment=payment, reference=f"R-{n}", currency="USD", amount=999),
        "staffaction": StaffAction.objects.create(attention=matter, verb=StaffAction.Verb.ASK, **facts),
    }


def read(client: Client, path: str) -> str:
    """A page that opens."""
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def everything() -> list[dict[str, Any]]:
    """All columns of all rows."""
    return [model_to_dict(row) for model in KEPT for row in model.objects.order_by("pk")]


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_pages_open(boss: Client, model: str) -> None:
    row = make_rows()[model]
    assert f"/{model}/{row.pk}/change/" in read(boss, f"{ADMIN}/{model}/")
    read(boss, f"{ADMIN}/{model}/{row.pk}/change/")
    read(boss, f"{ADMIN}/{model}/{row.pk}/history/")


def listed(client: Client, model: str, query: str) -> list[int]:
    """The rows that a list shows, in its order."""
    response = client.get(f"{ADMIN}/{model}/{query}")
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("paymentsession", "TX-1"),
        ("payment", "100001"),
        ("webhookevent", "CO-100001"),
        ("attention", "100001"),
        ("refund", "R-1"),
        ("staffaction", "100001"),
    ],
)
def test_lists_can_be_searched_and_sorted(boss: Client, model: str, words: str) -> None:
    first, second = make_rows(1)[model].pk, make_rows(2)[model].pk
    assert listed(boss, model, f"?q={words}") == [first]
    assert listed(boss, model, "?q=nobody") == []
    assert sorted(listed(boss, model, "")) == sorted(listed(boss, model, "?o=3.-2")) == [first, second]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("paymentsession", "00001"),
        ("paymentsession", "ADA@example.com"),
        ("payment", "TX-1"),
        ("payment", "o-100001"),
        ("webhookevent", "D-1"),
        ("webhookevent", "TX-1"),
        ("attention", "TX-1"),
        ("refund", "TX-1"),
        ("refund", "CO-100001"),
        ("refund", "r-1"),
        ("staffaction", "stella@"),
        ("staffaction", "TX-1"),
    ],
)
def test_whatever_names_a_row_finds_it_once(boss: Client, model: str, words: str) -> None:
    row = make_rows(1)[model]
    make_session("elsewhere", email="bob@example.com")
    assert listed(boss, model, f"?q={words}") == [row.pk]
    assert listed(boss, model, "?q=%20") != []


def test_one_of_two_transactions_of_a_session_is_found_alone(boss: Client) -> None:
    payment = make_rows(1)["payment"]
    other = make_payment(payment.session, "TX-other")
    assert listed(boss, "payment", "?q=TX-other") == [other.pk]
    assert listed(boss, "payment", "?q=100001") == [other.pk, payment.pk]


@pytest.mark.parametrize("model", ["paymentsession", "payment", "refund"])
def test_a_list_is_narrowed_to_a_currency_that_the_shop_takes(boss: Client, model: str) -> None:
    row = make_rows(1)[model]
    html = read(boss, f"{ADMIN}/{model}/")
    assert "?currency=USD" in html
    assert "?currency=EUR" in html
    assert listed(boss, model, "?currency=USD") == [row.pk]
    assert listed(boss, model, "?currency=EUR") == []


def test_notifications_are_narrowed_to_a_name_that_nd8_gave(boss: Client) -> None:
    event = make_rows(1)["webhookevent"]
    WebhookEvent.objects.create(delivery_id="D-2", name="refund.created", body="{}")
    html = read(boss, f"{ADMIN}/webhookevent/")
    assert "?name=payment.paid" in html
    assert "?name=refund.created" in html
    assert listed(boss, "webhookevent", "?name=payment.paid") == [event.pk]


@pytest.mark.parametrize(
    ("model", "words"),
    [("paymentsession", "Paid, order placed"), ("refund", "Being asked for"), ("webhookevent", "Processed")],
)
def test_a_list_says_the_status_in_words_and_one_of_another_version_as_it_is(
    boss: Client, model: str, words: str
) -> None:
    row = make_rows()[model]
    assert f'field-status_shown">{words}<' in read(boss, f"{ADMIN}/{model}/")
    if model == "paymentsession":
        row = make_session("100009", SessionStatus.FAILED)
    type(row).objects.filter(pk=row.pk).update(status="parked")
    assert 'field-status_shown">parked<' in read(boss, f"{ADMIN}/{model}/")


def test_a_very_long_list_says_that_there_are_more(boss: Client) -> None:
    WebhookEvent.objects.bulk_create(
        WebhookEvent(delivery_id=f"D-{number}", name="payment.paid", body="{}") for number in range(LongPaginator.most)
    )
    more = "The first 10000; narrow the list to find others"
    assert more not in read(boss, f"{ADMIN}/webhookevent/")
    WebhookEvent.objects.create(delivery_id="one more", name="payment.failed", body="{}")
    assert more in read(boss, f"{ADMIN}/webhookevent/")
    assert more not in read(boss, f"{ADMIN}/webhookevent/?name=payment.failed")


@pytest.mark.parametrize("model", ["paymentsession", "payment"])
def test_lists_are_sorted_by_a_column_in_either_direction(boss: Client, model: str) -> None:
    rows = [make_rows(number)[model].pk for number in (1, 2, 3)]
    assert listed(boss, model, "?o=0") == rows
    assert listed(boss, model, "?o=-0") == rows[::-1]


@pytest.mark.parametrize("text", ["100002", "TX-2", "CO-100002"])
def test_a_session_is_found_by_number_transaction_and_checkout(boss: Client, text: str) -> None:
    first, second = make_rows(1)["paymentsession"], make_rows(2)["paymentsession"]
    html = read(boss, f"{ADMIN}/paymentsession/?q={text}")
    assert f"/paymentsession/{second.pk}/change/" in html
    assert f"/paymentsession/{first.pk}/change/" not in html


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_changed_added_or_deleted(boss: Client, model: str) -> None:
    row = make_rows()[model]
    before = everything()
    changes = {**{name: str(value) for name, value in model_to_dict(row).items()}, "status": "held", "detail": "x"}
    assert boss.post(f"{ADMIN}/{model}/{row.pk}/change/", changes).status_code == 403
    assert boss.get(f"{ADMIN}/{model}/add/").status_code == 403
    assert boss.post(f"{ADMIN}/{model}/add/", changes).status_code == 403
    assert boss.get(f"{ADMIN}/{model}/{row.pk}/delete/").status_code == 403
    assert boss.post(f"{ADMIN}/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    boss.post(f"{ADMIN}/{model}/", action)
    assert everything() == before


@pytest.mark.parametrize("model", MODELS)
def test_pages_have_no_field_to_type_into(boss: Client, model: str) -> None:
    html = read(boss, f"{ADMIN}/{model}/{make_rows()[model].pk}/change/")
    form = html[html.index(f'id="{model}_form"') :]
    for field in ('name="_save"', "<textarea", "<select", 'type="text"', 'type="number"', "deletelink"):
        assert field not in form


def test_a_session_leads_to_its_order_and_tells_its_story(boss: Client) -> None:
    session = make_rows()["paymentsession"]
    html = read(boss, f"{ADMIN}/paymentsession/{session.pk}/change/")
    assert f'href="/django-admin/order/order/{session.order_id}/change/"' in html
    for text in ("The shopper agreed to pay", "The order was placed", "Attempt to pay: Declined", "insufficient funds"):
        assert text in html
    for text in ("TX-1", "23.95 USD", "1.02 USD", "24.97 USD", "Two too many."):
        assert text in html
    assert f'href="/django-admin/order/order/{session.order_id}/change/"' in read(boss, f"{ADMIN}/paymentsession/")


def test_a_session_without_an_order_leads_nowhere(boss: Client) -> None:
    session = make_session()
    for address in (f"{ADMIN}/paymentsession/", f"{ADMIN}/paymentsession/{session.pk}/change/"):
        assert re.search(r"/order/order/\d", read(boss, address)) is None


@pytest.mark.parametrize("model", ["payment", "webhookevent", "attention", "refund", "staffaction"])
def test_everything_else_leads_to_its_session(boss: Client, model: str) -> None:
    rows = make_rows()
    link = f'href="/django-admin/oscar_nd8/paymentsession/{rows["paymentsession"].pk}/change/"'
    assert link in read(boss, f"{ADMIN}/{model}/")
    assert link in read(boss, f"{ADMIN}/{model}/{rows[model].pk}/change/")


def test_a_message_about_nobodys_checkout_leads_nowhere(boss: Client) -> None:
    make_session("100001", SessionStatus.NEW, checkout_id="")
    event = WebhookEvent.objects.create(delivery_id="D", name="payment.paid", body="{}")
    assert "/paymentsession/1" not in read(boss, f"{ADMIN}/webhookevent/{event.pk}/change/")


@pytest.mark.parametrize("model", MODELS)
def test_nothing_secret_is_shown(boss: Client, model: str) -> None:
    rows = make_rows()
    token = str(rows["paymentsession"].token)
    for address in (f"{ADMIN}/{model}/", f"{ADMIN}/{model}/{rows[model].pk}/change/"):
        html = read(boss, address)
        assert SECRET_URL not in html
        assert token not in html


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_however_many_rows(boss: Client, model: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            read(boss, f"{ADMIN}/{model}/")
        return len(captured)

    make_rows(1)
    few = queries()
    for n in range(2, 10):
        make_rows(n)
    assert queries() == few


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_the_permission_and_strangers_see_nothing(client: Client, model: str) -> None:
    row = make_rows()[model]
    clerk = browser_of("clerk", "order.view_order", staff=True)
    for address in (f"{ADMIN}/{model}/", f"{ADMIN}/{model}/{row.pk}/change/"):
        assert clerk.get(address).status_code == 403
        assert client.get(address).status_code == 302


def test_a_clerk_who_may_view_sees_what_the_permission_names() -> None:
    session = make_rows()["paymentsession"]
    clerk = browser_of("clerk", "oscar_nd8.view_paymentsession", staff=True)
    html = read(clerk, f"{ADMIN}/paymentsession/{session.pk}/change/")
    assert "The order was placed" in html
    assert clerk.get(f"{ADMIN}/payment/").status_code == 403


def test_a_shop_that_keeps_its_orders_out_of_the_admin_has_their_numbers_without_a_link(
    boss: Client, settings: Any
) -> None:
    session = make_rows()["paymentsession"]
    settings.ROOT_URLCONF = "tests.doors.test_admin"
    html = read(boss, f"{ADMIN}/paymentsession/{session.pk}/change/")
    assert "#100001" in html
    assert "/order/order/" not in html


_site = AdminSite()
for _model in KEPT:
    _site.register(_model, type(site.get_model_admin(_model)))

# As a ROOT_URLCONF: an admin with our models only.
urlpatterns = [path("django-admin/", _site.urls)]
