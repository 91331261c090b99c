"""Stored ledgers (台账) on PostgreSQL: tables from declarations, rows in and out.

    Ledger     ──► ledger_<name>: subject, vf, kf, ev, ek, ku, stem, …the row's fields
    SumLedger  ──► ledger_<name>: …the key's fields, day, kf, ku, stem, …the measures

The row form is `application.ledgers.Stored` and `application.keeping.SumRow`; ``stem`` is the entry
a row stems from. A ledger whose texts are searched has their ``pairs`` of characters besides
(`infrastructure.ledger_words`). Personal fields are text whatever their type, for once erased they
read 已销毁. Texts compare byte by byte, so that pages follow each other the same on every server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Any, Self, get_args, get_origin, get_type_hints

from application.keeping import Changes, SumRow
from application.ledgers import (
    OPEN_POSITION,
    AnyLedger,
    Ledger,
    Searched,
    Stored,
    SumLedger,
)
from infrastructure.ledger_words import PAIRS, PAIRS_TYPE, pairs_of

SQL_TYPES: dict[type, str] = {
    str: 'text COLLATE "C"',
    int: "bigint",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
}
ROW_MARKS = ("subject", "vf", "kf", "ev", "ek", "ku", "stem")
SUM_MARKS = ("day", "kf", "ku", "stem")
SHORT_ROWS = 512
"""Bytes a row with long texts keeps in the table itself, the rest beside it: a search then finds
many rows on a page. What rows are sorted by stays with them: it is read for every row found."""

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_TEXT = SQL_TYPES[str]


def table_name(name: str, prefix: str = "ledger") -> str:
    """Return the table that stores the ledger (``prefix`` sets a shadow beside it)."""
    return f"{prefix}_{name}"


def definition(ledger: AnyLedger) -> str:
    """Return the stored definition's version: the declared one and a digest of the table's form."""
    form = "\n".join(statements(ledger, "x"))
    return f"{ledger.version}:{hashlib.sha256(form.encode()).hexdigest()[:16]}"


# ── columns ──────────────────────────────────────────────────────────────────────────────────


@cache
def fields(ledger: AnyLedger) -> Mapping[str, str]:
    """Return the stored columns that hold what the ledger shows, with their SQL types.

    Worked out once: every question asks, and evaluating a row's annotations takes milliseconds.
    """
    if isinstance(ledger, SumLedger):
        keys = dict.fromkeys(ledger.keys, f"{_TEXT} NOT NULL")
        measures = dict.fromkeys(ledger.measures, "bigint NOT NULL")
        return _checked(ledger, {**keys, **measures})
    hints = get_type_hints(ledger.row)
    empty = {name for name, hint in hints.items() if NoneType in get_args(hint)}
    types = {name: _column_type(ledger, name, empty) for name in ledger.columns}
    return _checked(ledger, types)


def _column_type(ledger: Ledger, name: str, may_be_empty: AbstractSet[str]) -> str:
    plain, column = ledger.types[name], ledger.columns[name]
    if get_origin(plain) is not None or not issubclass(plain, tuple(SQL_TYPES)):
        msg = f"ledger {ledger.name}: field {name} is {plain!r}, which no column can hold"
        raise TypeError(msg)
    kind = _TEXT if column.personal else _sql_type(plain)
    empty = name in may_be_empty or (column.personal and plain is not str)
    return kind if empty else f"{kind} NOT NULL"


def _sql_type(plain: type) -> str:
    return SQL_TYPES[str if issubclass(plain, str) else plain]


def _checked(ledger: AnyLedger, columns: dict[str, str]) -> Mapping[str, str]:
    marks = {*ROW_MARKS, "seq", PAIRS, "found"} if isinstance(ledger, Ledger) else set(SUM_MARKS)
    wrong = [n for n in (ledger.name, *columns) if not _NAME.match(n) or n in marks]
    if wrong:
        msg = f"ledger {ledger.name}: {wrong} cannot be names of a table's columns"
        raise TypeError(msg)
    if isinstance(ledger, Ledger) and ledger.searched is not None:
        _check_searched(ledger, ledger.searched, columns)
    return MappingProxyType(columns)


def _check_searched(ledger: Ledger, searched: Searched, columns: Mapping[str, str]) -> None:
    if any(column.personal for column in ledger.columns.values()):
        msg = f"ledger {ledger.name}: a row with personal columns is not searched"
        raise TypeError(msg)
    texts = {name for name, kind in columns.items() if kind == f"{_TEXT} NOT NULL"}
    if not {searched.column, *searched.beside} <= texts:
        msg = f"ledger {ledger.name}: only texts that are never empty are searched, and marked"
        raise TypeError(msg)


def quoted(name: str) -> str:
    """Return a checked name as SQL reads it."""
    return f'"{name}"'


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


# ── tables ───────────────────────────────────────────────────────────────────────────────────


def statements(ledger: AnyLedger, table: str) -> list[str]:
    """Return the statement that makes the table, then those that index it."""
    return [*table_statements(ledger, table), *index_statements(ledger, table)]


def table_statements(ledger: AnyLedger, table: str) -> list[str]:
    """Return the statements that make the ledger's table."""
    own = [f"{quoted(name)} {kind}" for name, kind in fields(ledger).items()]
    if isinstance(ledger, SumLedger):
        marks = ["day date NOT NULL", *(f"{m} bigint NOT NULL" for m in SUM_MARKS[1:])]
        return [f"CREATE TABLE {quoted(table)} ({', '.join([*own, *marks])})"]
    marks = [f"subject {_TEXT} NOT NULL", "vf date NOT NULL", "kf bigint NOT NULL"]
    marks += ["ev date NOT NULL", *(f"{m} bigint NOT NULL" for m in ("ek", "ku", "stem"))]
    if ledger.key == "entry":  # pages follow the journal's order, in which 9 comes before 10
        made = "GENERATED ALWAYS AS (split_part(subject, ':', 1)::bigint) STORED"
        own.append(f"seq bigint {made}")
    if ledger.searched is None:
        return [f"CREATE TABLE {quoted(table)} ({', '.join([*marks, *own])})"]
    columns = ", ".join([*marks, *own, f"{PAIRS} {PAIRS_TYPE}"])
    sorted_by = [name for name in ledger.sort if fields(ledger).get(name, "").startswith("text")]
    inside = [f"ALTER COLUMN {quoted(name)} SET STORAGE MAIN" for name in sorted_by]
    return [
        f"CREATE TABLE {quoted(table)} ({columns}) WITH (toast_tuple_target = {SHORT_ROWS})",
        *([f"ALTER TABLE {quoted(table)} {', '.join(inside)}"] if inside else []),
    ]


