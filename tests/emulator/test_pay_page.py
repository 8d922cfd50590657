"""The hosted page over HTTP, as a shopper without JavaScript meets it."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from oscar_nd8.emulator import Emulator, running
from oscar_nd8.emulator.pay import CHOICES
from tests.emulator.conftest import KEY
from tests.emulator.merchant import Merchant, body

PAID, FAILED, CANCELED = (f"http://shop.example/{word}" for word in ("paid", "failed", "canceled"))


class Page(HTMLParser):
    """Text, tags and buttons of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""

    def values(self, tag: str, name: str) -> list[str | None]:
        """An attribute of every such tag that has it."""
        return [attributes[name] for found, attributes in self.tags if found == tag and name in attributes]


def click(shopper: httpx.Client, checkout: dict[str, Any], choice: str) -> httpx.Response:
    """Press a button."""
    return shopper.post(checkout["checkout_url"], data={"choice": choice})


def statuses(emulator: Emulator) -> list[str]:
    """Of all transactions, oldest first."""
    return [one["status"] for one in emulator.state()["transactions"]]


def test_the_page_shows_what_is_bought(merchant: Merchant, shopper: httpx.Client) -> None:
    checkout = merchant.checkout(currency="EUR", products=[{"name": "<b>Lamp</b>", "unit_price": 49.5, "quantity": 2}])
    answer = shopper.get(checkout["checkout_url"])
    page = Page(answer.text)
    assert answer.status_code == 200
    assert "This is not ND8, and no real money moves." in page.text
    assert "Your purchase from Emulated merchant" in page.text
    assert "<b>Lamp</b> 2 49.50 99.00" in page.text
    assert "Total 99.00 EUR" in page.text
    assert "ada@example.com" in page.text
    assert page.values("button", "value") == list(CHOICES)
    assert page.values("html", "lang") == ["en"]
    assert page.values("form", "method") == ["post"]


def test_the_page_needs_no_script_and_its_style_is_a_file(merchant: Merchant, shopper: httpx.Client) -> None:
    answer = shopper.get(merchant.checkout()["checkout_url"])
    tags = [tag for tag, _ in Page(answer.text).tags]
    assert not {"script", "style"} & set(tags)
    assert {"main", "header", "h1", "h2"} <= set(tags)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    for address in Page(answer.text).values("link", "href"):
        assert shopper.get(answer.url.join(str(address))).status_code == 200


def test_tax_is_shown_where_nd8_adds_it(emulator: Emulator, merchant: Merchant, shopper: httpx.Client) -> None:
    emulator.control("organization", price_mode="HT")
    page = Page(shopper.get(merchant.checkout()["checkout_url"]).text)
    assert "Tax 20.00 Total 120.00 USD" in page.text


@pytest.mark.parametrize(
    ("choice", "status", "way_back"),
    [
        ("pay", "paid", PAID),
        ("pending_deposit", "paid", PAID),
        ("processing", "processing", PAID),
        ("decline", "failed", FAILED),
        ("insufficient_funds", "failed", FAILED),
        ("cancel", "canceled", CANCELED),
    ],
)
def test_a_button_ends_the_payment_and_leads_back(
    emulator: Emulator, merchant: Merchant, shopper: httpx.Client, choice: str, status: str, way_back: str
) -> None:
    answer = click(shopper, merchant.checkout(), choice)
    assert (answer.status_code, answer.headers["Location"]) == (303, way_back)
    assert statuses(emulator) == [status]


@pytest.mark.parametrize(
    ("choice", "heading"),
    [
        ("pay", "Payment received"),
        ("processing", "The payment is being processed"),
        ("decline", "The payment was declined"),
        ("cancel", "The payment was canceled"),
    ],
)
def test_without_return_urls_the_page_says_how_it_ended(
    merchant: Merchant, shopper: httpx.Client, choice: str, heading: str
) -> None:
    checkout = merchant.checkout(successUrl=None, failedUrl=None, cancelUrl=None)
    answer = click(shopper, checkout, choice)
    assert answer.status_code == 200
    assert heading in Page(answer.text).text


def test_pay_and_close_pays_and_leads_nowhere(emulator: Emulator, merchant: Merchant, shopper: httpx.Client) -> None:
    answer = click(shopper, merchant.checkout(), "pay_and_close")
    assert answer.status_code == 200
    assert "You can close this tab" in Page(answer.text).text
    assert Page(answer.text).values("a", "href") == []
    assert statuses(emulator) == ["paid"]
    assert emulator.state()["deliveries"][0]["event"] == "transaction.status_changed"


