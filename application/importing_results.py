"""What an import answers (导入结果): row by row and sheet by sheet, in the clerk's words.

Imported ─┬─ sheets ─── what each sheet was taken for, and what of it was not taken over
          ├─ ignored ── the sheets that were not read at all
          ├─ rows ───── recorded, repaired, recorded with a warning, there already, wrong
          └─ recorded ─ the one receipt, where anything was recorded
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, NamedTuple, Protocol

from domain.book_headings import Book
from domain.cells import Cell
from domain.headings import ROW_KINDS, Heading, RowKind, StrangeColumn, column_letters

Result = Literal["ok", "repaired", "warn", "same", "error"]
RESULTS: Final[tuple[Result, ...]] = ("ok", "repaired", "warn", "same", "error")

Stage = Literal["tried", "recorded", "held"]
"""A dry run; a commit; a commit that ``strict`` held back, so that nothing was recorded."""

TITLES: Final[Mapping[Stage, Mapping[Result, str]]] = {
    "tried": {
        "ok": "可以记录",
        "repaired": "规范后可以记录",
        "warn": "可以记录，请留意",
        "same": "已经登记，不重复记录",
        "error": "有误，不能记录",
    },
    "recorded": {
        "ok": "已记录",
        "repaired": "已规范后记录",
        "warn": "已记录，请留意",
        "same": "已经登记，没有重复记录",
        "error": "有误，没有记录",
    },
    "held": {
        "ok": "无误，但本次没有记录",
        "repaired": "规范后无误，但本次没有记录",
        "warn": "可以记录，但本次没有记录",
        "same": "已经登记",
        "error": "有误，没有记录",
    },
}


class Finding(NamedTuple):
    """Something found in a row or sheet: a stable code, what the clerk reads, and the field."""

    code: str
    message: str
    field: str | None = None


class Passed(Protocol):
    """A row that is no data, as a book's reader reports it."""

    @property
    def row(self) -> int:
        """The row's number as Excel shows it."""

    @property
    def kind(self) -> RowKind:
        """What it was taken for."""

    @property
    def text(self) -> str:
        """Its first words."""


class Unread(NamedTuple):
    """A sheet that was not read, and why."""

    file: str
    sheet: str
    why: str


class NotRead(Protocol):
    """A sheet that is not read, as a workbook reports it."""

    @property
    def sheet(self) -> str:
        """The sheet's name."""

    @property
    def why(self) -> str:
        """Why, in Chinese."""


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


RECORDED: Final[Mapping[str, frozenset[str]]] = {
    "institutions": _names(
        "serial full_name category rank superior funding_form credit_code functions_text",
        "quota_kind approved approved_10 approved_11 approved_12 approved_20 approved_21",
        "approval_number approval_date remark",
    ),
    "people": _names(
        "serial institution name former_name gender id_number birth_date ethnicity politics",
        "work_start education quota_kind funding_form person_class person_status position",
        "entry_mode quota_in_date quota_in_number mobile remark",
    ),
}
"""The fields of each book that are used; the others are named to the clerk as left out."""

PERSONAL: Final = _names(
    "name former_name gender id_number birth_date ethnicity politics work_start education",
    "position mobile remark quota_in_number person_status",
)
"""Fields of the roster whose cells say something personal."""


@dataclass(eq=False)
class SheetRead:
    """One sheet that is a known book: what it was taken for, and what was not taken over of it.

    ``problem``: why none of its ``rows`` could be read. ``assumed`` counts, by field, the rows
    that left it blank and were given its usual value.
    """

    file: str
    sheet: str
    book: Book
    heading: Heading | None = None
    rows: int = 0
    problem: Finding | None = None
    passed_over: Sequence[Passed] = ()
    assumed: Counter[str] = field(default_factory=Counter)

    @property
    def unknown(self) -> tuple[StrangeColumn, ...]:
        """Columns whose heading is not known."""
        return () if self.heading is None else self.heading.unknown

    @property
    def duplicates(self) -> tuple[StrangeColumn, ...]:
        """Columns whose heading an earlier column has already."""
        return () if self.heading is None else self.heading.duplicates

    @property
    def left_out(self) -> tuple[StrangeColumn, ...]:
        """Columns whose heading is known but whose contents are not recorded."""
        if self.heading is None:
            return ()
        return tuple(
            StrangeColumn(column, self.book.heading_of(name))
            for name, column in self.heading.fields.items()
            if name not in RECORDED[self.book.name]
        )

    def column(self, name: str) -> str:
        """Return where a field stands: ``E列“身份证号”``, or its usual heading alone."""
        heading = self.book.heading_of(name)
        if self.heading is None or name not in self.heading.fields:
            return f"“{heading}”"
        return f"{column_letters(self.heading.fields[name])}列“{heading}”"

    def remarks(self) -> Iterator[str]:
        """Yield what a clerk should know of the sheet as a whole, sentence by sentence."""
        if self.problem is not None:
            yield self.problem.message
        for columns, what in (
            (self.unknown, "不认识的列，没有导入"),
            (self.duplicates, "与前面的列重复，没有导入"),
            (self.left_out, "系统目前不登记的列，没有导入"),
        ):
            if columns:
                yield f"{what}：{'、'.join(map(str, columns))}"
        for name, count in self.assumed.items():
            heading = self.book.heading_of(name)
            yield f"“{heading}”没有填写的有{count}行，按“{ASSUMED[name]}”登记"
        for one in self.passed_over:
            words = f"“{one.text}”" if one.text else ""
            yield f"第{one.row}行{words}：{ROW_KINDS[one.kind]}，没有导入"


