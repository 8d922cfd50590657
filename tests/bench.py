"""`make bench`: how long each door takes beside its floor, measured in turns in one run. No test depends on it."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402  # Django must be set up first
from django.test.utils import (  # noqa: E402
    override_settings,
    setup_databases,
    setup_test_environment,
    teardown_databases,
)
from oscar.core.loading import get_model  # noqa: E402

from oscar_nd8.models import PaymentSession  # noqa: E402
from oscar_nd8.testing import (  # noqa: E402
    ND8,
    Shopper,
    emulated_nd8,
    make_countries,
    make_product,
    post_webhook,
)

ROUNDS = 3
SIZES = [1, 10, 50]


def milliseconds(action: Callable[[], Any]) -> float:
    """One run of `action`."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def filled(lines: int, number: int) -> Shopper:
    """A shopper at the preview."""
    shopper = Shopper(email=f"bench-{lines}-{number}@example.com")
    for product in get_model("catalogue", "Product").objects.order_by("pk")[:lines]:
        shopper.add(product)
    shopper.go_to_preview()
    return shopper


def compare(nd8: ND8, lines: int) -> dict[str, list[float]]:
    """Medians' raw material: Oscar's own placement and our two halves of the road, in turns."""
    times: dict[str, list[float]] = {"Oscar places": [], "we begin": [], "we settle and place": []}
    for number in range(ROUNDS):
        stock = filled(lines, 2 * number)
        stock.client.post("/checkout/payment-method/", {"method": "invoice"})
        times["Oscar places"].append(milliseconds(stock.pay_now))
        ours = filled(lines, 2 * number + 1)
        times["we begin"].append(milliseconds(ours.pay_now))
        nd8.outcome(PaymentSession.objects.latest("pk"))
        body, headers = nd8.notification()
        stranger = Shopper().client
        times["we settle and place"].append(
            milliseconds(lambda client=stranger, sent=(body, headers): post_webhook(client, *sent))  # type: ignore[misc]  # bound now
        )
    return times


def main() -> None:
    """Print one table; ND8 is the emulator in this process, so its share is in our times."""
    settings.MIGRATION_MODULES = _NoMigrations()
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with emulated_nd8() as nd8, override_settings(OSCAR_MAX_BASKET_QUANTITY_THRESHOLD=None):
            make_countries()
            for number in range(max(SIZES)):
                make_product(f"Product {number}", "1.00", stock=100_000)
            print(f"{'lines':>5} {'what':<22} {'median ms':>10} {'of Oscar':>9}")
            for lines in SIZES:
                _print(lines, compare(nd8, lines))
    finally:
        teardown_databases(databases, verbosity=0)


def _print(lines: int, times: dict[str, list[float]]) -> None:
    floor = statistics.median(times["Oscar places"])
    for what, each in times.items():
        median = statistics.median(each)
        print(f"{lines:>5} {what:<22} {median:>10.1f} {median / floor:>9.2f}")


class _NoMigrations(dict[str, None]):
    """Says of every app that it has none, which makes its tables at once."""

    def __contains__(self, app: object) -> bool:
        return True

    def __missing__(self, app: str) -> None:
        return None


if __name__ == "__main__":
    main()
