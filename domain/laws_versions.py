"""Which version of a law a list means (版本说明): the days it names, and what they say.

    2000年7月8日…通过，2015年11月4日修订，2016年1月1日起施行
    └──────── made ───────────────────┘ └── in force ──────┘

Lists name versions as they please: day, month or year of adoption, promulgation or amendment, the
day from which it is in force, numbers of decrees. A version is the one on record where what is said
of it lies near enough to its promulgation: regulations are adopted weeks before they are
promulgated, and some lists name the one day, some the other.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from domain.text import compact

NEAR: Final = timedelta(days=92)
"""A law adopted or amended so near to a promulgation on record is the version promulgated then."""

_DAY: Final = re.compile(
    r"(?P<year>(?:19|20)\d{2})"
    r"(?:年(?:(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})[日号])?)?"
    r"|[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2}))"
)
_IN_FORCE: Final = re.compile(r"^(?:起|开始|正式|之日)*(?:施行|实施|生效|执行)")
_CLAUSES: Final = re.compile(r"[，。；;,]")
_UNDATED: Final = re.compile(r"令第?[\d、号第和及令]+(?:第.次)?(?:修订|修正|修改)")


class Period(NamedTuple):
    """A day, month or year that a text names: its first and its last day."""

    first: date
    last: date


class Said(NamedTuple):
    """What a text says of a version: when it was made, when it came into force.

    ``undated``: it also speaks of amendments by the numbers of decrees, without their days.
    """

    made: Period | None
    in_force: Period | None
    undated: bool


Verdict = Literal["same", "older", "newer"]


def said_of(version: str) -> Said:
    """Return what a text says of the latest version it names."""
    text = compact(version)
    made: list[Period] = []
    in_force: list[Period] = []
    for period, rest in _periods(text):
        (in_force if _IN_FORCE.match(rest) else made).append(period)
    return Said(
        max(made, key=_end, default=None),
        max(in_force, key=_end, default=None),
        any(_UNDATED.search(one) and not _DAY.search(one) for one in _CLAUSES.split(text)),
    )


def _periods(text: str) -> Iterator[tuple[Period, str]]:
    """Yield what days a text names, with what follows each; what is no day is passed over."""
    for found in _DAY.finditer(text):
        year = int(found["year"])
        month, day = found["month"] or found["m"], found["day"] or found["d"]
        try:
            first = date(year, int(month or 1), int(day or 1))
        except ValueError:
            continue
        last = first
        if month is None:
            last = date(year, 12, 31)
        elif day is None:
            last = first.replace(day=monthrange(year, first.month)[1])
        yield Period(first, last), text[found.end() :]


def _end(period: Period) -> date:
    return period.last


def compared(said: Said, promulgated: date) -> Verdict:
    """Tell how the version meant stands to one that was promulgated on that day.

    Where nothing is said, nothing speaks against it: the same.
    """
    if said.made is None:
        older = said.in_force is not None and said.in_force.last < promulgated
        return "older" if older else "same"
    if said.made.last + NEAR < promulgated:
        return "older"
    return "newer" if said.made.first > promulgated + NEAR else "same"
