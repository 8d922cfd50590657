"""The account at ND8 beside the shop's settings: the emulator answers over HTTP, well and badly."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.sites.models import Site

from oscar_nd8.conf import get_settings
from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.gateway import Access, AccountReport, Permission, Right, get_gateway
from oscar_nd8.services.examine import examine
from oscar_nd8.services.examine_account import examine_account, examine_keys
from oscar_nd8.testing import ND8

pytestmark = pytest.mark.django_db

OK, SKIPPED, WARNING, ERROR = Level.OK, Level.SKIPPED, Level.WARNING, Level.ERROR
S = Subject
KEY = "nd8_test_key"
OURS = "https://shop.example/nd8/webhook/"


@pytest.fixture(autouse=True)
def account(nd8: ND8) -> ND8:
    """An account whose webhook and limits are those of the shop at shop.example."""
    Site.objects.update(domain="shop.example")
    Site.objects.clear_cache()
    nd8.send_webhooks_to(OURS)
    return nd8


def told(*, domain: str = "shop.example") -> dict[Subject, Finding]:
    """What ND8's answers are made into."""
    report = get_gateway("nd8").examine()
    return {each.subject: each for each in examine_account(get_settings(), report, domain=domain)}


def found(subject: Subject) -> Finding:
    """What is said about one subject."""
    return told()[subject]


def change(settings: Any, **changes: Any) -> None:
    """Other settings of the shop."""
    settings.ND8 = {**settings.ND8, **changes}


def test_an_account_that_agrees_has_nothing_but_what_cannot_be_tried(nd8: ND8) -> None:
    levels = {each.subject: each.level for each in examine()}
    assert list(levels) == list(Subject)
    odd = {subject: level for subject, level in levels.items() if level is not OK}
    # Without DEBUG the emulator, http and a connection for each request are worth a word; tests make tables without
    # migrations.
    assert odd == {
        S.SYSTEM_CHECKS: WARNING,
        S.CONNECTIONS: WARNING,
        S.MIGRATIONS: SKIPPED,
        S.ENVIRONMENT: WARNING,
    }


def test_examining_writes_nothing_at_nd8_and_makes_few_calls(nd8: ND8) -> None:
    examine()
    calls = [call["operation"] for call in nd8.state["calls"]]
    assert calls == [
        "listRefunds",
        "getPaymentById",
        "getOrganization",
        "getOrganizationWebhook",
        "getOrganizationApiKeys",
    ]


# Whether ND8 answers


def test_nothing_at_the_address_is_an_error_and_the_rest_is_not_guessed(settings: Any) -> None:
    change(settings, BASE_URL="http://127.0.0.1:9/sandbox/api/", READ_BUDGET=0.5)
    findings = told()
    assert findings[S.REACHABLE].level is ERROR
    assert "http://127.0.0.1:9/sandbox/api/" in findings[S.REACHABLE].fact
    for subject in (S.API_KEY, S.MAY_READ, S.CLOCK, S.MERCHANT_TOKEN, S.PRICE_MODE, S.AMOUNTS, S.WEBHOOK_ADDRESS):
        assert (findings[subject].level, findings[subject].fact) == (SKIPPED, "ND8 could not be asked.")


@pytest.mark.parametrize("kind", ["500", "garbage"])
def test_a_server_that_fails_is_no_refused_key(nd8: ND8, kind: str) -> None:
    nd8.fault("listRefunds", kind, times=10)
    findings = told()
    assert (findings[S.REACHABLE].level, findings[S.API_KEY].level) == (ERROR, SKIPPED)


def test_an_address_where_there_is_no_api_is_not_taken_for_an_accepted_key(nd8: ND8, settings: Any) -> None:
    change(settings, BASE_URL=f"{nd8.url}/somewhere/api/")
    assert found(S.REACHABLE).level is ERROR
    assert "There is no API of ND8's at this address" in found(S.REACHABLE).fact
    assert found(S.API_KEY).level is SKIPPED


# The key


