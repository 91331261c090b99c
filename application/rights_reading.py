"""A workbook that a department published → its rights items, and everything worth saying of it.

    workbook ─► sheets ─► lines ─► items (with source)
                  │         └────► reports, cell by cell
                  ├─ whose list it is, of which year
                  └─ what it states of its numbers, against what is there

Nothing is dropped silently: a sheet, a row, a column or a cell that was not taken over is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from domain.cells import Cell
from domain.code_sets_rights import PowerCategory
from domain.headings import Merge
from domain.rights_content import Source
from domain.rights_departments import Department, department_of, list_year
from domain.rights_reading import ItemRead, read_item
from domain.rights_rows import CellReport, PassedOver, SheetLines, read_lines
from domain.rights_totals import Stated, stated_numbers
from domain.text import compact


class SheetLike(Protocol):
    """A sheet as the reader of workbooks hands it over."""

    @property
    def name(self) -> str:
        """The sheet's name."""

    @property
    def hidden(self) -> bool:
        """Whether the workbook hides it."""

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield each row with its number, from 1."""

    def merges(self) -> Sequence[Merge]:
        """Return the merged areas."""


class BookLike(Protocol):
    """An opened workbook."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def sheets(self) -> Sequence[SheetLike]:
        """All its sheets in their order."""


class NotRead(NamedTuple):
    """A sheet that was not read, and why, in Chinese."""

    sheet: str
    why: str


class Total(NamedTuple):
    """A number of items that the list states, and how many there are.

    ``rows`` counts the items as read, ``names`` the different names among them: lists count one or
    the other (主项, 子项).
    """

    sheet: str
    text: str
    category: PowerCategory | None
    stated: int
    rows: int
    names: int

    @property
    def agrees(self) -> bool:
        """Whether the stated number is one of the two."""
        return self.stated in (self.rows, self.names)

    def __str__(self) -> str:
        what = self.category.label if self.category else "全部"
        counted = f"{self.rows}行" + (f"、{self.names}个名称" if self.names != self.rows else "")
        verdict = "相符" if self.agrees else "不相符，请核对"
        return f"{self.sheet}“{self.text}”：{what}公布{self.stated}项，表中{counted}，{verdict}"


@dataclass(slots=True)
class SheetRead:
    """One sheet that is a rights list."""

    name: str
    department: Department | None
    year: int | None
    items: list[ItemRead] = field(default_factory=list)
    passed_over: Sequence[PassedOver] = ()


@dataclass(slots=True)
class RightsRead:
    """A workbook as read."""

    file: str
    sheets: list[SheetRead] = field(default_factory=list)
    not_read: list[NotRead] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    reports: list[CellReport] = field(default_factory=list)

    @property
    def items(self) -> list[ItemRead]:
        """All items in the order of the workbook."""
        return [item for sheet in self.sheets for item in sheet.items]


_HIDDEN: Final = "隐藏的工作表，没有读取"
_EMPTY: Final = "空的工作表"
_NO_HEADING: Final = "没有认出权责清单的表头（至少要有“事项名称”等三列）"
_NO_ITEMS: Final = "只有表头，没有事项"


def no_list(reads: Iterable[RightsRead]) -> bool:
    """Tell whether one of the files has no rights list in it at all: likely the wrong file."""
    return any(not read.sheets for read in reads)


def read_rights(book: BookLike) -> RightsRead:
    """Read every sheet of a workbook that is a rights list."""
    read = RightsRead(book.name)
    lists: list[SheetLines] = []
    for sheet in book.sheets:
        rows = [] if sheet.hidden else [row for _, row in sheet.rows()]
        found = None if sheet.hidden else read_lines(sheet.name, rows, sheet.merges())
        if found is not None and found.lines:
            lists.append(found)
        else:
            read.not_read.append(NotRead(sheet.name, _why(sheet, rows, found)))
        if found is not None:
            read.reports += found.reports
    bodies = _bodies(lists)
    for one in lists:
        read.sheets.append(_sheet(read, one, bodies))
    read.reports += _repeated(read.sheets)
    read.totals += _totals(read, lists)
    return read


