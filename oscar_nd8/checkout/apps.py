"""The checkout app for shops without a fork: stands in INSTALLED_APPS in place of Oscar's."""

from oscar.apps.checkout import apps

from oscar_nd8.checkout.urls import ND8CheckoutURLsMixin


class CheckoutConfig(ND8CheckoutURLsMixin, apps.CheckoutConfig):
    """`"oscar_nd8.checkout.apps.CheckoutConfig"` instead of `"oscar.apps.checkout.apps.CheckoutConfig"`."""

    name = "oscar_nd8.checkout"