def test_a_revoked_key_is_refused_and_nothing_is_said_about_its_scopes(nd8: ND8) -> None:
    nd8.control("keys", key=KEY, revoked=True)
    findings = told()
    assert (findings[S.REACHABLE].level, findings[S.API_KEY].level) == (OK, ERROR)
    assert "ND8 refuses the API key" in findings[S.API_KEY].fact
    rights = (S.MAY_OPEN, S.MAY_READ, S.MAY_READ_REFUNDS, S.MAY_REFUND)
    assert {findings[subject].level for subject in rights} == {SKIPPED}
    assert findings[S.PRICE_MODE].level is OK  # the merchant's session still tells


def test_a_production_key_at_the_sandbox_is_told_where_it_belongs(nd8: ND8) -> None:
    nd8.control("keys", key=KEY, environment="production")
    finding = found(S.API_KEY)
    assert finding.level is ERROR
    assert "API_KEY is a production key" in finding.fact
    assert finding.advice == f"Set BASE_URL to {nd8.url}/api/, or API_KEY to a key of the other kind."


def test_a_sandbox_key_in_production_is_told_too_even_without_the_scope_to_read(nd8: ND8, settings: Any) -> None:
    nd8.control("keys", key=KEY, environment="sandbox", scopes=["checkout:create"])
    change(settings, BASE_URL=f"{nd8.url}/api/")
    finding = found(S.API_KEY)
    assert finding.level is ERROR
    assert f"accepts it at {nd8.url}/sandbox/api/" in finding.fact


def test_no_key_is_named_as_such(settings: Any) -> None:
    change(settings, API_KEY="")
    assert found(S.API_KEY).fact == "API_KEY is empty or a placeholder: no shopper can begin to pay."


def test_a_key_with_a_line_break_is_named_without_being_shown(settings: Any) -> None:
    change(settings, API_KEY="sk_very\nsecret")
    finding = next(each for each in examine() if each.subject is S.REACHABLE)
    assert finding.level is ERROR
    assert "The API key has characters that no key has" in finding.fact
    assert "sk_very" not in finding.fact


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([], [OK, OK, OK, OK]),
        (["checkout:create", "payments:read", "refunds:write"], [OK, OK, OK, OK]),
        (["checkout:create", "payments:read", "payments:write"], [OK, OK, OK, OK]),
        (["checkout:create", "payments:read"], [OK, OK, OK, WARNING]),
        (["payments:read"], [ERROR, OK, OK, WARNING]),
        (["checkout:create", "refunds:read"], [OK, ERROR, OK, WARNING]),
        (["checkout:create"], [OK, ERROR, WARNING, WARNING]),
    ],
)
def test_every_scope_that_is_missing_is_named_with_what_it_costs(
    nd8: ND8, scopes: list[str], expected: list[Level]
) -> None:
    nd8.control("keys", key=KEY, scopes=scopes)
    findings = told()
    rights = [findings[subject] for subject in (S.MAY_OPEN, S.MAY_READ, S.MAY_READ_REFUNDS, S.MAY_REFUND)]
    assert [each.level for each in rights] == expected
    for each in rights:
        assert (each.advice == "") is (each.level is OK)
    assert findings[S.API_KEY].level is OK


def test_without_a_merchant_session_what_would_be_a_write_is_not_guessed(nd8: ND8, settings: Any) -> None:
    change(settings, MERCHANT_TOKEN="")
    nd8.control("keys", key=KEY, scopes=["payments:read"])
    assert {found(S.MAY_OPEN).level, found(S.MAY_REFUND).level} == {SKIPPED}
    assert found(S.MAY_OPEN).fact.startswith("Not tested: whether the key has the scope checkout:create.")
    assert found(S.MERCHANT_TOKEN).level is SKIPPED
    assert nd8.calls("getOrganization") == nd8.calls("createPayment") == 0


def test_keys_that_look_alike_are_not_confused(nd8: ND8) -> None:
    nd8.control("keys", key="nd8_test_other", scopes=["payments:read"])
    assert found(S.MAY_OPEN).level is SKIPPED


# The clock


