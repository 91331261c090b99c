"""A long filing is one append, however many parts it is carried out in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from application import journal, journal_parts
from application.filing import Filing, KeyReused, Outcome, Receipt
from application.keeping import Keeper
from application.ledgers import LEDGERS as BOOKS
from application.ledgers import Ledger
from bench.workload import District
from domain.deciding import Command, Refused
from domain.staffing import person_is_in_no_establishment
from domain.vocabulary import Entry
from infrastructure.filing import FilingTransaction
from infrastructure.keys import KeyRing
from infrastructure.office import Office
from infrastructure.verifying import verify
from tests import toy_office as toys
from tests.databases import MASTER_KEY
from tests.shelf import Shelf
from tests.toy_office import LEDGERS, Story, dice_of

toy_facts = toys.toy_facts
DAY = date(2026, 11, 2)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a part be two commands, and nothing be remembered from one to the next."""
    monkeypatch.setattr(journal_parts, "PART", 2)
    monkeypatch.setattr(journal_parts, "KEPT", 0)


@pytest.fixture
def district(office: Office) -> District:
    """A district of two institutions with room for everybody."""
    return District(office, institutions=2)


def long(office: Office, commands: list[Command], **more: Any) -> tuple[Receipt, list[Outcome]]:
    """File commands part by part; return the receipt and what was heard."""
    heard: list[Outcome] = []
    filing = Filing(tuple(commands), "clerk", hear=heard.append, **more)
    return office.writer.do(filing), heard


def refusals(office: Office) -> list[str]:
    """The rules of the refusals that are kept aside."""
    with office.database.pool.connection() as connection:
        return [row[0] for row in connection.execute("SELECT rule FROM refusals").fetchall()]


def assert_sound(office: Office) -> None:
    """Hold that stored ledgers and journal agree, row by row and step by step."""
    ring = KeyRing(MASTER_KEY)
    with office.database.as_owner() as connection:
        ring.open(connection)
    verdict = verify(office.database, ring, BOOKS.values())
    assert (verdict.head, verdict.faults, verdict.differences) == (
        office.journal.head()[0],
        (),
        (),
    )


def test_it_is_one_append_with_one_moment_and_one_step(office: Office, district: District) -> None:
    """Refused members are left out; who came in with an earlier part is known to the later."""
    before = office.journal.head()[0]
    people = district.entering(5, DAY)
    commands = [people[0], people[1], people[0], people[2], people[3], people[0], people[4]]
    receipt, heard = long(office, commands, partial=True)
    assert [bool(one.entries) for one in heard] == [True, True, False, True, True, False, True]
    told = {one.refused.rule.name for one in heard if one.refused is not None}
    assert told == set(refusals(office))
    assert len(told) == 1
    assert (receipt.first, receipt.last) == (before + 1, before + 10)
    entries = [office.journal.entry(n) for n in range(receipt.first, receipt.last + 1)]
    assert {entry.recorded_at for entry in entries if entry} == {receipt.recorded_at}
    assert_sound(office)


def test_what_is_filed_next_stands_on_it(office: Office, district: District) -> None:
    """Nothing that was forgotten on the way is missed afterwards."""
    people = district.entering(3, DAY)
    long(office, people)
    with pytest.raises(Refused) as refused:
        office.writer.do(Filing((people[0],), "clerk"))
    assert refused.value.positions
    office.writer.do(Filing(tuple(district.entering(2, DAY)), "clerk"))
    assert_sound(office)


def test_one_refusal_takes_all_parts_back(office: Office, district: District) -> None:
    """Unless it may be left out: nothing is recorded but the refusal, and work goes on."""
    before = office.journal.head()
    people = district.entering(4, DAY)
    with pytest.raises(Refused):
        long(office, [*people, people[0]])
    assert office.journal.head() == before
    assert len(refusals(office)) == 1
    receipt, _ = long(office, people)
    assert receipt.first == before[0] + 1
    assert_sound(office)


def test_a_dry_run_says_the_same_and_leaves_nothing(office: Office, district: District) -> None:
    """Neither entries nor refusals, nor anything remembered that is not so."""
    before = office.journal.head()
    people = district.entering(4, DAY)
    commands = [*people, people[1]]
    tried, said = long(office, commands, partial=True, dry_run=True)
    assert (office.journal.head(), refusals(office)) == (before, [])
    done, heard = long(office, commands, partial=True)
    assert (tried.first, tried.last) == (done.first, done.last)
    assert [len(one.entries) for one in said] == [len(one.entries) for one in heard]
    assert_sound(office)


def test_whoever_files_does_not_wait_for_a_dry_run(office: Office, district: District) -> None:
    """It is tried on the books as they stood, beside those who go on filing; both are right."""
    first, second, third, *others = district.entering(6, DAY)
    filed: list[Receipt] = []
    heard: list[Outcome] = []

    def hear(outcome: Outcome) -> None:
        if not heard:  # after the first of them, somebody files the second and another
            filed.append(office.writer.do(Filing((second, *others), "clerk")))
        heard.append(outcome)

    tried = (first, second, third, second)
    receipt = office.writer.do(Filing(tried, "clerk", partial=True, dry_run=True, hear=hear))
    assert [bool(one.entries) for one in heard] == [True, True, True, False]
    assert (receipt.dry_run, receipt.first) == (True, filed[0].first)
    assert office.journal.head()[0] == filed[0].last
    receipt, heard = long(office, [first, second, third], partial=True)
    assert [bool(one.entries) for one in heard] == [True, False, True]
    assert_sound(office)


