"""System check: the apps of Wagtail's that our pages in its admin stand on."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice

__all__ = ["check_wagtail"]

NEEDED = ("wagtail.contrib.settings", "django_filters")


def check_wagtail(app_configs: Sequence[Any] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Wagtail asks for django_filters itself; its settings app is optional, and ours needs it."""
    for name in NEEDED:
        if not apps.is_installed(name):
            yield Advice(
                f"oscar_nd8.cms is installed without {name}: pages of ours in Wagtail's admin fail or are missing.",
                hint=f'Add "{name}" to INSTALLED_APPS.',
                id="oscar_nd8.W030",
            )
