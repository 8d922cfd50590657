"""System check: the payments pages are installed, so they should have addresses."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.urls import NoReverseMatch, reverse

__all__ = ["check_mounted"]


def check_mounted(app_configs: Sequence[Any] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Unmounted pages are left out of the menu in silence, which nobody would notice."""
    try:
        reverse("nd8-dashboard:nd8-payments")
    except NoReverseMatch:
        yield Advice(
            "oscar_nd8.dashboard is installed, but its pages are not mounted: staff find no payments in the dashboard.",
            hint='Add path("dashboard/payments/", include("oscar_nd8.dashboard.urls")) to urls.py, before Oscar\'s.',
            id="oscar_nd8.W020",
        )
