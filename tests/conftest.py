"""The kit that shops test with, and the people and goods of our own tests."""

from typing import Any

import pytest

from oscar_nd8.testing import ND8, Shopper, make_countries, make_product, make_user

pytest_plugins = ["oscar_nd8.testing"]


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
