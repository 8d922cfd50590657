"""The page that Prometheus scrapes."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from oscar_nd8.metrics.exporter import Everything
from oscar_nd8.monitoring import refusal

__all__ = ["metrics"]


@require_safe
@cache_control(no_store=True)
@transaction.non_atomic_requests  # a database that is down is an answer here, not a failure
def metrics(request: HttpRequest) -> HttpResponse:
    """200 with everything that is counted. 401 and 403: not for you, and nothing else is said."""
    return refusal(request) or _answer(request)


def _answer(request: HttpRequest) -> HttpResponse:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(Everything()), content_type=content_type)
