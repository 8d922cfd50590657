"""The payment methods a shopper can choose from: ND8, and what the shop named beside it."""

from typing import Any, NamedTuple

from django.http import HttpRequest

from oscar_nd8.conf import get_settings
from oscar_nd8.services.why_not_offered import why_not_offered
from oscar_nd8.wording import wording_for

__all__ = ["ND8", "PaymentMethod", "is_chosen", "methods_for"]

ND8 = "nd8"


class PaymentMethod(NamedTuple):
    """A way to pay; `reason` says why it is not offered for this order, "" where it is. `button` leads to ND8."""

    code: str
    name: Any
    description: Any = ""
    reason: str = ""
    button: Any = ""

    @property
    def offered(self) -> bool:
        """Whether it can be chosen."""
        return not self.reason


def methods_for(total: Any, *, request: HttpRequest) -> list[PaymentMethod]:
    """All methods for an order of Oscar's Price `total`; ND8 comes first."""
    reason = why_not_offered(total=total.incl_tax, currency=total.currency)
    words = wording_for(request)
    nd8 = PaymentMethod(ND8, words.title, words.description, reason, words.button)
    others = get_settings().OTHER_METHODS.items()
    return [nd8, *(PaymentMethod(code, name) for code, name in others)]


def is_chosen(code: str, checkout_session: Any) -> bool:
    """Whether the shopper chose `code`. Only a method that the shop names can stand in for ND8."""
    chosen = checkout_session.payment_method()
    if chosen not in get_settings().OTHER_METHODS:
        chosen = ND8
    return bool(chosen == code)
