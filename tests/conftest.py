"""The kit that shops test with, and the people and goods of our own tests."""

from typing import TYPE_CHECKING, Any

import pytest

from oscar_nd8.testing import ND8, Shopper, make_countries, make_product, make_user
from tests.emptying import empty_after_commits

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

pytest_plugins = ["oscar_nd8.testing"]


@pytest.fixture(scope="session", autouse=True)
def _emptied_fast() -> None:
    empty_after_commits()


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


@pytest.fixture
def session(guest: Shopper, mug: Any) -> "PaymentSession":
    """The guest is on ND8's page to pay for one mug: 14.98 with shipping."""
    return guest.begin_payment(mug)
