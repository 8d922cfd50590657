"""Opening a hosted payment, and reading what became of it."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StrictFloat, StrictInt, model_validator

from oscar_nd8.client.schemas._base import Loose, Needed, Received, Sent, Url, none_as_empty

__all__ = [
    "AdHocItem",
    "CatalogueItem",
    "Checkout",
    "CheckoutRequest",
    "Currency",
    "DepositAttempt",
    "Payer",
    "Product",
    "ProductItem",
    "Quantity",
    "Transaction",
]

_NAME_LENGTH: Final = 100  # ND8's limit of billing_first_name and billing_last_name


def _name(value: str) -> str:
    cut = " ".join(value.split())[:_NAME_LENGTH].rstrip()
    if not cut:
        raise ValueError("is empty: ND8 needs a first and a last name")
    return cut


def _email(value: str) -> str:
    address = value.strip()
    if not all(address.rpartition("@")) or any(character.isspace() for character in address):
        raise ValueError("is not an e-mail address")
    return address


Name = Annotated[str, AfterValidator(_name), Field(repr=False)]
Currency = Literal["USD", "EUR"]
Quantity = Annotated[StrictInt, Field(ge=1)]
Price = Annotated[StrictInt | StrictFloat, Field(gt=0, allow_inf_nan=False)]


class AdHocItem(Sent):
    """Something sold by name. `unit_price` is in major units, above 0, as `money.to_json_number` writes it."""

    name: Annotated[str, Field(min_length=1)]
    quantity: Quantity
    unit_price: Price


class CatalogueItem(Sent):
    """Something out of the merchant's catalogue at ND8, at the price that ND8 has for it."""

    id: Annotated[str, Field(min_length=1)]
    quantity: Quantity


ProductItem = AdHocItem | CatalogueItem


class Payer(Sent):
    """Who pays, and where their browser goes afterwards; reaching such an address proves nothing about money.

    Names longer than ND8's 100 characters are cut, a blank one is refused. US needs a postal code.
    """

    billing_country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    billing_first_name: Name
    billing_last_name: Name
    billing_email: Annotated[str, AfterValidator(_email), Field(repr=False)]
    billing_postal_code: Annotated[str | None, Field(repr=False)] = None
    billing_phone: Annotated[str | None, Field(repr=False)] = None
    success_url: Annotated[Url | None, Field(alias="successUrl", repr=False)] = None
    failed_url: Annotated[Url | None, Field(alias="failedUrl", repr=False)] = None
    cancel_url: Annotated[Url | None, Field(alias="cancelUrl", repr=False)] = None

    @model_validator(mode="after")
    def _postal_code_where_needed(self) -> "Payer":
        if self.billing_country == "US" and not (self.billing_postal_code or "").strip():
            raise ValueError("billing_postal_code is needed for the country US")
        return self


class CheckoutRequest(Payer):
    """What createPayment takes.

    `currency` is required here although ND8 has a default: a default would charge euros as dollars. The
    price of an item counts in that currency. `sandbox_simulate` is for sandbox keys; others are refused by
    ND8.
    """

    currency: Currency
    products: Annotated[tuple[ProductItem, ...], Field(min_length=1)]
    sandbox_simulate: (
        Literal["payment_failed", "checkout_canceled", "canceled", "success_pending_deposit", "checkout_pending"] | None
    ) = None


class Checkout(Received):
    """An open hosted payment. `checkout_id` (also sent as `order_id`) is the key that notifications carry.

    `checkout_url` is where the shopper pays until `expires_at`, in Unix seconds. `token` is for that page
    only.
    """

    checkout_id: Needed
    order_id: Needed
    checkout_url: Annotated[Needed, Field(repr=False)]
    token: Annotated[SecretStr, Field(repr=False)]
    expires_at: StrictInt


class DepositAttempt(Received):
    """One try to pay, with a card or otherwise, as ND8's provider reported it; `attempted_at` is ISO 8601."""

    status: Loose = None
    payment_id: Annotated[Loose, Field(alias="paymentId")] = None
    attempted_at: Annotated[Loose, Field(alias="attemptedAt")] = None
    error_message: Annotated[Loose, Field(alias="errorMessage")] = None
    payment_method: Annotated[Loose, Field(alias="paymentMethod")] = None


class Product(Received):
    """What a payment was for, as ND8 repeats it."""

    id: Loose = None
    name: Loose = None


class Transaction(Received):
    """The answer of getPaymentById.

    `amount` is written in major units of `currency` and is net of ND8's fees, so it is no order total.
    `status` is ND8's own word, known or not. `deposit_attempts` is the full list at this moment, usually
    newest first.
    """

    id: Needed
    amount: Needed
    status: Needed
    currency: Needed
    payer_email: Annotated[Loose, Field(repr=False)] = None
    products: Annotated[tuple[Product, ...], BeforeValidator(none_as_empty)] = ()
    created_at: Loose = None
    deposit_attempts: Annotated[
        tuple[DepositAttempt, ...], BeforeValidator(none_as_empty), Field(alias="depositAttempts")
    ] = ()
