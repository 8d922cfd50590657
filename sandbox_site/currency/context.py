"""What the currency form in the header needs."""

from django.conf import settings
from django.http import HttpRequest

from .choice import currency_in_force


def currency(request: HttpRequest) -> dict[str, object]:
    """The currencies, and the one in force as a callable: pages without the shop's header ask no basket."""
    return {
        "currencies": settings.SANDBOX_CURRENCIES,
        "currency_in_force": lambda: currency_in_force(request),
    }
