"""Stored ledgers in memory, written to as the database is, and held to the law.

append ──► `Keeper` ──► Shelf (rows, moves) ──read at a point of the two clocks──► the law's row?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from application.keeping import Changes, Keeper
from application.ledgers import (
    OPEN_POSITION,
    AnyLedger,
    Ledger,
    Stored,
    SumLedger,
    row_as_of,
    sums_as_of,
)
from domain.vocabulary import Entry


class Shelf:
    """A store of rows and entries in memory."""

    def __init__(self, ledgers: Iterable[AnyLedger]) -> None:
        self.ledgers = tuple(ledgers)
        self.rows: dict[str, dict[str, list[Stored]]] = {one.name: {} for one in self.ledgers}
        self.moves: dict[str, list[list[Any]]] = {one.name: [] for one in self.ledgers}
        self.entries: list[Entry] = []
        self.keys: dict[str, dict[str, list[Entry]]] = {one.name: {} for one in self.ledgers}
        self.by_tag: dict[str, list[Entry]] = {}

    def rows_of(self, ledger: Ledger) -> list[Stored]:
        """Every row that the ledger ever had."""
        return [row for line in self.rows[ledger.name].values() for row in line]

    def live_rows(self, ledger: Ledger, key: str) -> list[Stored]:
        """See `application.keeping.RowStore.live_rows`."""
        found = [r for r in self.rows[ledger.name].get(key, ()) if r.ku == OPEN_POSITION]
        return sorted(found, key=lambda row: row.vf)

    def at_place(self, place: int) -> list[Entry]:
        """See `application.keeping.RowStore.at_place`."""
        return [e for e in self.entries if e.place == place or f"entry:{place}" in e.tags]

    def log(self, tag: str) -> list[Entry]:
        """All entries with that tag."""
        return self.by_tag.get(tag, [])

    def hear(self, entries: Iterable[Entry]) -> None:
        """Note an append's entries, as the journal does before its ledgers are kept up."""
        for entry in entries:
            self.entries.append(entry)
            for tag in entry.tags:
                self.by_tag.setdefault(tag, []).append(entry)
            for ledger in self.ledgers:
                if isinstance(ledger, Ledger) and ledger.takes(entry):
                    for key in ledger.keys(entry):
                        self.keys[ledger.name].setdefault(key, []).append(entry)

    def write(self, taken: dict[str, Changes]) -> None:
        """Do what the database does."""
        for name, changes in taken.items():
            rows = self.rows[name]
            assert all(row.is_new for row in changes.added)
            for row in changes.changed:
                assert any(row is one for one in rows[row.subject])
            for row in changes.added:
                rows.setdefault(row.subject, []).append(row)
            for move, kf, position in changes.moves:
                self.moves[name].append([move, kf, OPEN_POSITION, position])
            for line in self.moves[name]:
                if line[3] in changes.retired and line[2] == OPEN_POSITION:
                    line[2] = changes.retired[line[3]]

    def sums(
        self, book: SumLedger, valid_on: date, known: int
    ) -> dict[tuple[str, ...], dict[str, int]]:
        """What the stored moves of a running book add up to."""
        found: dict[tuple[str, ...], dict[str, int]] = {}
        for move, kf, ku, _ in self.moves[book.name]:
            if move.day <= valid_on and kf <= known < ku:
                line = found.setdefault(move.key, dict.fromkeys(book.measures, 0))
                for measure, change in move.changes.items():
                    line[measure] += change
        return {key: line for key, line in found.items() if any(line.values())}

    def hold_to_the_law(self, valid_on: date, known: int) -> int:
        """Compare every row of every ledger at one point to the law; return how many there are."""
        said = 0
        for ledger in self.ledgers:
            if isinstance(ledger, SumLedger):
                found = self.sums(ledger, valid_on, known)
                assert found == sums_as_of(ledger, self.entries, valid_on, known), ledger.name
                said += len(found)
                continue
            for key, about in self.keys[ledger.name].items():
                row = says(self.rows[ledger.name].get(key, ()), valid_on, known)
                law = row_as_of(ledger, key, about, valid_on, known)
                assert row == law, (ledger.name, key, valid_on, known)
                said += law is not None
        return said


class Kept(Shelf):
    """A shelf with its keeper, who is told of one append after the other."""

    def __init__(self, ledgers: Iterable[AnyLedger], forget_every: int = 5) -> None:
        super().__init__(ledgers)
        self.keeper = Keeper(self.ledgers, self, self.log, capacity=5)
        self.steps: list[int] = []
        self._forget_every = forget_every

    def absorb(self, entries: list[Entry]) -> None:
        """Keep the ledgers up with an append; at times with nothing remembered."""
        self.hear(entries)
        self.keeper.absorb(entries)
        taken = self.keeper.take()
        self.write(taken)
        self.keeper.settle(taken)
        self.steps.append(entries[-1].position)
        if len(self.steps) % self._forget_every == 0:
            self.keeper.forget()


def says(rows: Iterable[Stored], valid_on: date, known: int) -> Any | None:
    """Return what stored rows of one subject say, by the definition of `Stored`."""
    found = [
        row.row
        for row in rows
        if row.vf <= valid_on
        and row.kf <= known < row.ku
        and not (valid_on >= row.ev and known >= row.ek)
    ]
    assert len(found) <= 1, f"two rows hold at once: {found}"
    return found[0] if found else None
