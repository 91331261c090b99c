"""Working days (工作日): what the State Council announces each year, and counting with it.

A day is a working day if it was announced as one (调休上班), or is a Monday to Friday that was not
announced as a holiday (放假). For years without an announcement only the second half is known:
such days count by the weekend rule alone and are marked, never silently guessed.

Counting follows 民法典 art. 201: the day of the event itself is not counted. Terms of months end as
art. 202 says (`months_later`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from domain.vocabulary import LAST_DAY

_WEEK = 7
_WORKDAYS_A_WEEK = 5


@dataclass(frozen=True, slots=True)
class AnnouncedYear:
    """The working days of one year as announced.

    A year's notice may also name days at the end of the year before (New Year's holiday).
    ``holidays`` are days off, ``makeup_days`` weekend days that are worked, ``sources`` where the
    notices stand.
    """

    year: int
    holidays: frozenset[date]
    makeup_days: frozenset[date]
    sources: tuple[str, ...] = ()


class Calendar:
    """Answers which days are worked, from the announced years.

    Of two announcements for one year the later in the sequence replaces the earlier. Every answer
    costs a binary search, however far apart the days are.
    """

    def __init__(self, years: Iterable[AnnouncedYear]) -> None:
        announced = {one.year: one for one in years}
        self._years = frozenset(announced)
        self._last = max(announced, default=None)
        exceptions = {
            day.toordinal(): worked
            for one in announced.values()
            for days, worked in ((one.holidays, False), (one.makeup_days, True))
            for day in days
            if _is_weekday(day.toordinal()) != worked
        }
        self._days = sorted(exceptions)
        steps = (1 if exceptions[day] else -1 for day in self._days)
        # _sums[i] is what the first i exceptions add to the count of Mondays to Fridays.
        self._sums = [0, *accumulate(steps)]

    def is_workday(self, day: date) -> bool:
        """Tell whether ``day`` is worked."""
        ordinal = day.toordinal()
        return self._worked_through(ordinal) > self._worked_through(ordinal - 1)

    def workdays_between(self, start: date, end: date) -> int:
        """Count the working days after ``start`` up to and including ``end``.

        The interval is half-open, (start, end]: the day of the event is not counted, the last day
        is. Negative where ``end`` lies before ``start``.
        """
        return self._worked_through(end.toordinal()) - self._worked_through(start.toordinal())

    def add_workdays(self, day: date, n: int) -> date:
        """Return the ``n``-th working day after ``day``, which itself is not counted.

        The inverse of `workdays_between`. ``n`` = 0 gives ``day`` itself, worked or not.

        Raises:
            ValueError: ``n`` is negative, or the answer lies beyond what a `date` can say.
        """
        if n < 0:
            msg = "n must not be negative"
            raise ValueError(msg)
        first = day.toordinal()
        if n == 0:
            return day
        target = self._worked_through(first) + n
        days = range(first + 1, date.max.toordinal() + 1)
        place = bisect_left(days, target, key=self._worked_through)
        if place == len(days):
            msg = f"{n} working days after {day} lie beyond {date.max}"
            raise ValueError(msg)
        return date.fromordinal(days[place])

    def announced(self, day: date) -> bool:
        """Tell whether the State Council's notice for the day's year is known here."""
        return day.year in self._years

    def announced_throughout(self, start: date, end: date) -> bool:
        """Tell whether every year from ``start`` to ``end`` is announced (either order)."""
        first, last = sorted((start.year, end.year))
        return all(year in self._years for year in range(first, last + 1))

    def provisional(self, day: date) -> bool:
        """Tell whether ``day`` lies after the last announced year: its answer may yet change.

        Strictly, the next year's notice may also still move the last days of December.
        """
        return self._last is None or day.year > self._last

    def _worked_through(self, ordinal: int) -> int:
        """Count the working days from the first day of all through that one."""
        return _weekdays_through(ordinal) + self._sums[bisect_right(self._days, ordinal)]


def _is_weekday(ordinal: int) -> bool:
    # Ordinal 1 (0001-01-01) is a Monday.
    return (ordinal - 1) % _WEEK < _WORKDAYS_A_WEEK


def _weekdays_through(ordinal: int) -> int:
    weeks, rest = divmod(ordinal, _WEEK)
    return weeks * _WORKDAYS_A_WEEK + min(rest, _WORKDAYS_A_WEEK)


def months_later(day: date, months: int) -> date:
    """Return the last day of a term of ``months`` that begins on ``day``.

    A year from 2021-07-01 ends on 2022-06-30; month ends are clamped (2021-01-31 and one month:
    2021-02-28, as there is no corresponding day). A term without end in sight ends the day before
    `LAST_DAY`: the day after it is one of the journal's still.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    length = monthrange(year, month + 1)[1]
    if day.day > length:
        last = date(year, month + 1, length)
    else:
        last = date(year, month + 1, day.day) - timedelta(days=1)
    return min(last, LAST_DAY - timedelta(days=1))
