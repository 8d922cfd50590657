"""What does not end in a payment costs nothing, takes nothing out of the basket, and can be made good."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import (
    CANCELED,
    FAILED,
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

BASKET = {"Dotted notebook": 1}


def test_a_declined_card_can_be_followed_by_another_on_the_same_page(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    hosted_page = pay_now(page, "16.60 USD")
    choose(page, "Decline first, then pay")
    expect(page.get_by_role("alert")).to_contain_text("Your last attempt did not succeed.")
    assert page.url == hosted_page
    assert orders_of(staff, guest.surname) == []
    choose(page, "Pay")

    number = read_thank_you(page)

    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1


def test_too_little_money_is_said_in_plain_words_and_trying_again_works(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Insufficient funds")

    arrive(page, FAILED)
    expect(page.locator(".alert-warning")).to_have_text(
        "There was not enough money on the card or account. Please use another way to pay."
    )
    expect(page.get_by_text("No order was placed, and you have not been charged.")).to_be_visible()
    other = page.context.new_page()
    assert basket_of(other) == BASKET
    assert orders_of(staff, guest.surname) == []
    assert shop.mails_to(guest.email) == []

    page.get_by_role("link", name="Try again").click()
    arrive(page, PREVIEW)
    pay_now(page, "16.60 USD")
    choose(page, "Pay")

    number = read_thank_you(page)

    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert basket_of(page) == {}
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1
    assert shop.payments_of(guest.email) == [("failed", "16.60"), ("paid", "16.60")]


def test_who_cancels_keeps_the_basket_and_can_pay_it_anew(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Cancel and return")

    arrive(page, CANCELED)
    again = page.get_by_role("link", name="Pay now")
    expect(again).to_be_visible()
    other = page.context.new_page()
    assert basket_of(other) == BASKET
    assert orders_of(staff, guest.surname) == []

    again.click()
    arrive(page, PREVIEW)
    pay_now(page, "16.60 USD")
    choose(page, "Pay")

    number = read_thank_you(page)

    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert basket_of(page) == {}
    assert shop.payments_of(guest.email) == [("canceled", "16.60"), ("paid", "16.60")]


def test_who_comes_back_before_nd8_tells_of_it_can_resume_the_same_payment(
    page: Page, shop: RunningShop, guest: Guest, lost_webhooks: Callable[[], None]
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    hosted_page = pay_now(page, "16.60 USD")
    choose(page, "Cancel and return")

    arrive(page, CANCELED)
    other = page.context.new_page()
    assert basket_of(other) == BASKET
    page.get_by_role("link", name="Back to the payment page").click()
    arrive(page, "Pay 16.60 USD")
    assert page.url == hosted_page
    lost_webhooks()
    choose(page, "Pay")

    read_thank_you(page)

    assert basket_of(page) == {}
    assert len(shop.checkouts_of(guest.email)) == 1
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1


def test_the_back_button_leads_to_the_same_payment_and_not_to_a_second_one(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    hosted_page = pay_now(page, "16.60 USD")
    page.go_back()
    arrive(page, PREVIEW)
    assert basket_of(page) == BASKET

    page.goto("/checkout/preview/")
    assert pay_now(page, "16.60 USD") == hosted_page
    choose(page, "Pay")

    number = read_thank_you(page)

    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert basket_of(page) == {}
    assert len(shop.checkouts_of(guest.email)) == 1
    assert shop.payments_of(guest.email) == [("paid", "16.60")]
