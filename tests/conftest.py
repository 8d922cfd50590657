"""One emulator a test process, one shop a test; every test begins with both as new."""

from collections.abc import Iterator
from typing import Any

import pytest

from oscar_nd8.emulator import running
from tests.nd8 import ND8
from tests.shopper import Shopper, make_countries, make_product, make_user


@pytest.fixture(scope="session")
def emulator_url() -> Iterator[str]:
    """An emulator that sends no webhooks by itself: tests carry them, in the order they choose."""
    with running(webhook_secret="whsec_sandbox") as emulator:
        yield emulator.url


@pytest.fixture
def nd8(emulator_url: str, settings: Any) -> Iterator[ND8]:
    """A fresh ND8 that the shop's settings point to."""
    emulator = ND8(emulator_url)
    emulator.reset()
    settings.ND8 = {
        **settings.ND8,
        "BASE_URL": f"{emulator.url}/sandbox/api/",
        "CHECKOUT_HOSTS": [emulator.url.removeprefix("http://")],
        "READ_TIMEOUT": 2,
        "READ_BUDGET": 3,
    }
    yield emulator
    emulator.http.close()


@pytest.fixture
def countries(db: None) -> None:
    """US and Germany."""
    make_countries()


@pytest.fixture
def mug(countries: None) -> Any:
    """Stock tracked, 9.99 USD."""
    return make_product("Enamel mug", "9.99")


@pytest.fixture
def guest(nd8: ND8, countries: None) -> Shopper:
    """Somebody without an account."""
    return Shopper()


@pytest.fixture
def user(countries: None) -> Any:
    """A customer's account."""
    return make_user()


@pytest.fixture
def customer(nd8: ND8, user: Any) -> Shopper:
    """Somebody signed in."""
    return Shopper(user=user)
