"""`manage.py nd8_doctor`: what it prints, how it ends, and that nothing broken breaks it."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone, translation

from oscar_nd8.findings import GROUPS, Finding, Level, Subject, as_data, worst_of
from oscar_nd8.services.examine import examine
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8
from tests.staff import make_session

SETTINGS = "tests.shops.half_broken"


def doctor(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    out, code = StringIO(), 0
    try:
        call_command("nd8_doctor", *options, stdout=out, no_color=True)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


def broken(*options: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, findings by id, and stderr of a process whose project is broken in the given ways."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "nd8_doctor", "--json", *options],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    findings = {each["id"]: each for each in json.loads(done.stdout)["findings"]}
    assert list(findings) == list(Subject)
    return done.returncode, findings, done.stdout + done.stderr


@pytest.fixture
def healthy(nd8: ND8, settings: Any, db: None) -> ND8:
    """A project in development with an account that agrees."""
    settings.DEBUG = True
    Site.objects.update(domain="127.0.0.1:8000")
    Site.objects.clear_cache()
    nd8.send_webhooks_to("http://127.0.0.1:8000/nd8/webhook/")
    return nd8


# What it says


@pytest.mark.usefixtures("healthy")
def test_a_healthy_shop_ends_with_zero() -> None:
    code, text = doctor()
    assert code == 0
    assert text.endswith("0 errors, 0 warnings, 24 fine, 1 not known.\n")
    assert "What to do" not in text
    assert "       ok  api-key: ND8 accepts the API key.\n" in text


@pytest.mark.usefixtures("healthy")
def test_findings_stand_in_their_groups_each_once() -> None:
    _code, text = doctor()
    lines = [line for line in text.splitlines()[:-1] if "What to do" not in line]
    expected: list[str] = []
    for heading, subjects in GROUPS.items():
        expected += [heading, *subjects]
    assert [line if line in GROUPS else line.split(":")[0].split()[-1] for line in lines] == expected


def test_a_warning_ends_with_one_and_says_what_to_do(healthy: ND8) -> None:
    make_session("100001", SessionStatus.HELD, paid_at=timezone.now())
    code, text = doctor()
    assert code == 1
    assert "  WARNING  held: 1 payment has been held for a decision for 0 minutes.\n" in text
    assert "           What to do: The shopper's money has arrived and there is no order" in text
    assert text.endswith("0 errors, 1 warning, 23 fine, 1 not known.\n")


def test_an_error_ends_with_two(healthy: ND8) -> None:
    healthy.control("keys", key="nd8_test_key", revoked=True)
    make_session("100001", SessionStatus.HELD, paid_at=timezone.now())
    code, text = doctor()
    assert code == 2
    assert "    ERROR  api-key: ND8 refuses the API key" in text


def test_silence_is_said_in_words(healthy: ND8) -> None:
    make_session("100001", created_at=timezone.now(), opened_at=timezone.now(), due_at=None)
    code, text = doctor()
    assert code == 1
    assert "No notification of ND8's has ever arrived. 1 payment page was opened since." in text


def test_the_json_is_the_health_pages(healthy: ND8) -> None:
    code, text = doctor("--json")
    answer = json.loads(text)
    assert code == 0
    assert list(answer) == ["status", "checked_at", "findings"]
    assert answer["status"] == "ok"
    assert [each["id"] for each in answer["findings"]] == list(Subject)
    for each in answer["findings"]:
        assert list(each) == ["id", "level", "fact", "advice"]
        assert each["level"] in set(Level)


def test_offline_nothing_is_asked(healthy: ND8) -> None:
    code, text = doctor("--offline")
    assert code == 0
    assert "not known  api-key: ND8 was not asked, because of --offline.\n" in text
    assert healthy.state["calls"] == []


@pytest.mark.usefixtures("healthy")
def test_the_words_are_english_whatever_the_shop_speaks() -> None:
    make_session("100001", SessionStatus.HELD, paid_at=timezone.now())
    with translation.override("de"):
        assert "for 0 minutes" in doctor("--offline")[1]


@pytest.mark.usefixtures("healthy")
def test_no_secret_is_printed(settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "HEALTH_TOKEN": "token_of_a_monitor"}
    text = doctor()[1] + doctor("--json")[1]
    for secret in ("nd8_test_key", "nd8_test_token", "whsec", "token_of_a_monitor"):
        assert secret not in text


# What is broken


@pytest.mark.parametrize(
    ("age", "debug", "level"), [(0, False, "warning"), (0, True, "ok"), (None, False, "ok"), (60, False, "ok")]
)
def test_a_connection_for_each_request_is_measured_and_said(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, age: int | None, debug: bool, level: str
) -> None:
    settings.DEBUG = debug
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", age)
    found = {finding.subject: finding for finding in examine(offline=True)}[Subject.CONNECTIONS]
    assert found.level == level
    assert bool(re.search(r"takes \d+\.\d ms now", found.fact)) == (age == 0)


def test_who_silenced_the_check_is_not_told_by_the_doctor(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["oscar_nd8.W010"]
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    found = {finding.subject: finding for finding in examine(offline=True)}[Subject.CONNECTIONS]
    assert (found.level, found.advice) == ("ok", "")


@pytest.mark.usefixtures("db")
def test_a_database_that_is_down_is_a_finding(settings: Any) -> None:
    def down(*_query: Any) -> None:
        raise OperationalError("connection refused\n\tIs the server running?")

    with connection.execute_wrapper(down):
        findings = {each.subject: each for each in examine(offline=True)}
    assert findings[Subject.DATABASE].level is Level.ERROR
    assert "OperationalError: connection refused Is the server running?" in findings[Subject.DATABASE].fact
    assert findings[Subject.SETTINGS].level is Level.OK
    assert {findings[subject].level for subject in (Subject.MIGRATIONS, Subject.QUEUE, Subject.HELD)} == {Level.SKIPPED}


def test_wrong_settings_are_a_finding_and_the_rest_is_examined(tmp_path: Path) -> None:
    code, findings, text = broken(SANDBOX_VAR_DIR=str(tmp_path), BREAK="settings")
    assert code == 2
    assert findings["settings"]["level"] == "error"
    assert "API_KEI: Extra inputs are not permitted" in findings["settings"]["fact"]
    assert (findings["api-key"]["level"], findings["webhook-secret"]["level"]) == ("skipped", "skipped")
    assert findings["database"]["level"] == "ok"
    assert "sk_very_secret" not in text


def test_tables_that_are_not_there_are_a_finding(tmp_path: Path) -> None:
    code, findings, _text = broken("--offline", SANDBOX_VAR_DIR=str(tmp_path))
    assert code == 2
    assert findings["migrations"]["level"] == "error"
    assert "0001_initial" in findings["migrations"]["fact"]
    assert findings["migrations"]["advice"] == "Run manage.py migrate."
    assert findings["held"]["level"] == "skipped"


def test_a_database_that_cannot_be_reached_does_not_hide_what_nd8_says(healthy: ND8, tmp_path: Path) -> None:
    code, findings, text = broken(
        SANDBOX_VAR_DIR=str(tmp_path),
        DATABASE_URL="postgres://shop:sk_very_secret@127.0.0.1:9/shop",
        ND8_EMULATOR_PORT=healthy.url.rpartition(":")[2],
    )
    assert code == 2
    assert findings["database"]["level"] == "error"
    assert (findings["api-key"]["level"], findings["price-mode"]["level"]) == ("ok", "ok")
    assert (findings["webhook-address"]["level"], findings["notifications"]["level"]) == ("skipped", "skipped")
    assert "sk_very_secret" not in text


def test_urls_that_cannot_be_imported_are_a_finding(tmp_path: Path) -> None:
    code, findings, _text = broken("--offline", SANDBOX_VAR_DIR=str(tmp_path), BREAK="urls")
    assert code == 2
    assert findings["system-checks"]["level"] == "error"
    assert "ModuleNotFoundError: No module named 'tests.shops.no_such_urls'" in findings["system-checks"]["fact"]


@pytest.mark.usefixtures("db")
def test_system_checks_are_repeated_with_their_hints_unless_silenced(settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "API_KEY": "changeme"}
    finding = examine(offline=True)[1]
    assert (finding.subject, finding.level) == (Subject.SYSTEM_CHECKS, Level.ERROR)
    assert 'oscar_nd8.E004: ND8["API_KEY"] is empty or a placeholder' in finding.fact
    assert "oscar_nd8.E004: Take the key from ND8's dashboard" in finding.advice
    settings.SILENCED_SYSTEM_CHECKS = ["oscar_nd8.E004", "oscar_nd8.W004", "oscar_nd8.W005", "oscar_nd8.W010"]
    assert examine(offline=True)[1].level is Level.OK


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("wrong", "subject"),
    [
        ({"WEBHOOK_SECRETS": []}, Subject.WEBHOOK_SECRET),
        ({"WEBHOOK_SECRETS": ["changeme"]}, Subject.WEBHOOK_SECRET),
        ({"CURRENCIES": ["EUR"]}, Subject.CURRENCY),
        ({}, Subject.ENVIRONMENT),
    ],
)
def test_what_has_a_finding_of_its_own_is_not_said_twice(
    settings: Any, wrong: dict[str, Any], subject: Subject
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["oscar_nd8.W005", "oscar_nd8.W010"]
    settings.ND8 = {**settings.ND8, **wrong}
    findings = {each.subject: each for each in examine(offline=True)}
    assert findings[subject].level in {Level.ERROR, Level.WARNING}
    assert findings[Subject.SYSTEM_CHECKS].level is Level.OK


@pytest.mark.usefixtures("db")
def test_a_currency_that_nd8_does_not_take_is_named(settings: Any) -> None:
    settings.OSCAR_DEFAULT_CURRENCY = "GBP"
    finding = next(each for each in examine(offline=True) if each.subject is Subject.CURRENCY)
    assert (finding.level, "GBP" in finding.fact) == (Level.WARNING, True)


def test_migrations_are_compared_with_what_was_applied(settings: Any, db: None) -> None:
    def migrations() -> Finding:
        return next(each for each in examine(offline=True) if each.subject is Subject.MIGRATIONS)

    assert migrations().level is Level.SKIPPED  # tests make their tables without them
    settings.MIGRATION_MODULES = {}
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    files = (Path(__file__).parents[2] / "oscar_nd8" / "migrations").glob("0*.py")
    for path in files:
        assert migrations().level is Level.ERROR
        recorder.record_applied("oscar_nd8", path.stem)
    assert migrations().level is Level.OK
    recorder.record_applied("oscar_nd8", "0999_of_tomorrow")
    assert (migrations().level, "0999_of_tomorrow" in migrations().fact) == (Level.WARNING, True)


# Levels together


def test_the_worst_counts_and_what_is_not_known_does_not() -> None:
    def of(*levels: Level) -> Level:
        return worst_of([Finding(Subject.QUEUE, level, "") for level in levels])

    assert of() is of(Level.SKIPPED) is of(Level.OK, Level.SKIPPED) is Level.OK
    assert of(Level.OK, Level.WARNING, Level.SKIPPED) is Level.WARNING
    assert of(Level.ERROR, Level.WARNING) is Level.ERROR
    assert as_data([], at=timezone.now())["status"] == "ok"


def test_every_subject_is_in_one_group_and_in_the_order_of_all() -> None:
    assert [subject for subjects in GROUPS.values() for subject in subjects] == list(Subject)
