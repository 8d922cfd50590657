"""The app of the floor's table."""

import os
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class BenchSiteConfig(AppConfig):
    """`tests.bench.site` in INSTALLED_APPS."""

    name = "tests.bench.site"
    label = "bench_site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Where BENCH_METER names a file, each call to the provider adds its seconds to it, in whichever worker."""
        from oscar_nd8.signals import provider_called

        if "BENCH_METER" in os.environ:
            provider_called.connect(_note, dispatch_uid="tests.bench.site")


def _note(*, seconds: float, **_: Any) -> None:
    with Path(os.environ["BENCH_METER"]).open("a") as meter:
        meter.write(f"{seconds:.6f}\n")
