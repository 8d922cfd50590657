"""The tables for spreadsheets among very many rows: whether memory stays flat, and how many rows a second."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client

from oscar_nd8.models import PaymentSession, Refund
from tests.bench.figures import Figure, Profile, at_least, at_most
from tests.bench.memory import peak_of

NAME = "export"
PAYMENTS, REFUNDS = "/dashboard/payments/export/", "/dashboard/payments/refunds/export/"
# Portions and their prefetched rows; ten times as many lines must not need ten times as much.
MORE_MB = 8
REFUNDED = """
    INSERT INTO oscar_nd8_refund (payment_id, gateway, refund_id, reference, origin, status, status_reason, raw_status,
        currency, amount, reason, parts, restock, created_at, asked_at, closed_at, booked_at, mailed_at)
    SELECT id, 'nd8', 'RFmany' || id, 'R-many' || id, 'shop', 'completed', '', 'completed', 'USD', 100, 'broken', '{}',
        false, created_at, created_at, created_at, created_at, created_at
    FROM oscar_nd8_payment WHERE transaction_id LIKE 'TXmany%' AND state = 'paid'
        AND NOT EXISTS (SELECT 1 FROM oscar_nd8_refund WHERE payment_id = oscar_nd8_payment.id)
"""


def run(profile: Profile) -> Iterator[Figure]:
    """A table of n lines, and then one of about ten times as many."""
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("export", "export@example.com", "x"))
    few, many = profile.pick(2_000, 100_000), profile.pick(20_000, 1_000_000)
    small: dict[str, float] = {}
    for sessions in (few, many):
        call_command("seed_many", sessions=max(sessions - PaymentSession.objects.count(), 0), verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(REFUNDED)
            cursor.execute("ANALYZE")
        for what, url, number in (
            ("payments", PAYMENTS, PaymentSession.objects.count()),
            ("refunds", REFUNDS, Refund.objects.count()),
        ):
            lines, seconds, peak = _downloaded(staff, url)
            assert lines == number + 1, (lines, number)
            if sessions == few:
                small[what] = peak
                continue
            detail = f"{peak:.1f} MB for {number:,} lines, {small[what]:.1f} MB for a tenth"
            yield at_most(MORE_MB, f"{what}, memory", peak - small[what], unit="MB more", detail=detail)
            yield at_least(500, f"{what}, lines a second", number / seconds, unit="a second")


def _downloaded(staff: Client, url: str) -> tuple[int, float, float]:
    """Lines, seconds, and the most memory that was needed, in MB."""
    staff.get(url + "?search=nobody")  # everything is imported
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
