"""The page at the root: what a person sees of the emulator, and that every control call can be made from it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from oscar_nd8.emulator import Emulator
from oscar_nd8.emulator.forms import FORM
from oscar_nd8.emulator.overview import DONE, SHOWN
from tests.emulator.merchant import Merchant, Session
from tests.emulator.receiver import Receiver, eventually
from tests.journeys.chromium import demand, launch

CONTROL_CALLS = {
    "checkouts/{}/outcome": "end_checkout",
    "transactions/{}/refund": "refund_in_dashboard",
    "refunds/{}/outcome": "end_refund",
    "deliveries": "set_delivery_mode",
    "deliveries/{}/resend": "resend",
    "webhook_test": "send_test_webhook",
    "faults": "add_fault",
    "keys": "change_keys",
    "organization": "change_organization",
    "reset": "reset",
}


@dataclass
class Form:
    """A form as a browser would send it untouched, and its buttons."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def call(self) -> str:
        """Its control call, with {} for an id."""
        path = self.action.removeprefix("/_emulator/")
        return re.sub(r"^(checkouts|transactions|refunds|deliveries)/[^/]+/", r"\1/{}/", path)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values["action"]))
        elif tag == "input" and (values["type"] != "checkbox" or "checked" in values):
            self.found[-1].fields.append((values["name"], values["value"]))
        elif tag == "select":
            self._select = values["name"]
        elif tag == "option" and ("selected" in values or self._select not in dict(self.found[-1].fields)):
            fields = [pair for pair in self.found[-1].fields if pair[0] != self._select]
            self.found[-1].fields = [*fields, (self._select, values["value"])]
        elif tag == "button":
            self.found[-1].buttons.append((values.get("name", ""), values.get("value", "")))


def forms(emulator: Emulator, call: str) -> list[Form]:
    """The page's forms for a control call."""
    return [form for form in Forms(emulator.http.get("/").text).found if form.call == call]


def press(emulator: Emulator, call: str, **filled_in: str | list[str]) -> httpx.Response:
    """Send the page's first form for a control call, with some of its fields filled in."""
    form = forms(emulator, call)[0]
    words = urlencode({**dict(form.fields), **filled_in}, doseq=True)
    return emulator.http.post(form.action, content=words, headers={"Content-Type": FORM})


@pytest.fixture
def busy(emulator: Emulator, merchant: Merchant, session: Session) -> Emulator:
    """An emulator in which one of everything happened."""
    payment = merchant.paid(billing_email="x@example.com")
    merchant.refund(payment, amount="40.00")
    merchant.end(merchant.checkout(), "failed")
    link = session.link(name="Christmas <market>", max_uses=3)
    emulator.control(f"checkouts/{session.start(link).json()['checkout_id']}/outcome", outcome="paid")
    return emulator


def test_an_empty_page_says_so(emulator: Emulator) -> None:
    page = emulator.http.get("/")
    assert page.status_code == 200
    assert page.text.count("None yet.") == 6
    assert "nobody: they are recorded" in page.text


def test_the_page_shows_what_happened(busy: Emulator, shop: Receiver, merchant: Merchant) -> None:
    shop.answers += [503]
    payment = merchant.paid(billing_email="ada@lovelace.example")
    assert eventually(lambda: busy.state()["deliveries"][-1]["state"] == "delivered")
    page, state = busy.http.get("/").text, busy.state()
    for part in (
        *(one["checkout_id"] for one in state["checkouts"]),
        *(one["id"] for name in ("transactions", "refunds", "payment_links", "deliveries") for one in state[name]),
        payment,
        "ada@lovelace.example",
        "100.00 USD: paid",
        "40.00 USD: processing",
        "Your card was declined.",
        "Christmas &lt;market&gt;",
        "Paid 1 of 3 times.",
        "transaction.status_changed: delivered",
        "answered 503",
        "answered 200",
        "startPaymentLinkCheckout",
        shop.url,
        f"{state['wallet_balance']} USD",
        f"{busy.url}sandbox/api/",
    ):
        assert part in page, part
    assert "None yet." not in page
    assert "nd8_test_key" not in page
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", page)


def test_what_is_old_is_counted_and_left_out(emulator: Emulator, merchant: Merchant) -> None:
    checkouts = [merchant.checkout()["checkout_id"] for _ in range(SHOWN + 1)]
    page = emulator.http.get("/").text
    assert f"The newest {SHOWN} of {SHOWN + 1}." in page
    assert [one for one in checkouts if one not in page] == checkouts[:1]
    assert page.index(checkouts[-1]) < page.index(checkouts[1])


def test_every_control_call_has_a_form_and_every_form_says_what_it_did(busy: Emulator) -> None:
    found = {form.call for form in Forms(busy.http.get("/").text).found}
    assert found == set(CONTROL_CALLS)
    filled_in: dict[str, dict[str, str]] = {
        "checkouts/{}/outcome": {"outcome": "paid", "new_transaction": "true"},
        "keys": {"key": "till"},
        "refunds/{}/outcome": {"status": "completed"},
    }
    for call, name in CONTROL_CALLS.items():
        answer = press(busy, call, **filled_in.get(call, {}))
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/?done={name}"), call
        assert f'role="status">{DONE[name]}' in busy.http.get(answer.headers["Location"]).text.replace("&#39;", "'")


