"""The checkout's words: the site's own where its editors wrote some, ours elsewhere."""

from typing import Any

import pytest
from django.test import Client
from wagtail.models import Site

from oscar_nd8.cms.models import PaymentDisplay
from oscar_nd8.testing import ND8, Shopper
from sandbox_site.seed.pages import seed_pages
from tests.staff import browser_of

pytestmark = pytest.mark.django_db

SETTINGS = "/cms-admin/settings/nd8_cms/paymentdisplay/"


@pytest.fixture
def site() -> Any:
    """The shop's, in Wagtail's words."""
    seed_pages()
    return Site.objects.get(is_default_site=True)


def test_the_sites_words_are_read_on_the_payment_step_and_the_preview(
    guest: Shopper, nd8: ND8, mug: Any, site: Any
) -> None:
    PaymentDisplay.objects.create(
        site=site, title="Card, wallet or transfer", description="Our partner ND8 takes it.", button="Go to payment"
    )
    guest.add(mug)
    guest.go_to_preview()

    method = guest.client.get("/checkout/payment-method/").content.decode()
    preview = guest.client.get("/checkout/preview/").content.decode()

    for page in (method, preview):
        assert "Card, wallet or transfer" in page
        assert "Our partner ND8 takes it." in page
        assert "Card or other online payment" not in page
    assert "Go to payment" in preview
    assert "Pay now" not in preview


def test_what_is_left_empty_is_said_in_our_words_and_nothing_is_written(
    guest: Shopper, nd8: ND8, mug: Any, site: Any
) -> None:
    PaymentDisplay.objects.create(site=site, button="Go to payment")
    guest.add(mug)
    guest.go_to_preview()

    preview = guest.client.get("/checkout/preview/").content.decode()
    PaymentDisplay.objects.all().delete()
    ours = guest.client.get("/checkout/preview/").content.decode()

    assert "Card or other online payment" in preview
    assert "Go to payment" in preview
    assert "Pay now" in ours
    assert PaymentDisplay.objects.count() == 0


def test_words_are_shown_as_words(guest: Shopper, nd8: ND8, mug: Any, site: Any) -> None:
    PaymentDisplay.objects.create(site=site, title="<script>alert(1)</script>")
    guest.add(mug)
    guest.go_to_preview()

    assert "<script>alert(1)" not in guest.client.get("/checkout/preview/").content.decode()


def test_an_editor_with_the_permission_changes_them_and_finds_no_secret(site: Any, settings: Any) -> None:
    client = browser_of("eda", "wagtailadmin.access_admin", "nd8_cms.change_paymentdisplay")
    url = f"{SETTINGS}{site.pk}/"

    page = client.get(url).content.decode()
    client.post(url, {"title": "Card", "description": "", "button": ""})

    assert PaymentDisplay.objects.get().title == "Card"
    for secret in (settings.ND8["API_KEY"], settings.ND8["MERCHANT_TOKEN"], settings.ND8["WEBHOOK_SECRETS"][0]):
        assert secret not in page
    stranger = browser_of("erik", "wagtailadmin.access_admin")
    assert stranger.get(url).status_code in {302, 403}
    assert Client().get(url).status_code == 302
