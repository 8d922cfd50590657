"""The page for Prometheus: what a purchase adds to it, what waits, who may read it, and what it never tells."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from oscar_nd8.exceptions import ProviderUnavailable
from oscar_nd8.gateway import get_gateway
from oscar_nd8.metrics import exporter
from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.services.measure_backlog import measure_backlog
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.staff import browser_of, make_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.shops.metered_urls")]

ROOT = Path(__file__).resolve().parents[2]
METRICS = "/nd8/metrics/"
TOKEN = "a-token-of-a-monitor"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Sample = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture(autouse=True)
def _counting(settings: Any) -> Iterator[None]:
    """As in a shop that has the app installed."""
    settings.ND8 = {**settings.ND8, "HEALTH_TOKEN": TOKEN}
    exporter.connect()
    yield
    exporter.disconnect()


def named(name: str, **labels: str) -> Sample:
    """One sample's name."""
    return name, frozenset(labels.items())


def parsed(text: str) -> dict[Sample, float]:
    """Every sample of a page."""
    return {
        named(each.name, **each.labels): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def scrape() -> dict[Sample, float]:
    """What Prometheus reads now."""
    response = Client().get(METRICS, headers=BEARER)
    assert response.status_code == 200
    return parsed(response.content.decode())


@pytest.fixture
def added() -> Callable[..., float]:
    """How much a counter grew since the test began: they live as long as the process."""
    before = scrape()

    def grown(name: str, **labels: str) -> float:
        sample = named(name, **labels)
        return scrape().get(sample, 0) - before.get(sample, 0)

    return grown


# What is counted


def test_a_purchase_is_counted_on_its_whole_road(
    added: Callable[..., float], guest: Shopper, mug: Any, nd8: ND8
) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    for status in ("open", "paid", "placed"):
        assert added("nd8_sessions_total", status=status) == 1, status
    assert added("nd8_sessions_total", status="held") == 0
    assert added("nd8_provider_request_seconds_count", operation="createPayment", outcome="ok") == 1
    assert added("nd8_provider_request_seconds_count", operation="getPaymentById", outcome="ok") == 1
    assert added("nd8_work_seconds_count", work="settle", outcome="placed") == 1
    assert added("nd8_work_seconds_count", work="place", outcome="placed") == 1
    assert added("nd8_events_total", outcome="processed") == 1
    assert added("nd8_event_lag_seconds_count") == 1
    assert 0 < added("nd8_event_lag_seconds_sum") < 20


def test_the_lag_is_from_the_arrival_to_the_end_of_the_first_try(
    added: Callable[..., float], session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=2))
    assert added("nd8_event_lag_seconds_count") == 0

    reconcile()

    assert added("nd8_event_lag_seconds_count") == 1
    assert added("nd8_event_lag_seconds_bucket", le="60.0") == 0
    assert added("nd8_event_lag_seconds_bucket", le="300.0") == 1
    assert added("nd8_work_seconds_count", work="reconcile", outcome="finished") == 1


def test_an_event_that_is_tried_again_says_nothing_about_the_queue(
    added: Callable[..., float], session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    nd8.fault("getPaymentById", "500", times=100)
    assert nd8.deliver(Shopper().client).status_code == 503
    nd8.fault("getPaymentById", "500", times=0)
    assert nd8.deliver(Shopper().client).status_code == 200

    assert added("nd8_events_total", outcome="failed") == 1
    assert added("nd8_events_total", outcome="processed") == 1
    assert added("nd8_event_lag_seconds_count") == 1
    assert added("nd8_work_seconds_count", work="settle", outcome="ProviderUnavailable") == 1


def test_every_request_that_goes_wrong_is_counted_by_its_kind(
    added: Callable[..., float], session: PaymentSession, nd8: ND8
) -> None:
    transaction_id = nd8.outcome(session)
    nd8.fault("getPaymentById", "500", times=1)
    get_gateway("nd8").look_up(transaction_id)

    operation = "getPaymentById"
    assert added("nd8_provider_request_seconds_count", operation=operation, outcome="ProviderUnavailable") == 1
    assert added("nd8_provider_request_seconds_count", operation=operation, outcome="ok") == 1


def test_what_the_circuit_keeps_back_is_counted_and_took_no_time(
    added: Callable[..., float], nd8: ND8, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "READ_BUDGET": 0.1}
    nd8.fault("getPaymentById", "500", times=100)
    for _each in range(6):
        with pytest.raises(ProviderUnavailable):
            get_gateway("nd8").look_up("TX1")

    kept_back = {"operation": "getPaymentById", "outcome": "CircuitOpen"}
    assert added("nd8_provider_request_seconds_count", **kept_back) == 1
    assert added("nd8_provider_request_seconds_sum", **kept_back) == 0


def test_refunds_are_counted_by_how_they_end(added: Callable[..., float], session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    refund = request_refund(session.payments.get(), reason="broken", amount=100)
    nd8.control(f"refunds/{refund.refund_id}/outcome", status="completed")
    nd8.deliver(Shopper().client)

    assert added("nd8_work_seconds_count", work="refund", outcome="processing") == 1
    assert added("nd8_refunds_total", status="completed") == 1


def test_a_payment_that_is_held_opens_a_matter_and_waits(
    added: Callable[..., float], session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, net_amount="0.01")
    nd8.deliver(Shopper().client)

    assert added("nd8_sessions_total", status="held") == 1
    assert added("nd8_matters_total", kind="held") == 1
    now = scrape()
    assert now[named("nd8_matters_open", kind="held")] == 1
    assert now[named("nd8_matters_open", kind="refund_failed")] == 0
    assert now[named("nd8_payments_waiting", status="held")] == 1


# What waits


def test_a_queue_without_a_worker_shows_in_the_gauges(session: PaymentSession, nd8: ND8, settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    hour_ago = timezone.now() - timedelta(hours=1)
    WebhookEvent.objects.update(received_at=hour_ago, due_at=hour_ago)

    now = scrape()

    assert now[named("nd8_events_waiting", status="received")] == 1
    assert now[named("nd8_events_waiting", status="failed")] == 0
    assert 3600 <= now[named("nd8_events_oldest_waiting_seconds")] < 3700
    assert 3600 <= now[named("nd8_reconcile_overdue_seconds")] < 3700


def test_where_nothing_waits_every_gauge_is_there_and_zero() -> None:
    now = scrape()
    waiting = {name: value for (name, _labels), value in now.items() if name in {"nd8_matters_open", *GAUGES}}
    assert set(waiting) == {"nd8_matters_open", *GAUGES}
    assert set(waiting.values()) == {0}


GAUGES = {
    "nd8_events_waiting",
    "nd8_events_oldest_waiting_seconds",
    "nd8_payments_waiting",
    "nd8_reconcile_overdue_seconds",
}


def test_the_cost_of_a_scrape_is_fixed_and_bounded(nd8: ND8) -> None:
    for number in range(4):
        with CaptureQueriesContext(connection) as captured:
            now = scrape()
        assert len(captured) == 7
        assert now[named("nd8_payments_waiting", status="paid")] == number
        assert measure_backlog(at_most=2).payments["paid"] == min(number, 2)
        make_session(f"10000{number}", SessionStatus.PAID, paid_at=timezone.now())
    assert nd8.state["calls"] == []


def test_a_database_that_is_down_is_told_beside_the_counters() -> None:
    with connection.execute_wrapper(_down):
        response = Client().get(METRICS, headers=BEARER)
    text = response.content.decode()
    assert response.status_code == 200
    assert parsed(text)[named("nd8_database_up")] == 0
    assert "nd8_matters_open" not in text
    assert "10.0.0.5" not in text


def _down(*_query: Any) -> None:
    raise OperationalError("connection refused at 10.0.0.5")


# Who, and what is never told


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 401), ({"Authorization": f"Basic {TOKEN}"}, 401), (BEARER, 200)],
)
def test_the_token_opens_and_nothing_else_does(headers: dict[str, str], status: int) -> None:
    response = Client().get(METRICS, headers=headers)
    assert response.status_code == status
    assert ("nd8_sessions" in response.content.decode()) == (status == 200)
    assert "no-store" in response["Cache-Control"]


