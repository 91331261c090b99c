"""What an office's own books are full of (staffing.md §7, 18 to 25): each has its clear message.

Every case is written as a real .xlsx, .xls and .csv file, in UTF-8 and in GB18030.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application import importing
from application.importing import Order
from application.importing_results import Imported, RowResult
from domain.code_sets import QuotaKind
from domain.identifiers import resident_id_check
from domain.journal import OpenJournal
from infrastructure.importing import Files, Unreadable, copy_names, distinct_names
from infrastructure.office import Office
from tests.databases import MASTER_KEY
from tests.xls_writer import xls

OPENING = date(2021, 6, 30)
Cell = str | float
UNIT, OTHER = "示范区卫生健康局", "示范区教育局"
UNITS: tuple[tuple[Cell, ...], ...] = (
    ("示范区机构编制情况表",),
    ("机构名称", "机构类别", "机构规格", "编制类型", "核定编制数"),
    (UNIT, "事业单位", "股级", "事业编制", 3),
    (OTHER, "事业单位", "股级", "事业编制", 2),
)
HEADINGS = ("序号", "单位名称", "姓名", "性别", "身份证号", "出生年月", "编制类型", "入编时间")


def number(first17: str) -> str:
    """Return the whole ID number."""
    return first17 + resident_id_check(first17)


GOOD = number("13010219900101001")
OLDER = number("13010219700101001")
FEMALE = number("13010219900101002")


def person(**given: Cell) -> list[Cell]:
    """Return a row of the roster, sound but for what is given."""
    row: dict[str, Cell] = {
        "序号": 1,
        "单位名称": UNIT,
        "姓名": "张示范",
        "性别": "男",
        "身份证号": GOOD,
        "出生年月": "1990-01",
        "编制类型": "事业编制",
        "入编时间": "2012-03-05",
    }
    return list({**row, **given}.values())


# ── files ────────────────────────────────────────────────────────────────────────────────────


def as_xlsx(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Return the rows as an Excel workbook."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet("表")
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return target.getvalue()


def as_xls(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Return the rows as a workbook of old."""
    return xls(rows, "表")


def as_csv(rows: Sequence[Sequence[Cell]], encoding: str) -> bytes:
    """Return the rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(
        [f"{cell:.0f}" if isinstance(cell, int | float) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode(encoding)


FORMATS: dict[str, tuple[str, Callable[[Sequence[Sequence[Cell]]], bytes]]] = {
    "xlsx": ("xlsx", as_xlsx),
    "xls": ("xls", as_xls),
    "csv-utf8": ("csv", lambda rows: as_csv(rows, "utf-8-sig")),
    "csv-gb18030": ("csv", lambda rows: as_csv(rows, "gb18030")),
}


def book_of(people: Sequence[Sequence[Cell]], form: str = "xlsx") -> dict[str, bytes]:
    """Return two files: the institutions, and a roster with titles above and signatures below."""
    suffix, write = FORMATS[form]
    roster = [("示范区在编人员名册",), HEADINGS, *people, ("填表人：　　审核人：",)]
    return {f"机构.{suffix}": write(UNITS), f"人员.{suffix}": write(roster)}


def imported(office: Office, files: dict[str, bytes], order: Order) -> Imported:
    """Import files as the command line and the route do."""
    with Files(files) as opened:
        books, unread = opened.books()
        ready = importing.prepare(books, order.opening, unread=unread)
        return importing.file(office.writer, ready, order)


def ordered(*, dry_run: bool = False, **more: object) -> Order:
    """Return an order that opens the journal where need be."""
    opens = OpenJournal(effective_on=OPENING, office="示范区委编办", purpose="demonstration")
    return Order(OPENING, "lin", dry_run=dry_run, opens=opens, **more)  # type: ignore[arg-type]  # passed on


def roster(answer: Imported) -> list[RowResult]:
    """Return the results of the roster's rows."""
    return [row for row in answer.rows if row.file.startswith("人员")]


# ── one case for each item ───────────────────────────────────────────────────────────────────


class Case(NamedTuple):
    """A row, what becomes of it, and what is said of it."""

    row: list[Cell]
    result: str
    says: str
    column: str = ""


