"""What a ledger (台账) is: a book derived from the journal, declared once.

    entries about one subject ──effects(), by (day, place)──► fold ──► picture: who reads what when

A ledger is a name, a Chinese title, a key, a typed row and a pure function ``row(so_far, effect)``.
Its tables, REST resource, CLI, export headings and documentation all come from that declaration.

**The law** (`row_as_of`): the row of subject *x* valid on day *v* as known at moment *k* is the
fold of the effects of the entries about *x* recorded by *k*, not voided by an entry recorded by
*k*, that took effect by *v*, in order of (day, place). Everything stored is held to it by tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from domain.vocabulary import Entry, Fact, live


@dataclass(frozen=True)
class Column:
    """What a row's field shows: its Chinese heading and how readers may ask by it.

    ``personal`` values are masked for readers who do not need them; ``choices`` maps stored codes
    to the labels that screens and exports show.
    """

    title: str
    filter: bool = False
    sort: bool = False
    personal: bool = False
    choices: dict[str, str] | None = None


@dataclass(frozen=True)
class Joined:
    """A field that belongs to another subject, read at the same two clocks, never copied.

    ``by`` is the row's field (or ``key``) that holds the other subject's id.
    """

    name: str
    title: str
    by: str
    ledger: str
    field: str


@dataclass(frozen=True)
class Searched:
    """What a search for words (关键词) looks through: the texts within a column of JSON.

    ``codes`` are the fields whose values are codes and no texts; names of fields are never
    searched. ``beside`` are columns of which one value is often wanted together with words. A row
    with personal columns cannot be searched: what is erased must be gone.
    """

    column: str
    codes: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Derived:
    """A figure computed from the sums of a row: an expression of + - and greatest(…, …)."""

    name: str
    title: str
    expression: str


class Effect(NamedTuple):
    """One thing an entry does to one subject on one day."""

    day: date
    place: int
    nth: int
    entry: Entry
    subject: str

    @property
    def fact(self) -> Fact:
        """The fact that has this effect."""
        return self.entry.fact


@dataclass(frozen=True, eq=False)
class Ledger:
    """A book of one row per subject (or per entry), valid and known over time.

    ``key`` is a subject kind, or ``entry`` where each entry has a row of its own (``subjects``
    then may give several keys, each ``place`` or ``place:suffix``). ``fold`` returns the state
    after an effect; a state is a row, kept but not shown where ``shown`` says no. ``facts`` are the
    facts it folds, ``ignores`` those of its own context that it passes over by name. ``version``
    rises with every change of meaning: stored rows are then rebuilt at start. ``asked_by`` names
    the fields by which readers ask for the few rows about something; joined ones need not be named.
    """

    name: str
    title: str
    key: str
    row: type[Any]
    fold: Callable[[Any, Effect], Any]
    facts: tuple[type[Fact], ...]
    ignores: tuple[type[Fact], ...] = ()
    shown: Callable[[Any], bool] = lambda _row: True
    subjects: Callable[[Entry], Iterable[str]] | None = None
    joins: tuple[Joined, ...] = ()
    version: int = 1
    sort: tuple[str, ...] = ()
    all_facts: bool = False
    searched: Searched | None = None
    asked_by: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The row's own fields, in order."""
        hints = get_type_hints(self.row, include_extras=True)
        marks = {name: _column_of(hint) for name, hint in hints.items()}
        missing = [name for name, mark in marks.items() if mark is None]
        if missing:
            msg = f"ledger {self.name}: fields without a Column: {missing}"
            raise TypeError(msg)
        return {name: mark for name, mark in marks.items() if mark is not None}

    @cached_property
    def types(self) -> dict[str, type]:
        """The plain type of each field: str, int, bool or date."""
        hints = get_type_hints(self.row)
        return {name: _plain(hint) for name, hint in hints.items()}

    @cached_property
    def _facts(self) -> frozenset[type[Fact]]:
        return frozenset(self.facts)

    def takes(self, entry: Entry) -> bool:
        """Whether the entry's fact (or, for a void, its target's) has a say in this ledger."""
        fact = entry.fact if entry.target is None else entry.target.fact
        return self.all_facts or type(fact) in self._facts

    def keys(self, entry: Entry) -> tuple[str, ...]:
        """Ids of the rows the entry has a say in; a void's are its target's."""
        if entry.target is not None:
            return self.keys(entry.target)
        if self.subjects is not None:
            return tuple(self.subjects(entry))
        if self.key == "entry":
            return (str(entry.place),)
        start = self.key + ":"
        return tuple([tag[len(start) :] for tag in entry.tags if tag.startswith(start)])

    def concerns(self, entry: Entry, subject: str) -> bool:
        """Whether the entry has a say in the row of ``subject``."""
        return self.takes(entry) and subject in self.keys(entry)


