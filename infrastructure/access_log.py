"""The access log (访问记录) on PostgreSQL: who read or exported personal data, and how much.

A line is durable before the answer leaves, so that nobody can have read what the log does not know.
"""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from application.access import Export, Reading
from infrastructure.database import Database

NEWEST = 2**62
"""An id above every line's: a page that starts below it is the first."""


class AccessLog:
    """The access log of one office."""

    def __init__(self, database: Database) -> None:
        """Keep it in ``database``."""
        self._database = database

    def note(self, reading: Reading) -> None:
        """See `application.access.AccessLog.note`."""
        export = reading if isinstance(reading, Export) else None
        with self._database.pool.connection() as connection:
            connection.execute(
                "INSERT INTO reading_log (actor, what, question, rows, unmasked, position,"
                " valid_on, format, secrecy) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    reading.actor,
                    reading.what,
                    Jsonb(reading.question),
                    reading.rows,
                    reading.unmasked,
                    reading.position,
                    reading.valid_on,
                    export.format if export else None,
                    export.secrecy if export else None,
                ),
                prepare=True,
            )

    def readings(
        self, *, actor: str | None, exports: bool, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return the access log, newest first, below id ``before``; all of it or exports only."""
        wanted = "format IS NOT NULL" if exports else "true"
        if actor is None:
            return self._page(wanted, [], before, limit)
        return self._page(f"{wanted} AND actor = %s", [actor], before, limit)

    def _page(
        self, where: str, values: list[Any], before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        with self._database.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(
                f"SELECT * FROM reading_log WHERE {where} AND id < %s"  # noqa: S608  (fixed words)
                " ORDER BY id DESC LIMIT %s",
                [*values, before or NEWEST, limit],
            ).fetchall()
