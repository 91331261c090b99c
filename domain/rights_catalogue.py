"""A department's catalogue (部门目录): which items stand under which heading, on every day.

    fact ──listings()──► (department, heading, item, ±1, day) ──► Catalogue, 分类汇总

Every fact that brings an item onto a list, takes it off, or moves it says so as dated listings,
as much out of one heading as into the other. The catalogue sums them without knowing the facts, so
late, future-dated and voiding entries cost as much as the newest, however many items there are.
"""

from __future__ import annotations

import hashlib
import json
from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets_adjusting import ListLevel
from domain.code_sets_rights import PowerCategory
from domain.deciding import Book, Misfit
from domain.rights_content import ItemContent, ItemName
from domain.text import compact
from domain.vocabulary import Entry, Fact, lean


class Heading(BaseModel):
    """Under what an item stands in the list (抬头): level, category, name and sub-item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: ListLevel
    category: Annotated[PowerCategory | None, Field(title="职权类型")] = None
    name: Annotated[ItemName, Field(title="事项名称")]
    sub_name: Annotated[ItemName | None, Field(title="子项名称")] = None

    @property
    def key(self) -> str:
        """The heading for comparing, however it is spaced and punctuated."""
        return "|".join((self.category or "", compact(self.name), compact(self.sub_name or "")))

    @property
    def spoken(self) -> str:
        """The heading as a sentence names it: “name”, “name—sub-item”."""
        return f"“{self.name}{f'—{self.sub_name}' if self.sub_name else ''}”"


def heading_of(level: ListLevel, content: ItemContent) -> Heading:
    """Return the heading under which an item of this content stands."""
    return lean(
        Heading(
            level=level, category=content.category, name=content.name, sub_name=content.sub_name
        )
    )


def text_of(content: ItemContent) -> str:
    """Return the content's canonical JSON (RFC 8785), fields that say nothing left out.

    A field that a later version adds says nothing in earlier items: their text stays what it was.
    """
    said = content.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(content: ItemContent) -> str:
    """Return the SHA-256 of the content's canonical JSON in UTF-8."""
    return hashlib.sha256(text_of(content).encode()).hexdigest()


def gaps(content: ItemContent) -> tuple[str, ...]:
    """Return what an item must have before it may be published and has not (两单合一)."""
    parts = (
        ("职权类型", content.category),
        ("实施依据", content.bases),
        ("责任事项", content.duties),
        ("追责情形", content.liabilities or content.liability_lead),
    )
    return tuple(title for title, part in parts if not part)


class Listing(NamedTuple):
    """From ``day`` on, ``n`` more (or fewer) items stand under the heading: ``item`` does.

    ``excused`` listings may repeat a heading: a published list taken over as it is may hold the
    same name more than once.
    """

    department: str
    heading: Heading
    item: str
    n: int
    day: date
    excused: bool = False


class Text(NamedTuple):
    """What an entry makes an item say: the content's digest, and what is missing in it."""

    digest: str
    gaps: tuple[str, ...]


class Listed(Fact):
    """A fact that moves items on or between lists, or changes what they say."""

    founds: ClassVar[str | None] = None

    def listings(self, on: date) -> Iterable[Listing]:  # noqa: ARG002  (the default moves nothing)
        """Return which headings gain or lose an item when it takes effect ``on`` that day."""
        return ()

    def texts(self) -> Iterable[tuple[str, ItemContent]]:
        """Return the items that say something else, or begin to say something, with what."""
        return ()


class Move(NamedTuple):
    """One listing as the catalogue keeps it."""

    day: date
    position: int
    item: str
    n: int
    heading: Heading
    excused: bool


class Reading(NamedTuple):
    """What an item says from ``day`` on."""

    day: date
    place: int
    position: int
    text: Text


class Line(NamedTuple):
    """An item that stands in the catalogue on some day: under which heading, saying what."""

    item: str
    heading: Heading
    text: Text


