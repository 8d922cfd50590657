"""Spans of a payment's whole road, in a project that has OpenTelemetry's SDK; and what they never hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oscar_nd8.exceptions import ProviderUnavailable
from oscar_nd8.models import PaymentSession
from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.services.settle import settle
from oscar_nd8.testing import ND8, Shopper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """A process has one tracer provider, set once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """What was traced since the test began."""
    exporter.clear()
    yield exporter
    exporter.clear()


def inside(spans: InMemorySpanExporter) -> list[tuple[str, str]]:
    """Each span that ended, and the one that it was part of."""
    finished = spans.get_finished_spans()
    names = {span.context.span_id: span.name for span in finished if span.context}
    return [(span.name, names.get(span.parent.span_id, "") if span.parent else "") for span in finished]


def test_a_payment_is_traced_from_the_notification_to_its_order(
    session: PaymentSession, nd8: ND8, spans: InMemorySpanExporter
) -> None:
    nd8.outcome(session)
    spans.clear()
    nd8.deliver(Shopper().client)
    assert inside(spans) == [
        ("ND8 getPaymentById", "nd8 settle"),
        ("nd8 place", "nd8 settle"),
        ("nd8 settle", ""),
    ]
    assert {span.status.status_code for span in spans.get_finished_spans()} == {trace.StatusCode.UNSET}


def test_the_start_and_a_refund_are_traced(guest: Shopper, mug: Any, nd8: ND8, spans: InMemorySpanExporter) -> None:
    session = guest.begin_payment(mug)
    assert inside(spans) == [("ND8 createPayment", "")]
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    spans.clear()

    request_refund(session.payments.get(), reason="broken", amount=100)

    assert inside(spans) == [("ND8 createRefundForPayment", "nd8 refund"), ("nd8 refund", "")]


def test_a_run_of_the_reconciler_is_traced(session: PaymentSession, spans: InMemorySpanExporter) -> None:
    reconcile()
    assert ("nd8 reconcile", "") in inside(spans)


def test_an_error_marks_its_spans_by_its_kind_and_says_nothing_else(
    session: PaymentSession, nd8: ND8, spans: InMemorySpanExporter, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "READ_BUDGET": 0.1}
    transaction_id = nd8.outcome(session)
    nd8.deliver(Shopper().client)
    nd8.fault("getPaymentById", "500", times=100)
    spans.clear()

    with pytest.raises(ProviderUnavailable):
        settle(session)

    marked: list[ReadableSpan] = [span for span in spans.get_finished_spans() if span.attributes]
    assert [(span.name, dict(span.attributes or {})) for span in marked] == [
        ("ND8 getPaymentById", {"error.type": "ProviderUnavailable"}),
        ("nd8 settle", {"error.type": "ProviderUnavailable"}),
    ]
    assert {(span.status.status_code, span.status.description) for span in marked} == {(trace.StatusCode.ERROR, None)}
    assert [event for span in marked for event in span.events] == []
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    private = (session.order_number, session.email, session.checkout_id, transaction_id)
    assert [each for each in private if each in told] == []
