"""The door through which a shopper changes the currency."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from oscar.core.utils import redirect_to_referrer

from .choice import SESSION_KEY, currency_in_force


@require_POST
def choose_currency(request: HttpRequest) -> HttpResponse:
    """Remember the currency and go back to where the shopper was, if that is in this shop."""
    wanted = request.POST.get("currency", "")
    if wanted not in settings.SANDBOX_CURRENCIES:
        return HttpResponseBadRequest("No such currency in this shop.")
    filled = not request.basket.is_empty  # type: ignore[attr-defined]  # BasketMiddleware
    if filled and wanted != currency_in_force(request):
        # Lines keep the price they were added with; changing them behind the shopper's back would be worse.
        messages.warning(request, _("Please empty your cart before you change the currency: its prices are fixed."))
    else:
        request.session[SESSION_KEY] = wanted
    return redirect_to_referrer(request, "home")
