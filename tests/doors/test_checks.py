"""What a shop can get wrong is said at start-up, in words, and never with a secret in them."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from oscar.apps.checkout import views

from oscar_nd8 import checks as ours
from oscar_nd8.checkout.mixins import ND8PaymentDetailsMixin, ND8PaymentMethodMixin
from oscar_nd8.conf import get_settings


def found(check: Any) -> list[str]:
    """The ids that one check reports."""
    return [message.id for message in check(None)]


def test_the_sandbox_shop_is_clean(settings: Any) -> None:
    settings.DEBUG = True
    assert [message for message in checks.run_checks() if (message.id or "").startswith("oscar_nd8")] == []


def test_a_shop_that_could_place_unpaid_orders_does_not_start() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.shops.oscars_own_checkout"}
    done = subprocess.run(
        [sys.executable, "-m", "django", "check"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "(oscar_nd8.E001) oscar.apps.checkout.views.PaymentDetailsView does not use" in done.stderr
    assert "(oscar_nd8.W001)" in done.stderr


class Payment(ND8PaymentDetailsMixin, views.PaymentDetailsView):
    """As the README has it."""


class Method(ND8PaymentMethodMixin, views.PaymentMethodView):
    """As the README has it."""


class Own(views.PaymentDetailsView):
    """What a fork has of its own."""


class Behind(Own, ND8PaymentDetailsMixin):
    """Has the mixin, and never asks it."""


@pytest.mark.parametrize(
    ("payment", "method", "expected"),
    [
        (Payment, Method, []),
        (Own, Method, ["oscar_nd8.E001"]),
        (Behind, Method, ["oscar_nd8.E001"]),
        (Payment, views.PaymentMethodView, ["oscar_nd8.W008"]),
    ],
)
def test_a_mixin_that_is_missing_or_stands_behind_oscars_class_is_named(
    payment: type, method: type, expected: list[str]
) -> None:
    assert [message.id for message in ours.advice_on_views(payment=payment, method=method)] == expected


def test_a_mixin_behind_oscars_class_is_not_called_missing() -> None:
    (message,) = ours.advice_on_views(payment=Behind, method=Method)
    assert "behind Oscar's class, where it does nothing: shoppers could place orders without paying" in message.msg


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"API_KEY": ""}, ["oscar_nd8.E004"]),
        ({"API_KEY": "YOUR_KEY_HERE"}, ["oscar_nd8.E004"]),
        ({"WEBHOOK_SECRETS": []}, ["oscar_nd8.E005"]),
        ({"WEBHOOK_SECRETS": [""]}, ["oscar_nd8.E005"]),
        ({"WEBHOOK_SECRETS": ["whsec_good", "changeme"]}, ["oscar_nd8.E006"]),
        ({"CURRENCIES": ["EUR"]}, ["oscar_nd8.W002"]),
        ({"PRICE_MODE": "HT"}, ["oscar_nd8.W003"]),
    ],
)
def test_a_wrong_account_is_named(settings: Any, changes: dict[str, Any], expected: list[str]) -> None:
    settings.ND8 = {**settings.ND8, **changes}
    assert found(ours.check_account) == expected


@pytest.mark.parametrize(("status", "expected"), [("Vanished", ["oscar_nd8.W009"]), ("Cancelled", []), ("", [])])
def test_a_status_that_no_order_can_move_to_is_named(settings: Any, status: str, expected: list[str]) -> None:
    settings.ND8 = {**settings.ND8, "REFUND_ORDER_STATUS": status}
    assert found(ours.check_order_status) == expected


def test_an_emulator_and_http_in_production_are_named(settings: Any) -> None:
    assert found(ours.check_production) == ["oscar_nd8.W004", "oscar_nd8.W005"]
    settings.SECURE_SSL_REDIRECT = True
    settings.ND8 = {**settings.ND8, "BASE_URL": "https://api.sandbox.nd8.com/api/"}
    assert found(ours.check_production) == []
    settings.DEBUG = True
    settings.SECURE_SSL_REDIRECT = False
    assert found(ours.check_production) == []


@pytest.mark.parametrize(
    ("proxy", "changes", "expected"),
    [
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, {}, ["oscar_nd8.W011"]),
        ({"USE_X_FORWARDED_HOST": True}, {}, ["oscar_nd8.W011"]),
        ({"USE_X_FORWARDED_HOST": True}, {"CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}, []),
        ({"USE_X_FORWARDED_HOST": True}, {"LINK_STARTS": 0}, []),
        ({}, {}, []),
    ],
)
def test_a_proxy_behind_which_all_customers_look_alike_is_named(
    settings: Any, proxy: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ND8 = {**settings.ND8, "BASE_URL": "https://api.sandbox.nd8.com/api/", **changes}
    for name, value in proxy.items():
        setattr(settings, name, value)
    assert found(ours.check_production) == expected
    settings.DEBUG = True
    assert found(ours.check_production) == []


@pytest.mark.parametrize(
    ("vendor", "options", "expected"),
    [
        ("postgresql", {}, []),
        ("sqlite", {"transaction_mode": "IMMEDIATE"}, []),
        ("sqlite", {}, ["oscar_nd8.W007"]),
        ("mysql", {}, ["oscar_nd8.W006"]),
    ],
)
def test_a_database_that_was_not_proved_is_named(vendor: str, options: dict[str, str], expected: list[str]) -> None:
    assert [advice.id for advice in ours.advice_on_database(vendor, options)] == expected


@pytest.mark.parametrize(
    ("vendor", "database", "expected"),
    [
        ("postgresql", {"CONN_MAX_AGE": 0}, ["oscar_nd8.W010"]),
        ("postgresql", {"CONN_MAX_AGE": None}, []),
        ("postgresql", {"CONN_MAX_AGE": 600}, []),
        ("postgresql", {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}}, []),
        ("sqlite", {"CONN_MAX_AGE": 0}, []),
    ],
)
def test_a_connection_for_each_request_is_named(vendor: str, database: dict[str, Any], expected: list[str]) -> None:
    assert [advice.id for advice in ours.advice_on_connections(vendor, database)] == expected


def test_development_hears_nothing_of_connections(settings: Any) -> None:
    settings.DEBUG = True
    assert found(ours.check_connections) == []


def test_this_database_is_one_of_the_proved(db: None) -> None:
    assert found(ours.check_database) == []


def test_a_webhook_behind_a_language_prefix_is_an_error(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.shops.language_prefix_urls"
    assert found(ours.check_urls) == ["oscar_nd8.E003"]


def test_a_shop_without_our_urls_is_an_error(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.shops.nothing_mounted_urls"
    assert found(ours.check_urls) == ["oscar_nd8.E002"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"API_KEYS": "x"}, "API_KEYS: Extra inputs are not permitted"),
        ({"BASE_URL": "http://api.nd8.example/api/"}, "BASE_URL: must be https"),
        ({"BASE_URL": "api.nd8.example"}, "BASE_URL: must be an absolute URL"),
        ({"CHECKOUT_HOSTS": []}, "CHECKOUT_HOSTS is empty"),
        ({"CHECKOUT_HOSTS": ["https://pay.example/"]}, "CHECKOUT_HOSTS.0: is a host name"),
        ({"CURRENCIES": ["GBP"]}, "CURRENCIES.0"),
        ({"CURRENCIES": []}, "CURRENCIES is empty"),
        ({"MIN_AMOUNTS": {"USD": 0.5}}, "a float is not exact"),
        ({"MIN_AMOUNTS": {"USD": "5"}, "MAX_AMOUNTS": {"USD": "4"}}, "MIN_AMOUNTS of USD is above MAX_AMOUNTS"),
        ({"MAX_FEE_PERCENT": "101"}, "MAX_FEE_PERCENT"),
    ],
)
def test_a_typo_is_named_without_its_value(settings: Any, changes: dict[str, Any], named: str) -> None:
    settings.ND8 = {**settings.ND8, "API_KEY": "sk_very_secret", **changes}
    with pytest.raises(ImproperlyConfigured) as caught:
        get_settings()
    assert named in str(caught.value)
    assert "sk_very_secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_dict_says_what_to_write(settings: Any) -> None:
    del settings.ND8
    get_settings.cache_clear()
    with pytest.raises(ImproperlyConfigured, match="a dict like"):
        get_settings()


def test_secrets_are_not_in_the_repr_of_the_settings() -> None:
    assert "nd8_test_key" not in repr(get_settings())
    assert "whsec_sandbox" not in repr(get_settings())


def test_a_project_with_a_typo_does_not_start() -> None:
    program = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'sandbox_site.settings'\n"
        "from django.conf import settings; settings.ND8['API_KEI'] = 'sk_very_secret'\n"
        "django.setup()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "API_KEI" in done.stderr
    assert "sk_very_secret" not in done.stderr