def department_of_item(sheet: SheetRead, item: ItemRead) -> Department | None:
    """Return whose item it is: what its row says, or whose list the sheet is."""
    return Department(item.department, "row") if item.department else sheet.department


def _why(sheet: SheetLike, rows: Sequence[Sequence[Cell]], found: SheetLines | None) -> str:
    if sheet.hidden:
        return _HIDDEN
    if found is not None:
        return _NO_ITEMS
    empty = all(cell in ("", None) for row in rows for cell in row)
    return _EMPTY if empty else _NO_HEADING


def _bodies(lists: Iterable[SheetLines]) -> Counter[str]:
    names = (compact(line.text("exercised_by")) for one in lists for line in one.lines)
    return Counter(name for name in names if name)


def _sheet(read: RightsRead, lines: SheetLines, bodies: Counter[str]) -> SheetRead:
    department = department_of(lines.titles, read.file, lines.name, bodies)
    sheet = SheetRead(
        lines.name,
        department,
        list_year((*lines.titles, read.file)),
        passed_over=lines.passed_over,
    )
    around = (lines.name, *lines.titles)
    for line in lines.lines:
        source = Source(file=read.file, sheet=lines.name, row=line.row)
        item, reports = read_item(line, source, around)
        read.reports += reports
        if item is not None:
            sheet.items.append(item)
    return sheet


def _repeated(sheets: Iterable[SheetRead]) -> Iterator[CellReport]:
    """Report items that the workbook has twice: both are kept, for the clerk to decide."""
    seen: dict[tuple[object, ...], Source] = {}
    for sheet in sheets:
        for item in sheet.items:
            content = item.content
            whose = department_of_item(sheet, item)
            body = (whose and whose.name, content.exercised_by, content.levels)
            key = (*body, content.category, compact(content.name), compact(content.sub_name or ""))
            first = seen.setdefault(key, item.source)
            if first is not item.source:
                message = f"与“{first.sheet}”第{first.row}行的事项同名，两项都已读取，请核对"
                place = (item.source.sheet, item.source.row, "")
                yield CellReport(*place, "repeated", message, content.name[:60], lost=False)


# ── stated totals ────────────────────────────────────────────────────────────────────────────


def _totals(read: RightsRead, lists: Sequence[SheetLines]) -> Iterator[Total]:
    """Compare every stated number with the rows it speaks of, or with the whole workbook's."""
    for lines, sheet in zip(lists, read.sheets, strict=True):
        for text, items in _statements(lines, sheet):
            for stated in stated_numbers(text):
                here = _total(sheet.name, text, stated, items)
                whole = _total(sheet.name, text, stated, read.items)
                yield whole if whole.agrees and not here.agrees else here


def _statements(lines: SheetLines, sheet: SheetRead) -> Iterator[tuple[str, list[ItemRead]]]:
    """Yield each text that may state a number, with the items it speaks of."""
    for text in (sheet.name, *lines.titles):
        yield text, sheet.items
    groups = [one for one in sheet.passed_over if one.kind == "group"]
    starts = [one.row for one in groups] + [max((i.source.row for i in sheet.items), default=0) + 1]
    for one, start, end in zip(groups, starts, starts[1:], strict=False):
        yield one.text, [item for item in sheet.items if start < item.source.row < end]
    for one in sheet.passed_over:
        if one.kind in ("total", "note"):
            yield one.text, sheet.items


def _total(sheet: str, text: str, stated: Stated, items: Iterable[ItemRead]) -> Total:
    of = [i.content for i in items if stated.category in (None, i.content.category)]
    names = {(one.category, compact(one.name)) for one in of}
    return Total(sheet, " ".join(text.split()), stated.category, stated.number, len(of), len(names))
