"""Settings of a shop that installed the app, forgot the checkout, and put it behind Oscar."""

from sandbox_site.settings import *  # noqa: F403  # the sandbox, spoilt

INSTALLED_APPS = [
    {"oscar_nd8.checkout.apps.CheckoutConfig": "oscar.apps.checkout.apps.CheckoutConfig"}.get(app, app)
    for app in INSTALLED_APPS  # noqa: F405
    if app != "oscar_nd8"
] + ["oscar_nd8"]
