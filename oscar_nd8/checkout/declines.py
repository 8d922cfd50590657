"""Why a bank said no, in words a shopper can act on."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

__all__ = ["explain_decline"]

# ND8 documents no codes, only sentences of the bank's; the first phrase found in one decides.
_PHRASES: Mapping[str, Any] = {
    "insufficient": _("There was not enough money on the card or account. Please use another way to pay."),
    "expired card": _("The card has expired. Please use another card."),
    "card has expired": _("The card has expired. Please use another card."),
    "expired_card": _("The card has expired. Please use another card."),
    "cvc": _("The card's security code was not right. Please check it and try again."),
    "security code": _("The card's security code was not right. Please check it and try again."),
    "authentication": _("The payment was not confirmed with your bank. Please try again and confirm it."),
    "3d secure": _("The payment was not confirmed with your bank. Please try again and confirm it."),
    "limit": _("The payment is above the card's limit. Please use another way to pay."),
    "incorrect number": _("The card's number was not right. Please check it and try again."),
    "invalid number": _("The card's number was not right. Please check it and try again."),
}
_UNNAMED = _("Your bank declined the payment and gave no reason. Please try another card, or ask your bank.")


def explain_decline(message: str) -> Any:
    """A sentence for the shopper; "" where no attempt was declined."""
    if not message:
        return ""
    lowered = message.lower()
    return next((sentence for phrase, sentence in _PHRASES.items() if phrase in lowered), _UNNAMED)
