"""What staff find in the dashboard about a payment: in the list, on its own page and beside the order."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop
from tests.journeys.steps import Guest, arrive, choose, go_to_preview, pay_now, payments_listed, read_thank_you

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def test_staff_follow_a_payment_from_the_list_to_its_order(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    choose(page, "Decline first, then pay")
    choose(page, "Pay")
    number = read_thank_you(page)
    transaction = shop.checkouts_of(guest.email)[0]["transactions"][0]

    row = payments_listed(staff, guest.email)
    expect(row).to_have_count(1)
    for text in (number, guest.email, "$16.60", "$0.78", "$15.82"):
        expect(row).to_contain_text(text)
    expect(row).not_to_contain_text("Needs attention")

    row.get_by_role("link", name="View").click()
    arrive(staff, f"Payment {number}")
    expect(staff.get_by_role("heading", name=transaction)).to_be_visible()
    expect(staff.get_by_role("cell", name="Your card was declined.")).to_be_visible()
    expect(staff.get_by_text("This payment needs a person")).to_have_count(0)

    staff.get_by_role("link", name=f"Order {number}").click()
    arrive(staff, f"Order #{number}")
    staff.get_by_role("link", name="ND8 payment").click()
    tab = staff.locator("#nd8-payment")
    expect(tab).to_contain_text(transaction)
    expect(tab).to_contain_text("$15.82")
    tab.get_by_role("link", name="All about this payment").click()
    arrive(staff, f"Payment {number}")
