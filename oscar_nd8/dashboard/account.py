"""The account at ND8 for whoever runs the shop: what it says, its webhook, its keys, and whether a test arrives."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.sites.shortcuts import get_current_site
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.merchant import KeyReport, Profile
from oscar_nd8.models import StaffAction
from oscar_nd8.services import manage_account
from oscar_nd8.shop.addresses import absolute, address_of

__all__ = ["change", "show", "test_state", "watch_test"]

PAGE = "nd8-dashboard:nd8-account"
CHANGES = ("webhook", "key", "revoke")


@dataclass(frozen=True, slots=True)
class _Account:
    """What ND8 said; `trouble` says why it said less."""

    profile: Profile | None = None
    webhook: str = ""
    keys: tuple[KeyReport, ...] = ()
    trouble: str = ""


@require_safe
@transaction.non_atomic_requests  # ND8 is asked, and no transaction waits for it
def show(request: HttpRequest) -> HttpResponse:
    """Profile, webhook, keys, and the last test that arrived."""
    context = {
        "account": _account(),
        "ours": _our_webhook(request),
        "test": manage_account.last_test(),
        "actions": StaffAction.objects.filter(verb=StaffAction.Verb.ACCOUNT).order_by("-pk")[:10],
    }
    return render(request, "oscar_nd8/dashboard/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
@transaction.non_atomic_requests
def change(request: HttpRequest, change: str) -> HttpResponse:
    """Are you sure, and then: the change, and the secret that it brought, shown this once."""
    if change not in CHANGES:
        raise Http404("There is no such change.")
    context: dict[str, Any] = {
        "change": change,
        "ours": _our_webhook(request),
        "key_id": (request.POST or request.GET).get("key", "")[:255],
        "seen": manage_account.last_change(),
    }
    if request.method != "POST":
        return render(request, "oscar_nd8/dashboard/account_change.html", context)
    # A page that is sent again must not make one more key.
    seen = _number(request.POST.get("seen", ""), otherwise=-1)
    try:
        secret, old = _carry_out(change, context, by=request.user, seen=seen)
    except DecisionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(PAGE)
    if change == "revoke":
        messages.success(request, _("The key is revoked."))
        return redirect(PAGE)
    return render(request, "oscar_nd8/dashboard/account_secret.html", {**context, "secret": secret, "old": old})


@require_safe
def watch_test(request: HttpRequest) -> HttpResponse:
    """Waits for a test that is newer than the one that `since` names."""
    test, since = manage_account.last_test(), _since(request)
    arrived = test if test is not None and test.pk > since else None
    context = {
        "test": arrived,
        "state_url": f"{reverse('nd8-dashboard:nd8-account-test-state')}?since={since}",
        "again_url": f"{reverse('nd8-dashboard:nd8-account-test')}?since={since}",
    }
    return render(request, "oscar_nd8/dashboard/account_test.html", context)


@require_safe
def test_state(request: HttpRequest) -> HttpResponse:
    """`{"settled": bool}`: whether a newer test arrived."""
    test = manage_account.last_test()
    return JsonResponse({"settled": test is not None and test.pk > _since(request)})


def _account() -> _Account:
    try:
        return _Account(
            profile=manage_account.profile(),
            webhook=manage_account.webhook_address(),
            keys=tuple(manage_account.keys()),
        )
    except DecisionRefused as refusal:
        return _Account(trouble=str(refusal))


def _our_webhook(request: HttpRequest) -> str:
    return absolute(get_current_site(request).domain, address_of("webhook"))


def _since(request: HttpRequest) -> int:
    return _number(request.GET.get("since", ""), otherwise=0)


def _number(given: str, *, otherwise: int) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else otherwise


def _carry_out(change: str, context: dict[str, Any], *, by: Any, seen: int) -> tuple[str, KeyReport | None]:
    """The new secret, and the key that it replaces."""
    if change == "webhook":
        secret = manage_account.register_webhook(context["ours"], by=by, seen=seen)
        return (secret.get_secret_value() if secret else ""), None
    if change == "key":
        made, old = manage_account.replace_key(by=by, seen=seen)
        return made.raw.get_secret_value(), old
    manage_account.revoke_key(context["key_id"], by=by, seen=seen)
    return "", None
