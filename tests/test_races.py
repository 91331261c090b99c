"""Races with real threads on a real server: rules hold, nobody starves, nothing is doubled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from application.filing import Filing, KeyReused, Receipt
from application.ledgers import LEDGERS
from bench.workload import START, District, command
from domain.deciding import Refused
from infrastructure.keys import KeyRing
from infrastructure.ledger_reading import Asked
from infrastructure.office import Office
from infrastructure.verifying import verify
from tests.databases import MASTER_KEY

ROOT = Path(__file__).parents[1]
DAY = date(2026, 11, 2)


def race(acts: Sequence[Callable[[], Receipt]]) -> list[Receipt | Exception]:
    """Do all acts at the same moment; return what became of each, in order."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Receipt]) -> Receipt:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        futures: list[Future[Receipt]] = [pool.submit(run, act) for act in acts]
    return [future.exception() or future.result() for future in futures]  # type: ignore[misc]


def counts(office: Office, institution: str) -> dict[str, Any]:
    """Return the quota book's line of an institution."""
    page = office.ledgers.page("quota_book", Asked(filters={"institution": institution}))
    assert len(page.lines) == 1
    names = [column.name for column in page.columns]
    return dict(zip(names, page.lines[0].values, strict=True))


def unit_with(district: District, number: int) -> str:
    """Set up one more institution with so many slots."""
    receipt = district.office.writer.do(
        Filing(
            (
                command(
                    "opening.institution",
                    effective_on=START,
                    name=f"竞争单位{number}",
                    category="institution",
                    rank="40",
                    quotas=[{"quota_kind": "20", "number": number}],
                ),
            ),
            "test",
        )
    )
    return receipt.entries[0].subjects("institution")[0]


@pytest.mark.servers
def test_sixty_four_clerks_race_for_five_vacancies(office: Office) -> None:
    """Exactly five get in; fifty-nine are told which rule, and who holds the slots."""
    district = District(office, institutions=1)
    unit = unit_with(district, 5)
    commands = district.entering(64, DAY, institution=unit)
    acts = [
        lambda one=one, n=n: office.writer.do(Filing((one,), f"clerk-{n}", key=str(n)))
        for n, one in enumerate(commands)
    ]
    answers = race(acts)
    entered = [one for one in answers if isinstance(one, Receipt)]
    refused = [one for one in answers if isinstance(one, Refused)]
    assert (len(entered), len(refused)) == (5, 59)
    assert {one.rule.name for one in refused} == {"quota_has_a_vacancy"}
    holders = {entry.position for one in entered for entry in one.entries}
    for one in refused:
        assert set(one.positions) <= holders
        assert len(one.positions) == 5
    line = counts(office, unit)
    assert (line["approved"], line["occupied"], line["vacant"]) == (5, 5, 0)
    kept = office.database.pool
    with kept.connection() as connection:
        row = connection.execute("SELECT count(*) FROM refusals").fetchone()
    assert row == (59,)


def test_the_same_request_at_the_same_moment_files_once(office: Office) -> None:
    """One key, sixteen senders: one entry, the same answer for all."""
    district = District(office, institutions=1)
    one = district.entering(1, DAY)[0]
    answers = race([lambda: office.writer.do(Filing((one,), "clerk", key="k"))] * 16)
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len({(a.first, a.last) for a in answers if isinstance(a, Receipt)}) == 1
    assert sum(not a.replayed for a in answers if isinstance(a, Receipt)) == 1


def test_the_same_key_with_another_body_is_refused(office: Office) -> None:
    """At once, later, and in a later life of the program."""
    district = District(office, institutions=1)
    first, second = district.entering(2, DAY)
    office.writer.do(Filing((first,), "clerk", key="k"))
    with pytest.raises(KeyReused):
        office.writer.do(Filing((second,), "clerk", key="k"))
    office.writer.do(Filing((second,), "another clerk", key="k"))


