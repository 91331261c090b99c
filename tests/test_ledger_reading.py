"""Answers to questions about ledgers are what the law says, on any day, as known at any moment."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from application import ledgers
from application.ledgers import Ledger, SumLedger, row_as_of, sums_as_of
from infrastructure import ledger_tables
from infrastructure.ledger_reading import (
    Asked,
    BadCursor,
    BadQuestion,
    LedgerReader,
    NoSuchLedger,
    NotBuilt,
    NotOpened,
    Page,
)
from infrastructure.ledger_tables import row_values
from infrastructure.rebuilding import rebuild
from tests import toy_office as toys
from tests.test_ledgers_stored import keys_of, points
from tests.toy_office import BOOK, LEDGERS, PERSON, UNIT, Story, ToyOffice, dice_of

toy_facts, toy_office = toys.toy_facts, toys.toy_office

FOREVER = date(2100, 1, 1)


class Library:
    """An office with a story, its reader, and the law to hold the answers to."""

    def __init__(self, office: ToyOffice, seed: int, appends: int) -> None:
        self.office = office
        self.story = Story(seed).go_on(appends)
        self.dice = dice_of(seed)
        office.file_story(self.story, self.dice)
        self.reader = LedgerReader(office.database, LEDGERS)

    def points(self, n: int) -> Iterator[Asked]:
        """Points of both clocks, now among them."""
        yield Asked(valid_on=FOREVER)
        for valid_on, known in points(self.story, self.dice, n):
            yield Asked(valid_on=max(valid_on, toys.OPENED), known=known)

    def lawful(self, ledger: Ledger | SumLedger, asked: Asked) -> dict[str, dict[str, Any]]:
        """What the law says of every key, joined columns included."""
        valid_on, known = asked.valid_on or FOREVER, asked.known or self.story.head
        rows: dict[str, dict[str, Any]]
        if isinstance(ledger, SumLedger):
            rows = {
                ":".join(key): dict(zip(ledger.keys, key, strict=True)) | line
                for key, line in sums_as_of(ledger, self.story.entries, valid_on, known).items()
            }
            for row in rows.values():
                row["free"] = row["posts"] - row["taken"] - row["held"]
                row["over"] = max(row["taken"] - row["posts"], 0)
                del row["held"]
        else:
            found = {
                key: row_as_of(ledger, key, self.story.entries, valid_on, known)
                for key in keys_of(ledger, self.story)
            }
            rows = {
                key: dict(zip(ledger.columns, row_values(ledger)(row), strict=True))
                for key, row in found.items()
                if row is not None
            }
            for row in rows.values():
                if "born" in row:  # personal columns are read as text
                    row["born"] = row["born"] and str(row["born"])
        self._join(ledger, rows, valid_on, known)
        return rows

    def _join(
        self, ledger: Ledger | SumLedger, rows: dict[str, Any], valid_on: date, known: int
    ) -> None:
        units = {
            unit: row_as_of(UNIT, unit, self.story.entries, valid_on, known)
            for unit in keys_of(UNIT, self.story)
        }
        sums = sums_as_of(BOOK, self.story.entries, valid_on, known)
        for row in rows.values():
            if ledger.name in {"toy_people", "toy_book"}:
                unit = units.get(row["unit"])
                row["unit_name"] = unit and unit.name
            if ledger.name == "toy_people":
                lines = [line for key, line in sums.items() if key[0] == row["unit"]]
                free = sum(line["posts"] - line["taken"] - line["held"] for line in lines)
                row["unit_free"] = free if lines else None
            if ledger.name == "toy_movements":
                person = row_as_of(PERSON, row["person"], self.story.entries, valid_on, known)
                row["name"] = person and person.name

    def walk(self, name: str, asked: Asked, limit: int) -> list[Page]:
        """All pages of a question."""
        pages = [self.reader.page(name, asked, limit=limit)]
        while pages[-1].cursor:
            pages.append(self.reader.page(name, asked, cursor=pages[-1].cursor, limit=limit))
        return pages


@pytest.fixture
def library(toy_office: ToyOffice) -> Library:
    """A small library."""
    return Library(toy_office, 31, 150)


@pytest.fixture(scope="module")
def shelf(module_database: str) -> Iterator[Library]:
    """A library that this module's tests share, and only read."""
    with pytest.MonkeyPatch.context() as patch:
        toys.make_known(patch)
        office = ToyOffice(module_database)
        yield Library(office, 31, 150)
        office.close()


