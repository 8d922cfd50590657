"""What staff find by words: whole names by an index among all, parts of them among the newest."""

from typing import Any

from django.db.models import Q, QuerySet

from oscar_nd8.models import Payment, PaymentLink, PaymentSession, Refund, StaffAction, WebhookEvent

__all__ = ["NEWEST", "events_naming", "mentioning", "refunds_mentioning"]

# Looking into every field of every row takes seconds in a shop with a long past. As many as a list pages through.
NEWEST = 10_000


def mentioning(text: str, *, seen: QuerySet[PaymentSession] | None = None, among: int = NEWEST) -> Q:
    """Sessions whose number, e-mail, checkout or transaction is `text`; if there are none, the newest that mention it.

    A whole name is found by an index among all; parts of one, and of a payment link's, only `among` the newest. What is
    not among `seen` neither hides nor betrays itself.
    """
    seen = PaymentSession.objects.all() if seen is None else seen
    named = Q(pk__in=_sessions_named(text))
    if seen.filter(named).exists():
        return named
    payments = Payment.objects.filter(_newest(Payment.objects.all(), among, by="pk"))
    # Subqueries instead of joins: a session with two such payments is still one row.
    paid_by = payments.filter(transaction_id__icontains=text).values("session")
    sold_by = PaymentLink.objects.filter(name__icontains=text).values("pk")
    parts = (
        Q(order_number__icontains=text)
        | Q(email__icontains=text)
        | Q(checkout_id__icontains=text)
        | Q(pk__in=paid_by)
        | Q(link__in=sold_by)
    )
    return parts & _newest(seen, among)


def refunds_mentioning(text: str, *, seen: QuerySet[Refund] | None = None, among: int = NEWEST) -> Q:
    """Refunds whose number or payment is `text`, or that such a person asked for; if none, the newest that mention it.

    A whole name is found by an index among all; parts of one only `among` the newest. What is not among `seen` neither
    hides nor betrays itself.
    """
    seen = Refund.objects.all() if seen is None else seen
    refunds = Refund.objects.order_by().values_list("pk", flat=True)
    of_payments = refunds.filter(payment__session__in=_sessions_named(text))
    named = Q(pk__in=refunds.filter(refund_id=text).union(refunds.filter(reference=text), of_payments))
    asked = StaffAction.objects.filter(verb=StaffAction.Verb.REFUND, user_name__icontains=text).values("refund")
    by_them = Q(pk__in=asked)
    if seen.filter(named).exists():
        return named | by_them
    parts = (
        Q(refund_id__icontains=text)
        | Q(reference__icontains=text)
        | Q(payment__transaction_id__icontains=text)
        | Q(payment__session__order_number__icontains=text)
        | Q(payment__session__email__icontains=text)
        | Q(payment__session__checkout_id__icontains=text)
        | Q(payment__session__link__name__icontains=text)
    )
    return (parts | by_them) & _newest(seen, among)


def events_naming(text: str) -> Q:
    """The notifications of which `text` is the delivery, the transaction or the checkout."""
    events = WebhookEvent.objects.order_by().values_list("pk", flat=True)
    # One query for each index: a database would not combine them in one condition.
    others = events.filter(transaction_id=text), events.filter(checkout_id=text)
    return Q(pk__in=events.filter(delivery_id=text).union(*others))


def _sessions_named(text: str) -> QuerySet[PaymentSession, int]:
    sessions = PaymentSession.objects.order_by().values_list("pk", flat=True)
    return sessions.filter(order_number=text).union(
        sessions.filter(email__iexact=text),
        sessions.filter(checkout_id=text),
        Payment.objects.order_by().filter(transaction_id=text).values_list("session_id", flat=True),
    )


def _newest(rows: QuerySet[Any], most: int, *, by: str = "created_at") -> Q:
    # A column that has an index.
    newest = rows.order_by(f"-{by}").values_list(by, flat=True)
    beyond = newest[most : most + 1].first()
    return Q() if beyond is None else Q(**{f"{by}__gt": beyond})
