"""System checks: what a shop can get wrong in its project, said at start-up in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as project
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice
from django.db import connections
from django.urls import NoReverseMatch, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern

from oscar_nd8 import conf
from oscar_nd8.checkout.forks import DETAILS_MIXIN, METHOD_MIXIN, shop_view, stands_before_oscar, uses
from oscar_nd8.shop.addresses import address_of

__all__ = ["register_all"]

# SQLite and PostgreSQL are proved by the tests, MySQL is not.
PROVED_DATABASES = {"sqlite", "postgresql"}

# What a project sets only behind a proxy.
OF_A_PROXY = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")

Found = Iterable[CheckMessage]


def register_all() -> None:
    """Register every check; called once, when the apps are ready."""
    for check in (check_views, check_app_order, check_urls):
        register(check)
    register(check_account)
    register(check_production, Tags.security)
    register(check_database)
    register(check_connections)
    register(check_order_status)


def check_views(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """Without the mixin Oscar's own view places orders that nobody paid."""
    yield from advice_on_views(payment=shop_view("PaymentDetailsView"), method=shop_view("PaymentMethodView"))


def advice_on_views(*, payment: type, method: type) -> Found:
    """What to say about the two views of a shop's checkout that the mixins are for."""
    if not stands_before_oscar(DETAILS_MIXIN, payment):
        fault = "uses ND8PaymentDetailsMixin behind Oscar's class, where it does nothing"
        if not uses(DETAILS_MIXIN, payment):
            fault = "does not use ND8PaymentDetailsMixin"
        yield Error(
            f"{payment.__module__}.PaymentDetailsView {fault}: shoppers could place orders without paying.",
            hint='Put "oscar_nd8.checkout.apps.CheckoutConfig" in place of "oscar.apps.checkout.apps.CheckoutConfig", '
            "or mix oscar_nd8.checkout.mixins.ND8PaymentDetailsMixin into your own view, before Oscar's class.",
            id="oscar_nd8.E001",
        )
    if not stands_before_oscar(METHOD_MIXIN, method):
        yield Advice(
            f"{method.__module__}.PaymentMethodView does not use ND8PaymentMethodMixin before Oscar's class: shoppers "
            "are not asked how they pay, and cannot buy what is not shipped.",
            hint="Mix oscar_nd8.checkout.mixins.ND8PaymentMethodMixin into your own view, before Oscar's class.",
            id="oscar_nd8.W008",
        )


