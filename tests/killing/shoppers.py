"""Shoppers of a shop that may be dead at any moment: they click again, pay once, and come back or not."""

import random
import secrets
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.signing import Signer
from oscar.core.loading import get_model

from oscar_nd8.testing import ADDRESS, Shopper
from tests.killing.shop import KillableShop

__all__ = ["PATIENCE", "AtThePreview", "at_the_preview", "buy"]

Basket, BasketLine = get_model("basket", "Basket"), get_model("basket", "Line")
PATIENCE = 180  # seconds for one click after another
COME_BACK = 0.7  # the others close the tab
# One for all browsers: each would otherwise read every certificate of this machine.
NETWORK = httpx.HTTPTransport()


@dataclass(frozen=True, slots=True)
class AtThePreview:
    """A browser with a full basket and every question of checkout answered; `cookies` are what it has of the shop."""

    email: str
    basket: int
    cookies: dict[str, str]


def at_the_preview(product: Any, count: int) -> list[AtThePreview]:
    """`count` shoppers as the first one of them came there by hand, one to three pieces each."""
    first = Shopper().add(product)
    first.go_to_preview()
    answers, line = dict(first.client.session), BasketLine.objects.get()
    return [_another(answers, line, number) for number in range(count)]


def _another(answers: dict[str, Any], line: Any, number: int) -> AtThePreview:
    email = f"shopper-{number}@example.com"
    session = SessionStore()
    session.update(deepcopy(answers))
    session["checkout_data"]["guest"]["email"] = email
    session.create()
    basket = Basket.objects.create()
    line.pk, line.basket, line.quantity = None, basket, 1 + number % 3
    line._state.adding = True
    line.save()
    cookies = {
        settings.SESSION_COOKIE_NAME: str(session.session_key),
        settings.CSRF_COOKIE_NAME: secrets.token_hex(16),
        settings.OSCAR_BASKET_COOKIE_OPEN: Signer().sign(str(basket.pk)),
    }
    return AtThePreview(email, basket.pk, cookies)


def buy(shopper: AtThePreview, shop: KillableShop, chance: random.Random) -> None:
    """From the preview to a paid page, however often the shop has to be asked for it. Raises TimeoutError."""
    browser = httpx.Client(base_url=shop.url, cookies=shopper.cookies, timeout=30, transport=NETWORK)
    browser.headers["X-CSRFToken"] = shopper.cookies[settings.CSRF_COOKIE_NAME]
    page = _payment_page(browser, shop, chance)
    with shop.in_danger(chance):
        paid = browser.post(page, data={"choice": "pay"})
    assert paid.status_code == 303, paid.text
    if chance.random() < COME_BACK:
        _until(lambda: browser.get(paid.headers["Location"]).status_code in {200, 302}, shop, chance)


def _payment_page(browser: httpx.Client, shop: KillableShop, chance: random.Random) -> str:
    found = ""

    def press() -> bool:
        nonlocal found
        answer = browser.post("/checkout/preview/", data={"action": "place_order"})
        found = answer.headers.get("Location", "")
        if found.startswith(shop.nd8_url):
            return True
        assert answer.status_code == 200, f"{answer.status_code} {found} {answer.text[:2000]}"
        # Who made the page died meanwhile, and it is in the way for two minutes. An order of another kind is not.
        browser.post("/checkout/shipping-address/", data={**ADDRESS, "line2": f"Floor {time.monotonic()}"})
        browser.get("/checkout/shipping-method/")
        return False

    _until(press, shop, chance)
    return found


def _until(succeeds: Callable[[], bool], shop: KillableShop, chance: random.Random) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with shop.in_danger(chance):
                if succeeds():
                    return
        except httpx.TransportError:
            pass  # the shop is dead; it will be back
        time.sleep(chance.uniform(0.02, 0.1))
    raise TimeoutError("the shop did not come back")
