"""``taizhang import rights`` and ``rights compare``: published lists go in, and what differs."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from python_calamine import CalamineWorkbook

from application.filing import Filing
from domain.journal import OpenJournal
from domain.opening import OpenInstitution
from tests import test_cli
from tests.rights_agreement import read_workbook, workbooks
from tests.shared_data import shared
from tests.test_cli import Shell

fresh = test_cli.shell

DAY = date(2024, 1, 1)
HEADINGS = ["序号", "事项名称", "职权类型", "实施依据", "责任事项", "追责情形", "承办机构"]
ROWS = [
    ["1", "统计调查证核发", "行政许可", "《统计法》第五条", "1.受理。", "1.失职的。", "法规科"],
    [
        "2",
        "对拒绝调查的处罚",
        "行政处罚",
        "《统计法》第四十一条",
        "1.立案。",
        "1.失职的。",
        "法规科",
    ],
]


@pytest.fixture
def shell(fresh: Shell) -> Shell:
    """A command line on an office whose journal is open."""
    assert fresh.run("user", "list") == 0
    register(fresh, "某某区统计局")
    return fresh


def register(shell: Shell, *names: str) -> None:
    """Open the journal and set institutions up."""
    opening = OpenJournal(effective_on=DAY, office="示范区委编办", purpose="demonstration")
    units = (OpenInstitution(effective_on=DAY, name=name) for name in names)
    with shell.office() as office:
        commands = units if office.journal.entry(1) else (opening, *units)
        office.writer.do(Filing(tuple(commands), "clerk"))


def listed(path: Path, *rows: Sequence[str], title: str = "某某区统计局2024年权责清单") -> str:
    """Write a list."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        page = book.add_worksheet("清单（2项）")
        for number, row in enumerate([[title], HEADINGS, *rows]):
            page.write_row(number, 0, row)
    path.write_bytes(content.getvalue())
    return str(path)


def test_a_list_goes_in_once_and_a_changed_one_with_what_differs(
    shell: Shell, tmp_path: Path
) -> None:
    """Dry run, commit, the same again, a changed file."""
    file = listed(tmp_path / "清单.xlsx", *ROWS)
    assert shell.run("import", "rights", file, "--on", "2024-12-31", "--dry-run") == 0
    assert "新增 2 项，有变化 0 项" in shell.out
    assert "没有作任何记录" in shell.out
    assert shell.run("import", "rights", file, "--on", "2024-12-31") == 0
    assert "已记录：流水号 3 至 4。" in shell.out
    assert shell.run("import", "rights", file, "--on", "2024-12-31") == 0
    assert "没有变化 2 项" in shell.out
    assert "没有新的内容可以记录。" in shell.out
    changed = listed(tmp_path / "新清单.xlsx", [*ROWS[0][:6], "审批科"])
    assert shell.run("import-rights", changed, "--on", "2025-06-30", "--whole") == 0
    assert "有变化 1 项，没有变化 0 项，清单中已没有 1 项" in shell.out
    assert "某某区统计局“统计调查证核发”（承办机构）" in shell.out
    assert "统计" in shell.out
    assert "公布2项，表中1行，不相符" in shell.out
    assert "已记录：流水号 5 至 6。" in shell.out


def test_what_cannot_be_read_is_told_and_reported(shell: Shell, tmp_path: Path) -> None:
    """On the screen and, cell by cell, in a file; the rest goes in."""
    file = listed(tmp_path / "清单.xlsx", [*ROWS[0][:2], "奇怪类型", *ROWS[0][3:]], ROWS[1])
    report = tmp_path / "核对结果.xlsx"
    given = ("import", "rights", file, "--on", "2024-12-31")
    assert shell.run(*given, "--report", str(report)) == 5
    assert "第3行C列“奇怪类型”：不在职权类型的可选项中" in shell.out
    assert "已记录：流水号 3 至 4。" in shell.out
    sheet = CalamineWorkbook.from_path(report).get_sheet_by_index(0).to_python()
    assert [row[2:4] for row in sheet[1:]] == [["3", "C"]]
    assert shell.run(*given, "--report", str(tmp_path / "没有" / "a.xlsx")) == 1
    assert "不能写入" in shell.err


