"""ND8's payment links behind `oscar_nd8.link_gateway`."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import JsonValue, ValidationError

from oscar_nd8 import conf
from oscar_nd8.client import (
    LinkPayment,
    LinkProduct,
    ND8Client,
    Page,
    PaymentLink,
    PaymentLinkLine,
    PaymentLinkPatch,
    PaymentLinkRequest,
    PaymentLinkStart,
    PublicPaymentLink,
)
from oscar_nd8.exceptions import AmountsDisagree, NotFound, NotOffered, ProviderUnavailable
from oscar_nd8.gateway import Begun, PayerDetails, ReturnAddresses
from oscar_nd8.link_gateway import LinkGateway, LinkLine, LinkOffer, LinkPaymentReport, LinkReport
from oscar_nd8.money import parse_minor
from oscar_nd8.nd8.connection import nd8_client
from oscar_nd8.nd8.gateway import begun_at, refusal_of, state_of
from oscar_nd8.nd8.words import one_line

__all__ = ["ND8LinkGateway", "nd8_link_gateway"]

logger = logging.getLogger("oscar_nd8")

T = TypeVar("T", PaymentLink, LinkPayment)

_LARGEST: Final = 2**31 - 1  # what a column of whole numbers holds
_PAGES_AT_MOST: Final = 100


class ND8LinkGateway:
    """ND8's payment links."""

    code = "nd8"

    def __init__(self, client: ND8Client, *, settings: conf.ND8Settings) -> None:
        self._client = client
        self._settings = settings

    def list_links(self) -> list[LinkReport]:
        """listPaymentLinks. A link whose id is no UUID, against ND8's document, is left out."""
        return [report for each in _every(self._client.list_payment_links) if (report := _readable(each)) is not None]

    def look_up_link(self, link_id: UUID) -> LinkReport:
        """getPaymentLink."""
        return _report(self._client.get_payment_link(str(link_id)))

    def create_link(
        self,
        *,
        name: str,
        products: Sequence[tuple[str, int]],
        currency: str,
        expires_at: datetime | None,
        max_uses: int | None,
    ) -> LinkReport:
        """createPaymentLink. Raises NotOffered where the request could never be accepted."""
        try:
            request = PaymentLinkRequest.model_validate(
                {
                    "name": name,
                    "products": [PaymentLinkLine(product_id=key, quantity=quantity) for key, quantity in products],
                    "currency": currency,
                    "expires_at": expires_at,
                    "max_uses": max_uses,
                }
            )
        except ValidationError as error:
            raise NotOffered(_wrong_fields(error)) from error
        return _report(self._client.create_payment_link(request))

    def change_link(self, link_id: UUID, changes: Mapping[str, Any]) -> LinkReport:
        """patchPaymentLink. Raises NotOffered where the change could never be accepted."""
        try:
            patch = PaymentLinkPatch.model_validate(dict(changes))
        except ValidationError as error:
            raise NotOffered(_wrong_fields(error)) from error
        return _report(self._client.update_payment_link(str(link_id), patch))

    def delete_link(self, link_id: UUID) -> None:
        """deletePaymentLink."""
        self._client.delete_payment_link(str(link_id))

    def link_payments(self, link_id: UUID) -> list[LinkPaymentReport]:
        """listPaymentLinkPayments."""
        pages = _every(lambda page: self._client.list_payment_link_payments(str(link_id), page))
        return [
            LinkPaymentReport(
                transaction_id=each.id,
                state=state_of(each.status or ""),
                email=one_line(each.payer_email),
                made_at=_moment(each.created_at),
            )
            for each in pages
        ]

    def preview_link(self, link_id: UUID) -> LinkOffer:
        """getPublicPaymentLink."""
        return _offer(self._client.get_public_payment_link(str(link_id)))

    def begin_link(self, link_id: UUID, *, currency: str, payer: PayerDetails, returns: ReturnAddresses) -> Begun:
        """startPaymentLinkCheckout. Raises NotOffered when ND8 could never accept the payer's details as they are."""
        try:
            request = PaymentLinkStart.model_validate(
                {
                    "billing_country": payer.country,
                    "billing_first_name": payer.first_name,
                    "billing_last_name": payer.last_name,
                    "billing_email": payer.email,
                    "billing_postal_code": payer.postal_code or None,
                    "currency": currency,
                    "success_url": returns.success,
                    "failed_url": returns.failed,
                    "cancel_url": returns.canceled,
                }
            )
        except ValidationError as error:
            raise NotOffered(refusal_of(error)) from None  # the cause would show the payer's details
        checkout = self._client.start_payment_link_checkout(str(link_id), request)
        return begun_at(checkout, hosts=self._settings.CHECKOUT_HOSTS, operation="startPaymentLinkCheckout")


