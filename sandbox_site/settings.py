"""A shop on one machine, steered by SHOP_PORT, ND8_EMULATOR_PORT, DATABASE_URL, SANDBOX_VAR_DIR and DEBUG."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
import oscar
from django.utils.translation import gettext_lazy as _
from oscar.defaults import *  # noqa: F403  # Oscar's documented way: its defaults first, the shop's choices below

SITE_DIR = Path(__file__).resolve().parent
VAR_DIR = Path(os.environ.get("SANDBOX_VAR_DIR", SITE_DIR / "var"))
VAR_DIR.mkdir(exist_ok=True)

SHOP_PORT = int(os.environ.get("SHOP_PORT", "8000"))
ND8_EMULATOR_PORT = int(os.environ.get("ND8_EMULATOR_PORT", "8800"))
SHOP_URL = f"http://127.0.0.1:{SHOP_PORT}"

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = "sandbox-only: signs nothing that leaves this machine"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

# Apps


def _with_forks(apps: list[str], forks: dict[str, str]) -> list[str]:
    """Oscar's apps with the shop's own in the places of those they replace."""
    return [forks.get(app, app) for app in apps]


INSTALLED_APPS = [
    "oscar_nd8",
    "oscar_nd8.dashboard",
    "oscar_nd8.cms",
    "sandbox_site.home",
    "sandbox_site.seed",
    *_with_forks(
        oscar.INSTALLED_APPS,
        {
            "oscar.apps.checkout.apps.CheckoutConfig": "oscar_nd8.checkout.apps.CheckoutConfig",
            "oscar.apps.partner.apps.PartnerConfig": "sandbox_site.forks.partner.apps.PartnerConfig",
            "oscar.apps.shipping.apps.ShippingConfig": "sandbox_site.forks.shipping.apps.ShippingConfig",
        },
    ),
    "sorl.thumbnail",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Without DEBUG nobody else serves the static files.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sandbox_site.currency.middleware.BasketMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "sandbox_site.urls"
WSGI_APPLICATION = "sandbox_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SITE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
                "sandbox_site.currency.context.currency",
            ],
        },
    },
]

# Storage

DATABASES: dict[str, Any] = {"default": dj_database_url.config(default=f"sqlite:///{VAR_DIR}/db.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Take the write lock when a transaction begins, and wait for it: a reader turned writer does not wait.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # As it was measured to be best (docs/performance.md). Django's development server has a thread for each request.
    DATABASES["default"]["CONN_MAX_AGE"] = 0 if DEBUG else None
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Oscar lists products through its search index; an index without a backend lists nothing.
HAYSTACK_CONNECTIONS = {
    "default": {
        "ENGINE": "haystack.backends.whoosh_backend.WhooshEngine",
        "PATH": str(VAR_DIR / "whoosh"),
        "INCLUDE_SPELLING": True,
    },
}

STATIC_URL = "/static/"
STATICFILES_DIRS = [SITE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"

# People, languages, sites

SITE_ID = 1
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_REDIRECT_URL = "/"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]

WAGTAIL_SITE_NAME = "Pine & Paper"
WAGTAILADMIN_BASE_URL = SHOP_URL
# The sandbox asks nobody outside this machine.
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None

# The shop

OSCAR_SHOP_NAME = "Pine & Paper"
OSCAR_SHOP_TAGLINE = "a sandbox shop"
OSCAR_HOMEPAGE = "/"
OSCAR_FROM_EMAIL = "shop@example.com"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_DEFAULT_CURRENCY = "USD"
OSCAR_HIDDEN_FEATURES = ["reviews"]
SANDBOX_CURRENCIES = ["USD", "EUR"]

OSCAR_INITIAL_ORDER_STATUS = OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Being processed", "Cancelled"),
    "Being processed": ("Complete", "Cancelled"),
    "Complete": (),
    "Cancelled": (),
}
OSCAR_LINE_STATUS_PIPELINE = OSCAR_ORDER_STATUS_PIPELINE
OSCAR_ORDER_STATUS_CASCADE = {status: status for status in OSCAR_ORDER_STATUS_PIPELINE}

# Whoosh knows no facets, and warns when it is asked for them.
OSCAR_SEARCH_FACETS = {"fields": {}, "queries": {}}

# Payments: a key, token and secret that the emulator of ND8 is started with (`make demo`)

ND8: dict[str, Any] = {
    "API_KEY": os.environ.get("ND8_API_KEY", "nd8_test_key"),
    "MERCHANT_TOKEN": os.environ.get("ND8_MERCHANT_TOKEN", "nd8_test_token"),
    "WEBHOOK_SECRETS": [os.environ.get("ND8_WEBHOOK_SECRET", "whsec_sandbox")],
    "BASE_URL": f"http://127.0.0.1:{ND8_EMULATOR_PORT}/sandbox/api/",
    "CHECKOUT_HOSTS": [f"127.0.0.1:{ND8_EMULATOR_PORT}"],
    "MIN_AMOUNTS": {"USD": "0.50", "EUR": "0.50"},
    "MAX_AMOUNTS": {"USD": "10000.00", "EUR": "10000.00"},
    "HEALTH_TOKEN": os.environ.get("ND8_HEALTH_TOKEN", ""),
    "OTHER_METHODS": {"invoice": _("Invoice")},
}
