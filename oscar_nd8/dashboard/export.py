"""Refunds as a table for spreadsheets, written row by row, in which no cell is ever a formula."""

import csv
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from oscar_nd8.models import Refund
from oscar_nd8.shop.refunds import Refunds

__all__ = ["as_csv"]

ROWS_AT_ONCE = 500
# What spreadsheets take for a formula, and what they skip to find one.
FORMULA = ("=", "+", "-", "@")
SKIPPED = ("\t", "\r", "\n")


class _Line:
    """What csv writes into: hands each line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def as_csv(refunds: Refunds) -> Iterator[str]:
    """`refunds` with one line each below a line of titles; times are the shop's, amounts in major units."""
    writer = csv.writer(_Line())
    columns = _columns()
    # Without the mark, Excel takes UTF-8 for something else.
    yield "\ufeff" + writer.writerow(columns)
    for refund in refunds.iterator(chunk_size=ROWS_AT_ONCE):
        yield writer.writerow([_harmless(value(refund)) for value in columns.values()])


def _columns() -> Mapping[str, Callable[[Any], Any]]:
    return {
        _("Order"): lambda refund: refund.payment.session.order_number,
        _("E-mail"): lambda refund: refund.payment.session.email,
        _("ND8 refund"): lambda refund: refund.refund_id,
        _("ND8 transaction"): lambda refund: refund.payment.transaction_id,
        _("Our reference"): lambda refund: refund.reference,
        _("Amount"): lambda refund: refund.amount_major,
        _("Currency"): lambda refund: refund.currency,
        _("State"): Refund.get_status_display,
        _("Why"): lambda refund: refund.status_reason,
        _("Reason"): lambda refund: refund.reason,
        _("Started"): Refund.get_origin_display,
        _("Asked for by"): lambda refund: refund.asker,
        _("Asked for at"): lambda refund: _moment(refund.created_at),
        _("Ended at"): lambda refund: _moment(refund.closed_at),
        _("Booked at"): lambda refund: _moment(refund.booked_at),
    }


def _moment(at: Any) -> str:
    return localtime(at).isoformat(sep=" ", timespec="seconds") if at else ""


def _harmless(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(SKIPPED) or text.lstrip().startswith(FORMULA) else text