def check_app_order(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """Our templates extend Oscar's under the same name, which works only from in front of it."""
    names = [config.name for config in apps.get_app_configs()]
    if "oscar" in names and names.index("oscar_nd8") > names.index("oscar"):
        yield Advice(
            "oscar_nd8 stands behind Oscar in INSTALLED_APPS: the payment step, the banner and the order page's "
            "payment tab are not shown.",
            hint='Put "oscar_nd8" before "oscar.config.Shop".',
            id="oscar_nd8.W001",
        )


def check_urls(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """The webhook must have an address, and one that no language prefix redirects."""
    try:
        path = address_of("webhook")
    except NoReverseMatch as error:
        yield Error(str(error), hint="Without it no payment is ever confirmed.", id="oscar_nd8.E002")
        return
    if _is_behind_language(get_resolver().url_patterns, path):
        yield Error(
            f"The webhook's address {path} is inside i18n_patterns: ND8's messages are redirected and lost.",
            hint='Add path("nd8/", include("oscar_nd8.urls")) to urls.py outside of i18n_patterns.',
            id="oscar_nd8.E003",
        )


def check_account(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """Keys, secret and currency of settings.ND8."""
    nd8 = conf.get_settings()
    if conf.is_placeholder(nd8.API_KEY.get_secret_value()):
        yield Error(
            'ND8["API_KEY"] is empty or a placeholder: no payment can be begun.',
            hint="Take the key from ND8's dashboard, Organization, API keys.",
            id="oscar_nd8.E004",
        )
    if not any(secret.get_secret_value() for secret in nd8.WEBHOOK_SECRETS):
        yield Error(
            'ND8["WEBHOOK_SECRETS"] is empty: every notification is refused, so no payment is ever confirmed.',
            hint="Take the secret from ND8's dashboard, Organization, Webhook.",
            id="oscar_nd8.E005",
        )
    elif any(conf.is_placeholder(secret.get_secret_value()) for secret in nd8.WEBHOOK_SECRETS):
        yield Error(
            'ND8["WEBHOOK_SECRETS"] holds an empty or placeholder secret: strangers could sign with it.',
            hint="Keep only secrets that ND8 gave you.",
            id="oscar_nd8.E006",
        )
    currency = conf.default_currency()
    if currency not in nd8.CURRENCIES:
        yield Advice(
            f"The shop's default currency {currency} is not among ND8['CURRENCIES'] "
            f"({', '.join(nd8.CURRENCIES)}): shoppers with prices in it are not offered ND8.",
            hint="Set OSCAR_DEFAULT_CURRENCY to USD or EUR, or give products prices in one of them.",
            id="oscar_nd8.W002",
        )
    if nd8.PRICE_MODE == "HT":
        yield Advice(
            'ND8["PRICE_MODE"] is "HT": ND8 adds tax of its own to prices without tax, so what the shopper pays '
            "can differ from the total that the shop shows.",
            hint="Switch the account to TTC in ND8's dashboard where you can; see docs/settings.md.",
            id="oscar_nd8.W003",
        )


def check_order_status(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """A status that no order can have would only ever be noted as impossible."""
    wanted = conf.get_settings().REFUND_ORDER_STATUS
    pipeline: Mapping[str, Iterable[str]] = getattr(project, "OSCAR_ORDER_STATUS_PIPELINE", {})
    if wanted and not any(wanted in targets for targets in pipeline.values()):
        yield Advice(
            f"ND8['REFUND_ORDER_STATUS'] is {wanted!r}, which no order can move to: refunded orders keep theirs.",
            hint="Name a status that OSCAR_ORDER_STATUS_PIPELINE leads to.",
            id="oscar_nd8.W009",
        )


def check_production(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """What is fine on a developer's machine and not in a shop."""
    if conf.is_debug():
        return
    nd8 = conf.get_settings()
    if nd8.BASE_URL.startswith("http://"):
        yield Advice(
            f"DEBUG is off and ND8['BASE_URL'] is {nd8.BASE_URL}: an emulator, where no money moves.",
            hint="Set it to ND8's own address.",
            id="oscar_nd8.W004",
        )
    if not getattr(project, "SECURE_SSL_REDIRECT", False) and not getattr(project, "SECURE_PROXY_SSL_HEADER", None):
        yield Advice(
            "Neither SECURE_SSL_REDIRECT nor SECURE_PROXY_SSL_HEADER is set: ND8 may be given return addresses "
            "with http://.",
            hint="Serve the shop by https, and tell Django so.",
            id="oscar_nd8.W005",
        )
    told = [name for name in OF_A_PROXY if getattr(project, name, None)]
    if told and nd8.LINK_STARTS and not nd8.CLIENT_ADDRESS_HEADER:
        yield Advice(
            f"There is a proxy, says {told[0]}, and ND8['CLIENT_ADDRESS_HEADER'] is empty: unless the server puts the "
            "customer's address into REMOTE_ADDR, all customers of a payment link share one count.",
            hint="Name the header in which your proxy says whose request it is, or silence this.",
            id="oscar_nd8.W011",
        )


def check_database(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """The claim that places an order once was proved on two databases."""
    database = connections["default"]
    yield from advice_on_database(database.vendor, database.settings_dict.get("OPTIONS", {}))


def advice_on_database(vendor: str, options: Mapping[str, Any]) -> Found:
    """What to change for a database of Django's name `vendor` with these OPTIONS."""
    if vendor not in PROVED_DATABASES:
        yield Advice(
            f"oscar_nd8 is proved on PostgreSQL and SQLite, not on {vendor}.",
            hint="Use PostgreSQL in a shop that takes money.",
            id="oscar_nd8.W006",
        )
    if vendor == "sqlite" and options.get("transaction_mode") != "IMMEDIATE":
        yield Advice(
            'SQLite without "transaction_mode": "IMMEDIATE" answers "database is locked" when two requests write.',
            hint='Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": '
            '"PRAGMA journal_mode=WAL;"}, or use PostgreSQL.',
            id="oscar_nd8.W007",
        )


def check_connections(app_configs: Sequence[Any] | None, **kwargs: Any) -> Found:
    """A connection for each request is Django's default, and dear."""
    if not conf.is_debug():
        database = connections["default"]
        yield from advice_on_connections(database.vendor, database.settings_dict)


def advice_on_connections(vendor: str, database: Mapping[str, Any]) -> Found:
    """What to change about how a database of Django's name `vendor` with these settings is connected to."""
    if not conf.keeps_connections(vendor, database):
        yield Advice(
            "CONN_MAX_AGE is 0: every request opens a new connection to the database, which takes most of the time "
            "that a notification needs.",
            hint="Set it to None, or to some minutes.",
            id="oscar_nd8.W010",
        )


def _is_behind_language(patterns: Iterable[Any], path: str) -> bool:
    prefixes = [
        pattern.pattern.language_prefix
        for pattern in patterns
        if isinstance(pattern, URLResolver) and isinstance(pattern.pattern, LocalePrefixPattern)
    ]
    return any(prefix and path.lstrip("/").startswith(prefix) for prefix in prefixes)
