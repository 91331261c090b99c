"""A page of a search (关键词查询): walked along the order while it pays, or fetched all at once.

    words ─► the next departments in the order ─► their rows with the words ─┬─► enough: the page
                     ▲                                                       ├─► nearly: go on
                     └───────────────────────────────────────────────────────┘
                                                                  far from it: all rows, sorted

The index of pairs finds a department's rows with common words in a fraction of a millisecond, but
does not give rows in order; all rows with a word that one item in twenty has take a hundred times
as long to fetch and sort. With words that few rows have it is the other way round. Which it is
shows itself within the first few departments.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any, Final

from psycopg import Connection

from infrastructure.ledger_sql import Seen, Select
from infrastructure.ledger_tables import quoted, table_name

FIRST: Final = 2
"""So many values are looked into to begin with."""

STEP: Final = 8
"""So many are looked into at a time then.

Where more would be needed, fetching all rows takes less time. Measured at 200,000 rows in 400
values: an exchange with the server takes half a millisecond, a value a tenth, and a row that is
fetched and sorted two microseconds; and what was walked along has still to be counted."""

MOST_REMEMBERED: Final = 20_000
"""Words remembered as too rare for so many rows; then it is begun anew."""


class Walks:
    """Searches along the order of one office's ledgers, and what is known for the next ones."""

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self._values: dict[tuple[str, str], tuple[int, list[Any]]] = {}
        self._rare: set[tuple[str, int, tuple[int, ...]]] = set()

    def along(
        self,
        connection: Connection[Any],
        seen: Seen,
        select: Select,
        ask: Callable[[Select], Sequence[Any]],
    ) -> list[Any] | None:
        """Return the first rows of a search, or None where it has to fetch all at once.

        ``ask`` gives the rows of a question as it is narrowed to some values, or just numbers as
        many as there are.
        """
        column, search, most = select.walkable, select.search, select.limit
        if column is None or search is None or most is None:
            return None
        name, words = select.ledger.name, search.words
        if self._rare & {(name, most, words.pairs), (name, most, words.alone)}:
            return None  # these words proved rare, with the same conditions or with none
        values = self._all_values(connection, name, column, seen.position)
        if select.after is not None:
            values = values[bisect_left(values, select.after[0]) :]

        def among(values: Sequence[Any]) -> Sequence[Any]:
            return ask(replace(select, search=replace(search, among=tuple(values))))

        found = walked(most, values, among)
        if found is None:
            # Rows that come later may make it wrong, which costs time: the answer is right anyway.
            if len(self._rare) >= MOST_REMEMBERED:
                self._rare.clear()
            self._rare.add((name, most, words.pairs))
        return found

    def _all_values(
        self, connection: Connection[Any], ledger: str, column: str, position: int
    ) -> list[Any]:
        """Return every value that a row known at a position of the journal may have, in order.

        What was seen then or later has all of them, for rows are never removed.
        """
        seen, values = self._values.get((ledger, column), (-1, []))
        if seen < position:
            values = _distinct(connection, ledger, column)
            self._values[ledger, column] = position, values
        return values


def walked(
    most: int, values: Sequence[Any], among: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[Any] | None:
    """Return the first rows of a search in order: ``most`` of them or more, or all there are.

    ``values`` are all that the order's first column may have, in order; ``among`` gives the rows
    that have one of several of them, in order, ``most`` of them at most. None where fetching all
    rows at once takes less time.
    """
    found: list[Any] = []
    looked, n = 0, FIRST
    while len(found) < most and looked < len(values):
        found += among(values[looked : looked + n])
        looked, n = looked + n, STEP
        further = (most - len(found)) * looked / len(found) if found else inf
        if further > STEP and looked < len(values):
            return None
    return found


def _distinct(connection: Connection[Any], ledger: str, column: str) -> list[Any]:
    """Return a column's values in order, each found by one look into an index."""
    name, table = quoted(column), quoted(table_name(ledger))
    statement = f"""
        WITH RECURSIVE step(value) AS (
            (SELECT {name} FROM {table} ORDER BY {name} LIMIT 1)
            UNION ALL
            SELECT (SELECT {name} FROM {table} WHERE {name} > value ORDER BY {name} LIMIT 1)
            FROM step WHERE value IS NOT NULL
        ) SELECT value FROM step WHERE value IS NOT NULL ORDER BY value
    """  # noqa: S608  (checked names)
    return [value for (value,) in connection.execute(statement.encode())]
