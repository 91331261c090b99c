"""How stored ledgers are kept up: which rows an append adds, changes and retires.

One code path folds one entry, an import of 50,000 rows, or the whole journal: entries in, append by
append; rows out, each once with its final values, however many appends touched it in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from application.ledgers import OPEN_POSITION, AnyLedger, Ledger, Move, Stored, SumLedger
from application.timelines import Timeline
from domain.vocabulary import Entry, Fact


class SumRow(NamedTuple):
    """A stored change of a running book: known from ``kf`` on until it is retired."""

    move: Move
    kf: int
    position: int


@dataclass
class Changes:
    """What a transaction does to one stored ledger.

    ``added`` and ``changed`` are rows of an ordinary ledger, ``moves`` those of a running book;
    ``retired`` maps the position of a voided entry to the step that withdraws its moves.
    """

    added: list[Stored] = field(default_factory=list)
    changed: list[Stored] = field(default_factory=list)
    moves: list[SumRow] = field(default_factory=list)
    retired: dict[int, int] = field(default_factory=dict)


class RowStore(Protocol):
    """Where live rows and the entries behind an entry-keyed row are read from."""

    def live_rows(self, ledger: Ledger, key: str) -> list[Stored]:
        """The stored rows of that key which nothing has withdrawn, by ``vf``."""
        ...

    def at_place(self, place: int) -> list[Entry]:
        """The entries filed at that place (original, voids, corrections) or tagged with it."""
        ...


STEP_TO_COME = 2**61
"""Stands for an append's step while its last position is not known yet."""

Slot = tuple[str, str]
"""A ledger's name and the key of one of its rows."""


