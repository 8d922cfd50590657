"""The seam to a provider: begin a payment, look one up, give money back, read a notification, in our own words.

Services know these types and nothing of ND8's. Another provider is another class with these methods, in a package
of its own and named in `_GATEWAYS`; what it cannot say is None (a gross amount, a net amount), what it says in other
words is translated in one table.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from django.utils import timezone
from django.utils.module_loading import import_string

from oscar_nd8.lines import Item
from oscar_nd8.states import DepositState, PaymentState, RefundStatus

__all__ = [
    "REFERENCE_LETTERS",
    "Access",
    "AccountReport",
    "Attempt",
    "Begun",
    "Gateway",
    "Notification",
    "PayerDetails",
    "PaymentReport",
    "Permission",
    "RefundReport",
    "ReturnAddresses",
    "Right",
    "get_gateway",
    "new_reference",
]

# By path, and loaded at first use: a provider's client and its HTTP library are no part of a shop's start.
_GATEWAYS: Final[Mapping[str, str]] = {"nd8": "oscar_nd8.nd8.gateway.nd8_gateway"}

# Digits and capitals that nobody mistakes for one another on the telephone.
REFERENCE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class PayerDetails(Protocol):
    """Whom the provider bills; `country` is ISO 3166-1 alpha-2."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def postal_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ReturnAddresses:
    """Absolute URLs where the provider sends the browser; reaching one proves nothing about money."""

    success: str
    failed: str
    canceled: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that a shopper can make at `url` until `expires_at`; `checkout_id` comes back in notifications."""

    checkout_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay, as support wants to see it."""

    state: str
    at: str
    method: str
    message: str
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentReport:
    """The provider's answer about one payment. `net` is what it pays out, in minor units; None: it names no amount."""

    transaction_id: str
    state: PaymentState
    raw_status: str
    deposit: DepositState
    currency: str
    net: int | None
    attempts: tuple[Attempt, ...]  # newest first


@dataclass(frozen=True, slots=True)
class RefundReport:
    """The provider's answer about one refund. `amount` is what the customer gets, in minor units of `currency`.

    `reference` is ours, "" where the refund carries none. A word that we do not know reads PROCESSING: the
    provider has it, and nobody can say that it ended.
    """

    refund_id: str
    transaction_id: str
    status: RefundStatus
    raw_status: str
    currency: str
    amount: int
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A signed message. Its ids are hints where to look; nothing else in it is believed."""

    delivery_id: str
    name: str
    checkout_id: str
    transaction_id: str
    refund_id: str


class Access(StrEnum):
    """Whether credentials open a door."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNTESTED = "untested"


class Right(StrEnum):
    """What a shop needs to be allowed to do."""

    OPEN = "open payments"
    READ = "read payments"
    READ_REFUNDS = "read refunds"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the shop has a right. `name` is the provider's word for it, `reason` why it is not known."""

    access: Access
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountReport:
    """A provider's answers; what it cannot say, or was not asked, stays as it is here.

    `trouble` says why it gave no answer at all. `elsewhere` is the base URL that takes a key which this one
    refuses. `ahead` is how far its clock is before ours. What only the merchant's own session can see:
    `price_mode` is "TTC" or "HT", limits are in major units of a currency that ND8 does not name,
    `webhook_address` is "" where none is set.
    """

    trouble: str = ""
    key: Access = Access.UNTESTED
    elsewhere: str = ""
    permissions: Mapping[Right, Permission] = field(default_factory=dict)
    ahead: timedelta | None = None
    session: Access = Access.UNTESTED
    session_trouble: str = ""
    price_mode: str | None = None
    lowest: Decimal | None = None
    highest: Decimal | None = None
    webhook_address: str | None = None


class Gateway(Protocol):
    """What services ask of a provider. Every method that calls out may raise a ProviderError."""

    code: str
    reason_length: int
    """The longest reason that a refund can carry beside our reference, in characters."""

    def begin(
        self,
        *,
        items: Sequence[Item],
        currency: str,
        payer: PayerDetails,
        returns: ReturnAddresses,
    ) -> Begun:
        """Open a hosted payment. A write without idempotency key: never repeated by the gateway."""

    def look_up(self, transaction_id: str) -> PaymentReport:
        """The truth about a payment, now. A read: repeated within its budget."""

    def refund(
        self, transaction_id: str, *, amount: int | None, currency: str, reason: str, reference: str
    ) -> RefundReport:
        """Give `amount` minor units back, tax included; None: all that remains. A write: never repeated.

        `reference` is sent along, so that `find_refunds` can tell this refund from any other.
        """

    def look_up_refund(self, refund_id: str) -> RefundReport:
        """The truth about a refund, now. A read; NotFound where there is none."""

    def find_refunds(self, *, since: datetime, transaction_id: str = "") -> list[RefundReport]:
        """Every refund created at or after `since`, of one payment or of all, oldest first: complete, or an error."""

    def examine(self, *, clock: Callable[[], datetime] = timezone.now) -> AccountReport:
        """What the provider says about our account, found out without changing anything. No answer is an answer."""

    def failures(self) -> int:
        """How many calls of this process failed at the provider one after the other, where that keeps others back.

        0 while calls go out as usual. Asks nobody.
        """

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise SignatureInvalid unless `body` was signed with one of our secrets."""

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification:
        """What a verified body says. Raises ValueError where it is not a notification at all."""


def get_gateway(code: str) -> Gateway:
    """The gateway a session was begun with; one client and connection pool a process, made at first use."""
    if code not in _GATEWAYS:
        raise LookupError(f"No payment gateway is called {code!r}.")
    make: Callable[[], Gateway] = import_string(_GATEWAYS[code])
    return make()


def new_reference(prefix: str = "R") -> str:
    """A name for a refund before the provider has one: unguessable, and found again in a provider's free text."""
    return f"{prefix}-" + "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(10))
