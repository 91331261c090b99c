"""Published lists (公布的权责清单) as readers ask for them: editions, their items, what differs.

    edition ──► (level, effective day, position of its publication) ──► one question to the items

Nothing but editions is read here: what is drafted, taken over or adjusted, but stands in no edition
yet, cannot appear. Every function waits for the database: call it through `Services.run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, NamedTuple

from application.rights_differences import Differences, Stand, differences, origins_of, stand_of
from domain.vocabulary import LAST_DAY
from interface.services import Services

ITEMS: Final = "rights_items"
PAGE: Final = 50
"""Items on one page of a list."""

MOST_EDITIONS: Final = 200
MOST_LINES: Final = 200


class Edition(NamedTuple):
    """A published edition, as the ledger of editions tells of it."""

    id: str
    name: str
    level: str
    effective_on: date
    known: int
    items: int
    departments: int
    digest: str
    approved_by: str
    meeting: str | None
    document_number: str | None
    channels: str
    taken_over: bool


class Moment(NamedTuple):
    """A point of the two clocks; without ``known`` it is read as known now."""

    valid_on: date
    known: int | None = None


class Lists:
    """Reads the published lists of one office."""

    def __init__(self, services: Services) -> None:
        """Read them from the ledgers."""
        self._ledgers = services.ledgers
        self._asked = services.ledger_question
        self._journal = services.journal

    # ── editions ─────────────────────────────────────────────────────────────────────────────

    def editions(self, level: str | None = None) -> list[Edition]:
        """Return the published editions, the newest first; none before the books are opened."""
        if not self._journal.head()[0]:
            return []
        filters = {} if level is None else {"level": level}
        asked = self._asked(filters=filters, sort=("-effective_on", "-known"), valid_on=LAST_DAY)
        page = self._ledgers.page("rights_editions", asked, limit=MOST_EDITIONS)
        return [_edition(line.key, row) for line, row in zip(page.lines, page.rows(), strict=True)]

    def edition(self, key: str) -> Edition | None:
        """Return an edition by its id."""
        if not self._journal.head()[0]:
            return None
        page = self._ledgers.one("rights_editions", key, self._asked(valid_on=LAST_DAY))
        return next((_edition(line.key, page.rows()[0]) for line in page.lines), None)

    def in_force(self, level: str, day: date) -> Edition | None:
        """Return the edition in force on a day: the newest that takes effect by then."""
        found = (one for one in self.editions(level) if one.effective_on <= day)
        return next(found, None)

    # ── what an edition says ─────────────────────────────────────────────────────────────────

    def question(self, edition: Edition, **more: Any) -> Any:
        """Return a question to a ledger about the edition, with these conditions besides."""
        filters = {"level": edition.level, **more.pop("filters", {})}
        clocks = {"valid_on": edition.effective_on, "known": edition.known}
        return self._asked(filters=filters, **clocks, **more)

    def page(self, question: Any, cursor: str | None) -> Any:
        """Return one page of an edition's items."""
        return self._ledgers.page(ITEMS, question, cursor=cursor, limit=PAGE)

    def count(self, question: Any) -> int:
        """Return how many items of an edition answer to a question."""
        return int(self._ledgers.count(ITEMS, question)[0])

    def counts(self, edition: Edition) -> list[dict[str, Any]]:
        """Return how many items each department has in each category."""
        with self._ledgers.stream("rights_summary", self.question(edition)) as stream:
            return [row for _, row in _rows(stream) if row["items"]]

    def item(self, edition: Edition, key: str) -> dict[str, Any] | None:
        """Return an item as the edition has it."""
        clocks = self._asked(valid_on=edition.effective_on, known=edition.known)
        page = self._ledgers.one(ITEMS, key, clocks)
        found = next(iter(page.rows()), None)
        return found if found is not None and found["level"] == edition.level else None

    def history(self, edition: Edition, key: str) -> list[dict[str, Any]]:
        """Return what was filed about an item by the edition, the oldest first."""
        clocks = {"valid_on": edition.effective_on, "known": edition.known}
        asked = self._asked(filters={"item": key}, sort=("effective_on",), **clocks)
        rows: list[dict[str, Any]] = self._ledgers.page(
            "rights_changes", asked, limit=MOST_LINES
        ).rows()
        return rows

    def published_in(self, edition: Edition, key: str) -> tuple[Edition, dict[str, Any]] | None:
        """Return the newest edition, up to this one, in which an item stands, and how it stands."""
        for one in self.editions():
            if one.known <= edition.known:
                found = self.item(one, key)
                if found is not None:
                    return one, found
        return None

    # ── what differs ─────────────────────────────────────────────────────────────────────────

    def compared(self, before: Moment, after: Moment, level: str) -> Differences:
        """Return what differs between two points of the clocks; the first is the earlier."""
        changes = self._asked(
            filters={"change": ["merge", "split"]}, valid_on=after.valid_on, known=after.known
        )
        with self._ledgers.stream("rights_changes", changes) as stream:
            origins = origins_of(row for _, row in _rows(stream))
        with self._stands(before, level) as was, self._stands(after, level) as now:
            return differences(was, now, origins)

    @contextmanager
    def _stands(self, at: Moment, level: str) -> Iterator[Iterator[Stand]]:
        asked = self._asked(
            filters={"level": level}, sort=("key",), valid_on=at.valid_on, known=at.known
        )
        with self._ledgers.stream(ITEMS, asked) as stream:
            yield (stand_of(key, row) for key, row in _rows(stream))


def _edition(key: str, row: dict[str, Any]) -> Edition:
    own = {name: row[name] for name in Edition._fields if name != "id"}
    return Edition(id=key, **own)


def _rows(stream: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [shown.name for shown in stream.columns]
    for line in stream.lines:
        yield line.key, dict(zip(names, line.values, strict=True))
