"""Laws that hold in every history: late, future-dated, voided, corrected, refused."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.books import LEDGERS
from application.deciding import carry_out
from application.ledgers import (
    Ledger,
    SumLedger,
    sums_as_of,
)
from application.standings import Inquiry, Standings, is_large
from domain.deciding import KINDS, Book, Refused, Standing
from domain.quotas_accounts import POOL, QuotaBook
from domain.staffing import Entered
from domain.staffing_moves import Transferred
from domain.vocabulary import Entry, live
from tests.histories import FIRST, STEP, STEPS, STEPS_TAKEN, History, Step, steps_of
from tests.history import own_facts

RUN = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOAK = settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = [FIRST + timedelta(days=n) for n in range(-1, STEPS + 25, 5)]


def lived(steps: list[Step]) -> History:
    """A history in which these steps have been taken."""
    history = History()
    for step in steps:
        history.take(step)
    return history


# ── the histories themselves ─────────────────────────────────────────────────────────────────


def test_most_steps_are_accepted_and_every_kind_of_fact_occurs() -> None:
    """Random commands are mostly refused, and then the laws are asleep: prove that they are not."""
    accepted = refused = 0
    facts: Counter[str] = Counter()
    for seed in range(60):
        history = lived(steps_of(seed))
        accepted, refused = accepted + history.accepted, refused + history.refused
        facts.update(entry.fact.fact_name for entry in history.memory.entries)
    assert accepted > refused
    elsewhere = ("rights.", "laws.")  # their laws are held over histories of their own
    expected = {name for name in own_facts() if not name.startswith(elsewhere)}
    assert expected - facts.keys() == set()


# ── quotas and heads ─────────────────────────────────────────────────────────────────────────


def check_totals(history: History) -> None:
    """Σ institutions + pool = Σ ceilings, by both ledgers and by the books, on every day."""
    for day in DAYS:
        book, ceilings = history.sums("quota_book", day), history.sums("ceilings", day)
        for kind in ("10", "20"):
            granted = sum(line["approved"] for key, line in book.items() if key[1] == kind)
            line = ceilings.get((POOL, kind), {"ceiling": 0, "granted": 0, "pool": 0})
            assert line["granted"] == granted
            assert line["ceiling"] == granted + line["pool"]
            assert line["pool"] >= 0
        for (who, kind), line in book.items():
            totals = history.standings.of(QuotaBook, who).totals(kind, day)
            assert totals._asdict() == line


def check_heads(history: History) -> None:
    """Nobody is counted twice, and the roster and the book count the same heads."""
    for day in DAYS:
        roster = history.rows("roster", day).values()
        heads = Counter((row.institution, str(row.quota_kind)) for row in roster)
        book = history.sums("quota_book", day)
        occupied = Counter({key: line["occupied"] for key, line in book.items()})
        assert +heads == +occupied


def check_vacancies(history: History) -> None:
    """No unit has more heads than quota, but for the exception it came with; nor less than none."""
    came_with = Counter(
        entry.fact.institution  # type: ignore[attr-defined]
        for entry in live(history.memory.entries)
        if getattr(entry.fact, "excused", False)
    )
    for day in DAYS:
        for (who, kind), line in history.sums("quota_book", day).items():
            usable = line["approved"] - line["occupied"] - line["reserved"]
            assert usable >= -came_with[who], (who, kind, day)
            assert min(line.values()) >= 0


def check_lives(history: History) -> None:
    """Nobody and nothing is in an institution on a day on which it does not stand."""
    for day in DAYS:
        standing = {
            key
            for key, row in history.rows("institutions", day).items()
            if row.status == "standing"
        }
        holding = {who for (who, _) in history.sums("quota_book", day)}
        assert holding <= standing


def check_names(history: History) -> None:
    """No two bear the same name on a day."""
    for day in DAYS:
        rows = history.rows("institutions", day).values()
        names = [row.name for row in rows if row.status == "standing"]
        assert len(names) == len(set(names))


def check_numbers(history: History) -> None:
    """No two people bear the same ID number."""
    bearers: dict[str, set[str]] = {}
    for entry in live(history.memory.entries):
        identity = entry.fact.identity_field
        number = None if identity is None else getattr(entry.fact, identity)
        if number is not None:
            bearers.setdefault(number, set()).update(entry.subjects("person"))
    assert all(len(people) == 1 for people in bearers.values())


def check_notices(history: History) -> None:
    """Every unit's notices are numbered 1, 2, 3 … in each year, voided ones too."""
    given: dict[tuple[str, int], list[int]] = {}
    for entry in history.memory.entries:
        fact = entry.fact
        if isinstance(fact, Entered | Transferred):
            line = given.setdefault((fact.institution, fact.notice_year), [])
            line.append(fact.notice_number)
    for numbers in given.values():
        assert numbers == list(range(1, len(numbers) + 1))


