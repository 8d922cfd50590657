"""The app that brings the `seed_sandbox` command."""

from django.apps import AppConfig


class SeedConfig(AppConfig):
    """Makes the shop's contents."""

    name = "sandbox_site.seed"
    label = "seed"
