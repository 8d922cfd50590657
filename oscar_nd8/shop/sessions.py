"""Which payment sessions a member of staff finds: theirs to see, and matching what they look for."""

from datetime import date, datetime, time
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, Payment, PaymentSession
from oscar_nd8.shop.searching import mentioning

__all__ = [
    "Sessions",
    "as_spreadsheet_rows",
    "local_moment",
    "matching",
    "sessions_seen_by",
    "with_money_and_matters",
]

Sessions = QuerySet[PaymentSession]


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
        sessions = sessions.filter(mentioning(search, seen=sessions))
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


def local_moment(day: date, moment: time) -> datetime:
    """The shop's own time."""
    return datetime.combine(day, moment, tzinfo=timezone.get_current_timezone())