def found_in(pages: list[Page]) -> dict[str, dict[str, Any]]:
    """The rows of some pages by key; no key comes twice."""
    keys = [line.key for page in pages for line in page.lines]
    assert len(keys) == len(set(keys))
    return dict(zip(keys, [row for page in pages for row in page.rows()], strict=True))


# ── the law ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_pages_say_what_the_law_says(library: Library) -> None:
    """Every ledger, every row, every column, joined and derived ones too, at any clock."""
    said = 0
    for ledger in LEDGERS:
        for asked in library.points(8):
            pages = library.walk(ledger.name, asked, limit=7)
            lawful = library.lawful(ledger, asked)
            assert found_in(pages) == lawful, (ledger.name, asked)
            assert all(len(page.lines) == 7 for page in pages[:-1])
            assert {(p.seen.valid_on, p.seen.position) for p in pages} == {
                (asked.valid_on, asked.known or library.story.head)
            }
            count, seen = library.reader.count(ledger.name, asked)
            assert count == len(lawful)
            assert seen == pages[0].seen
            with library.reader.stream(ledger.name, asked) as stream:
                streamed = list(stream.lines)
            assert streamed == [line for page in pages for line in page.lines]
            said += count
    assert said > 200


def test_a_question_evaluates_no_annotations(
    shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ledger's declaration says is worked out once: doing so takes as long as 100 pages."""
    for name in shelf.reader.ledgers:
        shelf.reader.page(name)

    def evaluated(*_: object, **__: object) -> None:
        pytest.fail("a question has evaluated a row's annotations")

    for module in (ledgers, ledger_tables):
        monkeypatch.setattr(module, "get_type_hints", evaluated)
    for name in shelf.reader.ledgers:
        shelf.reader.page(name)


def test_one_row_is_the_one_in_the_page(shelf: Library) -> None:
    """A row by its key, at any clock; nothing where the law says nothing."""
    for ledger in LEDGERS:
        for asked in shelf.points(3):
            lawful = shelf.lawful(ledger, asked)
            for key, row in lawful.items():
                assert shelf.reader.one(ledger.name, key, asked).rows() == [row]
    assert shelf.reader.one("toy_people", "P999").lines == ()


def test_rows_of_several_keys_are_those_in_the_page(shelf: Library) -> None:
    """All of them without a limit, in the ledger's order; of those that there are."""
    for ledger in LEDGERS:
        if isinstance(ledger, SumLedger):
            with pytest.raises(BadQuestion, match="只能按列查询"):
                shelf.reader.page(ledger.name, Asked(keys=["U1:admin"]))
            continue
        for clocks in shelf.points(3):
            every = shelf.reader.page(ledger.name, clocks, limit=None)
            wanted = [line.key for line in every.lines][::2]
            asked = replace(clocks, keys=[*reversed(wanted), "P999"])
            found = shelf.reader.page(ledger.name, asked, limit=None)
            assert (found.lines, found.total) == (every.lines[::2], len(wanted))
            assert shelf.reader.count(ledger.name, asked)[0] == len(wanted)
        assert len(every.lines) > 4
    begun = shelf.reader.page("toy_people", Asked(keys=["P1", "P2"]), limit=1)
    with pytest.raises(BadCursor):
        shelf.reader.page("toy_people", Asked(keys=["P1"]), cursor=begun.cursor, limit=1)


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("toy_people", ()),
        ("toy_people", ("name",)),
        ("toy_people", ("-name", "since")),
        ("toy_people", ("born",)),
        ("toy_people", ("-born", "moves")),
        ("toy_people", ("-since",)),
        ("toy_people", ("unit_name", "-moves")),
        ("toy_movements", ()),
        ("toy_movements", ("filed",)),
        ("toy_movements", ("-key",)),
        ("toy_movements", ("name", "-day")),
        ("toy_units", ("-posts", "name")),
        ("toy_book", ("-free",)),
        ("toy_book", ("unit_name", "-taken")),
        ("toy_book", ("over", "-unit")),
    ],
)
def test_pages_follow_each_other_in_any_order(
    shelf: Library, name: str, sort: tuple[str, ...]
) -> None:
    """Empty fields, equal fields, mixed directions, joined columns: no row is lost or doubled."""
    ledger = next(one for one in LEDGERS if one.name == name)
    for clocks in shelf.points(3):
        asked = Asked(sort=sort, valid_on=clocks.valid_on, known=clocks.known)
        pages = shelf.walk(name, asked, limit=3)
        rows = [row for page in pages for row in page.rows()]
        assert found_in(pages) == shelf.lawful(ledger, asked)
        for before, after in pairwise(rows):
            assert in_order(before, after, [one for one in sort if one != "-key"])


