"""One look at the ledgers (查阅): where a question stands on the two clocks, at one moment.

    looking   a transaction: tables are locked, the clocks looked up, then asked as often as needed
    at_once   one exchange: the rows as of the head last seen, then the clocks. Where they still say
              the same, nothing was filed before the rows were read, and they are right

A head only ever grows, so what is the head after the rows were read was the head while they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from application.ledgers import AnyLedger
from infrastructure.database import Database
from infrastructure.ledger_questions import Asked, BadQuestion, NotBuilt, NotOpened
from infrastructure.ledger_sql import Seen, Words, tables_of
from infrastructure.ledger_tables import quoted

NOT_AS_DECLARED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""What the server says where a ledger's table is not there, or another program's."""


class Clocks(NamedTuple):
    """The head of the journal and when it was recorded, today in the office, the opening day."""

    head: int
    recorded_at: datetime
    today: date
    opened_on: date | None


class Looks:
    """Looks at one office's ledgers; any number of threads may look."""

    def __init__(self, database: Database) -> None:
        """Look into ``database``."""
        self._database = database
        self._last: Clocks | None = None
        self._steady: Clocks | None = None

    @contextmanager
    def looking(self, ledger: AnyLedger, asked: Asked) -> Iterator[tuple[Connection[Any], Seen]]:
        """Lend one consistent look at the ledger and those it is joined to, and where it stands.

        The tables are locked against being swapped by a rebuild before the look is fixed: a table
        swapped in afterwards would seem empty to it. Whoever locks several does so by name.

        What an earlier answer has seen never changes: each statement looks for itself then, and
        the server finds the table that is in use as it begins.
        """
        if asked.seen is not None:
            with self._database.pool.connection() as connection, _as_declared(ledger):
                yield connection, asked.seen
            return
        tables = ", ".join(map(quoted, sorted(tables_of(ledger))))
        with self._database.reading() as connection, _as_declared(ledger):
            with connection.pipeline():  # one exchange with the server for all
                connection.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE".encode())
                clocks = connection.execute(_CLOCKS, prepare=True)
                known = _asked_known(connection, asked)
            found = self._noted(clocks.fetchone())
            yield connection, _seen(found, known and known.fetchone(), asked)

    def at_once(
        self, ledger: AnyLedger, asked: Asked, statement: Callable[[Words], str]
    ) -> tuple[list[Any], Seen] | None:
        """Return what a statement finds as everything is known now, in one exchange.

        None where that cannot be, or something was filed in the meantime: then look again. It is
        only tried while two looks in a row have found the same head.
        """
        clocks = self._steady
        if clocks is None or any((asked.known, asked.known_at, asked.seen)):
            return None
        words = Words(_seen(clocks, None, asked))
        try:
            with self._database.pool.connection() as connection, _as_declared(ledger):
                with connection.pipeline():
                    found = connection.execute(statement(words).encode(), words.values)
                    after = connection.execute(_CLOCKS, prepare=True)
                same = self._noted(after.fetchone()) == clocks
                return (found.fetchall(), words.seen) if same else None
        except psycopg.errors.DeadlockDetected:
            return None  # with a rebuild that swaps tables: those were not locked by name

    def _noted(self, row: Any) -> Clocks | None:
        """Note where the clocks stood at a look; they are steady if they stood there before."""
        clocks = None if row is None else Clocks(*row)
        self._steady = clocks if clocks == self._last else None
        self._last = clocks
        return clocks


@contextmanager
def _as_declared(ledger: AnyLedger) -> Iterator[None]:
    """Say that a ledger has to be rebuilt where its table is not what the program declares."""
    try:
        yield
    except NOT_AS_DECLARED as error:
        raise NotBuilt(ledger.title) from error


_CLOCKS = """
SELECT position, recorded_at, (now() AT TIME ZONE 'Asia/Shanghai')::date,
       (SELECT effective_on FROM journal WHERE position = 1)
FROM journal ORDER BY position DESC LIMIT 1
"""
_KNOWN = b"""
SELECT position, recorded_at FROM journal
WHERE recorded_at = (SELECT recorded_at FROM journal WHERE position = %s)
ORDER BY recorded_at DESC, position DESC LIMIT 1
"""
_KNOWN_AT = b"""
SELECT position, recorded_at FROM journal WHERE recorded_at <= %s
ORDER BY recorded_at DESC, position DESC LIMIT 1
"""


def _asked_known(connection: Connection[Any], asked: Asked) -> psycopg.Cursor[Any] | None:
    """Ask for the append that was the last known, where the question names one."""
    if asked.known is not None:
        return connection.execute(_KNOWN, (asked.known,), prepare=True)
    if asked.known_at is not None:
        return connection.execute(_KNOWN_AT, (asked.known_at,), prepare=True)
    return None


def _seen(clocks: Clocks | None, known_then: Any, asked: Asked) -> Seen:
    """Return where on the two clocks the question stands; raises `NotOpened` before 建账日."""
    if asked.known is not None and asked.known_at is not None:
        raise BadQuestion("known", "已知时刻（known_at）和已知流水号（known）只填一项。")
    if clocks is None:
        raise NotOpened(None)
    head, recorded_at, today, opened_on = clocks
    known, known_at = head, recorded_at
    earlier = asked.known is not None and asked.known < head
    if earlier or (asked.known_at is not None and asked.known_at < recorded_at):
        if known_then is None:
            raise NotOpened(opened_on)
        known, known_at = known_then
    valid_on = asked.valid_on or today
    if opened_on is not None and valid_on < opened_on:
        raise NotOpened(opened_on)
    return Seen(valid_on, known, known_at, at_head=known == head)