def test_a_long_filing_is_tried_the_same_way_if_nobody_hears(
    office: Office, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its receipt holds the outcomes; without ``partial`` one refusal is raised for all."""
    monkeypatch.setattr(journal, "LONG", 2)
    people = district.entering(3, DAY)
    before = office.journal.head()
    tried = Filing((*people, people[0]), "clerk", partial=True, dry_run=True)
    receipt = office.writer.do(tried)
    assert [bool(one.entries) for one in receipt.outcomes] == [True, True, True, False]
    with pytest.raises(Refused):
        office.writer.do(replace(tried, partial=False))
    assert office.journal.head() == before
    assert not refusals(office)


def test_a_fault_in_a_later_part_takes_all_parts_back(
    office: Office, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller is told, the journal is as before, and the next filing is recorded."""
    before = office.journal.head()
    add, times = FilingTransaction.add, iter([False, True])

    def failing(self: FilingTransaction, entries: Any) -> None:
        add(self, entries)
        if next(times):
            raise OSError("示范故障")

    monkeypatch.setattr(FilingTransaction, "add", failing)
    people = district.entering(4, DAY)
    with pytest.raises(OSError, match="示范故障"):
        long(office, people)
    monkeypatch.undo()
    assert office.journal.head() == before
    assert long(office, people)[0].first == before[0] + 1
    assert_sound(office)


def test_the_same_request_again_answers_with_the_first(office: Office, district: District) -> None:
    """And the key with other commands is refused."""
    people = district.entering(3, DAY)
    first, _ = long(office, people, key="k")
    again, heard = long(office, people, key="k")
    assert (again.first, again.last, again.recorded_at) == (
        first.first,
        first.last,
        first.recorded_at,
    )
    assert again.replayed
    assert heard == []
    with pytest.raises(KeyReused):
        long(office, people[:2], key="k")


def test_neighbours_are_filed_as_if_it_were_not_there(office: Office, district: District) -> None:
    """Handed in together: each in its turn."""
    people = district.entering(6, DAY)
    heard: list[Outcome] = []
    filings = [
        Filing((people[0],), "clerk"),
        Filing(tuple(people[1:5]), "clerk", hear=heard.append),
        Filing((people[1],), "clerk"),
        Filing((people[5],), "clerk"),
    ]
    futures = [office.writer.submit(filing) for filing in filings]
    refused = futures[2].exception()
    assert isinstance(refused, Refused)
    assert refused.rule is person_is_in_no_establishment or refused.rule.name in refusals(office)
    receipts = [futures[n].result() for n in (0, 1, 3)]
    assert [one.first for one in receipts[1:]] == [one.last + 1 for one in receipts[:-1]]
    assert_sound(office)


# ── ledger rows ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("toy_facts")
@pytest.mark.parametrize("seed", range(60))
def test_rows_do_not_depend_on_the_parts(seed: int) -> None:
    """Appends that void nothing leave the same rows whole and in parts."""
    story = Story(seed).go_on(30)
    assert written(story, seed, parts=True) == written(story, seed, parts=False)


def written(story: Story, seed: int, *, parts: bool) -> dict[str, Any]:
    """Return every row and move that a keeper writes of a story."""
    dice, shelf = dice_of(seed), Shelf(LEDGERS)
    keeper = Keeper(LEDGERS, shelf, shelf.log)
    for append in story.appends:
        if not parts or any(entry.voids is not None for entry in append):
            shelf.hear(append)
            keeper.absorb(append)
        else:
            for part in cut(append, dice):
                shelf.hear(part)
                keeper.absorb_part(part)
                keeper.trim(dice.choice([0, 2, 100]))
            keeper.end_append(append[-1].position)
        taken = keeper.take()
        shelf.write(taken)
        keeper.settle(taken)
    ordinary = [one for one in LEDGERS if isinstance(one, Ledger)]
    rows = {one.name: sorted(map(_marks, shelf.rows_of(one))) for one in ordinary}
    assert any(rows.values())
    moves = {name: sorted(map(repr, moves)) for name, moves in shelf.moves.items()}
    return {"rows": rows, "moves": moves}


def cut(append: list[Entry], dice: random.Random) -> Iterator[list[Entry]]:
    """Cut an append into parts of one to three entries."""
    at = 0
    while at < len(append):
        part = append[at : at + dice.randint(1, 3)]
        at += len(part)
        yield part


def _marks(row: Any) -> tuple[Any, ...]:
    return (row.subject, row.vf, row.kf, row.ev, row.ek, row.ku, row.position, repr(row.row))
