"""Staff decide in Django's admin, too: the same forms, the same rules, for shops without Oscar's dashboard."""

from typing import Any

import pytest
from django.test import Client
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, PaymentSession, StaffAction, WebhookEvent
from oscar_nd8.services.refund import request_refund
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from sandbox_site.urls import urlpatterns as all_patterns
from tests.deciding import seen_on, told, undecided
from tests.staff import browser_of, make_matter, make_session

pytestmark = pytest.mark.django_db

ADMIN = "/django-admin/oscar_nd8/attention/"
SEES = ("oscar_nd8.view_attention", "oscar_nd8.view_paymentsession", "oscar_nd8.view_staffaction")
MAY_DECIDE = "oscar_nd8.resolve_attention"
Order = get_model("order", "Order")

# As a ROOT_URLCONF: a shop that mounts no page of ours but the webhook.
urlpatterns = [pattern for pattern in all_patterns if not str(pattern.pattern).startswith("dashboard/payments")]


@pytest.fixture
def staff() -> Client:
    """Staff who see and decide."""
    return browser_of("stella", *SEES, MAY_DECIDE, staff=True)


@pytest.fixture
def held(guest: Shopper, nd8: ND8, mug: Any) -> Attention:
    """The matter of a payment with an absurd fee."""
    nd8.outcome(guest.begin_payment(mug), "paid", net_amount="0.01")
    nd8.deliver(guest.client)
    return Attention.objects.get()


def path_of(matter: Attention, view: str = "change") -> str:
    """A page of a matter."""
    return f"{ADMIN}{matter.pk}/{view}/"


def ask_path(matter: Attention) -> str:
    """The button of its session."""
    return f"/django-admin/oscar_nd8/paymentsession/{matter.session_id}/ask/"


def page(client: Client, path: str) -> str:
    """A page that opens, blanks squeezed."""
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_matters_page_says_what_it_means_and_has_its_buttons(staff: Client, held: Attention) -> None:
    html = page(staff, path_of(held))
    for text in ("fee far above the limit", "was charged and has no order", "Then place the order, or refund"):
        assert text in html
    for address in (path_of(held, "place"), path_of(held, "dismiss"), f"/dashboard/payments/attention/{held.pk}/"):
        assert f'href="{address}"' in html


def test_placing_asks_first_and_then_places(staff: Client, held: Attention) -> None:
    path = path_of(held, "place")
    form = seen_on(staff, path)
    assert undecided(held)
    response = staff.post(path, form, follow=True)
    assert response.redirect_chain == [(path_of(held), 302)]
    assert told(response) == f"Order {Order.objects.get().number} is placed, as the shopper agreed."
    html = " ".join(response.content.decode().split())
    assert "Decided to place the order" in html
    assert "stella@example.com" in html
    assert f'href="{path}"' not in html

    assert "decided this already" in told(staff.post(path, form, follow=True))
    assert (Order.objects.count(), StaffAction.objects.count()) == (1, 1)
    assert "There is nothing to decide here any more." in page(staff, path)


def test_what_went_back_in_part_is_said_before_the_order_is_placed(staff: Client, held: Attention) -> None:
    assert held.session
    path = path_of(held, "place")
    request_refund(held.session.payments.get(), amount=500, reason="Sorry")
    assert "5.00 USD of this payment went back to the shopper" in page(staff, path)
    assert "Meanwhile a refund of 5.00 USD" in told(staff.post(path, seen_on(staff, path), follow=True))
    assert Order.objects.count() == 0


def test_dismissing_needs_a_reason(staff: Client, held: Attention) -> None:
    path = path_of(held, "dismiss")
    html = staff.post(path, {**seen_on(staff, path), "note": " "}).content.decode()
    assert "Please say why" in html
    assert '<label for="id_note"' in html
    assert undecided(held)
    response = staff.post(path, {**seen_on(staff, path), "note": "Paid back by hand."}, follow=True)
    assert told(response) == "Dismissed. The money stays where it is."
    assert "Paid back by hand." in response.content.decode()
    assert Order.objects.count() == 0


def test_a_form_without_its_memory_decides_nothing(staff: Client, held: Attention) -> None:
    response = staff.post(path_of(held, "place"), {})
    assert "The page was not sent completely" in response.content.decode()
    assert undecided(held)


def test_asking_again_is_a_button_and_nothing_else(staff: Client, held: Attention) -> None:
    session_page = f"/django-admin/oscar_nd8/paymentsession/{held.session_id}/change/"
    assert f'action="{ask_path(held)}"' in page(staff, session_page)
    assert staff.get(ask_path(held)).status_code == 405
    assert not StaffAction.objects.exists()
    response = staff.post(ask_path(held), follow=True)
    assert response.redirect_chain == [(session_page, 302)]
    assert told(response) == "ND8 was asked. This payment is now: Paid, held for a decision."
    assert "Asked ND8 again" in response.content.decode()


