"""Payments and refunds as tables for spreadsheets: the columns of every admin's export, and no cell a formula."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from oscar_nd8.models import PaymentSession
from oscar_nd8.shop.overview import overview_of
from oscar_nd8.shop.refunds import refunded_of

__all__ = ["PAYMENT_COLUMNS", "REFUND_COLUMNS", "Columns", "not_a_formula"]

Columns = Mapping[str, tuple[Any, Callable[[Any], Any]]]
"""By name: a title, and what a row has below it. Amounts are Decimals in major units of the row's own currency."""

# Where the text begins, and wherever else a spreadsheet begins a cell that separates by something else than the comma,
# as many languages have it.
_CELL = r"(?:\A|[;|\t\r\n\v\f\x85\u2028\u2029])"
# What is skipped to find a formula, and what is taken for one.
_FORMULA = re.compile(rf'(\A(?=[\t\r\n])|{_CELL}(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]))')


def not_a_formula(text: str) -> str:
    """`text` that somebody else wrote, as text: a spreadsheet would run what begins like a formula, in any cell."""
    return _FORMULA.sub(r"\1'", text)


def _fee(session: PaymentSession) -> Decimal | None:
    return overview_of(session).fee


def _net(session: PaymentSession) -> Decimal | None:
    return overview_of(session).net


def _matters(session: PaymentSession) -> str:
    return "; ".join(str(matter.get_kind_display()) for matter in overview_of(session).matters)


def _transactions(session: PaymentSession) -> str:
    return " ".join(payment.transaction_id for payment in session.payments.all())


PAYMENT_COLUMNS: Columns = {
    "order": (_("Order"), lambda session: session.order_number),
    "customer": (_("E-mail"), lambda session: session.email),
    "link": (_("Payment link"), lambda session: session.link.name if session.link else ""),
    "amount": (_("Amount"), lambda session: session.amount_major),
    "fee": (_("Fee"), _fee),
    "net": (_("Net of the fee"), _net),
    "refunded": (_("Refunded"), refunded_of),
    "currency": (_("Currency"), lambda session: session.currency),
    "status": (_("Status"), lambda session: str(session.status_label)),
    "reason": (_("Reason"), lambda session: session.status_reason),
    "attention": (_("Needs attention"), _matters),
    "checkout": (_("ND8 checkout"), lambda session: session.checkout_id),
    "transactions": (_("ND8 transactions"), _transactions),
    "begun": (_("Begun at"), lambda session: session.created_at),
    "paid": (_("Paid at"), lambda session: session.paid_at),
    "placed": (_("Order placed at"), lambda session: session.placed_at),
    "closed": (_("Closed unpaid at"), lambda session: session.closed_at),
}

REFUND_COLUMNS: Columns = {
    "order": (_("Order"), lambda refund: refund.payment.session.order_number),
    "customer": (_("E-mail"), lambda refund: refund.payment.session.email),
    "refund": (_("ND8 refund"), lambda refund: refund.refund_id),
    "transaction": (_("ND8 transaction"), lambda refund: refund.payment.transaction_id),
    "reference": (_("Our reference"), lambda refund: refund.reference),
    "amount": (_("Amount"), lambda refund: refund.amount_major),
    "currency": (_("Currency"), lambda refund: refund.currency),
    "state": (_("State"), lambda refund: str(refund.status_label)),
    "why": (_("Why"), lambda refund: refund.status_reason),
    "reason": (_("Reason"), lambda refund: refund.reason),
    "started": (_("Started"), lambda refund: str(refund.origin_label)),
    "asker": (_("Asked for by"), lambda refund: refund.asker),
    "asked": (_("Asked for at"), lambda refund: refund.created_at),
    "ended": (_("Ended at"), lambda refund: refund.closed_at),
    "booked": (_("Booked at"), lambda refund: refund.booked_at),
}