@pytest.mark.parametrize(
    ("off", "level"),
    [(0, OK), (50, OK), (90, WARNING), (-90, WARNING), (900, ERROR), (-900, ERROR)],
)
def test_a_clock_that_is_off_is_told_with_its_direction(off: int, level: Level) -> None:
    report = get_gateway("nd8").examine(clock=lambda: datetime.now(UTC) + timedelta(seconds=off))
    finding = next(each for each in examine_account(get_settings(), report, domain="") if each.subject is Subject.CLOCK)
    assert finding.level is level
    if level is not OK:
        assert ("ahead of" if off > 0 else "behind") in finding.fact


# What only the merchant sees


def test_a_refused_token_warns_and_leaves_the_key_alone(nd8: ND8, settings: Any) -> None:
    change(settings, MERCHANT_TOKEN="expired")
    assert (found(S.MERCHANT_TOKEN).level, found(S.API_KEY).level) == (WARNING, OK)
    assert {found(subject).level for subject in (S.PRICE_MODE, S.AMOUNTS, S.WEBHOOK_ADDRESS, S.MAY_OPEN)} == {SKIPPED}


@pytest.mark.parametrize("operation", ["getOrganization", "getOrganizationWebhook", "getOrganizationApiKeys"])
def test_one_answer_that_fails_is_no_answer_and_hides_no_other(nd8: ND8, operation: str) -> None:
    nd8.fault(operation, "garbage", times=10)
    findings = {subject: each.level for subject, each in told().items()}
    assert (findings[S.API_KEY], findings[S.MAY_READ]) == (OK, OK)
    assert findings[S.PRICE_MODE] is (SKIPPED if operation == "getOrganization" else OK)
    assert findings[S.WEBHOOK_ADDRESS] is (OK if operation == "getOrganizationApiKeys" else SKIPPED)


@pytest.mark.parametrize(("ours", "theirs", "level"), [("TTC", "HT", ERROR), ("HT", "TTC", ERROR), ("HT", "HT", OK)])
def test_price_modes_that_differ_are_an_error(nd8: ND8, settings: Any, ours: str, theirs: str, level: Level) -> None:
    nd8.control("organization", price_mode=theirs)
    change(settings, PRICE_MODE=ours)
    assert found(S.PRICE_MODE).level is level


@pytest.mark.parametrize(
    ("bounds", "level"),
    [
        ({}, OK),
        ({"MIN_AMOUNTS": {"USD": "1", "EUR": "1"}, "MAX_AMOUNTS": {"USD": "10", "EUR": "10"}}, OK),
        ({"MIN_AMOUNTS": {"USD": "0.49", "EUR": "0.50"}}, WARNING),
        ({"MIN_AMOUNTS": {"USD": "0.50"}}, WARNING),
        ({"MAX_AMOUNTS": {"USD": "10000.01", "EUR": "1"}}, WARNING),
        ({"CURRENCIES": ["USD"], "MIN_AMOUNTS": {"USD": "0.50"}, "MAX_AMOUNTS": {"USD": "10000"}}, OK),
    ],
)
def test_payments_that_the_shop_offers_and_nd8_refuses_warn(
    settings: Any, bounds: dict[str, Any], level: Level
) -> None:
    change(settings, **bounds)
    assert found(S.AMOUNTS).level is level


@pytest.mark.parametrize(
    ("theirs", "level"),
    [
        (OURS, OK),
        ("https://SHOP.example/nd8/webhook/", OK),
        ("https://shop.example/checkout/nd8/webhook/", OK),
        ("http://shop.example/nd8/webhook/", WARNING),
        ("https://www.shop.example/nd8/webhook/", WARNING),
        ("https://shop.example/nd8/webhook", ERROR),
        ("https://shop.example/nd8/health/", ERROR),
        ("https://shop.example/", ERROR),
        ("", ERROR),
    ],
)
def test_the_webhooks_address_is_compared(nd8: ND8, theirs: str, level: Level) -> None:
    nd8.control("organization", webhook_url=theirs)
    finding = found(S.WEBHOOK_ADDRESS)
    assert finding.level is level
    if level is not OK:
        assert OURS in finding.advice


