"""Spans for OpenTelemetry, where its API is installed; it is imported at the first one, and never where it is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["span"]


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """The block as a span called `name`. An error marks it by its kind alone: messages can hold what a person typed."""
    trace = _api()
    # The API alone records nothing, and often comes with another package.
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        yield
        return
    tracer = trace.get_tracer("oscar_nd8")
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:  # raised again: the span is marked whatever it was
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(trace.StatusCode.ERROR)
            raise


@cache
def _api() -> Any:
    """`opentelemetry.trace`, or None."""
    try:
        return import_module("opentelemetry.trace")
    except ImportError:
        return None
