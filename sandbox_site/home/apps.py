"""The app that holds the shop's Wagtail pages."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """Start page and plain pages."""

    name = "sandbox_site.home"
    label = "home"
