"""`manage.py nd8_doctor`: is everything as payments need it, and if not, what to do."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, no_translations
from django.utils import timezone

from oscar_nd8.findings import GROUPS, Finding, Level, as_data, worst_of
from oscar_nd8.services.examine import examine

# As monitors' plugins end: fine, warning, critical.
EXIT_CODES: Mapping[Level, int] = {Level.OK: 0, Level.WARNING: 1, Level.ERROR: 2}
WORDS: Mapping[Level, str] = {
    Level.OK: "ok",
    Level.SKIPPED: "not known",
    Level.WARNING: "WARNING",
    Level.ERROR: "ERROR",
}


class Command(BaseCommand):
    """Works in a half-broken project: no check of Django's stands in front of it."""

    help = (
        "Examines settings, account at ND8, webhook, database and payments under way, changes nothing, and says what "
        "to do. Ends with 0 when all is well, 1 after a warning, 2 after an error."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to leave out, and how to say it."""
        parser.add_argument("--offline", action="store_true", help="Do not call ND8.")
        parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Examine, print, and end with the code."""
        findings = examine(offline=options["offline"])
        if options["json"]:
            self.stdout.write(json.dumps(as_data(findings, at=timezone.now()), indent=2))
        else:
            self._print(findings)
        code = EXIT_CODES[worst_of(findings)]
        if code:
            sys.exit(code)

    def _print(self, findings: Sequence[Finding]) -> None:
        for heading, subjects in GROUPS.items():
            self.stdout.write(self.style.MIGRATE_HEADING(heading))
            for finding in findings:
                if finding.subject in subjects:
                    self._print_finding(finding)
        numbers = {level: sum(finding.level is level for finding in findings) for level in Level}
        self.stdout.write(
            f"{_counted(numbers[Level.ERROR], 'error')}, {_counted(numbers[Level.WARNING], 'warning')}, "
            f"{numbers[Level.OK]} fine, {numbers[Level.SKIPPED]} not known."
        )

    def _print_finding(self, finding: Finding) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        word = style.get(finding.level, str)(f"{WORDS[finding.level]:>9}")
        self.stdout.write(f"{word}  {finding.subject}: {finding.fact}")
        if finding.advice:
            self.stdout.write(f"{'':>9}  What to do: {finding.advice}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