def test_processing_again_is_a_button_and_nothing_else(staff: Client, held: Attention) -> None:
    event = WebhookEvent.objects.get()
    path = f"/django-admin/oscar_nd8/webhookevent/{event.pk}/process/"
    event_page = path.replace("process", "change")
    assert staff.post(path).status_code == 403
    reader = browser_of("reader", "oscar_nd8.view_webhookevent", staff=True)
    assert path not in page(reader, event_page)
    assert reader.post(path).status_code == 403
    assert not StaffAction.objects.exists()

    sven = browser_of("sven", "oscar_nd8.view_webhookevent", MAY_DECIDE, staff=True)
    assert f'action="{path}"' in page(sven, event_page)
    assert sven.get(path).status_code == 405
    response = sven.post(path, follow=True)
    assert response.redirect_chain == [(event_page, 302)]
    assert told(response) == "ND8's message was processed again: Processed."
    assert StaffAction.objects.get().user_name == "sven@example.com"
    assert sven.post("/django-admin/oscar_nd8/webhookevent/99999/process/").status_code == 404


@pytest.mark.parametrize(
    "permissions",
    [(), SEES, (MAY_DECIDE,), (*SEES, "oscar_nd8.change_attention", "oscar_nd8.refund_payment")],
    ids=["none", "may look", "may decide and not look", "may do other things"],
)
def test_only_those_who_see_and_may_decide_can(held: Attention, permissions: tuple[str, ...]) -> None:
    clerk = browser_of("clerk", *permissions, staff=True)
    for view in ("place", "dismiss"):
        assert clerk.get(path_of(held, view)).status_code == 403
        assert clerk.post(path_of(held, view), {"seen": "0", "note": "x"}).status_code == 403
    assert clerk.post(ask_path(held)).status_code == 403
    assert undecided(held)
    if set(SEES) <= set(permissions):
        html = page(clerk, path_of(held))
        assert "/place/" not in html
        assert "/dismiss/" not in html
        assert "/ask/" not in page(clerk, f"/django-admin/oscar_nd8/paymentsession/{held.session_id}/change/")


def test_a_stranger_and_a_customer_are_sent_to_the_login(client: Client, held: Attention) -> None:
    for each in (client, browser_of("shopper", *SEES, MAY_DECIDE)):
        for path in (path_of(held, "place"), path_of(held, "dismiss"), ask_path(held)):
            assert each.post(path, {"seen": "0", "note": "x"}).status_code == 302
    assert undecided(held)


def test_a_forged_form_is_refused(held: Attention) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser_of("stella", *SEES, MAY_DECIDE, staff=True).cookies
    for path in (path_of(held, "place"), path_of(held, "dismiss"), ask_path(held)):
        assert strict.post(path, {"seen": "0", "note": "x"}).status_code == 403
    assert undecided(held)


@pytest.mark.parametrize("view", ["place", "dismiss"])
def test_a_matter_that_does_not_exist_is_not_found(staff: Client, view: str) -> None:
    assert staff.get(f"{ADMIN}99999/{view}/").status_code == 404
    assert staff.post("/django-admin/oscar_nd8/paymentsession/99999/ask/").status_code == 404


def test_a_shop_without_our_dashboard_pages_decides_here(staff: Client, held: Attention, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.doors.test_admin_decisions"
    assert "In the shop's dashboard" not in page(staff, path_of(held))
    path = path_of(held, "place")
    staff.post(path, seen_on(staff, path))
    assert PaymentSession.objects.get().status == "placed"


def test_a_matter_about_no_payment_of_ours_is_shown_and_dismissed(staff: Client) -> None:
    matter = make_matter(None, Attention.Kind.UNKNOWN_CHECKOUT, subject="CO-9")
    assert "CO-9" in page(staff, path_of(matter))
    path = path_of(matter, "dismiss")
    staff.post(path, {**seen_on(staff, path), "note": "The other shop's."})
    matter.refresh_from_db()
    assert matter.resolution == "dismissed"


def test_what_is_not_about_an_order_offers_no_placing(staff: Client) -> None:
    matter = make_matter(make_session("100001", SessionStatus.PLACED), Attention.Kind.OVERSOLD)
    assert "/place/" not in page(staff, path_of(matter))
    assert "There is nothing to decide here any more." in page(staff, path_of(matter, "place"))
