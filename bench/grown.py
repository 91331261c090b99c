"""A journal that has grown for years: late, future-dated and voided filings among the newest.

Of the people who enter, a fifth are transferred, a tenth leave (some of them in years to come), a
tenth change their name late, one in fifty is entered by mistake and voided. A quarter of them work
in `BUSY` institutions, so that these have more than 10,000 entries where the journal has 500,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg

from application.filing import Filing, Receipt
from bench.places import MASTER_KEY, Place, tell
from bench.workload import START, District, command, fresh_schema, name
from domain.code_sets import EntryMode
from domain.vocabulary import Entry
from infrastructure.office import Office

SCHEMA = "bench_grown"
INSTITUTIONS, BUSY = 200, 5
PEOPLE = 5_000
"""People of one helping; it is filed as four appends of about 13,000 entries together."""

FUTURE = date(2035, 1, 1)


@contextmanager
def grown(place: Place, entries: int, schema: str = SCHEMA) -> Iterator[Office]:
    """Lend an office whose journal has at least so many entries, growing it if it has fewer."""
    with Office(place.url, MASTER_KEY, schema=schema) as office:
        head = office.journal.head()[0]
        if head < entries:
            tell(f"growing a journal of {entries:,} entries")
            _grow(office, entries, head)
            with psycopg.connect(place.url, autocommit=True) as connection:
                connection.execute(f"SET search_path = {schema}".encode())
                for table in ("journal", "journal_tags", *office.tables.tables):
                    prefix = "" if table.startswith("journal") else "ledger_"
                    connection.execute(f"VACUUM ANALYZE {prefix}{table}".encode())
        yield office


def busiest(office: Office) -> list[str]:
    """Return the institutions with the most people."""
    return _institutions(office)[:BUSY]


def _institutions(office: Office) -> list[str]:
    with office.ledgers.stream("institutions") as stream:
        return sorted((line.key for line in stream.lines), key=_founded(office).__getitem__)


def _founded(office: Office) -> dict[str, int]:
    found = office.database.pool
    with found.connection() as connection:
        rows = connection.execute(
            "SELECT tag, min(position) FROM journal_tags"
            " WHERE starts_with(tag, 'institution:') GROUP BY tag"
        ).fetchall()
    return {tag.partition(":")[2]: position for tag, position in rows}


def _grow(office: Office, entries: int, head: int) -> None:
    district = District(office, institutions=0 if head else INSTITUTIONS, people_from=head)
    homes = _institutions(office)
    while head < entries:
        people = min(PEOPLE, max(100, (entries - head) // 2))
        entered = _file(office, _entering(district, homes, people))
        movements = [one for one in entered.entries if one.fact.fact_name == "staffing.entered"]
        _file(office, _transfers(district, homes, movements))
        head = _file(office, _later(district, movements)).last


def _file(office: Office, commands: Iterable[Any]) -> Receipt:
    return office.writer.do(Filing(tuple(commands), "bench"))


def _entering(district: District, homes: Sequence[str], people: int) -> list[Any]:
    """People enter where there is room, in no order of days."""
    made = []
    for n in range(people):
        home = homes[n // 4 % BUSY] if n % 4 == 0 else homes[BUSY + n % (len(homes) - BUSY)]
        day = START + timedelta(days=n * 7919 % 1200)
        made += district.entering(1, day, institution=home)
    return made


def _transfers(district: District, homes: Sequence[str], movements: Sequence[Entry]) -> list[Any]:
    return [
        command(
            "staffing.transfer",
            effective_on=entry.business_date + timedelta(days=30 + n % 300),
            basis=district.basis,
            person=entry.subjects("person")[0],
            institution=next(h for h in (homes[n % len(homes)], homes[-1], homes[0])
                             if h not in entry.subjects("account")),
            quota_kind="20",
            entry_mode=EntryMode.APPOINTMENT,
        )
        for n, entry in enumerate(movements)
        if _lot(n) % 5 == 1
    ]  # fmt: skip


def _later(district: District, movements: Sequence[Entry]) -> Iterator[Any]:
    """People leave, now or in years; names turn out to have changed; mistakes are voided."""
    for n, entry in enumerate(movements):
        person = entry.subjects("person")[0]
        lot = _lot(n)
        if lot % 10 == 2:  # noqa: PLR2004  (one in ten, none of them transferred)
            day = FUTURE if n % 10 == 2 else entry.business_date + timedelta(days=400)  # noqa: PLR2004
            yield command(
                "staffing.leave",
                effective_on=day,
                basis=district.basis,
                person=person,
                reason="retired",
            )
        elif lot % 10 == 1:  # transferred meanwhile: late
            yield command(
                "staffing.change-person",
                effective_on=entry.business_date + timedelta(days=15),
                basis=district.basis,
                person=person,
                name=name(n),
            )
        elif lot % 50 == 3:  # noqa: PLR2004  (one in fifty, nothing filed about him since)
            yield command("journal.void", positions=[entry.position], reason="录入错误")


def _lot(n: int) -> int:
    """Return what decides on the ``n``-th person's fate, in no step with where he works."""
    return n // (4 * BUSY)


__all__ = ["SCHEMA", "busiest", "fresh_schema", "grown"]
