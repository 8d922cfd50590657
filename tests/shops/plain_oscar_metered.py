"""A shop of Oscar's alone that counts for Prometheus."""

from tests.shops.plain_oscar import *  # noqa: F403  # the same shop

INSTALLED_APPS = [*INSTALLED_APPS, "oscar_nd8.metrics"]  # noqa: F405