CASES = {
    "18 nearly the same name": Case(
        person(单位名称="区卫生健康局"), "error", f"名称相近的有“{UNIT}”", "B列"
    ),
    "18 no such name": Case(
        person(单位名称="示范区某某公司"), "error", "没有单位“示范区某某公司”", "B列"
    ),
    "19 a name in other brackets and spaces": Case(
        person(单位名称=f" {UNIT[:3]} {UNIT[3:]}"), "repaired", "去掉了中间的空格", "B列"
    ),
    "20 a division that was abolished": Case(
        person(身份证号=number("13010919900101001")), "ok", ""
    ),
    "21 a minority name": Case(
        person(姓名="买买提.示范"), "repaired", "姓名中的间隔号统一为“·”", "C列"
    ),
    "21 a rare character": Case(person(姓名="张㛃"), "ok", ""),
    "21 a character of one's own": Case(person(姓名="张\ue000"), "warn", "姓名中有自造字", "C列"),
    "23 two birth dates": Case(
        person(出生年月="1989-12-01"), "warn", "与身份证号中的出生日期不一致", "F列"
    ),
    "24 fifteen digits": Case(
        person(身份证号="130102900101001"), "repaired", "15位老号码升为18位", "E列"
    ),
    "24 a small x": Case(
        person(身份证号=number("13010219900101055").lower()), "repaired", "改为大写X", "E列"
    ),
    "24 a tail that Excel has lost": Case(
        person(身份证号=130102199001010000.0), "error", "被Excel变成了000", "E列"
    ),
    "24 scientific notation": Case(
        person(身份证号="1.30102E+17"), "error", "被Excel变成了000", "E列"
    ),
    "24 a wrong check digit": Case(
        person(身份证号=GOOD[:17] + ("1" if GOOD[17] != "1" else "2")), "error", "校验码不符", "E列"
    ),
    "25 dots": Case(person(入编时间="2012.3.5"), "repaired", "用点分隔的日期", "H列"),
    "25 a month": Case(person(入编时间="201203"), "repaired", "按当月1日记录", "H列"),
    "25 a serial": Case(person(入编时间=38777.0), "repaired", "Excel日期序号还原为日期", "H列"),
    "25 a year of two digits": Case(
        person(身份证号=OLDER, 出生年月="1970-01", 入编时间="98.3.5"),
        "repaired",
        "两位数的年份补全为四位",
        "H列",
    ),
    "25 a year of two digits in either century": Case(
        person(入编时间="12.3.5"), "error", "分不清世纪", "H列"
    ),
    "25 no such day": Case(
        person(入编时间="2012-02-30"), "error", "“2012-02-30”不是一个存在的日期", "H列"
    ),
    "25 unknown": Case(person(入编时间="不详"), "error", "没有填写", "H列"),
}


@pytest.fixture(scope="module")
def shared(module_database: str) -> Iterator[Office]:
    """An office in which nothing is ever recorded: dry runs only."""
    with Office(module_database, MASTER_KEY) as opened:
        yield opened
        assert opened.journal.head() == (0, None)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_each_dirty_input_has_its_own_message(shared: Office, name: str, form: str) -> None:
    """In Chinese, with the column as the clerk sees it, whatever the format of the file."""
    case = CASES[name]
    (row,) = roster(imported(shared, book_of([case.row], form), ordered(dry_run=True)))
    told = "；".join(row.told(finding) for finding in row.findings)
    assert (row.result, row.row) == (case.result, 3), told
    assert case.says in told
    assert case.column in told
    assert GOOD not in told
    assert bool(told) == bool(case.says)


def test_one_number_under_two_names(shared: Office) -> None:
    """22: the later row is wrong, and says where the earlier stands."""
    answer = imported(shared, book_of([person(), person(姓名="李示范")]), ordered(dry_run=True))
    first, second = roster(answer)
    assert (first.result, second.result) == ("ok", "error")
    told = second.told(second.problems[0])
    assert "该身份证号已登记在另一姓名之下" in told
    assert "见第3行" in told