@RUN
@given(STEPS_TAKEN)
def test_totals_close_and_nobody_is_counted_twice(steps: list[Step]) -> None:
    """On every day, as known in the end."""
    check_history(steps)


@pytest.mark.parametrize("seed", range(12))
def test_totals_close_in_long_histories(seed: int) -> None:
    """The same over many filings, in which late ones, voids and corrections meet."""
    check_history(steps_of(seed, 120))


@pytest.mark.parametrize("seed", [100, 101])
def test_totals_close_after_every_entry(seed: int) -> None:
    """Σ institutions + pool = Σ ceilings on every day, late and future-dated filings included."""
    histories: list[History] = []
    days: list[date] = []

    def watch(entries: list[Entry]) -> None:
        days.extend(e.effective_on for e in entries if e.effective_on is not None)
        for history in histories:
            check_totals(history)

    history = History(watch)
    histories.append(history)
    for step in steps_of(seed, 60):
        history.take(step)
    assert min(days) < history.today < max(days)


@pytest.mark.soak
@SOAK
@given(STEPS_TAKEN)
def test_totals_close_in_very_many_histories(steps: list[Step]) -> None:
    """The same, at length."""
    check_history(steps)


def check_history(steps: list[Step]) -> None:
    """Everything that must hold between the books."""
    history = lived(steps)
    check_totals(history)
    check_heads(history)
    check_vacancies(history)
    check_lives(history)
    check_names(history)
    check_numbers(history)
    check_notices(history)


# ── standings ────────────────────────────────────────────────────────────────────────────────


def snapshot(standings: Standings, tags: list[str]) -> dict[tuple[str, str], Any]:
    """Everything that stands about these subjects, in a form that can be compared."""
    found: dict[tuple[str, str], Any] = {}
    for tag in tags:
        kind, _, who = tag.partition(":")
        for one in KINDS.get(kind, ()):
            if issubclass(one, Standing):
                found[tag, one.__name__] = standings.of(one, who)
            elif issubclass(one, QuotaBook):
                found[tag, one.__name__] = _answers(standings.of(one, who))
            elif issubclass(one, Book):
                found[tag, one.__name__] = vars(standings.of(one, who))
    return found


def _answers(book: QuotaBook) -> list[Any]:
    return [
        (kind, day, book.totals(kind, day), book.usable(kind, day), book.takers(kind, day))
        for kind in sorted(book.kinds())
        if any(any(book.totals(kind, day)) for day in DAYS)
        for day in DAYS
    ]


def all_tags(entries: list[Entry]) -> list[str]:
    """Every tag of these entries."""
    return sorted({tag for entry in entries for tag in entry.tags})


@RUN
@given(STEPS_TAKEN)
def test_what_stands_is_what_folding_anew_gives(steps: list[Step]) -> None:
    """However it came about: advanced, refolded, undone."""
    history = lived(steps)
    tags = all_tags(history.memory.entries)
    assert any(is_large(tag.partition(":")[0]) for tag in tags)
    assert comparable(snapshot(history.standings, tags)) == comparable(
        snapshot(Standings(history.memory), tags)
    )


def comparable(value: Any) -> Any:
    """Books keep empty lines where a refused filing had been: the same as none."""
    if isinstance(value, dict):
        lines = {key: comparable(one) for key, one in value.items()}
        return {key: one for key, one in lines.items() if one}
    if isinstance(value, list) and not any(value):
        return []
    return value


