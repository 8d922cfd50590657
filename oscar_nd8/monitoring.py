"""Who may read what is meant for monitors: whoever presents ND8["HEALTH_TOKEN"], and staff with the permission."""

import hmac
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from oscar_nd8.conf import get_settings
from oscar_nd8.shop.staff import may_see_health

__all__ = ["refusal"]


def refusal(request: HttpRequest) -> HttpResponse | None:
    """None for those who may read; else the answer that tells a stranger nothing: 401, or 403 for the wrong person."""
    if _has_token(request):
        return None
    user: Any = request.user
    if "Authorization" in request.headers or not user.is_authenticated:
        detail = {"detail": "Present the token, or sign in."}
        return JsonResponse(detail, status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    if not may_see_health(user):
        return JsonResponse({"detail": "This is for staff."}, status=HTTPStatus.FORBIDDEN)
    return None


def _has_token(request: HttpRequest) -> bool:
    token = get_settings().HEALTH_TOKEN.get_secret_value()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Bytes, because compare_digest takes no text beyond ASCII and a header may hold any.
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same
