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

from psycopg import Connection

from application.ledgers import AnyLedger, Ledger, SumLedger
from domain.codes import told
from infrastructure.database import Database
from infrastructure.ledger_history import History, row_versions, sum_versions
from infrastructure.ledger_looking import Looks
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
from infrastructure.ledger_sql import FOUND, Search, Seen, Select, Words

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


class LedgerReader:
    """Answers questions to the ledgers of one office; any number of threads may ask."""

    def __init__(self, database: Database, ledgers: Iterable[AnyLedger]) -> None:
        """Read the stored form of ``ledgers`` from ``database``."""
        self.database = database
        self.ledgers = {one.name: one for one in ledgers}
        self._shown: dict[str, tuple[Shown, ...]] = {}
        self._looks = Looks(database)
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
        select.limit = None if limit is None else limit + 1
        if begun is None and select.search is None:
            found, seen = self._rows(select, asked)
        else:
            found, seen = self._sought(select, asked, begun)
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
        found, seen = self._rows(select, asked)
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
        with self._looks.looking(ledger, asked) as (connection, seen):

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
        with self._looks.looking(ledger, asked or Asked()) as (connection, seen):
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
        with self._looks.looking(ledger, asked.looked_up()) as (connection, seen):
            words = Words(seen)
            with connection.cursor(name="ledger_stream") as cursor:
                cursor.itersize = FETCH
                cursor.execute(select.rows(words).encode(), words.values)
                yield Stream(ledger, columns, map(_liner(select, columns), cursor), seen)

    # ── one look ─────────────────────────────────────────────────────────────────────────────

    def _rows(self, select: Select, asked: Asked) -> tuple[list[Any], Seen]:
        """Return a question's rows, and where they stand on the two clocks."""
        found = self._looks.at_once(select.ledger, asked, select.rows)
        if found is not None:
            return found
        with self._looks.looking(select.ledger, asked) as (connection, seen):
            return self._ask(connection, seen, select), seen

    def _sought(self, select: Select, asked: Asked, begun: Cursor | None) -> tuple[list[Any], Seen]:
        """Return the rows of a search, or of a page that follows another, and where they stand."""
        clocks = asked if begun is None or asked.seen is not None else begun.clocks()
        with self._looks.looking(select.ledger, clocks) as (connection, seen):
            if begun is not None:
                select.after = self._place(connection, select, begun.key, seen)
            ask = partial(self._ask, connection, seen)
            found = self._walks.along(connection, seen, select, ask)
            if found is None:
                searched = select.search is not None and not select.foreign
                select.counted = searched and begun is None
                found = ask(select)
            return found, seen

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
