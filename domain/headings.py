"""Finding the heading of a book on a sheet, and telling its rows from titles, totals and notes.

A sheet as an office keeps it has title rows above, a heading of one to three rows with merged
cells, the columns in any order, groups, totals and subtotals in between, and a line for signatures
at the foot. Which book it is, is told by the headings alone, never by the name of the file.

Rows and columns are counted from 0 here; what a clerk reads counts from 1 and A.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final, Literal

from domain.book_headings import ANNOTATIONS, Book
from domain.cells import Cell
from domain.text import compact

SEARCHED_ROWS: Final = 40
"""The heading must stand within so many rows from the top."""

_DEPTHS: Final = (1, 2, 3)
_LEAST_FIELDS: Final = 3

Merge = tuple[tuple[int, int], tuple[int, int]]
"""A merged area: (first row, first column), (last row, last column)."""

RowKind = Literal["data", "blank", "heading", "total", "note", "group", "serial_only"]
"""What a row below the heading is; all but ``data`` are passed over, and reported by their kind.

``group`` is a line such as 一、区直机关, ``serial_only`` a prepared line with a number and no more.
"""

ROW_KINDS: Final[Mapping[RowKind, str]] = {
    "data": "数据行",
    "blank": "空行",
    "heading": "重复的表头",
    "total": "合计行",
    "note": "填表说明或签名行",
    "group": "分组标题行",
    "serial_only": "只有序号的空行",
}


def column_letters(index: int) -> str:
    """Return the letters over the column ``index`` counted from 0: A … Z, AA …."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class StrangeColumn:
    """A column whose heading no field has (or that is a second one): where, and what it says."""

    column: int
    heading: str

    def __str__(self) -> str:
        return f"{column_letters(self.column)}列“{self.heading}”"


@dataclass(frozen=True, slots=True)
class Heading:
    """A book's heading as found.

    ``fields`` says in which column each field stands, ``unknown`` which columns no field claims,
    ``duplicates`` which claim one that an earlier column has, ``missing`` the Chinese headings of
    required columns that are not there, ``annotations`` where a checked copy's own columns stand.
    ``texts`` is the last row of the heading as it stands, to know it again further down.
    """

    book: Book
    first_row: int
    last_row: int
    fields: Mapping[str, int]
    unknown: tuple[StrangeColumn, ...] = ()
    duplicates: tuple[StrangeColumn, ...] = ()
    missing: tuple[str, ...] = ()
    annotations: Mapping[str, int] = field(default_factory=dict)
    texts: tuple[str, ...] = ()


def find_heading(
    rows: Sequence[Sequence[Cell]], books: Iterable[Book], merges: Iterable[Merge] = ()
) -> Heading | None:
    """Find the heading of one of the ``books`` in the first ``rows`` of a sheet.

    The block of one to three rows that names most fields wins, the smallest of equals; it must
    name the book's telling fields and at least three in all, and cut through no merged cell of its
    own height. Returns `None` where there is none.
    """
    areas = tuple(one for one in merges if one[0][0] < SEARCHED_ROWS)
    texts = _filled(rows[:SEARCHED_ROWS], areas)
    blocks = [
        (first, depth)
        for depth in _DEPTHS
        for first in range(len(texts) - depth + 1)
        if not _cuts(first, first + depth - 1, areas)
    ]
    best: Heading | None = None
    for book in books:
        for first, depth in blocks:
            found = _read(book, texts, first, depth)
            if found and (best is None or len(found.fields) > len(best.fields)):
                best = found
    return best


def _cuts(first: int, last: int, merges: Iterable[Merge]) -> bool:
    """Tell whether rows ``first`` to ``last`` hold only part of a cell as high as a heading."""
    return any(
        bottom - top < max(_DEPTHS) and (top < first <= bottom or top <= last < bottom)
        for (top, _), (bottom, _) in merges
    )


def _filled(rows: Sequence[Sequence[Cell]], merges: Iterable[Merge]) -> list[list[str]]:
    """Return the rows as texts of equal length, every merged area filled with its text."""
    width = max((len(row) for row in rows), default=0)
    texts = [
        [
            *(cell.strip() if isinstance(cell, str) else "" for cell in row),
            *[""] * (width - len(row)),
        ]
        for row in rows
    ]
    for (top, left), (bottom, right) in merges:
        if top < len(texts) and left < width:
            for row in texts[top : bottom + 1]:
                row[left : right + 1] = [texts[top][left]] * (min(right, width - 1) + 1 - left)
    return texts


