"""Rights lists and the register of laws on a real database, and on the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from application.books import COMMANDS
from application.filing import Filing
from domain.rights import Began, TakeOverItem
from domain.rights_editions import EditionPublished, TakeOverEdition, edition_digest
from infrastructure.keys import load_master_key
from infrastructure.ledger_questions import Asked
from infrastructure.office import Office
from tests.rights_district import content
from tests.test_cli import Shell
from tests.test_cli import shell as shell  # noqa: PLC0414  (pytest finds the fixture by this name)

DAY = "2024-01-01"
TABLE = """文件名,效力层级,最近日期,沿革
种子法,法律,2021-12-24,2000-07-08:公布/通过;2021-12-24:修正;2022-03-01:施行
农药管理条例,天书,2017-03-16,
"""


def file(where: Office, kind: str, **body: Any) -> Any:
    """File one command as the clerk; return its first fact."""
    command = COMMANDS[kind].model_validate(body)
    return where.writer.do(Filing((command,), "clerk")).outcomes[0].entries[0].fact


@pytest.fixture
def listed(shell: Shell) -> Shell:
    """An office with a department of three items, opened on the command line."""
    assert shell.run("user", "list") == 0
    with shell.office() as office:
        file(office, "journal.open", effective_on=DAY, office="编办", purpose="demonstration")
        unit = file(
            office,
            "institutions.take-over",
            effective_on=DAY,
            name="区农业农村局",
            category="department",
            rank="31",
        ).institution
        commands = tuple(
            TakeOverItem(
                effective_on=date(2024, 1, 1), department=unit, content=content(f"第{n}项")
            )
            for n in range(3)
        )
        office.writer.do(Filing(commands, "clerk"))
    return shell


def test_an_edition_read_from_the_database_has_the_published_digest(listed: Shell) -> None:
    """By its day and its place in the journal, after the list has gone on."""
    day = date(2024, 2, 1)
    with listed.office() as office:
        edition = TakeOverEdition(
            effective_on=day, name="2024年版", approved_by="government", channels=("门户",)
        )
        entry = office.writer.do(Filing((edition,), "clerk")).outcomes[0].entries[0]
        assert isinstance(entry.fact, EditionPublished)
        later = TakeOverItem(
            effective_on=date(2024, 1, 1), department=_department(office), content=content("后来")
        )
        added = office.writer.do(Filing((later,), "clerk")).outcomes[0].entries[0]
        assert isinstance(added.fact, Began)
        asked = Asked(valid_on=day, known=entry.position)
        with office.ledgers.stream("rights_items", asked) as stream:
            names = [one.name for one in stream.columns]
            rows = [(line.key, dict(zip(names, line.values, strict=True))) for line in stream.lines]
        lines = [(str(row["department"]), key, str(row["digest"])) for key, row in rows]
        assert (len(lines), edition_digest(lines)) == (3, entry.fact.digest)
        assert {row["department_name"] for _, row in rows} == {"区农业农村局"}
        page = office.ledgers.page("rights_summary", Asked(valid_on=day))
        assert [line.values[3] for line in page.lines] == [4]


def _department(office: Office) -> str:
    with office.ledgers.stream("institutions") as stream:
        return next(line.key for line in stream.lines)


def test_what_is_stored_is_what_the_journal_says(listed: Shell) -> None:
    """Every ledger, the new ones included."""
    assert listed.run("ledgers", "verify") == 0
    assert listed.run("ledgers", "show", "rights_items") == 0
    assert "区农业农村局" in listed.out
    assert load_master_key(listed.key_file)


def test_a_table_of_laws_goes_in_and_the_watch_speaks(listed: Shell, tmp_path: Path) -> None:
    """Once; what cannot be read is told; what is repealed is listed on the day."""
    table = tmp_path / "法规.csv"
    table.write_text(TABLE, encoding="utf-8-sig")
    assert listed.run("laws", "import", str(table), "--dry-run") == 5
    assert "可登记版本 2 个" in listed.out
    assert listed.run("laws", "import", str(table)) == 5
    assert "第3行没有读入：不认识效力层级“天书”" in listed.out
    assert "已登记版本 2 个，此前已有 0 个" in listed.out
    assert listed.run("laws", "import", str(table)) == 5
    assert "已登记版本 0 个，此前已有 2 个" in listed.out
    assert listed.run("laws", "watch", "--on", "2024-03-01") == 0
    assert "清单事项 3 项，法规库 1 部。没有发现问题。" in listed.out
    with listed.office() as office:
        file(office, "laws.repeal", effective_on="2024-06-01", law_title="中华人民共和国种子法")
    assert listed.run("laws", "watch", "--on", "2024-06-01", "--limit", "2") == 0
    assert "依据已废止 3 处" in listed.out
    assert "另有 1 处没有列出" in listed.out
    assert "自2024-06-01" in listed.out
    assert "依据已废止（名称一致）3 处" in listed.out
    assert listed.run("laws", "watch", "--on", "2024-06-01", "--law", "种子法") == 0
    assert listed.out.count("自2024-06-01") == 3
    assert listed.run("laws", "watch", "--on", "2024-06-01", "--law", "渔业法") == 0
    assert "自2024-06-01" not in listed.out
    assert "法规库中没有《渔业法》，请核对名称" in listed.out
    with listed.office() as office:
        known = office.journal.entry(office.journal.head()[0] - 1)
    assert known is not None
    before = ["--known-at", known.recorded_at.isoformat()]
    assert listed.run("laws", "watch", "--on", "2024-06-01", *before) == 0
    assert "没有发现问题" in listed.out


def test_a_table_of_laws_is_taken_as_excel_saves_it_and_others_are_told(
    listed: Shell, tmp_path: Path
) -> None:
    """GB18030 goes in; a file with other headings, one that is away or a folder says so once."""
    table = tmp_path / "法规.csv"
    table.write_text(TABLE, encoding="gb18030")
    assert listed.run("laws", "import", str(table), "--dry-run") == 5
    assert "可登记版本 2 个" in listed.out
    assert "以上为试办，没有作任何记录" in listed.out
    table.write_text("姓名,单位\n张某,某局\n", encoding="utf-8")
    assert listed.run("laws", "import", str(table)) == 1
    assert "没有找到“名称”、“效力层级”、“沿革或日期”列" in listed.err
    assert listed.run("laws", "import", str(tmp_path / "没有.csv")) == 1
    assert "没有这个文件或文件夹" in listed.err
    assert listed.run("laws", "import", str(tmp_path)) == 1
    assert "这是一个文件夹" in listed.err


def test_codes_that_fit_no_scheme_are_listed(listed: Shell) -> None:
    """Once there is one."""
    assert listed.run("codes", "--on", "2024-03-01") == 0
    assert "没有施行的编码方案" in listed.out
    parts = [{"kind": "other", "length": 3}]
    value = [{"name": "示范规范", "field": "code", "segments": parts}]
    setting = {"name": "rights_code_schemes", "value": value}
    with listed.office() as office:
        file(office, "settings.change", effective_on="2024-03-01", **setting)
    assert listed.run("codes", "--on", "2024-03-01", "--limit", "1") == 0
    assert "编码方案：示范规范。" in listed.out
    assert listed.run("codes", "--on", "2024-03-01", "--known-at", "2020-01-01T00:00:00") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["codes", "--limit", "0"], "大于 0"),
        (["laws", "import", "没有.csv"], "读不了"),
        (["laws", "watch", "--on", "某日"], "不是有效的日期"),
        (["laws", "watch", "--limit", "0"], "大于 0"),
    ],
)
def test_what_cannot_be_done_is_told(shell: Shell, arguments: list[str], says: str) -> None:
    """In one line, with the exit code of a failure."""
    assert shell.run(*arguments) == 1
    assert says in shell.err


def test_an_empty_or_foreign_table_is_told(shell: Shell, tmp_path: Path) -> None:
    """Nothing in it, or other columns."""
    empty = tmp_path / "空.csv"
    empty.write_text("", encoding="utf-8")
    assert shell.run("laws", "import", str(empty)) == 1
    assert "里没有法规" in shell.err
    foreign = tmp_path / "外.csv"
    foreign.write_bytes("法规名称\n种子法\n".encode("gb18030"))
    assert shell.run("laws", "import", str(foreign)) == 1
    assert "首行应为表头，没有找到“效力层级”、“沿革或日期”列" in shell.err