def index_statements(ledger: AnyLedger, table: str) -> list[str]:
    """Return the statements that index the ledger's table."""
    on = f"ON {quoted(table)}"
    if isinstance(ledger, SumLedger):
        keys, measures = _listed(ledger.keys), _listed(ledger.measures)
        return [
            f"CREATE INDEX {on} ({keys}, day) INCLUDE (kf, ku, {measures})",
            f"CREATE INDEX {on} (stem)",
        ]
    made = [f"CREATE UNIQUE INDEX {on} (subject, kf, vf)"]
    for name in {**dict.fromkeys(asked_by(ledger))}:
        made.append(f"CREATE INDEX {on} ({quoted(name)}, ev, vf, kf, ku)")
        made.append(
            f"CREATE INDEX {on} ({quoted(name)}, ek, ev, vf, kf, ku) WHERE ek < {OPEN_POSITION}"
        )
    order = sort_order(ledger, ledger.sort)
    if order and not any(name in joined_names(ledger) for name, _ in order):
        by = ", ".join(f"{quoted(name)} {'DESC' if down else 'ASC'}" for name, down in order)
        made.append(f"CREATE INDEX {on} ({by}, ev, vf, kf, ku)")
        made.append(f"CREATE INDEX {on} ({by}, ek, ev, vf, kf, ku) WHERE ek < {OPEN_POSITION}")
    if ledger.searched is not None:
        made.append(f"CREATE INDEX {on} USING gin ({PAIRS})")
    return made


