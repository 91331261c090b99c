"""``taizhang rights compare``: what differs between two editions or days of the rights lists.

    taizhang rights compare 2023年版 2024年版
    taizhang rights compare 2024-06-30 2024-12-31 --department 区教育局 --out 对照.xlsx

An edition is read as it was published, whatever was filed since; a day as known now, or then.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from application.access import Export
from application.rights import CATEGORIES, LEVELS
from application.rights_differences import KINDS, MEASURES, Difference, Differences, Named, Tally
from application.rights_differences import category_title as category_told
from domain.codes import told
from infrastructure.access_log import AccessLog
from infrastructure.exporting import ExportTooLarge
from infrastructure.ledger_questions import Asked
from infrastructure.office import Office
from infrastructure.rights_differences_file import write_differences
from infrastructure.rights_importing import department_names
from interface.cli_office import (
    CannotDo,
    Commands,
    code_of,
    day,
    err,
    instant,
    new_file,
    opened_office,
    operator,
    out,
    shown,
)
from interface.cli_tables import Field, show
from interface.rights_differences import about_differences, as_json
from interface.rights_lists import Edition, Lists, Moment

DAY_LENGTH: Final = 10
"""A day is written 2024-12-31; whatever else is given names an edition."""


class _End(NamedTuple):
    """One side of a comparison: its point on the clocks, and the edition it is of, if any."""

    at: Moment
    edition: Edition | None = None

    @property
    def name(self) -> str:
        """What the edition is called; empty for a day."""
        return "" if self.edition is None else self.edition.name

    @property
    def told(self) -> str:
        """How the side is spoken of."""
        return f"{self.name}（{self.at.valid_on}）" if self.name else str(self.at.valid_on)


def register(commands: Commands) -> None:
    """Add the group."""
    group = commands.add_parser("rights", help="权责清单：对照两个版次或两个日期")
    actions = group.add_subparsers(metavar="命令", required=True)
    action = actions.add_parser(
        "compare",
        help="对照两个版次，或两个日期的清单",
        description="对照两个版次或两个日期的权责清单：新增、退出、合并、分设、划转、要素变更，"
        "并按部门和职权类型核对“原有＋增加－减少＝现有”。较早的为原清单。",
    )
    action.add_argument("one", metavar="版次或日期", help="版次名称（或系统内编号），或日期")
    action.add_argument("other", metavar="版次或日期", help="与之对照的版次或日期")
    action.add_argument("--level", metavar="层级", help=f"清单层级：{told(LEVELS)}；默认区本级")
    action.add_argument("--department", metavar="部门全称", help="只列一个部门的")
    action.add_argument("--category", metavar="类型", help="只列一种职权类型，如 行政许可")
    action.add_argument(
        "--known-at", metavar="时刻", help="日期按当时已知的内容，默认此刻；版次总按公布时的内容"
    )
    action.add_argument("--limit", type=int, default=50, metavar="处数", help="最多列几处（50）")
    action.add_argument("--json", action="store_true", help="以 JSON 输出全部变动（与接口相同）")
    action.add_argument("--out", type=Path, metavar="文件.xlsx", help="另存全部变动和要素原文")
    action.add_argument("--force", action="store_true", help="覆盖已有文件")
    action.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise CannotDo("--limit 应是大于 0 的整数。")
    if options.out is not None and options.out.suffix.lower() != ".xlsx":
        raise CannotDo(f"--out 的文件后缀应为 .xlsx，不能是“{options.out.suffix}”。")
    with opened_office() as office:
        lists = Lists(office.ledgers, Asked, office.journal)
        before, after, level = _ends(options, lists, office)
        department = _department(options.department, office, (before, after))
        category = options.category and code_of(options.category, CATEGORIES, "职权类型")
        found = lists.compared(before.at, after.at, level).within(department, category)
        if options.out is not None:
            _save(options, found, (before, after), level, office)
    if options.json:
        clocks = {"from_day": before.at.valid_on, "to_day": after.at.valid_on, "level": level}
        document = orjson.dumps({**clocks, **as_json(found)}, option=orjson.OPT_INDENT_2)
        out.print(document.decode())
        return 0
    _show(found, options.limit)
    sides = f"{LEVELS[level]}权责清单，原 {before.told}，现 {after.told}"
    err.print(f"{sides}：{len(found.lines)} 处变动。")
    if len(found.lines) > options.limit:
        err.print(f"另有 {len(found.lines) - options.limit} 处没有列出，可用 --limit 多列。")
    if options.out is not None:
        err.print(f"全部变动和要素原文已存为 {options.out}（密级：内部）。")
    return 0


# ── which two ────────────────────────────────────────────────────────────────────────────────


def _ends(options: argparse.Namespace, lists: Lists, office: Office) -> tuple[_End, _End, str]:
    """Return both sides, the earlier first, and the level of the list."""
    level = options.level and code_of(options.level, LEVELS, "清单层级")
    known = None
    if options.known_at is not None:
        known = office.journal.position_at(instant(options.known_at))
    ends = [_end(text, level, known, lists) for text in (options.one, options.other)]
    editions = [end.edition for end in ends if end.edition is not None]
    if options.known_at is not None and len(editions) == len(ends):
        raise CannotDo("两个版次对照，总按各自公布时的内容，不用 --known-at。")
    levels = {one.level for one in editions}
    if len(levels) > 1:
        raise CannotDo("两个版次的清单层级不同，不能对照；同名的版次可用 --level 指明层级。")
    early, late = sorted(ends, key=_when)
    return early, late, next(iter(levels), level or "district")


def _when(end: _End) -> tuple[date, float]:
    """Return where a side stands; what is read as known now is the latest of its day."""
    return end.at.valid_on, inf if end.at.known is None else end.at.known


def _end(text: str, level: str | None, known: int | None, lists: Lists) -> _End:
    editions = lists.editions(level)
    named = [one for one in editions if text in (one.name, one.id)]
    if len(named) > 1:
        levels = told({one.level: LEVELS[one.level] for one in named})
        raise CannotDo(f"叫“{text}”的版次不止一个，请用 --level 指明层级：{levels}。")
    if named:
        return _End(Moment(named[0].effective_on, named[0].known), named[0])
    if len(text) == DAY_LENGTH and text[:1].isdecimal():
        return _End(Moment(day(text), known))
    there = "、".join(f"“{one.name}”" for one in editions)
    whose = "" if level is None else LEVELS[level]
    hint = f"已公布的{whose}版次有：{there}" if there else f"还没有公布过{whose}版次"
    raise CannotDo(f"没有叫“{text}”的版次，也不是日期（2024-05-01）；{hint}。")


def _department(name: str | None, office: Office, ends: tuple[_End, _End]) -> str | None:
    """Return the id of a department by its name on the later day, or else on the earlier."""
    if name is None:
        return None
    days = [end.at.valid_on for end in reversed(ends)]
    for on in days:
        who = department_names(office.ledgers, on).get(name)
        if who is not None:
            return who
    both = "、".join(map(str, days))
    raise CannotDo(f"机构台账中没有“{name}”（{both}），请核对机构全称。")


# ── what is told ─────────────────────────────────────────────────────────────────────────────


def _save(
    options: argparse.Namespace,
    found: Differences,
    ends: tuple[_End, _End],
    level: str,
    office: Office,
) -> None:
    """Write the workbook, which leaves the house as an export and is noted as one."""
    before, after = ends
    about = about_differences(before.at, after.at, level, "内部", (before.name, after.name))
    with new_file(options.out, force=options.force) as file:
        try:
            rows = write_differences(found, about, file)
        except ExportTooLarge as problem:
            raise CannotDo(str(problem)) from None
    AccessLog(office.database).note(
        Export(
            actor=operator(),
            what="rights_items",
            question={"from": before.told, "to": after.told, "level": level},
            rows=rows,
            unmasked=False,
            position=office.journal.head()[0],
            valid_on=after.at.valid_on,
            format="xlsx",
            secrecy="internal",
        )
    )


def _show(found: Differences, limit: int) -> None:
    show("事项数", _tallies(found.tallies, found.totals()))
    out.print()
    show("变动的事项", _lines(found.lines[:limit]))


def _tallies(tallies: Sequence[Tally], totals: dict[str, int]) -> list[Field]:
    names = [one.department_name for one in tallies]
    kinds = [category_told(one.category) for one in tallies]
    figures = {name: [*(one.figures[name] for one in tallies), totals[name]] for name in MEASURES}
    return [
        Field("部门", (*names, "合计")),
        Field("职权类型", (*kinds, "")),
        *(Field(MEASURES[name], tuple(map(shown, line))) for name, line in figures.items()),
    ]


def _lines(lines: Sequence[Difference]) -> list[Field]:
    cells = [
        (
            KINDS[line.kind],
            _of(line.before),
            _of(line.after),
            "、".join(change.title for change in line.fields),
        )
        for line in lines
    ]
    columns = zip(*cells, strict=True) if cells else [()] * 4
    titles = ("变动", "原事项", "现事项", "变更的要素")
    return [Field(title, tuple(column)) for title, column in zip(titles, columns, strict=True)]


def _of(items: Sequence[Named]) -> str:
    """Return whose items they are, of which category, and their names."""
    return "；".join(
        f"{one.department_name}·{category_told(one.category)}·{one.name}"
        + (f"—{one.sub_name}" if one.sub_name else "")
        for one in items
    )
