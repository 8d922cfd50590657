"""ND8's hosted checkout behind `oscar_nd8.gateway`: ND8's words become ours here, and nowhere else."""

import hashlib
import json
import re
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.signals import setting_changed
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oscar_nd8 import conf
from oscar_nd8.client import (
    AcceptedRefund,
    AdHocItem,
    Checkout,
    CheckoutRequest,
    CircuitState,
    ND8Client,
    Refund,
    RefundQuery,
    RefundRequest,
    Transaction,
    signatures,
)
from oscar_nd8.exceptions import (
    AmountsDisagree,
    NotOffered,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
)
from oscar_nd8.gateway import (
    REFERENCE_LETTERS,
    AccountReport,
    Attempt,
    Begun,
    Gateway,
    Notification,
    PayerDetails,
    PaymentReport,
    RefundReport,
    ReturnAddresses,
    new_reference,
)
from oscar_nd8.lines import Item
from oscar_nd8.money import parse_amount, parse_minor, round_to_minor, to_json_number, to_major
from oscar_nd8.nd8.account import ask_account, other_environment
from oscar_nd8.nd8.connection import client_at, nd8_client
from oscar_nd8.nd8.words import one_line
from oscar_nd8.states import DepositState, PaymentState, RefundStatus

__all__ = ["ND8Gateway", "begun_at", "nd8_gateway", "refusal_of", "state_of"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    event: str = Field(default="", max_length=100, pattern=r"^[ -~]*$")
    # Ids are stored and put into addresses: printable ASCII without blanks, as ND8's are.
    order_id: str = Field(default="", max_length=255, pattern=r"^[!-~]*$")
    transaction_id: str = Field(default="", max_length=255, pattern=r"^[!-~]*$")
    refund_id: str = Field(default="", max_length=64, pattern=r"^[!-~]*$")


# The one place where ND8's words become ours; source: Payment.status in its API document.
_STATES: Mapping[str, PaymentState] = {
    "processing": PaymentState.PROCESSING,
    "paid": PaymentState.PAID,
    "failed": PaymentState.FAILED,
    "canceled": PaymentState.CANCELED,
    "refund_pending": PaymentState.REFUND_PENDING,
    "refunded": PaymentState.REFUNDED,
}
# ND8 gives examples only; any other word for a deposit that is under way is not one of success.
_DEPOSITS: Mapping[str, DepositState] = {
    "succeeded": DepositState.SUCCEEDED,
    "pending": DepositState.PENDING,
    "processing": DepositState.PENDING,
    "requires_payment_method": DepositState.FAILED,
    "failed": DepositState.FAILED,
}
# Source: the filter `status` of listRefunds.
_REFUND_STATUSES: Mapping[str, RefundStatus] = {
    "pending": RefundStatus.PROCESSING,
    "processing": RefundStatus.PROCESSING,
    "completed": RefundStatus.COMPLETED,
    "failed": RefundStatus.FAILED,
    "rejected": RefundStatus.REJECTED,
}

_REFERENCE: Final = re.compile(rf"\bR-[{REFERENCE_LETTERS}]{{10}}\b")
_REASON_LIMIT: Final = 500  # ND8's, with our reference in it
_REFUND_PREFIX: Final = "RF"
_REFUND_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_TRANSACTION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LARGEST_PAGE: Final = 100
_WORD: Final = 64  # the longest status that is kept
_MESSAGE: Final = 500


class ND8Gateway:
    """ND8's hosted checkout."""

    code = "nd8"
    reason_length = _REASON_LIMIT - len(f" ({new_reference()})")

    def __init__(self, client: ND8Client, *, settings: conf.ND8Settings) -> None:
        self._client = client
        self._settings = settings

    def begin(
        self,
        *,
        items: Sequence[Item],
        currency: str,
        payer: PayerDetails,
        returns: ReturnAddresses,
    ) -> Begun:
        """createPayment. Raises NotOffered when ND8 could never accept the payer's details as they are."""
        try:
            request = CheckoutRequest(
                billing_country=payer.country,
                billing_first_name=payer.first_name,
                billing_last_name=payer.last_name,
                billing_email=payer.email,
                billing_postal_code=payer.postal_code or None,
                currency=currency,
                products=tuple(
                    AdHocItem(
                        name=item.name,
                        quantity=item.quantity,
                        unit_price=to_json_number(item.unit_amount, currency),
                    )
                    for item in items
                ),
                success_url=returns.success,
                failed_url=returns.failed,
                cancel_url=returns.canceled,
            )
        except ValidationError as error:
            raise NotOffered(refusal_of(error)) from None  # the cause would show the payer's details
        checkout = self._client.create_checkout(request)
        return begun_at(checkout, hosts=self._settings.CHECKOUT_HOSTS, operation="createPayment")

    def look_up(self, transaction_id: str) -> PaymentReport:
        """getPaymentById. What ND8 says about the state counts, also beside an amount that is none."""
        return _report(transaction_id, self._client.get_transaction(transaction_id))

    def refund(
        self, transaction_id: str, *, amount: int | None, currency: str, reason: str, reference: str
    ) -> RefundReport:
        """createRefundForPayment. The reference stands behind the reason, where the customer can read it too.

        Raises OutcomeUnknown also for an amount that is none.
        """
        request = RefundRequest(
            reason=f"{reason} ({reference})",
            amount=None if amount is None else f"{to_major(amount, currency):f}",
        )
        answer = self._client.create_refund(transaction_id, request)
        try:
            return RefundReport(
                refund_id=self._public_id(answer),
                transaction_id=transaction_id,
                status=_REFUND_STATUSES.get(answer.status, RefundStatus.PROCESSING),
                raw_status=one_line(answer.status, longest=_WORD),
                currency=_currency(answer.currency),
                amount=parse_minor(answer.amount, answer.currency),
                reason=reason,
                reference=reference,
            )
        except AmountsDisagree as error:
            raise OutcomeUnknown(
                f"ND8 took a refund and answered with an amount that cannot be read: {error}",
                operation="createRefundForPayment",
            ) from error

    def _public_id(self, answer: AcceptedRefund) -> str:
        """The id that all other operations know the refund by, of which ND8 says that it leaves the prefix out here.

        One of thousands begins like the prefix: whether it was left out, the refund itself tells by its number.
        """
        public = one_line(answer.refund_public_id)
        bare = public.removeprefix(_REFUND_PREFIX)
        if not bare.startswith(_REFUND_PREFIX) or answer.refund_id is None:
            return public
        try:
            told = one_line(self._client.get_refund(str(answer.refund_id)).id)
        except ProviderError:
            return public  # the refund has begun: nothing that goes wrong now may say otherwise
        return told if told in {public, bare} else public

    def look_up_refund(self, refund_id: str) -> RefundReport:
        """getRefundById. Raises ProviderUnavailable also for an amount that is none."""
        return _refund_report(self._client.get_refund(refund_id), operation="getRefundById")

    def find_refunds(self, *, since: datetime, transaction_id: str = "") -> list[RefundReport]:
        """listRefunds, all pages, by time alone: what `search` compares ids with is not documented, and a refund
        that it misses would be asked for again. Oldest first, so that one made meanwhile shifts no page."""
        query = RefundQuery(created_at__gte=since, ordering="created_at", page_size=_LARGEST_PAGE)
        return [
            _refund_report(each, operation="listRefunds")
            for each in self._client.iterate_refunds(query)
            if transaction_id in {"", each.transaction_id}
        ]

    def examine(self, *, clock: Callable[[], datetime] = timezone.now) -> AccountReport:
        """listRefunds and getPaymentById, and with a merchant token what only that can see."""
        return ask_account(
            self._client,
            api_key=self._settings.API_KEY,
            has_session=bool(self._settings.MERCHANT_TOKEN.get_secret_value()),
            elsewhere=self._elsewhere,
            clock=clock,
        )

    def failures(self) -> int:
        """As the client's circuit counts them."""
        seen = self._client.circuit
        return 0 if seen.state is CircuitState.CLOSED else seen.failures

    def _elsewhere(self) -> tuple[str, ND8Client] | None:
        address = other_environment(self._settings.BASE_URL)
        return (address, client_at(address, settings=self._settings)) if address else None

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """`X-Webhook-Signature` over the raw body; no other header is signed."""
        signatures.verify(
            body, signature=headers.get("X-Webhook-Signature", ""), secrets=self._settings.WEBHOOK_SECRETS
        )

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification:
        """The event's name and the ids it is about; fields that ND8 adds are ignored."""
        try:
            content = _Body.model_validate(_hints(json.loads(body.decode())))
        except (ValidationError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError("the body is not a notification") from error
        return Notification(
            delivery_id=_delivery_id(headers.get("X-Webhook-Delivery-Id", "").strip()),
            name=content.event,
            checkout_id=content.order_id,
            # Kept, and about nothing: ND8 could never be asked about such an id, however often that is tried.
            transaction_id=content.transaction_id if _TRANSACTION_ID.fullmatch(content.transaction_id) else "",
            refund_id=content.refund_id,
        )


def state_of(word: str) -> PaymentState:
    """ND8's word for the state of a payment, in ours."""
    return _STATES.get(word, PaymentState.UNKNOWN)


def begun_at(checkout: Checkout, *, hosts: Container[str], operation: str) -> Begun:
    """The answer that opens a hosted page. Raises RequestRejected for a page that is not on one of `hosts`."""
    page = urlsplit(checkout.checkout_url)
    secure = page.scheme == "https" or (page.scheme == "http" and page.hostname in conf.LOOPBACK)
    if page.netloc.lower() not in hosts or not secure:
        raise RequestRejected(
            f"ND8 answered with a payment page on {page.netloc!r}, where shoppers are not sent. If it is ND8's, "
            "add the host to ND8['CHECKOUT_HOSTS'].",
            operation=operation,
        )
    return Begun(
        checkout_id=checkout.checkout_id,
        url=checkout.checkout_url,
        expires_at=datetime.fromtimestamp(checkout.expires_at, tz=UTC),
    )


def _hints(content: Any) -> Any:
    """The ids of a body. ND8 does not publish what it says about a refund, so those are taken from wherever it
    has written such ids elsewhere; a wrong one finds nothing when ND8 is asked."""
    if not isinstance(content, dict):
        return content
    if not str(content.get("event")).startswith("refund."):
        return {name: content[name] for name in ("event", "order_id", "transaction_id") if name in content}
    hints = {name: content[name] for name in ("event", "order_id") if isinstance(content.get(name), str)}
    for part in (content, content.get("refund"), content.get("data")):
        if not isinstance(part, dict):
            continue
        transaction_id = part.get("transaction_id")
        # ND8's inner number of a payment would look like a second payment here.
        if isinstance(transaction_id, str) and not transaction_id.isdigit():
            hints.setdefault("transaction_id", transaction_id)
        refund_id = _refund_id(part)
        if refund_id:
            hints.setdefault("refund_id", refund_id)
    return hints


def _refund_id(part: Mapping[str, Any]) -> str:
    """Public ids bear the prefix RF, which ND8 leaves out in places; a number is ND8's inner one, as good to ask by."""
    for name in ("refund_public_id", "refund_id", "id"):
        given = part.get(name)
        text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
        if _REFUND_ID.fullmatch(text):
            inner = text.isdigit() and name != "refund_public_id"
            return text if inner or text.startswith(_REFUND_PREFIX) else f"{_REFUND_PREFIX}{text}"
    return ""


def _delivery_id(given: str) -> str:
    # The header is not signed: what is no plain id is told apart by its digest, and never cut to a shared beginning.
    plain = len(given) <= 64 and given.isascii() and (not given or given.isprintable())
    return given if plain else hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()


def refusal_of(error: ValidationError) -> object:
    """A sentence for a shopper whose details ND8 could never accept, translated where it is shown."""
    fields = {str(item["loc"][0]) for item in error.errors(include_input=False) if item["loc"]}
    if "billing_postal_code" in fields or not fields:
        return _("Payments from your country need a postal code. Please add it to your address.")
    return _("Your name, e-mail or address is not complete enough for paying by ND8. Please check them.")


def _report(transaction_id: str, answer: Transaction) -> PaymentReport:
    attempts = tuple(
        Attempt(
            state=one_line(each.status, longest=_WORD),
            at=one_line(each.attempted_at, longest=_WORD),
            method=one_line(each.payment_method),
            message=one_line(each.error_message, longest=_MESSAGE),
            reference=one_line(each.payment_id),
        )
        for each in answer.deposit_attempts
    )
    attempts = tuple(sorted(attempts, key=lambda each: each.at, reverse=True))
    return PaymentReport(
        transaction_id=transaction_id,
        state=state_of(answer.status),
        raw_status=one_line(answer.status, longest=_WORD),
        deposit=_DEPOSITS.get(attempts[0].state, DepositState.PENDING) if attempts else DepositState.NONE,
        currency=_currency(answer.currency),
        net=_net(answer),
        attempts=attempts,
    )


def _net(answer: Transaction) -> int | None:
    """What ND8 pays out. Rounded where it is finer than a coin: it is held against the total, and never booked."""
    try:
        return round_to_minor(parse_amount(answer.amount, answer.currency), answer.currency)
    except AmountsDisagree:
        return None


def _currency(text: str) -> str:
    return one_line(text).upper()[:3]


def _refund_report(answer: Refund, *, operation: str) -> RefundReport:
    reason = one_line(answer.reason, longest=_REASON_LIMIT)
    references = _REFERENCE.findall(reason)
    try:
        amount = parse_minor(answer.amount, answer.currency)
    except AmountsDisagree as error:
        raise ProviderUnavailable(
            f"ND8 answered with an amount that cannot be read: {error}", operation=operation
        ) from error
    return RefundReport(
        refund_id=one_line(answer.id),
        transaction_id=one_line(answer.transaction_id),
        status=_REFUND_STATUSES.get(answer.status, RefundStatus.PROCESSING),
        raw_status=one_line(answer.status, longest=_WORD),
        currency=_currency(answer.currency),
        amount=amount,
        reason=reason,
        # Ours is the last: staff can quote an older one in the reason.
        reference=references[-1] if references else "",
    )


@cache
def nd8_gateway() -> Gateway:
    """The gateway of the account that the settings name."""
    return ND8Gateway(nd8_client(), settings=conf.get_settings())


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == "ND8":
        nd8_gateway.cache_clear()


setting_changed.connect(_forget, dispatch_uid="oscar_nd8.nd8.gateway")
