"""Questions to ledgers (台账查询): pages, one row, streams, counts and histories, as of any clock.

    reader.page("roster", Asked(filters={"institution": x}, valid_on=…, known_at=…), limit=100)
    reader.one("roster", person)      reader.stream("roster", Asked(…))      reader.history(…)

Every answer states the day it is valid on, the journal position it is known at, and when that was
recorded. Pages follow a cursor that carries both clocks, so that they belong together whatever is
filed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from typing import Any

import psycopg
from psycopg import Connection

from application.ledgers import AnyLedger, Ledger, SumLedger
from domain.codes import told
from infrastructure.database import Database
from infrastructure.ledger_history import History, row_versions, sum_versions
from infrastructure.ledger_questions import (
    PAGE_LIMIT,
    Asked,
    BadCursor,
    BadQuestion,
    Cursor,
    LedgerProblem,
    Line,
    NoSuchLedger,
    NotBuilt,
    NotOpened,
    Page,
    Shown,
    Stream,
    conditions,
    shown_columns,
    split_key,
    words_of,
)
from infrastructure.ledger_searching import Walks
from infrastructure.ledger_sql import FOUND, Search, Seen, Select, Words, tables_of
from infrastructure.ledger_tables import quoted

__all__ = [
    "PAGE_LIMIT",
    "Asked",
    "BadCursor",
    "BadQuestion",
    "History",
    "LedgerProblem",
    "LedgerReader",
    "Line",
    "NoSuchLedger",
    "NotBuilt",
    "NotOpened",
    "Page",
    "Seen",
    "Shown",
    "Stream",
]

FETCH = 2_000
"""Rows fetched at a time by a stream."""

NOT_AS_DECLARED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""What the server says where a ledger's table is not there, or another program's."""