def test_declined_once_shows_why_and_can_be_paid_in_the_same_transaction(
    emulator: Emulator, merchant: Merchant, shopper: httpx.Client
) -> None:
    checkout = merchant.checkout()
    answer = click(shopper, checkout, "decline_once")
    assert answer.status_code == 303
    again = Page(shopper.get(answer.url.join(answer.headers["Location"])).text)
    assert "Your card was declined." in again.text
    assert "pay" in again.values("button", "value")
    assert click(shopper, checkout, "pay").headers["Location"] == PAID
    (transaction,) = emulator.state()["transactions"]
    assert transaction["status"] == "paid"
    assert [one["status"] for one in transaction["depositAttempts"]] == ["succeeded", "failed"]


@pytest.mark.parametrize("first", ["decline", "cancel"])
def test_after_a_failure_or_cancel_the_same_page_takes_the_money(
    emulator: Emulator, merchant: Merchant, shopper: httpx.Client, first: str
) -> None:
    checkout = merchant.checkout()
    click(shopper, checkout, first)
    assert click(shopper, checkout, "pay").headers["Location"] == PAID
    assert len(statuses(emulator)) == 2
    assert statuses(emulator)[-1] == "paid"


def test_a_second_tab_cannot_pay_again(emulator: Emulator, merchant: Merchant, shopper: httpx.Client) -> None:
    checkout = merchant.checkout()
    click(shopper, checkout, "pay")
    for choice in CHOICES:
        answer = click(shopper, checkout, choice)
        assert answer.status_code == 409
        assert "This has already been paid" in Page(answer.text).text
    assert statuses(emulator) == ["paid"]
    assert len(emulator.state()["deliveries"]) == 1


def test_a_paid_page_leads_back_to_the_shop(merchant: Merchant, shopper: httpx.Client) -> None:
    checkout = merchant.checkout()
    merchant.end(checkout, "paid")
    answer = shopper.get(checkout["checkout_url"])
    assert answer.status_code == 200
    assert Page(answer.text).values("a", "href") == [PAID]
    assert Page(answer.text).values("button", "value") == []


def test_an_expired_page_takes_no_money() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with running(clock=lambda: now) as emulator:
        answer = emulator.http.post(f"{emulator.sandbox_api_url}/checkout/create/", json=body(), headers=KEY)
        checkout = answer.json()
        assert checkout["expires_at"] == int((now + timedelta(minutes=30)).timestamp())
        now += timedelta(minutes=30, seconds=-1)
        assert emulator.http.get(checkout["checkout_url"]).status_code == 200
        now += timedelta(seconds=1)
        for expired in (
            emulator.http.get(checkout["checkout_url"]),
            emulator.http.post(checkout["checkout_url"], data={"choice": "pay"}),
        ):
            assert expired.status_code == 410
            assert "This payment session has expired" in Page(expired.text).text
            assert Page(expired.text).values("a", "href") == [CANCELED]
        assert emulator.state()["transactions"] == []
        # ND8 itself may still report a payment: late ones are a case that shops must survive.
        emulator.control(f"checkouts/{checkout['checkout_id']}/outcome", outcome="paid")
        assert statuses(emulator) == ["paid"]


@pytest.mark.parametrize(
    ("simulate", "status", "attempt", "way_back"),
    [
        ("payment_failed", "failed", "failed", FAILED),
        ("checkout_canceled", "canceled", None, CANCELED),
        ("canceled", "canceled", None, CANCELED),
        ("success_pending_deposit", "paid", "pending", PAID),
        ("checkout_pending", "processing", "processing", PAID),
    ],
)
def test_simulation_decides_what_pay_brings_about(
    emulator: Emulator,
    merchant: Merchant,
    shopper: httpx.Client,
    simulate: str,
    status: str,
    attempt: str | None,
    way_back: str,
) -> None:
    checkout = merchant.checkout(sandbox_simulate=simulate)
    assert emulator.state()["transactions"] == []
    assert simulate in Page(shopper.get(checkout["checkout_url"]).text).text
    assert click(shopper, checkout, "pay").headers["Location"] == way_back
    (transaction,) = emulator.state()["transactions"]
    assert transaction["status"] == status
    assert [one["status"] for one in transaction["depositAttempts"]] == ([attempt] if attempt else [])


def test_simulation_leaves_the_other_buttons_alone(
    emulator: Emulator, merchant: Merchant, shopper: httpx.Client
) -> None:
    click(shopper, merchant.checkout(sandbox_simulate="payment_failed"), "cancel")
    assert statuses(emulator) == ["canceled"]


def test_unknown_pages_and_buttons(emulator: Emulator, merchant: Merchant, shopper: httpx.Client) -> None:
    checkout = merchant.checkout()
    assert shopper.get(f"{emulator.url}pay/none/").status_code == 404
    assert shopper.get(f"{emulator.url}pay/{checkout['checkout_id']}/").status_code == 404
    assert click(shopper, checkout, "steal").status_code == 400
    assert shopper.post(checkout["checkout_url"]).status_code == 400
    assert emulator.state()["transactions"] == []
