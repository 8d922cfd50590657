"""What needs a person: staff find it, read what it means, and decide, at a desk and on a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running_shop import RunningShop, text_of
from tests.journeys.steps import (
    Guest,
    arrive,
    eventually,
    fits,
    go_to_preview,
    matters_listed,
    number_held,
    orders_of,
    pay_now,
    tab_to,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

HELD = "Paid, but not placed"


@pytest.fixture
def held(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> str:
    """A guest paid, and the shop does not believe the fee; the number of the order that waits."""
    go_to_preview(page, guest, "Dotted notebook")
    pay_now(page, "16.60 USD")
    shop.pay_with_absurd_fee(guest.email)
    return number_held(staff, guest)


@pytest.fixture
def phone(new_context: Any, staff_cookies: Any) -> Page:
    """Staff on their way."""
    page: Page = new_context(storage_state=staff_cookies, is_mobile=True, has_touch=True).new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    return page


def test_staff_place_the_order_of_a_held_payment(shop: RunningShop, guest: Guest, staff: Page, held: str) -> None:
    assert shop.mails_to(guest.email) == []
    staff.goto("/dashboard/payments/")
    staff.get_by_role("link", name=re.compile(r"matters? needs? attention")).click()
    arrive(staff, "Needs attention")
    row = matters_listed(staff, guest.email)
    expect(row).to_have_count(1)
    for text in (HELD, held, guest.email, "$16.60", "Open"):
        expect(row).to_contain_text(text)

    row.get_by_role("link", name="View").click()
    arrive(staff, HELD)
    for text in ("a fee far above the limit", "The shopper was charged and has no order."):
        expect(staff.get_by_text(text)).to_be_visible()
    staff.get_by_role("link", name="Place the order…").click()
    arrive(staff, "Place the order?")
    assert orders_of(staff.context.new_page(), guest.surname) == []
    staff.get_by_role("button", name="Place the order").click()

    arrive(staff, HELD)
    expect(staff.get_by_text(f"Order {held} is placed, as the shopper agreed.")).to_be_visible()
    expect(staff.locator(".nd8-timeline")).to_contain_text(
        "Stella Staff (staff@example.com): Decided to place the order"
    )
    expect(staff.get_by_role("link", name="Place the order…")).to_have_count(0)
    staff.get_by_role("link", name=f"Order {held}").click()
    arrive(staff, f"Order #{held}")
    [mail] = eventually(lambda: shop.mails_to(guest.email))
    assert held in text_of(mail)
    expect(matters_listed(staff, guest.email)).to_contain_text("The order was placed")


def test_staff_dismiss_a_matter_on_a_phone_and_say_why(shop: RunningShop, guest: Guest, phone: Page, held: str) -> None:
    row = matters_listed(phone, guest.email)
    assert fits(phone)
    row.get_by_role("link", name="View").click()
    arrive(phone, HELD)
    assert fits(phone)
    phone.get_by_role("link", name="Dismiss…").click()
    arrive(phone, "Dismiss this matter?")
    assert fits(phone)

    phone.get_by_role("button", name="Dismiss").click()
    note = phone.get_by_label("Why is nothing more needed?")
    expect(note).to_have_attribute("aria-invalid", "true")
    expect(phone.get_by_text("Please say why")).to_be_visible()
    tab_to(phone, note)
    note.fill("Paid back by hand, see the bank's statement.")
    phone.keyboard.press("Tab")
    expect(phone.get_by_role("button", name="Dismiss")).to_be_focused()
    phone.keyboard.press("Enter")

    arrive(phone, HELD)
    expect(phone.get_by_text("Dismissed. The money stays where it is.")).to_be_visible()
    expect(phone.locator(".nd8-timeline")).to_contain_text("Paid back by hand")
    assert fits(phone)
    assert orders_of(phone, guest.surname) == []
    assert shop.mails_to(guest.email) == []


def test_a_payments_page_leads_to_its_matter_and_asks_nd8_again(guest: Guest, staff: Page, held: str) -> None:
    row = matters_listed(staff, guest.email)
    row.get_by_role("link", name=held, exact=True).click()
    arrive(staff, f"Payment {held}")
    staff.get_by_role("button", name="Ask ND8 again").click()
    expect(staff.get_by_text("ND8 was asked. This payment is now: Paid, held for a decision.")).to_be_visible()
    staff.get_by_role("link", name="All about this matter").click()
    arrive(staff, HELD)
    expect(staff.locator(".nd8-timeline")).to_contain_text("Asked ND8 again")
