"""Stands in the place of Oscar's partner app, under its label."""

from oscar.apps.partner import apps


class PartnerConfig(apps.PartnerConfig):
    """Oscar's app, with this package looked at first."""

    name = "sandbox_site.forks.partner"
