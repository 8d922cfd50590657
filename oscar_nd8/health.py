"""The health view: what monitors and staff are told about payments, without asking ND8."""

from http import HTTPStatus

from django.db import Error as DatabaseFault
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from oscar_nd8.findings import Finding, Level, Subject, as_data, worst_of
from oscar_nd8.monitoring import refusal
from oscar_nd8.services.examine_calls import examine_calls
from oscar_nd8.services.examine_records import examine_records

__all__ = ["health"]

DATABASE_FAILS = Finding(
    Subject.DATABASE,
    Level.ERROR,
    "The database does not answer as it should: no payment can be begun, confirmed or looked at.",
    "Run nd8_doctor on the server: it says what the database answers.",
)


@require_safe
@cache_control(no_store=True)
@transaction.non_atomic_requests  # a database that is down is an answer here, not a failure
def health(request: HttpRequest) -> HttpResponse:
    """200: nothing is an error. 503: something is. 401 and 403: not for you, and nothing else is said."""
    return refusal(request) or _answer(_findings())


def _findings() -> list[Finding]:
    # Monitors compare words: they are the same whatever language a browser asks for.
    with translation.override(None):
        of_calls = examine_calls()
        try:
            return [of_calls, *examine_records()]
        except DatabaseFault:
            return [of_calls, DATABASE_FAILS]


def _answer(findings: list[Finding]) -> HttpResponse:
    is_wrong = worst_of(findings) is Level.ERROR
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_wrong else HTTPStatus.OK
    return JsonResponse(as_data(findings, at=timezone.now()), status=status)