class Move(NamedTuple):
    """One dated change of a sum: for ``key`` from ``day`` on, by measure name."""

    key: tuple[str, ...]
    day: date
    changes: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class SumLedger:
    """A book of running sums, stored as dated changes and added up when asked.

    ``keys`` are the key's fields, the first of them the subject (of kind ``key``); ``measures`` the
    sums; ``moves`` what one entry (never a void) changes; ``facts`` names those it tells of. Late,
    future and voiding entries cost as much as the newest, however long the history is.
    """

    name: str
    title: str
    key: str
    keys: dict[str, Column]
    measures: dict[str, Column]
    moves: Callable[[Entry], Iterable[Move]]
    facts: tuple[type[Fact], ...] = ()
    joins: tuple[Joined, ...] = ()
    derived: tuple[Derived, ...] = ()
    hidden: tuple[str, ...] = ()
    version: int = 1
    sort: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Keys, measures and derived figures, in order."""
        derived = {one.name: Column(one.title, filter=True, sort=True) for one in self.derived}
        return {**self.keys, **self.measures, **derived}


AnyLedger = Ledger | SumLedger


def _column_of(hint: Any) -> Column | None:
    return next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Column)), None)


def _plain(hint: Any) -> type:
    if get_origin(hint) in (Union, UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    plain: type = type(get_args(hint)[0]) if get_origin(hint) is Literal else hint
    return plain


# ── the law ──────────────────────────────────────────────────────────────────────────────────


def effects(entries: Iterable[Entry], subject: str) -> list[Effect]:
    """Return the effects of the entries that stand, in the order of a fold."""
    found = [
        Effect(day, entry.place, nth, entry, subject)
        for entry in live(entries)
        for nth, day in enumerate((entry.business_date, *entry.fact.later_days()))
    ]
    return sorted(found, key=lambda effect: effect[:3])


def row_as_of(
    ledger: Ledger, subject: str, entries: Iterable[Entry], valid_on: date, known: int
) -> Any | None:
    """Return the row of ``subject`` by the law, ``known`` being a journal position."""
    state = None
    seen = [e for e in entries if e.position <= known and ledger.concerns(e, subject)]
    for effect in effects(seen, subject):
        if effect.day <= valid_on:
            state = ledger.fold(state, effect)
    return state if state is not None and ledger.shown(state) else None


def sums_as_of(
    ledger: SumLedger, entries: Iterable[Entry], valid_on: date, known: int
) -> dict[tuple[str, ...], dict[str, int]]:
    """Return every sum of a running book by the law; keys whose sums are all 0 are left out."""
    sums: dict[tuple[str, ...], dict[str, int]] = {}
    for entry in live(e for e in entries if e.position <= known):
        for move in ledger.moves(entry):
            if move.day <= valid_on:
                line = sums.setdefault(move.key, dict.fromkeys(ledger.measures, 0))
                for measure, n in move.changes.items():
                    line[measure] += n
    return {key: line for key, line in sums.items() if any(line.values())}


# ── the stored form ──────────────────────────────────────────────────────────────────────────

OPEN_DAY = date(9999, 12, 31)
OPEN_POSITION = 2**63 - 1


@dataclass(slots=True)
class Stored:
    """A stored row: what it says, and the L-shaped region of the two clocks where it says it.

        known ▲ ku ┌─────────────┐          The row holds for valid ≥ vf and kf ≤ known < ku,
              │ ek │      ┌──────┘          except where valid ≥ ev and known ≥ ek: from ek on it
              │    │      │                 is known to have been superseded on day ev.
              │ kf └──────┘ … open          One row per change instead of two rectangles.
              └──── vf ── ev ──► valid

    ``position`` is the entry the row stems from. Open ends are the largest values, never NULL.
    """

    subject: str
    vf: date
    kf: int
    ev: date
    ek: int
    ku: int
    position: int
    row: Any
    is_new: bool = field(default=True, compare=False)


class Segment(NamedTuple):
    """What the ledger says of a subject from one day up to another (excluded), as known now."""

    vf: date
    vt: date
    position: int
    row: Any


def picture(ledger: Ledger, subject: str, entries: Iterable[Entry]) -> list[Segment]:
    """Return what the ledger says of ``subject`` on every day, as known from these entries."""
    states: list[Any] = [None]
    found = effects(entries, subject)
    for effect in found:
        states.append(ledger.fold(states[-1], effect))
    return segments(ledger, found, states[1:])


def segments(ledger: Ledger, found: Sequence[Effect], states: Sequence[Any]) -> list[Segment]:
    """Return the stretches of days over which the states after these effects say the same."""
    drawn: list[Segment] = []
    last = len(found) - 1
    for n, effect in enumerate(found):
        day = effect.day
        if n < last and found[n + 1].day == day:
            continue  # what a day says is what its last effect leaves
        state = states[n]
        row = state if state is not None and ledger.shown(state) else None
        before = drawn[-1] if drawn and drawn[-1].vt == OPEN_DAY else None
        if before is None:
            if row is not None:
                drawn.append(Segment(day, OPEN_DAY, effect.entry.position, row))
        elif before.row != row:
            drawn[-1] = before._replace(vt=day)
            if row is not None:
                drawn.append(Segment(day, OPEN_DAY, effect.entry.position, row))
    return drawn


def redraw(
    subject: str, stored: Sequence[Stored], new: Sequence[Segment], step: int
) -> tuple[list[Stored], list[Stored]]:
    """Make the live rows of a subject say ``new`` from ``step`` on.

    ``stored`` are the rows still live before (``ku`` open). Returns (the rows live after, those
    that were stored before and have changed). Rows are superseded where only their open end
    closes, else withdrawn and written anew; a row born in this very step is simply replaced.
    """
    wanted = {(s.vf, s.position): s for s in new}
    kept: list[Stored] = []
    changed: list[Stored] = []
    for row in stored:
        segment = wanted.get((row.vf, row.position))
        if segment is not None and segment.row == row.row:
            if segment.vt == row.ev:
                kept.append(row)
                del wanted[row.vf, row.position]
                continue
            if row.ek in {OPEN_POSITION, step} and row.kf < step:
                row.ev = segment.vt
                row.ek = OPEN_POSITION if segment.vt == OPEN_DAY else step
                kept.append(row)
                changed.append(row)
                del wanted[row.vf, row.position]
                continue
        if row.kf < step:
            row.ku = step
            changed.append(row)
    for s in wanted.values():
        ek = OPEN_POSITION if s.vt == OPEN_DAY else step
        kept.append(Stored(subject, s.vf, step, s.vt, ek, OPEN_POSITION, s.position, s.row))
    kept.sort(key=lambda row: row.vf)
    return kept, changed


LEDGERS: dict[str, AnyLedger] = {}
"""Every ledger by name; filled as the contexts' application modules are imported."""


def declare(ledger: AnyLedger) -> AnyLedger:
    """Add a ledger to the house's books."""
    if ledger.name in LEDGERS:
        msg = f"two ledgers are called {ledger.name!r}"
        raise TypeError(msg)
    LEDGERS[ledger.name] = ledger
    return ledger
