"""The journal (流水) on PostgreSQL: the event-sourcing library's recorder, and what extends it.

    JournalRecorder ── is the library's DCBRecorder: read by tags and types, guarded append
        └─ writing() ── the writer's way in: one lock, one transaction, explicit positions
    Journal ────────── entries in and out of it: encoding, keys, identities, side tables

The only module that imports ``eventsourcing`` (its version 10 renames what we use).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBSequencedEvent,
)
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT
from eventsourcing.persistence import IntegrityError
from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row

from infrastructure.copying import escaped
from infrastructure.database import Database
from infrastructure.entries import leaf_hash
from infrastructure.ledgers import ROW_BY_ROW
from infrastructure.together import Together

COPY_FROM = 1_000
"""From so many rows on, COPY is cheaper than one statement with all rows in a parameter."""


@dataclass
class JournalRow(DCBEvent):
    """An event with its place in the journal and the extracts kept beside the bytes."""

    position: int = 0
    id: str = ""
    recorded_at: datetime | None = None
    effective_on: date | None = None
    place: int = 0
    actor: str = ""
    voids: int | None = None


class OfficeDatastore(PostgresDatastore):
    """The library's datastore over the office's one pool: no second pool, our schema and role."""

    def __init__(self, database: Database) -> None:
        """Lend the pool of ``database``."""
        super().__init__("", "", "", "", "", schema=database.schema)
        self.pool = database.pool  # type: ignore[assignment]  # rows by name are asked per cursor

    def register_type_adapters(self) -> None:
        """Ask the database for no composite types: none are used here."""

    @contextmanager
    def cursor(self) -> Iterator[Cursor[DictRow]]:
        """Lend a cursor whose rows are read by column name, committing at the end."""
        with self.get_connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            yield cursor

    def close(self) -> None:
        """Leave the pool open: it is the database's."""


