"""Reading the books an office keeps: .xlsx, .xls (WPS's .et too) and .csv → rows by field.

    open_book(file) ─► Workbook ─► sheets: raw rows as they stand
                          └──────► tables: the sheets that are a known book, row by row

Sheets, rows and cells keep their places, so that every message can name where it speaks of. Cells
are handed over raw; `domain.cells` cleans them. `workbooks_files` decides what may be opened at
all, `workbooks_annotated` writes a book back with its findings.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import python_calamine as calamine

from domain.book_headings import BOOKS, Book
from domain.cells import Cell
from domain.headings import (
    ROW_KINDS,
    SEARCHED_ROWS,
    Heading,
    Merge,
    RowKind,
    find_heading,
    row_kind,
)
from infrastructure.workbooks_files import (
    MAX_SHEET_CELLS,
    BookProblem,
    Kind,
    book_kind,
    content_of,
    damaged,
    locked,
    read_csv,
    too_large,
)

__all__ = [
    "BookProblem",
    "BookRow",
    "Ignored",
    "PassedOver",
    "Sheet",
    "Table",
    "Workbook",
    "open_book",
]

_SHOWN_CHARACTERS: Final = 30


class BookRow(NamedTuple):
    """One line of a book: the sheet's name, the row's number (from 1), the raw cells by field."""

    sheet: str
    row: int
    cells: Mapping[str, Cell]


class PassedOver(NamedTuple):
    """A row that is no data: its number, what it is taken for, and its first words."""

    row: int
    kind: RowKind
    text: str

    def __str__(self) -> str:
        words = f"“{self.text}”" if self.text else ""
        return f"第{self.row}行{words}：{ROW_KINDS[self.kind]}"


class Ignored(NamedTuple):
    """A sheet that is not read, and why, in Chinese."""

    sheet: str
    why: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as it stands: its name, and whether the workbook hides it."""

    name: str
    hidden: bool
    _rows: Callable[[], Iterator[list[Cell]]] = field(repr=False)
    _size: Callable[[], tuple[int, int]] = field(repr=False)
    _merges: Callable[[], Sequence[Merge]] = field(repr=False)

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield each row, blank ones too, with its number as Excel shows it (from 1)."""
        return enumerate(self._rows(), start=1)

    def size(self) -> tuple[int, int]:
        """Return how many rows and columns are in use, counted from the top left corner."""
        return self._size()

    def merges(self) -> Sequence[Merge]:
        """Return the merged areas; none where the format does not tell."""
        return self._merges()

    def heading(self, books: Iterable[Book] = BOOKS) -> Heading | None:
        """Find the heading of one of the ``books``, or `None`."""
        top = [row for _, row in islice(self.rows(), SEARCHED_ROWS)]
        return find_heading(top, books, self.merges())


class Table:
    """A sheet that is a known book. ``heading`` says which, and where its columns are."""

    def __init__(self, sheet: Sheet, heading: Heading) -> None:
        self.sheet = sheet
        self.heading = heading
        self.passed_over: list[PassedOver] = []
        """The rows that the last run of `rows` took for something else than data."""

    @property
    def book(self) -> Book:
        """The kind of book."""
        return self.heading.book

    def rows(self) -> Iterator[BookRow]:
        """Yield the data rows below the heading, one at a time.

        A value merged over several rows stands in each of them. Blank rows are skipped; other rows
        that are no data are noted in ``passed_over``.
        """
        self.passed_over = []
        name, columns = self.sheet.name, tuple(self.heading.fields.items())
        width = max(self.heading.fields.values()) + 1
        for number, row in self._below():
            kind = row_kind(row, self.heading)
            if kind == "data":
                row.extend([""] * (width - len(row)))
                yield BookRow(name, number, {one: row[column] for one, column in columns})
            elif kind != "blank":
                self.passed_over.append(PassedOver(number, kind, _first_words(row)))

    def _below(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield the rows below the heading, vertically merged values repeated."""
        first = self.heading.last_row + 1
        starts: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, right) in self.sheet.merges():
            if left == right and first <= top < bottom:
                starts.setdefault(top, []).append((left, bottom))
        lasting: dict[int, tuple[int, Cell]] = {}
        for number, row in islice(self.sheet.rows(), first, None):
            for column, bottom in starts.get(number - 1, ()):
                lasting[column] = (bottom, row[column])
            for column, (bottom, value) in tuple(lasting.items()):
                if number - 1 <= bottom:
                    row[column] = value
                else:
                    del lasting[column]
            yield number, row


def _first_words(row: Sequence[Cell]) -> str:
    words = next((str(cell) for cell in row if cell not in ("", None)), "")
    return " ".join(words.split())[:_SHOWN_CHARACTERS]


