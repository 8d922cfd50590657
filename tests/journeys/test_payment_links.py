"""A customer buys by a payment link, and learns in kind words where it is over."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import Guest, choose, say_who_pays

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

MUGS = {"name": "Newsletter", "products": [{"product_id": "prod_mug", "quantity": 2}], "currency": "USD"}


def link_of(shop: RunningShop, **changes: Any) -> str:
    """The address of a link that was made in ND8's dashboard, once the shop knows it."""
    link = shop.merchant("POST", "payment-links/", **{**MUGS, **changes})
    assert link["id"] in shop.manage("nd8_links")
    return f"/nd8/link/{link['id']}/"


def test_a_customer_buys_by_link_and_staff_find_the_sale(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    page.goto(link_of(shop))
    expect(page.get_by_role("row", name="Total")).to_contain_text("$25.00")
    assert page.context.cookies() == []
    page.get_by_role("link", name="Buy now").click()
    say_who_pays(page, guest, "United States")
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_text("Payments from the United States need a postal code.")).to_be_visible()
    page.get_by_label("Postal code").fill("62701")
    page.get_by_role("button", name="Go to payment").click()
    choose(page, "Pay")

    expect(page.get_by_role("heading", name="Thank you, you have paid")).to_be_visible()
    assert guest.email not in page.content()
    assert shop.payments_of(guest.email) == [("paid", "25.00")]
    staff.goto(f"/dashboard/payments/?search={guest.email}")
    row = staff.get_by_role("row").filter(has_text=guest.email)
    expect(row).to_contain_text("Paid by link")
    expect(row).to_contain_text("Link: Newsletter")


def test_a_customer_who_changes_their_mind_is_not_charged_and_can_try_again(
    page: Page, shop: RunningShop, guest: Guest
) -> None:
    page.goto(link_of(shop))
    page.get_by_role("link", name="Buy now").click()
    say_who_pays(page, guest, "Germany")
    page.get_by_role("button", name="Go to payment").click()
    choose(page, "Cancel and return")
    expect(page.get_by_role("heading", name="You have not paid yet")).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("E-mail")).to_have_value("")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"expires_at": "2020-01-01T00:00:00Z"}, "This offer is over"), ({"is_active": False}, "No longer on offer")],
)
def test_a_link_that_is_over_says_so(shop: RunningShop, changes: dict[str, Any], words: str, browser: Any) -> None:
    link = shop.merchant("POST", "payment-links/", **MUGS)
    shop.merchant("PATCH", f"payment-links/{link['id']}/", **changes)
    shop.manage("nd8_links")
    # Not the watched browser: Chromium writes every answer 410 into its console.
    page = browser.new_context(base_url=shop.url).new_page()
    answer = page.goto(f"/nd8/link/{link['id']}/")
    assert answer.status == 410
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    page.context.close()
