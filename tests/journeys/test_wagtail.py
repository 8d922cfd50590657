"""Wagtail in a browser: an editor sells from a page, a customer finds its payment link, staff refund in the admin."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import Guest, arrive, choose, go_to_preview, pay_now, read_thank_you, say_who_pays

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

MARKET = "/cms/christmas-market/"
LINK = "Two mugs for the first frost"
LANDING_PAGE = 3  # below the root and the start page


def test_a_customer_buys_from_a_page_by_its_link_and_staff_find_the_payment_there(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    page.goto(MARKET)
    offer = page.get_by_role("region", name=LINK)
    expect(offer).to_contain_text("$25.00")
    offer.get_by_role("link", name="Buy").click()
    arrive(page, "Enamel mug")
    page.get_by_role("link", name="Buy now").click()
    arrive(page, "Who pays?")
    say_who_pays(page, guest, "Germany")
    page.get_by_role("button", name="Go to payment").click()
    arrive(page, "Pay 25.00 USD")
    assert shop.payments_of(guest.email) == []
    choose(page, "Pay")
    arrive(page, "Thank you, you have paid")
    expect(page.get_by_role("row", name="Enamel mug")).to_contain_text("$25.00")
    expect(page.get_by_role("link", name="Try again")).to_have_count(0)
    assert shop.payments_of(guest.email) == [("paid", "25.00")]

    staff.goto(f"/cms-admin/payments/all/?q={guest.email}")
    row = staff.get_by_role("row").filter(has_text=guest.email)
    expect(row).to_contain_text("Paid by link")
    row.get_by_role("link").first.click()
    staff.get_by_role("link", name=LINK).click()
    expect(staff.get_by_role("row").filter(has_text=guest.email)).to_contain_text("$25.00")


def test_an_editor_puts_a_product_on_a_page_and_publishes_it(staff: Page, page: Page) -> None:
    page.goto(MARKET)
    expect(page.get_by_role("region", name="Wall clock")).to_have_count(0)
    staff.goto(f"/cms-admin/pages/{LANDING_PAGE}/edit/")
    staff.get_by_title("Insert a block").last.click()
    staff.get_by_role("option", name="Product", exact=True).click()
    staff.get_by_role("button", name="Choose a product", exact=True).last.click()
    staff.get_by_label("Search term").fill("Wall clock")
    staff.get_by_role("link", name="Wall clock").click()
    expect(staff.locator(".modal-content")).to_have_count(0)
    staff.get_by_role("button", name="More actions").last.click()
    staff.get_by_role("button", name="Publish").click()
    expect(staff.locator(".messages")).to_contain_text("published")

    page.goto(MARKET)
    clock = page.get_by_role("region", name="Wall clock")
    expect(clock).to_contain_text("$64.00")
    clock.get_by_role("button", name="Buy now").click()
    expect(page).to_have_url(re.compile("/checkout/"))


def test_staff_refund_from_wagtails_admin(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Pay")
    number = read_thank_you(page)

    staff.goto(f"/cms-admin/payments/all/?q={number}")
    staff.get_by_role("link", name=number, exact=True).click()
    staff.get_by_role("link", name="Refund…").click()
    staff.get_by_label("Pieces of Dotted notebook").fill("1")
    staff.get_by_label("Reason").fill("The cover came off")
    staff.get_by_role("button", name="Continue").click()
    arrive(staff, re.compile("Give this money back"))
    staff.get_by_role("button", name=re.compile("^Give .* back$")).click()
    expect(staff.locator("#main")).to_contain_text("the money")

    refunds = [refund for refund in shop.nd8_state()["refunds"] if "The cover came off" in refund["reason"]]
    assert len(refunds) == 1
