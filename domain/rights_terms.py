"""Terms (时限) of the steps of a list's adjustment, in working days.

A step has a term that begins when the step before it was taken; a setting says how long it is.
Whether the step was in time is counted when it is filed, by the calendar and the setting of that
day, and kept with it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.deciding import Past
from domain.settings import NATIONAL, NationalCalendar
from domain.vocabulary import Fact


class Clocked(Fact):
    """A step with a term: last day, working days taken, whether late.

    ``provisional``: some of those days lie in a year whose days off are not announced yet.
    """

    due_on: date
    took: int
    late: bool
    provisional: bool = False


def clocked(start: date, end: date, setting: str, past: Past) -> dict[str, Any]:
    """Return the fields of `Clocked` for a step of ``end`` whose term began on ``start``."""
    calendar = past.of(NationalCalendar, NATIONAL).calendar
    term = past.setting(setting, start)
    took = max(0, calendar.workdays_between(start, end))
    return {
        "due_on": calendar.add_workdays(start, term),
        "took": took,
        "late": took > term,
        "provisional": took > 0 and calendar.provisional(end),
    }
