"""Published lists (公布的权责清单) as readers ask for them: editions, their items, what differs.

    edition ──► (level, effective day, position of its publication) ──► one question to the items

Nothing but editions is read here: what is drafted, taken over or adjusted, but stands in no edition
yet, cannot appear. What an edition counts never changes, so it is counted once and remembered.
Every function waits for the database: call it through `Services.run`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple

from application.rights_differences import Differences, Stand, differences, origins_of, stand_of
from domain.vocabulary import LAST_DAY
from interface.services import Journal

ITEMS: Final = "rights_items"
PAGE: Final = 30
"""Items on one page of a list."""

LISTED: Final = (*("department", "category", "name", "sub_name", "bases", "status"),)
"""The columns that a list shows; what departments are called is known with their numbers."""

TOLD: Final = (
    *("department", "department_name", "level", "category", "name", "sub_name"),
    *("status", "since", "sources", "digest", "content"),
)
"""The columns that an item's page shows; its text is all in ``content``."""

HISTORY: Final = ("item", "effective_on", "change", "former_name", "fields", "adjustment")
"""The columns that an item's history shows."""

LATELY: Final = 1.0
"""Seconds for which the choice of editions is taken to be what it was."""

COUNTED: Final = 300
"""So many items that answer to a question are counted; of more it is said that there are more."""

EDITIONS_REMEMBERED: Final = 16
TOTALS_REMEMBERED: Final = 5_000
MOST_EDITIONS: Final = 200


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


class Counts(NamedTuple):
    """How many items an edition has: by department (id, name, number) and by category.

    ``names`` are those of all departments that have or had one, by their ids.
    """

    departments: tuple[tuple[str, str, int], ...]
    categories: tuple[tuple[str, int], ...]
    names: Mapping[str, str]


class Wanted(NamedTuple):
    """What is looked for in an edition; None where it does not matter."""

    department: str | None = None
    category: str | None = None
    words: str | None = None


EVERYTHING: Final = Wanted()


class Told(NamedTuple):
    """What an edition tells of an item.

    ``sources`` are the items that it came of, each with the newest edition in which it stands;
    ``announced`` has every adjustment of its history that was published by then.
    """

    row: dict[str, Any]
    sources: list[tuple[Edition, dict[str, Any]]]
    history: list[dict[str, Any]]
    announced: frozenset[str]


class Moment(NamedTuple):
    """A point of the two clocks; without ``known`` it is read as known now."""

    valid_on: date
    known: int | None = None