ASSUMED: Final = {"category": "其他", "rank": "不定级", "person_class": "非领导"}
"""What a blank cell of these fields means."""


@dataclass(slots=True, eq=False)
class RowResult:
    """What becomes of one row, with everything a clerk needs to put it right.

    ``first`` to ``last`` are the positions of its entries, 0 where there are none; ``says`` tells
    what they record.
    """

    source: SheetRead
    row: int
    serial: str
    result: Result = "ok"
    says: str = ""
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    repairs: tuple[Finding, ...] = ()
    first: int = 0
    last: int = 0

    @property
    def file(self) -> str:
        """The file's name."""
        return self.source.file

    @property
    def sheet(self) -> str:
        """The sheet's name."""
        return self.source.sheet

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found, the worst first."""
        return (*self.problems, *self.warnings, *self.repairs)

    def told(self, finding: Finding) -> str:
        """Return a finding with the column it speaks of."""
        if finding.field is None:
            return finding.message
        return f"{self.source.column(finding.field)}：{finding.message}"


@dataclass(frozen=True)
class CeilingResult:
    """What becomes of a ceiling that was given with the books."""

    kind: str
    number: int
    result: Result = "ok"
    problem: str = ""


@dataclass(frozen=True)
class Recorded:
    """The receipt: everything recorded is entries ``first`` to ``last`` of one append."""

    first: int
    last: int
    recorded_at: datetime


@dataclass
class Imported:
    """The answer to an import: a result a row in the order of the books, and the one receipt.

    ``opened``: the journal was opened with it. ``replayed``: the same request came before; the
    receipt is that of the first time.
    """

    opening: date
    stage: Stage
    sheets: list[SheetRead]
    rows: list[RowResult]
    ceilings: list[CeilingResult] = field(default_factory=list)
    receipt: Recorded | None = None
    unread: list[Unread] = field(default_factory=list)
    opened: bool = False
    replayed: bool = False

    def count(self, result: Result) -> int:
        """How many rows came out so."""
        return sum(row.result == result for row in self.rows)

    @property
    def faulty(self) -> bool:
        """Whether anything was wrong: a row, a ceiling, or a sheet that could not be read."""
        return (
            any(row.result == "error" for row in self.rows)
            or any(one.result == "error" for one in self.ceilings)
            or any(sheet.problem is not None for sheet in self.sheets)
        )

    def title(self, result: Result) -> str:
        """Return what a result means at this stage."""
        return TITLES[self.stage][result]

    def notes(self, file: str) -> dict[tuple[str, int], Note]:
        """Return what stands beside each row of a file's checked copy, by sheet and row."""
        return {
            (row.sheet, row.row): Note(
                self.title(row.result),
                tuple(row.told(one) for one in (*row.problems, *row.warnings)),
                tuple(row.told(one) for one in row.repairs),
                row.result == "error",
            )
            for row in self.rows
            if row.file == file
        }

    def tally(self) -> list[tuple[SheetRead, Counter[Result]]]:
        """Count the results of each sheet."""
        counts: dict[int, Counter[Result]] = {id(sheet): Counter() for sheet in self.sheets}
        for row in self.rows:
            counts[id(row.source)][row.result] += 1
        return [(sheet, counts[id(sheet)]) for sheet in self.sheets]


class Note(NamedTuple):
    """What stands beside one row in a checked copy of its book."""

    outcome: str
    problems: tuple[str, ...]
    repairs: tuple[str, ...]
    refused: bool


class Line(Protocol):
    """A row as a book's reader hands it over: raw cells by field, and where it stands."""

    @property
    def sheet(self) -> str:
        """The sheet's name."""

    @property
    def row(self) -> int:
        """The row's number as Excel shows it."""

    @property
    def cells(self) -> Mapping[str, Cell]:
        """The raw cells by field; a column that the book lacks is not among them."""


class Page(Protocol):
    """A sheet as it stands."""

    @property
    def name(self) -> str:
        """The sheet's name."""

    def size(self) -> tuple[int, int]:
        """Return how many rows and columns are in use."""


class Table(Protocol):
    """A sheet that is a known book, as a workbook's reader hands it over."""

    @property
    def sheet(self) -> Page:
        """The sheet."""

    @property
    def heading(self) -> Heading:
        """Which book it is, and where its columns are."""

    @property
    def passed_over(self) -> Sequence[Passed]:
        """The rows that the last run of `rows` took for something else than data."""

    def rows(self) -> Iterable[Line]:
        """Yield the data rows below the heading."""


class Workbook(Protocol):
    """An opened workbook."""

    def tables(self) -> tuple[Sequence[Table], Sequence[NotRead]]:
        """Return the sheets that are known books, and those passed over."""


@dataclass(frozen=True)
class BookLines:
    """The data rows of one sheet that is a known book, in a file of that name."""

    file: str
    book: Book
    lines: Iterable[Line]
    table: Table | None = None
