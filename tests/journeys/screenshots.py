"""`python -m tests.journeys.screenshots`: the pictures in docs/images, taken anew from the running shop."""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.journeys.chromium import launch
from tests.journeys.running_shop import PROJECT, RunningShop, running_shop
from tests.journeys.steps import (
    CANCELED,
    CONFIRMING,
    FAILED,
    STAFF,
    Guest,
    arrive,
    begin_refund,
    choose,
    choose_nd8,
    go_to_preview,
    introduce,
    log_in,
    number_held,
    pay_now,
    payments_listed,
    put_in_basket,
    read_thank_you,
    say_who_pays,
    ship_to,
)

FOLDER = PROJECT / "docs" / "images"
DESK: ViewportSize = {"width": 1200, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
COLOURS = 128
LARGEST = 150_000

Look = Callable[[str, Page], None]


def tour(browser: Browser, shop: RunningShop, look: Look) -> None:
    """Show `look` every page that is worth a picture, each under its name."""

    def new_page(*, phone: bool = False) -> Page:
        return browser.new_context(
            base_url=shop.url, viewport=PHONE if phone else DESK, is_mobile=phone, has_touch=phone
        ).new_page()

    number = _purchase(new_page(), look)
    _failure(new_page(), look)
    _cancellation(new_page(), look)
    _wait(new_page(), look)
    _phone(new_page(phone=True), look)
    held = Guest("rosa@example.com", "Rowan", "Rosa")
    _hold(new_page(), shop, held)
    _dashboard(new_page(), look, number)
    _wagtail(new_page(), look, number)
    _link(new_page(phone=True), look)
    _links(new_page(), look)
    _worklist(new_page(), new_page(phone=True), look, held)
    _refund(new_page(), new_page(phone=True), look, number)


def _purchase(page: Page, look: Look) -> str:
    guest = Guest("gail@example.com", "Forester")
    page.goto("/")
    look("home", page)
    page.goto("/catalogue/")
    look("catalogue", page)
    put_in_basket(page, "Dotted notebook", "Enamel mug")
    introduce(page, guest)
    ship_to(page, guest)
    look("payment-method", page)
    choose_nd8(page)
    look("preview", page)
    pay_now(page, "35.10 USD")
    look("hosted-page", page)
    choose(page, "Decline first, then pay")
    choose(page, "Pay")
    number = read_thank_you(page)
    look("thank-you", page)
    return number


def _failure(page: Page, look: Look) -> None:
    go_to_preview(page, Guest("noah@example.com", "Birch", "Noah"), "Wall clock")
    pay_now(page, "65.99 USD")
    choose(page, "Insufficient funds")
    arrive(page, FAILED)
    page.locator(".alert-warning").wait_for()
    look("failed", page)


def _cancellation(page: Page, look: Look) -> None:
    go_to_preview(page, Guest("lea@example.com", "Linden", "Lea"), "Wool cushion")
    pay_now(page, "44.89 USD")
    choose(page, "Cancel and return")
    arrive(page, CANCELED)
    page.get_by_role("link", name="Pay now").wait_for()
    look("canceled", page)


def _wait(page: Page, look: Look) -> None:
    go_to_preview(page, Guest("ivy@example.com", "Alder", "Ivy"), "Stoneware vase")
    pay_now(page, "38.32 USD")
    choose(page, "Still processing")
    arrive(page, CONFIRMING)
    look("confirming", page)


def _phone(page: Page, look: Look) -> None:
    go_to_preview(page, Guest("oskar@example.com", "Aspen", "Oskar"), "Dotted notebook", "Potted fern")
    look("phone-preview", page)
    pay_now(page, "32.35 USD")
    look("phone-hosted-page", page)
    choose(page, "Pay, deposit pending")
    read_thank_you(page)


def _hold(page: Page, shop: RunningShop, guest: Guest) -> None:
    go_to_preview(page, guest, "Enamel mug")
    page.get_by_role("button", name="Pay now").click()
    page.get_by_role("button", name="Pay", exact=True).wait_for()
    shop.pay_with_absurd_fee(guest.email)


def _dashboard(page: Page, look: Look, number: str) -> None:
    log_in(page, STAFF)
    page.goto("/dashboard/payments/")
    arrive(page, "Payments")
    look("dashboard-payments", page)
    payments_listed(page, number).get_by_role("link", name="View").click()
    arrive(page, f"Payment {number}")
    look("dashboard-payment", page)
    page.goto(f"/dashboard/orders/{number}/#nd8-payment")
    page.locator("#nd8-payment").wait_for()
    look("order-tab", page)


def _refund(page: Page, phone: Page, look: Look, number: str) -> None:
    log_in(page, STAFF)
    begin_refund(page, number)
    page.get_by_label("Pieces of Enamel mug").fill("1")
    page.get_by_label("Reason").fill("The mug arrived broken")
    look("refund", page)
    page.get_by_role("button", name="Continue").click()
    arrive(page, "Give this money back?")
    look("refund-confirm", page)
    page.get_by_role("button", name="Give $18.50 back").click()
    arrive(page, f"Refund of $18.50 for {number}")
    look("refund-on-its-way", page)
    page.goto("/dashboard/payments/refunds/")
    look("refunds", page)
    log_in(phone, STAFF)
    begin_refund(phone, number)
    look("phone-refund", phone)


def _worklist(page: Page, phone: Page, look: Look, guest: Guest) -> None:
    log_in(page, STAFF)
    number_held(page, guest)
    page.goto("/dashboard/payments/attention/")
    look("worklist", page)
    page.get_by_role("link", name="View").first.click()
    arrive(page, "Paid, but not placed")
    look("matter", page)
    matter = page.url
    page.get_by_role("link", name="Place the order…").click()
    arrive(page, "Place the order?")
    look("matter-place", page)
    log_in(phone, STAFF)
    phone.goto(matter)
    look("phone-matter", phone)


def _wagtail(page: Page, look: Look, number: str) -> None:
    page.goto("/cms/christmas-market/")
    page.locator(".nd8-offer--link").wait_for()
    look("landing-page", page)
    log_in(page, STAFF)
    page.goto("/cms-admin/")
    page.locator("#nd8-payments-section").wait_for()
    look("wagtail-home", page)
    page.goto("/cms-admin/payments/all/")
    look("wagtail-payments", page)
    page.get_by_role("link", name=number, exact=True).click()
    page.get_by_role("link", name="Refund…").click()
    page.locator("#nd8-refund").wait_for()
    look("wagtail-refund", page)


def _link(phone: Page, look: Look) -> None:
    phone.goto("/cms/christmas-market/")
    phone.locator(".nd8-offer--link").get_by_role("link", name="Buy").click()
    arrive(phone, "Enamel mug")
    look("phone-link", phone)
    phone.get_by_role("link", name="Buy now").click()
    say_who_pays(phone, Guest("mia@example.com", "Maple", "Mia"), "Germany")
    look("phone-link-pay", phone)
    phone.get_by_role("button", name="Go to payment").click()
    choose(phone, "Pay")
    arrive(phone, "Thank you, you have paid")
    look("phone-link-paid", phone)


def _links(page: Page, look: Look) -> None:
    log_in(page, STAFF)
    page.goto("/cms-admin/payments/links/new/")
    page.set_viewport_size({"width": 1200, "height": 1000})
    look("wagtail-link-new", page)
    page.goto("/cms-admin/payments/links/")
    page.get_by_role("link", name="Two mugs for the first frost").first.click()
    page.locator(".nd8-qr").wait_for()
    look("wagtail-link", page)
    page.goto("/cms-admin/pages/3/edit/")
    page.get_by_role("button", name="Toggle preview").click()
    page.frame_locator("iframe[title=Preview]").last.locator(".nd8-offer--link").wait_for()
    page.get_by_text("Words on the button").first.scroll_into_view_if_needed()
    look("wagtail-editor", page)


def _save(name: str, page: Page) -> None:
    """Without the colours that nobody would miss; long lists of goods only as far as the screen shows them."""
    page.mouse.move(0, 0)
    raw = page.screenshot(full_page=name not in {"home", "catalogue"}, animations="disabled")
    picture = Image.open(io.BytesIO(raw)).convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    file = FOLDER / f"{name}.png"
    picture.save(file, optimize=True)
    size = file.stat().st_size
    sys.stdout.write(f"{file.relative_to(PROJECT)}: {size // 1000} kB\n")
    if size > LARGEST:
        raise RuntimeError(f"{file} is larger than {LARGEST} bytes: take fewer colours, or less of the page.")


def main() -> None:
    """Start everything, take every picture, end everything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_shop(Path(folder)) as shop,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        tour(browser, shop, _save)


if __name__ == "__main__":
    main()
