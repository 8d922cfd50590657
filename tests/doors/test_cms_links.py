"""Payment links in Wagtail's admin: made, changed, switched off and deleted at ND8, shown with address and QR code."""

import csv
import io
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from oscar_nd8.models import PaymentLink
from oscar_nd8.testing import ND8
from sandbox_site.seed.pages import seed_pages
from tests.linking import begin, buy_elsewhere, make_link, merchant
from tests.staff import browser_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/cms-admin/payments/links/"


@pytest.fixture(autouse=True)
def pages() -> None:
    """Wagtail's admin has a home page."""
    seed_pages()


@pytest.fixture
def manager() -> Client:
    """A group lets them in, look, and manage links; no "staff"."""
    return browser_of("mona", "wagtailadmin.access_admin", "oscar_nd8.view_payments", "oscar_nd8.manage_links")


@pytest.fixture
def viewer() -> Client:
    """May look."""
    return browser_of("vera", "wagtailadmin.access_admin", "oscar_nd8.view_payments")


def filled(**fields: Any) -> dict[str, Any]:
    """The form for a new link of two mugs."""
    rows = {"products-TOTAL_FORMS": 5, "products-INITIAL_FORMS": 0}
    first = {"products-0-product_id": "prod_mug", "products-0-quantity": 2}
    others = {f"products-{row}-quantity": 1 for row in range(1, 5)}
    return {"name": "Christmas market", "currency": "USD", **rows, **first, **others, **fields}


def text(client: Client, url: str) -> str:
    """A page that opens."""
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def at_nd8(link: PaymentLink) -> Any:
    """How ND8 has it."""
    return merchant("GET", f"payment-links/{link.link_id}/")


def test_a_new_link_is_made_at_nd8_and_has_its_page(manager: Client, nd8: ND8) -> None:
    page = manager.post(f"{LIST}new/", filled(max_uses=10), follow=True).content.decode()

    link = PaymentLink.objects.get()
    assert "“Christmas market” is made." in page
    assert (link.name, link.currency, link.amount, link.max_uses) == ("Christmas market", "USD", 2500, 10)
    assert at_nd8(link)["name"] == "Christmas market"
    for words in ("On sale", "$25.00", "Enamel mug", f"http://testserver/nd8/link/{link.link_id}/", "0 of 10"):
        assert words in page
    assert link.staff_actions.get().user_name


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"products-0-product_id": "", "products-0-quantity": 1}, "Please say what the link sells"),
        ({"products-0-product_id": "prod mug"}, "An id has no spaces."),
        ({"products-0-product_id": "https://nd8.example/products/prod_mug"}, "This is the address of a page."),
        ({"products-0-product_id": "x" * 256}, "at most 255 characters"),
        ({"products-1-product_id": "prod_mug"}, "One product is written twice."),
        ({"products-0-quantity": "0"}, "greater than or equal to 1"),
        ({"products-0-quantity": ""}, "Please say how many."),
        ({"products-1-quantity": "7"}, "Please say of which product."),
        ({"expires_at": "2001-01-01 10:00"}, "This time is over."),
        ({"max_uses": "0"}, "greater than or equal to 1"),
        ({"products-0-product_id": "prod_nothing"}, "ND8 refused, and nothing was changed."),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_is_made_or_lost(
    manager: Client, nd8: ND8, fields: dict[str, Any], words: str
) -> None:
    page = manager.post(f"{LIST}new/", filled(**fields)).content.decode()

    assert words in page
    assert "Christmas market" in page or "name" in fields
    assert PaymentLink.objects.count() == 0
    assert merchant("GET", "payment-links/") == []


def test_the_form_says_that_the_catalogue_cannot_be_read_and_suggests_what_other_links_sell(
    manager: Client, nd8: ND8
) -> None:
    url = f"{LIST}new/"
    page = text(manager, url)
    assert "ND8 does not let the shop look into its catalogue." in page
    assert '<option value="prod_' not in page
    make_link()
    PaymentLink.objects.update(deleted_at=timezone.now())

    page = text(manager, url)

    assert '<option value="prod_mug">Enamel mug</option>' in page
    assert page.count('list="nd8-known-products"') == 5
    assert nd8.calls("listPaymentLinks") == 0


def test_a_link_is_changed_and_switched_off_and_on(manager: Client, nd8: ND8) -> None:
    link = make_link()
    url = f"{LIST}{link.pk}/change/"
    assert 'value="Christmas market"' in text(manager, url)

    manager.post(url, {"name": "Easter market", "max_uses": "3", "is_active": ""})
    link.refresh_from_db()
    assert (link.name, link.max_uses, link.is_active) == ("Easter market", 3, False)
    assert at_nd8(link)["is_active"] is False
    assert "Switched off" in text(manager, LIST)

    manager.post(url, {"name": "Easter market", "max_uses": "", "is_active": "on"})
    link.refresh_from_db()
    assert (link.max_uses, link.is_active) == (None, True)


def test_saving_an_expired_link_unchanged_is_no_error_and_no_call(manager: Client, nd8: ND8) -> None:
    link = make_link()
    past = timezone.now().replace(second=0, microsecond=0) - timedelta(days=1)
    PaymentLink.objects.filter(pk=link.pk).update(expires_at=past)

    answer = manager.post(
        f"{LIST}{link.pk}/change/",
        {"name": link.name, "is_active": "on", "expires_at": timezone.localtime(past).strftime("%Y-%m-%d %H:%M")},
    )

    assert answer.status_code == 302
    assert link.staff_actions.count() == 1


