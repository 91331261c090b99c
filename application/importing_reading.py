"""Reading the books of an import to their end: files → sheets → rows → commands, or problems.

    opened workbooks ──books_of──► known books, sheet by sheet ──prepare──► `Ready`

How one row is read stands in `importing_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

from application.collecting import uncollected
from application.importing_results import (
    BookLines,
    Finding,
    Line,
    RowResult,
    SheetRead,
    Table,
    Unread,
    Workbook,
)
from application.importing_rows import RowReader, shown_serial
from application.importing_superiors import Pending, refuse_circles

Progress = Callable[[str, int], None]
"""Hears of so many more rows at a stage: ``read``, ``decide``, and once of ``store``."""


def silent(_stage: str, _rows: int) -> None:
    """Tell nobody."""


@dataclass
class Ready:
    """Books that have been read to their end: nothing of their files is needed any more."""

    sheets: list[SheetRead]
    institutions: list[Pending]
    people: list[Pending]
    unread: list[Unread]

    @property
    def waiting(self) -> int:
        """How many rows have nothing wrong with them so far, and are to be decided."""
        return sum(row.command is not None for row in (*self.institutions, *self.people))


def books_of(
    files: Iterable[tuple[str, Workbook]],
    naming: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> tuple[list[BookLines], list[Unread]]:
    """Return the known books in opened workbooks, given by name, and the sheets not to be read.

    Whatever is raised while a file is read, now or later, passes through ``naming`` of its name.
    """
    books: list[BookLines] = []
    unread: list[Unread] = []
    for name, workbook in files:
        with naming(name):
            tables, ignored = workbook.tables()
        for table in tables:
            lines = _within(naming(name), table)
            books.append(BookLines(name, table.heading.book, lines, table))
        unread += [Unread(name, one.sheet, one.why) for one in ignored]
    return books, unread


def _within(naming: AbstractContextManager[None], table: Table) -> Iterator[Line]:
    with naming:
        yield from table.rows()


@uncollected()
def prepare(
    books: Sequence[BookLines],
    opening: date,
    progress: Progress = silent,
    unread: Iterable[Unread] = (),
) -> Ready:
    """Read every row of the books as they stood on ``opening``."""
    ready = Ready([], [], [], list(unread))
    for book in books:
        sheet = SheetRead(book.file, _name_of(book), book.book)
        ready.sheets.append(sheet)
        rows = ready.institutions if book.book.name == "institutions" else ready.people
        rows.extend(_rows(book, sheet, opening, progress))
    refuse_circles(ready.institutions)
    return ready


def _name_of(book: BookLines) -> str:
    return "" if book.table is None else book.table.sheet.name


def _rows(
    book: BookLines, sheet: SheetRead, opening: date, progress: Progress
) -> Iterator[Pending]:
    """Read the rows of one sheet; none where a column is missing that every row needs."""
    if book.table is not None:
        sheet.heading = book.table.heading
        if sheet.heading.missing:
            sheet.rows = sum(1 for _ in book.lines)
            sheet.problem = _missing(sheet.heading.missing, sheet.rows)
            sheet.passed_over = tuple(book.table.passed_over)
            return
    reader = RowReader(book.book, opening)
    for line in book.lines:
        sheet.sheet = line.sheet
        result = RowResult(sheet, line.row, shown_serial(line.cells.get("serial")))
        command = reader.read(line)
        result.problems = tuple(reader.problems)
        result.warnings = tuple(reader.warnings)
        result.repairs = tuple(reader.repairs)
        sheet.rows += 1
        progress("read", 1)
        yield Pending(result, command, reader.institution)
    sheet.assumed = reader.assumed
    if book.table is not None:
        sheet.passed_over = tuple(book.table.passed_over)


def _missing(columns: Sequence[str], rows: int) -> Finding:
    named = "、".join(f"“{one}”" for one in columns)
    return Finding(
        "missing_columns", f"缺少必需的列{named}，整张表{rows}行没有导入；请补上后再导入"
    )