class JournalRecorder(PostgresDCBRecorderTT):
    """The library's recorder on our journal table.

    Positions are explicit and gapless, every append takes the lock (an unlocked one lets live
    readers miss events), and overlapping query items count an event once.
    """

    def __init__(self, database: Database) -> None:
        """Record in the journal of ``database``, whose migrations have made the tables."""
        super().__init__(OfficeDatastore(database), events_table_name="journal")
        self._database = database
        self.channel_name = f"{database.schema}_journal"
        self.sql_create_statements.clear()

    def _read(
        self,
        curs: Cursor[DictRow],
        query: DCBQuery | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
        return_head: bool = True,
    ) -> tuple[Sequence[DCBSequencedEvent], int | None]:
        head: int | None = None
        if return_head and limit is None:
            row = curs.execute("SELECT max(position) AS head FROM journal").fetchone()
            head = row["head"] if row else None
        where, values = _matching(query.items if query else [], after or 0)
        rows = curs.execute(
            "SELECT position, fact, data, tags FROM journal"  # noqa: S608  (fixed parts only)
            f" WHERE position > %s AND ({where}) ORDER BY position LIMIT %s",
            [after or 0, *values, limit],
        ).fetchall()
        events = [
            DCBSequencedEvent(
                DCBEvent(row["fact"], bytes(row["data"]), row["tags"]), row["position"]
            )
            for row in rows
        ]
        if return_head and events:
            head = max(head or 0, events[-1].position)
        return events, head

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        """Append under the lock; raises ``IntegrityError`` where the condition's query matches."""
        with self.writing() as writing:
            if condition is not None:
                with writing.connection.cursor(row_factory=dict_row) as cursor:
                    query, after = condition.fail_if_events_match, condition.after
                    if self._read(cursor, query, after=after, limit=1, return_head=False)[0]:
                        raise IntegrityError(condition)
            rows = [
                JournalRow(
                    event.type,
                    event.data,
                    event.tags,
                    writing.head + n,
                    str(writing.head + n),
                    writing.moment,
                    place=writing.head + n,
                )
                for n, event in enumerate(events, start=1)
            ]
            writing.add(rows)
        return rows[-1].position

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Take the lock for one transaction; nothing is stored unless the block ends well."""
        with self._database.filing(_lock) as (connection, (head, moment)):
            yield Writing(connection, head, moment)


def _lock(connection: Connection[Any]) -> tuple[int, datetime]:
    row: Any = connection.execute(
        f"SELECT head, moment, {ROW_BY_ROW} FROM journal_lock()",  # noqa: S608  (fixed)
        prepare=True,
    ).fetchone()
    return row[0], row[1]


class Writing:
    """A transaction that holds the writer's lock: ``head`` cannot move until it ends.

    ``moment`` is the database's clock under the lock, later than every entry's ``recorded_at``.
    """

    def __init__(self, connection: Connection[Any], head: int, moment: datetime) -> None:
        """Made by `JournalRecorder.writing`."""
        self.connection = connection
        self.head = head
        self.moment = moment

    def add(self, rows: Sequence[JournalRow]) -> None:
        """Store rows whose positions follow the head without a gap."""
        self._require_next(rows)
        if len(rows) < COPY_FROM:
            together = Together()
            self.put(rows, together)
            together.send(self.connection)
        else:
            self._copy(rows)
            self.head = rows[-1].position

    def put(self, rows: Sequence[JournalRow], together: Together) -> None:
        """Put rows whose positions follow the head into ``together``; `add` says when to copy."""
        self._require_next(rows)
        values = orjson.dumps(
            [
                {
                    "position": row.position,
                    "id": row.id,
                    "fact": row.type,
                    "recorded_at": row.recorded_at,
                    "effective_on": row.effective_on,
                    "place": row.place,
                    "actor": row.actor,
                    "voids": row.voids,
                    "tags": row.tags,
                    "data": row.data.decode(),
                }
                for row in rows
            ]
        )
        together.add(_ENTER, (values.decode(),), _ADDED, _TAGGED)
        self.head = rows[-1].position

    def _require_next(self, rows: Sequence[JournalRow]) -> None:
        if rows[0].position != self.head + 1:
            msg = f"position {rows[0].position} does not follow {self.head}"
            raise IntegrityError(msg)

    def _copy(self, rows: Sequence[JournalRow]) -> None:
        entries, tags = [_line(row) for row in rows], []
        for row in rows:
            tags += [f"{escaped(tag)}\t{row.position}\n" for tag in dict.fromkeys(row.tags)]
        with self.connection.cursor() as cursor:
            for statement, lines in ((_COPY_ENTRIES, entries), (_COPY_TAGS, tags)):
                with cursor.copy(statement) as copy:
                    copy.write("".join(lines))


def _line(row: JournalRow) -> str:
    """Return a row as COPY reads it."""
    day, moment = row.effective_on, row.recorded_at
    return (
        f"{row.position}\t{row.id}\t{escaped(row.type)}\t{moment and moment.isoformat()}"
        f"\t{day.isoformat() if day else _NULL}\t{row.place}\t{escaped(row.actor)}"
        f"\t{_NULL if row.voids is None else row.voids}\t{escaped(_array(row.tags))}"
        f"\t\\\\x{row.data.hex()}\t\\\\x{leaf_hash(row.data).hex()}\n"
    )


def _array(texts: Iterable[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


_NULL = "\\N"
_COPY_ENTRIES = (
    b"COPY journal (position, id, fact, recorded_at, effective_on, place, actor, voids, tags, data,"
    b" leaf) FROM STDIN"
)
_COPY_TAGS = b"COPY journal_tags (tag, position) FROM STDIN"
_ADDED = """added AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS x(
        position bigint, id text, fact text, recorded_at timestamptz, effective_on date,
        place bigint, actor text, voids bigint, tags text[], data text)
)"""
_TAGGED = """tagged AS (
    INSERT INTO journal_tags (tag, position)
    SELECT DISTINCT tag, position FROM added, unnest(tags) AS t(tag)
)"""
_ENTER = """
INSERT INTO journal (position, id, fact, recorded_at, effective_on, place, actor, voids, tags,
                     data, leaf)
SELECT position, id, fact, recorded_at, effective_on, place, actor, voids, tags,
       convert_to(data, 'UTF8'), sha256('\\x00'::bytea || convert_to(data, 'UTF8'))
FROM added
ORDER BY position"""


def _matching(items: Iterable[DCBQueryItem], after: int) -> tuple[str, list[Any]]:
    """Return the condition that an event matches any item, and its parameters."""
    clauses: list[str] = []
    values: list[Any] = []
    for item in items:
        parts: list[str] = []
        if item.types:
            parts.append("fact = ANY(%s)")
            values.append(item.types)
        if item.tags:
            parts.append(
                "position IN (SELECT position FROM journal_tags"
                " WHERE tag = ANY(%s) AND position > %s"
                " GROUP BY position HAVING count(*) = %s)"
            )
            wanted = list(dict.fromkeys(item.tags))
            values += [wanted, after, len(wanted)]
        clauses.append("(" + (" AND ".join(parts) or "true") + ")")
    return " OR ".join(clauses) or "true", values
