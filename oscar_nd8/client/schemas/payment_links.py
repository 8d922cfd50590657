"""Links that a merchant shares and a customer pays. Their prices are those of the catalogue at ND8.

ND8 documents hardly any field of these answers, so few are needed to read one; all that ND8 says beyond the
names here is in `model_extra`.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue, StrictBool, StrictInt

from oscar_nd8.client.schemas._base import Loose, LooseBool, LooseInt, Needed, Patch, Received, Sent
from oscar_nd8.client.schemas.checkout import Currency, Payer, Quantity

__all__ = [
    "LinkPayment",
    "LinkProduct",
    "PaymentLink",
    "PaymentLinkLine",
    "PaymentLinkPatch",
    "PaymentLinkRequest",
    "PaymentLinkStart",
    "PublicPaymentLink",
]


def _objects(value: Any) -> Any:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else ()


def _object(value: Any) -> Any:
    return value if isinstance(value, dict) else None


Uses = Annotated[StrictInt, Field(ge=1)]


class PaymentLinkLine(Sent):
    """So many of a product of the merchant's catalogue at ND8."""

    product_id: Annotated[str, Field(min_length=1)]
    quantity: Quantity


class PaymentLinkRequest(Sent):
    """What createPaymentLink takes. `name` is the merchant's own label.

    `currency` is required here although ND8 has a default: a default would charge euros as dollars. The link
    ends at `expires_at` or after `max_uses` payments, if they are given.
    """

    name: Annotated[str, Field(min_length=1)]
    products: Annotated[tuple[PaymentLinkLine, ...], Field(min_length=1)]
    currency: Currency
    pricing_mode: Literal["TAX_INCLUSIVE", "TAX_EXCLUSIVE"] | None = None
    expires_at: AwareDatetime | None = None
    max_uses: Uses | None = None
    metadata: Annotated[dict[str, JsonValue] | None, Field(repr=False)] = None


class PaymentLinkPatch(Patch):
    """What patchPaymentLink changes. None takes away an end, a limit or the metadata; what is not given stays."""

    _kept: ClassVar[frozenset[str]] = frozenset({"name", "is_active"})

    name: Annotated[str, Field(min_length=1)] | None = None
    is_active: StrictBool | None = None
    expires_at: AwareDatetime | None = None
    max_uses: Uses | None = None
    metadata: Annotated[dict[str, JsonValue] | None, Field(repr=False)] = None


class PaymentLinkStart(Payer):
    """What startPaymentLinkCheckout takes: who pays. A `currency`, if any, must be the link's own."""

    currency: Currency | None = None


class LinkProduct(Received):
    """What a link sells; `unit_price` is in major units of the link's currency."""

    product_id: Loose = None
    name: Loose = None
    quantity: LooseInt = None
    unit_price: Loose = None


class PublicPaymentLink(Received):
    """The answer of getPublicPaymentLink: what a customer may see. `amount` is in major units of `currency`."""

    name: Loose = None
    products: Annotated[tuple[LinkProduct, ...], BeforeValidator(_objects)] = ()
    currency: Loose = None
    pricing_mode: Loose = None
    amount: Loose = None
    expires_at: Loose = None


class PaymentLink(PublicPaymentLink):
    """A link as its merchant sees it. `id` is also the token that customers are given; times are ISO 8601."""

    id: Needed
    is_active: LooseBool = None
    max_uses: LooseInt = None
    metadata: Annotated[dict[str, Any] | None, BeforeValidator(_object), Field(repr=False)] = None
    created_at: Loose = None
    updated_at: Loose = None


class LinkPayment(Received):
    """A payment that came of a link; `id` is what `get_transaction` takes.

    `amount` is in major units of `currency`; whether fees are taken off is not documented here.
    """

    id: Needed
    amount: Loose = None
    currency: Loose = None
    status: Loose = None
    payer_email: Annotated[Loose, Field(repr=False)] = None
    created_at: Loose = None
