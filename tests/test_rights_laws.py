"""Laws of rights lists that hold in every history: identity of totals, one heading one item."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.books import LEDGERS
from application.ledgers import OPEN_POSITION
from application.standings import Standings
from domain.rights import Item, ItemFact
from domain.rights_catalogue import Catalogue
from domain.rights_matters import (
    Matter,
    MatterBegan,
    MatterEnded,
    MatterEvaluated,
    MatterHandedOver,
)
from domain.vocabulary import live
from tests.history import own_facts
from tests.rights_histories import (
    FIRST,
    STEPS,
    STEPS_TAKEN,
    RightsHistory,
    Step,
    lived,
    steps_of,
)
from tests.shelf import Kept

RUN = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = [FIRST + timedelta(days=n) for n in range(-1, STEPS + 5, 9)]
FLOWS = (("opened", 1), ("added", 1), ("removed", -1), ("moved_in", 1), ("moved_out", -1))
RESHAPED = (("reshaped_in", 1), ("reshaped_out", -1))


def test_most_steps_are_accepted_and_every_fact_about_items_occurs() -> None:
    """Random filings are mostly refused, and then the laws are asleep: prove that they are not."""
    accepted = refused = 0
    facts: Counter[str] = Counter()
    for seed in range(6):
        history = lived(steps_of(seed, 40))
        accepted, refused = accepted + history.accepted, refused + history.refused
        facts.update(entry.fact.fact_name for entry in history.memory.entries)
    assert accepted > refused
    kinds = (ItemFact, MatterBegan, MatterEnded, MatterHandedOver, MatterEvaluated)
    told = {name for name, fact in own_facts().items() if issubclass(fact, kinds)}
    assert len(told) >= 15
    assert told - facts.keys() == set()


def check_totals(history: RightsHistory) -> None:
    """Previous + added − removed = now, by department and category, between any two days."""
    sums = {day: history.sums("rights_summary", day) for day in DAYS}
    for day in DAYS:
        rows = history.rows("rights_items", day).values()
        counted = Counter((row.department, row.level, row.category) for row in rows)
        assert counted == +Counter({key: line["items"] for key, line in sums[day].items()})
    for before, after in zip(DAYS, DAYS[2:], strict=False):
        for key, line in sums[after].items():
            was = sums[before].get(key, dict.fromkeys(line, 0))
            moved = sum(sign * (line[name] - was[name]) for name, sign in (*FLOWS, *RESHAPED))
            assert was["items"] + moved == line["items"]


def check_headings(history: RightsHistory) -> None:
    """No two items of a department stand under one heading; catalogue and ledger agree."""
    for day in DAYS:
        rows = history.rows("rights_items", day)
        headings = [(r.department, r.category, r.name, r.sub_name) for r in rows.values()]
        assert len(headings) == len(set(headings))
        for who in (history.farms, history.woods, history.town):
            catalogue = history.standings.of(Catalogue, who)
            listed = {
                line.item: (line.heading.name, line.text.digest) for line in catalogue.on(day)
            }
            own = {item: row for item, row in rows.items() if row.department == who}
            assert listed == {item: (row.name, row.digest) for item, row in own.items()}


def check_conditions(history: RightsHistory) -> None:
    """The standing of an item and its row say the same, and nothing stands without footing."""
    items = {item for e in live(history.memory.entries) for item in e.subjects("item")}
    anew = Standings(history.memory)
    for item in items:
        standing = history.standings.of(Item, item)
        assert standing == anew.of(Item, item)
        assert standing.misfits == ()
        for day in DAYS:
            now, row = standing.on(day), history.row("rights_items", item, day)
            if now is None or not now.status.on_the_list:
                assert row is None
                continue
            assert (row.department, row.status, row.digest) == (
                now.department,
                now.status.value,
                now.digest,
            )


def check_lineage(history: RightsHistory) -> None:
    """Who names another as what it became is named by it as what it came from."""
    items = {item for e in live(history.memory.entries) for item in e.subjects("item")}
    for item in items:
        for condition in history.standings.of(Item, item).conditions:
            if condition.status.value in ("merged", "split"):
                for successor in condition.successors:
                    began = history.standings.of(Item, successor).conditions[0]
                    assert item in began.sources


def check_matters(history: RightsHistory) -> None:
    """No township has a matter twice, none rests on what has left its list, and all are counted."""
    for day in DAYS:
        rows = history.rows("rights_matters", day)
        standing = {key: row for key, row in rows.items() if row.state in ("listed", "handed-over")}
        names = [(row.township, row.name) for row in standing.values()]
        assert len(names) == len(set(names))
        for key, row in standing.items():
            assert history.standings.of(Matter, key).stands_on(day)
            for item in filter(None, row.items.split("、")):
                now = history.standings.of(Item, item).on(day)
                assert now is not None
                assert now.status.on_the_list or now.status.value in ("merged", "split")
        counted = Counter((r.township, r.origin or "", r.duty or "") for r in standing.values())
        sums = history.sums("rights_matters_summary", day)
        assert counted == +Counter({key: line["matters"] for key, line in sums.items()})


def check_all(steps: list[Step]) -> None:
    """Everything that must hold."""
    history = lived(steps)
    check_totals(history)
    check_headings(history)
    check_conditions(history)
    check_lineage(history)
    check_matters(history)


@RUN
@given(STEPS_TAKEN)
def test_totals_close_and_headings_are_held_once(steps: list[Step]) -> None:
    """On every day, as known in the end."""
    check_all(steps)


@pytest.mark.parametrize("seed", range(3))
def test_totals_close_in_long_histories(seed: int) -> None:
    """The same over many filings."""
    check_all(steps_of(seed, 50))


def test_a_guard_that_sleeps_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the soundness check after each command some history breaks a law.

    That of the catalogues is seen in `tests/test_rights.py`: two under one heading are rare here.
    """
    monkeypatch.setattr(Standings, "misfits", lambda _self, _about: set())

    def breaks(seed: int) -> bool:
        try:
            check_all(steps_of(seed, 50))
        except AssertionError:
            return True
        return False

    assert any(breaks(seed) for seed in range(6))


@RUN
@given(STEPS_TAKEN, st.integers(-1, STEPS + 5), st.data())
def test_stored_rows_say_what_the_law_says(
    steps: list[Step], day: int, data: st.DataObject
) -> None:
    """At any point of the two clocks, for every ledger of rights lists."""
    shelf = Kept([one for name, one in LEDGERS.items() if name.startswith("rights_")])
    history = RightsHistory(shelf.absorb)
    for step in steps:
        history.take(step)
    valid: date = FIRST + timedelta(days=day)
    shelf.hold_to_the_law(valid, data.draw(st.sampled_from(shelf.steps)))
    assert shelf.hold_to_the_law(FIRST + timedelta(days=STEPS), OPEN_POSITION - 1) > 4
