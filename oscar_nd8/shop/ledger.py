"""Oscar's own books: Source, Transaction and PaymentEvent, as any payment in an Oscar shop has them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import prefetch_related_objects
from oscar.core.loading import get_class, get_model

__all__ = ["AUTHORISED", "PAID", "REFUNDED", "allocate", "debit", "refund"]

AUTHORISED = "Authorised"
PAID = "Paid"
REFUNDED = "Refunded"


def allocate(
    order: Any, *, amount: Decimal, currency: str, reference: str, source_type: str, arrived: bool = False
) -> int:
    """Book `amount` (major units) as promised to `order`, and where it `arrived` as received; the id of its Source."""
    Source, Transaction = get_model("payment", "Source"), get_model("payment", "Transaction")
    source = Source(
        order=order,
        source_type=_source_type(source_type),
        currency=currency,
        reference=reference,
        label=source_type,
        amount_allocated=amount,
        amount_debited=amount if arrived else Decimal(0),
    )
    # As Oscar's own checkout writes what `handle_payment` gave it: with its transactions, and the row only once.
    for kind in [Transaction.AUTHORISE, Transaction.DEBIT] if arrived else [Transaction.AUTHORISE]:
        source.create_deferred_transaction(kind, amount, reference=reference)
    source.save()
    _write_events(order, [AUTHORISED, PAID] if arrived else [AUTHORISED], amount=amount, reference=reference)
    return int(source.pk)


def debit(source_id: int, *, amount: Decimal, reference: str) -> None:
    """Book `amount` (major units) as received. Call it in a transaction: the Source is locked, Oscar does not."""
    source = get_model("payment", "Source").objects.select_for_update().select_related("order").get(pk=source_id)
    source.debit(amount, reference=reference)
    _write_events(source.order, [PAID], amount=amount, reference=reference)


def refund(source_id: int, *, amount: Decimal, reference: str, pieces: Mapping[Any, int]) -> None:
    """Book `amount` (major units) as given back, for so many `pieces` of each line. In a transaction, as `debit`."""
    source = get_model("payment", "Source").objects.select_for_update().select_related("order").get(pk=source_id)
    source.refund(amount, reference=reference)
    kind, _created = get_model("order", "PaymentEventType").objects.get_or_create(name=REFUNDED)
    get_class("order.processing", "EventHandler")().create_payment_event(
        source.order, kind, amount, list(pieces), list(pieces.values()), reference=reference
    )


def _source_type(name: str) -> Any:
    """The oldest of that name. Names are not unique in Oscar, so the first payments of a shop may each write one."""
    kinds = get_model("payment", "SourceType").objects.filter(name=name).order_by("pk")
    found = kinds.first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return kinds.create(name=name)
    except IntegrityError:
        return kinds.earliest("pk")


def _write_events(order: Any, names: Sequence[str], *, amount: Decimal, reference: str) -> None:
    """One event of each name, in their order, for every piece of the order."""
    kinds = get_model("order", "PaymentEventType").objects
    known = {kind.name: kind for kind in kinds.filter(name__in=names)}
    events = [
        get_model("order", "PaymentEvent").objects.create(
            order=order,
            event_type=known.get(name) or kinds.get_or_create(name=name)[0],
            amount=amount,
            reference=reference,
        )
        for name in names
    ]
    # The order's mail asks for its lines, too.
    prefetch_related_objects([order], "lines")
    Quantity = get_model("order", "PaymentEventQuantity")
    Quantity.objects.bulk_create(
        Quantity(event=event, line=line, quantity=line.quantity) for event in events for line in order.lines.all()
    )