def test_a_file_that_is_no_rights_list_is_no_success(shell: Shell, tmp_path: Path) -> None:
    """A roster given by mistake: nothing goes in, and the exit code says so too."""
    file = tmp_path / "人员.csv"
    file.write_text("单位名称,姓名\n某某区统计局,张某\n", encoding="gb18030")
    assert shell.run("import", "rights", str(file), "--on", "2024-12-31") == 5
    assert "没有认出权责清单的表头" in shell.out


def test_whose_list_it_is_must_be_known(shell: Shell, tmp_path: Path) -> None:
    """A department that the register does not have, and one given by name."""
    file = listed(tmp_path / "清单.xlsx", *ROWS, title="某某区水利局权责清单")
    given = ("import", "rights", file, "--on", "2024-12-31")
    assert shell.run(*given) == 5
    assert "2行：机构台账中没有“某某区水利局”，请先登记该机构" in shell.out
    assert shell.run(*given, "--department", "某某区统计局") == 0
    assert "新增 2 项" in shell.out
    assert shell.run(*given, "--department", "某某区民政局") == 1
    assert "机构台账中没有“某某区民政局”" in shell.err
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    assert shell.run("import", "rights", str(tmp_path / "a.pdf"), "--on", "2024-12-31") == 1
    assert "《a.pdf》不能导入" in shell.err


def test_refusals_hold_back_everything_and_all_are_told(shell: Shell, tmp_path: Path) -> None:
    """A list dated before one that is on record already: its names are taken from then on."""
    file = listed(tmp_path / "清单.xlsx", *ROWS)
    assert shell.run("import", "rights", file, "--on", "2024-12-31") == 0
    new = ["3", "统计执法检查", "行政检查", *ROWS[1][3:]]
    earlier = listed(tmp_path / "旧清单.xlsx", *ROWS, new)
    assert shell.run("import", "rights", earlier, "--on", "2024-06-30") == 5
    assert "不能登记 2 处：" in shell.out
    assert "《旧清单.xlsx》清单（2项） 第3行“统计调查证核发”：" in shell.out
    assert "全部没有记录；请改正后再导入。" in shell.out
    with shell.office() as office:
        assert office.journal.head()[0] == 4


def _two_editions(shell: Shell, tmp_path: Path) -> None:
    """Publish a list twice: one item changed, one gone, one new."""
    first = listed(tmp_path / "一.xlsx", *ROWS)
    given = ("--on", "2024-06-30", "--edition", "2024年第一版")
    assert shell.run("import", "rights", first, *given) == 0
    new = ["3", "统计执法检查", "行政检查", *ROWS[1][3:]]
    second = listed(tmp_path / "二.xlsx", [*ROWS[0][:6], "审批科"], new)
    later = ("--on", "2024-12-31", "--edition", "2024年第二版", "--whole")
    assert shell.run("import", "rights", second, *later) == 0


