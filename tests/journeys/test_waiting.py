"""Whatever is slow or lost on the way, the shopper is told to wait and not to pay again, and the order comes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import (
    CONFIRMING,
    PREVIEW,
    Guest,
    arrive,
    basket_of,
    choose,
    eventually,
    go_to_preview,
    orders_of,
    pay_now,
    read_thank_you,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def expect_no_wish_for_money(page: Page) -> None:
    """The page asks for patience, and offers nothing that pays."""
    arrive(page, CONFIRMING)
    expect(page.get_by_text("Please do not pay again.")).to_be_visible()
    expect(page.get_by_text("Pay now")).to_have_count(0)
    expect(page.get_by_text("Try again")).to_have_count(0)
    expect(page.locator("main, .page_inner").get_by_role("button")).to_have_count(0)


def test_a_tab_closed_after_paying_loses_nothing(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Pay and close the tab")
    arrive(page, "Payment received")
    page.close()

    orders = eventually(lambda: orders_of(staff, guest.surname))

    assert [total for _, total in orders] == ["$16.60"]
    mails = eventually(lambda: shop.mails_to(guest.email))
    assert [mail["Subject"] for mail in mails] == [f"Confirmation of order {orders[0][0]}"]
    assert basket_of(page.context.new_page()) == {}


def test_a_payment_that_takes_its_time_is_waited_for(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Still processing")
    expect_no_wish_for_money(page)
    assert orders_of(staff, guest.surname) == []
    assert shop.mails_to(guest.email) == []

    checkout = shop.checkouts_of(guest.email)[0]["checkout_id"]
    shop.control(f"checkouts/{checkout}/outcome", outcome="paid")

    number = read_thank_you(page)
    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1


def test_the_confirming_page_needs_no_javascript(
    page: Page, shop: RunningShop, guest: Guest, new_context: Callable[..., BrowserContext]
) -> None:
    # Oscar's checkout does need it, so the purchase begins with it.
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    cookies = page.context.storage_state()
    page.close()
    plain = new_context(java_script_enabled=False, storage_state=cookies).new_page()
    checkout = shop.checkouts_of(guest.email)[0]
    plain.goto(checkout["checkout_url"])
    choose(plain, "Still processing")
    expect_no_wish_for_money(plain)

    shop.control(f"checkouts/{checkout['checkout_id']}/outcome", outcome="paid")

    read_thank_you(plain)
    assert basket_of(plain) == {}


@pytest.mark.usefixtures("lost_webhooks")
def test_without_webhooks_nobody_is_asked_to_pay_twice_and_a_late_one_places_the_order(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Pay")
    expect_no_wish_for_money(page)
    page.get_by_role("link", name="Check again now").click()
    expect_no_wish_for_money(page)
    page.get_by_role("link", name="Back to the payment page").click()
    arrive(page, "This has already been paid")
    page.goto("/checkout/preview/")
    arrive(page, PREVIEW)
    page.get_by_role("button", name="Pay now").click()
    arrive(page, "This has already been paid")
    page.get_by_role("link", name="Back to the shop").click()
    expect_no_wish_for_money(page)
    assert shop.payments_of(guest.email) == [("paid", "16.60")]
    assert orders_of(staff, guest.surname) == []

    lost = shop.nd8_state()["deliveries"][-1]
    assert lost["state"] == "dropped"
    shop.control(f"deliveries/{lost['id']}/resend")

    number = read_thank_you(page)
    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1
    assert basket_of(page) == {}
