"""One subject in one ledger: its effects in order, the state after each, its live rows.

    newest entry   ──► one fold, one row closed, one row opened
    late, same day ──► fold again from there, draw the segments, redraw the rows
    void           ──► take the effects out, fold again from there, redraw the rows

The writer keeps timelines of the subjects it touches; a rebuild makes one per subject and lets its
history pass through. Both therefore write the same rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from application.ledgers import (
    OPEN_DAY,
    OPEN_POSITION,
    Effect,
    Ledger,
    Stored,
    redraw,
    segments,
)
from domain.vocabulary import Entry, Fact


def _order(effect: Effect) -> tuple[date, int, int]:
    return effect[:3]


def _later_days(entry: Entry) -> tuple[date, ...]:
    fact = entry.fact
    return () if type(fact).later_days is Fact.later_days else fact.later_days()


class Timeline:
    """What a ledger knows of one subject, changed in place; ``rows`` are those still live."""

    __slots__ = ("_effects", "_states", "key", "ledger", "rows")

    def __init__(
        self, ledger: Ledger, key: str, earlier: Iterable[Entry] = (), rows: Sequence[Stored] = ()
    ) -> None:
        """Begin with the entries filed before and the live rows that they left."""
        self.ledger = ledger
        self.key = key
        self.rows = list(rows)
        self._effects: list[Effect] = []
        self._states: list[Any] = []
        for entry in earlier:
            self._take(entry)
        self._fold_from(0)

    def extend(self, entries: Sequence[Entry], step: int) -> list[Stored]:
        """Take in what one append says of the subject; return rows that are new or have changed.

        ``step`` is the append's last position. Rows that come and go within it are not returned.
        """
        if self._newest(entries):
            return self._append(entries, step)
        start = min(self._take(entry) for entry in entries)
        self._fold_from(start)
        drawn = segments(self.ledger, self._effects, self._states)
        before = {id(row) for row in self.rows}
        self.rows, changed = redraw(self.key, self.rows, drawn, step)
        withdrawn = [row for row in changed if row.ku == step]
        closed = {id(row) for row in changed}
        return [
            *withdrawn,
            *(row for row in self.rows if id(row) in closed or id(row) not in before),
        ]

    def _newest(self, entries: Sequence[Entry]) -> bool:
        """Whether each entry stands, has one effect, and takes it on a day after all others."""
        last = self._effects[-1].day if self._effects else date.min
        for entry in entries:
            day = entry.effective_on
            if day is None or day <= last or _later_days(entry):
                return False
            last = day
        return True

    def _append(self, entries: Sequence[Entry], step: int) -> list[Stored]:
        ledger = self.ledger
        touched: list[Stored] = []
        state = self._states[-1] if self._states else None
        for entry in entries:
            day = entry.business_date
            effect = Effect(day, entry.place, 0, entry, self.key)
            state = ledger.fold(state, effect)
            self._effects.append(effect)
            self._states.append(state)
            row = state if state is not None and ledger.shown(state) else None
            last = self.rows[-1] if self.rows and self.rows[-1].ek == OPEN_POSITION else None
            if last is not None:
                if last.row == row:
                    continue
                last.ev, last.ek = day, step
                if last.kf < step:
                    touched.append(last)
            if row is not None:
                position = entry.position
                new = Stored(
                    self.key, day, step, OPEN_DAY, OPEN_POSITION, OPEN_POSITION, position, row
                )
                self.rows.append(new)
                touched.append(new)
        return touched

    def _take(self, entry: Entry) -> int:
        """Put an entry's effects in (or, for a void, its target's out); return where first."""
        if entry.voids is not None:
            return self._take_out(entry.voids)
        days = (entry.business_date, *_later_days(entry))
        start = len(self._effects)
        for nth, day in enumerate(days):
            effect = Effect(day, entry.place, nth, entry, self.key)
            at = bisect_right(self._effects, effect[:3], key=_order)
            self._effects.insert(at, effect)
            self._states.insert(at, None)
            start = min(start, at)
        return start

    def _take_out(self, voided: int) -> int:
        found = [n for n, effect in enumerate(self._effects) if effect.entry.position == voided]
        for n in reversed(found):
            del self._effects[n], self._states[n]
        return found[0] if found else len(self._effects)

    def _fold_from(self, start: int) -> None:
        fold = self.ledger.fold
        state = self._states[start - 1] if start else None
        for n in range(start, len(self._effects)):
            state = fold(state, self._effects[n])
            self._states[n] = state


def history(
    ledger: Ledger, key: str, appends: Sequence[tuple[int, Sequence[Entry]]]
) -> list[Stored]:
    """Return every row the subject ever had, from the appends about it (step and entries)."""
    if len(appends) == 1 and len(appends[0][1]) == 1:
        step, (entry,) = appends[0]
        if entry.voids is None and not _later_days(entry):
            return _only(ledger, key, entry, step)
    timeline = Timeline(ledger, key)
    ever: list[Stored] = []
    for step, entries in appends:
        ever += [row for row in timeline.extend(entries, step) if row.kf == step]
    return ever


def _only(ledger: Ledger, key: str, entry: Entry, step: int) -> list[Stored]:
    """Return the row of a subject about which nothing else was ever filed: most of all rows."""
    day = entry.business_date
    row = ledger.fold(None, Effect(day, entry.place, 0, entry, key))
    if row is None or not ledger.shown(row):
        return []
    return [Stored(key, day, step, OPEN_DAY, OPEN_POSITION, OPEN_POSITION, entry.position, row)]
