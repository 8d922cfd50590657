"""The app of the floor's table."""

from django.apps import AppConfig


class BenchSiteConfig(AppConfig):
    """`tests.bench.site` in INSTALLED_APPS."""

    name = "tests.bench.site"
    label = "bench_site"
    default_auto_field = "django.db.models.BigAutoField"
