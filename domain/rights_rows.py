"""The rows of a rights list as they stand on a sheet → what each says, field by field.

    title rows ─ heading ─┬─ group (一、行政许可 11项)
                          ├─ line            an item
                          ├─   sub-line      no name of its own: a sub-item, or the same at another
                          │                  level; takes over what is merged or left blank
                          ├─   more text     no name, nothing that tells it apart: goes on the line
                          └─ totals and notes

A cell is what Excel shows: what a merged cell hides does not count, and is reported. So is every
other cell that finds no place. Rows and columns count from 0 here, the rows of what is handed
over from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, NamedTuple

from domain.cells import Cell, CellProblem, text_of
from domain.headings import (
    ROW_KINDS,
    SEARCHED_ROWS,
    Heading,
    Merge,
    RowKind,
    column_letters,
    find_heading,
    row_kind,
)
from domain.rights_headings import RIGHTS, columns_by_field
from domain.rights_totals import names_a_group
from domain.text import visible

_SHOWN: Final = 200
_FIRST_WORDS: Final = 30
_LONGEST_HEADING: Final = 20
_OWN: Final = frozenset({"serial", "name", "sub_name", "code", "implementation_code", "remark"})
"""Fields that a sub-line does not take over from the line above."""
_TELLING_APART: Final = ("sub_name", "exercised_by", "levels")
"""A row without a name that fills one of these is an item of its own."""
_OF_A_MAIN_ITEM: Final = frozenset({"serial", "name", "category", "code", "department"})
"""A line that fills no more than these is the head of the sub-items below it."""


class CellReport(NamedTuple):
    """Something of a sheet that was not taken over as it stands: where, what and why.

    ``row`` counts from 1; ``column`` is its letters, or empty for the row as a whole. ``code`` is
    stable, ``message`` Chinese; ``lost`` says whether anything of the list is missing for it.
    """

    sheet: str
    row: int
    column: str
    code: str
    message: str
    text: str = ""
    lost: bool = True

    def __str__(self) -> str:
        place = f"{self.sheet} 第{self.row}行" + (f"{self.column}列" if self.column else "")
        return f"{place}“{self.text}”：{self.message}" if self.text else f"{place}：{self.message}"


@dataclass(frozen=True, slots=True)
class Line:
    """One item as its row says it: the texts of each field, more than one where it was continued.

    ``group`` is the group heading it stands under.
    """

    row: int
    texts: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, int]
    group: str = ""

    def text(self, name: str) -> str:
        """Return what the field says, continued texts below one another."""
        return "\n".join(self.texts.get(name, ()))


class PassedOver(NamedTuple):
    """A row that is no item: its number, what it was taken for, what it says."""

    row: int
    kind: RowKind
    text: str

    def __str__(self) -> str:
        return f"第{self.row}行“{self.text[:_FIRST_WORDS]}”：{ROW_KINDS[self.kind]}"


@dataclass(slots=True)
class SheetLines:
    """What stands on a sheet that is a rights list."""

    name: str
    titles: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    reports: list[CellReport] = field(default_factory=list)


def read_lines(
    name: str, rows: Sequence[Sequence[Cell]], merges: Sequence[Merge]
) -> SheetLines | None:
    """Read the sheet ``name``; `None` where it has no heading of a rights list."""
    heading = find_heading(rows[:SEARCHED_ROWS], (RIGHTS,), merges)
    if heading is None:
        return None
    reader = _Reader(name, rows, merges, heading)
    for row in range(heading.last_row + 1, len(rows)):
        reader.take(row)
    return reader.finished()


class _Grid:
    """The cells of a sheet as Excel shows them."""

    def __init__(self, rows: Sequence[Sequence[Cell]], merges: Sequence[Merge]) -> None:
        self.rows = rows
        self.width = max((len(row) for row in rows), default=0)
        self._corner: dict[tuple[int, int], tuple[int, int]] = {}
        for (top, left), (bottom, right) in merges:
            for row in range(top, min(bottom, len(rows) - 1) + 1):
                for column in range(left, min(right, self.width - 1) + 1):
                    if (row, column) != (top, left):
                        self._corner[row, column] = (top, left)

    def raw(self, row: int, column: int) -> Cell:
        """Return the cell's value, hidden or not."""
        cells = self.rows[row]
        return cells[column] if column < len(cells) else None

    def corner(self, row: int, column: int) -> tuple[int, int] | None:
        """Return the corner of the merged area that covers the cell, if one does."""
        return self._corner.get((row, column))

    def shown(self, row: int) -> list[Cell]:
        """Return the row without what merged cells hide."""
        return [
            None if (row, column) in self._corner else self.raw(row, column)
            for column in range(self.width)
        ]

    def under(self, row: int, column: int) -> Cell:
        """Return what a cell merged downwards from above says in this row too."""
        corner = self._corner.get((row, column))
        return self.raw(*corner) if corner and corner[1] == column else None


