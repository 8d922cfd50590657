"""The fixtures and the option of the pytest plugin; `oscar_nd8.testing` is what pytest loads."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from oscar_nd8.testing.emulated import ND8, emulator_at, settings_with
from oscar_nd8.testing.factories import make_countries, make_product, make_session, make_user
from oscar_nd8.testing.shopper import Shopper

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

__all__ = [
    "canceled_session",
    "deliver_webhook",
    "failed_session",
    "nd8",
    "nd8_emulator",
    "nd8_product",
    "nd8_shopper",
    "open_session",
    "paid_session",
    "pytest_addoption",
]

OPTION, INI, VARIABLE = "--nd8-emulator-url", "nd8_emulator_url", "ND8_EMULATOR_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--nd8-emulator-url`, and the same as ini value."""
    told = f"Use the ND8 emulator that runs there instead of one in this process (or by {VARIABLE})."
    parser.getgroup("oscar_nd8").addoption(OPTION, dest=INI, metavar="URL", help=told)
    parser.addini(INI, told, default="")


@pytest.fixture(scope="session")
def nd8_emulator(pytestconfig: pytest.Config) -> Iterator[ND8]:
    """One emulator for all tests of this process; tests ask for `nd8`."""
    url = _url(pytestconfig)
    if url and getattr(pytestconfig, "workerinput", {}).get("workercount", 1) > 1:
        pytest.fail(
            f"Several workers cannot share the emulator at {url}: each test begins by resetting it. Run pytest "
            "without -n, or without a running emulator.",
            pytrace=False,
        )
    with emulator_at(url) as nd8:
        yield nd8


@pytest.fixture
def nd8(nd8_emulator: ND8, settings: Any) -> ND8:
    """A fresh ND8 that the shop's settings point to; what it has to tell waits until a test carries it."""
    settings.ND8 = settings_with(nd8_emulator.url, shop=settings.ND8)
    try:
        nd8_emulator.reset()
    except httpx.TransportError as error:
        pytest.fail(
            f"No emulator of ND8 answers at {nd8_emulator.url} ({error}). Start one with `python -m "
            f"oscar_nd8.emulator`, or leave {OPTION}, {VARIABLE} and {INI} out: then one is started here.",
            pytrace=False,
        )
    return nd8_emulator


@pytest.fixture
def deliver_webhook(nd8: ND8) -> Callable[[], Any]:
    """Call it to carry what ND8 has to tell to the shop's webhook; returns the shop's answer to the last of it."""
    return nd8.deliver_new


@pytest.fixture
def nd8_shopper(nd8: ND8, db: None) -> Shopper:
    """A customer who is signed in, with a browser and an empty basket."""
    make_countries()
    return Shopper(user=make_user())


@pytest.fixture
def nd8_product(db: None) -> Any:
    """Something to buy for 9.99, 50 in stock. Override it where the shop's products need more."""
    return make_product()


@pytest.fixture
def open_session(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> "PaymentSession":
    """`nd8_shopper` is on ND8's page to pay for one `nd8_product`."""
    return make_session(nd8, shopper=nd8_shopper, product=nd8_product)


@pytest.fixture
def paid_session(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> "PaymentSession":
    """The same, paid: the webhook came, and `paid_session.order` is placed."""
    return make_session(nd8, "paid", shopper=nd8_shopper, product=nd8_product)


@pytest.fixture
def failed_session(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> "PaymentSession":
    """The same, declined: no order, and the basket as it was."""
    return make_session(nd8, "failed", shopper=nd8_shopper, product=nd8_product)


@pytest.fixture
def canceled_session(nd8: ND8, nd8_shopper: Shopper, nd8_product: Any) -> "PaymentSession":
    """The same, canceled by the shopper: no order, and the basket as it was."""
    return make_session(nd8, "canceled", shopper=nd8_shopper, product=nd8_product)


def _url(config: pytest.Config) -> str:
    return str(config.getoption(INI) or os.environ.get(VARIABLE) or config.getini(INI))
