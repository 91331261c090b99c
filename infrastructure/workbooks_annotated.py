"""Writing a book back with its findings: every cell where it was, and what was found beside it.

The copy is for the clerk to mend and import again. Numbers that identify stay text, also while he
edits them; nothing that looks like a formula becomes one.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from domain.book_headings import ANNOTATIONS
from domain.cells import Cell
from infrastructure.workbooks import Sheet, Workbook

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_FIRST_EXCEL_YEAR: Final = 1900
_WIDTHS: Final = (12, 60, 40)
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_TITLE_LENGTH: Final = 31


@dataclass(frozen=True, slots=True)
class RowNote:
    """What was found about one row, in Chinese.

    ``outcome`` goes under 处理结果, ``problems`` under 问题, ``repairs`` under 修正. The notes of
    ``refused`` rows are red.
    """

    outcome: str
    problems: Sequence[str] = ()
    repairs: Sequence[str] = ()
    refused: bool = False


def annotated_copy(
    book: Workbook, notes: Mapping[tuple[str, int], RowNote], target: Path | BinaryIO
) -> None:
    """Write ``book`` as a new .xlsx to ``target`` with the ``notes`` beside its rows.

    ``notes`` are by sheet name and row number as `BookRow` has them. All sheets are copied with
    their names, rows and columns; values only, without formats, formulas and pictures. The note
    columns stand right of everything else, or where an earlier copy has them already. Memory does
    not grow with the number of rows.

    Raises:
        BookProblem: the book cannot be read to its end.
        OSError: ``target`` cannot be written.
    """
    if not isinstance(target, Path):
        _write_copy(book, notes, target)
        return
    part = target.with_name(f".{target.name}.part")
    try:
        _write_copy(book, notes, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _write_copy(
    book: Workbook, notes: Mapping[tuple[str, int], RowNote], target: Path | BinaryIO
) -> None:
    # What is written row by row waits in scratch files, which hold personal data.
    with tempfile.TemporaryDirectory(prefix="taizhang-") as scratch:
        options = {"constant_memory": True, "nan_inf_to_errors": True, "tmpdir": scratch}
        copy = xlsxwriter.Workbook(target, options)
        formats = _Formats(copy)
        for sheet, page in _pages(book, copy):
            _copy_sheet(sheet, page, formats, notes)
        try:
            copy.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            msg = f"cannot write {target}"
            raise OSError(msg) from error


def _pages(
    book: Workbook, copy: xlsxwriter.Workbook
) -> Iterator[tuple[Sheet, xlsxwriter.worksheet.Worksheet]]:
    """Yield each sheet with its page; what was hidden stays so, if anything else is to be seen."""
    titles: set[str] = set()
    shown = [sheet for sheet in book.sheets if not sheet.hidden]
    for sheet in book.sheets:
        page = copy.add_worksheet(_free_title(sheet.name, titles))
        if shown and sheet.hidden:
            page.hide()
        elif sheet in shown[:1]:
            page.activate()
            page.set_first_sheet()
        yield sheet, page


def _free_title(name: str, taken: set[str]) -> str:
    """Return the sheet's name as Excel allows it, different from those ``taken`` (and add it)."""
    base = _NOT_IN_TITLES.sub("_", name).strip("'")[:_TITLE_LENGTH] or "工作表"
    title, n = base, 1
    while title.lower() in taken:
        n += 1
        title = f"{base[: _TITLE_LENGTH - 5]}({n})"
    taken.add(title.lower())
    return title


class _Formats:
    """The few cell formats of a copy."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.text = book.add_format({"num_format": "@"})
        self.quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.clock = book.add_format({"num_format": "hh:mm:ss"})
        self.heading = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
        self.note = book.add_format({"text_wrap": True})
        self.refused = book.add_format({"text_wrap": True, "font_color": "#C00000"})


def _copy_sheet(
    sheet: Sheet,
    page: xlsxwriter.worksheet.Worksheet,
    formats: _Formats,
    notes: Mapping[tuple[str, int], RowNote],
) -> None:
    heading = None if sheet.hidden else sheet.heading()
    columns: tuple[int, ...] = ()
    if heading is not None:
        width = sheet.size()[1]
        there = heading.annotations
        free = iter(range(width, width + len(ANNOTATIONS)))
        columns = tuple(there[one] if one in there else next(free) for one in ANNOTATIONS)
        page.freeze_panes(heading.last_row + 1, 0)
        for column, wide in zip(columns, _WIDTHS, strict=True):
            page.set_column(column, column, wide)
        if "id_number" in heading.fields:
            page.set_column(
                heading.fields["id_number"], heading.fields["id_number"], 21, formats.text
            )
    for number, row in sheet.rows():
        for column, cell in enumerate(row):
            if column not in columns:
                _write(page, number - 1, column, cell, formats)
        if heading is not None and number - 1 == heading.last_row:
            _write_all(page, number - 1, columns, ANNOTATIONS, formats.heading)
        note = notes.get((sheet.name, number))
        if note is not None:
            texts = (note.outcome, "；".join(note.problems), "；".join(note.repairs))
            _write_all(
                page, number - 1, columns, texts, formats.refused if note.refused else formats.note
            )


def _write_all(
    page: xlsxwriter.worksheet.Worksheet,
    row: int,
    columns: Sequence[int],
    texts: Sequence[str],
    form: xlsxwriter.format.Format,
) -> None:
    for column, text in zip(columns, texts, strict=True):
        page.write_string(row, column, text, form)


def _write(
    page: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: Cell, formats: _Formats
) -> None:
    match cell:
        case None | "":
            pass
        case str():
            prefixed = cell.startswith(_FORMULA_STARTS)
            page.write_string(row, column, cell, formats.quoted if prefixed else formats.text)
        case bool():
            page.write_boolean(row, column, cell)
        case int() | float() if math.isfinite(cell):
            page.write_number(row, column, cell)
        case datetime() if cell.year >= _FIRST_EXCEL_YEAR:
            page.write_datetime(row, column, cell, formats.moment)
        case date() if cell.year >= _FIRST_EXCEL_YEAR:
            page.write_datetime(row, column, cell, formats.day)
        case time() | timedelta():
            page.write_datetime(row, column, cell, formats.clock)
        case _:
            page.write_string(row, column, str(cell), formats.text)
