"""A shopper pays and gets what was paid for: once, at the price that was shown."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop, text_of
from tests.journeys.steps import (
    CANCELED,
    PAYMENT_METHOD,
    PREVIEW,
    SHOPPER,
    Guest,
    arrive,
    basket_of,
    choose,
    choose_nd8,
    empty_basket,
    enter_voucher,
    eventually,
    go_to_preview,
    introduce,
    log_in,
    orders_of,
    pay_now,
    put_in_basket,
    read_thank_you,
    ship_home,
    ship_to,
    tab_to,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def test_a_guest_pays_reads_the_thank_you_page_and_gets_one_mail(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    expect(page.get_by_text(f"Receipt goes to {guest.email}")).to_be_visible()
    choose(page, "Pay")

    number = read_thank_you(page)

    expect(page.get_by_role("heading", name="$16.60")).to_be_visible()
    assert basket_of(page) == {}
    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    [mail] = eventually(lambda: shop.mails_to(guest.email))
    assert mail["Subject"] == f"Confirmation of order {number}"
    assert shop.payments_of(guest.email) == [("paid", "16.60")]


def test_a_voucher_lowers_what_nd8_asks_for_as_the_preview_said(page: Page, shop: RunningShop, staff: Page) -> None:
    log_in(page, SHOPPER)
    empty_basket(page)
    put_in_basket(page, "Enamel mug")
    enter_voucher(page, "WELCOME10")
    ship_home(page)
    choose_nd8(page)
    expect(page.locator("#basket_totals .price_color").last).to_have_text("$21.64")

    pay_now(page, "21.64 USD")
    choose(page, "Pay")
    number = read_thank_you(page)

    assert basket_of(page) == {}
    assert (number, "$21.64") in orders_of(staff, "Shopper")
    subject = f"Confirmation of order {number}"
    assert len(eventually(lambda: [mail for mail in shop.mails_to(SHOPPER) if mail["Subject"] == subject])) == 1


def test_goods_that_are_not_shipped_make_the_payment_step_ask_who_pays(
    page: Page, shop: RunningShop, guest: Guest
) -> None:
    put_in_basket(page, "The Paper Book (e-book)")
    introduce(page, guest)
    arrive(page, PAYMENT_METHOD)
    expect(page.get_by_role("group", name="Who pays?")).to_be_visible()
    page.get_by_label("First name").fill("Gail")
    page.get_by_label("Last name").fill(guest.surname)
    page.get_by_label("Country").select_option(label="Germany")
    choose_nd8(page)
    pay_now(page, "9.99 USD")
    choose(page, "Pay")

    number = read_thank_you(page)

    expect(page.get_by_text("No shipping address required.")).to_be_visible()
    asked = shop.checkouts_of(guest.email)[0]["request"]
    assert (asked["billing_last_name"], asked["billing_country"]) == (guest.surname, "DE")
    [mail] = eventually(lambda: shop.mails_to(guest.email))
    assert number in mail["Subject"]


def test_euros_are_paid_in_euros(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="EUR").click()
    go_to_preview(page, guest, "Enamel mug")
    pay_now(page, "21.89 EUR")
    choose(page, "Pay")

    number = read_thank_you(page)

    expect(page.get_by_role("heading", name="€21.89")).to_be_visible()
    assert orders_of(staff, guest.surname) == [(number, "€21.89")]
    [mail] = eventually(lambda: shop.mails_to(guest.email))
    assert "Order Total: €21.89" in text_of(mail)


def test_an_order_is_placed_while_the_deposit_is_pending(page: Page, shop: RunningShop, guest: Guest) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Pay, deposit pending")

    read_thank_you(page)

    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1
    assert basket_of(page) == {}


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
def test_a_phone_shows_every_page_of_a_purchase_without_scrolling_sideways(page: Page, guest: Guest) -> None:
    def fits() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    put_in_basket(page, "Dotted notebook")
    introduce(page, guest)
    ship_to(page, guest)
    assert fits()
    choose_nd8(page)
    assert fits()
    pay_now(page, "16.60 USD")
    assert fits()
    choose(page, "Cancel and return")
    arrive(page, CANCELED)
    assert fits()
    page.get_by_role("link", name="Pay now").click()
    arrive(page, PREVIEW)
    pay_now(page, "16.60 USD")
    choose(page, "Pay")
    read_thank_you(page)


def test_the_keyboard_alone_pays(page: Page, shop: RunningShop, guest: Guest) -> None:
    put_in_basket(page, "Dotted notebook")
    introduce(page, guest)
    ship_to(page, guest)

    tab_to(page, page.get_by_label("Card or other online payment"))
    page.keyboard.press("Enter")
    arrive(page, PREVIEW)
    tab_to(page, page.get_by_role("button", name="Pay now"))
    page.keyboard.press("Enter")
    arrive(page, "Pay 16.60 USD")
    tab_to(page, page.get_by_role("button", name="Pay", exact=True))
    page.keyboard.press("Enter")

    read_thank_you(page)
    assert shop.payments_of(guest.email) == [("paid", "16.60")]