def nd8_link_gateway() -> LinkGateway:
    """The links of the account that the settings name."""
    return ND8LinkGateway(nd8_client(), settings=conf.get_settings())


def _every(ask: Callable[[int | None], Page[T]]) -> Iterator[T]:
    """All that ND8 has. It documents an array, which is everything; should it write pages, each one is asked for."""
    seen: set[str] = set()
    for number in count(1):
        try:
            page = ask(None if number == 1 else number)
        except NotFound:
            if number == 1:
                raise
            return
        new = {each.id: each for each in page.results if each.id not in seen}
        yield from new.values()
        seen |= new.keys()
        if page.next is None or not new:
            return
        if number == _PAGES_AT_MOST:
            raise ProviderUnavailable("ND8's list of payment links, or of their payments, does not end.")


def _readable(link: PaymentLink) -> LinkReport | None:
    try:
        return _report(link)
    except ProviderUnavailable as error:
        logger.warning("%s", error)
        return None


def _report(link: PaymentLink) -> LinkReport:
    try:
        link_id = UUID(link.id)
    except ValueError:
        raise ProviderUnavailable(f"ND8 names a payment link {link.id[:40]!r}, which is no UUID.") from None
    extra = link.model_extra or {}
    uses = extra.get("uses")
    return LinkReport(
        link_id=link_id,
        name=one_line(link.name),
        offer=_offer(link),
        is_active=link.is_active is not False,
        max_uses=_number(link.max_uses),
        uses=_number(uses),
        made_at=_moment(link.created_at),
        statistics=_statistics(extra),
    )


def _statistics(extra: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Words and numbers that ND8 put beside the documented fields, at the top or one level below."""
    found: dict[str, JsonValue] = {}
    for name, value in extra.items():
        inner = value.items() if isinstance(value, dict) else [(name, value)]
        for key, each in inner:
            if isinstance(each, int | float | str) and not isinstance(each, bool) and each != "":
                found[one_line(key)] = one_line(each) if isinstance(each, str) else each
    return found


def _offer(link: PublicPaymentLink) -> LinkOffer:
    currency = (link.currency or "").strip().upper()[:3]
    lines = tuple(_line(each, currency) for each in link.products)
    mode = (link.pricing_mode or "").strip().upper()
    return LinkOffer(
        lines=lines,
        currency=currency,
        amount=_amount(link, lines, currency),
        tax_included={"TAX_INCLUSIVE": True, "TAX_EXCLUSIVE": False}.get(mode),
        expires_at=_moment(link.expires_at),
    )


def _line(product: LinkProduct, currency: str) -> LinkLine:
    return LinkLine(
        product_id=one_line(product.product_id),
        name=one_line(product.name or product.product_id),
        quantity=_number(product.quantity) or 1,
        unit_amount=_minor(product.unit_price, currency),
    )


def _amount(link: PublicPaymentLink, lines: Sequence[LinkLine], currency: str) -> int | None:
    """The price that ND8 names, else what its lines add up to."""
    said = _minor(link.amount, currency)
    if said is not None or not lines:
        return said
    prices = [line.unit_amount * line.quantity for line in lines if line.unit_amount is not None]
    total = sum(prices)
    return total if len(prices) == len(lines) and total > 0 else None


def _minor(text: str | None, currency: str) -> int | None:
    try:
        amount = parse_minor(text or "", currency)
    except AmountsDisagree:
        return None
    return amount if amount > 0 else None


def _number(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= _LARGEST else None


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _wrong_fields(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
