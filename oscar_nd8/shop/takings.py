"""What came in this week, and what is held: for staff who look in, not for the books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from oscar_nd8.models import PaymentSession
from oscar_nd8.money import to_major
from oscar_nd8.shop.sessions import local_moment
from oscar_nd8.states import SessionStatus

__all__ = ["Day", "Held", "Takings", "held_money", "takings_this_week"]

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
    """One currency's week: seven days from its first, those that are still to come without a payment."""

    currency: str
    days: tuple[Day, ...]
    today: Day

    @property
    def total(self) -> Decimal:
        """Paid since the week's first day, in major units."""
        return to_major(sum(day.amount for day in self.days), self.currency)

    @property
    def highest(self) -> int:
        """The best day's amount in minor units."""
        return max(day.amount for day in self.days)


@dataclass(frozen=True, slots=True)
class Held:
    """How many payments of one currency are held for a decision, and their amount in its minor units."""

    currency: str
    count: int
    amount: int

    @property
    def amount_major(self) -> Decimal:
        """The same in major units."""
        return to_major(self.amount, self.currency)


def takings_this_week(*, first_weekday: int, clock: Callable[[], datetime] = timezone.now) -> list[Takings]:
    """One for each currency in which something was paid; before fees and refunds, and without what is held.

    `first_weekday` is the day that a week begins with, as Django counts: 0 is Sunday, 1 is Monday.
    """
    today = timezone.localdate(clock())
    first = today - timedelta(days=(today.isoweekday() - first_weekday) % DAYS)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    start = local_moment(first, time.min)
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
    return [_week(currency, days, paid, today) for currency, paid in found.items()]


def held_money() -> list[Held]:
    """One for each currency in which a payment is held, however long ago it was made."""
    held = PaymentSession.objects.filter(status=SessionStatus.HELD).order_by("currency").values_list("currency")
    return [Held(*row) for row in held.annotate(count=Count("pk"), sum=Sum("amount"))]


def _week(currency: str, days: list[date], paid: dict[date, int], today: date) -> Takings:
    week = {day: Day(day, paid.get(day, 0), currency) for day in days}
    return Takings(currency, tuple(week.values()), week[today])
