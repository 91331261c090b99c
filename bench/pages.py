"""Reading ledgers of a grown journal: a page as of any day on both clocks, beside a bare look-up.

The bare look-up is one prepared statement over a table of nothing but the same rows as they are
now, with an index that covers them: what nobody can be faster than who keeps no history.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg

from bench.grown import busiest, grown
from bench.measuring import median, quantile, times_ms
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.workload import START
from infrastructure.ledger_questions import Asked
from infrastructure.office import Office

ENTRIES = 500_000
PAGE = 100
TIMES, ROUNDS = 60, 7


@dataclass
class Question:
    """A question asked again and again, and the milliseconds that answers took."""

    ask: Callable[[], object]
    times: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """The median."""
        return median(self.times)


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    entries = place.size(ENTRIES, 5_000)
    with grown(place, entries) as office, _bare(place.url, office) as bare:
        questions = _questions(office, bare)
        for n in range(ROUNDS):
            tell(f"pages: round {n + 1} of {ROUNDS}")
            for one in questions.values():
                one.times += times_ms(one.ask, TIMES)
        return _lines(questions, office.journal.head()[0])


def _questions(office: Office, bare: Callable[[str], object]) -> dict[str, Question]:
    """Return the questions; each asks about other institutions, days and positions in turn."""
    chance = random.Random(1)
    homes = busiest(office)
    home = itertools.cycle(homes)
    head = office.journal.head()[0]

    def day() -> date:
        return START + timedelta(days=chance.randrange(1500))

    def position() -> int:
        return chance.randrange(head // 10, head)

    def page(**clocks: Any) -> object:
        asked = Asked(filters={"institution": next(home)}, **clocks)
        found = office.ledgers.page("roster", asked, limit=PAGE)
        assert found.lines or clocks
        return found

    def book(**clocks: Any) -> object:
        asked = Asked(filters={"institution": next(home)}, **clocks)
        return office.ledgers.page("quota_book", asked)

    return {
        "bare": Question(lambda: bare(next(home))),
        "now": Question(page),
        "valid": Question(lambda: page(valid_on=day())),
        "known": Question(lambda: page(known=position())),
        "both": Question(lambda: page(valid_on=day(), known=position())),
        "book": Question(book),
        "book both": Question(lambda: book(valid_on=day(), known=position())),
    }


@contextmanager
def _bare(url: str, office: Office) -> Iterator[Callable[[str], object]]:
    """Lend the look-up in a table of the rows as they are now."""
    schema = office.database.schema
    columns = ["subject", "vf", "stem", *office.ledgers.ledger("roster").columns]
    listed = ", ".join(f'"{name}"' for name in columns)
    covered = ", ".join(f'"{name}"' for name in columns if name not in ("institution", "subject"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}".encode())
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute(
            f"CREATE TABLE bare AS SELECT {listed} FROM ledger_roster"  # noqa: S608
            f" WHERE ku = {2**63 - 1} AND vf <= current_date AND ev > current_date".encode()
        )
        connection.execute(
            f"CREATE INDEX ON bare (institution, subject) INCLUDE ({covered})".encode()
        )
        connection.execute("VACUUM ANALYZE bare")
        statement = (
            f"SELECT {listed} FROM bare WHERE institution = %s ORDER BY subject LIMIT {PAGE}"  # noqa: S608
        ).encode()

        def look_up(home: str) -> object:
            return connection.execute(statement, (home,), prepare=True).fetchall()

        yield look_up
        connection.execute("DROP TABLE bare")


def _lines(questions: dict[str, Question], head: int) -> list[Line]:
    now, bare = questions["now"].p50, questions["bare"].p50
    lines = [
        Line(
            f"roster page of {PAGE}, now, {head:,} entries, p50 / bare covering index",
            "ms",
            now,
            bare,
            Goal.times_at_most(1.3, now, bare),
        )
    ]
    for name, what in (
        ("valid", "on a past day"),
        ("known", "as known in the past"),
        ("both", "on both clocks"),
    ):
        p50 = questions[name].p50
        goal = Goal.times_at_most(1.5, p50, now)
        lines.append(Line(f"… {what}, p50 / the same page now", "ms", p50, now, goal))
    both = questions["both"].times
    lines.append(Line("… on both clocks, p99", "ms", quantile(both, 0.99)))
    for name, what in (("book", "now"), ("book both", "on both clocks")):
        p50 = questions[name].p50
        asked = f"running book of the busiest institutions, {what}, p50"
        lines.append(Line(asked, "ms", p50, None, Goal.at_most(2.5, p50)))
    return lines
