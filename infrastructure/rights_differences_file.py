"""What differs between two states of the rights lists, as a workbook (清单对照表).

    事项数     a line for every department and category, with totals: previous + came − went = now
    变动事项   a line for every difference: what became of which items
    变更要素   a line for every field that says something else, long texts over several lines

Texts only: nothing in a cell is taken for a formula. What a cell cannot hold goes on in the next
row, nothing is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import IO, Any, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application.rights_differences import (
    KINDS,
    MEASURES,
    Difference,
    Differences,
    Named,
    category_title,
)
from infrastructure.exporting import CELL_CHARACTERS, PLAIN, XLSX_ROWS, ExportTooLarge

_ITEM: Final = (("部门", 24), ("职权类型", 12), ("事项名称", 44))
_IDS: Final = "事项（系统内编号）"


def write_differences(found: Differences, about: Sequence[tuple[str, str]], file: IO[bytes]) -> int:
    """Write a workbook and return how many differences it tells of.

    ``about`` says what the file is, line by line: a title and what it says.

    Raises:
        ExportTooLarge: a worksheet cannot hold the rows.
    """
    book = xlsxwriter.Workbook(file, PLAIN)
    totals, lines, fields = (
        _Page(book, name, about) for name in ("事项数", "变动事项", "变更要素")
    )
    measures = [(title, 10) for title in MEASURES.values()]
    totals.head([*_ITEM[:2], *measures])
    for one in found.tallies:
        figures = [one.figures[name] for name in MEASURES]
        totals.row([one.department_name, category_title(one.category), *figures])
    totals.row(["合计", "", *found.totals().values()])
    former = [(f"原{title}", width) for title, width in _ITEM]
    lines.head([("变动", 24), *former, *((f"现{title}", w) for title, w in _ITEM),
                (f"原{_IDS}", 20), (f"现{_IDS}", 20)])  # fmt: skip
    fields.head([("变动", 14), *_ITEM, ("要素", 14), ("原内容", 60), ("现内容", 60), (_IDS, 20)])
    for line in found.lines:
        for before, after in zip_longest(line.before, line.after):
            ids = ["" if one is None else one.item for one in (before, after)]
            lines.row([KINDS[line.kind], *_said(before), *_said(after), *ids])
        for cells in _field_rows(line):
            fields.row(cells)
    book.close()
    return len(found.lines)


def _said(one: Named | None) -> list[str]:
    """Return whose an item is, of which category, and its name."""
    if one is None:
        return ["", "", ""]
    name = f"{one.name}：{one.sub_name}" if one.sub_name else one.name
    return [one.department_name, category_title(one.category), name]


def _field_rows(line: Difference) -> Iterator[list[str]]:
    for change in line.fields:
        now = line.after[0]
        both = zip_longest(_cells(change.before), _cells(change.after), fillvalue="")
        for n, (before, after) in enumerate(both):
            title = change.title if n == 0 else f"{change.title}（续）"
            yield [KINDS[line.kind], *_said(now), title, before, after, now.item]


def _cells(lines: Iterable[str]) -> Iterator[str]:
    """Yield texts of as many lines as a cell holds."""
    waiting = ""
    for line in lines:
        for start in range(0, len(line), CELL_CHARACTERS) or (0,):
            part = line[start : start + CELL_CHARACTERS]
            if waiting and len(waiting) + len(part) >= CELL_CHARACTERS:
                yield waiting
                waiting = ""
            waiting = f"{waiting}\n{part}" if waiting else part
    yield waiting


class _Page:
    """A worksheet, filled from its top."""

    def __init__(self, book: Any, name: str, about: Sequence[tuple[str, str]]) -> None:
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._about = about
        self._at = 0

    def head(self, columns: Sequence[tuple[str, int]]) -> None:
        """Write what the file is, then the headings, which stay in sight."""
        for column, (_, width) in enumerate(columns):
            self._sheet.set_column(column, column, width)
        for title, said in self._about:
            self._sheet.write_string(self._at, 0, title, self._bold)
            self._sheet.write_string(self._at, 1, said)
            self._at += 1
        for column, (title, _) in enumerate(columns):
            self._sheet.write_string(self._at, column, title, self._bold)
        self._at += 1
        self._sheet.freeze_panes(self._at, 0)

    def row(self, cells: Sequence[str | int]) -> None:
        """Write a row."""
        if self._at >= XLSX_ROWS:
            raise ExportTooLarge(
                f"超过工作表的行数上限（{XLSX_ROWS}行），请按部门或职权类型分别导出。"
            )
        for column, cell in enumerate(cells):
            if isinstance(cell, int):
                self._sheet.write_number(self._at, column, cell)
            else:
                self._sheet.write_string(self._at, column, cell, self._text)
        self._at += 1
