"""The seam to a provider's payment links, beside `gateway`: a provider without links has no class here.

Merchants' calls are authorized by MERCHANT_TOKEN, customers' by nothing. ND8 documents hardly a field of these
answers, so whatever it does not say is None, and never a guess.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from django.utils.module_loading import import_string
from pydantic import JsonValue

from oscar_nd8.gateway import Begun, PayerDetails, ReturnAddresses
from oscar_nd8.states import PaymentState

__all__ = [
    "CURRENCIES",
    "NAME_LENGTH",
    "LinkGateway",
    "LinkLine",
    "LinkOffer",
    "LinkPaymentReport",
    "LinkReport",
    "get_link_gateway",
]

# By path, as the gateways themselves.
_LINK_GATEWAYS: Final[Mapping[str, str]] = {"nd8": "oscar_nd8.nd8.links.nd8_link_gateway"}

CURRENCIES: Final = ("USD", "EUR")
NAME_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class LinkLine:
    """What a link sells; `unit_amount` in minor units of its currency, None where the provider did not say."""

    product_id: str
    name: str
    quantity: int
    unit_amount: int | None


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """What a customer of a link is told. `amount` is its price in minor units, `tax_included` whether that is all."""

    lines: tuple[LinkLine, ...]
    currency: str
    amount: int | None
    tax_included: bool | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkReport:
    """A link as its merchant sees it; `statistics` are words and numbers under the provider's own names."""

    link_id: UUID
    name: str
    offer: LinkOffer
    is_active: bool
    max_uses: int | None
    uses: int | None
    made_at: datetime | None
    statistics: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkPaymentReport:
    """A payment that came of a link. Its amount is left out: whether that is net of fees is not documented."""

    transaction_id: str
    state: PaymentState
    email: str
    made_at: datetime | None


class LinkGateway(Protocol):
    """What services ask of a provider that has payment links. Every method may raise a ProviderError."""

    code: str

    def list_links(self) -> list[LinkReport]:
        """Every link that was not deleted. A read."""

    def look_up_link(self, link_id: UUID) -> LinkReport:
        """A link with its statistics. A read; NotFound for one that does not exist, or not any more."""

    def create_link(
        self,
        *,
        name: str,
        products: Sequence[tuple[str, int]],
        currency: str,
        expires_at: datetime | None,
        max_uses: int | None,
    ) -> LinkReport:
        """A new link for products of the provider's catalogue, by id and quantity. A write: never repeated."""

    def change_link(self, link_id: UUID, changes: Mapping[str, Any]) -> LinkReport:
        """Change `name`, `is_active`, `expires_at` or `max_uses`; None takes the last two away. Never repeated."""

    def delete_link(self, link_id: UUID) -> None:
        """End a link; its payments stay. A write: never repeated."""

    def link_payments(self, link_id: UUID) -> list[LinkPaymentReport]:
        """Every payment that came of a link. A read."""

    def preview_link(self, link_id: UUID) -> LinkOffer:
        """What a customer is told. A read; NoLongerAvailable where nobody can pay it."""

    def begin_link(self, link_id: UUID, *, currency: str, payer: PayerDetails, returns: ReturnAddresses) -> Begun:
        """Open a hosted payment of a link. A write: never repeated. NoLongerAvailable where nobody can pay it."""


def get_link_gateway(code: str) -> LinkGateway:
    """The payment links of the provider `code`. LookupError where it has none."""
    if code not in _LINK_GATEWAYS:
        raise LookupError(f"The payment gateway {code!r} has no payment links.")
    make: Callable[[], LinkGateway] = import_string(_LINK_GATEWAYS[code])
    return make()
