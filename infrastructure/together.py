"""Several inserts and updates as one statement: one question to the server instead of a dozen.

    WITH p0 AS (INSERT … RETURNING 1), p1 AS (UPDATE … RETURNING 1), …
    SELECT (SELECT count(*) FROM p0), (SELECT count(*) FROM p1), …

All parts see the tables as they were before the statement, so no part may need what another adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg import Connection


class Together:
    """Parts collected for one statement; the same set of parts is prepared once a connection."""

    def __init__(self) -> None:
        """Begin with no part."""
        self._parts: list[tuple[str, tuple[str, ...]]] = []
        self._values: list[Any] = []

    def add(self, part: str, values: Sequence[Any], *before: str) -> None:
        """Add an insert or update without RETURNING, and its parameters.

        ``before`` are parts of the form ``name AS (…)`` that it reads; their parameters come first.
        """
        self._parts.append((part, before))
        self._values += values

    def send(self, connection: Connection[Any]) -> tuple[int, ...]:
        """Carry all parts out; return how many rows each has added or changed, in their order."""
        if not self._parts:
            return ()
        text = _statement(tuple(self._parts))
        row = connection.execute(text, self._values, prepare=True).fetchone()
        return tuple(row or ())


@lru_cache(maxsize=512)
def _statement(parts: tuple[tuple[str, tuple[str, ...]], ...]) -> bytes:
    named = [
        text
        for n, (part, before) in enumerate(parts)
        for text in (*before, f"p{n} AS ({part} RETURNING 1)")
    ]
    counts = [f"(SELECT count(*) FROM p{n})" for n in range(len(parts))]  # noqa: S608
    return f"WITH {', '.join(named)} SELECT {', '.join(counts)}".encode()
