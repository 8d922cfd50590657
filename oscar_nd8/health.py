"""The health view: what monitors and staff are told about payments, without asking ND8."""

import hmac
from http import HTTPStatus
from typing import Any

from django.db import Error as DatabaseFault
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from oscar_nd8.conf import get_settings
from oscar_nd8.findings import Finding, Level, Subject, as_data, worst_of
from oscar_nd8.services.examine_calls import examine_calls
from oscar_nd8.services.examine_records import examine_records
from oscar_nd8.shop.staff import may_see_health

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
    refused = None if _has_token(request) else _refusal(request)
    return refused or _answer(_findings())


def _has_token(request: HttpRequest) -> bool:
    token = get_settings().HEALTH_TOKEN.get_secret_value()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Bytes, because compare_digest takes no text beyond ASCII and a header may hold any.
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same


def _refusal(request: HttpRequest) -> HttpResponse | None:
    user: Any = request.user
    if "Authorization" in request.headers or not user.is_authenticated:
        detail = {"detail": "Present the token, or sign in."}
        return JsonResponse(detail, status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    if not may_see_health(user):
        return JsonResponse({"detail": "This is for staff."}, status=HTTPStatus.FORBIDDEN)
    return None


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