class Workbook:
    """An opened book; a context manager that closes the file.

    ``name`` is the file's name for messages, ``kind`` what it really is, ``sheets`` all its sheets
    in their order.
    """

    def __init__(
        self, name: str, kind: Kind, sheets: tuple[Sheet, ...], close: Callable[[], None]
    ) -> None:
        self.name = name
        self.kind = kind
        self.sheets = sheets
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def tables(
        self, books: Iterable[Book] = BOOKS
    ) -> tuple[tuple[Table, ...], tuple[Ignored, ...]]:
        """Return the sheets that are one of the ``books`` and have rows, and those passed over.

        Raises:
            BookProblem: ``empty_workbook``, ``no_heading`` or ``only_headings``, where not one
                sheet is left; ``damaged_workbook`` or ``workbook_too_large``, found on reading.
        """
        known = tuple(books)
        tables, ignored = [], []
        for sheet in self.sheets:
            heading = None if sheet.hidden else sheet.heading(known)
            table = None if heading is None else Table(sheet, heading)
            if table is not None and next(table.rows(), None) is not None:
                tables.append(table)
            else:
                ignored.append(Ignored(sheet.name, _why_ignored(sheet, heading)))
        if not tables:
            raise _nothing_to_read(ignored, known)
        return tuple(tables), tuple(ignored)


_HIDDEN: Final = "隐藏的工作表，没有读取"
_ONLY_HEADINGS: Final = "只有表头，没有数据"
_EMPTY: Final = "空的工作表"
_NO_HEADING: Final = "没有认出表头"


def _why_ignored(sheet: Sheet, heading: Heading | None) -> str:
    if sheet.hidden:
        return _HIDDEN
    if heading is not None:
        return _ONLY_HEADINGS
    empty = all(cell in ("", None) for _, row in sheet.rows() for cell in row)
    return _EMPTY if empty else _NO_HEADING


def _nothing_to_read(ignored: Sequence[Ignored], books: Iterable[Book]) -> BookProblem:
    reasons = {one.why for one in ignored}
    if _ONLY_HEADINGS in reasons:
        return BookProblem("only_headings", "表中只有表头，没有数据行")
    if _NO_HEADING not in reasons:
        hidden = "（隐藏的工作表不读取）" if _HIDDEN in reasons else ""
        return BookProblem("empty_workbook", f"工作簿里没有内容{hidden}")
    wanted = "；".join(
        f"{book.title}要有“{'”“'.join(book.heading_of(group[0]) for group in book.required)}”等列"
        for book in books
    )
    return BookProblem("no_heading", f"没有认出表头（应在前{SEARCHED_ROWS}行内）：{wanted}")


# --------------------------------------------------------------------------------------- opening


def open_book(source: Path | bytes, name: str | None = None) -> Workbook:
    """Open a book, whatever its extension says. ``name`` is the file's name where bytes come.

    The file is read once, here; what happens to it afterwards does not matter.

    Raises:
        BookProblem: ``empty_file``, ``not_a_workbook``, ``password_protected``,
            ``damaged_workbook`` or ``workbook_too_large``.
        OSError: the file cannot be read.
    """
    shown = name or (source.name if isinstance(source, Path) else "工作簿")
    content = content_of(source)
    kind = book_kind(content)
    if kind == "csv":
        return Workbook(shown, kind, (_csv_sheet(content, shown),), lambda: None)
    with _reading():
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    # Reading a sheet costs most of all: the last one read is kept for the next question about it.
    load = lru_cache(maxsize=1)(lambda name: _loaded(book, name))
    worksheets = (
        one for one in book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet
    )
    return Workbook(shown, kind, tuple(_grid_sheet(one, load) for one in worksheets), book.close)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn the reader's errors into the clerk's words."""
    try:
        yield
    except calamine.PasswordError as error:
        raise locked() from error
    except calamine.CalamineError as error:
        raise damaged() from error
    except BaseException as error:
        # A broken file can trip the reader itself; its panic is no Exception to name here.
        if type(error).__name__ == "PanicException":
            raise damaged() from error
        raise


def _loaded(book: calamine.CalamineWorkbook, name: str) -> calamine.CalamineSheet:
    with _reading():
        sheet = book.get_sheet_by_name(name)
    height, width = _extent(sheet)
    if height * width > MAX_SHEET_CELLS:
        raise too_large(f"工作表“{name}”太大（{height}行{width}列）")
    return sheet


def _extent(sheet: calamine.CalamineSheet) -> tuple[int, int]:
    """Return the rows and columns in use from the corner on; the reader's totals lack the last."""
    return (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end else (0, 0)


def _grid_sheet(
    metadata: calamine.SheetMetadata, load: Callable[[str], calamine.CalamineSheet]
) -> Sheet:
    name = metadata.name

    def rows() -> Iterator[list[Cell]]:
        sheet = load(name)
        left: list[Cell] = [""] * (sheet.start[1] if sheet.start else 0)
        for row in sheet.iter_rows():
            yield [*left, *row]

    return Sheet(
        name,
        hidden=metadata.visible != calamine.SheetVisibleEnum.Visible,
        _rows=rows,
        _size=lambda: _extent(load(name)),
        _merges=lambda: load(name).merged_cell_ranges or (),
    )


def _csv_sheet(content: bytes, name: str) -> Sheet:
    def rows() -> Iterator[list[Cell]]:
        for row in read_csv(content):
            yield list(row)

    def size() -> tuple[int, int]:
        widths = [len(row) for row in read_csv(content)]
        return len(widths), max(widths, default=0)

    title = Path(name).stem
    return Sheet(title, hidden=False, _rows=rows, _size=size, _merges=lambda: ())