def joined_names(ledger: AnyLedger) -> set[str]:
    """Return the names of the columns that belong to other ledgers."""
    return {joined.name for joined in ledger.joins}


def asked_by(ledger: Ledger) -> list[str]:
    """Return the fields that point at other subjects: readers ask for all rows of one of them."""
    joined = (one.by for one in ledger.joins if one.by in ledger.columns)
    return list(dict.fromkeys([*joined, *ledger.asked_by]))


def key_order(ledger: AnyLedger) -> list[str]:
    """Return the columns that tell every row of a page from all others, in the key's order."""
    if isinstance(ledger, SumLedger):
        return list(ledger.keys)
    return ["seq", "subject"] if ledger.key == "entry" else ["subject"]


def sort_order(ledger: AnyLedger, sort: Sequence[str]) -> list[tuple[str, bool]]:
    """Return ``(column, descending)`` for names such as ``-effective_on``, then the key.

    The key follows the direction of the last name, so that one index serves both.
    """
    order: list[tuple[str, bool]] = []
    for one in sort:
        name, down = one.removeprefix("-"), one.startswith("-")
        order += [(part, down) for part in (key_order(ledger) if name == "key" else [name])]
    named = {name for name, _ in order}
    down = order[-1][1] if order else False
    return [*order, *((name, down) for name in key_order(ledger) if name not in named)]


# ── rows ─────────────────────────────────────────────────────────────────────────────────────


def row_reader(ledger: Ledger) -> Callable[[Sequence[Any]], Any]:
    """Return the function that makes the ledger's row of its stored fields."""
    shape = ledger.row
    dated = [
        (n, date.fromisoformat if ledger.types[name] is date else datetime.fromisoformat)
        for n, (name, column) in enumerate(ledger.columns.items())
        if column.personal and ledger.types[name] in (date, datetime)
    ]
    if not dated:
        return lambda values: shape(*values)

    def read(values: Sequence[Any]) -> Any:
        found = list(values)
        for n, parse in dated:
            if isinstance(found[n], str) and found[n][:1].isdigit():
                found[n] = parse(found[n])
        return shape(*found)

    return read


def row_values(ledger: Ledger) -> Callable[[Any], Sequence[Any]]:
    """Return the function that gives a row's fields in the order of the columns."""
    if issubclass(ledger.row, tuple):
        return tuple
    names = list(ledger.columns)
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda row: (only(row),)
    return attrgetter(*names)


# ── one table ────────────────────────────────────────────────────────────────────────────────


class _Table:
    """What both kinds of tables share."""

    @classmethod
    def of(cls, table: _Table) -> Self:
        """Return the table as one of this kind, which whoever asks knows it to be."""
        if not isinstance(table, cls):
            msg = f"{table} is no {cls.__name__}"
            raise TypeError(msg)
        return table


