"""Stored ledgers are held to the law, in memory over many histories and on PostgreSQL over some.

The law is `application.ledgers.row_as_of` and `sums_as_of`; a planted fault shows that it is awake.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, NamedTuple

import psycopg
import pytest

import application.timelines
from application.keeping import Keeper
from application.ledgers import (
    OPEN_DAY,
    OPEN_POSITION,
    Column,
    Effect,
    Ledger,
    Segment,
    Stored,
    SumLedger,
    picture,
    redraw,
    row_as_of,
    segments,
    sums_as_of,
)
from application.timelines import history
from infrastructure.ledger_tables import RowTable, definition, fields
from infrastructure.ledgers import COPY_FROM, LedgerTables, StoredRowsDiffer
from tests import toy_office as toys
from tests.shelf import Shelf, says
from tests.toy_office import LEDGERS, PERSON, Story, ToyOffice, dice_of

toy_facts, toy_office = toys.toy_facts, toys.toy_office

ORDINARY = [ledger for ledger in LEDGERS if isinstance(ledger, Ledger)]
BOOKS = [ledger for ledger in LEDGERS if isinstance(ledger, SumLedger)]


def kept_in_memory(story: Story, dice: random.Random) -> Shelf:
    """Return what a keeper stores of a story, in transactions of random size."""
    memory = Shelf(LEDGERS)
    keeper = Keeper(LEDGERS, memory, memory.log, capacity=5)
    for n, append in enumerate(story.appends):
        memory.hear(append)
        keeper.absorb(append)
        if dice.random() < 0.5 or n == len(story.appends) - 1:
            taken = keeper.take()
            memory.write(taken)
            keeper.settle(taken)
            if dice.random() < 0.2:
                keeper.forget()
    return memory


def points(story: Story, dice: random.Random, n: int) -> Iterator[tuple[date, int]]:
    """Points on the two clocks: days near those on which something changes, moments of appends."""
    days = [e.effective_on for e in story.entries if e.effective_on is not None]
    days += [day for e in story.entries if e.effective_on for day in e.fact.later_days()]
    for _ in range(n):
        yield (
            dice.choice(days) + timedelta(days=dice.choice([-1, 0, 0, 1, 500])),
            dice.choice(story.steps),
        )


def keys_of(ledger: Ledger, story: Story) -> list[str]:
    """Every key the ledger ever has."""
    return sorted({key for e in story.entries if ledger.takes(e) for key in ledger.keys(e)})


def assert_law_holds(memory: Shelf, story: Story, dice: random.Random, n: int) -> None:
    """Compare what is stored to the law at ``n`` points of the two clocks."""
    for ledger in ORDINARY:
        keys = keys_of(ledger, story)
        assert keys
        for valid_on, known in points(story, dice, n):
            key = dice.choice(keys)
            rows = memory.rows[ledger.name].get(key, ())
            expected = row_as_of(ledger, key, story.entries, valid_on, known)
            assert says(rows, valid_on, known) == expected, (ledger.name, key, valid_on, known)
    for book in BOOKS:
        for valid_on, known in points(story, dice, n // 10 + 1):
            found = memory.sums(book, valid_on, known)
            assert found == sums_as_of(book, story.entries, valid_on, known)


# ── in memory ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(25))
def test_what_is_kept_obeys_the_law(seed: int) -> None:
    """At random points of both clocks, stored rows say what the definition says."""
    story, dice = Story(seed).go_on(120), dice_of(seed)
    assert {len(append) for append in story.appends} > {1, 2}
    assert any(entry.voids for entry in story.entries)
    assert_law_holds(kept_in_memory(story, dice), story, dice, 300)


@pytest.mark.parametrize("seed", range(25))
def test_rows_do_not_depend_on_how_entries_were_batched(seed: int) -> None:
    """Small and large transactions, warm and cold memory: the same rows to the last mark."""
    story = Story(seed).go_on(80)
    once = kept_in_memory(story, dice_of(1))
    again = kept_in_memory(story, dice_of(2))
    for ledger in ORDINARY:
        assert sorted(map(repr, once.rows_of(ledger))) == sorted(map(repr, again.rows_of(ledger)))
        assert once.rows_of(ledger)


@pytest.mark.parametrize("seed", range(10))
def test_a_history_folded_at_once_is_what_was_kept_entry_by_entry(seed: int) -> None:
    """`history`, which a rebuild uses, gives the very rows that the keeper wrote."""
    story = Story(seed).go_on(80)
    memory = kept_in_memory(story, dice_of(seed))
    for ledger in ORDINARY:
        for key in keys_of(ledger, story):
            concerned = [[e for e in a if ledger.concerns(e, key)] for a in story.appends]
            about = [
                (a[-1].position, c) for a, c in zip(story.appends, concerned, strict=True) if c
            ]
            kept = memory.rows[ledger.name].get(key, [])
            folded = history(ledger, key, about)
            assert sorted(map(_marks, folded)) == sorted(map(_marks, kept))
            assert [row.row for row in sorted(folded, key=_marks)] == [
                row.row for row in sorted(kept, key=_marks)
            ]


def _marks(row: Stored) -> tuple[Any, ...]:
    return row.vf, row.kf, row.ev, row.ek, row.ku, row.position


@pytest.mark.parametrize("seed", range(10))
def test_live_rows_are_the_picture_of_today(seed: int) -> None:
    """Rows that nothing withdrew draw the same segments as the law's own picture."""
    story = Story(seed).go_on(80)
    memory = kept_in_memory(story, dice_of(seed))
    for ledger in ORDINARY:
        for key in keys_of(ledger, story):
            about = [entry for entry in story.entries if ledger.concerns(entry, key)]
            live = [Segment(r.vf, r.ev, r.position, r.row) for r in memory.live_rows(ledger, key)]
            assert live == picture(ledger, key, about)


