"""The reconciler against a provider that answers in 50 ms, beside raw calls of as many threads; and its memory."""

import json
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import httpx
from django.db import connection
from django.utils import timezone

from oscar_nd8.gateway import get_gateway
from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.services.reconcile import reconcile
from tests.bench.figures import Figure, Profile, at_least, at_most, in_turns, milliseconds, quotient
from tests.bench.memory import peak_of
from tests.bench.shop import Provider, provider

__all__ = ["NAME", "run", "seed_held"]

NAME = "reconcile"
LATENCY = 0.05
IN_FLIGHT = 16
# What a run may need at all, whatever is due: connections of its threads, and a thousand keys.
MORE_MB = 8

# Held payments, of which the provider says the same each time: asked about, and written down when.
SEED = """
    WITH made AS (
        INSERT INTO oscar_nd8_paymentsession (token, gateway, status, status_reason, quote, fingerprint, reuse_key,
            currency, amount, order_number, email, language, checkout_id, checkout_url, created_at, paid_at)
        SELECT gen_random_uuid(), 'nd8', 'held', '', '{}', md5(i::text), md5('due' || i), 'USD', 1000, 'due-' || i,
            'guest@example.com', 'en', 'chk-due-' || i, '', now() - interval '1 hour', now() - interval '1 hour'
        FROM generate_series(%(first)s, %(last)s) AS i
        RETURNING id)
    INSERT INTO oscar_nd8_payment (session_id, gateway, transaction_id, state, raw_status, deposit, currency, net,
        attempts, asked_at, created_at)
    SELECT id, 'nd8', 'TX1000-' || id, 'paid', 'paid', 'succeeded', 'USD', 950, %(attempts)s,
        now() - interval '1 hour', now() - interval '1 hour'
    FROM made"""


def run(profile: Profile) -> Iterator[Figure]:
    """How fast, and then how big."""
    rows = profile.pick(3840, 6400)
    with provider(latency=LATENCY) as nd8:
        seed_held(rows)

        def floor() -> float:
            return rows / milliseconds(lambda: _raw_calls(nd8, rows)) * 1000

        def ours() -> float:
            _make_due()
            return rows / milliseconds(lambda: _reconcile(rows)) * 1000

        # Imported, and connected.
        _raw_calls(nd8, IN_FLIGHT)
        _make_due()
        _reconcile(IN_FLIGHT, at_most=IN_FLIGHT)
        floors, rates = in_turns(floor, ours, rounds=profile.pick(1, 7))
    rate, raw, limit = statistics.median(rates), statistics.median(floors), IN_FLIGHT / LATENCY
    detail = f"{rate:.0f}/s; raw calls reach {raw:.0f}/s"
    yield at_least(0.9, f"sessions a second, limit {limit:.0f}/s", rate / limit, unit="of the limit", detail=detail)
    yield at_least(0.9, "sessions a second, beside raw calls", quotient(rates, floors), detail=detail)
    yield _memory(profile)


def _memory(profile: Profile) -> Figure:
    few, many = 1_000, profile.pick(3_000, 1_000_000)
    with provider():
        peaks, seconds = [], []
        for rows in (few, many):
            seed_held(rows)
            _make_due()
            looked_at = min(rows, 50_000)
            seconds.append(milliseconds(lambda at_most=looked_at: peaks.append(_peak(at_most))) / 1000)  # type: ignore[misc]  # called at once
    detail = f"{peaks[1]:.1f} MB for {many:,}, {peaks[0]:.1f} MB for {few:,}; {looked_at / seconds[1]:.0f} a second"
    return at_most(MORE_MB, "memory, by how many are due", peaks[1] - peaks[0], unit="MB more", detail=detail)


def _peak(rows: int) -> float:
    return peak_of(lambda: _reconcile(rows, at_most=rows))


def _make_due() -> None:
    PaymentSession.objects.filter(order_number__startswith="due-").update(due_at=timezone.now())


def _reconcile(rows: int, *, at_most: int | None = None) -> None:
    summary = reconcile(workers=IN_FLIGHT, at_most=at_most)
    assert summary.looked_at == rows, summary
    assert (summary.postponed, summary.broken) == (0, 0), summary


def _raw_calls(nd8: Provider, calls: int) -> None:
    urls = [f"{nd8.url}/sandbox/api/transactions/TX1000-{number}/" for number in range(calls)]
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    with httpx.Client(trust_env=False, limits=limits) as client, ThreadPoolExecutor(IN_FLIGHT) as pool:
        answers = list(pool.map(lambda url: client.get(url).json(), urls))
    assert len(answers) == calls


def seed_held(rows: int) -> None:
    """So many held payments in all, as the provider described them the last time."""
    said = get_gateway("nd8").look_up("TX1000-1")
    there = Payment.objects.filter(transaction_id__startswith="TX1000-").count()
    attempts = json.dumps([asdict(each) for each in said.attempts])
    with connection.cursor() as cursor:
        cursor.execute(SEED, {"first": there, "last": rows - 1, "attempts": attempts})
        cursor.execute("ANALYZE")
