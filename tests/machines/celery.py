"""Celery's own entry, for a worker of it: `celery --app tests.machines.celery worker`."""

from importlib import import_module
from typing import Any

# Installed only where it is tried.
app: Any = import_module("celery").Celery("machines")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
