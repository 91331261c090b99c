"""``taizhang import``: the books an office keeps in Excel go in (期初导入)."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from application import importing
from application.importing import Order, Ready, books_of
from application.importing_results import RESULTS, TITLES, Imported, Result, RowResult
from application.journal import Filing
from domain.code_sets import QuotaKind
from domain.journal import OpenJournal
from infrastructure.office import Office
from infrastructure.workbooks import BookProblem, Workbook, open_book
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
    shown,
    table_of,
)

FAULTY: Final = 5
"""Exit code: done, but something of the books was wrong and is not recorded."""

SHOWN: Final = 20
"""So many rows with findings are shown on the screen; the checked copies have all of them."""

_STEP: Final = 250
"""The progress bar moves every so many rows."""

_DESCRIPTION: Final = """\
把现用的机构编制表和人员名册（.xlsx、.xls、.csv）导入台账，作为建账日的期初情况。
可一次给出多个文件；先用 --dry-run 试办，改正后再正式导入。
同一文件重复导入不会重复记录。有误的行不记录，其余的行一次性记录。"""


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser("import", help="导入现有台账", description=_DESCRIPTION)
    action.add_argument("files", nargs="+", type=Path, metavar="文件", help="机构表、人员名册")
    action.add_argument("--opening", metavar="日期", help="建账日，如 2021-06-30；已建账的可省略")
    action.add_argument("--office", metavar="单位全称", help="还没有建账时：同时以此名称建账")
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
        help="把每个文件另存一份“原名-核对结果.xlsx”，逐行注明结果和问题",
    )
    action.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    ceilings = _ceilings(options.ceiling)
    opening = None if options.opening is None else day(options.opening)
    with ExitStack() as stack:
        books = {name: stack.enter_context(_opened(path)) for name, path in _named(options.files)}
        lines, unread = _saying_which(lambda: books_of(books.items()))
        office = stack.enter_context(opened_office())
        order = _order(options, office, opening, ceilings)
        with _Bar() as bar:
            total = sum(one.table.sheet.size()[0] for one in lines if one.table is not None)
            ready = importing.prepare(lines, order.opening, bar.of(total), unread)
            books.clear()
            lines.clear()
            imported = importing.file(office.writer, ready, order, bar)
    _show(imported)
    if options.checked_copy is not None:
        _write_copies(options.files, imported, options.checked_copy)
    elif imported.faulty or any(row.findings for row in imported.rows):
        err.print("加上 --checked-copy 目录，可得到逐行注明结果和问题的副本。")
    return FAULTY if imported.faulty else 0
