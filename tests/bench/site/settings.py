"""The sandbox shop behind a web server: BENCH_QUEUE says who processes.

BENCH_AGE=0 opens a connection to the database for each request.
"""

import os

from tests.settings import *  # noqa: F403  # the same shop, with a server in front

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench.site"]  # noqa: F405
DATABASES["default"]["CONN_MAX_AGE"] = 0 if os.environ.get("BENCH_AGE") == "0" else None  # noqa: F405
# As docs/performance.md advises; Django's own cursors, and thereby the floors, do not prepare anything.
DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 0  # noqa: F405  # of the shop above
TASKS = {"default": {"BACKEND": os.environ.get("BENCH_QUEUE", "django_tasks.backends.immediate.ImmediateBackend")}}
if "BENCH_PROVIDER" in os.environ:  # behind the web server; the benchmark's own process walks through the whole shop
    ROOT_URLCONF = "tests.bench.site.urls"
    ND8 = {**ND8, "BASE_URL": f"{os.environ['BENCH_PROVIDER']}/sandbox/api/"}  # noqa: F405
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "ERROR", "handlers": ["console"]},
    "loggers": {"sorl.thumbnail": {"level": "CRITICAL"}, "django.request": {"level": "CRITICAL"}},
}
SILENCED_SYSTEM_CHECKS = ["oscar_nd8.E001"]