def test_one_person_is_entered_once_however_many_units_want_him(office: Office) -> None:
    """Eight units race for the same person under the same ID number."""
    district = District(office, institutions=8)
    one = district.entering(1, DAY)[0]
    acts = [
        lambda unit=unit: office.writer.do(
            Filing((one.model_copy(update={"institution": unit}),), f"clerk-{unit}")
        )
        for unit in district.institutions
    ]
    answers = race(acts)
    assert sum(isinstance(answer, Receipt) for answer in answers) == 1
    assert sum(isinstance(answer, Refused) for answer in answers) == 7


@pytest.mark.servers
def test_two_programs_on_one_office_hold_the_rules_together(
    office: Office, empty_database: str
) -> None:
    """Two writers, each with a memory of its own, share five vacancies and then move quota."""
    district = District(office, institutions=2)
    unit = unit_with(district, 5)
    commands = district.entering(24, DAY, institution=unit)
    with Office(empty_database, MASTER_KEY) as other:
        offices = (office, other)
        acts = [
            lambda one=one, n=n: offices[n % 2].writer.do(Filing((one,), f"clerk-{n}"))
            for n, one in enumerate(commands)
        ]
        answers = race(acts)
        assert sum(isinstance(answer, Receipt) for answer in answers) == 5
        assert counts(other, unit)["occupied"] == 5
        moving = command(
            "quotas.cut-back",
            effective_on=DAY,
            basis=district.basis,
            institution=unit,
            quota_kind="20",
            number=1,
            reason="竞争",
        )
        with pytest.raises(Refused):
            other.writer.do(Filing((moving,), "clerk"))
    ring = KeyRing(MASTER_KEY)
    with office.database.as_owner() as connection:
        ring.open(connection)
    assert verify(office.database, ring, LEDGERS.values()).sound


def test_writers_of_three_processes_share_five_vacancies(
    office: Office, empty_database: str
) -> None:
    """This program and two more, each with its own writer: five get in, each position once."""
    district = District(office, institutions=1)
    unit = unit_with(district, 5)
    shares = [district.entering(16, DAY, institution=unit) for _ in range(3)]
    programs = [
        subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "racing_program.py"), empty_database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        for _ in shares[1:]
    ]
    assert [program.stdout.readline() for program in programs if program.stdout] == ["ready\n"] * 2
    for program, share in zip(programs, shares[1:], strict=True):
        assert program.stdin is not None
        program.stdin.write(json.dumps([(c.kind, c.model_dump(mode="json")) for c in share]) + "\n")
        program.stdin.flush()
    acts = [lambda one=one: office.writer.do(Filing((one,), "clerk")) for one in shares[0]]
    own = race(acts)
    said = [line for one in programs for line in json.loads(one.communicate(timeout=60)[0])]
    said += [
        [entry.position for entry in one.entries] if isinstance(one, Receipt) else [_rule_of(one)]
        for one in own
    ]
    entered = [line for line in said if line != ["quota_has_a_vacancy"]]
    assert (len(said), len(entered)) == (48, 5)
    positions = [position for line in entered for position in line]
    assert len(set(positions)) == len(positions) == 10
    line = counts(office, unit)
    assert (line["approved"], line["occupied"], line["usable"]) == (5, 5, 0)


def _rule_of(answer: Exception) -> str:
    assert isinstance(answer, Refused), answer
    return answer.rule.name


def test_a_command_that_fails_unexpectedly_harms_no_neighbour(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is rolled back and each filing tried alone: only the faulty one fails."""
    district = District(office, institutions=1)
    commands = district.entering(16, DAY)
    faulty = commands[7]
    original = type(faulty).decide

    def decide(self: Any, past: Any) -> Any:
        if self is faulty:
            raise ZeroDivisionError
        yield from original(self, past)

    monkeypatch.setattr(type(faulty), "decide", decide)
    acts = [lambda one=one: office.writer.do(Filing((one,), "clerk")) for one in commands]
    answers = race(acts)
    assert [isinstance(answer, ZeroDivisionError) for answer in answers].count(True) == 1
    assert sum(isinstance(answer, Receipt) for answer in answers) == 15
    positions = [e.position for a in answers if isinstance(a, Receipt) for e in a.entries]
    assert len(set(positions)) == 30
