"""The shop that is measured: a database of its own, and a provider that costs next to nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from django.conf import settings
from django.db import connection
from django.test.utils import (
    override_settings,
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)
from oscar.core.loading import get_class, get_model

from oscar_nd8.nd8.connection import nd8_client
from oscar_nd8.testing import Shopper, make_countries, make_product
from tests.emptying import empty
from tests.regular import Regular

__all__ = ["Provider", "database", "database_url", "filled", "open_shop", "provider", "refund_everything"]

REFUNDED = """
    INSERT INTO oscar_nd8_refund (payment_id, gateway, refund_id, reference, origin, status, status_reason, raw_status,
        currency, amount, reason, parts, restock, created_at, asked_at, closed_at, booked_at, mailed_at)
    SELECT id, 'nd8', 'RFmany' || id, 'R-many' || id, 'shop', 'completed', '', 'completed', 'USD', 100, 'broken', '{}',
        false, created_at, created_at, created_at, created_at, created_at
    FROM oscar_nd8_payment WHERE transaction_id LIKE 'TXmany%' AND state = 'paid'
    ON CONFLICT (reference) DO NOTHING
"""


@contextmanager
def database() -> Iterator[None]:
    """A database of this run's own."""
    settings.MIGRATION_MODULES = _NoMigrations()
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with override_settings(OSCAR_MAX_BASKET_QUANTITY_THRESHOLD=None):
            yield
    finally:
        teardown_databases(databases, verbosity=0)
        teardown_test_environment()


def open_shop(*, products: int) -> None:
    """Nothing of what an earlier benchmark left, and as many products as the largest basket has lines."""
    empty()
    make_countries()
    for number in range(products):
        make_product(f"Product {number}", "1.00", stock=10_000_000)


def database_url(name: str = "") -> str:
    """The address of this run's database, or of another one beside it, for other processes."""
    parts = connection.settings_dict
    host = parts["HOST"] or parts["OPTIONS"]["host"]
    password = f":{quote(parts['PASSWORD'], safe='')}" if parts["PASSWORD"] else ""
    return (
        f"postgresql://{parts['USER']}{password}@{quote(host, safe='')}:{parts['PORT'] or 5432}/{name or parts['NAME']}"
    )


def refund_everything() -> None:
    """A refund of everything that `seed_many` paid."""
    with connection.cursor() as cursor:
        cursor.execute(REFUNDED)
        cursor.execute("ANALYZE")


@dataclass(frozen=True, slots=True)
class Provider:
    """The stub of ND8 in a process of its own."""

    url: str


@contextmanager
def provider(*, latency: float = 0.0) -> Iterator[Provider]:
    """A provider that answers every call after `latency` seconds, and settings that name it."""
    command = [sys.executable, "-m", "tests.bench.stub", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        here = {
            "BASE_URL": f"http://127.0.0.1:{port}/sandbox/api/",
            "CHECKOUT_HOSTS": [f"127.0.0.1:{port}"],
        }
        try:
            with override_settings(ND8=settings.ND8 | here):
                yield Provider(f"http://127.0.0.1:{port}")
                nd8_client().close()
        finally:
            process.terminate()


def filled(lines: int, number: int) -> Shopper:
    """A shopper at the preview with a basket of `lines` lines."""
    shopper = Regular(email=f"bench-{lines}-{number}@example.com")
    first, *others = get_model("catalogue", "Product").objects.order_by("pk")[:lines]
    shopper.add(first)
    # By the basket itself: fifty requests would take longer than what is measured then.
    basket = get_model("basket", "Basket").objects.latest("pk")
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()
    for product in others:
        basket.add_product(product)
    assert basket.num_lines == lines
    shopper.hurry_to_preview()
    return shopper


def wait_for(url: str, *, tries: int = 200) -> None:
    """Until a server that was just started answers."""
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, trust_env=False) as client:
        for _ in range(tries):
            try:
                client.get(url)
            except httpx.TransportError:
                continue
            return
    raise TimeoutError(f"{url} does not answer")


class _NoMigrations(dict[str, None]):
    """Says of every app that it has none, which makes its tables at once."""

    def __contains__(self, app: object) -> bool:
        return True

    def __missing__(self, app: str) -> None:
        return None