def test_a_change_that_nd8_does_not_take_is_told_and_not_kept(manager: Client, nd8: ND8) -> None:
    link = make_link()
    nd8.control("faults", operation="patchPaymentLink", kind="500", times=9)

    page = manager.post(f"{LIST}{link.pk}/change/", {"name": "Easter market", "is_active": "on"}).content.decode()

    assert "ND8" in page
    assert 'value="Easter market"' in page
    link.refresh_from_db()
    assert link.name == "Christmas market"


def test_a_link_is_deleted_after_a_question_and_its_page_stays(manager: Client, nd8: ND8) -> None:
    link = make_link()
    url = f"{LIST}{link.pk}/delete/"
    assert "Delete this payment link?" in text(manager, url)
    link.refresh_from_db()
    assert PaymentLink.objects.filter(deleted_at=None).count() == 1

    page = manager.post(url, follow=True).content.decode()

    assert "“Christmas market” is deleted. Its payments stay." in page
    assert PaymentLink.objects.filter(deleted_at=None).count() == 0
    assert merchant("GET", "payment-links/") == []
    assert "Deleted" in text(manager, f"{LIST}{link.pk}/")
    for name in ("change", "delete"):
        assert manager.get(f"{LIST}{link.pk}/{name}/").status_code == 404


def test_a_link_made_in_nd8s_dashboard_is_found_by_asking(manager: Client, nd8: ND8) -> None:
    merchant(
        "POST",
        "payment-links/",
        name="Made elsewhere",
        products=[{"product_id": "prod_mug", "quantity": 1}],
        currency="USD",
        pricing_mode="TAX_INCLUSIVE",
    )
    assert "Made elsewhere" not in text(manager, LIST)

    page = manager.post(f"{LIST}refresh/", follow=True).content.decode()

    assert "The list is as ND8 has it now." in page
    assert "Made elsewhere" in page


def test_while_nd8_is_silent_the_last_known_state_is_shown_with_its_date(
    viewer: Client, manager: Client, nd8: ND8
) -> None:
    link = make_link()
    PaymentLink.objects.filter(pk=link.pk).update(asked_at=timezone.now() - timedelta(hours=2))
    for operation in ("getPaymentLink", "listPaymentLinks"):
        nd8.control("faults", operation=operation, kind="500", times=99)

    page = text(viewer, f"{LIST}{link.pk}/")

    assert "ND8 does not answer at the moment. This is what it said at" in page
    assert "$25.00" in page
    assert "ND8 could not be asked." in manager.post(f"{LIST}refresh/", follow=True).content.decode()


def test_payments_of_a_link_stand_on_its_page_and_lead_back_to_it(viewer: Client, nd8: ND8) -> None:
    link = make_link()
    session = begin(link)
    PaymentLink.objects.filter(pk=link.pk).update(asked_at=timezone.now() - timedelta(hours=2))
    buy_elsewhere(nd8, link)

    page = text(viewer, f"{LIST}{link.pk}/")

    assert f"/cms-admin/payments/all/{session.pk}/" in page
    assert "bob@example.com" in page
    back = text(viewer, f"/cms-admin/payments/all/{session.pk}/")
    assert f'href="{LIST}{link.pk}/"' in back


def test_the_qr_code_is_a_drawing_of_the_address(viewer: Client, nd8: ND8) -> None:
    link = make_link()

    answer = viewer.get(f"{LIST}{link.pk}/qr.svg")

    assert answer.headers["Content-Type"] == "image/svg+xml"
    drawing = ElementTree.fromstring(answer.content)
    assert drawing.tag.endswith("svg")
    assert drawing.findtext("{http://www.w3.org/2000/svg}title") == "Christmas market"


def test_links_are_found_by_name_filter_and_in_a_spreadsheet(viewer: Client, nd8: ND8) -> None:
    make_link()
    make_link(name="Easter market")
    PaymentLink.objects.filter(name="Easter market").update(is_active=False)

    assert "Easter market" not in text(viewer, f"{LIST}results/?q=christ")
    assert "Christmas market" not in text(viewer, f"{LIST}results/?is_active=false")
    rows = list(csv.DictReader(io.StringIO(viewer.get(f"{LIST}?export=csv").getvalue().decode())))
    assert [(row["Name"], row["Price"], row["State"]) for row in rows] == [
        ("Easter market", "25.00", "Switched off"),
        ("Christmas market", "25.00", "On sale"),
    ]


def test_who_may_only_look_changes_nothing_and_finds_no_buttons(viewer: Client, nd8: ND8) -> None:
    link = make_link()
    page = text(viewer, f"{LIST}{link.pk}/") + text(viewer, LIST)
    for name in ("new", "refresh", f"{link.pk}/change", f"{link.pk}/delete"):
        assert f"{LIST}{name}/" not in page
        assert viewer.get(f"{LIST}{name}/").status_code in {302, 403, 405}
        assert viewer.post(f"{LIST}{name}/", filled(name="Stolen")).status_code in {302, 403}
    link.refresh_from_db()
    assert (link.name, link.deleted_at, PaymentLink.objects.count()) == ("Christmas market", None, 1)


def test_who_may_not_look_finds_nothing_even_with_the_other_permission(nd8: ND8) -> None:
    link = make_link()
    client = browser_of("erik", "wagtailadmin.access_admin", "oscar_nd8.manage_links", staff=True)
    for name in ("", "new/", f"{link.pk}/", f"{link.pk}/change/", f"{link.pk}/qr.svg", "?export=csv"):
        assert client.get(f"{LIST}{name}").status_code in {302, 403}


def test_every_page_that_calls_nd8_runs_outside_of_a_requests_transaction(nd8: ND8) -> None:
    for name in ("", "1/", "new/", "refresh/", "1/change/", "1/delete/"):
        assert resolve(f"{LIST}{name}").func._non_atomic_requests  # type: ignore[attr-defined]  # Django's own mark