def test_staff_need_the_permission() -> None:
    assert browser_of("half", staff=True).get(METRICS).status_code == 403
    assert browser_of("clerk", "oscar_nd8.view_payments", staff=True).get(METRICS).status_code == 200


def test_it_speaks_openmetrics_to_whoever_asks_for_it() -> None:
    response = Client().get(METRICS, headers={**BEARER, "Accept": "application/openmetrics-text; version=1.0.0"})
    assert response["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.content.decode().endswith("# EOF\n")


def test_no_name_number_or_id_of_a_payment_is_a_label(session: PaymentSession, nd8: ND8) -> None:
    transaction_id = nd8.outcome(session)
    nd8.deliver(Shopper().client)
    session.refresh_from_db()

    labels = " ".join(value for _name, labels in scrape() for _label, value in labels)

    private = (session.order_number, session.email, session.checkout_id, transaction_id, str(session.token), "TX")
    assert [each for each in private if each in labels] == []


# Whether it is there


PROGRAM = """
import sys

class Missing:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name)

sys.meta_path.insert(0, Missing())

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *{apps}]
try:
    django.setup()
except ImproperlyConfigured as error:
    print(error)
    raise SystemExit
from oscar_nd8 import signals
from oscar_nd8.tracing import span

with span("nothing"):
    print("counts:", bool(signals.work_finished.receivers))
print("imported:", sorted({{"prometheus_client", "opentelemetry"}} & set(sys.modules)))
"""


def in_a_shop(*, blocked: set[str], apps: list[str], **environment: str) -> list[str]:
    """What a shop of Oscar's alone says at its start."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(blocked=blocked, apps=apps)],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.shops.plain_oscar", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_shop_without_either_library_runs_and_imports_neither() -> None:
    both = {"prometheus_client", "opentelemetry"}
    assert in_a_shop(blocked=both, apps=[]) == ["counts: False", "imported: []"]


def test_a_shop_that_has_them_and_does_not_want_them_imports_no_prometheus() -> None:
    assert in_a_shop(blocked={""}, apps=[]) == ["counts: False", "imported: ['opentelemetry']"]


def test_the_app_counts_from_the_start() -> None:
    started = in_a_shop(blocked={""}, apps=["oscar_nd8.metrics"])
    assert started == ["counts: True", "imported: ['opentelemetry', 'prometheus_client']"]


def test_the_app_without_its_library_says_what_to_install() -> None:
    told = in_a_shop(blocked={"prometheus_client"}, apps=["oscar_nd8.metrics"])
    assert told == ["oscar_nd8.metrics needs prometheus-client: pip install 'oscar-nd8[prometheus]'"]


PROCESS = """
import sys
import django

django.setup()
from oscar_nd8 import signals
from oscar_nd8.metrics.exporter import Everything
from prometheus_client import generate_latest

signals.event_processed.send(sender=None, event=type("Event", (), {"attempts": 0}), outcome="processed", seconds=0.2)
if sys.argv[1:]:
    print(generate_latest(Everything()).decode())
"""


def test_the_processes_of_one_machine_are_added_up(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.shops.plain_oscar_metered",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, env=environment, check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, "print"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    found = parsed(done.stdout)
    assert found[named("nd8_events_total", outcome="processed")] == 2
    assert found[named("nd8_event_lag_seconds_count")] == 2
