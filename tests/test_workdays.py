"""Working days: the State Council's announcements, and counting that agrees with a plain count."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.vocabulary import FIRST_DAY, LAST_DAY
from domain.workdays import AnnouncedYear, Calendar, months_later
from domain.workdays_announced import ANNOUNCED, _days
from tests.shared_data import shared, shared_rows

days = st.dates(date(2015, 1, 1), date(2030, 12, 31))


def rows(name: str, at_least: int) -> list[dict[str, str]]:
    """Return one of the shared tables."""
    return shared_rows("data", "workdays", name, at_least=at_least)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    """Return the national calendar."""
    return Calendar(ANNOUNCED)


def worked(day: date) -> bool:
    """Say by the plain rule whether a day is worked."""
    makeup = any(day in year.makeup_days for year in ANNOUNCED)
    off = any(day in year.holidays for year in ANNOUNCED)
    return makeup or (day.weekday() < 5 and not off)


def test_the_products_own_table_is_the_published_one() -> None:
    """Day for day and year for year, nothing missing and nothing added."""
    shared("data", "workdays")
    published = {
        (int(row["年度文件"]), date.fromisoformat(row["日期"]), row["类型"])
        for row in rows("holidays_2018_2026.csv", 315)
    }
    own = {(year.year, day, "放假") for year in ANNOUNCED for day in year.holidays}
    own |= {(year.year, day, "调休上班") for year in ANNOUNCED for day in year.makeup_days}
    assert own == published


@pytest.mark.parametrize(
    "row", [one for one in rows("workday_totals_by_year.csv", 10) if one["全年工作日数(推算)"]]
)
def test_working_days_of_each_year_add_up_to_the_published_total(
    row: dict[str, str], calendar: Calendar
) -> None:
    """250 in 2018 … 248 in 2026; and the notices are the ones named there."""
    year = int(row["年"])
    total = calendar.workdays_between(date(year - 1, 12, 31), date(year, 12, 31))
    assert total == int(row["全年工作日数(推算)"])
    announced = next(one for one in ANNOUNCED if one.year == year)
    assert announced.sources == tuple(row["国务院通知"].split(";"))


def test_every_day_is_what_the_plain_rule_says(calendar: Calendar) -> None:
    """Weekends, holidays and make-up days, over all announced years and some around them."""
    day = date(2016, 12, 31)
    while day < date(2028, 1, 2):
        assert calendar.is_workday(day) == worked(day), day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        (date(2021, 9, 30), 1, date(2021, 10, 8)),  # the National Day week
        (date(2021, 9, 30), 2, date(2021, 10, 9)),  # … and its make-up Saturday
        (date(2021, 6, 30), 10, date(2021, 7, 14)),
        (date(2021, 7, 3), 1, date(2021, 7, 5)),  # from a Saturday
        (date(2020, 1, 23), 1, date(2020, 2, 3)),  # the holiday that was prolonged
        (date(2018, 12, 28), 1, date(2018, 12, 29)),  # named by the next year's notice
        (date(2018, 12, 29), 1, date(2019, 1, 2)),
        (date(2021, 7, 3), 0, date(2021, 7, 3)),
    ],
)
def test_a_deadline_counts_from_the_day_after(
    start: date, n: int, due: date, calendar: Calendar
) -> None:
    """民法典 art. 201: the day of the event is not counted."""
    assert calendar.add_workdays(start, n) == due
    assert calendar.workdays_between(start, due) == n


@settings(deadline=None)
@given(start=days, end=days)
def test_counting_agrees_with_a_plain_count(start: date, end: date, calendar: Calendar) -> None:
    """The interval is (start, end]; backwards it is negative."""
    first, last = sorted((start, end))
    plain = sum(worked(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))
    assert calendar.workdays_between(first, last) == plain
    assert calendar.workdays_between(last, first) == -plain


@settings(deadline=None)
@given(day=days, n=st.integers(0, 3000))
def test_adding_and_counting_are_inverse(day: date, n: int, calendar: Calendar) -> None:
    """The day found is worked, and exactly n working days away."""
    due = calendar.add_workdays(day, n)
    assert calendar.workdays_between(day, due) == n
    assert n == 0 or calendar.is_workday(due)


@settings(deadline=None)
@given(a=days, b=days, c=days)
def test_intervals_add_up(a: date, b: date, c: date, calendar: Calendar) -> None:
    """What is counted to b and from b on is what is counted at once."""
    between = calendar.workdays_between
    assert between(a, b) + between(b, c) == between(a, c)


def test_what_is_not_announced_is_marked(calendar: Calendar) -> None:
    """Beyond the last year the weekend rule is provisional; before the first it is all we know."""
    assert calendar.announced(date(2018, 1, 1))
    assert calendar.announced(date(2026, 12, 31))
    assert not calendar.announced(date(2017, 12, 31))
    assert not calendar.announced(date(2027, 1, 1))
    assert calendar.provisional(date(2027, 1, 1))
    assert not calendar.provisional(date(2026, 12, 31))
    assert not calendar.provisional(date(2017, 12, 31))
    assert calendar.is_workday(date(2027, 1, 1))  # a Friday: the weekend rule knows no New Year
    assert not calendar.is_workday(date(2027, 1, 2))


def test_an_interval_is_announced_if_each_of_its_years_is(calendar: Calendar) -> None:
    """A count that runs into the next year rests on that year's notice too."""
    assert calendar.announced_throughout(date(2018, 1, 1), date(2026, 12, 31))
    assert calendar.announced_throughout(date(2026, 12, 31), date(2018, 1, 1))
    assert not calendar.announced_throughout(date(2026, 12, 31), date(2027, 1, 4))
    assert not calendar.announced_throughout(date(2017, 12, 29), date(2018, 1, 4))
    gap = Calendar([ANNOUNCED[0], ANNOUNCED[2]])
    assert not gap.announced_throughout(date(2018, 5, 1), date(2020, 5, 1))


