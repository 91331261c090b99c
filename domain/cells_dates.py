"""Days (日期) as an office types them: ``2012.3.5``, ``2012年3月``, ``201203``, an Excel serial …

A year and month without a day counts as the first of the month. What could mean two days is
refused: ``2012.1`` (Excel shows October as that too), two-digit years that fit two centuries.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple, NoReturn

from domain.cells import Cell, CellProblem, Cleaned, text_of
from domain.text import half_width, visible

EARLIEST: Final = date(1900, 1, 1)
_EXCEL_DAY_ZERO: Final = date(1899, 12, 30)
_YEARS: Final = range(1900, 2101)
_SERIALS: Final = range(10_000, 100_000)
"""Excel serials taken for days: 1927-05-18 to 2173-10-13. Four digits are a year, six a month."""

_CLOCK = re.compile(r"[T\s]+(?P<hour>\d{1,2}):(?P<rest>[0-9:.]+)$", re.ASCII)
_SIGNS: Final = str.maketrans("。、,－—–~～\\", "...-----/")
_PARTS = re.compile(
    r"(?P<year>\d{4}|\d{2})(?P<sign>[-./年])(?P<month>\d{1,2})"
    r"(?:[-./月](?:(?P<day>\d{1,2})[日号]?)?)?",
    re.ASCII,
)
_DAY_FIRST = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{4}", re.ASCII)
_YEAR_ONLY = re.compile(r"(19|20)\d{2}年?", re.ASCII)
_SIGN_REPAIRS: Final = {".": "date_dots", "/": "date_slashes", "年": "date_chinese"}


class _Bounds(NamedTuple):
    earliest: date
    latest: date


def clean_date(
    cell: Cell,
    *,
    earliest: date = EARLIEST,
    latest: date = date(2100, 12, 31),
    month_enough: bool = False,
) -> Cleaned[date | None]:
    """Clean a day between ``earliest`` and ``latest``, both included.

    Where the column asks for a year and month only (出生年月), ``month_enough`` spares the repair
    ``date_no_day``.

    Raises:
        CellProblem: ``excel_error``, ``not_a_date``, ``impossible_date``, ``date_year_only``,
            ``date_ambiguous``, ``date_order``, ``date_too_early`` or ``date_too_late``.
    """
    bounds = _Bounds(earliest, latest)
    if isinstance(cell, datetime):
        dropped = () if cell.time() == time() else ("date_time_dropped",)
        return _within(cell.date(), bounds, dropped)
    if isinstance(cell, date):
        return _within(cell, bounds)
    if isinstance(cell, bool | time | timedelta):
        raise CellProblem("not_a_date", "不是日期")
    if isinstance(cell, float) and _SERIALS.start <= cell < _SERIALS.stop:
        cell = int(cell)  # the fraction is a time of day
    return _from_text(text_of(cell), bounds, month_enough=month_enough)


def _within(day: date, bounds: _Bounds, repairs: tuple[str, ...] = ()) -> Cleaned[date | None]:
    if day < bounds.earliest:
        raise CellProblem("date_too_early", f"{day}早于{bounds.earliest}，请核对")
    if day > bounds.latest:
        raise CellProblem("date_too_late", f"{day}晚于{bounds.latest}，请核对")
    return Cleaned(day, repairs)


def _from_text(raw: str, bounds: _Bounds, *, month_enough: bool) -> Cleaned[date | None]:
    if not raw:
        return Cleaned(None)
    seen = visible(raw)
    text = half_width(seen)
    repairs = ["invisible_characters"] if seen != raw else []
    repairs += ["full_width"] if re.search(r"[\uff10-\uff19]", seen) else []
    clock = _CLOCK.search(text)
    if clock:
        text = text[: clock.start()]
        repairs += ["date_time_dropped"] if set(clock[0]) & set("123456789") else []
    text = re.sub(r"\s", "", text).translate(_SIGNS).strip(".'’‘")
    if text.isdecimal():
        day, how = _from_digits(text, raw)
        return _within(day, bounds, (*repairs, how))
    found = _PARTS.fullmatch(text)
    if found is None:
        _refuse(text, raw)
    if found["sign"] == "." and found["month"] == "1" and found["day"] is None:
        raise CellProblem(
            "date_ambiguous", f"“{raw}”分不清是1月还是10月，请写成2012-01或2012-10的样子"
        )
    repairs += [_SIGN_REPAIRS[found["sign"]]] if found["sign"] in _SIGN_REPAIRS else []
    repairs += [] if found["day"] or month_enough else ["date_no_day"]
    year = int(found["year"])
    if len(found["year"]) == 2:  # noqa: PLR2004
        repairs.append("date_two_digit_year")
        year = _century(year, bounds, raw)
    return _within(_day(year, found["month"], found["day"] or "1", raw), bounds, tuple(repairs))


def _from_digits(digits: str, raw: str) -> tuple[date, str]:
    """Read a day from digits alone; returns it with the repair it took."""
    if _YEAR_ONLY.fullmatch(digits):
        _refuse(digits, raw)
    if len(digits) == 5 and int(digits) in _SERIALS:  # noqa: PLR2004
        return _EXCEL_DAY_ZERO + timedelta(days=int(digits)), "excel_serial_date"
    if int(digits[:4]) in _YEARS and len(digits) in (6, 8):
        repair = "date_8_digits" if digits[6:] else "date_yyyymm"
        return _day(int(digits[:4]), digits[4:6], digits[6:] or "1", raw), repair
    raise CellProblem("not_a_date", f"“{raw}”不是日期，请写成2012-03-05的样子")


def _day(year: int, month: str, day: str, raw: str) -> date:
    try:
        return date(year, int(month), int(day))
    except ValueError:
        raise CellProblem("impossible_date", f"“{raw}”不是一个存在的日期，请核对") from None


def _century(year: int, bounds: _Bounds, raw: str) -> int:
    """Return the four-digit year, where only one lies within the bounds."""
    fits = [
        century + year
        for century in (1900, 2000)
        if bounds.earliest.year <= century + year <= bounds.latest.year
    ]
    if len(fits) != 1:
        raise CellProblem("date_ambiguous", f"“{raw}”的年份只有两位，分不清世纪，请写四位年份")
    return fits[0]


def _refuse(text: str, raw: str) -> NoReturn:
    if _YEAR_ONLY.fullmatch(text):
        raise CellProblem("date_year_only", f"“{raw}”只有年份，至少要写到月份")
    if _DAY_FIRST.fullmatch(text):
        raise CellProblem("date_order", f"“{raw}”请按年、月、日的顺序写")
    raise CellProblem("not_a_date", f"“{raw}”不是日期，请写成2012-03-05的样子")
