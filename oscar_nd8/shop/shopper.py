"""Whose payment it is: which sessions the browser before us may see."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone

from oscar_nd8.models import PaymentSession
from oscar_nd8.states import SessionStatus

__all__ = ["is_theirs", "open_session_of", "remember"]

SESSION_KEY = "nd8_sessions"
REMEMBERED = 10


def remember(request: HttpRequest, session: PaymentSession) -> None:
    """Note in the browser's session that this payment session is its own; it survives the login."""
    tokens = [token for token in _tokens(request) if token != str(session.token)]
    request.session[SESSION_KEY] = [*tokens, str(session.token)][-REMEMBERED:]


def is_theirs(request: HttpRequest, session: PaymentSession) -> bool:
    """Whether the payment session was begun in this browser, or by the signed-in user elsewhere."""
    if str(session.token) in _tokens(request):
        return True
    return request.user.is_authenticated and session.user_id == request.user.pk


def open_session_of(request: HttpRequest) -> PaymentSession | None:
    """The newest session of this shopper that can still be paid; no query for a browser that began none."""
    theirs = Q(token__in=[UUID(token) for token in _tokens(request)])
    if request.user.is_authenticated:
        theirs |= Q(user_id=request.user.pk)
    elif not _tokens(request):
        return None
    bought_since = PaymentSession.objects.filter(
        source_basket_id=OuterRef("source_basket_id"), placed_at__gt=OuterRef("created_at")
    )
    newest = PaymentSession.objects.filter(
        theirs, ~Exists(bought_since), status=SessionStatus.OPEN, expires_at__gt=timezone.now()
    ).order_by("-pk")
    return newest.first()


def _tokens(request: HttpRequest) -> Iterable[str]:
    tokens: list[str] = request.session.get(SESSION_KEY, [])
    return tokens
