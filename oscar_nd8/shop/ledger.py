"""Oscar's own books: Source, Transaction and PaymentEvent, as any payment in an Oscar shop has them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from oscar.core.loading import get_class, get_model

__all__ = ["AUTHORISED", "PAID", "REFUNDED", "allocate", "debit", "refund"]

AUTHORISED = "Authorised"
PAID = "Paid"
REFUNDED = "Refunded"


def allocate(order: Any, *, amount: Decimal, currency: str, reference: str, source_type: str) -> int:
    """Book `amount` (major units) as promised to `order`; returns the id of its Source."""
    source = get_model("payment", "Source").objects.create(
        order=order, source_type=_source_type(source_type), currency=currency, reference=reference, label=source_type
    )
    source.allocate(amount, reference=reference)
    _write_event(order, AUTHORISED, amount=amount, reference=reference)
    return int(source.pk)


def debit(source_id: int, *, amount: Decimal, reference: str) -> None:
    """Book `amount` (major units) as received. Call it in a transaction: the Source is locked, Oscar does not."""
    source = get_model("payment", "Source").objects.select_for_update().select_related("order").get(pk=source_id)
    source.debit(amount, reference=reference)
    _write_event(source.order, PAID, amount=amount, reference=reference)


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


def _write_event(order: Any, name: str, *, amount: Decimal, reference: str) -> None:
    kind, _created = get_model("order", "PaymentEventType").objects.get_or_create(name=name)
    event = get_model("order", "PaymentEvent").objects.create(
        order=order, event_type=kind, amount=amount, reference=reference
    )
    Quantity = get_model("order", "PaymentEventQuantity")
    Quantity.objects.bulk_create(Quantity(event=event, line=line, quantity=line.quantity) for line in order.lines.all())
