"""Stored ledgers are held to the definition, over histories of all the facts they tell of.

`tests/test_ledgers_stored.py` does the same for every feature that a ledger can declare; here it is
the office's own ledgers, facts and commands. Planted faults show that the law is awake.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import application.timelines
from application.books import LEDGERS
from application.keeping import Keeper
from application.ledgers import (
    OPEN_DAY,
    OPEN_POSITION,
    Ledger,
    Stored,
    SumLedger,
    picture,
    redraw,
    segments,
)
from application.timelines import Timeline
from domain.vocabulary import Entry
from infrastructure.keys import KeyRing
from infrastructure.ledger_tables import RowTable
from infrastructure.verifying import verify
from tests.histories import FIRST, STEPS, STEPS_TAKEN, History, Step, is_lived, steps_of
from tests.shelf import Kept
from tests.toy_office import MASTER, ToyOffice

RUN = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOAK = settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = st.integers(-1, STEPS + 25).map(lambda n: FIRST + timedelta(days=n))
ALL = tuple(one for one in LEDGERS.values() if all(is_lived(fact) for fact in one.facts))


def kept(steps: list[Step]) -> Kept:
    """The ledgers as they were kept up through a history."""
    shelf = Kept(ALL)
    history = History(shelf.absorb)
    for step in steps:
        history.take(step)
    return shelf


def check_points(steps: list[Step], data: st.DataObject) -> None:
    """Hold what was kept to the law at three points of the two clocks, and now."""
    shelf = kept(steps)
    for _ in range(3):
        shelf.hold_to_the_law(data.draw(DAYS), data.draw(st.sampled_from(shelf.steps)))
    assert shelf.hold_to_the_law(FIRST + timedelta(days=STEPS), OPEN_POSITION - 1) > 10


@RUN
@given(STEPS_TAKEN, st.data())
def test_stored_rows_say_what_the_law_says(steps: list[Step], data: st.DataObject) -> None:
    """At any point of the two clocks, for every ledger of the house and every key."""
    check_points(steps, data)


@pytest.mark.soak
@SOAK
@given(STEPS_TAKEN, st.data())
def test_stored_rows_say_what_the_law_says_in_very_many_histories(
    steps: list[Step], data: st.DataObject
) -> None:
    """The same, at length."""
    check_points(steps, data)


def check_long(seed: int) -> None:
    """Hold a long history to the law at a point after each of its appends."""
    shelf = kept(steps_of(seed, 100))
    for n, known in enumerate(shelf.steps):
        shelf.hold_to_the_law(FIRST + timedelta(days=7 * n % (STEPS + 20)), known)
    rows = [row for ledger in ALL if isinstance(ledger, Ledger) for row in shelf.rows_of(ledger)]
    marks = {mark for row in rows for mark in (row.kf, row.ek, row.ku)}
    marks |= {mark for lines in shelf.moves.values() for _, *known, _ in lines for mark in known}
    assert marks <= {*shelf.steps, OPEN_POSITION}  # nobody sees inside an append


def check_all(histories: int) -> None:
    """Hold so many long histories to the law."""
    for seed in range(histories):
        check_long(seed)


@pytest.mark.parametrize("seed", range(4))
def test_stored_rows_say_what_the_law_says_in_long_histories(seed: int) -> None:
    """Many filings, in which late ones, voids, corrections and imports meet."""
    check_long(seed)


@pytest.mark.parametrize("seed", range(4))
def test_live_rows_are_the_picture_of_today(seed: int) -> None:
    """Rows that nothing withdrew draw the very segments of the law, entries they stem from too."""
    shelf = kept(steps_of(seed, 100))
    for ledger in ALL:
        if isinstance(ledger, Ledger):
            for key, about in shelf.keys[ledger.name].items():
                live = [(r.vf, r.ev, r.position, r.row) for r in shelf.live_rows(ledger, key)]
                assert live == [tuple(segment) for segment in picture(ledger, key, about)]


# ── the law is awake ─────────────────────────────────────────────────────────────────────────


def _no_withdrawal(patch: pytest.MonkeyPatch) -> None:
    def withdraws_nothing(*args: Any) -> Any:
        live, changed = redraw(*args)
        for row in changed:
            row.ku = OPEN_POSITION
        return live, changed

    patch.setattr(application.timelines, "redraw", withdraws_nothing)


def _supersedes_nothing(patch: pytest.MonkeyPatch) -> None:
    sound = Timeline._append

    def append(self: Timeline, entries: Any, step: int) -> Any:
        touched = sound(self, entries, step)
        for row in touched:
            row.ev, row.ek = OPEN_DAY, OPEN_POSITION
        return touched

    patch.setattr(Timeline, "_append", append)


def _places_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A corrected entry stands where it was filed, not in the original's place."""

    def order(effect: Any) -> Any:
        return effect.day, effect.entry.position, effect.nth

    patch.setattr(application.timelines, "_order", order)


