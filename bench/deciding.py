"""What a decision costs, beside the same decision about an institution with a shorter history.

Half of the filings are out of order (somewhere in the last four years), one in twenty voids an
earlier one. Each is decided as the writer does it, all rules and the net included, and then taken
back, so that the histories stay as long as they are. Warm: what stands is remembered, as the
writer remembers it. Cold: the writer has just started and has decided about another institution.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from application.deciding import carry_out
from application.filing import Filing
from application.standings import Inquiry, Standings
from bench.measuring import median
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.workload import START, District, command
from domain.deciding import Command, Draft
from domain.vocabulary import Entry
from infrastructure.office import Office

SHORT, LONG = 100, 10_000
FILINGS, ROUNDS = 200, 7
TODAY = date(2026, 6, 30)


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    long = place.size(LONG, 2 * SHORT)
    with place.office("deciding") as office:
        district = District(office, institutions=2)
        histories = []
        for home, entries in zip(district.institutions, (SHORT, long), strict=True):
            tell(f"deciding: filing {entries:,} entries about one institution")
            histories.append(_History(office, district, home, entries))
        warm: tuple[list[float], list[float]] = ([], [])
        for n in range(ROUNDS + 1):
            tell(f"deciding: round {n} of {ROUNDS}")
            for history, times in zip(histories, warm, strict=True):
                took = history.decide_all()
                if n:  # the first round has warmed up
                    times.append(took)
        pairs = ((histories[0], histories[1]), (histories[1], histories[0]))
        cold = [median([one.cold(other) for _ in range(ROUNDS)]) for one, other in pairs]
    small, large = median(warm[0]), median(warm[1])
    return [
        Line(
            f"a decision, warm, {long:,} entries about the institution / {SHORT}",
            "µs",
            large,
            small,
            Goal.times_within(0.2, large, small),
        ),
        Line("… cold / same", "ms", cold[1], cold[0], Goal.at_most(2, cold[1])),
    ]


class _History:
    """An institution with some entries, and filings about it that are decided again and again."""

    def __init__(self, office: Office, district: District, home: str, entries: int) -> None:
        self.office, self.home = office, home
        chance = random.Random(1)
        filed: list[Entry] = []
        days = [START + timedelta(days=chance.randrange(1400)) for _ in range(entries)]
        for start in range(0, entries, 5_000):
            people = [
                one
                for day in days[start : start + 5_000]
                for one in district.entering(1, day, institution=home)
            ]
            filed += office.writer.do(Filing(tuple(people), "bench")).entries
        moved = [entry for entry in filed if entry.fact.fact_name == "staffing.entered"]
        self.filings = list(_filings(district, home, moved, chance))
        self.standings = Standings(office.store)

    def decide_all(self) -> float:
        """Decide all filings once; return the microseconds of each, on average."""
        start = time.perf_counter()
        self.standings.foresee(self.filings)
        for one in self.filings:
            _decide(one, self.standings)
        return (time.perf_counter() - start) / len(self.filings) * 1e6

    def cold(self, other: _History) -> float:
        """Decide one filing by what an office's settings say; return the milliseconds."""
        standings = Standings(self.office.store)
        _decide(other.filings[0], standings)
        start = time.perf_counter()
        standings.foresee(self.filings[:1])
        _decide(self.filings[0], standings)
        return (time.perf_counter() - start) * 1e3


def _filings(
    district: District, home: str, moved: Sequence[Entry], chance: random.Random
) -> list[Command]:
    made: list[Any] = []
    for n in range(FILINGS):
        if n % 20 == 19:  # noqa: PLR2004  (one in twenty)
            target = chance.choice(moved)
            made.append(command("journal.void", positions=[target.position], reason="录入错误"))
            continue
        late = timedelta(days=chance.randrange(1400)) if n % 2 else timedelta(days=1500 + n)
        made += district.entering(1, START + late, institution=home)
    return made


def _decide(one: Command, standings: Standings) -> None:
    """Decide as the writer does, and take everything back."""
    mark, position = standings.mark, 10_000_000

    def make_entry(draft: Draft) -> Entry:
        nonlocal position
        position += 1
        return Entry(
            position=position,
            id=standings.source.new_id(),
            recorded_at=datetime(2026, 6, 30, tzinfo=UTC),
            effective_on=draft.effective_on,
            place=draft.place or position,
            actor="bench",
            prepared_by="bench",
            approved_by=None,
            basis=one.basis,
            note=one.note,
            secrecy=one.secrecy,
            tags=draft.tags or (),
            fact=draft.fact,
            voids=draft.voids,
            target=draft.target,
        )

    entries = carry_out(one, Inquiry(standings, TODAY, "bench"), make_entry)
    assert entries
    standings.undo_to(mark)
