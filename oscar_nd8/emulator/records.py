"""What ND8 keeps: the nouns of the emulator, and nothing that they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

Environment = Literal["production", "sandbox"]
PAID_STATUSES = frozenset({"paid", "refund_pending", "refunded"})


@dataclass(frozen=True, slots=True)
class Organization:
    """The merchant's account: what a control call can change."""

    name: str = "Emulated merchant"
    website: str = ""
    contact_email: str = ""
    telegram: str = ""
    price_mode: str = "TTC"
    min_payment: Decimal = Decimal("0.50")
    max_payment: Decimal = Decimal("10000.00")
    tax_rate: Decimal = Decimal("0.20")
    fee_rate: Decimal = Decimal("0.029")
    fee_fixed: Decimal = Decimal("0.30")
    wallet_balance: Decimal = Decimal("10000.00")
    session_lifetime: int = 30 * 60
    ad_hoc_products: bool = True
    auto_complete_refunds: bool = False
    webhook_url: str = ""
    webhook_secret: str = ""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, the prefixes that accept it, and its scopes (none = all of them)."""

    key_id: str
    name: str
    raw_key: str
    scopes: frozenset[str]
    environments: frozenset[Environment]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One product item of a checkout; `product_id` only when it came from the catalogue."""

    name: str
    unit_price: Decimal
    quantity: int
    product_id: str | None = None

    @property
    def total(self) -> Decimal:
        """Unit price times quantity."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to take the money from a card."""

    status: str
    payment_id: str
    attempted_at: datetime
    error_message: str | None = None


@dataclass(slots=True, eq=False)
class Checkout:
    """One hosted session, with the request that made it and the transactions that came of it."""

    checkout_id: str
    token: str
    url: str
    environment: Environment
    items: tuple[Item, ...]
    tax: Decimal
    total: Decimal
    currency: str
    payer_email: str
    success_url: str | None
    failed_url: str | None
    cancel_url: str | None
    simulate: str | None
    request: Mapping[str, object]
    created_at: datetime
    expires_at: int
    link: "PaymentLink | None" = None
    transactions: list["Transaction"] = field(default_factory=list)

    @property
    def is_paid(self) -> bool:
        """Whether one of its transactions holds money."""
        return any(one.status in PAID_STATUSES for one in self.transactions)

    @property
    def newest(self) -> "Transaction | None":
        """The transaction that the next step continues or follows."""
        return self.transactions[-1] if self.transactions else None


@dataclass(slots=True, eq=False)
class PaymentLink:
    """An offer that anybody with its id can pay; `items` are as they were when it was made."""

    link_id: str
    environment: Environment
    name: str
    items: tuple[Item, ...]
    currency: str
    pricing_mode: str
    expires_at: datetime | None
    max_uses: int | None
    metadata: Mapping[str, object] | None
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    is_deleted: bool = False
    checkouts: list[Checkout] = field(default_factory=list)

    @property
    def uses(self) -> int:
        """How many of its checkouts were paid."""
        return sum(one.is_paid for one in self.checkouts)

    @property
    def is_used_up(self) -> bool:
        """Whether it has been paid as often as it may."""
        return self.max_uses is not None and self.uses >= self.max_uses

    @property
    def transactions(self) -> list["Transaction"]:
        """Every try to pay it, newest first."""
        found = [transaction for checkout in self.checkouts for transaction in checkout.transactions]
        return sorted(found, key=lambda one: one.number, reverse=True)


@dataclass(slots=True, eq=False)
class Transaction:
    """One payment: `total` is what the shopper pays, `net` what the merchant receives."""

    public_id: str
    number: int
    checkout: Checkout
    total: Decimal
    net: Decimal
    currency: str
    status: str
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()  # newest first
    refunds: list["Refund"] = field(default_factory=list)

    @property
    def is_deposited(self) -> bool:
        """Whether the merchant's wallet has been credited."""
        return bool(self.attempts) and self.attempts[0].status == "succeeded"

    @property
    def remaining(self) -> Decimal:
        """What can still be refunded, in charge currency."""
        return self.total - sum((one.amount for one in self.refunds if one.holds), Decimal(0))


@dataclass(slots=True, eq=False)
class Refund:
    """Money on its way back; `public_id` with its RF prefix."""

    public_id: str
    number: int
    transaction: Transaction
    amount: Decimal
    reason: str
    status: str
    created_at: datetime
    updated_at: datetime

    @property
    def holds(self) -> bool:
        """Whether it counts against the payment and the wallet."""
        return self.status not in {"failed", "rejected"}


@dataclass(frozen=True, slots=True)
class Call:
    """An API call that was served; no status when it was left without an answer."""

    operation: str
    environment: Environment
    status: int | None
    at: datetime
