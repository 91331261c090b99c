"""Days as an office types them: each form once, and every spelling of a day is that day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.cells import Cell, CellProblem
from domain.cells_dates import clean_date
from tests.cleaning import told

TODAY = date(2021, 6, 30)
MARCH_5 = date(2012, 3, 5)
MARCH = date(2012, 3, 1)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2012-03-05", (MARCH_5, ())),
        ("2012-3-5", (MARCH_5, ())),
        ("2012—3—5", (MARCH_5, ())),
        ("2012.3.5", (MARCH_5, ("date_dots",))),
        ("2012.03.05.", (MARCH_5, ("date_dots",))),
        ("2012。3。5", (MARCH_5, ("date_dots",))),
        ("2012/3/5", (MARCH_5, ("date_slashes",))),
        ("2012年3月5日", (MARCH_5, ("date_chinese",))),
        ("2012 年 3 月 5 号", (MARCH_5, ("date_chinese",))),
        ("２０１２．３．５", (MARCH_5, ("full_width", "date_dots"))),
        ("20120305", (MARCH_5, ("date_8_digits",))),
        (20120305.0, (MARCH_5, ("date_8_digits",))),
        ("'2012-03-05", (MARCH_5, ())),
        ("2012-03-05 00:00:00", (MARCH_5, ())),
        ("2012-03-05T10:11:12.5", (MARCH_5, ("date_time_dropped",))),
        (MARCH_5, (MARCH_5, ())),
        (datetime(2012, 3, 5), (MARCH_5, ())),  # noqa: DTZ001
        (datetime(2012, 3, 5, 10), (MARCH_5, ("date_time_dropped",))),  # noqa: DTZ001
        (40973.0, (MARCH_5, ("excel_serial_date",))),
        (40973.75, (MARCH_5, ("excel_serial_date",))),
        (40973, (MARCH_5, ("excel_serial_date",))),
        (10000.5, (date(1927, 5, 18), ("excel_serial_date",))),
        ("10000", (date(1927, 5, 18), ("excel_serial_date",))),
        (100000.5, ("not_a_date",)),
        ("2012-03-05 10:00", (MARCH_5, ("date_time_dropped",))),
        ("2012-03-05 00:30", (MARCH_5, ("date_time_dropped",))),
        ("２０１２-03-05 10:00", (MARCH_5, ("full_width", "date_time_dropped"))),
        ("2012030", ("not_a_date",)),
        ("40973", (MARCH_5, ("excel_serial_date",))),
        ("201203", (MARCH, ("date_yyyymm",))),
        (201203.0, (MARCH, ("date_yyyymm",))),
        ("2012-03", (MARCH, ("date_no_day",))),
        ("2012年3月", (MARCH, ("date_chinese", "date_no_day"))),
        ("2012.3", (MARCH, ("date_dots", "date_no_day"))),
        (2012.3, (MARCH, ("date_dots", "date_no_day"))),
        ("2012.01", (date(2012, 1, 1), ("date_dots", "date_no_day"))),
        (2012.11, (date(2012, 11, 1), ("date_dots", "date_no_day"))),
        ("87年1月", (date(1987, 1, 1), ("date_chinese", "date_no_day", "date_two_digit_year"))),
        ("98.7.1", (date(1998, 7, 1), ("date_dots", "date_two_digit_year"))),
        ("\u200b2012-03-05", (MARCH_5, ("invisible_characters",))),
        ("2012.1", ("date_ambiguous",)),
        (2012.1, ("date_ambiguous",)),
        ("12.3.5", ("date_ambiguous",)),
        ("2012", ("date_year_only",)),
        (2012.0, ("date_year_only",)),
        ("2012年", ("date_year_only",)),
        ("5/3/2012", ("date_order",)),
        ("2015-02-30", ("impossible_date",)),
        ("20150230", ("impossible_date",)),
        ("201213", ("impossible_date",)),
        ("2012-13-01", ("impossible_date",)),
        ("1899-12-31", ("date_too_early",)),
        ("2021-07-01", ("date_too_late",)),
        (70000.0, ("date_too_late",)),
        ("至今", ("not_a_date",)),
        ("870105", ("not_a_date",)),
        ("0", ("not_a_date",)),
        ("123456789", ("not_a_date",)),
        (9999.0, ("not_a_date",)),
        (float("inf"), ("not_a_date",)),
        (True, ("not_a_date",)),
        (time(10), ("not_a_date",)),
        (timedelta(days=2), ("not_a_date",)),
        ("2012-03-05至2013", ("not_a_date",)),
    ],
)
def test_days_in_every_form(cell: Cell, expected: tuple[Any, ...]) -> None:
    """What can be understood is; what could be two days is refused."""
    assert told(clean_date, cell, latest=TODAY) == expected


def test_a_column_of_months_needs_no_day() -> None:
    """出生年月 asks for no more than a month, so its absence is no repair."""
    assert told(clean_date, "1987-01", month_enough=True) == (date(1987, 1, 1), ())
    assert told(clean_date, "1987.01", month_enough=True)[1] == ("date_dots",)


@pytest.mark.parametrize(
    "cell",
    ["2015-02-30", "20150230", "2012.1", "12.3.5", "2012", "5/3/2012", "至今", "60000", "870105"],
)
def test_a_refusal_repeats_what_was_typed(cell: str) -> None:
    """So that the clerk finds it, and knows what would be right."""
    with pytest.raises(CellProblem) as caught:
        clean_date(cell, earliest=date(1912, 1, 1), latest=date(2045, 1, 1))
    typed = "2064-04-08" if cell == "60000" else f"“{cell}”"
    assert typed in caught.value.message


def test_the_bounds_settle_two_digit_years() -> None:
    """Only one century may fit."""
    after_1949 = date(1949, 10, 1)
    assert told(clean_date, "12.3.5", earliest=after_1949, latest=TODAY)[0] == MARCH_5
    assert told(clean_date, "12.3.5", latest=date(2200, 1, 1)) == ("date_ambiguous",)
    assert told(clean_date, TODAY, earliest=TODAY, latest=TODAY) == (TODAY, ())
    assert told(clean_date, "49.12.1", earliest=after_1949, latest=TODAY)[0] == date(1949, 12, 1)
    assert told(clean_date, "21.6.1", earliest=after_1949, latest=TODAY)[0] == date(2021, 6, 1)


@settings(deadline=None)
@given(st.dates(date(1928, 1, 1), date(2099, 12, 31)))
@example(date(2000, 2, 29))
def test_every_spelling_of_a_day_is_that_day(day: date) -> None:
    """The forms differ, the day does not."""
    serial = (day - date(1899, 12, 30)).days
    for spelled in (
        day,
        day.isoformat(),
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}/{day.month:02d}/{day.day:02d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        float(f"{day:%Y%m%d}"),
        float(serial),
        str(serial),
    ):
        assert clean_date(spelled).value == day
