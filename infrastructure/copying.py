"""Rows on their way into a table: lines of text, sent by COPY when enough have come.

Most values are texts that COPY reads as they stand; the few others (days, numbers) are written once
or by type. Only a line with a sign that COPY reads otherwise is written with care.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from application.keeping import SumRow
from application.ledgers import AnyLedger, Ledger, Stored, SumLedger
from infrastructure.ledger_tables import RowTable, SumTable

FLUSH = 1 << 20
"""Bytes of rows that wait for one COPY."""


class Outlet:
    """Where the rows of one ledger go: lines of text, sent by COPY when enough have come."""

    def __init__(self, ledger: AnyLedger, prefix: str, connection: Connection[Any]) -> None:
        """Write to the ledger's table of that prefix."""
        self.ledger = ledger
        self.table = (
            RowTable(ledger, prefix) if isinstance(ledger, Ledger) else SumTable(ledger, prefix)
        )
        self._connection = connection
        self._lines: list[str] = []
        self._size = 0
        self._tabs = len(self.table.names) - 1
        self._forms = _forms_of(ledger)
        self._measures = tuple(ledger.measures) if isinstance(ledger, SumLedger) else ()

    def put_row(self, row: Stored) -> None:
        """Take a row of an ordinary ledger."""
        table = RowTable.of(self.table)
        plain = table.cells(row)
        cells: list[Any] = list(plain)
        for n, form in self._forms:
            if cells[n] is not None:
                cells[n] = form(cells[n])
        said = "\t".join([_NULL if cell is None else cell for cell in cells])
        self._put(
            f"{row.subject}\t{_DAYS[row.vf]}\t{row.kf}\t{_DAYS[row.ev]}\t{row.ek}\t{row.ku}"
            f"\t{row.position}\t{said}",
            lambda: table.line(row, plain),
        )

    def put_move(self, row: SumRow, ku: int) -> None:
        """Take a dated change of a running book."""
        move = row.move
        sums = "\t".join([str(move.changes.get(name, 0)) for name in self._measures])
        keys = "\t".join(move.key)
        self._put(
            f"{keys}\t{_DAYS[move.day]}\t{row.kf}\t{ku}\t{row.position}\t{sums}",
            lambda: SumTable.of(self.table).line(row, ku),
        )

    def _put(self, line: str, values: Callable[[], Sequence[Any]]) -> None:
        """Take a line; where a text has signs that COPY reads otherwise, write it with care."""
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != self._tabs:
            line = "\t".join([_escaped(value) for value in values()])
        self._lines.append(line)
        self._size += len(line)
        if self._size > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Send what has come."""
        if self._lines:
            self._lines.append("")
            text = "\n".join(self._lines).replace(_NULL, "\\N")
            with self._connection.cursor() as cursor, cursor.copy(self.table.copy) as copy:
                copy.write(text)
            self._lines, self._size = [], 0


class _Days(dict[Any, str]):
    """Days as COPY reads them, each written once; what has been erased stays as it reads."""

    def __missing__(self, day: Any) -> str:
        if not isinstance(day, date):
            return str(day)
        self[day] = day.isoformat()
        return self[day]


_DAYS = _Days()

_NULL = "\0"
"""Stands for an empty field until the lines are sent: no text in the database can hold it."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_FORMS: dict[type, Callable[[Any], str]] = {
    int: str,
    bool: lambda value: "t" if value else "f",
    date: _DAYS.__getitem__,
    datetime: lambda value: value if isinstance(value, str) else value.isoformat(),
    list: lambda value: f"{{{','.join(map(str, value))}}}",
}


def _forms_of(ledger: AnyLedger) -> tuple[tuple[int, Callable[[Any], str]], ...]:
    """Return which fields are no texts, and how each is written."""
    if isinstance(ledger, SumLedger):
        return ()
    types = [ledger.types[name] for name in ledger.columns]
    types += [list] if ledger.searched is not None else []
    return tuple((n, _FORMS[kind]) for n, kind in enumerate(types) if kind in _FORMS)


def escaped(text: str) -> str:
    """Return a text as COPY reads it, whatever signs are in it."""
    return text.translate(_ESCAPES)


def _escaped(value: Any) -> str:
    """Return a value as COPY reads it, but for `_NULL`."""
    if value is None:
        return _NULL
    if isinstance(value, str):
        return escaped(value)
    return _FORMS[type(value)](value)
