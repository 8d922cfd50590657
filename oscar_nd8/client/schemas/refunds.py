"""Giving money back: what to ask for, what ND8 answers at once, and what a refund looks like later."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StrictInt

from oscar_nd8.client.schemas._base import Loose, LooseInt, Needed, Received, Sent

__all__ = ["AcceptedRefund", "Refund", "RefundQuery", "RefundRequest"]

_REASON_LENGTH: Final = 500
_PREFIX: Final = "RF"
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?")


def _amount(value: str) -> str:
    if not _AMOUNT.fullmatch(value) or not value.strip("0."):
        raise ValueError('must be above 0 and in major units, like "40.00"')
    return value


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty: the customer is shown why")
    return value


def _prefixed(value: Any) -> Any:
    """The one operation that leaves the prefix out is the one whose answer makes the refund known.

    Always, as ND8 says: what follows the prefix may begin with the same letters.
    """
    return f"{_PREFIX}{value}" if isinstance(value, str) and value else value


class RefundRequest(Sent):
    """What createRefundForPayment takes. The customer and ND8's payment provider read `reason`.

    `amount` is in major units of the charge currency, tax included ("40.00"); without one everything that
    remains is refunded.
    """

    reason: Annotated[str, Field(max_length=_REASON_LENGTH, repr=False), AfterValidator(_reason)]
    amount: Annotated[str, AfterValidator(_amount)] | None = None


class AcceptedRefund(Received):
    """The answer of createRefundForPayment: a refund that has begun.

    `refund_public_id` has the prefix `RF` although ND8 leaves it out here, so it is what the other
    operations take and give; `refund_id` and `transaction_id` are ND8's inner numbers. `amount` is in major
    units of `currency`, tax included; `amount_usd` is what the wallet is charged, in dollars;
    `amount_in_cents` is minor units before tax. `status` is ND8's own word, known or not.
    """

    refund_public_id: Annotated[Needed, BeforeValidator(_prefixed)]
    status: Needed
    amount: Needed
    currency: Needed
    refund_id: LooseInt = None
    transaction_id: LooseInt = None
    amount_usd: Loose = None
    amount_in_cents: LooseInt = None


class Refund(Received):
    """A refund as it is now, whoever made it. Ids are public: `RF…`, and `TX…` for the payment.

    Units are those of AcceptedRefund. `status` is pending, processing, completed, failed, rejected or a word
    of tomorrow; times are ISO 8601.
    """

    id: Needed
    transaction_id: Needed
    amount: Needed
    currency: Needed
    status: Needed
    reason: Annotated[Loose, Field(repr=False)] = None
    amount_usd: Loose = None
    amount_in_cents: LooseInt = None
    created_at: Loose = None
    updated_at: Loose = None


class RefundQuery(Sent):
    """Which refunds listRefunds shall show: filters, order and page; what is None is not asked for.

    `search` looks for a payment's id or words of the reason. `ordering` is a field's name, with a minus for
    the largest first. Pages are counted from 1.
    """

    status: Literal["pending", "processing", "completed", "failed", "rejected"] | None = None
    created_at__gte: AwareDatetime | None = None
    created_at__lte: AwareDatetime | None = None
    search: Annotated[str, Field(min_length=1)] | None = None
    ordering: Annotated[str, Field(pattern=r"^-?[a-z_]+$")] | None = None
    page: Annotated[StrictInt, Field(ge=1)] | None = None
    page_size: Annotated[StrictInt, Field(ge=1)] | None = None

    def to_parameters(self) -> dict[str, str | int]:
        """The query string's parts, in ND8's words."""
        return self.model_dump(mode="json", exclude_none=True)