def _read(book: Book, texts: list[list[str]], first: int, depth: int) -> Heading | None:
    block = texts[first : first + depth]
    fields: dict[str, int] = {}
    annotations: dict[str, int] = {}
    unknown, duplicates = [], []
    for column, stack in enumerate(zip(*block, strict=True)):
        label = "".join(text for text, _ in groupby(stack))
        name = _field(book, block, column)
        if name is None and label in ANNOTATIONS:
            annotations[label] = column
        elif name is None and label:
            unknown.append(StrangeColumn(column, " ".join(label.split())))
        elif name is not None and fields.setdefault(name, column) != column:
            duplicates.append(StrangeColumn(column, " ".join(label.split())))
    if len(fields) < _LEAST_FIELDS or not book.telling <= fields.keys():
        return None
    return Heading(
        book,
        first_row=first,
        last_row=first + depth - 1,
        fields=fields,
        unknown=tuple(unknown),
        duplicates=tuple(duplicates),
        missing=tuple(
            book.heading_of(any_of[0]) for any_of in book.required if not fields.keys() & any_of
        ),
        annotations=annotations,
        texts=tuple(block[-1]),
    )


def _field(book: Book, block: list[list[str]], column: int) -> str | None:
    """Return the field that the texts standing over one another in ``column`` name.

    Under 编制数 the word 行政 means 行政编制数. A text that spans several columns names none of
    them by itself.
    """
    parts = [text for text, _ in groupby(row[column] for row in block if row[column])]
    spellings = ["".join(parts), "".join(reversed(parts)), *parts[-1:]]
    if len(parts) > 1 and not _spans(block, column):
        spellings.append(parts[0])
    return next((found for text in spellings if (found := book.field_of(text))), None)


def _spans(block: list[list[str]], column: int) -> bool:
    top = next(row for row in block if row[column])
    return top[column] in (*top[max(column - 1, 0) : column], *top[column + 1 : column + 2])


# --------------------------------------------------------------------------- rows below a heading

_TOTAL = re.compile(r"(合计|总计|小计|共计|累计|总数|本页合计|本页小计)(数|人数)?:?")
_NOTE = re.compile(
    r"(填表|制表|填报|审核|审批|复核|经办|负责|分管|主管|编制|联系|报送|统计|校对)"
    r"(人员?|单位|日期|时间|领导|机关|电话|方式)(签名|签字|盖章)?(\(.*\))?(:|$)"
    r"|(单位|部门|主管部门|填报单位|编办|组织部|人社局|单位负责人|单位领导)?"
    r"(\(?(公章|盖章|签章|签字|签名)\)?):?"
    r"|(单位负责人|单位领导|主要负责人|年月日|电话|日期|填表说明|制表说明)(:|$)"
    r"|(注|备注|说明|附注|附|填表说明)[1-9]?[:.、]"
    r"|以上(人员|情况|信息|内容|数据|名单)"
    r"|[0-9]{4}年[0-9]{1,2}月([0-9]{1,2}日)?$"
)
_LOOKED_AT: Final = 2


def row_kind(row: Sequence[Cell], heading: Heading) -> RowKind:
    """Tell what a row below the heading is (see `RowKind`)."""
    filled = {column: cell for column, cell in enumerate(row) if _is_filled(cell)}
    if not filled:
        return "blank"
    fields = heading.fields
    serial = fields.get("serial")
    written = (cell for cell in filled.values() if isinstance(cell, str))
    texts = [compact(cell) for cell in islice(written, _LOOKED_AT)]
    if filled.keys() == {serial} and (not texts or texts[0].isdecimal()):
        return "serial_only"
    if any(_TOTAL.fullmatch(text) for text in texts):
        return "total"
    if texts and isinstance(next(iter(filled.values())), str) and _NOTE.match(texts[0]):
        return "note"
    if len(filled) == 1 and filled.keys().isdisjoint(_own_columns(heading)):
        return "group"
    repeated = sum(
        column < len(row) and row[column] == heading.texts[column] for column in fields.values()
    )
    return "heading" if repeated >= _LEAST_FIELDS else "data"


def _is_filled(cell: Cell) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _own_columns(heading: Heading) -> set[int]:
    """Return the columns in which a line of this book has something of its own."""
    kept = (*heading.book.telling, "id_number", "approved")
    return {heading.fields[one] for one in kept if one in heading.fields}
