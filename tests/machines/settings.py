"""The sandbox on one of several machines: MACHINES_QUEUE says who processes, MACHINES_ND8 where ND8 is."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403  # the same shop

DEBUG = False
DATABASES["default"]["CONN_MAX_AGE"] = None  # noqa: F405
DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 0  # noqa: F405  # of the shop above
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = Path(os.environ["MACHINES_MAIL"])
ND8 = {
    **ND8,  # noqa: F405
    "BASE_URL": f"{os.environ['MACHINES_ND8']}/sandbox/api/",
    "CHECKOUT_HOSTS": [os.environ["MACHINES_ND8"].removeprefix("http://")],
}
TASKS = {"default": {"BACKEND": os.environ["MACHINES_QUEUE"]}}
# What a queue elsewhere needs; each is there only where its package is.
INSTALLED_APPS = [*INSTALLED_APPS, *filter(None, os.environ.get("MACHINES_APPS", "").split(","))]  # noqa: F405
if "MACHINES_REDIS" in os.environ:
    RQ_QUEUES = {"default": {"URL": os.environ["MACHINES_REDIS"]}}
    CELERY_BROKER_URL = CELERY_RESULT_BACKEND = os.environ["MACHINES_REDIS"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "loggers": {"sorl.thumbnail": {"level": "CRITICAL"}, "oscar_nd8": {"level": "ERROR"}},
}
