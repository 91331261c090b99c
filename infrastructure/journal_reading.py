"""Questions to the journal: one entry, a selection, the head, the position at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from domain.vocabulary import Entry, person_of
from infrastructure.database import Database
from infrastructure.entries import decode
from infrastructure.keys import KeyRing

PAGE = 500
"""The most entries one question answers with."""


@dataclass(frozen=True)
class Sought:
    """Which entries are asked for; every condition given must hold.

    ``subject`` is a tag such as ``person:…``; an ``institution:…`` also finds what moves its quota
    account. ``document`` is a document's id: its own entries and those that cite it. Moments
    and dates include their ends. Entries come newest first, those ``before`` a position.
    """

    subject: str | None = None
    fact: str | None = None
    actor: str | None = None
    document: str | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    before: int | None = None
    limit: int = 50


class JournalReader:
    """Reads entries for people; opens personal boxes, masking is the reader's interface's."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Read from ``database``, opening boxes with a ring of its own like ``ring``."""
        self._database = database
        self._ring = ring

    @contextmanager
    def _asking(self) -> Iterator[Connection[Any]]:
        with self._database.pool.connection() as connection:
            yield connection

    def head(self) -> tuple[int, datetime | None]:
        """Return the last position and when it was recorded; (0, None) in an empty journal."""
        with self._asking() as connection:
            row = connection.execute(
                "SELECT position, recorded_at FROM journal ORDER BY position DESC LIMIT 1"
            ).fetchone()
        return (row[0], row[1]) if row else (0, None)

    def position_at(self, moment: datetime) -> int:
        """Return the last position recorded by ``moment``; the head for a moment beyond it."""
        with self._asking() as connection:
            row = connection.execute(
                "SELECT position FROM journal WHERE recorded_at <= %s"
                " ORDER BY recorded_at DESC, position DESC LIMIT 1",
                (moment,),
                prepare=True,
            ).fetchone()
        return row[0] if row else 0

    def entry(self, position: int) -> Entry | None:
        """Return one entry, a void joined to its target."""
        found = self._entries("position = %s", [position], 1)
        return found[0] if found else None

    def stored(self, position: int) -> bytes | None:
        """Return the bytes that were stored for an entry: exactly what is hashed."""
        with self._asking() as connection:
            row = connection.execute(
                "SELECT data FROM journal WHERE position = %s", (position,)
            ).fetchone()
        return bytes(row[0]) if row else None

    def voided_by(self, position: int) -> int | None:
        """Return the position of the entry that voids that one, if any."""
        with self._asking() as connection:
            row = connection.execute(
                "SELECT position FROM journal WHERE voids = %s", (position,)
            ).fetchone()
        return row[0] if row else None

    def find(self, sought: Sought) -> list[Entry]:
        """Return the entries sought, newest first, at most `PAGE`."""
        where, values = _conditions(sought)
        return self._entries(where, values, max(1, min(sought.limit, PAGE)))

    def _entries(self, where: str, values: list[Any], limit: int) -> list[Entry]:
        with self._asking() as connection:
            rows = connection.execute(
                "SELECT position, tags, data FROM journal"  # noqa: S608  (fixed conditions only)
                f" WHERE {where} ORDER BY position DESC LIMIT %s",
                [*values, limit],
            ).fetchall()
            persons = {person for _, tags, _ in rows if (person := person_of(tags))}
            self._ring.load(connection, persons)
            entries = {p: decode(bytes(data), self._ring) for p, _, data in rows}
            return list(with_targets(connection, self._ring, entries).values())


def with_targets(
    connection: Connection[Any], ring: KeyRing, entries: dict[int, Entry]
) -> dict[int, Entry]:
    """Join the voids among ``entries`` to the entries they void, fetching what is missing."""
    missing = {e.voids for e in entries.values() if e.voids is not None} - entries.keys()
    targets = dict(entries)
    if missing:
        rows = connection.execute(
            "SELECT position, data FROM journal WHERE position = ANY(%s)", (list(missing),)
        ).fetchall()
        targets |= {position: decode(bytes(data), ring) for position, data in rows}
    for entry in entries.values():
        if entry.voids is not None:
            object.__setattr__(entry, "target", targets[entry.voids])  # while it is being made
    return entries


def _conditions(sought: Sought) -> tuple[str, list[Any]]:
    parts: list[tuple[str, Any]] = []
    tagged = "position IN (SELECT position FROM journal_tags WHERE tag = ANY(%s))"
    if sought.subject is not None:
        tags = [sought.subject]
        if sought.subject.startswith("institution:"):
            tags.append("account:" + sought.subject.partition(":")[2])
        parts.append((tagged, tags))
    if sought.document is not None:
        parts.append((tagged, [f"document:{sought.document}", f"cites:{sought.document}"]))
    for condition, value in (
        ("fact = %s", sought.fact),
        ("actor = %s", sought.actor),
        ("recorded_at >= %s", sought.recorded_from),
        ("recorded_at <= %s", sought.recorded_to),
        ("effective_on >= %s", sought.effective_from),
        ("effective_on <= %s", sought.effective_to),
        ("position < %s", sought.before),
    ):
        if value is not None:
            parts.append((condition, value))
    return " AND ".join(condition for condition, _ in parts) or "true", [v for _, v in parts]
