"""The sandbox behind a web server that is killed: on the test run's PostgreSQL, its mail in a folder."""

from sandbox_site.settings import *  # noqa: F403  # the shop that is killed is the shop of `make demo`

DEBUG = False
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
DATABASES["default"]["CONN_MAX_AGE"] = None  # noqa: F405
# Whoever clicks after a crash is told soon that the first click's payment page is still being made.
ND8["PREPARE_WAIT"] = 0.5  # noqa: F405
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}