class Catalogue(Book, subject="catalogue", guards=True):
    """One department's items: headings held by whom, and digests of what they say, on any day."""

    def __init__(self, who: str) -> None:
        """Open the catalogue with nothing in it."""
        super().__init__(who)
        self._moves: dict[str, list[Move]] = {}
        self._readings: dict[str, list[Reading]] = {}

    # ── summing ──────────────────────────────────────────────────────────────────────────────

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=entry.target is None)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=entry.target is not None)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        if not isinstance(original.fact, Listed):
            return
        if comes:
            self._put(original, original.fact)
        else:
            self._take(original, original.fact)

    def _put(self, entry: Entry, fact: Listed) -> None:
        day, position = entry.business_date, entry.position
        for _, heading, item, n, _, excused in self._own(fact, day):
            line = self._moves.setdefault(heading.key, [])
            insort(line, Move(day, position, item, n, heading, excused), key=_when)
        for item, content in fact.texts():
            text = Text(digest_of(content), gaps(content))
            said = self._readings.setdefault(item, [])
            insort(said, Reading(day, entry.place, position, text), key=lambda one: one[:3])

    def _take(self, entry: Entry, fact: Listed) -> None:
        position = entry.position
        for key in {listing.heading.key for listing in self._own(fact, entry.business_date)}:
            moves = [move for move in self._moves.pop(key) if move.position != position]
            if moves:
                self._moves[key] = moves
        for item, _ in fact.texts():
            said = [one for one in self._readings.pop(item, ()) if one.position != position]
            if said:
                self._readings[item] = said

    def _own(self, fact: Listed, day: date) -> Iterator[Listing]:
        return (one for one in fact.listings(day) if one.department == self.who)

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def holders(self, heading: Heading, first: date) -> dict[str, int]:
        """Return who stands under the heading on ``first`` or later, with the entry that says so.

        Who has left it by then and does not come back is not among them.
        """
        return self._holders(heading.key, first)

    def _holders(self, key: str, first: date) -> dict[str, int]:
        moves: dict[str, list[Move]] = {}
        for move in self._moves.get(key, ()):
            moves.setdefault(move.item, []).append(move)
        return {
            item: max(one.position for one in line if one.n > 0)
            for item, line in moves.items()
            if _holds(line, first)
        }

    def on(self, day: date) -> Iterator[Line]:
        """Yield every item that stands in the catalogue on that day, in the order of item ids."""
        found: dict[str, Heading] = {}
        for moves in self._moves.values():
            held: dict[str, int] = {}
            for move in moves:
                if move.day <= day:
                    held[move.item] = held.get(move.item, 0) + move.n
            found |= {move.item: move.heading for move in moves if held.get(move.item, 0) > 0}
        for item in sorted(found):
            yield Line(item, found[item], self.text(item, day))

    def text(self, item: str, day: date) -> Text:
        """Return what the item says on that day; nothing where it came without a text."""
        said = [one.text for one in self._readings.get(item, ()) if one.day <= day]
        return said[-1] if said else Text("", ())

    def digests(self, heading: Heading, day: date) -> set[str]:
        """Return the digests of what the items under the heading say on that day."""
        held: dict[str, int] = {}
        for move in self._moves.get(heading.key, ()):
            if move.day <= day:
                held[move.item] = held.get(move.item, 0) + move.n
        return {self.text(item, day).digest for item, n in held.items() if n > 0}

    def holding(self, first: date) -> tuple[int, ...]:
        """Return the entries by which items stand here on ``first`` or later."""
        found = (self._holders(key, first).values() for key in self._moves)
        return tuple(sorted({position for positions in found for position in positions}))

    def before(self, day: date) -> tuple[int, ...]:
        """Return the entries by which items came here before a day."""
        moves = (move for line in self._moves.values() for move in line)
        return tuple(sorted({move.position for move in moves if move.n > 0 and move.day < day}))

    # ── soundness ────────────────────────────────────────────────────────────────────────────

    def broken_by(self, entries: Iterable[Entry]) -> tuple[Misfit, ...]:
        """Name the items that share a heading on some day because of these entries."""
        touched: dict[str, None] = {}
        for entry in entries:
            original = entry if entry.target is None else entry.target
            if isinstance(original.fact, Listed):
                for listing in self._own(original.fact, original.business_date):
                    touched[listing.heading.key] = None
        return tuple(misfit for key in touched for misfit in self._crowded(key))

    def _crowded(self, key: str) -> Iterator[Misfit]:
        moves = self._moves.get(key, [])
        excused = {move.item for move in moves if move.excused}
        counted = [move for move in moves if move.item not in excused]
        held: dict[str, int] = {}
        for n, move in enumerate(counted):
            held[move.item] = held.get(move.item, 0) + move.n
            ends = n + 1 == len(counted) or counted[n + 1].day != move.day
            there = {item for item, count in held.items() if count > 0}
            if ends and len(there) > 1:
                why = f"{move.day}起同一部门有两个{move.heading.spoken}"
                takers = (one for one in counted if one.item in there and one.n > 0)
                yield from (Misfit(one.position, why) for one in takers)
                return


def _when(move: Move) -> tuple[date, int]:
    return move.day, move.position


def _holds(moves: list[Move], first: date) -> bool:
    """Tell whether these moves of one item leave it there on ``first`` or any later day."""
    running = sum(move.n for move in moves if move.day <= first)
    if running > 0:
        return True
    for move in moves:
        if move.day > first:
            running += move.n
            if running > 0:
                return True
    return False
