"""The door through which a shopper changes the currency."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from oscar.core.utils import safe_referrer

from .choice import SESSION_KEY, currency_in_force


@require_POST
def choose_currency(request: HttpRequest) -> HttpResponse:
    """Remember the currency and go back to where the shopper was, if that is in this shop."""
    wanted = request.POST.get("currency", "")
    if wanted not in settings.SANDBOX_CURRENCIES:
        return HttpResponseBadRequest("No such currency in this shop.")
    if not request.basket.is_empty and wanted != currency_in_force(request):
        # Lines keep the price they were added with; changing them behind the shopper's back would be worse.
        messages.warning(
            request, _("Please empty your basket before you change the currency: its prices are fixed.")
        )
    else:
        request.session[SESSION_KEY] = wanted
    return redirect(safe_referrer(request, "home"))