class _Reader:
    """Takes the rows below a heading one after another."""

    def __init__(
        self,
        name: str,
        rows: Sequence[Sequence[Cell]],
        merges: Sequence[Merge],
        heading: Heading,
    ) -> None:
        self._grid = _Grid(rows, merges)
        self._merges = merges
        self._group = ""
        self._found = SheetLines(name, tuple(_titles(rows[: heading.first_row])))
        self._use(heading)

    def _use(self, heading: Heading) -> None:
        self._heading = heading
        self._columns = columns_by_field(heading, self._grid.rows[heading.last_row + 1 :])
        self._field_at = {at: one for one, several in self._columns.items() for at in several}
        self._headings = {one.column: one.heading for one in heading.unknown}

    def finished(self) -> SheetLines:
        """Return what was read, without the lines that only head their sub-items."""
        found = self._found
        found.lines = [line for line, below in _with_next(found.lines) if not _heads(line, below)]
        return found

    def take(self, row: int) -> None:
        """Take one row below the heading."""
        if row <= self._heading.last_row:
            return  # the rest of a second heading
        cells = self._grid.shown(row)
        if self._is_another_heading(row, cells):
            return
        kind = row_kind(cells, self._heading)
        texts = self._texts(row, cells)
        if not texts:
            self._report_hidden(row)
            return
        kind = self._mended(kind, texts)
        if kind == "data":
            self._report_hidden(row)
            self._data(row, texts)
            return
        words = " ".join(dict.fromkeys(texts.values()))
        if kind == "group":
            self._group = words
        self._found.passed_over.append(PassedOver(row + 1, kind, words))

    def _is_another_heading(self, row: int, cells: Sequence[Cell]) -> bool:
        """Notice a further table on the same sheet, whose columns may stand otherwise."""
        short = [one for one in cells if isinstance(one, str) and len(one) <= _LONGEST_HEADING]
        fields = {found for one in short if (found := RIGHTS.field_of(one))}
        if "name" not in fields or len(fields) < min(3, len(self._columns)):
            return False
        rows = self._grid.rows[row : row + 3]
        merges = [((t - row, le), (b - row, r)) for (t, le), (b, r) in self._merges if t >= row]
        heading = find_heading(rows, (RIGHTS,), merges)
        if heading is None or heading.first_row:
            return False
        last = row + heading.last_row
        self._use(replace(heading, first_row=row, last_row=last))
        return True

    def _texts(self, row: int, cells: Sequence[Cell]) -> dict[int, str]:
        """Return what the row shows, by column."""
        texts: dict[int, str] = {}
        for column, cell in enumerate(cells):
            try:
                text = visible(text_of(cell)).strip()
            except CellProblem as problem:
                self._report(row, column, problem.code, problem.message)
                continue
            if text:
                texts[column] = text
        return texts

    def _mended(self, kind: RowKind, texts: Mapping[int, str]) -> RowKind:
        """Return the kind of a row by what a rights list knows of it.

        A group stands in the first columns or all across; a lone text further right goes on the
        line above.
        """
        alike = len(set(texts.values())) == 1
        first = min(texts)
        name = self._columns["name"][0]
        if kind == "data" and alike and first <= name and names_a_group(texts[first]):
            return "group"
        if kind == "group" and first > name:
            return "data"
        if kind == "note" and name in texts and len(texts) > 1:
            return "data"
        return kind

    # ── data rows ────────────────────────────────────────────────────────────────────────────

    def _data(self, row: int, shown: Mapping[int, str]) -> None:
        own = self._by_field(row, shown)
        if "name" in own:
            self._found.lines.append(self._line(row, own))
        elif not self._found.lines:
            self._report_all(
                row, shown, "row_without_name", "这一行没有事项名称，也不属于上面的事项"
            )
        elif any(name in own for name in _TELLING_APART):
            self._found.lines.append(self._line(row, own, self._found.lines[-1]))
        else:
            self._continue(own)

    def _by_field(self, row: int, shown: Mapping[int, str]) -> dict[str, list[str]]:
        """Sort a row's texts by field; reports those in columns that no field claims."""
        own: dict[str, list[str]] = {}
        for column, text in shown.items():
            name = self._field_at.get(column)
            if name is None:
                heading = self._headings.get(column, "")
                what = f"“{heading}”这一列没有对应的栏目" if heading else "这一列没有表头"
                self._report(row, column, "unknown_column", f"{what}，没有导入", text)
            elif name not in own or name == "levels":
                if text not in own.get(name, ()):
                    own.setdefault(name, []).append(text)
            elif text not in own[name]:
                heading = RIGHTS.heading_of(name)
                self._report(
                    row, column, "second_column", f"另一列“{heading}”已有内容，这一列没有导入", text
                )
        return own

    def _line(self, row: int, own: Mapping[str, list[str]], above: Line | None = None) -> Line:
        """Return the line of a row; what it leaves blank or is merged comes from above."""
        texts = {name: tuple(several) for name, several in own.items()}
        blank = [one for one in self._columns.items() if one[0] not in texts]
        for name, several in blank:
            merged = tuple(text for one in several if (text := self._merged(row, one)))
            if merged:
                texts[name] = merged
        if above is not None:
            texts.setdefault("name", above.texts["name"])
            for name in above.texts.keys() - _OWN - texts.keys():
                texts[name] = above.texts[name]
        first = {name: several[0] for name, several in self._columns.items()}
        return Line(row + 1, texts, first, self._group)

    def _merged(self, row: int, column: int) -> str:
        if self._grid.corner(row, column) is None:
            return ""
        try:
            return visible(text_of(self._grid.under(row, column))).strip()
        except CellProblem:
            return ""  # reported where the cell stands

    def _continue(self, own: Mapping[str, list[str]]) -> None:
        """Put the texts of a row that is no item of its own on the line above."""
        last = self._found.lines[-1]
        texts = dict(last.texts)
        for name, several in own.items():
            if name != "serial":
                texts[name] = (*texts.get(name, ()), *several)
        self._found.lines[-1] = Line(last.row, texts, last.columns, last.group)

    # ── reports ──────────────────────────────────────────────────────────────────────────────

    def _report_hidden(self, row: int) -> None:
        """Report what merged cells hide, unless it repeats what they show."""
        for column in range(self._grid.width):
            corner = self._grid.corner(row, column)
            cell = self._grid.raw(row, column)
            if corner is None or cell in (None, "") or cell == self._grid.raw(*corner):
                continue
            text = str(cell).strip()
            if text:
                message = "这一格被合并单元格遮住，表上看不见，没有导入"
                self._report(row, column, "hidden_by_merge", message, text)

    def _report_all(self, row: int, shown: Mapping[int, str], code: str, message: str) -> None:
        for column, text in shown.items():
            self._report(row, column, code, message, text)

    def _report(self, row: int, column: int, code: str, message: str, text: str = "") -> None:
        letters = column_letters(column)
        words = " ".join(text.split())[:_SHOWN]
        self._found.reports.append(
            CellReport(self._found.name, row + 1, letters, code, message, words)
        )


def _titles(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Yield the different texts that stand above the heading."""
    seen: set[str] = set()
    for row in rows:
        for cell in row:
            text = visible(cell).strip() if isinstance(cell, str) else ""
            if text and text not in seen:
                seen.add(text)
                yield text


def _with_next(lines: Sequence[Line]) -> Iterator[tuple[Line, Line | None]]:
    yield from zip(lines, chain(lines[1:], [None]), strict=False)


def _heads(line: Line, below: Line | None) -> bool:
    """Tell whether a line says nothing but the name of the sub-items below it."""
    return (
        below is not None
        and line.texts.keys() <= _OF_A_MAIN_ITEM
        and "sub_name" in below.texts
        and below.texts["name"] == line.texts["name"]
    )