def test_untouched_forms_change_nothing(emulator: Emulator) -> None:
    emulator.control("organization", price_mode="HT", auto_complete_refunds=True, webhook_url="http://shop.example/")
    emulator.control("deliveries", copies=2, drop=True, retry_delays=[0.25, 3])
    before = emulator.state()
    press(emulator, "organization")
    press(emulator, "deliveries")
    assert emulator.state() == before


def test_words_of_a_form_become_what_they_mean(emulator: Emulator, merchant: Merchant) -> None:
    press(emulator, "deliveries", copies="3", delay="0.5", shuffle="true", retry_delays="1, 2 4.5")
    mode = emulator.state()["delivery_mode"]
    assert (mode["copies"], mode["delay"], mode["shuffle"], mode["drop"]) == (3, 0.5, True, False)
    assert mode["retry_delays"] == [1, 2, 4.5]
    press(emulator, "organization", name="true", session_lifetime="60", ad_hoc_products="false", max_payment="99")
    account = emulator.state()["organization"]
    assert (account["name"], account["session_lifetime"], account["ad_hoc_products"]) == ("true", 60, False)
    assert account["max_payment"] == "99"
    press(emulator, "keys", key="till", scopes=["refunds:read", "payments:read"], environment="sandbox")
    press(emulator, "keys", key="door", scopes="checkout:create")
    keys = [(one["scopes"], one["environments"]) for one in emulator.state()["api_keys"]]
    assert keys[1:] == [
        (["payments:read", "refunds:read"], ["sandbox"]),
        (["checkout:create"], ["production", "sandbox"]),
    ]
    press(emulator, "keys", key="door", revoked="true")
    assert len(emulator.state()["api_keys"]) == 2
    press(emulator, "faults", operation="listRefunds", kind="429", times="2")
    assert (emulator.state()["faults"][0]["times"], emulator.state()["faults"][0]["seconds"]) == (2, 1)


def test_waiting_faults_can_be_ended(emulator: Emulator) -> None:
    emulator.control("faults", operation="listRefunds", kind="500", times=9)
    assert "Next 9 of <code>listRefunds</code>: 500" in emulator.http.get("/").text
    press(emulator, "faults")
    assert emulator.state()["faults"] == []


def test_webhooks_can_be_sent_nowhere_by_emptying_the_address(emulator: Emulator) -> None:
    emulator.control("organization", webhook_url="http://shop.example/")
    press(emulator, "organization", webhook_url="")
    assert emulator.state()["organization"]["webhook_url"] == ""


def test_a_form_that_is_refused_says_why_on_a_page(emulator: Emulator) -> None:
    answer = press(emulator, "organization", contact_email="nobody", name="Other")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "That cannot be done" in answer.text
    assert "contact_email must be an e-mail address." in answer.text
    assert 'href="/"' in answer.text
    assert emulator.state()["organization"]["name"] == "Emulated merchant"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; ends with this module, because Django refuses to query a database while it runs."""
    demand()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 900), (390, 800)], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, busy: Emulator) -> Iterator[Page]:
    """The page without JavaScript, on a desk and on a phone."""
    width, height = request.param
    context = browser.new_context(
        base_url=busy.url, viewport={"width": width, "height": height}, java_script_enabled=False
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/")
    yield page
    # Chromium calls a refused form an error, too.
    assert [one for one in complaints if "400 (BAD REQUEST)" not in one] == []
    context.close()


def is_within_the_screen(page: Page) -> bool:
    """Whether nobody has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.browser
def test_the_page_fits_the_screen_with_everything_opened(page: Page) -> None:
    assert is_within_the_screen(page)
    for summary in page.locator("main section > details > summary").all():
        summary.click()
    expect(page.get_by_label("Webhook secret")).to_be_visible()
    assert is_within_the_screen(page)
    page.get_by_role("link", name="Payment page").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This has already been paid")
    assert is_within_the_screen(page)


@pytest.mark.browser
def test_a_person_ends_a_checkout_by_keyboard(page: Page, merchant: Merchant) -> None:
    checkout = merchant.checkout()["checkout_id"]
    page.reload()
    outcomes = page.get_by_role("form", name=f"Outcome of {checkout}")
    outcomes.get_by_role("button", name="paid", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The checkout was ended.")
    article = page.get_by_role("article").filter(has_text=checkout).first
    expect(article).to_contain_text("failed")
    assert merchant.emulator.state()["transactions"][-1]["depositAttempts"][0]["errorMessage"] == (
        "Your card has insufficient funds."
    )


@pytest.mark.browser
def test_a_person_fills_in_forms_and_is_told_what_is_wrong(page: Page, busy: Emulator) -> None:
    page.get_by_text("Let API calls go wrong").click()
    page.get_by_label("Operation").select_option("getPaymentById")
    page.get_by_label("What goes wrong").select_option("timeout_after")
    page.get_by_label("How many calls").fill("0.5")
    page.get_by_role("button", name="Let them go wrong").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That cannot be done")
    expect(page.get_by_role("main")).to_contain_text("times must be an integer.")
    page.get_by_role("link", name="To the overview").click()
    page.get_by_text("How webhooks go out").click()
    page.get_by_label("Record them, send nothing").check()
    page.get_by_role("button", name="Send webhooks like this").click()
    expect(page.get_by_role("status")).to_have_text("Webhooks go out like this from now on.")
    assert busy.state()["delivery_mode"]["drop"]
