"""The way back from ND8: what the page says comes from our records; what the browser says changes nothing."""

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View
from oscar.core.loading import get_class

from oscar_nd8.checkout.declines import explain_decline
from oscar_nd8.exceptions import ProviderError
from oscar_nd8.models import PaymentSession
from oscar_nd8.services.settle import settle
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.shopper import is_theirs
from oscar_nd8.states import UNPAID_ENDS, SessionStatus

__all__ = ["ResumeView", "ReturnStateView", "ReturnView"]

logger = logging.getLogger("oscar_nd8")

S = SessionStatus
FINAL = {S.PLACED, S.HELD}


class _SessionView(View):
    """A page about one payment session, found by its unguessable token."""

    def session_of(self, request: HttpRequest, token: str | UUID) -> PaymentSession | None:
        """The session, or None when it exists but belongs to somebody else. Raises Http404 for a wrong token."""
        session = PaymentSession.objects.filter(token=_uuid(token)).select_related("order").first()
        if session is None:
            raise Http404("There is no such payment.")
        return session if is_theirs(request, session) else None


@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class ReturnView(_SessionView):
    """Where ND8 sends the browser. Asks ND8 what is true, then tells the shopper what happened to their money."""

    def get(self, request: HttpRequest, token: str, outcome: str) -> HttpResponse:
        """Thank-you page, or one of: confirming, held, failed, canceled; a neutral page for strangers."""
        session = self.session_of(request, token)
        if session is None:
            return render(request, "oscar_nd8/checkout/return_neutral.html")
        if session.status not in FINAL:
            session = _settled(session)
        if session.status == S.PLACED:
            return _thank_you(request, session)
        return render(request, _template(session, outcome), _context(session))


@method_decorator(never_cache, name="dispatch")
class ReturnStateView(_SessionView):
    """What a waiting page asks again and again: our record only, no call to ND8."""

    def get(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """`{"settled": bool}`: whether it is worth loading the page again."""
        session = self.session_of(request, token)
        if session is None:
            raise Http404("There is no such payment.")
        return JsonResponse({"settled": session.status not in {S.NEW, S.OPEN}})


@method_decorator(never_cache, name="dispatch")
class ResumeView(_SessionView):
    """Back to the hosted page of a payment that is still open; otherwise to what became of it."""

    def get(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """A redirect to the page that ND8 gave us when the session was opened."""
        session = self.session_of(request, token)
        if session is not None and session.can_be_paid_at(timezone.now()):
            return HttpResponseRedirect(session.checkout_url)
        return redirect(address_of("return", token=token, outcome="success"))


def _uuid(token: str | UUID) -> UUID:
    try:
        return UUID(str(token))
    except ValueError:
        raise Http404("There is no such payment.") from None


def _settled(session: PaymentSession) -> PaymentSession:
    try:
        return settle(session, sparing=True)
    except ProviderError:
        logger.info("ND8 could not be asked about session %s; the page says that the answer is open", session.pk)
    except Exception:  # a shopper who paid is told what we know, not that a mail server is down
        logger.exception("Session %s could not be settled from its return page", session.pk)
    session.refresh_from_db()
    return session


def _thank_you(request: HttpRequest, session: PaymentSession) -> HttpResponse:
    if request.session.get("checkout_order_id") != session.order_id:
        # What Oscar's own checkout does for a browser whose order was placed.
        get_class("checkout.utils", "CheckoutSessionData")(request).flush()
        request.session["checkout_order_id"] = session.order_id
    return redirect(reverse("checkout:thank-you"))


def _template(session: PaymentSession, outcome: str) -> str:
    if session.status == S.HELD:
        page = "held" if session.has_money() else "given_back"
    elif session.status == S.FAILED:
        page = "failed"
    elif session.status in {S.CANCELED, S.EXPIRED}:
        page = "canceled"
    elif session.status == S.OPEN and outcome != "success" and not session.is_under_way():
        # As far as the browser tells, nothing was paid: going back to the same page cannot charge twice.
        page = "failed" if outcome == "failed" else "canceled"
    else:
        page = "confirming"
    return f"oscar_nd8/checkout/return_{page}.html"


def _context(session: PaymentSession) -> dict[str, Any]:
    payment = session.payments.last()
    attempts = payment.attempts if payment else []
    message = next((each["message"] for each in attempts if each["message"]), "")
    return {
        "session": session,
        "decline": explain_decline(message),
        "is_certain": session.status in UNPAID_ENDS,
        "can_resume": session.can_be_paid_at(timezone.now()),
        "resume_url": address_of("resume", token=session.token),
        "state_url": address_of("return-state", token=session.token),
        "again_url": address_of("return", token=session.token, outcome="success"),
    }
