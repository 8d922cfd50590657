"""A notification of a payment that is over: ND8 is asked all the same, and two rows say that it said nothing new.

Most of what is told more than once, or late, is of this kind. On the one road its session, payments and notifications
would be read by statements that Django composes anew each time, which takes longer than all else (docs/adr/0021).
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from oscar_nd8.models import Attention, Payment, Refund, WebhookEvent
from oscar_nd8.observing import observed
from oscar_nd8.prepared import prepared_cursor, rows_of
from oscar_nd8.services.settle import Answer, ask
from oscar_nd8.states import DepositState, EventStatus, PaymentState, SessionStatus

__all__ = ["confirm_payment"]

_CONDITIONS: Final = (
    "session__status",
    "session__due_at",
    "is_one_of_several",
    "is_refunded",
    "is_matter",
    "session__mailed_at",
    "debited_at",
)
# One after the other as in the model, which is what `from_db` takes; a test holds them together.
_SAID: Final = ("id", "state", "raw_status", "deposit", "currency", "net", "attempts", "asked_at")
_ATTEMPTS: Final = _SAID.index("attempts")

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
    known = _lone_finished_payment(event)
    return () if known is None else _ask_again(event, known)


@observed("settle", lambda answers: SessionStatus.PLACED if answers is None else None)
def _ask_again(event: WebhookEvent, known: Payment) -> Sequence[Answer] | None:
    answer = ask(event.gateway, event.transaction_id, known=known)
    if answer.is_news:
        return [answer]
    values = (answer.asked_at, known.pk, known.asked_at, EventStatus.PROCESSED.value, timezone.now(), event.pk)
    with prepared_cursor() as cursor:
        cursor.execute(_CONFIRM, values)
        return None if cursor.rowcount else [answer]


def _lone_finished_payment(event: WebhookEvent) -> Payment | None:
    """The only payment of its session, which `event` is about, where its order is placed, booked and mailed and nothing
    about it is open.

    Whether another transaction was told of for the same checkout does not matter: its own notification is due.
    """
    rows = rows_of(_known, gateway=event.gateway, checkout_id=event.checkout_id, transaction_id=event.transaction_id)
    if not rows:
        return None
    (row,) = rows
    session_status, session_due_at, is_one_of_several, is_refunded, is_matter, *dates = row[: len(_CONDITIONS)]
    # Here and not in the statement: each condition there is weighed anew against all indexes.
    is_open = session_due_at or is_one_of_several or is_refunded or is_matter or None in dates
    if session_status != SessionStatus.PLACED or is_open:
        return None
    said = list(row[len(_CONDITIONS) :])
    said[_ATTEMPTS] = json.loads(said[_ATTEMPTS])
    payment = Payment.from_db(connection.alias, _SAID, said)
    over = (PaymentState.PAID, DepositState.SUCCEEDED)
    return payment if (payment.state, payment.deposit) == over else None


def _known(gateway: object, checkout_id: object, transaction_id: object) -> QuerySet[Payment, tuple[Any, ...]]:
    others = Payment.objects.filter(session=OuterRef("session")).exclude(pk=OuterRef("pk"))
    matters = Attention.objects.filter(session=OuterRef("session"), kind=Attention.Kind.UNPROCESSED, resolved_at=None)
    payments = Payment.objects.filter(
        gateway=gateway, transaction_id=transaction_id, session__checkout_id=checkout_id
    ).annotate(
        is_one_of_several=Exists(others),
        is_refunded=Exists(Refund.objects.filter(payment=OuterRef("pk"))),
        is_matter=Exists(matters),
    )
    return payments.order_by().values_list(*_CONDITIONS, *_SAID)
