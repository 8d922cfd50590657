"""Every page for staff, whatever it shows: who may open it, and that nothing keeps it."""

from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from oscar_nd8.models import Refund, WebhookEvent
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8
from tests.staff import VIEW, browser_of, make_matter, make_payment, make_session

pytestmark = pytest.mark.django_db

PAGES = [pattern.name for pattern in apps.get_app_config("nd8_dashboard").get_urls()]  # type: ignore[attr-defined]
ACCOUNT = [name for name in PAGES if name.startswith("nd8-account")]
ARGUMENTS = {"nd8-account-change": {"change": "key"}}
LISTS = {"nd8-payments", "nd8-payments-export", "nd8-matters", "nd8-refunds", "nd8-refunds-export"}


@pytest.fixture
def addresses(nd8: ND8) -> dict[str, str]:
    """Every page by its name, with something real on each."""
    session = make_session("100001", SessionStatus.PLACED)
    payment = make_payment(session)
    refund = Refund.objects.create(payment=payment, reference="R1", currency="USD", amount=1, status="completed")
    event = WebhookEvent.objects.create(delivery_id="D1", name="payment.paid", body="{}")
    things: dict[str, Any] = {"refund-": refund, "matter": make_matter(session), "event": event}

    def arguments(name: str) -> dict[str, Any]:
        if name in LISTS or name in ACCOUNT:
            return ARGUMENTS.get(name, {})
        thing = next((thing for part, thing in things.items() if part in name), session)
        return {"pk": thing.pk}

    return {name: reverse(f"nd8-dashboard:{name}", kwargs=arguments(name)) for name in PAGES}


def answers(client: Client, address: str) -> list[Any]:
    """To looking and to sending."""
    return [client.get(address), client.post(address)]


def open_to(client: Client, addresses: dict[str, str]) -> dict[str, list[int]]:
    """The pages that do not refuse `client`, with their answers."""
    codes = {name: [answer.status_code for answer in answers(client, to)] for name, to in addresses.items()}
    return {name: found for name, found in codes.items() if found != [403, 403]}


def test_staff_status_alone_opens_no_page_as_in_oscars_own_dashboard(addresses: dict[str, str]) -> None:
    clerk = browser_of("clerk", staff=True)
    assert clerk.get("/dashboard/orders/").status_code == 403
    assert open_to(clerk, addresses) == {}


def test_no_page_opens_by_deciding_or_refunding_without_viewing(addresses: dict[str, str]) -> None:
    doer = browser_of("doer", "oscar_nd8.resolve_attention", "oscar_nd8.refund_payment", staff=True)
    assert open_to(doer, addresses) == {}


def test_viewing_opens_what_shows_and_nothing_that_does(addresses: dict[str, str]) -> None:
    codes = open_to(browser_of("viewer", VIEW, staff=True), addresses)
    assert set(codes) == LISTS | {"nd8-payment", "nd8-matter", "nd8-refund-detail", "nd8-refund-state"}
    assert {tuple(found) for found in codes.values()} == {(200, 405)}


def test_no_cache_keeps_a_page_for_staff(addresses: dict[str, str]) -> None:
    boss = browser_of("boss", staff=True, superuser=True)
    for name, address in addresses.items():
        for answer in [*answers(boss, address), *answers(Client(), address)]:
            assert answer.status_code in {200, 302, 405}, name
            assert {"no-store", "private"} <= set(answer.get("Cache-Control", "").split(", ")), name