def test_in_a_shop_without_our_urls_no_address_is_compared(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.shops.nothing_mounted_urls"
    assert found(S.WEBHOOK_ADDRESS).level is ERROR


def test_without_a_site_the_webhooks_address_is_not_guessed() -> None:
    Site.objects.all().delete()
    Site.objects.clear_cache()
    finding = next(each for each in examine() if each.subject is S.WEBHOOK_ADDRESS)
    assert (finding.level, "no current site" in finding.fact) == (SKIPPED, True)


def test_a_provider_that_tells_nothing_is_reported_as_such() -> None:
    findings = examine_account(get_settings(), AccountReport(), domain="shop.example")
    assert {each.level for each in findings} == {OK, SKIPPED}
    assert [each.subject for each in findings if each.level is OK] == [Subject.REACHABLE]


@pytest.mark.parametrize("shown", ["https://shop.ex…", "https://***/nd8/webhook/"])
def test_an_address_that_is_shown_in_part_is_not_judged(shown: str) -> None:
    report = AccountReport(session=Access.GRANTED, webhook_address=shown)
    findings = {each.subject: each for each in examine_account(get_settings(), report, domain="shop.example")}
    assert findings[S.WEBHOOK_ADDRESS].level is SKIPPED
    assert OURS in findings[S.WEBHOOK_ADDRESS].fact


def test_limits_are_compared_one_by_one() -> None:
    findings = examine_account(get_settings(), AccountReport(lowest=Decimal(2)), domain="")
    amounts = next(each for each in findings if each.subject is S.AMOUNTS)
    assert amounts.fact == (
        "The shop offers payments that ND8 refuses: MIN_AMOUNTS is 0.50 for USD, ND8's limit is 2; "
        "MIN_AMOUNTS is 0.50 for EUR, ND8's limit is 2."
    )


def test_a_read_that_is_refused_for_another_reason_leaves_its_scope_open() -> None:
    permission = Permission(Access.UNTESTED, "refunds:read", "ND8 refused listRefunds")
    report = AccountReport(key=Access.GRANTED, permissions={Right.READ_REFUNDS: permission})
    findings = {each.subject: each for each in examine_account(get_settings(), report, domain="")}
    assert findings[S.MAY_READ_REFUNDS].level is SKIPPED
    assert "ND8 refused listRefunds" in findings[S.MAY_READ_REFUNDS].fact


# What the settings alone tell


@pytest.mark.parametrize(
    ("address", "debug", "level"),
    [
        ("http://127.0.0.1:8800/sandbox/api/", True, OK),
        ("http://127.0.0.1:8800/sandbox/api/", False, WARNING),
        ("https://api.nd8.example/sandbox/api/", True, OK),
        ("https://api.nd8.example/sandbox/api/", False, WARNING),
        ("https://api.nd8.example/api/", True, WARNING),
        ("https://api.nd8.example/api/", False, OK),
    ],
)
def test_where_money_moves_must_fit_the_project(settings: Any, address: str, debug: bool, level: Level) -> None:
    change(settings, BASE_URL=address)
    settings.DEBUG = debug
    environment, _secret = examine_keys(get_settings())
    assert (environment.subject, environment.level) == (S.ENVIRONMENT, level)
    assert address in environment.fact


@pytest.mark.parametrize(
    ("secrets", "level"),
    [
        ([], ERROR),
        ([""], ERROR),
        (["whsec_good", "changeme"], ERROR),
        (["whsec_good"], OK),
        (["whsec_new", "whsec_old"], OK),
        (["whsec_a", "whsec_b", "whsec_c"], WARNING),
    ],
)
def test_secrets_are_counted_and_never_shown(settings: Any, secrets: list[str], level: Level) -> None:
    change(settings, WEBHOOK_SECRETS=secrets)
    _environment, finding = examine_keys(get_settings())
    assert (finding.subject, finding.level) == (S.WEBHOOK_SECRET, level)
    assert "whsec" not in finding.fact + finding.advice