class Keeper:
    """Keeps stored ledgers in step with the journal; remembers what it last wrote."""

    def __init__(
        self,
        ledgers: Iterable[AnyLedger],
        rows: RowStore,
        log: Callable[[str], Sequence[Entry]],
        capacity: int = 20_000,
    ) -> None:
        """Keep ``ledgers``; ``log(tag)`` gives all entries about a small subject, newest included.

        Not more than ``capacity`` subjects are remembered from one transaction to the next.
        """
        kept = list(ledgers)
        self._ordinary = [one for one in kept if isinstance(one, Ledger)]
        self._sums = [one for one in kept if isinstance(one, SumLedger)]
        self._rows = rows
        self._log = log
        self._capacity = capacity
        self._taking: dict[type[Fact], tuple[Ledger, ...]] = {}
        self._timelines: OrderedDict[Slot, Timeline] = OrderedDict()
        self._passing: dict[Slot, Timeline] = {}
        self._places: dict[int, list[Entry]] = {}
        self._touched: dict[Slot, dict[int, Stored]] = {}
        self._changes: dict[str, Changes] = {}

    def absorb(self, entries: Sequence[Entry]) -> None:
        """Take in the entries of one append, which are the newest of the journal."""
        self._absorb(entries, entries[-1].position)

    def absorb_part(self, entries: Sequence[Entry]) -> None:
        """Take in a part of an append, which is alone in its transaction; then `end_append`."""
        self._absorb(entries, STEP_TO_COME)

    def end_append(self, step: int) -> None:
        """All parts of an append have been taken in; ``step`` is its last position."""
        for rows in self._touched.values():
            for row in rows.values():
                row.kf = step if row.kf == STEP_TO_COME else row.kf
                row.ek = step if row.ek == STEP_TO_COME else row.ek
                row.ku = step if row.ku == STEP_TO_COME else row.ku
        for changes in self._changes.values():
            changes.moves = [row._replace(kf=step) for row in changes.moves]
            changes.retired = dict.fromkeys(changes.retired, step)

    def _absorb(self, entries: Sequence[Entry], step: int) -> None:
        first = entries[0].position
        for book in self._sums:
            self._move(book, entries, step)
        if len(entries) == 1:
            (entry,) = entries
            for ledger in self._takers(entry):
                for key in dict.fromkeys(ledger.keys(entry)):
                    self._extend(ledger, (ledger.name, key), entries, step, first)
            return
        concerned: dict[Slot, tuple[Ledger, list[Entry]]] = {}
        for entry in entries:
            for ledger in self._takers(entry):
                for key in dict.fromkeys(ledger.keys(entry)):
                    slot = (ledger.name, key)
                    if slot in concerned:
                        concerned[slot][1].append(entry)
                    else:
                        concerned[slot] = (ledger, [entry])
        for slot, (ledger, about) in concerned.items():
            self._extend(ledger, slot, about, step, first)

    def _extend(
        self,
        ledger: Ledger,
        slot: Slot,
        about: Sequence[Entry],
        step: int,
        first: int,
    ) -> None:
        """Let one row hear what an append says of it.

        ``first`` is the append's first position, or that of the part at hand.
        """
        timeline = self._timeline(ledger, slot, first)
        born = [row for row in timeline.rows if row.kf == step]
        touched = timeline.extend(about, step)
        if touched or born:
            rows = self._touched.setdefault(slot, {})
            alive = {id(row) for row in timeline.rows}
            for row in born:  # by an earlier part
                if id(row) not in alive:
                    rows.pop(id(row), None)
            for row in touched:
                rows[id(row)] = row

    def _takers(self, entry: Entry) -> tuple[Ledger, ...]:
        """Return the ledgers in which the entry has a say."""
        fact = type(entry.fact if entry.target is None else entry.target.fact)
        found = self._taking.get(fact)
        if found is None:
            found = tuple(ledger for ledger in self._ordinary if ledger.takes(entry))
            self._taking[fact] = found
        return found

    def _move(self, book: SumLedger, entries: Sequence[Entry], step: int) -> None:
        for entry in entries:
            original = entry if entry.target is None else entry.target
            moves = list(book.moves(original))
            if not moves:
                continue
            changes = self._changes.setdefault(book.name, Changes())
            if entry.voids is not None:
                changes.retired[entry.voids] = step
            else:
                changes.moves += [SumRow(move, step, entry.position) for move in moves]

    def _timeline(self, ledger: Ledger, slot: Slot, first: int) -> Timeline:
        """Return the subject's timeline as it was before position ``first``.

        A row of its own for each entry is rarely touched again: such timelines are only kept until
        they are stored.
        """
        known = self._passing if ledger.key == "entry" else self._timelines
        timeline = known.get(slot)
        if timeline is None:
            earlier = self._earlier(ledger, slot[1], first)
            rows = self._live_rows(ledger, slot) if earlier else []
            timeline = known[slot] = Timeline(ledger, slot[1], earlier, rows)
        elif known is self._timelines:
            self._timelines.move_to_end(slot)
        return timeline

    def _live_rows(self, ledger: Ledger, slot: Slot) -> list[Stored]:
        """Return the live rows: those stored, and what is still to be written about them."""
        found = {(row.kf, row.vf): row for row in self._rows.live_rows(ledger, slot[1])}
        for row in self._touched.get(slot, {}).values():
            found[row.kf, row.vf] = row
        live = (row for row in found.values() if row.ku == OPEN_POSITION)
        return sorted(live, key=lambda row: row.vf)

    def _earlier(self, ledger: Ledger, key: str, first: int) -> list[Entry]:
        """Return the entries before position ``first`` that have a say in the row of ``key``."""
        if ledger.key != "entry":
            about = self._log(f"{ledger.key}:{key}")
        else:
            place = int(key.partition(":")[0])
            if place >= first:
                return []
            if place not in self._places:
                self._places[place] = self._rows.at_place(place)
            about = self._places[place]
        return [e for e in about if e.position < first and ledger.concerns(e, key)]

    def take(self) -> dict[str, Changes]:
        """Return what has to be written since the last call."""
        for slot, rows in self._touched.items():
            changes = self._changes.setdefault(slot[0], Changes())
            for row in rows.values():
                (changes.added if row.is_new else changes.changed).append(row)
        taken, self._changes, self._touched = self._changes, {}, {}
        return taken

    def settle(self, taken: dict[str, Changes]) -> None:
        """What was taken is stored now."""
        for changes in taken.values():
            for row in changes.added:
                row.is_new = False
        self.trim(self._capacity)

    def trim(self, kept: int) -> None:
        """Remember not more than ``kept`` subjects; the others are read again when needed."""
        self._passing.clear()
        self._places.clear()
        while len(self._timelines) > kept:
            self._timelines.popitem(last=False)

    def forget(self) -> None:
        """Forget everything remembered: writing failed, or somebody else wrote."""
        self._timelines.clear()
        self._passing.clear()
        self._touched.clear()
        self._changes.clear()
        self._places.clear()
