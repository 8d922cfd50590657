"""Whether ND8 stands among the payment methods for an order, and if not, why."""

from decimal import Decimal

from django.utils.translation import gettext as _

from oscar_nd8.conf import get_settings

__all__ = ["why_not_offered"]


def why_not_offered(*, total: Decimal, currency: str) -> str:
    """A sentence for the shopper, or "" when ND8 takes `total` (major units, tax included) in `currency`."""
    settings = get_settings()
    if currency not in settings.CURRENCIES:
        return _("ND8 takes %(taken)s, and your basket is in %(currency)s.") % {
            "taken": _(" and ").join(settings.CURRENCIES),
            "currency": currency,
        }
    lowest, highest = settings.MIN_AMOUNTS.get(currency), settings.MAX_AMOUNTS.get(currency)
    if lowest is not None and total < lowest:
        return _("ND8 takes payments from %(amount)s %(currency)s.") % {
            "amount": lowest,
            "currency": currency,
        }
    if highest is not None and total > highest:
        return _("ND8 takes payments up to %(amount)s %(currency)s.") % {
            "amount": highest,
            "currency": currency,
        }
    return ""
