"""Stored ledgers (台账) of one office: made, kept up in the appending transaction, remembered.

A transaction's rows go in by one statement per table and kind, or by COPY where they are many. The
tables themselves are declared in `infrastructure.ledger_tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from application.keeping import Changes
from application.ledgers import OPEN_POSITION, AnyLedger, Ledger, Stored
from infrastructure.copying import Outlet
from infrastructure.ledger_tables import (
    RowTable,
    SumTable,
    definition,
    statements,
    table_name,
)
from infrastructure.together import Together

COPY_FROM = 1_000
"""From so many rows on, COPY is cheaper than one statement with all rows in a parameter."""

REBUILD_LOCK = 0x7461697A00000001
"""Advisory lock held while ledgers are rebuilt; whoever destroys a person's key takes it too."""


class StoredRowsDiffer(Exception):
    """Rows that should have been changed are not stored as remembered: nothing was written."""


class LedgerTables:
    """The stored form of a house's ledgers; ``prefix`` sets shadows beside the books in use."""

    def __init__(self, ledgers: Iterable[AnyLedger], *, prefix: str = "ledger") -> None:
        """Store these ledgers."""
        self.prefix = prefix
        self.tables: dict[str, RowTable | SumTable] = {
            one.name: RowTable(one, prefix) if isinstance(one, Ledger) else SumTable(one, prefix)
            for one in ledgers
        }

    @property
    def ledgers(self) -> list[AnyLedger]:
        """The ledgers stored here."""
        return [table.ledger for table in self.tables.values()]

    def ddl(self, ledger: AnyLedger, table: str) -> list[str]:
        """Return the statements that make ``table`` for ``ledger``, its indexes last."""
        return statements(ledger, table)

    def create_missing(self, connection: Connection[Any]) -> None:
        """Make the tables a new office needs, and drop what a rebuild left behind, as the owner.

        A ledger that is missing, or whose definition has changed, while there are entries already
        is left to `infrastructure.rebuilding.rebuild`; `stale` names it.
        """
        if _nobody_rebuilds(connection):
            for table in _tables_named(connection, r"shadow\_%"):
                drop(connection, table)
        _drop_undeclared(connection, set(self.tables))
        known = dict(connection.execute("SELECT name, version FROM ledger_state").fetchall())
        begun = connection.execute("SELECT 1 FROM journal LIMIT 1").fetchone()
        for ledger in self.ledgers:
            if known.get(ledger.name) == definition(ledger) or begun:
                continue
            drop(connection, table_name(ledger.name))
            create(connection, ledger, table_name(ledger.name))
            remember(connection, ledger, 0)

    def stale(self, connection: Connection[Any]) -> list[str]:
        """Return the ledgers that have to be rebuilt before anybody writes or reads."""
        known = dict(connection.execute("SELECT name, version FROM ledger_state").fetchall())
        return [one.name for one in self.ledgers if known.get(one.name) != definition(one)]

    def live_rows(self, connection: Connection[Any], ledger: Ledger, key: str) -> list[Stored]:
        """Return the stored rows of that key which nothing has withdrawn, by ``vf``."""
        table = RowTable.of(self.tables[ledger.name])
        lines = connection.execute(table.select_live, (key,), prepare=True).fetchall()
        return [table.stored(key, line) for line in lines]

    def write(self, connection: Connection[Any], changes: Mapping[str, Changes]) -> None:
        """Store what a transaction does to the ledgers, within that transaction.

        Raises `StoredRowsDiffer` where a row to be changed is not there: whoever remembered it
        must forget what he remembers and begin again.
        """
        together = Together()
        expected = self.put(connection, changes, together)
        connection.execute(f"SELECT {ROW_BY_ROW}", prepare=True)
        check(expected, together.send(connection))

    def put(
        self, connection: Connection[Any], changes: Mapping[str, Changes], together: Together
    ) -> list[Expected]:
        """Put what a transaction does to the ledgers into ``together``; what is much is copied.

        Returns what `check` expects the parts to find, in their order.
        """
        expected: list[Expected] = []
        for name, change in changes.items():
            table = self.tables[name]
            added, updates = len(change.added) + len(change.moves), table.changed(change)
            if added >= COPY_FROM:
                _copy_in(connection, table.ledger, self.prefix, change)
            elif added:
                names = table.names
                dicts = [dict(zip(names, line, strict=True)) for line in table.added(change)]
                together.add(table.insert, (orjson.dumps(dicts).decode(),))
                expected.append(Expected(name, added))
            if updates:
                together.add(table.update, (orjson.dumps(updates).decode(),))
                rows = len(updates) if isinstance(table, RowTable) else None
                expected.append(Expected(name, rows))
        return expected


class Expected(NamedTuple):
    """How many rows a ledger's part has to find; None where it may be any number."""

    ledger: str
    rows: int | None


def check(expected: Sequence[Expected], found: Sequence[int]) -> None:
    """Raise `StoredRowsDiffer` where a part has not found its rows."""
    for (name, rows), number in zip(expected, found, strict=True):
        if rows is not None and number != rows:
            msg = f"ledger {name}: {number} of {rows} rows were there to change"
            raise StoredRowsDiffer(msg)


ROW_BY_ROW = (
    "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true)"
)
"""For this transaction: a plan made while the table was small must not scan it once it is large."""


def _copy_in(connection: Connection[Any], ledger: AnyLedger, prefix: str, change: Changes) -> None:
    outlet = Outlet(ledger, prefix, connection)
    for row in change.added:
        outlet.put_row(row)
    for move in change.moves:
        outlet.put_move(move, change.retired.get(move.position, OPEN_POSITION))
    outlet.flush()


def create(connection: Connection[Any], ledger: AnyLedger, table: str) -> None:
    """Make a ledger's table with its indexes, and let the writer use it."""
    for statement in statements(ledger, table):
        connection.execute(statement.encode(), prepare=False)
    grant(connection, ledger, table)


def grant(connection: Connection[Any], ledger: AnyLedger, table: str) -> None:
    """Let the writer read and add rows, and close them; what a row says stays as it was written."""
    row = connection.execute("SELECT current_schema()").fetchone()
    writer = Identifier(f"{row[0] if row else ''}_writer")
    ends = SQL("ev, ek, ku" if isinstance(ledger, Ledger) else "ku")
    statement = SQL("GRANT SELECT, INSERT, UPDATE ({}) ON {} TO {}")
    connection.execute(statement.format(ends, Identifier(table), writer))


def drop(connection: Connection[Any], table: str) -> None:
    """Remove a table if it is there."""
    connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(table)), prepare=False)


def remember(connection: Connection[Any], ledger: AnyLedger, position: int) -> None:
    """Note by which definition, and up to which position, the ledger was built."""
    connection.execute(
        "INSERT INTO ledger_state (name, version, position) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version,"
        " position = excluded.position",
        (ledger.name, definition(ledger), position),
    )


def _nobody_rebuilds(connection: Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (REBUILD_LOCK,)).fetchone()
    return bool(row and row[0])


def _drop_undeclared(connection: Connection[Any], declared: set[str]) -> None:
    """Drop ledgers that are no longer declared: nobody would keep them up."""
    for table in _tables_named(connection, r"ledger\_%"):
        name = table.removeprefix("ledger_")
        if table != "ledger_state" and name not in declared:
            drop(connection, table)
    connection.execute("DELETE FROM ledger_state WHERE name <> ALL(%s)", (list(declared),))


def _tables_named(connection: Connection[Any], pattern: str) -> Iterator[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE %s",
        (pattern,),
    ).fetchall()
    return (row[0] for row in rows)
