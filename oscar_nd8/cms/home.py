"""The panel on the home page of Wagtail's admin: takings, what waits for a person, and whether payments are well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.forms import Media
from django.utils.formats import get_format
from wagtail.admin.ui.components import Component

from oscar_nd8.cms.evidence import STYLE
from oscar_nd8.findings import Subject
from oscar_nd8.services.examine_calls import examine_calls
from oscar_nd8.services.examine_records import examine_records
from oscar_nd8.shop.takings import Day, Takings, held_money, takings_this_week
from oscar_nd8.shop.worklist import all_matters

__all__ = ["PaymentsPanel"]

# The chart in its own units: one column a day, bars that stand on a line, the day's name below.
COLUMN, BAR, HEIGHT = 40, 28, 60

# Said by the panel itself, with a link.
COUNTED = {Subject.HELD, Subject.MATTERS}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar: its corner and size in the chart's units, and where its day is written."""

    day: Day
    x: int
    y: int
    height: int
    centre: int
    is_today: bool


class PaymentsPanel(Component):
    """A few questions to our own rows; ND8 is not asked."""

    name = "nd8_payments"
    order = 120
    template_name = "oscar_nd8/cms/home_panel.html"

    @property
    def media(self) -> Media:
        """Our style."""
        return STYLE

    def get_context_data(self, parent_context: Any = None) -> Mapping[str, Any]:
        """What there is to say now."""
        found = [examine_calls(), *examine_records()]
        # The day at which Wagtail's own calendars begin, for whoever looks.
        takings = takings_this_week(first_weekday=int(get_format("FIRST_DAY_OF_WEEK")))
        return {
            "takings": [(each, bars_of(each)) for each in takings],
            "held": held_money(),
            "matters": all_matters().filter(resolved_at__isnull=True).count(),
            "unwell": [each for each in found if each.needs_somebody and each.subject not in COUNTED],
        }


def bars_of(takings: Takings) -> list[Bar]:
    """The chart: the best day is as high as there is room, and a day with anything at all is seen."""
    return [_bar(index, day, takings) for index, day in enumerate(takings.days)]


def _bar(index: int, day: Day, takings: Takings) -> Bar:
    height = max(2, HEIGHT * day.amount // takings.highest) if day.amount else 0
    x = index * COLUMN + (COLUMN - BAR) // 2
    return Bar(day, x=x, y=HEIGHT - height, height=height, centre=x + BAR // 2, is_today=day == takings.today)
