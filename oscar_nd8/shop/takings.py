"""What came in on the last seven days: for staff who look in, not for the books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from oscar_nd8.models import PaymentSession
from oscar_nd8.money import to_major
from oscar_nd8.shop.sessions import local_moment
from oscar_nd8.states import SessionStatus

__all__ = ["DAYS", "Day", "Takings", "recent_takings"]

DAYS = 7
# Nobody pays on a page that was opened so long ago; the bound lets an index find the rows.
LONGEST_PAYMENT = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Day:
    """What was paid on one day of the shop's calendar, in minor units of `currency`."""

    day: date
    amount: int
    currency: str

    @property
    def amount_major(self) -> Decimal:
        """The same in major units."""
        return to_major(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Takings:
    """One currency's days, oldest first; the last is today."""

    currency: str
    days: tuple[Day, ...]

    @property
    def today(self) -> Decimal:
        """Paid today, in major units."""
        return self.days[-1].amount_major

    @property
    def total(self) -> Decimal:
        """Paid on all days, in major units."""
        return to_major(sum(day.amount for day in self.days), self.currency)

    @property
    def highest(self) -> int:
        """The best day's amount in minor units."""
        return max(day.amount for day in self.days)


def recent_takings(*, clock: Callable[[], datetime] = timezone.now) -> list[Takings]:
    """One for each currency in which something was paid; before fees and refunds, and without what is held."""
    today = timezone.localdate(clock())
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    start = local_moment(days[0], time.min)
    rows = (
        PaymentSession.objects.filter(created_at__gte=start - LONGEST_PAYMENT, paid_at__gte=start)
        .exclude(status=SessionStatus.HELD)
        .annotate(day=TruncDate("paid_at"))
        .order_by("currency")
        .values_list("currency", "day")
        .annotate(amount=Sum("amount"))
    )
    found: dict[str, dict[date, int]] = {}
    for currency, day, amount in rows:
        found.setdefault(currency, {})[day] = amount
    return [
        Takings(currency, tuple(Day(day, paid.get(day, 0), currency) for day in days))
        for currency, paid in found.items()
    ]