def test_a_later_announcement_replaces_the_earlier_one_of_its_year() -> None:
    """The State Council changed 2019 and 2020 by second notices."""
    first = AnnouncedYear(2027, frozenset({date(2027, 1, 1)}), frozenset())
    second = AnnouncedYear(2027, frozenset(), frozenset({date(2027, 1, 2)}))
    changed = Calendar([*ANNOUNCED, first, second])
    assert changed.is_workday(date(2027, 1, 1))
    assert changed.is_workday(date(2027, 1, 2))
    assert not changed.provisional(date(2027, 6, 1))


def test_a_calendar_without_announcements_knows_weekends() -> None:
    """Everything is provisional then."""
    bare = Calendar([])
    assert bare.provisional(date(2021, 1, 1))
    assert not bare.announced_throughout(date(2021, 1, 1), date(2021, 1, 1))
    assert bare.workdays_between(date(2020, 12, 31), date(2021, 12, 31)) == 261


def test_impossible_counts_are_refused(calendar: Calendar) -> None:
    """There is no day before today here, and no day after the last."""
    with pytest.raises(ValueError, match="negative"):
        calendar.add_workdays(date(2021, 1, 1), -1)
    with pytest.raises(ValueError, match="beyond"):
        calendar.add_workdays(date(9999, 12, 30), 5)
    assert calendar.add_workdays(date(9999, 12, 30), 1) == date(9999, 12, 31)


def test_spans_of_announced_days_hold_both_their_ends() -> None:
    """Also over the end of a month in a leap year."""
    assert _days("2020-02-28..2020-03-01 2020-05-04") == {
        date(2020, 2, 28),
        date(2020, 2, 29),
        date(2020, 3, 1),
        date(2020, 5, 4),
    }


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2021, 7, 1), 12, date(2022, 6, 30)),
        (date(2021, 1, 31), 1, date(2021, 2, 28)),
        (date(2020, 1, 31), 1, date(2020, 2, 29)),
        (date(2020, 2, 29), 12, date(2021, 2, 28)),
        (date(2021, 12, 15), 1, date(2022, 1, 14)),
        (date(2021, 11, 1), 1, date(2021, 11, 30)),
    ],
)
def test_a_term_of_months_ends_the_day_before(day: date, months: int, last: date) -> None:
    """民法典 art. 202: the corresponding day ends it, the month's last where there is none."""
    assert months_later(day, months) == last


@given(day=st.dates(FIRST_DAY, LAST_DAY), months=st.integers(1, 120))
@example(date(2021, 1, 31), 2)  # from one month's end to another's
@example(date(2199, 10, 31), 4)  # no corresponding day, and beyond the last of all
def test_the_day_after_a_term_is_the_corresponding_day(day: date, months: int) -> None:
    """Or, where its month has none, the first of the next; and always a day of the journal."""
    count = day.year * 12 + day.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    corresponding = first + timedelta(days=day.day - 1)
    next_month = (first + timedelta(days=31)).replace(day=1)
    after = months_later(day, months) + timedelta(days=1)
    assert after == min(corresponding, next_month, LAST_DAY)