@RUN
@given(STEPS_TAKEN, st.lists(STEP, min_size=1, max_size=8))
def test_the_same_command_decided_twice_gives_the_same(
    steps: list[Step], tries: list[Step]
) -> None:
    """Deciding remembers nothing: neither an accepted nor a refused trial leaves a trace."""
    history = lived(steps)
    tags = all_tags(history.memory.entries)
    before = snapshot(history.standings, tags)
    for step in tries:
        for command in history.asked(step):
            assert trial(history, command) == trial(history, command)
    assert comparable(snapshot(history.standings, tags)) == comparable(before)


def trial(history: History, command: Any) -> Any:
    """What filing the command would record, or by which rule it would be refused; undone."""
    mark, ids = history.standings.mark, history.memory.ids
    made: list[Entry] = []

    def make_entry(draft: Any) -> Entry:
        position = len(history.memory.entries) + len(made) + 1
        made.append(history._entry(draft, position, history.memory.entries[-1].recorded_at))
        return made[-1]

    try:
        carry_out(command, Inquiry(history.standings, history.today, history.actor), make_entry)
    except Refused as refused:
        return refused.rule.name, str(refused), refused.positions
    finally:
        history.standings.undo_to(mark)
        history.memory.ids = ids
    return made


# ── ledgers ──────────────────────────────────────────────────────────────────────────────────

ORDINARY = [one for one in LEDGERS.values() if isinstance(one, Ledger)]
SUMS = [one for one in LEDGERS.values() if isinstance(one, SumLedger)]


@RUN
@given(STEPS_TAKEN, STEPS_TAKEN)
def test_the_past_never_changes(steps: list[Step], later: list[Step]) -> None:
    """What a ledger said as known at a position it says for ever."""
    history = lived(steps)
    known = len(history.memory.entries)
    before = as_known(history, known)
    for step in later:
        history.take(step)
    assert as_known(history, known) == before


def as_known(history: History, known: int) -> dict[str, Any]:
    """Everything that the ledgers say as known at a position, on some days."""
    said: dict[str, Any] = {}
    for day in (FIRST, history.today, FIRST + timedelta(days=STEPS + 20)):
        for ledger in ORDINARY:
            said[f"{ledger.name}@{day}"] = history.rows(ledger.name, day, known)
        for book in SUMS:
            said[f"{book.name}@{day}"] = sums_as_of(book, history.memory.entries, day, known)
    return said


@RUN
@given(STEPS_TAKEN)
def test_every_entry_is_tagged_with_every_account_it_moves(steps: list[Step]) -> None:
    """Or its book would never hear of it; and with one person at the most."""
    for entry in lived(steps).memory.entries:
        moved = {slot.holder for slot in entry.slots()}
        assert moved <= set(entry.subjects("account"))
        assert len(entry.subjects("person")) <= 1


@RUN
@given(STEPS_TAKEN)
def test_every_transfer_conserves(steps: list[Step]) -> None:
    """As much comes in as goes out: approved between accounts, heads between units."""
    for entry in lived(steps).memory.entries:
        name = entry.fact.fact_name
        moved: Counter[str] = Counter()
        for slot in entry.slots():
            moved[slot.measure] += slot.n
        if name in ("quotas.granted", "quotas.cut-back", "quotas.transferred"):
            assert moved["approved"] == 0
        if name == "staffing.transferred":
            assert moved["occupied"] == 0
        assert moved["reserved"] == 0  # every reservation ends


# ── the laws are awake ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("guard", ["broken", "misfits"])
def test_a_guard_that_sleeps_is_caught_by_the_laws(
    guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the soundness check after each command some history breaks a law."""
    monkeypatch.setattr(Standings, guard, lambda _self, _about: set())
    assert any(breaks_a_law(seed) for seed in range(12))


def breaks_a_law(seed: int) -> bool:
    """Whether this long history breaks a law."""
    try:
        check_history(steps_of(seed, 120))
    except AssertionError:
        return True
    return False