class LedgerReader:
    """Answers questions to the ledgers of one office; any number of threads may ask."""

    def __init__(self, database: Database, ledgers: Iterable[AnyLedger]) -> None:
        """Read the stored form of ``ledgers`` from ``database``."""
        self.database = database
        self.ledgers = {one.name: one for one in ledgers}
        self._shown: dict[str, tuple[Shown, ...]] = {}
        self._walks = Walks()

    def ledger(self, name: str) -> AnyLedger:
        """Return a ledger by name; raises `NoSuchLedger`."""
        if name not in self.ledgers:
            raise NoSuchLedger(name)
        return self.ledgers[name]

    def columns(self, name: str) -> tuple[Shown, ...]:
        """Return the columns that readers of the ledger see, in order."""
        if name not in self._shown:
            self._shown[name] = shown_columns(self.ledger(name), self.ledgers)
        return self._shown[name]

    def page(
        self,
        name: str,
        asked: Asked | None = None,
        *,
        cursor: str | None = None,
        limit: int | None = 100,
    ) -> Page:
        """Return one page; raises a `LedgerProblem` where the question has no answer.

        Without a limit it has every row: for questions that name the few whose rows they want.
        """
        ledger, asked = self.ledger(name), asked or Asked()
        if limit is not None and not 1 <= limit <= PAGE_LIMIT:
            raise BadQuestion("limit", f"每页行数应在1到{PAGE_LIMIT}之间。", "行数")
        begun = None if cursor is None else Cursor.read(cursor, asked.digest(name))
        select = self._select(ledger, asked)
        clocks = asked if begun is None or asked.seen is not None else begun.clocks()
        with self._looking(ledger, clocks) as (connection, seen):
            if begun is not None:
                select.after = self._place(connection, select, begun.key, seen)
            select.limit = None if limit is None else limit + 1
            ask = partial(self._ask, connection, seen)
            walked = self._walks.along(connection, seen, select, ask)
            if walked is None:
                searched = select.search is not None and not select.foreign
                select.counted = searched and begun is None
            found = ask(select) if walked is None else walked
        columns = self._wanted(select)
        lines = tuple(map(_liner(select, columns), found[:limit]))
        onward = None
        if limit is not None and len(found) > limit:
            last = _key(select, found[limit - 1])
            onward = Cursor(asked.digest(name), seen, last).write()
        total = None
        if begun is None and onward is None:
            total = len(lines)
        elif select.counted:
            total = found[0][_names(select).index(FOUND)]
        return Page(ledger, columns, lines, seen, onward, total)

    def one(self, name: str, key: str, asked: Asked | None = None) -> Page:
        """Return the row of one key (a page of one line, or of none)."""
        ledger, asked = self.ledger(name), asked or Asked()
        only = tuple(asked.only)
        select = Select(ledger, self.ledgers, key=split_key(ledger, key), limit=1, only=only)
        with self._looking(ledger, asked) as (connection, seen):
            found = self._ask(connection, seen, select)
        columns = self._wanted(select)
        lines = tuple(map(_liner(select, columns), found))
        return Page(ledger, columns, lines, seen)

    def count(
        self, name: str, asked: Asked | None = None, *, at_most: int | None = None
    ) -> tuple[int, Seen]:
        """Return how many rows a question has, and where that stands on the two clocks.

        Counting ends at ``at_most``: there may be more.
        """
        ledger, asked = self.ledger(name), asked or Asked()
        select = self._select(ledger, asked)
        select.limit = at_most
        with self._looking(ledger, asked) as (connection, seen):

            def number(select: Select) -> int:
                words = Words(seen)
                counted = connection.execute(select.count(words).encode(), words.values).fetchone()
                return int(counted[0]) if counted else 0

            walked = self._walks.along(connection, seen, select, lambda one: range(number(one)))
            found = number(select) if walked is None else len(walked)
        return found if at_most is None else min(found, at_most), seen

    def history(
        self,
        name: str,
        key: str,
        asked: Asked | None = None,
        *,
        before: int | None = None,
        limit: int = 200,
    ) -> History:
        """Return the versions of one row known by the question's moment, the latest first.

        At most ``limit`` of them (and the rest of the last one's append), known before position
        ``before`` where given.
        """
        ledger = self.ledger(name)
        parts = split_key(ledger, key)
        with self._looking(ledger, asked or Asked()) as (connection, seen):
            if isinstance(ledger, Ledger):
                found = row_versions(connection, ledger, key, seen)
            else:
                found = sum_versions(connection, ledger, parts, seen)
        found = [one for one in found if before is None or one.known_from < before]
        last = found[limit - 1].known_from if 0 < limit < len(found) else 0
        shown = tuple(one for one in found if one.known_from >= last)
        return History(ledger, key, shown, seen, last if len(shown) < len(found) else None)

    @contextmanager
    def stream(self, name: str, asked: Asked | None = None) -> Iterator[Stream]:
        """Lend an answer without limit, read from the server as it is consumed."""
        ledger, asked = self.ledger(name), asked or Asked()
        select = self._select(ledger, asked)
        columns = self._wanted(select)
        with self._looking(ledger, asked.looked_up()) as (connection, seen):
            words = Words(seen)
            with connection.cursor(name="ledger_stream") as cursor:
                cursor.itersize = FETCH
                cursor.execute(select.rows(words).encode(), words.values)
                yield Stream(ledger, columns, map(_liner(select, columns), cursor), seen)

    # ── one look ─────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _looking(self, ledger: AnyLedger, asked: Asked) -> Iterator[tuple[Connection[Any], Seen]]:
        """Lend one consistent look at the ledger and those it is joined to, and where it stands.

        The tables are locked against being swapped by a rebuild before the look is fixed: a table
        swapped in afterwards would seem empty to it. Whoever locks several does so by name.

        What an earlier answer has seen never changes: each statement looks for itself then, and
        the server finds the table that is in use as it begins.
        """
        if asked.seen is not None:
            with self.database.pool.connection() as connection:
                try:
                    yield connection, asked.seen
                except NOT_AS_DECLARED as error:
                    raise NotBuilt(ledger.title) from error
            return
        tables = ", ".join(map(quoted, sorted(tables_of(ledger))))
        with self.database.reading() as connection:
            try:
                with connection.pipeline():  # one exchange with the server for all
                    connection.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE".encode())
                    clocks = connection.execute(_CLOCKS, prepare=True)
                    known = _asked_known(connection, asked)
                yield connection, _seen(clocks.fetchone(), known and known.fetchone(), asked)
            except NOT_AS_DECLARED as error:
                raise NotBuilt(ledger.title) from error

    def _ask(self, connection: Connection[Any], seen: Seen, select: Select) -> list[Any]:
        words = Words(seen)
        return connection.execute(select.rows(words).encode(), words.values).fetchall()

    def _place(
        self, connection: Connection[Any], select: Select, key: tuple[str, ...], seen: Seen
    ) -> list[Any]:
        """Return what the row with that key is sorted by; raises `BadCursor` where it is gone."""
        at = Select(select.ledger, self.ledgers, sort=select.sort, key=key)
        found = self._ask(connection, seen, at)
        if not found:
            raise BadCursor
        names = _names(at)
        return [found[0][names.index(name)] for name, _ in select.order]

    # ── conditions ───────────────────────────────────────────────────────────────────────────

    def _select(self, ledger: AnyLedger, asked: Asked) -> Select:
        columns = {shown.name: shown for shown in self.columns(ledger.name)}
        for name in asked.sort:
            plain = name.removeprefix("-")
            if plain == "key":
                continue
            if plain not in columns or not columns[plain].column.sort:
                sortable = {one.name: one.title for one in columns.values() if one.column.sort}
                title = columns[plain].title if plain in columns else None
                raise BadQuestion(plain, f"不能按此列排序；可以的有：{told(sortable)}。", title)
        if asked.keys is not None and isinstance(ledger, SumLedger):
            raise BadQuestion("keys", "这本台账的行由几项共同确定，只能按列查询。", "行的键")
        strange = [name for name in asked.only if name not in columns]
        if strange:
            raise BadQuestion("only", f"没有这些列：{'、'.join(strange)}。")
        wanted = list(conditions(asked, columns))
        words = words_of(asked, ledger, wanted)
        return Select(
            ledger,
            self.ledgers,
            wanted,
            tuple(asked.sort),
            search=None if words is None else Search(words),
            only=tuple(asked.only),
        )

    def _wanted(self, select: Select) -> tuple[Shown, ...]:
        columns, only = self.columns(select.ledger.name), select.only
        return tuple(one for one in columns if one.name in only) if only else columns


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


def _seen(clocks: Any, known_then: Any, asked: Asked) -> Seen:
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


def _key(select: Select, found: Sequence[Any]) -> tuple[str, ...]:
    keys = select.ledger.keys if isinstance(select.ledger, SumLedger) else ("subject",)
    return tuple(found[select.columns.index(name)] for name in keys)


def _names(select: Select) -> list[str]:
    """Return the columns in the order in which the statement gives them."""
    joined = [one.name for members in select.groups().values() for one in members]
    return [*select.columns, *([FOUND] if select.counted else []), *joined]


def _liner(select: Select, columns: Sequence[Shown]) -> Callable[[Sequence[Any]], Line]:
    """Return the function that makes a line of a statement's row."""
    names = _names(select)
    places = [names.index(shown.name) for shown in columns]
    # `itemgetter` of several gives a tuple, of one the bare value.
    pick = itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[n] for n in places)
    if isinstance(select.ledger, SumLedger):
        width = len(select.ledger.keys)
        return lambda row: Line(":".join(row[:width]), None, None, pick(row))
    return lambda row: Line(row[0], row[2], row[1], pick(row))
