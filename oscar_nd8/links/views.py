"""A payment link for its customer: what it sells, who pays, and what became of the money."""

import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib.sites.shortcuts import get_current_site
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from oscar_nd8.exceptions import (
    NoLongerAvailable,
    NotFound,
    NotOffered,
    NotReusable,
    ProviderError,
)
from oscar_nd8.gateway import ReturnAddresses
from oscar_nd8.links.forms import PayerForm
from oscar_nd8.links.limit import WINDOW, may_begin
from oscar_nd8.models import PaymentLink, PaymentSession
from oscar_nd8.services.begin_link_payment import begin_link_payment
from oscar_nd8.services.payment_links import preview_link
from oscar_nd8.services.settle import settle
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.link_offer import lines_of
from oscar_nd8.states import SessionStatus

__all__ = ["pay", "result", "result_state", "show"]

logger = logging.getLogger("oscar_nd8")

A, S = PaymentLink.Availability, SessionStatus
FINAL = {S.SOLD, S.HELD}
# So long what is known counts as news: a page that many people open asks ND8 once a minute, not once a visitor.
FRESH = 60  # seconds


@require_safe
@transaction.non_atomic_requests
@cache_control(public=True, max_age=FRESH)
def show(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """What the link sells, or that it is over. Begins no session and sets no cookie, so that caches can keep it."""
    link = _fresh(PaymentLink.objects.filter(link_id=link_id).first())
    if link is None or link.availability is not A.OPEN:
        return _closed(request, link)
    return render(request, "oscar_nd8/links/link.html", _offer(link))


@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests  # ND8 is called between two transactions of the service's own
def pay(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Who pays, and then to ND8's page."""
    link = PaymentLink.objects.filter(link_id=link_id).first()
    if request.method != "POST":
        link = _fresh(link)
    if link is None or link.availability is not A.OPEN:
        return _closed(request, link)
    form = PayerForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _form(request, link, form)
    if not may_begin(request, link):
        problem = _("You began very many payments in a few minutes. Please wait ten minutes and try again.")
        answer = _form(request, link, form, problem=problem, status=HTTPStatus.TOO_MANY_REQUESTS)
        answer["Retry-After"] = str(WINDOW)
        return answer
    return _begin(request, link, form)


def _begin(request: HttpRequest, link: PaymentLink, form: PayerForm) -> HttpResponse:
    try:
        session = begin_link_payment(
            link,
            form.payer(),
            form_key=form.cleaned_data["key"],
            returns=lambda session: _returns(request, session),
            language=get_language() or "",
            site=getattr(get_current_site(request), "pk", None),
        )
    except (NoLongerAvailable, NotFound):
        link.refresh_from_db()
        return _closed(request, link)
    except (NotOffered, NotReusable) as error:
        return _form(request, link, form, problem=str(error))
    except ProviderError as error:
        status, problem = _not_begun(error)
        logger.warning("A payment by link %s could not be begun: %s", link.link_id, error)
        return _form(request, link, form, problem=problem, status=status)
    if session.is_paid:
        return HttpResponseRedirect(address_of("link-result", token=session.token, outcome="success"))
    return HttpResponseRedirect(session.checkout_url)


@require_safe
@never_cache
@transaction.non_atomic_requests
def result(request: HttpRequest, token: UUID, outcome: str) -> HttpResponse:
    """Where ND8 sends the browser. Says what our records say; nothing about the person, whoever looks."""
    session = PaymentSession.objects.filter(token=token).select_related("link").first()
    link = session.link if session else None
    if session is None or link is None:
        return _closed(request, None)
    if session.status not in FINAL:
        session = _settled(session)
    context = {
        **_offer(link),
        "session": session,
        "page": _page(session, outcome),
        "state_url": address_of("link-result-state", token=token),
        "again_url": address_of("link-result", token=token, outcome="success"),
        "can_try_again": link.availability is A.OPEN,
    }
    return render(request, "oscar_nd8/links/result.html", context)


@require_safe
@never_cache
def result_state(request: HttpRequest, token: UUID) -> HttpResponse:
    """`{"settled": bool}`: whether it is worth loading the page again. No call to ND8."""
    status = PaymentSession.objects.filter(token=token, link__isnull=False).values_list("status", flat=True).first()
    if status is None:
        return JsonResponse({"detail": "There is no such payment."}, status=HTTPStatus.NOT_FOUND)
    return JsonResponse({"settled": status not in {S.NEW, S.OPEN, S.PAID}})


def _fresh(link: PaymentLink | None) -> PaymentLink | None:
    """`link`, asked about at ND8 where what is known is old; as it was last known while ND8 does not answer."""
    if link is None or link.deleted_at is not None or timezone.now() - link.asked_at < timedelta(seconds=FRESH):
        return link
    # One visitor asks, the others do not wait for the answer.
    if cache.add(f"oscar_nd8:link:{link.pk}:asked", 1, FRESH):
        try:
            return preview_link(link)
        except ProviderError as error:
            logger.info("Payment link %s is shown as it was last known: %s", link.link_id, error)
    return link


def _closed(request: HttpRequest, link: PaymentLink | None) -> HttpResponse:
    """In kind words. Of a link that is not this shop's nothing is said, and ND8 is not asked: it may be anybody's."""
    status = HTTPStatus.NOT_FOUND if link is None else HTTPStatus.GONE
    context = {"link": link, "availability": link.availability.value if link else ""}
    return render(request, "oscar_nd8/links/closed.html", context, status=status)


def _offer(link: PaymentLink) -> dict[str, Any]:
    lines = lines_of(link)
    names = ", ".join(line.name for line in lines)
    return {
        "link": link,
        "lines": lines,
        # The link's own name is the merchant's label; what it sells is what a customer knows.
        "title": names or link.name,
        "pay_url": address_of("link-pay", link_id=link.link_id),
        "link_url": address_of("link", link_id=link.link_id),
    }


def _form(
    request: HttpRequest,
    link: PaymentLink,
    form: PayerForm,
    *,
    problem: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    return render(
        request, "oscar_nd8/links/pay.html", {**_offer(link), "form": form, "problem": problem}, status=status
    )


def _returns(request: HttpRequest, session: PaymentSession) -> ReturnAddresses:
    def address(outcome: str) -> str:
        return request.build_absolute_uri(address_of("link-result", token=session.token, outcome=outcome))

    return ReturnAddresses(success=address("success"), failed=address("failed"), canceled=address("canceled"))


def _not_begun(error: ProviderError) -> tuple[HTTPStatus, str]:
    if error.status == HTTPStatus.BAD_REQUEST:
        # The customer's to put right: no monitor should wake anybody for it.
        problem = _("The payment service did not accept these details. Please check them, or write to us.")
        return HTTPStatus.UNPROCESSABLE_ENTITY, problem
    problem = _(
        "The payment service cannot be reached at the moment. You have not been charged. "
        "Please try again in a few minutes."
    )
    return HTTPStatus.SERVICE_UNAVAILABLE, problem


def _settled(session: PaymentSession) -> PaymentSession:
    try:
        return settle(session, sparing=True)
    except ProviderError:
        logger.info("ND8 could not be asked about session %s; the page says that the answer is open", session.pk)
    session.refresh_from_db()
    return session


def _page(session: PaymentSession, outcome: str) -> str:
    """What the page says: what is known, and the browser's word only where nobody would lose by it."""
    if session.is_paid:
        return "held" if session.status == S.HELD else "paid"
    if session.status == S.FAILED:
        return "failed"
    if session.status in {S.CANCELED, S.EXPIRED}:
        return "canceled"
    if session.status == S.OPEN and outcome != "success" and not session.is_under_way():
        return outcome
    return "confirming"
