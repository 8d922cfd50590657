"""Everything that can be examined, in a project that may be broken anywhere: each thing ends in one finding."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from time import perf_counter

from django.contrib.sites.models import Site
from django.core import checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFault
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from oscar_nd8.conf import ND8Settings, default_currency, get_settings, is_debug, keeps_connections, redacted
from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.gateway import get_gateway
from oscar_nd8.services.examine_account import ACCOUNT, LOCAL, examine_account, examine_keys
from oscar_nd8.services.examine_records import RECORDS, examine_records

__all__ = ["examine"]

APP = "oscar_nd8"
# Checks of what has a finding of its own in every report: the currency, where money moves, and who may sign.
FOUND_ELSEWHERE = {"oscar_nd8.E005", "oscar_nd8.E006", "oscar_nd8.W002", "oscar_nd8.W004"}


def examine(*, offline: bool = False, clock: Callable[[], datetime] = timezone.now) -> list[Finding]:
    """One finding for every Subject, in its order. `offline` asks ND8 nothing. Raises nothing."""
    settings, of_settings = _settings()
    of_database = _database()
    has_database = of_database.level is Level.OK
    of_connections = (
        _guarded([Subject.CONNECTIONS], _connections) if has_database else _no_database([Subject.CONNECTIONS])
    )
    of_migrations = _guarded([Subject.MIGRATIONS], _migrations) if has_database else _no_database([Subject.MIGRATIONS])
    findings = [
        of_settings,
        *_guarded([Subject.SYSTEM_CHECKS], lambda: _system_checks(settings)),
        of_database,
        *of_connections,
        *of_migrations,
    ]
    if settings is None:
        findings += _skipped([Subject.CURRENCY, *LOCAL, *ACCOUNT], f"{of_settings.subject} are wrong; see there.")
    else:
        findings += [_currency(settings), *examine_keys(settings)]
        findings += _account(settings, offline=offline, has_database=has_database, clock=clock)
    findings += _records(of_migrations[0], clock) if has_database else _no_database(RECORDS)
    found = {finding.subject: finding for finding in findings}
    return [found[subject] for subject in Subject]


def _settings() -> tuple[ND8Settings | None, Finding]:
    try:
        return get_settings(), Finding(Subject.SETTINGS, Level.OK, "settings.ND8 is complete and well formed.")
    except ImproperlyConfigured as error:
        advice = "Correct it: docs/settings.md lists every key. Nothing else of the shop starts until then."
        return None, Finding(Subject.SETTINGS, Level.ERROR, str(error), advice)


def _system_checks(settings: ND8Settings | None) -> list[Finding]:
    """What our own checks say besides; those of other apps are `manage.py check`'s business."""
    shown = (message for message in _messages(settings) if not message.is_silenced())
    messages = [message for message in shown if message.id not in FOUND_ELSEWHERE]
    if not messages:
        return [Finding(Subject.SYSTEM_CHECKS, Level.OK, "The system checks of oscar_nd8 find nothing.")]
    level = Level.ERROR if any(message.level >= checks.ERROR for message in messages) else Level.WARNING
    fact = " ".join(f"{message.id}: {message.msg}" for message in messages)
    advice = " ".join(f"{message.id}: {message.hint}" for message in messages if message.hint)
    return [Finding(Subject.SYSTEM_CHECKS, level, fact, advice)]


def _messages(settings: ND8Settings | None) -> Iterable[checks.CheckMessage]:
    for check in registry.get_checks():
        if check.__module__.partition(".")[0] != APP:
            continue
        try:
            yield from check(app_configs=None, databases=None)
        except ImproperlyConfigured:
            if settings is not None:
                raise  # else it is the settings again, which have a finding of their own


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseFault, ImproperlyConfigured) as error:
        fact = f"The database does not answer: {_one_line(error)}"
        return Finding(Subject.DATABASE, Level.ERROR, fact, "Correct DATABASES, or start the server.")
    return Finding(Subject.DATABASE, Level.OK, f"{connection.display_name} answers.")


