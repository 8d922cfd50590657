"""A notification of a payment that is over: ND8 is asked all the same, and two rows say that it said nothing new.

Most of what is told more than once, or late, is of this kind. On the one road its session, payments and notifications
would be read by statements that Django composes anew each time, which takes longer than all else (docs/adr/0021).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from oscar_nd8.models import Attention, Payment, Refund, WebhookEvent
from oscar_nd8.observing import observed
from oscar_nd8.services.settle import Answer, ask
from oscar_nd8.states import DepositState, EventStatus, PaymentState, SessionStatus

__all__ = ["confirm_payment"]

# What stands in the composed statement where the values of a notification belong.
_GATEWAY, _CHECKOUT, _TRANSACTION = "%gateway", "%checkout", "%transaction"
_SAID: Final = ("state", "raw_status", "deposit", "currency", "net", "attempts", "asked_at")
_BOOKED: Final = ("allocated_at", "debited_at")

# One statement, so that it is one commit. Whoever wrote down another answer since the question changed `asked_at`.
_CONFIRM = """
    WITH confirmed AS (
        UPDATE oscar_nd8_payment SET asked_at = %s WHERE id = %s AND asked_at = %s RETURNING id
    )
    UPDATE oscar_nd8_webhookevent
    SET status = %s, attempts = attempts + 1, last_error = '', processed_at = %s, due_at = NULL
    WHERE id = %s AND EXISTS (SELECT FROM confirmed)
"""


def confirm_payment(event: WebhookEvent) -> Sequence[Answer] | None:
    """None where ND8 says nothing new and nothing is to be done: then all is written down, `event` included.

    Else ND8's answers so far, for `settle`. Raises a ProviderError.
    """
    # A first try only: of what failed before, matters may be open.
    if connection.vendor != "postgresql" or event.refund_id or event.status != EventStatus.RECEIVED:
        return ()
    known = _finished_payment(event)
    return () if known is None else _ask_again(event, known)


@observed("settle", lambda answers: SessionStatus.PLACED if answers is None else None)
def _ask_again(event: WebhookEvent, known: Payment) -> Sequence[Answer] | None:
    answer = ask(event.gateway, event.transaction_id, known=known)
    if answer.is_news:
        return [answer]
    values = (answer.asked_at, known.pk, known.asked_at, EventStatus.PROCESSED.value, timezone.now(), event.pk)
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRM, values)
        return None if cursor.rowcount else [answer]


def _finished_payment(event: WebhookEvent) -> Payment | None:
    """The payment that `event` is about, where its order is placed, booked and mailed and nothing about it is open.

    Whether another transaction was told of for the same checkout does not matter: its own notification is due.
    """
    statement, values = _composed()
    told = {_GATEWAY: event.gateway, _CHECKOUT: event.checkout_id, _TRANSACTION: event.transaction_id}
    found: Any = next(iter(Payment.objects.raw(statement, [told.get(each, each) for each in values])), None)
    # Here and not in the statement: each condition there is weighed anew against all indexes.
    if (
        found is None
        or (found.session_status, found.session_due_at) != (SessionStatus.PLACED, None)
        or (found.state, found.deposit) != (PaymentState.PAID, DepositState.SUCCEEDED)
        or None in {found.session_mailed_at, found.allocated_at, found.debited_at}
        or found.is_refunded
        or found.has_matters
    ):
        return None
    return found  # type: ignore[no-any-return]  # what was annotated is known to the statement alone


@cache
def _composed() -> tuple[str, Sequence[Any]]:
    """By Django, once a process."""
    matters = Attention.objects.filter(session=OuterRef("session"), kind=Attention.Kind.UNPROCESSED, resolved_at=None)
    payments = Payment.objects.filter(
        gateway=_GATEWAY, transaction_id=_TRANSACTION, session__checkout_id=_CHECKOUT
    ).annotate(
        session_status=F("session__status"),
        session_due_at=F("session__due_at"),
        session_mailed_at=F("session__mailed_at"),
        is_refunded=Exists(Refund.objects.filter(payment=OuterRef("pk"))),
        has_matters=Exists(matters),
    )
    return payments.only("pk", *_SAID, *_BOOKED).order_by().query.sql_with_params()
