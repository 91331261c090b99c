"""What a writer that has just started knows of an account is what the one before it knew."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from application.filing import Filing
from application.standings import Standings
from bench.workload import START, District, command
from domain.quotas_accounts import QuotaBook
from domain.staffing import Notices
from domain.vocabulary import Entry
from infrastructure.office import Office

DAYS = [START + timedelta(days=n) for n in range(0, 1600, 50)] + [date(2099, 1, 1)]


def _file(office: Office, *commands: Any) -> tuple[Entry, ...]:
    return office.writer.do(Filing(commands, "clerk")).entries


def test_books_read_from_the_journal_equal_those_kept_while_filing(office: Office) -> None:
    """Sums, worst days, who takes of the quota and notice numbers, after voids and departures."""
    district = District(office, institutions=2)
    home = district.institutions[0]
    entries = _file(office, *district.entering_as_approved(8), *district.entering(8))
    entered = [entry for entry in entries if entry.fact.fact_name == "staffing.entered"]
    mistaken = [entry.position for entry in entered[::4]]
    _file(office, command("journal.void", positions=mistaken, reason="录入错误"))
    leaver = entered[1]
    _file(
        office,
        command(
            "staffing.leave",
            effective_on=leaver.business_date + timedelta(days=90),
            basis=district.basis,
            person=leaver.subjects("person")[0],
            reason="retired",
        ),
    )
    kept, read = office.writer._memory.standings, Standings(office.store)
    for account in (home, district.institutions[1]):
        warm, cold = kept.of(QuotaBook, account), read.of(QuotaBook, account)
        assert warm.kinds()
        assert cold.kinds() == warm.kinds()
        for kind in warm.kinds():
            assert [cold.totals(kind, day) for day in DAYS] == [
                warm.totals(kind, day) for day in DAYS
            ]
            assert [cold.usable(kind, day) for day in DAYS] == [
                warm.usable(kind, day) for day in DAYS
            ]
            assert cold.takers(kind, START, DAYS[-1]) == warm.takers(kind, START, DAYS[-1])
        years = range(START.year, 2030)
        numbers = [kept.of(Notices, account).next_number(year) for year in years]
        assert [read.of(Notices, account).next_number(year) for year in years] == numbers
        assert max(numbers) > 1
