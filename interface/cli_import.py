"""``taizhang import``: the books an office keeps in Excel go in (期初导入)."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from application import importing
from application.importing import Order
from application.importing_results import RESULTS, BookLines, Finding, Imported, RowResult
from domain.code_sets import QuotaKind
from domain.journal import OpenJournal
from infrastructure.importing import Files, Unreadable, copy_names, distinct_names
from infrastructure.office import Office
from infrastructure.system_words import why
from interface.cli_office import (
    CannotDo,
    Commands,
    day,
    err,
    is_interactive,
    operator,
    out,
    progress,
    table_of,
    working_office,
)
from interface.importing_asked import ceilings_of
from interface.wording import faults

FAULTY: Final = 5
"""Exit code: done, but something in the books was wrong and is not recorded."""

SHOWN: Final = 20
"""So many rows with findings are shown on the screen; the checked copies have all of them."""

STEP: Final = 200
"""The progress bar moves every so many rows."""

STAGES: Final = {"read": "读取", "decide": "核对"}

_DESCRIPTION: Final = """\
把现用的机构编制表和人员名册（.xlsx、.xls、.csv）导入，作为建账日的期初情况。
可一次给出多个文件。先用 --dry-run 试办，改正后再正式导入。
有误的行不记录，其余的行一次记录；同一文件重复导入，不会重复记录。"""


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser("import", help="导入现有的机构表和名册", description=_DESCRIPTION)
    action.add_argument("files", nargs="+", type=Path, metavar="文件", help="机构表、人员名册")
    action.add_argument("--opening", metavar="日期", help="建账日，如 2021-06-30；已建账的可省略")
    action.add_argument("--office", metavar="单位全称", help="还没有建账的，同时以此名称建账")
    action.add_argument("--dry-run", action="store_true", help="只试办：逐行检查，不作任何记录")
    action.add_argument("--strict", action="store_true", help="只要有一处有误，就全部不记录")
    action.add_argument(
        "--ceiling",
        action="append",
        default=[],
        metavar="编制类型=数",
        help="上级下达的编制总量，如 事业编制=500，可重复；没有给出的类型按各单位之和",
    )
    action.add_argument(
        "--checked-copy",
        type=Path,
        metavar="目录",
        help="为每个文件另存一份“原名-核对结果.xlsx”，逐行注明结果和问题",
    )
    action.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    opening = None if options.opening is None else day(options.opening)
    ceilings = _ceilings(options.ceiling)
    with telling():
        names = distinct_names([str(path) for path in options.files])
        copies = _copies(names, options.checked_copy)
        with Files(dict(zip(names, options.files, strict=True))) as files:
            lines, unread = files.books()
            with working_office() as office, progress() as report:
                order = _order(options, office, opening, ceilings)
                bar = _Bar(report, sum(_height(one) for one in lines))
                ready = importing.prepare(lines, order.opening, bar.moved, unread)
                lines.clear()
                files.close()  # they are not needed while deciding, but their memory is
                bar.total = ready.waiting
                imported = importing.file(office.writer, ready, order, bar.moved)
            _show(imported, order)
            for name, target in copies.items():
                _write_copy(files, name, imported, target)
    return FAULTY if imported.faulty else 0


class _Bar:
    """Moves the progress bar every `STEP` rows."""

    def __init__(self, report: Callable[[str, int, int], None], total: int) -> None:
        self.report = report
        self.total = total
        self.done: dict[str, int] = {}

    def moved(self, stage: str, rows: int) -> None:
        """Hear that so many rows of a stage are done."""
        before = self.done.get(stage, 0)
        self.done[stage] = before + rows
        if before // STEP != self.done[stage] // STEP:
            self.report(STAGES[stage], self.done[stage], max(self.total, self.done[stage]))


def _show(imported: Imported, order: Order) -> None:
    """Say what became of the books, sheet by sheet, and show the first rows with findings."""
    _show_sheets(imported)
    for ceiling in imported.ceilings:
        said = ceiling.problem or f"{imported.title(ceiling.result)}。"
        out.print(f"{ceiling.kind}总量{ceiling.number}名：{said}")
    _show_rows("有误", [(row, row.problems) for row in imported.rows if row.problems])
    _show_rows(
        "请留意",
        [(row, row.warnings) for row in imported.rows if row.warnings and row.result == "warn"],
    )
    if imported.opened and order.opens is not None:
        out.print(f"已建账：{order.opens.office}，建账日 {order.opening}。")
    out.print(_conclusion(imported))


def _show_sheets(imported: Imported) -> None:
    table = table_of("文件", "工作表", "结果", "行数")
    for sheet, counts in imported.tally():
        for result in RESULTS:
            if counts[result]:
                table.add_row(sheet.file, sheet.sheet, imported.title(result), str(counts[result]))
    out.print(table)
    for sheet in imported.sheets:
        for remark in sheet.remarks():
            out.print(f"《{sheet.file}》{sheet.sheet}：{remark}")
    for one in imported.unread:
        out.print(f"《{one.file}》{one.sheet}：{one.why}")


def _show_rows(title: str, rows: Sequence[tuple[RowResult, Sequence[Finding]]]) -> None:
    if rows:
        out.print(f"{title}的有 {len(rows)} 行：")
    for row, findings in rows[:SHOWN]:
        told = "；".join(row.told(finding) for finding in findings)
        out.print(f"  《{row.file}》{row.sheet} 第{row.row}行 {told}")
    if len(rows) > SHOWN:
        out.print(f"  另有 {len(rows) - SHOWN} 行；加上 --checked-copy 目录可逐行查看。")


def _conclusion(imported: Imported) -> str:
    """Return the last line: what is recorded now, and what to do next."""
    receipt = imported.receipt
    if receipt is not None:
        return f"已记录：流水号 {receipt.first} 至 {receipt.last}。"
    if imported.stage == "tried":
        return "以上为试办，没有作任何记录；去掉 --dry-run 即正式导入。"
    if imported.stage == "held":
        return "因有误，全部没有记录；请改正后再导入。"
    return "没有新的内容可以记录。"


# ── what is asked ────────────────────────────────────────────────────────────────────────────


@contextmanager
def telling() -> Iterator[None]:
    """Tell of every file that cannot be read, each on a line of its own."""
    try:
        yield
    except Unreadable as unreadable:
        raise CannotDo("\n".join(f"{problem}。" for problem in unreadable.problems)) from None


def _ceilings(given: Sequence[str]) -> dict[QuotaKind, int]:
    try:
        return ceilings_of(given)
    except ValueError as error:
        raise CannotDo(str(error)) from None


def _copies(names: Sequence[str], folder: Path | None) -> dict[str, Path]:
    """Return where the checked copies go; the folder is tried before anything is recorded."""
    if folder is None:
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return {name: folder / copy for name, copy in copy_names(names).items()}
    except OSError as error:
        raise CannotDo(f"“{folder}”不能存放核对结果（{why(error)}），请换一个目录。") from None


def _write_copy(files: Files, name: str, imported: Imported, target: Path) -> None:
    try:
        files.write_copy(name, imported, target)
    except OSError as error:
        raise CannotDo(f"导入已办完，但核对结果“{target}”没有写成（{why(error)}）。") from None
    out.print(f"核对结果：{target}")


def _height(book: BookLines) -> int:
    """Return how many rows a sheet has: the bar may end a little early."""
    return 0 if book.table is None else book.table.sheet.size()[0]


def _order(
    options: argparse.Namespace,
    office: Office,
    opening: date | None,
    ceilings: dict[QuotaKind, int],
) -> Order:
    first = office.journal.entry(1)
    day_ = opening or (None if first is None else first.effective_on)
    if day_ is None:
        raise CannotDo("请用 --opening 写明建账日，如 --opening 2021-06-30。")
    order = Order(day_, operator(), options.dry_run, options.strict, ceilings)
    name = options.office
    if first is None and name is None and not order.dry_run and is_interactive():
        err.print(f"还没有建账。现在以 {day_} 为建账日建账，请输入单位全称：", end="")
        name = input().strip() or None
    if name is not None:
        order = replace(order, opens=_opening(day_, name))
    problem = importing.opening_problem(first, order)
    if problem is not None:
        how = "加上 --office 单位全称即可。" if first is None else ""
        raise CannotDo(problem + how)
    return order if first is None else replace(order, opens=None)


def _opening(opening: date, office: str) -> OpenJournal:
    """Return what opens the journal: its first entry names the office, and is for ever."""
    try:
        return OpenJournal(effective_on=opening, office=office, purpose="live")
    except ValidationError as error:
        fault = faults(error, OpenJournal)[0]
        raise CannotDo(f"{fault.title or fault.field}{fault.message}") from None
