"""What shoppers and staff do in a browser, one step a function; each expects to arrive where it should."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote_plus

from playwright.sync_api import Locator, Page, expect

PASSWORD = "sandbox"
SHOPPER = "shopper@example.com"
STAFF = "staff@example.com"

PAYMENT_METHOD = "Payment"
PREVIEW = "Preview order"
CONFIRMING = "We are confirming your payment"
FAILED = "The payment did not go through"
CANCELED = "You have not paid yet"

PATIENCE_SECONDS = 20  # a busy machine is no reason to fail
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without an account, whose name and address nobody else in the shop has."""

    email: str
    surname: str
    first_name: str = "Gail"


def arrive(page: Page, heading: str | re.Pattern[str]) -> None:
    """Be on the page with this one heading, which has a title too, and whose own scripts have run."""
    expect(page.locator("h1")).to_have_text(heading)
    page.wait_for_load_state("domcontentloaded")
    assert page.title().strip()
    assert page.locator("html").get_attribute("lang")


def eventually(look: Callable[[], T]) -> T:
    """What `look` finds as soon as it finds something; what it found last if that never happens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def fits(page: Page) -> bool:
    """Nothing has to be scrolled sideways."""
    wider: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return not wider


def put_in_basket(page: Page, *titles: str) -> None:
    """By way of the shop's search."""
    for title in titles:
        page.goto(f"/search/?q={quote_plus(title)}")
        page.locator("article", has=page.get_by_role("link", name=title)).get_by_role("button").click()
        expect(page.locator(".alert-success").filter(has_text=title)).to_be_visible()


def basket_of(page: Page) -> dict[str, int]:
    """What lies in the basket: titles and quantities."""
    page.goto("/basket/")
    arrive(page, re.compile("Cart|Basket"))
    rows = page.locator(".basket-items").all()
    return {row.locator("h3").inner_text(): int(row.get_by_role("spinbutton").input_value()) for row in rows}


def log_in(page: Page, address: str) -> None:
    """With the password that everybody has in the sandbox."""
    page.goto("/accounts/login/")
    page.get_by_label("Email address").first.fill(address)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    expect(page).not_to_have_url(re.compile("/accounts/login/"))


def introduce(page: Page, guest: Guest) -> None:
    """Through the checkout's first page, without an account."""
    page.goto("/checkout/")
    page.get_by_label("My email address is").fill(guest.email)
    page.locator("input[value=anonymous]").check()
    page.get_by_role("button", name="Continue").click()


def ship_to(page: Page, guest: Guest) -> None:
    """An address, and the cheaper way of shipping."""
    page.get_by_label("Country").select_option("US")
    fields = {"First name": guest.first_name, "Last name": guest.surname, "First line of address": "1 Forest Road"}
    for label, value in (fields | {"City": "Portland", "State/County": "Oregon", "Post/Zip-code": "97201"}).items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Select").first.click()
    arrive(page, PAYMENT_METHOD)


def ship_home(page: Page) -> None:
    """A customer's way through the checkout's first pages: to the address that the shop knows."""
    page.goto("/checkout/")
    page.get_by_role("link", name="Ship to your default shipping address").or_(
        page.get_by_role("button", name="Ship to your default shipping address")
    ).click()
    page.get_by_role("button", name="Select").first.click()
    arrive(page, PAYMENT_METHOD)


def enter_voucher(page: Page, code: str) -> None:
    """On the basket's page."""
    page.goto("/basket/")
    page.locator("#voucher_form_link a").click()
    page.get_by_label("Code").fill(code)
    page.locator("#voucher_form").get_by_role("button").click()
    expect(page.locator(".alert-info, .alert-success").filter(has_text=code).first).to_be_visible()


def empty_basket(page: Page) -> None:
    """Line by line, as the page offers it."""
    for left in reversed(range(len(basket_of(page)))):
        page.locator("#basket_formset a[data-behaviours=remove]").first.click()
        expect(page.locator("#basket_formset .basket-items")).to_have_count(left)


def choose_nd8(page: Page) -> None:
    """The payment method, which leads to the preview."""
    page.get_by_label("Card or other online payment").check()
    page.get_by_role("button", name="Continue").click()
    arrive(page, PREVIEW)


def go_to_preview(page: Page, guest: Guest, *titles: str) -> None:
    """A guest's way from the catalogue to the last page before the payment."""
    put_in_basket(page, *titles)
    introduce(page, guest)
    ship_to(page, guest)
    choose_nd8(page)


def pay_now(page: Page, amount: str) -> str:
    """From the preview to ND8's page, which must ask for the amount, like "16.60 USD"; returns its address."""
    page.get_by_role("button", name="Pay now").click()
    arrive(page, f"Pay {amount}")
    return page.url


def say_who_pays(page: Page, guest: Guest, country: str) -> None:
    """The form of a payment link's page; what may stay empty stays so."""
    page.get_by_label("First name").fill(guest.first_name)
    page.get_by_label("Last name").fill(guest.surname)
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Country").select_option(label=country)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("The Tab key does not lead there.")


def choose(page: Page, outcome: str) -> None:
    """How the payment ends, by a button on ND8's page."""
    page.get_by_role("button", name=outcome, exact=True).click()


def read_thank_you(page: Page) -> str:
    """Wait for the thank-you page; returns the order's number."""
    arrive(page, re.compile(r"Order \d+: confirmation"))
    return page.locator("p.lead strong").inner_text()


def orders_of(staff: Page, surname: str) -> list[tuple[str, str]]:
    """Number and total of the orders of people with this name, as the dashboard lists them."""
    staff.goto(f"/dashboard/orders/?name={surname}&response_format=html")
    arrive(staff, "Orders")
    rows = staff.locator("#orders_form tbody tr").all()
    return [(row.locator("td").nth(1).inner_text(), row.locator("td").nth(2).inner_text()) for row in rows]


def payments_listed(staff: Page, search: str) -> Locator:
    """The rows of the dashboard's payments that match."""
    staff.goto("/dashboard/payments/")
    arrive(staff, "Payments")
    staff.get_by_label("Search", exact=True).fill(search)
    staff.get_by_role("button", name="Search").click()
    arrive(staff, "Payments")
    return staff.locator(".nd8-payments tbody tr")


def begin_refund(staff: Page, number: str) -> None:
    """From the payment's page to the form that asks how much."""
    payments_listed(staff, number).get_by_role("link", name="View").click()
    arrive(staff, f"Payment {number}")
    staff.get_by_role("link", name="Refund…").click()
    arrive(staff, f"Refund {number}")


def review_refund(staff: Page, reason: str) -> None:
    """From the filled form to the page that asks once more."""
    staff.get_by_label("Reason").fill(reason)
    staff.get_by_role("button", name="Continue").click()
    arrive(staff, "Give this money back?")


def matters_listed(staff: Page, search: str) -> Locator:
    """The rows of the worklist that match."""
    staff.goto("/dashboard/payments/attention/")
    arrive(staff, "Needs attention")
    staff.get_by_label("Search", exact=True).fill(search)
    staff.get_by_role("button", name="Search").click()
    arrive(staff, "Needs attention")
    return staff.locator(".nd8-payments tbody tr")


def number_held(staff: Page, guest: Guest) -> str:
    """Wait for the guest's payment to be on the worklist; the number of the order that waits."""
    [row] = eventually(lambda: matters_listed(staff, guest.email).all())
    return row.locator("td a").first.inner_text()
