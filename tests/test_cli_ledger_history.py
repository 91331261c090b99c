"""``taizhang ledgers history``: what became of a row, found by its key or by what it says."""

from __future__ import annotations

import json

import pytest

from application.filing import Filing
from domain.code_sets import QuotaKind
from domain.deciding import Command
from domain.documents import RegisterDocument
from domain.institutions import Founded
from domain.institutions_changes import RenameInstitution
from domain.journal import OpenJournal, VoidEntries
from domain.opening import OpenCeiling, OpeningQuota, OpenInstitution
from domain.staffing_people import Particulars, RegisterPerson
from domain.vocabulary import Citation
from tests import test_cli
from tests.district import DAY, id_number
from tests.test_cli import NAME, Shell

fresh = test_cli.shell

LATER = DAY.replace(year=2022)


@pytest.fixture
def shell(fresh: Shell) -> Shell:
    """A command line on an office with two institutions and a person."""
    assert fresh.run("user", "list") == 0
    quota = OpeningQuota(quota_kind=QuotaKind.ADMINISTRATIVE, number=5)
    file(
        fresh,
        OpenJournal(effective_on=DAY, office="示范区委编办", purpose="demonstration"),
        OpenInstitution(effective_on=DAY, name="甲局", quotas=(quota,)),
        OpenInstitution(effective_on=DAY, name="乙局"),
        OpenCeiling(effective_on=DAY, quota_kind=QuotaKind.ADMINISTRATIVE, number=5),
        RegisterPerson(particulars=Particulars(name=NAME, id_no=id_number(1))),
    )
    return fresh


def file(shell: Shell, *commands: Command) -> int:
    """File commands; return the position of the last entry."""
    with shell.office() as office:
        office.writer.do(Filing(commands, "clerk"))
        return office.journal.head()[0]


def first_institution(shell: Shell) -> str:
    """Return the id of 甲局."""
    with shell.office() as office:
        for position in range(1, office.journal.head()[0] + 1):
            entry = office.journal.entry(position)
            if entry is not None and isinstance(entry.fact, Founded):
                return entry.fact.institution
    raise AssertionError


def renamed(shell: Shell) -> int:
    """Rename 甲局 and return the entry's position."""
    paper = RegisterDocument(
        document_title="关于更名的批复", issuer="区委编委", issuer_level="district", issued_on=DAY
    )
    file(shell, paper)
    with shell.office() as office:
        (line,) = office.ledgers.page("documents").lines
    rename = RenameInstitution(
        effective_on=LATER,
        institution=first_institution(shell),
        name="丙局",
        basis=(Citation(document=line.key),),
    )
    return file(shell, rename)


def test_a_row_is_told_version_by_version(shell: Shell) -> None:
    """Named by what it says on a day; what changed, from when, known when, and what ended it."""
    position = renamed(shell)
    found = ("ledgers", "history", "institutions", "--filter", "机构名称=丙局")
    assert shell.run(*found) == 0
    lines = shell.out.splitlines()
    assert lines[0].strip() == f"机构基本情况表：{first_institution(shell)}"
    assert f"{position}" in lines[3]
    assert lines[3].rstrip().endswith("机构名称：甲局→丙局")
    assert "更名" in lines[3]
    assert str(LATER) in lines[3]
    assert "机构名称：甲局" in lines[4]
    assert lines[4].count(str(LATER)) == 1, "the first version ends where the second begins"
    assert "最新得知的在前" in shell.err
    assert shell.run(*found, "--limit", "1") == 0
    assert f"--before {position}" in shell.err
    assert shell.run(*found, "--before", str(position)) == 0
    assert "丙局" not in shell.out
    assert shell.run("ledgers", "history", "institutions", first_institution(shell)) == 0
    assert "甲局→丙局" in shell.out


def test_what_was_taken_back_stays_to_be_seen(shell: Shell) -> None:
    """A mistake that was voided, and the row as it was known before that."""
    position = renamed(shell)
    void = file(shell, VoidEntries(positions=(position,), reason="办错"))
    who = first_institution(shell)
    assert shell.run("ledgers", "history", "institutions", who) == 0
    (line,) = [line for line in shell.out.splitlines() if "甲局→丙局" in line]
    assert f"流水号{void}（" in line
    with shell.office() as office:
        entry = office.journal.entry(position)
        assert entry is not None
        then = entry.recorded_at.isoformat()
    assert shell.run("ledgers", "history", "institutions", who, "--known-at", then) == 0
    assert "流水号" not in "".join(shell.out.splitlines()[3:])


def test_a_running_book_tells_by_how_much_and_what_it_comes_to(shell: Shell) -> None:
    """Its rows are named by two columns."""
    given = ("--filter", "机构名称=甲局", "--filter", "编制类型=行政编制")
    assert shell.run("ledgers", "history", "quota_book", *given) == 0
    assert "核定编制数+5（该日起5）" in shell.out
    assert shell.run("ledgers", "history", "quota_book", "x") == 1
    assert "key（行的键）：应写作“机构（系统内编号）:编制类型”。" in shell.err


def test_json_says_what_the_interface_says(shell: Shell) -> None:
    """The same document, personal values masked unless they are asked for, which is noted."""
    with shell.office() as office:
        (line,) = office.ledgers.page("persons").lines
    assert shell.run("ledgers", "history", "persons", line.key, "--json") == 0
    document = json.loads(shell.out)
    assert (document["ledger"], document["key"]) == ("persons", line.key)
    (version,) = document["versions"]
    assert version["fact"] == "staffing.person-registered"
    assert version["values"]["name"] == "张**"
    assert {one["field"]: one["after"] for one in version["changes"]}["name"] == "张**"
    assert NAME not in shell.out
    assert shell.run("ledgers", "history", "persons", line.key, "--unmasked") == 0
    assert NAME in shell.out
    with shell.office() as office, office.database.pool.connection() as connection:
        noted = connection.execute("SELECT what, rows, unmasked FROM reading_log").fetchall()
    assert noted == [("persons", 1, True)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["institutions"], "请写明行的键，或用 --filter 列=值 指明一行"),
        (["institutions", "9" * 16], "没有键为"),
        (["institutions", "--filter", "机构名称=丁局"], "没有符合条件的行"),
        (["institutions", "--filter", "状态=存续"], "不止一行"),
        (["institutions", "--filter", "状态=存续", "--limit", "0"], "--limit 应为 1 至"),
        (["institution", "x"], "没有名为“institution”的台账；现有：documents（文件台账）、"),
        (["institutions", "x", "--valid-on", "2020-01-01"], "未建账"),
    ],
)
def test_a_row_that_is_not_found_is_said_to_be_so(
    shell: Shell, given: list[str], says: str
) -> None:
    """In one line; where several rows fit, they are shown with their keys."""
    assert shell.run("ledgers", "history", *given) == 1
    assert says in shell.err
    if says == "不止一行":
        assert first_institution(shell) in shell.out
