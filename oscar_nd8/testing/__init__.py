"""Test a shop's payments offline: an emulated ND8, a shopper with a browser, sessions in every state.

With pytest and pytest-django, in the `conftest.py` at the root of the tests:

    pytest_plugins = ["oscar_nd8.testing"]

With any other runner, `emulated_nd8()` is the same as a context manager. Needs the extra `testing`.

PYTEST_DONT_REWRITE: nothing here asserts, and a conftest may import from here and name the plugin, too.
"""

from oscar_nd8.testing.emulated import ND8, emulated_nd8, post_webhook
from oscar_nd8.testing.factories import make_countries, make_product, make_session, make_user
from oscar_nd8.testing.plugin import (
    canceled_session,
    deliver_webhook,
    failed_session,
    nd8,
    nd8_emulator,
    nd8_product,
    nd8_shopper,
    open_session,
    paid_session,
    pytest_addoption,
)
from oscar_nd8.testing.shopper import ADDRESS, Shopper

__all__ = [
    "ADDRESS",
    "ND8",
    "Shopper",
    "canceled_session",
    "deliver_webhook",
    "emulated_nd8",
    "failed_session",
    "make_countries",
    "make_product",
    "make_session",
    "make_user",
    "nd8",
    "nd8_emulator",
    "nd8_product",
    "nd8_shopper",
    "open_session",
    "paid_session",
    "post_webhook",
    "pytest_addoption",
]