def in_order(before: dict[str, Any], after: dict[str, Any], sort: list[str]) -> bool:
    """Whether two rows stand in that order; an empty field is greater than any other."""
    for name in sort:
        down, one, other = (
            name.startswith("-"),
            *(r[name.removeprefix("-")] for r in (before, after)),
        )
        if one == other:
            continue
        smaller = one is not None and (other is None or one < other)
        return smaller != down
    return True


# ── filters ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "asked", "holds"),
    [
        ("toy_people", Asked(filters={"unit": "U1"}), lambda r: r["unit"] == "U1"),
        ("toy_people", Asked(filters={"unit": ["U1", "U2"]}), lambda r: r["unit"] in ("U1", "U2")),
        ("toy_people", Asked(filters={"late": "true"}), lambda r: r["late"]),
        ("toy_people", Asked(filters={"moves": "1"}), lambda r: r["moves"] == 1),
        ("toy_people", Asked(filters={"unit_name": None}), lambda r: r["unit_name"] is None),
        ("toy_people", Asked(filters={"unit_name": "甲局"}), lambda r: r["unit_name"] == "甲局"),
        (
            "toy_people",
            Asked(contains={"unit_name": "局"}),
            lambda r: "局" in (r["unit_name"] or ""),
        ),
        ("toy_people", Asked(contains={"name": "\\"}), lambda r: "\\" in r["name"]),
        ("toy_people", Asked(contains={"name": "%"}), lambda r: "%" in r["name"]),
        (
            "toy_people",
            Asked(at_least={"since": "2021-02-01"}, at_most={"since": date(2021, 6, 1)}),
            lambda r: date(2021, 2, 1) <= r["since"] <= date(2021, 6, 1),
        ),
        (
            "toy_movements",
            Asked(at_most={"filed": "2021-03-01T00:00:00+08:00"}, filters={"what": "toy.moved"}),
            lambda r: r["what"] == "toy.moved" and r["filed"] < datetime(2021, 3, 1, tzinfo=UTC),
        ),
        ("toy_book", Asked(filters={"unit": "U1"}), lambda r: r["unit"] == "U1"),
        ("toy_book", Asked(at_least={"free": 1}), lambda r: r["free"] >= 1),
        ("toy_book", Asked(filters={"unit_name": "甲局"}), lambda r: r["unit_name"] == "甲局"),
    ],
)
def test_filters_pick_from_what_the_law_says(
    shelf: Library, name: str, asked: Asked, holds: Any
) -> None:
    """Own, joined and derived columns; equal to, one of, containing, between, empty."""
    ledger = next(one for one in LEDGERS if one.name == name)
    at_once = 0
    for clocks in shelf.points(4):
        whole = Asked(
            filters=asked.filters, contains=asked.contains, at_least=asked.at_least,
            at_most=asked.at_most, valid_on=clocks.valid_on, known=clocks.known,
        )  # fmt: skip
        expected = {k: r for k, r in shelf.lawful(ledger, clocks).items() if holds(r)}
        assert found_in(shelf.walk(name, whole, limit=4)) == expected
        assert shelf.reader.count(name, whole)[0] == len(expected)
        at_once += len(expected)
    assert at_once or "%" in str(asked)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(filters={"nobody": "1"}), "nobody：不能按此列查询"),
        (Asked(filters={"name": "a\0b"}), "name（姓名）：应填文字"),
        (Asked(filters={"since": "2021-02-30"}), "since（到任日期）：应填日期"),
        (Asked(filters={"since": "20210201"}), "since（到任日期）：应填日期"),
        (Asked(filters={"moves": "1.5"}), "moves（调动次数）：应填整数"),
        (Asked(filters={"moves": "9" * 30}), "moves（调动次数）：应填整数"),
        (Asked(filters={"late": "yes"}), "late（补报）：应填是或否"),
        (Asked(contains={"moves": "1"}), "只有文字列"),
        (Asked(sort=("late",)), "late（补报）：不能按此列排序；可以的有：name（姓名）、"),
        (Asked(sort=("-nobody",)), "nobody：不能按此列排序"),
    ],
)
def test_a_question_that_cannot_be_asked_names_the_field(
    shelf: Library, asked: Asked, says: str
) -> None:
    """The clerk reads which field, and what it should look like."""
    with pytest.raises(BadQuestion, match=says):
        shelf.reader.page("toy_people", asked)
    with pytest.raises(BadQuestion, match=says), shelf.reader.stream("toy_people", asked):
        pass


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_limit(shelf: Library, limit: int) -> None:
    """Nobody asks for no row, or for all of them at once."""
    with pytest.raises(BadQuestion, match="每页行数应在1到1000之间"):
        shelf.reader.page("toy_people", limit=limit)


