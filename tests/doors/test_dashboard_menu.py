"""How the payments pages come into a shop's dashboard: the menu's entry, and what happens where they are missing."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as project
from django.test import Client
from oscar.defaults import OSCAR_DASHBOARD_NAVIGATION as OSCARS_OWN

from oscar_nd8.dashboard.apps import LIST_URL, Nd8DashboardConfig
from oscar_nd8.dashboard.checks import check_mounted
from sandbox_site.urls import urlpatterns as all_patterns
from tests.staff import VIEW, browser_of

# As a ROOT_URLCONF: the sandbox whose developer forgot our line.
urlpatterns = [pattern for pattern in all_patterns if str(pattern.pattern) != "dashboard/payments/"]


def entries() -> list[Any]:
    """Our entries in the menu."""
    return [
        entry
        for entry in project.OSCAR_DASHBOARD_NAVIGATION
        if any(child["url_name"] == LIST_URL for child in entry.get("children", ()))
    ]


def config() -> Nd8DashboardConfig:
    """The app's config as installed."""
    found = apps.get_app_config("nd8_dashboard")
    assert isinstance(found, Nd8DashboardConfig)
    return found


def test_the_dashboard_keeps_its_label_to_itself() -> None:
    assert apps.get_app_config("dashboard").name == "oscar.apps.dashboard"


def test_the_entry_is_there_once_however_often_the_app_gets_ready() -> None:
    config().ready()
    config().ready()
    assert [str(entry["label"]) for entry in entries()] == ["Payments"]
    labels = [str(child["label"]) for child in entries()[0]["children"]]
    assert labels == ["All payments", "Needs attention", "Refunds", "ND8 account"]


def test_oscars_own_list_of_entries_is_left_alone() -> None:
    assert not any("Payments" in str(entry["label"]) for entry in OSCARS_OWN)


def test_an_entry_that_the_shop_placed_itself_is_kept(settings: Any) -> None:
    own = {"label": "Money", "children": [{"label": "By ND8", "url_name": LIST_URL}]}
    settings.OSCAR_DASHBOARD_NAVIGATION = [own]
    config().ready()
    kept = settings.OSCAR_DASHBOARD_NAVIGATION
    assert kept == [own]


@pytest.mark.django_db
def test_an_entry_that_the_shop_placed_itself_works_by_oscars_own_rule(settings: Any) -> None:
    settings.OSCAR_DASHBOARD_NAVIGATION = [{"label": "Money", "children": [{"label": "By ND8", "url_name": LIST_URL}]}]
    assert "By ND8" in browser_of("clerk", VIEW, staff=True).get("/dashboard/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("permissions", "staff", "shown"),
    [
        (("partner.dashboard_access",), False, False),
        (("partner.dashboard_access", VIEW), False, True),
        (("order.view_order",), True, False),
        ((VIEW,), True, True),
    ],
    ids=["a partner's without", "a partner's", "staff without", "staff"],
)
def test_the_entry_is_shown_to_those_who_may_open_it(permissions: tuple[str, ...], staff: bool, shown: bool) -> None:
    html = browser_of("somebody", *permissions, staff=staff).get("/dashboard/").content.decode()
    for address in ("/dashboard/payments/", "/dashboard/payments/attention/", "/dashboard/payments/refunds/"):
        assert (f'href="{address}"' in html) is shown


@pytest.mark.django_db
def test_staff_find_the_entry_with_its_icon() -> None:
    html = browser_of("clerk", VIEW, staff=True).get("/dashboard/").content.decode()
    assert html.count('href="/dashboard/payments/"') == 1
    assert "fas fa-credit-card" in html


@pytest.mark.django_db
def test_pages_that_are_not_mounted_break_nothing_and_are_reported(settings: Any) -> None:
    assert list(check_mounted(None)) == []
    settings.ROOT_URLCONF = "tests.doors.test_dashboard_menu"
    response = browser_of("clerk", VIEW, staff=True).get("/dashboard/")
    assert response.status_code == 200
    assert "Payments" not in response.content.decode()
    assert [(message.id, message.level) for message in check_mounted(None)] == [("oscar_nd8.W020", 30)]


@pytest.mark.django_db
def test_a_stranger_sees_the_login_and_no_menu(client: Client) -> None:
    assert client.get("/dashboard/").status_code == 302
