"""The tables for spreadsheets among very many rows: whether memory stays flat, and how many rows a second."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from oscar_nd8.models import PaymentSession, Refund
from tests.bench.figures import Figure, Profile, at_least, at_most
from tests.bench.memory import peak_of
from tests.bench.shop import refund_everything

NAME = "export"
PAYMENTS, REFUNDS = "/dashboard/payments/export/?", "/dashboard/payments/refunds/export/?"
WAGTAIL = "/cms-admin/payments/all/?export=csv&"
# Both have more lines than a portion; what is thrown away waits for Python to collect it, some portions' worth. The
# rows by which the larger one is longer would take 30 MB and more if they were kept.
MORE_MB = 16


def run(profile: Profile) -> Iterator[Figure]:
    """A table of n lines, and then a much longer one."""
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("export", "export@example.com", "x"))
    few, many = profile.pick(2_000, 100_000), profile.pick(8_000, 1_000_000)
    small: dict[str, tuple[float, int]] = {}
    for sessions in (few, many):
        call_command("seed_many", sessions=max(sessions - PaymentSession.objects.count(), 0), verbosity=0)
        refund_everything()
        for what, url, number in (
            ("payments", PAYMENTS, PaymentSession.objects.count()),
            ("refunds", REFUNDS, Refund.objects.count()),
            ("payments of Wagtail's admin", WAGTAIL, PaymentSession.objects.count()),
        ):
            lines, seconds, peak = _downloaded(staff, url)
            assert lines == number + 1, (lines, number)
            if sessions == few:
                small[what] = peak, number
                continue
            less, fewer = small[what]
            detail = f"{peak:.1f} MB for {number:,} lines, {less:.1f} MB for {fewer:,}"
            yield at_most(MORE_MB, f"{what}, memory", peak - less, unit="MB more", detail=detail)
            yield at_least(500, f"{what}, lines a second", number / seconds, unit="a second")


def _downloaded(staff: Client, url: str) -> tuple[int, float, float]:
    """Lines, seconds, and the most memory that was needed, in MB."""
    staff.get(url + "search=nobody&q=nobody")  # everything is imported
    lines = 0

    def download() -> None:
        nonlocal lines
        response: Any = staff.get(url)
        for line in response.streaming_content:
            lines += line.count(b"\n")

    seconds, peak = _timed(download)
    return lines, seconds, peak


def _timed(action: Callable[[], None]) -> tuple[float, float]:
    began = time.perf_counter()
    peak = peak_of(action)
    return time.perf_counter() - began, peak
