"""The app of the floor's table."""

import os
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
            # Open for as long as the worker lives: what measuring takes would count as ours.
            meter = os.open(os.environ["BENCH_METER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

            def note(*, seconds: float, **_: Any) -> None:
                os.write(meter, b"%.6f\n" % seconds)

            provider_called.connect(note, weak=False, dispatch_uid="tests.bench.site")
