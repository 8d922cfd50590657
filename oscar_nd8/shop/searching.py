"""What staff find by words: whole names by an index among all, parts of them among the newest."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession, Refund, StaffAction, WebhookEvent

__all__ = [
    "NEWEST",
    "actions_mentioning",
    "events_naming",
    "matters_mentioning",
    "mentioning",
    "payments_mentioning",
    "refunds_mentioning",
]

# Looking into every field of every row takes seconds in a shop with a long past. As many as a list pages through.
NEWEST = 10_000
# Of each refund its payment and that one's session are looked into, too, which takes twice as long.
NEWEST_REFUNDS = 5_000


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
    parts = _in_any(text, "order_number", "email", "checkout_id") | Q(pk__in=paid_by) | Q(link__in=sold_by)
    return _found(seen, parts & _newest(seen, among))


def payments_mentioning(text: str) -> Q:
    """The transaction `text` alone, or those of the sessions that mention it."""
    named = Q(transaction_id=text)
    if Payment.objects.filter(named).exists():
        return named
    return Q(session__in=PaymentSession.objects.filter(mentioning(text)).values("pk"))


def refunds_mentioning(text: str, *, seen: QuerySet[Refund] | None = None, among: int = NEWEST_REFUNDS) -> Q:
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
    paid = _in_any(text, "transaction_id", "session__order_number", "session__email", "session__checkout_id")
    sold_by = PaymentLink.objects.filter(name__icontains=text).values("pk")
    # One row's key, and no join or EXISTS: for so many rows PostgreSQL reads every payment that there is instead.
    same = Payment.objects.filter(paid | Q(session__link__in=sold_by), pk=OuterRef("payment")).order_by()
    parts = _in_any(text, "refund_id", "reference") | Q(payment=Subquery(same.values("pk")[:1]))
    return _found(seen, (parts | by_them) & _newest(seen, among))


def matters_mentioning(text: str, *, seen: QuerySet[Attention] | None = None) -> Q:
    """Matters about `text`, or about a session that mentions it: parts are looked for among sessions with matters."""
    matters = Attention.objects.all() if seen is None else seen
    return Q(subject__icontains=text) | _about_sessions_of(matters, text)


def actions_mentioning(text: str) -> Q:
    """What staff did, by themselves, their note, or the session it is about."""
    return _in_any(text, "user_name", "note") | _about_sessions_of(StaffAction.objects.all(), text)


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


def _about_sessions_of(rows: QuerySet[Any], text: str) -> Q:
    sessions = PaymentSession.objects.filter(pk__in=rows.order_by().values("session"))
    return Q(session__in=sessions.filter(mentioning(text, seen=sessions)).values("pk"))


def _in_any(text: str, *fields: str) -> Q:
    return reduce(or_, (Q(**{f"{field}__icontains": text}) for field in fields))


def _found(rows: QuerySet[Any], condition: Q) -> Q:
    """Those of `rows`, which are few: looked for once, and not once more for their number and once more for a page."""
    return Q(pk__in=list(rows.filter(condition).order_by().values_list("pk", flat=True)))


def _newest(rows: QuerySet[Any], most: int, *, by: str = "created_at") -> Q:
    # A column that has an index.
    newest = rows.order_by(f"-{by}").values_list(by, flat=True)
    beyond = newest[most : most + 1].first()
    return Q() if beyond is None else Q(**{f"{by}__gt": beyond})