def test_two_editions_are_compared(shell: Shell, tmp_path: Path) -> None:
    """By their names, whichever comes first; what differs, counted, and every text in a file."""
    _two_editions(shell, tmp_path)
    file = tmp_path / "对照.xlsx"
    both = ("rights", "compare", "2024年第二版", "2024年第一版")
    assert shell.run(*both, "--out", str(file)) == 0
    lines = [line.split() for line in shell.out.splitlines()]
    assert ["要素变更", *["某某区统计局·行政许可·统计调查证核发"] * 2, "承办机构"] in lines
    assert ["新增", "某某区统计局·行政检查·统计执法检查"] in lines
    assert ["取消、下放等退出清单", "某某区统计局·行政处罚·对拒绝调查的处罚"] in lines
    assert ["合计", "2", "1", "1", "0", "0", "0", "0", "2", "1", "0"] in lines
    assert "原 2024年第一版（2024-06-30），现 2024年第二版（2024-12-31）：3 处变动。" in shell.err
    book = CalamineWorkbook.from_path(file)
    assert book.sheet_names == ["事项数", "变动事项", "变更要素"]
    with shell.office() as office, office.database.pool.connection() as connection:
        noted = connection.execute("SELECT what, format, rows FROM reading_log").fetchall()
    assert noted == [("rights_items", "xlsx", 3)]
    assert shell.run(*both, "--out", str(file)) == 1
    assert "--force" in shell.err
    assert shell.run(*both, "--json", "--category", "行政检查") == 0
    document = json.loads(shell.out)
    assert (document["from_day"], document["to_day"]) == ("2024-06-30", "2024-12-31")
    assert [one["kind"] for one in document["differences"]] == ["added"]
    assert shell.run(*both, "--department", "某某区统计局", "--limit", "1") == 0
    assert "另有 2 处没有列出" in shell.err


def test_days_are_compared_as_known_now_or_then(shell: Shell, tmp_path: Path) -> None:
    """And an edition with a day: what was filed since it was published."""
    _two_editions(shell, tmp_path)
    assert shell.run("rights", "compare", "2024年第一版", "2024-12-31") == 0
    assert "：3 处变动。" in shell.err
    with shell.office() as office:
        entry = office.journal.entry(5)  # the first edition; the second list was not known yet
        assert entry is not None
        then = entry.recorded_at.isoformat()
    days = ("rights", "compare", "2024-06-30", "2024-12-31")
    assert shell.run(*days, "--known-at", then) == 0
    assert "原 2024-06-30，现 2024-12-31：0 处变动。" in shell.err
    assert shell.run(*days) == 0
    assert "：3 处变动。" in shell.err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["2025年版", "2024-12-31"], "已公布的版次有：“2024年第二版”、“2024年第一版”"),
        (["2024年第一版", "2024-13-31"], "不是有效的日期"),
        (["2024年第一版", "2024-12-31", "--level", "县"], "只能填写：district（区本级）、"),
        (["2024年第一版", "2024-12-31", "--level", "乡镇"], "还没有公布过乡镇版次"),
        (["2024年第一版", "2024年第二版", "--known-at", "2024-12-31"], "不用 --known-at"),
        (["2024年第一版", "2024-12-31", "--department", "统计局"], "（2024-12-31、2024-06-30）"),
        (["2024年第一版", "2024-12-31", "--category", "许可证"], "“职权类型”没有“许可证”"),
        (["2024年第一版", "2024-12-31", "--out", "对照.csv"], "应为 .xlsx"),
        (["2024年第一版", "2024-12-31", "--limit", "0"], "大于 0"),
        (["2023-12-31", "2024-12-31"], "未建账"),
    ],
)
def test_what_cannot_be_compared_is_told(
    shell: Shell, tmp_path: Path, given: list[str], says: str
) -> None:
    """In one line, with what there is."""
    _two_editions(shell, tmp_path)
    assert shell.run("rights", "compare", *given) == 1
    assert says in shell.err


def test_published_workbooks_go_in_as_they_are(shell: Shell) -> None:
    """All 16, as one append; the second time nothing."""
    shared("data/rights/workbooks")
    reads = [read_workbook(path) for path in workbooks()]
    names = {sheet.department.name for read in reads for sheet in read.sheets if sheet.department}
    register(shell, *sorted(names))
    number = sum(len(read.items) for read in reads)
    on = ("--on", "2024-12-31")
    assert shell.run("import", "rights", *map(str, workbooks()), *on) == 5  # some cells are hidden
    assert f"新增 {number} 项" in shell.out
    assert f"已记录：流水号 {len(names) + 3} 至 {len(names) + 2 + number}。" in shell.out
    shell.run("import", "rights", *map(str, workbooks()[:3]), *on)
    assert f"没有变化 {sum(len(read.items) for read in reads[:3])} 项" in shell.out
    assert "没有新的内容可以记录。" in shell.out
