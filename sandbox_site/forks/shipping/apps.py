"""Stands in the place of Oscar's shipping app, under its label."""

from oscar.apps.shipping import apps


class ShippingConfig(apps.ShippingConfig):
    """Oscar's app, with this package looked at first."""

    name = "sandbox_site.forks.shipping"
