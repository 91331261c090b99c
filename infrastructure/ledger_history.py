"""The history of one row (一行的来龙去脉): every version on both clocks, and what changed.

    known  7 │ ─── 甲局 ────────────            version 1: valid from 2020, known from 3
    known 12 │ ─── 甲局 ──┬─ 乙局 ────          version 2: valid from 2023, known from 12;
             │            └ 2023               version 1 ends in 2023, as known from 12 on

A version is a stored row: from which day it held and until which (as last known), from which entry
it was known, and which entry took it back if any did. What changed is told field by field, against
what held the day before; a version that replaces one taken back also tells what that had said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection

from application.ledgers import OPEN_POSITION, Ledger, Stored, SumLedger
from infrastructure.ledger_sql import Seen
from infrastructure.ledger_tables import RowTable, quoted, table_name


class FieldChange(NamedTuple):
    """A field that a version says otherwise; ``personal`` values are masked for most readers."""

    name: str
    title: str
    before: Any
    after: Any
    personal: bool


@dataclass(frozen=True)
class Version:
    """One thing a ledger said of a subject.

    Valid from ``valid_from`` until ``valid_to`` (excluded; None: open), the end being known since
    position ``ended_by``. Known from position ``known_from`` until ``taken_back_by`` (None: it
    still stands). ``position`` is the entry it stems from. Moments are those of the positions.
    ``changes`` are against what held the day before, ``corrects`` against what had been said of
    the same day until then. A running book's version is one dated change: ``values`` are the sums
    from that day on as known now, None where it has been taken back.
    """

    position: int
    valid_from: date
    valid_to: date | None
    known_from: int
    known_at: datetime
    ended_by: int | None
    taken_back_by: int | None
    taken_back_at: datetime | None
    values: Mapping[str, Any] | None
    changes: tuple[FieldChange, ...]
    corrects: tuple[FieldChange, ...] | None = None


@dataclass(frozen=True)
class History:
    """The versions of one row, those known last first; ``before`` asks for earlier ones."""

    ledger: Ledger | SumLedger
    key: str
    versions: tuple[Version, ...]
    seen: Seen
    before: int | None = None


def row_versions(
    connection: Connection[Any], ledger: Ledger, key: str, seen: Seen
) -> list[Version]:
    """Return every version of a row known by ``seen``, those known last first."""
    table = RowTable(ledger, "ledger")
    lines = connection.execute(
        f"SELECT {table.columns} FROM {quoted(table_name(ledger.name))}"  # noqa: S608  (checked names)
        " WHERE subject = %s AND kf <= %s".encode(),
        (key, seen.position),
    ).fetchall()
    rows = [_as_known(table.stored(key, line), seen.position) for line in lines]
    moments = _moments(connection, (p for row in rows for p in (row.kf, row.ku)))
    rows.sort(key=lambda row: (row.kf, row.vf), reverse=True)
    return [_version(ledger, table, row, rows, moments) for row in rows]


def _as_known(row: Stored, position: int) -> Stored:
    """Return the row as it stood at that position: later ends were not known yet."""
    if row.ek > position:
        row.ek = OPEN_POSITION
    if row.ku > position:
        row.ku = OPEN_POSITION
    return row


def _version(
    ledger: Ledger,
    table: RowTable,
    row: Stored,
    rows: Sequence[Stored],
    moments: Mapping[int, datetime],
) -> Version:
    eve = row.vf - timedelta(days=1)
    before = _said(rows, eve, row.kf)
    replaced = next((r for r in rows if r.ku == row.kf and _covers(r, row.vf)), None)
    gone = row.ku != OPEN_POSITION
    ended = row.ek != OPEN_POSITION
    return Version(
        position=row.position,
        valid_from=row.vf,
        valid_to=row.ev if ended else None,
        known_from=row.kf,
        known_at=moments[row.kf],
        ended_by=row.ek if ended else None,
        taken_back_by=row.ku if gone else None,
        taken_back_at=moments[row.ku] if gone else None,
        values=dict(zip(ledger.columns, table.values(row.row), strict=True)),
        changes=_changes(ledger, table, before, row),
        corrects=None if replaced is None else _changes(ledger, table, replaced, row),
    )


def _covers(row: Stored, day: date) -> bool:
    return row.vf <= day and (row.ek == OPEN_POSITION or day < row.ev)


def _said(rows: Iterable[Stored], day: date, known: int) -> Stored | None:
    """Return the row that held on that day as known at that position."""
    for row in rows:
        ended = row.ev <= day and row.ek <= known
        if row.vf <= day and row.kf <= known < row.ku and not ended:
            return row
    return None


def _changes(
    ledger: Ledger, table: RowTable, before: Stored | None, after: Stored
) -> tuple[FieldChange, ...]:
    new = table.values(after.row)
    old = table.values(before.row) if before is not None else (None,) * len(new)
    return tuple(
        FieldChange(name, column.title, one, other, column.personal)
        for (name, column), one, other in zip(ledger.columns.items(), old, new, strict=True)
        if one != other
    )


# ── running books ────────────────────────────────────────────────────────────────────────────


def sum_versions(
    connection: Connection[Any], ledger: SumLedger, key: Sequence[str], seen: Seen
) -> list[Version]:
    """Return every dated change of one line known by ``seen``, those known last first."""
    shown = [name for name in ledger.measures if name not in ledger.hidden]
    measures = ", ".join(map(quoted, shown))
    totals = ", ".join(
        f"sum({quoted(name)}) FILTER (WHERE ku > %(k)s) OVER upto AS {quoted(f'{name}:sum')}"
        for name in shown
    )
    where = " AND ".join(f"{quoted(name)} = %({name})s" for name in ledger.keys)
    lines = connection.execute(
        f"SELECT stem, day, kf, ku, {measures}, {totals}"  # noqa: S608  (checked names)
        f" FROM {quoted(table_name(ledger.name))} WHERE {where} AND kf <= %(k)s"
        " WINDOW upto AS (ORDER BY day RANGE UNBOUNDED PRECEDING)"
        " ORDER BY kf DESC, day DESC, stem DESC".encode(),
        {"k": seen.position, **dict(zip(ledger.keys, key, strict=True))},
    ).fetchall()
    moments = _moments(connection, (p for line in lines for p in (line[2], line[3])))
    return [_sum_version(ledger, shown, line, seen, moments) for line in lines]


def _sum_version(
    ledger: SumLedger,
    shown: Sequence[str],
    line: Sequence[Any],
    seen: Seen,
    moments: Mapping[int, datetime],
) -> Version:
    stem, day, kf, ku, *figures = line
    changes, totals = figures[: len(shown)], figures[len(shown) :]
    gone = ku <= seen.position
    sums = None if gone else {n: int(total) for n, total in zip(shown, totals, strict=True)}
    return Version(
        position=stem,
        valid_from=day,
        valid_to=None,
        known_from=kf,
        known_at=moments[kf],
        ended_by=None,
        taken_back_by=ku if gone else None,
        taken_back_at=moments[ku] if gone else None,
        values=sums,
        changes=tuple(
            FieldChange(name, ledger.measures[name].title, None, n, personal=False)
            for name, n in zip(shown, changes, strict=True)
            if n
        ),
    )


def _moments(connection: Connection[Any], positions: Iterable[int]) -> dict[int, datetime]:
    wanted = list({position for position in positions if position != OPEN_POSITION})
    rows = connection.execute(
        "SELECT position, recorded_at FROM journal WHERE position = ANY(%s)", (wanted,)
    ).fetchall()
    return dict(rows)
