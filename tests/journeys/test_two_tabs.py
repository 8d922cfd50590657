"""One shopper with two tabs: the same basket is paid once, two baskets are paid as they were shown."""

import pytest
from playwright.sync_api import Page

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import (
    PREVIEW,
    SHOPPER,
    Guest,
    arrive,
    basket_of,
    choose,
    choose_nd8,
    empty_basket,
    eventually,
    go_to_preview,
    log_in,
    orders_of,
    pay_now,
    put_in_basket,
    read_thank_you,
    ship_home,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def test_two_tabs_with_the_same_basket_share_one_payment(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    other = page.context.new_page()
    other.goto("/checkout/preview/")
    arrive(other, PREVIEW)

    assert pay_now(other, "16.60 USD") == pay_now(page, "16.60 USD")
    choose(page, "Pay")
    number = read_thank_you(page)
    choose(other, "Pay")
    arrive(other, "This has already been paid")
    other.get_by_role("link", name="Back to the shop").click()

    assert read_thank_you(other) == number
    assert orders_of(staff, guest.surname) == [(number, "$16.60")]
    assert shop.payments_of(guest.email) == [("paid", "16.60")]
    assert len(eventually(lambda: shop.mails_to(guest.email))) == 1


def test_two_tabs_with_two_baskets_place_two_orders_each_as_it_was_shown(
    page: Page, shop: RunningShop, staff: Page
) -> None:
    log_in(page, SHOPPER)
    before = orders_of(staff, "Shopper")
    empty_basket(page)
    put_in_basket(page, "Enamel mug")
    ship_home(page)
    choose_nd8(page)
    pay_now(page, "23.49 USD")
    other = page.context.new_page()
    empty_basket(other)
    put_in_basket(other, "Potted fern")
    ship_home(other)
    choose_nd8(other)
    pay_now(other, "20.74 USD")

    choose(other, "Pay")
    fern = read_thank_you(other)
    choose(page, "Pay")
    mug = read_thank_you(page)

    assert fern != mug
    new = [order for order in orders_of(staff, "Shopper") if order not in before]
    assert sorted(new) == sorted([(mug, "$23.49"), (fern, "$20.74")])
    assert basket_of(page) == {}