def test_ledgers_that_are_not_there(library: Library) -> None:
    """An unknown name, and a ledger whose rows have not been built."""
    with pytest.raises(NoSuchLedger, match="没有名为“roster”的台账"):
        library.reader.page("roster")
    with library.office.database.as_owner() as owner:
        owner.execute("DROP TABLE ledger_toy_units")
    with pytest.raises(NotBuilt, match="人员"):
        library.reader.page("toy_people")
    with pytest.raises(BadQuestion, match="单位编号:类型"):
        library.reader.one("toy_book", "U1")


# ── the clocks ───────────────────────────────────────────────────────────────────────────────


def test_now_is_today_in_the_office_and_the_head(shelf: Library) -> None:
    """Without clocks an answer stands at today and at the head, and says so."""
    seen = shelf.reader.page("toy_people").seen
    assert seen.position == shelf.story.head
    assert seen.at_head
    assert seen.known_at == shelf.story.entries[-1].recorded_at
    assert abs(seen.valid_on - datetime.now(UTC).date()) <= timedelta(days=1)


def test_moments_are_answered_at_the_last_append_before_them(shelf: Library) -> None:
    """A moment between two appends, exactly at one, before all, and beyond the head."""
    story = shelf.story
    some = story.appends[len(story.appends) // 2]
    at = some[-1].recorded_at
    for moment in (at, at + timedelta(microseconds=3)):
        seen = shelf.reader.page("toy_people", Asked(known_at=moment)).seen
        assert (seen.position, seen.known_at, seen.at_head) == (some[-1].position, at, False)
    before = shelf.reader.page("toy_people", Asked(known_at=at - timedelta(microseconds=1))).seen
    assert before.position == some[0].position - 1
    beyond = shelf.reader.page("toy_people", Asked(known_at=at + timedelta(days=9999))).seen
    assert (beyond.position, beyond.at_head) == (story.head, True)
    assert shelf.reader.page("toy_people", Asked(known=10**12)).seen == beyond


def test_no_question_falls_inside_an_append(shelf: Library) -> None:
    """A position inside an append is answered after all of it."""
    many = next(append for append in shelf.story.appends if len(append) > 2)
    seen = shelf.reader.page("toy_people", Asked(known=many[0].position)).seen
    assert seen.position == many[-1].position


def test_before_the_books_were_opened_there_is_no_answer(
    shelf: Library,
) -> None:
    """未建账 before 建账日, before the first entry, and in an office that has filed nothing."""
    reader = shelf.reader
    eve = toys.OPENED - timedelta(days=1)
    with pytest.raises(NotOpened, match=r"未建账.*2020年01月01日") as caught:
        reader.page("toy_people", Asked(valid_on=eve))
    assert caught.value.opened_on == toys.OPENED
    with pytest.raises(NotOpened):
        reader.count("toy_people", Asked(known_at=datetime(2000, 1, 1, tzinfo=UTC)))
    with pytest.raises(NotOpened):
        reader.one("toy_book", "U1:admin", Asked(known=0))
    assert reader.page("toy_people", Asked(valid_on=toys.OPENED)).seen.valid_on == toys.OPENED


def test_an_office_without_entries_is_not_opened(toy_office: ToyOffice) -> None:
    """Nothing filed: 未建账, and no day to name."""
    with pytest.raises(NotOpened, match=r"^未建账，没有可供查询的台账。$"):
        LedgerReader(toy_office.database, LEDGERS).page("toy_people")


# ── cursors ──────────────────────────────────────────────────────────────────────────────────


def test_pages_belong_together_whatever_is_filed_meanwhile(library: Library) -> None:
    """The cursor carries both clocks: later entries, late and voiding ones too, change nothing."""
    for name in ("toy_people", "toy_movements", "toy_book"):
        asked = Asked()
        at_once = [line for page in library.walk(name, asked, limit=1000) for line in page.lines]
        page = library.reader.page(name, asked, limit=3)
        lines = list(page.lines)
        while page.cursor:
            library.office.file_story(library.story.go_on(3), library.dice)
            page = library.reader.page(name, asked, cursor=page.cursor, limit=3)
            lines += page.lines
        assert lines == at_once
        assert not page.seen.at_head


def test_a_cursor_tells_no_name(shelf: Library) -> None:
    """Sorted by name or birth date, a cursor still holds no more than the row's key."""
    page = shelf.reader.page("toy_people", Asked(sort=("name", "born")), limit=2)
    assert page.cursor is not None
    said = base64.urlsafe_b64decode(page.cursor + "==").decode()
    assert page.lines[-1].key in said
    assert str(page.rows()[-1]["name"]) not in said


def test_a_cursor_of_another_question_is_refused(shelf: Library) -> None:
    """Other filters, another order, another ledger, other clocks, or nonsense."""
    cursor = shelf.reader.page("toy_people", limit=2).cursor
    assert cursor is not None
    for name, asked in (
        ("toy_people", Asked(filters={"unit": "U1"})),
        ("toy_people", Asked(sort=("name",))),
        ("toy_people", Asked(valid_on=date(2021, 5, 1))),
        ("toy_people", Asked(known=5)),
        ("toy_units", Asked()),
    ):
        with pytest.raises(BadCursor, match="从第一页重新查询"):
            shelf.reader.page(name, asked, cursor=cursor)
    for nonsense in ("", "x", "ä", cursor[:-3], "e30", "W10", "WzEsMiwzXQ", cursor + "!!"):
        with pytest.raises(BadCursor):
            shelf.reader.page("toy_people", cursor=nonsense)


# ── together with a rebuild ──────────────────────────────────────────────────────────────────


def test_readers_never_see_an_empty_ledger_while_tables_are_swapped(library: Library) -> None:
    """Questions asked all through several rebuilds are all answered in full."""
    expected = library.reader.count("toy_people")[0]
    assert expected > 5
    stop, found, errors = threading.Event(), set[int](), list[Exception]()

    def ask() -> None:
        while not stop.is_set():
            try:
                found.add(library.reader.count("toy_people")[0])
            except Exception as error:  # noqa: BLE001  (to be looked at by the test)
                errors.append(error)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for _ in range(4):
        rebuild(library.office.database, library.office.ring, LEDGERS)
    stop.set()
    for asker in askers:
        asker.join()
    assert errors == []
    assert found == {expected}


# ── the history of a row ─────────────────────────────────────────────────────────────────────


def test_a_history_tells_every_version_and_its_entry(shelf: Library) -> None:
    """For every person: each version stems from an entry about him, and both clocks agree."""
    corrected = taken_back = 0
    for key in keys_of(PERSON, shelf.story):
        history = shelf.reader.history("toy_people", key)
        known = [version.known_from for version in history.versions]
        assert known == sorted(known, reverse=True)
        for version in history.versions:
            entry = shelf.story.entries[version.position - 1]
            assert f"person:{key}" in entry.tags
            assert version.known_at == shelf.story.entries[version.known_from - 1].recorded_at
            assert version.values is not None
            row = row_as_of(
                PERSON, key, shelf.story.entries, version.valid_from, version.known_from
            )
            assert row is not None
            assert version.values == row._asdict()
            corrected += version.corrects is not None
            taken_back += version.taken_back_by is not None
    assert corrected > 3
    assert taken_back > 3


def test_a_history_tells_field_by_field_what_changed(toy_office: ToyOffice) -> None:
    """A move changes the unit; a correction of it says what had been said before."""
    story = Story(1)
    day = date(2021, 3, 1)
    entered = story.entry(toys.Entered(person="P1", unit="U1", name="张三"), day)
    story.append([entered])
    moved = story.entry(toys.Moved(person="P1", source="U1", unit="U2"), date(2021, 5, 1))
    (moved,) = story.append([moved])
    again = story.entry(
        toys.Moved(person="P1", source="U1", unit="U3"), date(2021, 5, 1), place=moved.place
    )
    story.append([story.void(moved), again])
    toy_office.file(story.appends)
    reader = LedgerReader(toy_office.database, LEDGERS)
    third, second, first = reader.history("toy_people", "P1").versions
    assert [(one.position, one.known_from) for one in (first, second, third)] == [
        (2, 2),
        (3, 3),
        (5, 5),
    ]
    assert [one.name for one in first.changes] == ["name", "unit", "since", "kind", "moves", "late"]
    assert first.changes[0] == ("name", "姓名", None, "张三", True)
    assert (first.valid_to, first.ended_by, first.taken_back_by) == (date(2021, 5, 1), 3, None)
    assert ("unit", "单位编号", "U1", "U2", False) in second.changes
    assert (second.taken_back_by, second.corrects) == (5, None)
    assert second.taken_back_at == story.entries[-1].recorded_at
    assert third.corrects == (("unit", "单位编号", "U2", "U3", False),)
    assert ("unit", "单位编号", "U1", "U3", False) in third.changes
    earlier = reader.history("toy_people", "P1", Asked(known=3))
    assert [one.taken_back_by for one in earlier.versions] == [None, None]
    assert [one.valid_to for one in earlier.versions] == [None, date(2021, 5, 1)]


def test_the_history_of_a_sum_adds_up(shelf: Library) -> None:
    """Each dated change, the sums from its day on, and what was taken back."""
    for key in shelf.lawful(BOOK, Asked(valid_on=FOREVER)):
        history = shelf.reader.history("toy_book", key)
        for version in history.versions:
            if version.values is None:
                assert version.taken_back_by is not None
                continue
            sums = sums_as_of(BOOK, shelf.story.entries, version.valid_from, shelf.story.head)
            line = sums.get(tuple(key.split(":")), dict.fromkeys(BOOK.measures, 0))
            assert dict(version.values) == {n: line[n] for n in ("posts", "taken")}
        assert any(version.values is None for version in history.versions) or len(key) > 8


def test_a_long_history_comes_in_pieces(shelf: Library) -> None:
    """Pieces end with an append, and together are the whole."""
    whole = shelf.reader.history("toy_book", "U1:admin", limit=10_000)
    assert whole.before is None
    piece = shelf.reader.history("toy_book", "U1:admin", limit=4)
    versions = list(piece.versions)
    while piece.before is not None:
        piece = shelf.reader.history("toy_book", "U1:admin", before=piece.before, limit=4)
        versions += piece.versions
    assert tuple(versions) == whole.versions
    assert len(versions) > 20
