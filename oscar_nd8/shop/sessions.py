"""Which payment sessions a member of staff finds: theirs to see, and matching what they look for."""

from datetime import date, datetime, time
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession

__all__ = [
    "NEWEST",
    "Sessions",
    "among_newest",
    "as_spreadsheet_rows",
    "local_moment",
    "matching",
    "mentioning",
    "sessions_named",
    "sessions_seen_by",
    "with_money_and_matters",
]

Sessions = QuerySet[PaymentSession]

# Looking into every field of every row takes seconds in a shop with a long past. As many as a list pages through.
NEWEST = 10_000


def sessions_seen_by(user: Any) -> Sessions:
    """All for shop staff; for partners' staff those whose order has a line of theirs, as in Oscar's order list."""
    sessions = PaymentSession.objects.all()
    if user.is_staff:
        return sessions
    theirs = get_model("order", "Line").objects.filter(order=OuterRef("order"), partner__users=user)
    return sessions.filter(Exists(theirs))


def matching(
    sessions: Sessions,
    *,
    search: str = "",
    status: str = "",
    attention: bool = False,
    date_from: date | None = None,
    date_to: date | None = None,
) -> Sessions:
    """Those that meet every given condition. Days are the shop's, and both ends are included."""
    if search:
        sessions = sessions.filter(mentioning(search))
    if status:
        sessions = sessions.filter(status=status)
    if attention:
        open_matters = Attention.objects.filter(session=OuterRef("pk"), resolved_at__isnull=True)
        sessions = sessions.filter(Exists(open_matters))
    # Bounds instead of the column's date: the index on created_at serves them.
    if date_from is not None:
        sessions = sessions.filter(created_at__gte=local_moment(date_from, time.min))
    if date_to is not None:
        sessions = sessions.filter(created_at__lte=local_moment(date_to, time.max))
    return sessions


def with_money_and_matters(sessions: Sessions) -> Sessions:
    """With everything that `overview_of` reads, in two more queries however many rows."""
    # Quotes are the bulk of a row, and attempts that of a payment; a list shows nothing of either.
    payments = Prefetch("payments", Payment.objects.defer("attempts"))
    return (
        sessions.select_related("order", "link").prefetch_related(payments, "attentions").defer("quote", "checkout_url")
    )


def as_spreadsheet_rows(sessions: Sessions) -> Sessions:
    """Of `with_money_and_matters`: with what a spreadsheet shows besides, and without what only pages link to."""
    return sessions.select_related(None).select_related("link").prefetch_related("payments__refunds")


def mentioning(text: str, *, among: int = NEWEST) -> Q:
    """Sessions whose number, e-mail, checkout or transaction is `text`; if there are none, the newest that mention it.

    A whole name is found by an index among all; parts of one, and of a payment link's, only `among` the newest.
    """
    named = sessions_named(text)
    if named.exists():
        return Q(pk__in=named)
    # A subquery instead of a join: a session with two such payments is still one row.
    payments = Payment.objects.filter(among_newest(Payment.objects.all(), among, by="pk"))
    paid_by = payments.filter(transaction_id__icontains=text).values("session")
    sold_by = PaymentLink.objects.filter(name__icontains=text).values("pk")
    parts = (
        Q(order_number__icontains=text)
        | Q(email__icontains=text)
        | Q(checkout_id__icontains=text)
        | Q(pk__in=paid_by)
        | Q(link__in=sold_by)
    )
    return parts & among_newest(PaymentSession.objects.all(), among)


def among_newest(rows: QuerySet[Any], most: int, *, by: str = "created_at") -> Q:
    """The newest `most` of `rows` by a column that has an index."""
    newest = rows.order_by(f"-{by}").values_list(by, flat=True)
    beyond = newest[most : most + 1].first()
    return Q() if beyond is None else Q(**{f"{by}__gt": beyond})


def sessions_named(text: str) -> QuerySet[PaymentSession, int]:
    """The keys of those whose number, e-mail, checkout or transaction is `text`, found by indexes."""
    sessions = PaymentSession.objects.order_by().values_list("pk", flat=True)
    # One query for each index: a database would not combine them in one condition.
    return sessions.filter(order_number=text).union(
        sessions.filter(email__iexact=text),
        sessions.filter(checkout_id=text),
        Payment.objects.order_by().filter(transaction_id=text).values_list("session_id", flat=True),
    )


def local_moment(day: date, moment: time) -> datetime:
    """The shop's own time."""
    return datetime.combine(day, moment, tzinfo=timezone.get_current_timezone())
