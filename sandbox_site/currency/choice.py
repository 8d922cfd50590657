"""Which currency a shopper sees: the basket's while it holds something, else the one that was chosen."""

from django.conf import settings
from django.http import HttpRequest

SESSION_KEY = "currency"


def chosen_currency(request: HttpRequest) -> str:
    """What the shopper chose, or the shop's default."""
    chosen = request.session.get(SESSION_KEY)
    return chosen if chosen in settings.SANDBOX_CURRENCIES else settings.OSCAR_DEFAULT_CURRENCY


def currency_in_force(request: HttpRequest | None) -> str:
    """The currency to price products in; without a request (the search index, a job) the shop's default."""
    if request is None or not hasattr(request, "session"):
        return str(settings.OSCAR_DEFAULT_CURRENCY)
    # Oscar refuses a second currency in one basket, so a basket that holds something decides.
    basket = getattr(request, "basket", None)
    return (basket and basket.currency) or chosen_currency(request)
