"""One running shop and one browser for all journeys; no page may complain in the browser's console."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.journeys.chromium import demand, launch
from tests.journeys.running_shop import RunningShop, running_shop
from tests.journeys.steps import STAFF, Guest, log_in

NOT_OURS = (
    "409 (CONFLICT)",  # ND8's page tells so whoever pays what is paid, and Chromium calls every 4xx an error
    "/favicon.ico: ",  # Django's admin names no icon, and the browser guesses at one
    "oscar.dashboard.orders.initTable is not a function",  # Oscar 4.2 calls on its order page what it no longer has
)
OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ends with the journeys, unlike the plugin's: while it runs, Django refuses to query a database in this thread."""
    demand()
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as the system has it."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def shop(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """What `make demo` starts; asked for after the browser, without which there is nothing to start it for."""
    with running_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def browser_context_args(shop: RunningShop) -> dict[str, Any]:
    """A desk's screen, and addresses relative to the shop's."""
    return {"base_url": shop.url, "viewport": {"width": 1200, "height": 800}}


@pytest.fixture
def new_context(new_context: OpenContext) -> Iterator[OpenContext]:
    """The plugin's, with an eye on what each page has to complain about."""
    complaints: list[str] = []

    def complain(text: str) -> None:
        if not any(known in text for known in NOT_OURS):
            complaints.append(text)

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complain(f"{message.location['url']}: {message.text}")

    def open_context(**details: Any) -> BrowserContext:
        context = new_context(**details)
        context.on("console", note)
        context.on("weberror", lambda error: complain(str(error.error)))
        return context

    yield open_context
    assert complaints == []


@pytest.fixture
def guest() -> Guest:
    """Somebody who was never here before."""
    surname = f"Guestson-{secrets.token_hex(4)}"
    return Guest(f"{surname.lower()}@example.com", surname)


@pytest.fixture(scope="package")
def staff_cookies(browser: Browser, shop: RunningShop) -> Any:
    """Staff log in once."""
    context = browser.new_context(base_url=shop.url)
    log_in(context.new_page(), STAFF)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def staff(new_context: OpenContext, staff_cookies: Any) -> Page:
    """The browser of somebody who runs the shop."""
    return new_context(storage_state=staff_cookies).new_page()


@pytest.fixture
def lost_webhooks(shop: RunningShop) -> Iterator[Callable[[], None]]:
    """Nothing that ND8 sends arrives, until the test is over or calls this."""

    def let_them_through() -> None:
        shop.control("deliveries")

    shop.control("deliveries", drop=True)
    yield let_them_through
    let_them_through()