class RowTable(_Table):
    """The table of an ordinary ledger."""

    def __init__(self, ledger: Ledger, prefix: str) -> None:
        """Prepare the statements for ``ledger``'s table."""
        self.ledger = ledger
        self.names = [*ROW_MARKS, *fields(ledger)]
        self.columns = _listed(self.names[1:])
        self.values = row_values(ledger)
        self._read = row_reader(ledger)
        types = ["text", "date", "bigint", "date", "bigint", "bigint", "bigint"]
        types += [kind.split(" ")[0] for kind in fields(ledger).values()]
        if ledger.searched is not None:
            self.names.append(PAIRS)
            types.append(PAIRS_TYPE.split(" ")[0])
        table, columns = quoted(table_name(ledger.name, prefix)), _listed(self.names)
        typed = ", ".join(f"{quoted(n)} {t}" for n, t in zip(self.names, types, strict=True))
        self.copy = f"COPY {table} ({columns}) FROM STDIN".encode()
        self.insert = (
            f"INSERT INTO {table} ({columns}) SELECT {columns}"  # noqa: S608  (checked names)
            f" FROM json_to_recordset(%s::json) AS x({typed})"
        )
        self.update = (
            f"UPDATE {table} t SET ev = x.ev, ek = x.ek, ku = x.ku"  # noqa: S608
            " FROM json_to_recordset(%s::json) AS x(subject text, kf bigint, vf date,"
            " ev date, ek bigint, ku bigint)"
            " WHERE t.subject = x.subject AND t.kf = x.kf AND t.vf = x.vf"
        )
        self.select_live = (
            f"SELECT {self.columns} FROM {table}"  # noqa: S608
            f" WHERE subject = %s AND ku = {OPEN_POSITION} ORDER BY vf"
        ).encode()

    def line(self, row: Stored, cells: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Return a stored row as its columns' values; ``cells`` where they are known already."""
        marks = (row.subject, row.vf, row.kf, row.ev, row.ek, row.ku, row.position)
        return (*marks, *(self.cells(row) if cells is None else cells))

    def cells(self, row: Stored) -> list[Any]:
        """Return what a stored row says, and the pairs of characters it is found by."""
        cells = list(self.values(row.row))
        if self.ledger.searched is not None:
            said = dict(zip(self.ledger.columns, cells, strict=True))
            cells.append(pairs_of(self.ledger.searched, said))
        return cells

    def added(self, changes: Changes) -> list[tuple[Any, ...]]:
        """Return the lines to insert."""
        return [self.line(row) for row in changes.added]

    def changed(self, changes: Changes) -> list[dict[str, Any]]:
        """Return the rows to change, by key."""
        return [
            {"subject": r.subject, "kf": r.kf, "vf": r.vf, "ev": r.ev, "ek": r.ek, "ku": r.ku}
            for r in changes.changed
        ]

    def stored(self, subject: str, line: Sequence[Any]) -> Stored:
        """Return the row of a line without its first column."""
        vf, kf, ev, ek, ku, stem, *rest = line
        return Stored(subject, vf, kf, ev, ek, ku, stem, self._read(rest), is_new=False)


class SumTable(_Table):
    """The table of a running book."""

    def __init__(self, ledger: SumLedger, prefix: str) -> None:
        """Prepare the statements for ``ledger``'s table."""
        self.ledger = ledger
        self.names = [*ledger.keys, *SUM_MARKS, *ledger.measures]
        table, columns = quoted(table_name(ledger.name, prefix)), _listed(self.names)
        types = ["text"] * len(ledger.keys) + ["date", "bigint", "bigint", "bigint"]
        types += ["bigint"] * len(ledger.measures)
        typed = ", ".join(f"{quoted(n)} {t}" for n, t in zip(self.names, types, strict=True))
        fields(ledger)  # checks the names
        self.copy = f"COPY {table} ({columns}) FROM STDIN".encode()
        self.insert = (
            f"INSERT INTO {table} ({columns}) SELECT {columns}"  # noqa: S608  (checked names)
            f" FROM json_to_recordset(%s::json) AS x({typed})"
        )
        self.update = (
            f"UPDATE {table} t SET ku = x.ku"  # noqa: S608
            " FROM json_to_recordset(%s::json) AS x(stem bigint, ku bigint)"
            f" WHERE t.stem = x.stem AND t.ku = {OPEN_POSITION}"
        )

    def line(self, row: SumRow, ku: int = OPEN_POSITION) -> tuple[Any, ...]:
        """Return a stored change as its columns' values."""
        changes = row.move.changes
        measures = (changes.get(name, 0) for name in self.ledger.measures)
        return (*row.move.key, row.move.day, row.kf, ku, row.position, *measures)

    def added(self, changes: Changes) -> list[tuple[Any, ...]]:
        """Return the lines to insert, already withdrawn where this transaction voids them too."""
        gone = changes.retired
        return [self.line(row, gone.get(row.position, OPEN_POSITION)) for row in changes.moves]

    def changed(self, changes: Changes) -> list[dict[str, Any]]:
        """Return the entries whose stored changes are withdrawn."""
        fresh = {row.position for row in changes.moves}
        return [
            {"stem": stem, "ku": step}
            for stem, step in changes.retired.items()
            if stem not in fresh
        ]
