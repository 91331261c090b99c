"""``taizhang import``: the books an office keeps in Excel go in (期初导入)."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from application import importing
from application.importing import Order, books_of
from application.importing_results import BookLines, Imported, Unread
from application.journal import Filing
from domain.code_sets import QuotaKind
from domain.journal import OpenJournal
from infrastructure.office import Office
from infrastructure.workbooks import BookProblem, open_book
from infrastructure.workbooks_annotated import RowNote, annotated_copy
from interface.cli_office import (
    CannotDo,
    Commands,
    day,
    err,
    is_interactive,
    opened_office,
    operator,
    out,
    progress,
    table_of,
)

FAULTY: Final = 5
"""Exit code: done, but something in the books was wrong and is not recorded."""

SHOWN: Final = 20
"""So many rows with findings are shown on the screen; the checked copies have all of them."""

LARGEST_CEILING: Final = 1_000_000
"""No district has a million posts: who writes more has mistyped."""

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
        nargs="+",
        action="extend",
        default=[],
        metavar="编制类型=数",
        help="上级下达的编制总量，如 事业编制=500；没有给出的类型按各单位之和",
    )
    action.add_argument(
        "--checked-copy",
        type=Path,
        metavar="目录",
        help="为每个文件另存一份“原名-核对结果.xlsx”，逐行注明结果和问题",
    )
    action.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    ceilings = _ceilings(options.ceiling)
    opening = None if options.opening is None else day(options.opening)
    files = {path.name: path for path in options.files}
    if len(files) < len(options.files):
        raise CannotDo("文件名不能相同，请改名后再导入。")
    with ExitStack() as opened:
        lines, unread = _books(files, opened)
        with opened_office() as office, progress() as report:
            order = _order(options, office, opening, ceilings)
            bar = _Bar(report, sum(_height(one) for one in lines))
            ready = importing.prepare(lines, order.opening, bar.moved, unread)
            lines.clear()
            opened.close()  # the files are not needed while deciding, but their memory is
            bar.total = ready.waiting
            imported = importing.file(office.writer, ready, order, bar.moved)
    _show(imported)
    if options.checked_copy is not None:
        _write_copies(files, imported, options.checked_copy)
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


def _show(imported: Imported) -> None:
    """Say what became of the books, sheet by sheet, and show the first rows with findings."""
    table = table_of("文件", "工作表", "结果", "行数")
    for sheet, counts in imported.tally():
        for result, n in counts.items():
            table.add_row(sheet.file, sheet.sheet, imported.title(result), str(n))
    out.print(table)
    for sheet in imported.sheets:
        for remark in sheet.remarks():
            out.print(f"《{sheet.file}》{sheet.sheet}：{remark}")
    for one in imported.unread:
        out.print(str(one))
    wrong = [row for row in imported.rows if row.problems]
    for row in wrong[:SHOWN]:
        told = "；".join(row.told(finding) for finding in row.problems)
        out.print(f"{row.sheet} 第{row.row}行 {told}")
    if len(wrong) > SHOWN:
        out.print(f"另有 {len(wrong) - SHOWN} 行有问题；加上 --checked-copy 目录可逐行查看。")
    if imported.receipt is not None:
        out.print(f"已记录：流水号 {imported.receipt.first} 至 {imported.receipt.last}。")


def _write_copies(files: dict[str, Path], imported: Imported, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        notes = {place: RowNote(*note) for place, note in imported.notes(name).items()}
        target = folder / f"{path.stem}-核对结果.xlsx"
        with open_book(path, name) as book:
            annotated_copy(book, notes, target)
        out.print(f"核对结果：{target}")


# ── what is asked ────────────────────────────────────────────────────────────────────────────


def _ceilings(given: Sequence[str]) -> dict[QuotaKind, int]:
    """Read 编制类型=数."""
    found: dict[QuotaKind, int] = {}
    for one in given:
        name, _, number = one.replace("＝", "=").partition("=")
        kind = QuotaKind.from_text(name)
        if kind is None:
            near = "、".join(other.label for other in QuotaKind.nearest(name))
            raise CannotDo(f"没有“{name}”这种编制类型，最接近的是：{near}。")
        if not number.strip().isdecimal() or not 0 < int(number) <= LARGEST_CEILING:
            raise CannotDo(f"编制总量“{one}”应写作 编制类型=数，如 事业编制=500。")
        if kind in found:
            raise CannotDo(f"{kind.label}的总量写了两次。")
        found[kind] = int(number)
    return found


def _books(files: dict[str, Path], opened: ExitStack) -> tuple[list[BookLines], list[Unread]]:
    """Open the files and find the books in them."""
    workbooks = []
    for name, path in files.items():
        with _naming(name):
            workbooks.append((name, opened.enter_context(open_book(path, name))))
    return books_of(workbooks, _naming)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say of which file a problem speaks."""
    try:
        yield
    except BookProblem as problem:
        raise CannotDo(f"《{name}》不能导入：{problem.message}。") from None
    except FileNotFoundError:
        raise CannotDo(f"没有找到文件“{name}”，请检查路径。") from None
    except OSError as error:
        raise CannotDo(f"《{name}》无法读取（{error.strerror}）。") from None


def _height(book: BookLines) -> int:
    """Return how many rows a sheet has: the bar may end a little early."""
    return 0 if book.table is None else sum(1 for _ in book.table.rows())


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
    if first is None and not order.dry_run:
        _open_journal(office, order, options.office)
    elif (problem := importing.opening_problem(first, order)) is not None:
        raise CannotDo(problem)
    return order


def _open_journal(office: Office, order: Order, name: str | None) -> None:
    """Open the journal: its first entry names the office, and is for ever."""
    if name is None and is_interactive():
        err.print(f"还没有建账。现在以 {order.opening} 为建账日建账，请输入单位全称：", end="")
        name = input().strip()
    if not name:
        raise CannotDo("还没有建账，请加上 --office 单位全称，同时建账。")
    opening = OpenJournal(effective_on=order.opening, office=name, purpose="live")
    office.writer.do(Filing((opening,), order.actor))
    out.print(f"已建账：{name}，建账日 {order.opening}。")