class Lists:
    """Reads the published lists of one office."""

    def __init__(self, ledgers: Any, asked: Callable[..., Any], journal: Journal) -> None:
        """Read them from the ledgers; ``asked`` makes the questions that those understand."""
        self._ledgers = ledgers
        self._asked = asked
        self._journal = journal
        self._editions_at = lru_cache(1)(self._read_editions)
        self._choice: tuple[Edition, ...] = ()
        self._looked = -inf
        self._seen = lru_cache(EDITIONS_REMEMBERED)(self._look)
        self._counts = lru_cache(EDITIONS_REMEMBERED)(self._read_counts)
        self._totals: dict[tuple[str, Wanted], int] = {}

    # ── editions ─────────────────────────────────────────────────────────────────────────────

    def editions(self, level: str | None = None) -> list[Edition]:
        """Return the published editions, the newest first; none before the books are opened."""
        return [one for one in self.all() if level in (None, one.level)]

    def all(self, *, anew: bool = False) -> tuple[Edition, ...]:
        """Return all editions, the newest first: those of the last second, unless ``anew``."""
        known = None if anew else self.choice()
        if known is not None:
            return known
        looked = monotonic()
        head = self._journal.head()[0]
        self._choice = self._editions_at(head) if head else ()
        self._looked = looked
        return self._choice

    def choice(self) -> tuple[Edition, ...] | None:
        """Return the editions as they were seen within the last second, or None; never waits."""
        return self._choice if monotonic() - self._looked < LATELY else None

    def _read_editions(self, head: int) -> tuple[Edition, ...]:
        """Read the editions at a position of the journal; the same tuple while there is no new one.

        What is kept for a choice of editions is kept for as long as nothing else is published.
        """
        asked = self._asked(sort=("-effective_on", "-published_at"), valid_on=LAST_DAY, known=head)
        page = self._ledgers.page("rights_editions", asked, limit=MOST_EDITIONS)
        lines = zip(page.lines, page.rows(), strict=True)
        found = tuple(_edition(line.key, row) for line, row in lines)
        return self._choice if found == self._choice else found

    def chosen(self, key: str) -> Edition | None:
        """Return an edition by its id, of those last seen; never waits."""
        return next((one for one in self._choice if one.id == key), None)

    def edition(self, key: str) -> Edition | None:
        """Return an edition by its id."""
        for anew in (False, True):
            known = self.all(anew=anew)
            found = self.chosen(key)
            if found is not None:
                return found
        if len(known) < MOST_EDITIONS:
            return None
        page = self._ledgers.one("rights_editions", key, self._asked(valid_on=LAST_DAY))
        return next((_edition(line.key, page.rows()[0]) for line in page.lines), None)

    def in_force(self, level: str, day: date) -> Edition | None:
        """Return the edition in force on a day: the newest that takes effect by then."""
        found = (one for one in self.editions(level) if one.effective_on <= day)
        return next(found, None)

    # ── what an edition says ─────────────────────────────────────────────────────────────────

    def question(self, edition: Edition, wanted: Wanted = EVERYTHING, **more: Any) -> Any:
        """Return a question to a ledger about the edition, for what is wanted of it."""
        filters = {"level": edition.level}
        filters |= {} if wanted.department is None else {"department": wanted.department}
        filters |= {} if wanted.category is None else {"category": wanted.category}
        return self._asked(filters=filters, words=wanted.words, seen=self._seen(edition), **more)

    def _look(self, edition: Edition) -> Any:
        """Find the edition's place on the two clocks, where it stands for ever."""
        clocks = self._asked(valid_on=edition.effective_on, known=edition.known)
        return self._ledgers.one("rights_editions", edition.id, clocks).seen

    def page(self, edition: Edition, wanted: Wanted, cursor: str | None) -> Any:
        """Return one page of an edition's items, with the columns `LISTED`."""
        question = self.question(edition, wanted, only=LISTED)
        page = self._ledgers.page(ITEMS, question, cursor=cursor, limit=PAGE)
        if page.total is not None:
            self._remember(edition, wanted, page.total)
        return page

    def total(self, edition: Edition, wanted: Wanted) -> int:
        """Return how many items of an edition are wanted; more than `COUNTED`: at least so many."""
        total = self._totals.get((edition.id, wanted))
        if total is None:
            question = self.question(edition, wanted)
            total = int(self._ledgers.count(ITEMS, question, at_most=COUNTED + 1)[0])
            self._remember(edition, wanted, total)
        return total

    def _remember(self, edition: Edition, wanted: Wanted, total: int) -> None:
        if len(self._totals) >= TOTALS_REMEMBERED:
            self._totals.clear()
        self._totals[edition.id, wanted] = total

    def counts(self, edition: Edition) -> Counts:
        """Return how many items each department and each category has; none without an item."""
        return self._counts(edition)

    def _read_counts(self, edition: Edition) -> Counts:
        names: dict[str, str] = {}
        of_department, of_category = Counter[str](), Counter[str]()
        with self._ledgers.stream("rights_summary", self.question(edition)) as stream:
            for _, row in _rows(stream):
                names[row["department"]] = row["department_name"] or ""
                of_department[row["department"]] += row["items"]
                of_category[row["category"]] += row["items"]
        departments = [(who, names[who], n) for who, n in of_department.items() if n]
        return Counts(
            tuple(sorted(departments, key=lambda one: one[1])),
            tuple(sorted((code, n) for code, n in of_category.items() if n)),
            names,
        )

    def told(self, edition: Edition, keys: Sequence[str]) -> dict[str, Told | None]:
        """Return all that an edition tells of several items; None of one that it does not have."""
        items = self._items(edition, keys)
        histories: dict[str, list[dict[str, Any]]] = {key: [] for key in items}
        for row in self._histories(edition, items):
            histories[row["item"]].append(row)
        announced = self._announced(edition, histories.values())
        sources = {key: _parted(row["sources"]) for key, row in items.items()}
        found = self._published(edition, {one for some in sources.values() for one in some})
        told = {
            key: Told(row, [found[one] for one in sources[key] if one in found], histories[key],
                      announced)
            for key, row in items.items()
        }  # fmt: skip
        return {key: told.get(key) for key in keys}

    def _items(self, edition: Edition, keys: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return those of the items that an edition has, as it has them."""
        asked = self._asked(
            keys=list(keys),
            filters={"level": edition.level},
            seen=self._seen(edition),
            only=TOLD,
        )
        page = self._ledgers.page(ITEMS, asked, limit=None)
        return {line.key: row for line, row in zip(page.lines, page.rows(), strict=True)}

    def _histories(self, edition: Edition, keys: Iterable[str]) -> list[dict[str, Any]]:
        """Return what was filed about items by the edition, the oldest first."""
        asked = self._asked(
            filters={"item": list(keys)},
            sort=("effective_on",),
            seen=self._seen(edition),
            only=HISTORY,
        )
        rows: list[dict[str, Any]] = self._ledgers.page("rights_changes", asked, limit=None).rows()
        return rows

    def _announced(
        self, edition: Edition, histories: Iterable[Iterable[dict[str, Any]]]
    ) -> frozenset[str]:
        """Return those of the adjustments that had been published when the edition was."""
        keys = {row["adjustment"] for rows in histories for row in rows} - {None}
        if not keys:
            return frozenset()
        asked = self._asked(
            keys=list(keys),
            filters={"state": "published"},
            seen=self._seen(edition),
            only=("state",),
        )
        page = self._ledgers.page("rights_adjustments", asked, limit=None)
        return frozenset(line.key for line in page.lines)

    def _published(
        self, edition: Edition, keys: AbstractSet[str]
    ) -> dict[str, tuple[Edition, dict[str, Any]]]:
        """Return the newest edition, up to this one, in which each item stands, and how."""
        found: dict[str, tuple[Edition, dict[str, Any]]] = {}
        for one in self.editions():
            missing = keys - set(found)
            if missing and one.known <= edition.known:
                found |= {key: (one, row) for key, row in self._items(one, missing).items()}
        return found

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


def _parted(keys: str) -> list[str]:
    """Return the keys that a column lists."""
    return [one for one in keys.split("、") if one]


def _edition(key: str, row: dict[str, Any]) -> Edition:
    own = {name: row[name] for name in Edition._fields if name not in {"id", "known"}}
    return Edition(id=key, known=row["published_at"], **own)


def _rows(stream: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [shown.name for shown in stream.columns]
    for line in stream.lines:
        yield line.key, dict(zip(names, line.values, strict=True))