def test_columns_in_any_order_and_what_is_not_known(shared: Office) -> None:
    """Synonyms and title rows; unknown headings, totals and the signature line are reported."""
    headings = ("备用一", "进编时间", "编制性质", "公民身份号码", "人员姓名", "所在单位", "顺序号")
    rows = [
        ("在编人员花名册",),
        ("填报单位：示范区委编办",),
        headings,
        ("x", "2012-03-05", "事业编制", GOOD, "张示范", UNIT, 7),
        ("", "", "", "", "合计", "", ""),
        ("填表人：　　审核人：",),
    ]
    answer = imported(shared, {"a.xlsx": as_xlsx(UNITS), "b.xlsx": as_xlsx(rows)},
                      ordered(dry_run=True))  # fmt: skip
    (row,) = [row for row in answer.rows if row.file == "b.xlsx"]
    assert (row.result, row.row, row.serial) == ("ok", 4, "7")
    remarks = "；".join(answer.sheets[1].remarks())
    assert "不认识的列，没有导入：A列“备用一”" in remarks
    assert "第5行“合计”" in remarks
    assert "第6行“填表人" in remarks


def test_a_column_that_every_row_needs(shared: Office) -> None:
    """The whole sheet is not imported, and says which column it lacks."""
    rows = [("单位名称", "姓名", "身份证号", "编制类型"), (UNIT, "张示范", GOOD, "事业编制")]
    answer = imported(shared, {"a.xlsx": as_xlsx(UNITS), "b.xlsx": as_xlsx(rows)},
                      ordered(dry_run=True))  # fmt: skip
    assert answer.faulty
    assert "缺少必需的列“入编时间”" in next(answer.sheets[1].remarks())


# ── ceilings, and the same book again ────────────────────────────────────────────────────────


def test_ceilings_are_the_sum_unless_given(office: Office) -> None:
    """Given, what is not handed out stays in the pool; too small, nothing is recorded."""
    too_small = ordered(ceilings={QuotaKind.INSTITUTION: 4})
    answer = imported(office, book_of([person()]), too_small)
    assert [row.result for row in answer.rows] == ["ok", "error", "ok"]
    again = imported(office, book_of([person()]), ordered(ceilings={QuotaKind.INSTITUTION: 9}))
    assert again.ceilings[0].result == "error"
    assert "已下达登记为4名，所给为9名" in again.ceilings[0].problem
    assert (again.stage, again.receipt) == ("held", None)


def test_two_imports_at_once_record_everything_once(office: Office) -> None:
    """Whoever comes second finds everything there."""
    people = [person(), person(姓名="李示范", 性别="女", 身份证号=FEMALE)]
    answers: list[Imported] = []

    def act() -> None:
        answers.append(imported(office, book_of(people), ordered()))

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = sorted("".join(row.result for row in answer.rows) for answer in answers)
    assert results == ["okokokok", "samesamesamesame"]
    receipts = [answer.receipt for answer in answers if answer.receipt is not None]
    assert [one.last for one in receipts] == [office.journal.head()[0]]


# ── files ────────────────────────────────────────────────────────────────────────────────────


def test_names_of_files_that_would_be_the_same(tmp_path: Path) -> None:
    """Folders are kept where they tell files apart; so are copies; one given twice is refused."""
    assert distinct_names(["东区/人员.xlsx", "西区\\人员.xlsx", "x/机构.xlsx"]) == [
        "东区/人员.xlsx",
        "西区/人员.xlsx",
        "机构.xlsx",
    ]
    copies = copy_names(["东区/人员.xlsx", "西区/人员.xlsx", "机构.xlsx", "机构.csv"])
    assert len(set(copies.values())) == 4
    assert copies["东区/人员.xlsx"] == "东区_人员-核对结果.xlsx"
    with pytest.raises(Unreadable) as twice:
        distinct_names([str(tmp_path / "a.xlsx"), str(tmp_path / "a.xlsx")])
    assert "给了两次" in str(twice.value.problems[0])


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """All at once, each with its reason."""
    sources: dict[str, Path | bytes] = {
        "没有.xlsx": tmp_path / "没有.xlsx",
        "夹.xlsx": tmp_path,
        "坏.xlsx": b"PK\x03\x04broken",
        "锁.xls": xls([["姓名"]], locked=True),
        "空.csv": b"",
    }
    with pytest.raises(Unreadable) as unreadable, Files(sources):
        pass
    told = {one.file: one.message for one in unreadable.value.problems}
    assert told.keys() == sources.keys()
    for name, words in {
        "没有.xlsx": "没有找到",
        "夹.xlsx": "文件夹",
        "坏.xlsx": "已损坏",
        "锁.xls": "密码",
        "空.csv": "空的",
    }.items():
        assert words in told[name]
