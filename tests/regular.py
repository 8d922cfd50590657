"""A shopper who knows the way: what checkout asks is answered by hand once a process, and the same ever since."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django.conf import settings

from oscar_nd8.testing import Shopper

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

__all__ = ["Regular"]

# What Oscar keeps of the answers, by the shop and by whether it knows who answers.
_answers: dict[tuple[str, bool], dict[str, Any]] = {}


class Regular(Shopper):
    """For tests of what comes after the checkout: walking through it takes longer than most of what they look at."""

    _hurries = False

    def begin_payment(self, product: Any, quantity: int = 1) -> "PaymentSession":
        """The goods into the basket, the answers by heart, and the button."""
        self._hurries = True
        try:
            return super().begin_payment(product, quantity)
        finally:
            self._hurries = False

    def go_to_preview(self, *, address: dict[str, str] | None = None, shipping: str = "") -> Any:
        """By hand, unless on the way to a payment."""
        if self._hurries:
            return self.hurry_to_preview()
        return super().go_to_preview(address=address, shipping=shipping)

    def hurry_to_preview(self) -> None:
        """Where only the button is missing, without looking at a page."""
        shop = settings.ROOT_URLCONF, self.user is None
        if shop not in _answers:
            if super().go_to_preview().status_code == 200:
                _answers[shop] = deepcopy(self.client.session["checkout_data"])
            return
        session = self.client.session
        session["checkout_data"] = deepcopy(_answers[shop])
        if self.user is None:
            session["checkout_data"]["guest"]["email"] = self.email
        session.save()
