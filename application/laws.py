"""The register of laws: its ledger 法规库, and reading a table of versions into filings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Final, NamedTuple

from application.ledgers import Column, Effect, Ledger, declare
from domain.code_sets_rights import BasisLevel
from domain.laws import (
    LawChange,
    LawRepealed,
    LawVersionRegistered,
    RegisterLawVersion,
    law_id,
)
from domain.text import half_width

# ── 法规库 ───────────────────────────────────────────────────────────────────────────────────

STATUSES: Final = {"in-force": "现行有效", "pending": "尚未施行", "repealed": "已废止"}


class LawRow(NamedTuple):
    """A law as it stands on a day: ``version_on`` is the promulgation of what is in force."""

    title: Annotated[str, Column("法规名称", filter=True, sort=True)]
    level: Annotated[
        str,
        Column("效力层级", filter=True, choices=BasisLevel.names()),
    ]
    status: Annotated[str, Column("效力", filter=True, sort=True, choices=STATUSES)]
    first_on: Annotated[date, Column("首次公布日期", sort=True)]
    version_on: Annotated[date | None, Column("现行版本公布日期", filter=True, sort=True)]
    in_force_on: Annotated[date | None, Column("现行版本施行日期", filter=True, sort=True)]
    pending_on: Annotated[date | None, Column("待施行版本公布日期")]
    pending_from: Annotated[date | None, Column("待施行版本施行日期", filter=True)]
    versions: Annotated[int, Column("版本数", sort=True)]
    repealed_on: Annotated[date | None, Column("废止日期", filter=True, sort=True)]
    replaced_by: Annotated[str | None, Column("替代法规")]


def _law(so_far: LawRow | None, effect: Effect) -> LawRow | None:
    fact, day = effect.fact, effect.day
    if isinstance(fact, LawRepealed):
        if so_far is None:
            return None
        repealed = so_far._replace(status="repealed", repealed_on=day)
        return repealed._replace(replaced_by=fact.replaced_by)
    if not isinstance(fact, LawVersionRegistered):
        return so_far
    promulgated = effect.entry.business_date
    row = so_far or LawRow(fact.title, "", "pending", promulgated, *(None,) * 4, 0, None, None)
    if effect.nth == 0:
        row = row._replace(versions=row.versions + 1, repealed_on=None, replaced_by=None)
        if row.status == "repealed":
            row = row._replace(status="pending")
        if row.status == "pending":
            row = row._replace(title=fact.title, level=fact.level.value)
        if fact.in_force_on is not None:
            return row._replace(pending_on=promulgated, pending_from=fact.in_force_on)
    if row.status == "repealed":
        return row
    in_force = row._replace(title=fact.title, level=fact.level.value, status="in-force")
    in_force = in_force._replace(version_on=promulgated, in_force_on=day)
    if row.pending_on == promulgated:
        in_force = in_force._replace(pending_on=None, pending_from=None)
    return in_force


LAWS = declare(
    Ledger(
        name="laws",
        title="法规库",
        key="law",
        row=LawRow,
        fold=_law,
        facts=(LawVersionRegistered, LawRepealed),
        sort=("title",),
    )
)


# ── a table of versions ──────────────────────────────────────────────────────────────────────

_TITLE: Final = re.compile(r"文件名|法规名称|名称|标题")
_LEVEL: Final = re.compile(r"层级|效力")
_EVENTS: Final = re.compile(r"沿革")
_LATEST: Final = re.compile(r"最近|日期")
_EVENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[:：]([^;；]+)")


class TableProblem(NamedTuple):
    """A row of a table of laws that cannot be read: which one, and why, in Chinese."""

    row: int
    message: str


def lacking(headings: Sequence[str]) -> list[str]:
    """Return what a table of laws must have and this one has no heading for, in Chinese."""
    wanted = (("名称", (_TITLE,)), ("效力层级", (_LEVEL,)), ("沿革或日期", (_EVENTS, _LATEST)))
    return [
        title
        for title, known in wanted
        if not any(one.search(heading) for one in known for heading in headings)
    ]


def read_versions(
    rows: Iterable[Mapping[str, str]],
) -> tuple[list[RegisterLawVersion], list[TableProblem]]:
    """Return a filing for each version that a table of laws names, and the rows it cannot read.

    Columns are found by their headings: the title, the level, the history (沿革: 日期:事件;…), the
    latest day; `lacking` tells which of them a table does not have. A 施行 in the history is the
    day from which the version before it is in force.
    Where two rows name the same version, the one that knows from when it is in force is believed.
    """
    found: dict[tuple[str, date], RegisterLawVersion] = {}
    problems: list[TableProblem] = []
    for number, row in enumerate(rows, start=2):
        try:
            for one in _versions(row):
                key = (law_id(one.law_title), one.promulgated_on)
                if key not in found or one.in_force_on is not None:
                    found[key] = one
        except ValueError as error:
            problems.append(TableProblem(number, str(error).splitlines()[0]))
    return list(found.values()), problems


def _cell(row: Mapping[str, str], heading: re.Pattern[str]) -> str:
    found = (text or "" for name, text in row.items() if name and heading.search(name))
    return half_width(next(found, "")).strip()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}”不是有效的日期") from None


def _versions(row: Mapping[str, str]) -> Iterator[RegisterLawVersion]:
    level = BasisLevel.from_text(_cell(row, _LEVEL))
    if level is None:
        raise ValueError(f"不认识效力层级“{_cell(row, _LEVEL)}”")
    events = [(_day(day), text) for day, text in _EVENT.findall(_cell(row, _EVENTS))]
    if not events:
        events = [(_day(_cell(row, _LATEST)), "公布")]
    days: dict[date, tuple[LawChange, date]] = {}
    last: date | None = None
    for day, text in events:
        change = LawChange.from_text(text)
        if change is not None:
            days[day], last = (change, day), day
        elif last is not None and day >= last:
            days[last] = (days[last][0], day)
    for day, (change, in_force) in days.items():
        yield RegisterLawVersion(
            law_title=_cell(row, _TITLE),
            level=level,
            promulgated_on=day,
            in_force_on=in_force if in_force > day else None,
            change=change,
        )
