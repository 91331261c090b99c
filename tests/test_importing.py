"""The books an office keeps: the roster case comes out exactly as expected, and only once."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from application.importing import BookLines, Imported, Order, run
from domain.journal import OpenJournal
from infrastructure.office import Office
from infrastructure.workbooks import open_book

SHARED = Path(__file__).parents[1].parent / "shared"
CASE = SHARED / "cases" / "roster"
OPENING = date(2021, 6, 30)

# What the case calls a reason, and the codes by which this program names it.
WHY = {
    "bad_check_digit": {"bad_check_digit"},
    "id_ruined_by_excel": {"id_ruined_by_excel"},
    "id_short": {"id_short"},
    "impossible_date": {"impossible_date"},
    "missing_entry_date": {"missing_quota_in_date"},
    "missing_name": {"missing_name"},
    "mixed_quota_type": {"kind_is_approved_there", "kind_fits_the_institution"},
    "sex_contradicts_id": {"sex_contradicts_id"},
    "too_young_at_entry": {"person_is_old_enough"},
    "two_units": {"person_is_in_no_establishment"},
    "unknown_unit": {"unit_is_in_the_books"},
    "duplicate_row": {"duplicate_row"},
    "unit_over_quota": {"unit_over_quota"},
}


def books(*paths: Path) -> list[BookLines]:
    """Read the tables of these files."""
    found = []
    for path in paths:
        with open_book(path) as book:
            tables, _ = book.tables()
            found += [BookLines(path.name, one.book, list(one.rows())) for one in tables]
    return found


def import_case(office: Office, *, dry_run: bool = False, strict: bool = False) -> Imported:
    """Import the roster case."""
    opens = OpenJournal(effective_on=OPENING, office="示范区委编办", purpose="demonstration")
    order = Order(OPENING, "lin", dry_run=dry_run, strict=strict, opens=opens)
    return run(office.writer, books(CASE / "机构.xlsx", CASE / "人员.xlsx"), order)


def people(imported: Imported) -> dict[str, tuple[str, set[str]]]:
    """Return outcome and codes of each row of the roster, by 序号."""
    rows = [row for row in imported.rows if row.file == "人员.xlsx"]
    return {
        row.serial: (
            row.result,
            {one.code for one in (*row.problems, *row.warnings, *row.repairs)},
        )
        for row in rows
    }


def expected() -> dict[str, tuple[str, str]]:
    """Return outcome and reason as the case asks for them."""
    with (CASE / "expected.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["序号"]: (row["outcome"], row["why"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def needs_the_case() -> None:
    """The case lies beside the project; without it nothing here can be checked."""
    if not CASE.exists():
        pytest.skip("缺少 ../shared/cases/roster,无法核对名册导入")


@pytest.mark.usefixtures("needs_the_case")
def test_the_roster_case_comes_out_exactly_as_expected(office: Office) -> None:
    """Every row: the outcome, and the reason where the case names one."""
    dry, done = import_case(office, dry_run=True), import_case(office)
    assert people(dry) == people(done)
    found, wanted = people(done), expected()
    assert found.keys() == wanted.keys()
    wrong = {}
    for serial, (outcome, why) in wanted.items():
        result, codes = found[serial]
        reasons = WHY.get(why, {why} - {"", "minority_name_dot"})
        if result != outcome or (reasons and not reasons & codes):
            wrong[serial] = (outcome, why, result, codes)
    assert not wrong
    assert [row.result for row in done.rows if row.file == "机构.xlsx"] == ["ok"] * 68


@pytest.mark.usefixtures("needs_the_case")
def test_a_dry_run_records_nothing_and_a_commit_is_one_append(office: Office) -> None:
    """The dry run leaves the journal empty; the commit's entries share one moment."""
    import_case(office, dry_run=True)
    assert office.journal.head() == (0, None)
    done = import_case(office)
    assert done.receipt is not None
    assert done.receipt.first == 2
    entries = [office.journal.entry(n) for n in (2, done.receipt.last)]
    moments = {entry.recorded_at for entry in entries if entry is not None}
    assert moments == {done.receipt.recorded_at}
    assert office.journal.head() == (done.receipt.last, done.receipt.recorded_at)


@pytest.mark.usefixtures("needs_the_case")
def test_the_same_file_again_records_nothing(office: Office) -> None:
    """Institutions and people already there are recognised."""
    first = import_case(office)
    assert first.receipt is not None
    again = import_case(office)
    assert again.receipt is None
    assert office.journal.head()[0] == first.receipt.last
    assert {row.result for row in again.rows} == {"same", "error"}


@pytest.mark.usefixtures("needs_the_case")
def test_strict_records_nothing_while_any_row_errs(office: Office) -> None:
    """--strict: all or nothing."""
    done = import_case(office, strict=True)
    assert done.receipt is None
    assert office.journal.head() == (0, None)
    assert done.count("error") == sum(o == "error" for o, _ in expected().values())