@pytest.mark.parametrize("fault", ["withdrawal", "supersession", "same_day", "void"])
def test_the_law_is_awake(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that forgets one of its duties is found out."""
    plant(fault, monkeypatch)
    with pytest.raises(AssertionError):
        hold_to_the_law(5)


def hold_to_the_law(stories: int) -> None:
    """Hold the keeper to the law over so many stories."""
    for seed in range(stories):
        story, dice = Story(seed).go_on(120), dice_of(seed)
        assert_law_holds(kept_in_memory(story, dice), story, dice, 300)


def plant(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a fault into how rows are redrawn."""
    sound_redraw, sound_segments = redraw, segments

    def no_withdrawal(
        subject: str, stored: list[Stored], new: list[Segment], step: int
    ) -> tuple[list[Stored], list[Stored]]:
        kept, changed = sound_redraw(subject, stored, new, step)
        for row in changed:
            row.ku = OPEN_POSITION
        return kept, changed

    def first_of_the_day(ledger: Ledger, found: list[Effect], states: list[Any]) -> list[Segment]:
        days: dict[date, tuple[Effect, Any]] = {}
        for effect, state in zip(found, states, strict=True):
            days.setdefault(effect.day, (effect, state))
        return sound_segments(ledger, [e for e, _ in days.values()], [s for _, s in days.values()])

    def supersedes_nothing(self: Any, entries: Any, step: int) -> list[Stored]:
        touched = sound_append(self, entries, step)
        for row in touched:
            row.ev, row.ek = OPEN_DAY, OPEN_POSITION
        return touched

    sound_append = application.timelines.Timeline._append
    if fault == "withdrawal":
        monkeypatch.setattr(application.timelines, "redraw", no_withdrawal)
    elif fault == "same_day":
        monkeypatch.setattr(application.timelines, "segments", first_of_the_day)
    elif fault == "supersession":
        monkeypatch.setattr(application.timelines.Timeline, "_append", supersedes_nothing)
    else:
        monkeypatch.setattr(application.timelines.Timeline, "_take_out", lambda *_: 0)


# ── on PostgreSQL ────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
@pytest.mark.parametrize("seed", [1, 2])
def test_stored_rows_obey_the_law(toy_office: ToyOffice, seed: int) -> None:
    """What the tables hold is what memory holds, mark by mark and field by field."""
    story, dice = Story(seed).go_on(150), dice_of(seed)
    toy_office.file_story(story, dice)
    memory = kept_in_memory(story, dice)
    assert_law_holds(memory, story, dice, 100)
    for ledger in ORDINARY:
        table = toy_office.tables.tables[ledger.name]
        assert isinstance(table, RowTable)
        stored = [table.stored(line[0], line[1:]) for line in toy_office.stored(ledger)]
        assert len(stored) == len(memory.rows_of(ledger)) > 10
        assert sorted(map(repr, stored)) == sorted(
            repr(table.stored(r.subject, table.line(r)[1:])) for r in memory.rows_of(ledger)
        )
        assert {repr(row.row) for row in stored} == {repr(r.row) for r in memory.rows_of(ledger)}
    for book in BOOKS:
        expected = sorted(
            (*move.key, move.day, kf, ku, stem, *(move.changes.get(m, 0) for m in book.measures))
            for move, kf, ku, stem in memory.moves[book.name]
        )
        assert sorted(toy_office.stored(book)) == expected
        assert any(ku != OPEN_POSITION for *_, ku, _, _, _, _ in expected)


def test_many_rows_are_copied_and_few_are_inserted_alike(
    toy_office: ToyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way rows go in leaves no trace in them, whatever signs the texts hold."""
    story = Story(3).go_on(60)
    toy_office.file(story.appends)
    inserted = {ledger.name: toy_office.stored(ledger) for ledger in LEDGERS}
    assert all(len(lines) < COPY_FROM for lines in inserted.values())
    assert any("\\" in str(line) for line in inserted["toy_people"])
    with toy_office.database.as_owner() as owner:
        for ledger in LEDGERS:
            owner.execute(f'TRUNCATE "ledger_{ledger.name}"'.encode())
    monkeypatch.setattr("infrastructure.ledgers.COPY_FROM", 1)
    memory_keeper = Keeper(LEDGERS, toy_office.store, lambda tag: toy_office.logs.get(tag, []))
    for append in story.appends:
        memory_keeper.absorb(append)
    with toy_office.database.pool.connection() as connection:
        toy_office.tables.write(connection, memory_keeper.take())
    assert {ledger.name: toy_office.stored(ledger) for ledger in LEDGERS} == inserted


def test_rows_that_are_not_as_remembered_stop_the_transaction(toy_office: ToyOffice) -> None:
    """Somebody edited the tables: nothing is filed on top of it, nothing is lost silently."""
    story = Story(4).go_on(40)
    toy_office.file(story.appends)
    with toy_office.database.as_owner() as owner:
        owner.execute('DELETE FROM "ledger_toy_people"')
    story.go_on(1)
    person = next(person for person in story.where)
    entry = story.entry(toys.Left(person=person, unit=story.where[person]), story.moment.date())
    story.append([entry])
    with pytest.raises(StoredRowsDiffer, match="toy_people"):
        toy_office.file([a for a in story.appends if a[0].position > toy_office.filed])
    with toy_office.database.reading() as connection:
        head = connection.execute("SELECT max(position) FROM journal").fetchone()
    assert head == (toy_office.filed,)


def test_the_writer_may_close_rows_but_not_rewrite_them(toy_office: ToyOffice) -> None:
    """What a row says stays as written: the writer's role can neither change nor delete it."""
    toy_office.file(Story(5).go_on(5).appends)
    for statement in (
        "UPDATE ledger_toy_people SET name = 'x'",
        "DELETE FROM ledger_toy_people",
        "UPDATE ledger_toy_book SET taken = 9",
        "TRUNCATE ledger_toy_book",
    ):
        with (
            toy_office.database.pool.connection() as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())


# ── definitions ──────────────────────────────────────────────────────────────────────────────


def test_a_changed_definition_is_seen_at_start(toy_office: ToyOffice) -> None:
    """Another version, another column or another index makes the stored rows stale."""
    with toy_office.database.as_owner() as owner:
        assert toy_office.tables.stale(owner) == []
    toy_office.file(Story(6).appends)
    newer = Ledger(
        PERSON.name, PERSON.title, PERSON.key, PERSON.row, PERSON.fold, PERSON.facts, version=2
    )
    assert definition(newer) != definition(PERSON)
    tables = LedgerTables([newer, *(one for one in LEDGERS if one is not PERSON)])
    with toy_office.database.as_owner() as owner:
        tables.create_missing(owner)
        assert tables.stale(owner) == ["toy_people"]


def test_ledgers_that_are_no_longer_declared_are_dropped(toy_office: ToyOffice) -> None:
    """A ledger nobody keeps any more must not be found later and believed."""
    with toy_office.database.as_owner() as owner:
        LedgerTables(LEDGERS[1:]).create_missing(owner)
        gone = owner.execute("SELECT to_regclass('ledger_toy_units')").fetchone()
        kept = owner.execute("SELECT to_regclass('ledger_toy_people')").fetchone()
        LedgerTables(LEDGERS).create_missing(owner)
        assert LedgerTables(LEDGERS).stale(owner) == []
    assert gone == (None,)
    assert kept != (None,)


def test_personal_columns_can_hold_what_has_been_destroyed() -> None:
    """A birth date reads 已销毁 once its person's key is gone, so its column is text."""
    kinds = fields(PERSON)
    assert kinds["born"].startswith("text")
    assert kinds["since"] == "date"
    assert kinds["moves"] == "bigint NOT NULL"
    table = RowTable(PERSON, "ledger")
    line = (date(2020, 1, 1), 1, OPEN_DAY, OPEN_POSITION, OPEN_POSITION, 1)
    said = ("已销毁", "已销毁", "U1", date(2020, 1, 1), "admin", 0, False)
    assert table.stored("P1", (*line, *said)).row.born == "已销毁"
    dated = ("张三", "1990-05-17", *said[2:])
    assert table.stored("P1", (*line, *dated)).row.born == date(1990, 5, 17)


class Listing(NamedTuple):
    """A row with a list."""

    parts: Annotated[dict[str, int], Column("部分")]


class Marked(NamedTuple):
    """A row that uses a mark's name."""

    ku: Annotated[int, Column("库")]


@pytest.mark.parametrize(("row", "name"), [(Listing, "parts"), (Marked, "ku")])
def test_a_field_that_no_column_can_hold_is_named(row: type[Any], name: str) -> None:
    """Whoever declares a ledger learns at once which field is wrong."""
    ledger = Ledger("wrong", "错", "unit", row, lambda s, _: s, (toys.Named,))
    with pytest.raises(TypeError, match=name):
        LedgerTables([ledger])