def _ends_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A reservation never ends by itself."""
    patch.setattr(application.timelines, "_later_days", lambda _: ())


def _sums_never_retired(patch: pytest.MonkeyPatch) -> None:
    sound = Keeper.take

    def take(self: Keeper) -> Any:
        taken = sound(self)
        for changes in taken.values():
            changes.retired.clear()
        return taken

    patch.setattr(Keeper, "take", take)


def _last_fact_of_the_day_lost(patch: pytest.MonkeyPatch) -> None:
    def drawn(ledger: Any, found: Any, states: Any) -> Any:
        days: dict[date, tuple[Any, Any]] = {}
        for effect, state in zip(found, states, strict=True):
            days.setdefault(effect.day, (effect, state))
        return segments(ledger, [e for e, _ in days.values()], [s for _, s in days.values()])

    patch.setattr(application.timelines, "segments", drawn)


def _voids_unheard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Timeline, "_take_out", lambda self, _: len(self._effects))


def _steps_of_entries(patch: pytest.MonkeyPatch) -> None:
    """Rows are known from their entry on, and so a reader could look into an append."""
    sound = Keeper.absorb

    def absorb(self: Keeper, entries: list[Entry]) -> None:
        for entry in entries:
            sound(self, [entry])

    patch.setattr(Keeper, "absorb", absorb)


@pytest.mark.parametrize(
    "plant",
    [
        _no_withdrawal,
        _supersedes_nothing,
        _places_forgotten,
        _ends_forgotten,
        _sums_never_retired,
        _last_fact_of_the_day_lost,
        _voids_unheard,
        _steps_of_entries,
    ],
)
def test_a_planted_fault_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keeper that neglects one of its duties is found out within a few histories."""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check_all(4)


# ── on PostgreSQL ────────────────────────────────────────────────────────────────────────────


def plain(row: Stored) -> tuple[str, ...]:
    """A stored row with codes as the database keeps them."""
    marks = (row.subject, row.vf, row.kf, row.ev, row.ek, row.ku, row.position)
    return tuple(map(str, (*marks, *row.row)))


@pytest.mark.servers
def test_the_database_holds_the_very_rows(empty_database: str) -> None:
    """Filed in transactions of many appends: the tables hold what memory holds, and are sound."""
    appends: list[list[Entry]] = []
    shelf = Kept(ALL)

    def hear(entries: list[Entry]) -> None:
        appends.append(entries)
        shelf.absorb(entries)

    history = History(hear)
    for step in steps_of(5, 120):
        history.take(step)
    office = ToyOffice(empty_database, ledgers=ALL)
    try:
        for start in range(0, len(appends), 7):
            office.file(appends[start : start + 7])
        for ledger in ALL:
            lines = office.stored(ledger)
            assert lines, ledger.name
            if isinstance(ledger, SumLedger):
                assert len(lines) == len(shelf.moves[ledger.name])
                continue
            table = office.tables.tables[ledger.name]
            assert isinstance(table, RowTable)
            stored = [table.stored(line[0], line[1:]) for line in lines]
            assert sorted(map(plain, stored)) == sorted(map(plain, shelf.rows_of(ledger)))
        ring = KeyRing(MASTER)
        with office.database.as_owner() as owner:
            ring.open(owner)
        assert verify(office.database, ring, ALL).sound
    finally:
        office.close()
