"""What Prometheus is told: counters and histograms fed by our signals, gauges of what waits read at each scrape.

No label ever names a person, an order or an id: each has a few values that are known before.
"""

import os
from collections.abc import Iterator
from typing import Any

from django.db import Error as DatabaseFault
from django.dispatch import Signal
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from oscar_nd8 import signals
from oscar_nd8.models import Attention, Refund, WebhookEvent
from oscar_nd8.services.measure_backlog import Backlog, measure_backlog
from oscar_nd8.states import RefundStatus, SessionStatus

__all__ = ["Everything", "connect", "disconnect", "families"]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
WAITS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 21600)

SESSIONS = Counter("nd8_sessions", "Payment sessions by the status that they reached.", ["status"])
REFUNDS = Counter("nd8_refunds", "Refunds that ended.", ["status"])
MATTERS = Counter("nd8_matters", "Matters for staff that opened.", ["kind"])
EVENTS = Counter("nd8_events", "Tries to process a notification.", ["outcome"])
LAG = Histogram("nd8_event_lag_seconds", "From a notification's arrival to the end of the first try.", buckets=WAITS)
PROVIDER = Histogram(
    "nd8_provider_request_seconds", "Requests to ND8, repetitions too.", ["operation", "outcome"], buckets=SECONDS
)
WORK = Histogram("nd8_work_seconds", "Settling, placing, refunding, reconciling.", ["work", "outcome"], buckets=SECONDS)


def _session_moved(*, status: SessionStatus, **_: Any) -> None:
    SESSIONS.labels(status.value).inc()


def _refund_completed(**_: Any) -> None:
    REFUNDS.labels(RefundStatus.COMPLETED.value).inc()


def _refund_failed(*, refund: Refund, **_: Any) -> None:
    REFUNDS.labels(refund.status).inc()


def _attention_needed(*, attention: Attention, **_: Any) -> None:
    MATTERS.labels(attention.kind).inc()


def _event_processed(*, event: WebhookEvent, outcome: str, seconds: float, **_: Any) -> None:
    EVENTS.labels(outcome).inc()
    # What is tried again waits on purpose, and what is replayed arrived long ago: neither says how the queue does.
    if event.attempts == 0:
        LAG.observe(seconds)


def _provider_called(*, operation: str, outcome: str, seconds: float, **_: Any) -> None:
    PROVIDER.labels(operation, outcome).observe(seconds)


def _work_finished(*, work: str, outcome: str, seconds: float, **_: Any) -> None:
    WORK.labels(work, outcome).observe(seconds)


RECEIVERS: dict[Signal, Any] = {
    signals.session_moved: _session_moved,
    signals.refund_completed: _refund_completed,
    signals.refund_failed: _refund_failed,
    signals.attention_needed: _attention_needed,
    signals.event_processed: _event_processed,
    signals.provider_called: _provider_called,
    signals.work_finished: _work_finished,
}


def connect() -> None:
    """Count from now on. Safe to repeat."""
    for signal, receiver in RECEIVERS.items():
        signal.connect(receiver)


def disconnect() -> None:
    """Count no more."""
    for signal, receiver in RECEIVERS.items():
        signal.disconnect(receiver)


class Everything(Collector):
    """What one scrape is answered: this process's registry, or that of all processes, and what waits right now."""

    def collect(self) -> Iterator[Metric]:
        """The gauges are asked for here, and stand in no registry: another page of the shop would pay for them."""
        yield from _counted().collect()
        yield from _waiting()


def _counted() -> Collector:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    return MultiProcessCollector(CollectorRegistry())  # type: ignore[no-untyped-call]  # not typed yet


def _waiting() -> Iterator[Metric]:
    try:
        backlog = measure_backlog()
    except DatabaseFault:
        backlog = None
    yield from families(backlog)


def families(backlog: Backlog | None) -> Iterator[Metric]:
    """The gauges; without a `backlog`, that the database did not tell."""
    yield GaugeMetricFamily("nd8_database_up", "Whether the database told what waits.", value=backlog is not None)
    if backlog is None:
        return
    yield _family("nd8_matters_open", "Matters that wait for staff.", "kind", backlog.matters)
    yield _family("nd8_events_waiting", "Notifications that wait to be processed.", "status", backlog.events)
    yield GaugeMetricFamily(
        "nd8_events_oldest_waiting_seconds", "How long the oldest of them has waited.", value=backlog.oldest_event
    )
    yield _family("nd8_payments_waiting", "Paid payments without an order.", "status", backlog.payments)
    yield GaugeMetricFamily(
        "nd8_reconcile_overdue_seconds", "How long work for nd8_reconcile has been due.", value=backlog.overdue
    )


def _family(name: str, what: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