def _connections() -> list[Finding]:
    """What a request pays before its first query, measured where it pays."""
    if keeps_connections(connection.vendor, connection.settings_dict):
        return [Finding(Subject.CONNECTIONS, Level.OK, "A request finds its connection to the database open.")]
    fresh = connection.copy()
    began = perf_counter()
    fresh.ensure_connection()
    milliseconds = (perf_counter() - began) * 1000
    fresh.close()
    fact = (
        f"CONN_MAX_AGE is 0: every request opens a connection to the database, which takes {milliseconds:.1f} ms now."
    )
    if is_debug() or checks.Warning("", id="oscar_nd8.W010").is_silenced():
        return [Finding(Subject.CONNECTIONS, Level.OK, fact)]
    advice = "Set it to None, or to some minutes, or set up a pool. Notifications are what suffers most."
    return [Finding(Subject.CONNECTIONS, Level.WARNING, fact, advice)]


def _migrations() -> list[Finding]:
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    if APP not in loader.migrated_apps:
        return _skipped([Subject.MIGRATIONS], "This project runs oscar_nd8 without its migrations.")
    known = {name for app, name in loader.graph.nodes if app == APP}
    applied = {name for app, name in loader.applied_migrations if app == APP}
    missing, newer = ", ".join(sorted(known - applied)), ", ".join(sorted(applied - known))
    if missing:
        fact = f"Migrations of oscar_nd8 are not applied: {missing}."
        return [Finding(Subject.MIGRATIONS, Level.ERROR, fact, "Run manage.py migrate.")]
    if newer:
        fact = f"The database has migrations of oscar_nd8 that this version does not know: {newer}."
        return [Finding(Subject.MIGRATIONS, Level.WARNING, fact, "Deploy the version that they belong to.")]
    return [Finding(Subject.MIGRATIONS, Level.OK, "All migrations of oscar_nd8 are applied.")]


def _currency(settings: ND8Settings) -> Finding:
    taken, currency = ", ".join(settings.CURRENCIES), default_currency()
    if currency in settings.CURRENCIES:
        return Finding(Subject.CURRENCY, Level.OK, f"The shop's default currency {currency} is among those of ND8.")
    fact = f"The shop's default currency is {currency}, and ND8 takes {taken}: it is not offered for such prices."
    advice = "Set OSCAR_DEFAULT_CURRENCY to one of them, or give products prices in one of them."
    return Finding(Subject.CURRENCY, Level.WARNING, fact, advice)


def _account(
    settings: ND8Settings, *, offline: bool, has_database: bool, clock: Callable[[], datetime]
) -> list[Finding]:
    if offline:
        return _skipped(ACCOUNT, "ND8 was not asked, because of --offline.")

    def ask() -> list[Finding]:
        report = get_gateway("nd8").examine(clock=clock)
        return examine_account(settings, report, domain=_domain() if has_database else "")

    return _guarded(ACCOUNT, ask)


def _domain() -> str:
    try:
        return Site.objects.get_current().domain
    except (Site.DoesNotExist, ImproperlyConfigured, DatabaseFault):
        return ""


def _records(migrations: Finding, clock: Callable[[], datetime]) -> list[Finding]:
    if migrations.level is Level.ERROR:
        return _skipped(RECORDS, "The tables are not those of this version; see migrations.")
    return _guarded(RECORDS, lambda: examine_records(clock=clock))


def _no_database(subjects: Iterable[Subject]) -> list[Finding]:
    return _skipped(subjects, "The database does not answer; see database.")


def _guarded(subjects: Sequence[Subject], examine_them: Callable[[], list[Finding]]) -> list[Finding]:
    """The findings, or one that names what broke while looking for them."""
    try:
        return examine_them()
    except Exception as error:  # noqa: BLE001  # a project can be broken in any way, and naming how is the task
        fact = f"It could not be examined: {_one_line(error)}"
        first = Finding(subjects[0], Level.ERROR, fact, "Correct that, then run nd8_doctor again.")
        return [first, *_skipped(subjects[1:], f"Not examined; see {subjects[0]}.")]


def _skipped(subjects: Iterable[Subject], because: str) -> list[Finding]:
    return [Finding(subject, Level.SKIPPED, because) for subject in subjects]


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {redacted(' '.join(str(error).split()))[:300]}"
