"""Rights lists of any department: other headings, orders, sheets, merges, gaps and slips.

The sheets are made up, or published ones whose columns were shuffled and renamed.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from application.rights_reading import RightsRead, department_of_item, read_rights
from domain.cells import Cell
from domain.code_sets_rights import PowerCategory, PowerLevel
from domain.headings import Merge
from domain.rights_content import NAME_LIMIT, ItemContent
from domain.rights_headings import RIGHTS
from infrastructure.workbooks import open_book
from tests.rights_agreement import workbooks
from tests.rights_pages import Book, Page
from tests.shared_data import shared
from tests.xls_writer import xls

HEADINGS = ["序号", "职权名称", "子项", "职权类别", "设定依据", "实施主体", "承办科室", "备注"]
LAW = "《教育法》第七十五条"


def read(*rows: Sequence[Cell], merges: Sequence[Merge] = (), name: str = "Sheet1") -> RightsRead:
    """Read a workbook of one sheet."""
    return read_rights(Book([Page(name, rows, merges)]))


def contents(found: RightsRead) -> list[ItemContent]:
    """Return what the items say."""
    return [one.content for one in found.items]


def codes(found: RightsRead) -> list[tuple[int, str, str]]:
    """Return row, column and code of the reports."""
    return [(one.row, one.column, one.code) for one in found.reports]


def test_a_list_with_groups_totals_and_notes() -> None:
    """Titles, groups, a continued basis, a total row and a foot; the numbers it states checked."""
    found = read(
        ["附件1"],
        ["某某区教育局行政权力清单（2023年版）（共4项）"],
        HEADINGS,
        ["一、行政许可（共2项）"],
        [1, "民办学校设立审批", "", "", "《民办教育促进法》第十二条", "区教育局", "审批股"],
        [2, "教师资格认定", "无", "", "1.《教师法》第十条\n2.《教师资格条例》第五条"],
        ["二、行政处罚（共3项）"],
        [3, "对违规办学的处罚", "", "", LAW, "区教育局", "法规股"],
        ["", "", "", "", "第七十六条：……"],
        [4, "对学校违规收费的处罚", "", "行政处罚", "《教育法》第七十八条", "区教育局"],
        ["合计", 4],
        ["填表人：某某", "", "审核人："],
        ["注：本清单由区教育局负责解释"],
    )
    (sheet,) = found.sheets
    assert sheet.department is not None
    assert (sheet.department.name, sheet.year) == ("某某区教育局", 2023)
    assert [one.source.row for one in found.items] == [5, 6, 8, 10]
    assert [one.category for one in contents(found)] == [
        PowerCategory.LICENCE,
        PowerCategory.LICENCE,
        PowerCategory.PENALTY,
        PowerCategory.PENALTY,
    ]
    assert [one.title for one in contents(found)[1].bases] == ["教师法", "教师资格条例"]
    assert contents(found)[2].bases[0].articles == ("第七十五条", "第七十六条")
    assert contents(found)[1].sub_name is None
    assert [(one.stated, one.rows, one.agrees) for one in found.totals] == [
        (4, 4, True),
        (2, 2, True),
        (3, 2, False),
        (4, 4, True),
    ]
    assert "不相符，请核对" in str(found.totals[2])
    assert [one.kind for one in sheet.passed_over] == ["group", "group", "total", "note", "note"]
    assert codes(found) == [(row, "D", "category_inferred") for row in (5, 6, 8)]


def test_sub_items_take_over_what_is_merged_or_blank() -> None:
    """A sub-item has its main item's name and whatever it does not say itself."""
    found = read(
        ["部门名称：某某县水务局"],
        ["类型", "权力名称", "子项名称", "依据", "责任事项", "", "追责", "实施层级及权限", ""],
        ["", "", "", "", "责任内容", "依据", "", "", ""],
        [
            "行政许可",
            "取水许可",
            "甲",
            "《水法》第七条",
            "1.受理：接件；",
            "",
            "",
            "县级、乡级",
            "本县",
        ],
        ["", "", "乙", "《水法》第九条"],
        ["行政处罚", "对无证取水的处罚", "", "《水法》第六十九条"],
        merges=[((1, 4), (1, 5)), ((1, 7), (1, 8)), ((3, 1), (4, 1)), ((3, 4), (4, 4))],
    )
    one, two, three = contents(found)
    assert (one.name, one.sub_name) == ("取水许可", "甲")
    assert (two.name, two.sub_name, two.category) == ("取水许可", "乙", PowerCategory.LICENCE)
    assert two.duties == one.duties
    assert one.duties[0].stage == "受理"
    assert one.levels == (PowerLevel.DISTRICT, PowerLevel.TOWNSHIP)
    assert one.scope == "本县"
    assert [basis.articles for basis in two.bases] == [("第九条",)]
    assert (three.sub_name, three.duties) == (None, ())
    assert found.sheets[0].department == ("某某县水务局", "label")


def test_a_main_item_that_only_heads_its_sub_items_is_none() -> None:
    """It has no row of its own to say anything."""
    found = read(
        HEADINGS,
        [1, "取水许可", "", "行政许可"],
        ["", "", "甲", "", LAW],
        [2, "其他事", "", "其他"],
    )
    assert [(one.name, one.sub_name) for one in contents(found)] == [
        ("取水许可", "甲"),
        ("其他事", None),
    ]


def test_the_same_item_at_another_level_is_an_item() -> None:
    """A row without a name that names another body is no continued text."""
    found = read(
        [*HEADINGS, "实施层级"],
        [1, "征收某费", "", "行政征收", LAW, "市水务局", "一科", "", "市级"],
        ["", "", "", "", "", "县水务局", "一股", "", "县级"],
        merges=[((1, 1), (2, 1)), ((1, 4), (2, 4))],
    )
    assert [(one.name, one.exercised_by) for one in contents(found)] == [
        ("征收某费", "市水务局"),
        ("征收某费", "县水务局"),
    ]
    assert contents(found)[1].bases == contents(found)[0].bases


def test_what_a_merged_cell_hides_is_reported_and_not_read() -> None:
    """Excel shows the corner alone; a text left under it from an older list does not count."""
    found = read(
        HEADINGS,
        [1, "甲许可", "", "行政许可", LAW, "市水务局"],
        ["", "", "", "", "", "县水务局"],
        merges=[((1, column), (2, column)) for column in range(6)],
    )
    assert len(found.items) == 1
    assert codes(found) == [(3, "F", "hidden_by_merge")]


def test_every_cell_that_finds_no_place_is_reported() -> None:
    """Unknown columns and values, a second column, a failed formula, a row without a name."""
    found = read(
        ["事项名称", "类型", "依据", "奇怪的列", "依据", "是否收费", "实施层级"],
        ["", "", "没有名称"],
        ["甲", "奇怪类型", LAW, "有内容", "《乙法》第一条", "不一定", "县级；负责本县"],
        ["乙", "备案", "按上级要求", "", "《乙法》第一条", "否", "负责本县"],
        ["丙", "备案", "#REF!", "", "", "", ""],
        ["丁" * (NAME_LIMIT + 1), "备案", LAW],
    )
    assert codes(found) == [
        (2, "C", "row_without_name"),
        (3, "D", "unknown_column"),
        (3, "E", "second_column"),
        (4, "E", "second_column"),
        (5, "C", "excel_error"),
        (3, "B", "unknown_choice"),
        (3, "F", "not_yes_or_no"),
        (4, "C", "no_document"),
        (5, "C", "blank"),
        (6, "A", "does_not_fit"),
    ]
    assert [one.name for one in contents(found)] == ["甲", "乙", "丙"]
    one, two, _ = contents(found)
    assert (one.category, one.charged, one.scope) == (None, None, "负责本县")
    assert (two.category, two.charged, two.levels) == (PowerCategory.OTHER, False, ())
    assert all(str(report).startswith("Sheet1 第") for report in found.reports)


def test_gaps_are_reported_though_nothing_is_lost() -> None:
    """What stands in the way of publishing: blanks, and names that the model list left open."""
    found = read(
        ["事项名称", "类型", "依据", "责任事项", "追责情形", "行使主体", "承办机构"],
        ["甲", "备案", "", "", "", "地州市农业农村局", "具体承办的业务科室"],
        ["乙", "备案", LAW, "1.受理。", "1.失职的。", "某某市农业农村局", "种子科"],
    )
    assert codes(found) == [
        *((2, column, "blank") for column in "CDE"),
        *((2, column, "placeholder") for column in "FG"),
    ]
    assert not any(one.lost for one in found.reports)
    assert contents(found)[0].exercised_by == "地州市农业农村局"


def test_a_second_column_fills_the_gaps_of_the_first() -> None:
    """Where the first column of a heading is blank, the second one speaks."""
    found = read(
        ["事项名称", "类型", "依据", "依据"], ["甲", "备案", "", LAW], ["乙", "备案", LAW, ""]
    )
    assert [len(one.bases) for one in contents(found)] == [1, 1]
    assert found.reports == []


def test_each_row_may_name_its_department() -> None:
    """A list of a whole district has a column for it."""
    found = read(
        ["部门", "事项名称", "类型", "依据"],
        ["区民政局", "低保给付", "行政给付", LAW],
        ["区财政局", "票据检查", "监督检查", LAW],
    )
    (sheet,) = found.sheets
    departments = [department_of_item(sheet, one) for one in sheet.items]
    assert [one and one.name for one in departments] == ["区民政局", "区财政局"]


def test_several_tables_on_one_sheet() -> None:
    """A second heading, with its columns in another order, is a heading and no item."""
    found = read(
        ["事项名称", "职权类型", "实施依据"],
        ["甲许可", "行政许可", LAW],
        ["事项名称", "职权类型", "实施依据"],
        ["乙许可", "行政许可", LAW],
        ["实施依据", "事项名称", "职权类型"],
        [LAW, "对丙的处罚", "行政处罚"],
    )
    assert [one.name for one in contents(found)] == ["甲许可", "乙许可", "对丙的处罚"]
    assert all(one.bases[0].title == "教育法" for one in contents(found))


def test_sheets_by_category_and_sheets_that_are_none() -> None:
    """The sheet's name tells the category; a cover, an empty and a hidden sheet are named."""
    rows: list[list[Cell]] = [["序号", "名称说明", "事项名称", "依据"], [1, "", "甲", LAW]]
    found = read_rights(
        Book(
            [
                Page("目录", [["类别", "数量"], ["行政许可", 2]]),
                Page("行政奖励（1项）", rows),
                Page("其他行政权力", rows),
                Page("空", []),
                Page("旧", rows, hidden=True),
                Page("表头", rows[:1]),
            ],
            "某某县统计局权责清单.xls",
        )
    )
    assert [one.category for one in contents(found)] == [PowerCategory.REWARD, PowerCategory.OTHER]
    assert [one.sheet for one in found.not_read] == ["目录", "空", "旧", "表头"]
    assert {one.department for one in found.sheets} == {("某某县统计局", "file")}
    assert found.reports == []
    assert [one.agrees for one in found.totals] == [True]


def test_repeated_items_are_kept_and_reported() -> None:
    """Which of the two is meant, only the department knows."""
    found = read(HEADINGS, [1, "甲", "", "备案", LAW], [2, "甲", "", "备案", LAW])
    assert len(found.items) == 2
    assert codes(found) == [(3, "", "repeated")]
    assert not found.reports[0].lost


def test_a_workbook_that_is_no_rights_list_gives_nothing() -> None:
    """A roster, for instance."""
    found = read(["姓名", "单位名称", "身份证号"], ["张三", "区财政局", "1"])
    assert (found.items, len(found.not_read)) == ([], 1)


@pytest.mark.parametrize("path", workbooks()[:8:3] + workbooks()[9::4], ids=lambda path: path.stem)
def test_shuffled_and_renamed_columns_read_the_same(path: Path) -> None:
    """A published list with its columns in any order and under other headings is the same list."""
    shuffle = random.Random(path.name)  # noqa: S311  (any order will do)
    with open_book(path) as book:
        before = read_rights(book)
        pages = [_shuffled(Page(s.name, [r for _, r in s.rows()], s.merges()), shuffle)
                 for s in book.sheets if s.name in {one.name for one in before.sheets}]  # fmt: skip
    after = read_rights(Book(pages, path.name))
    assert len(before.items) > 0
    assert contents(after) == contents(before)
    assert [one.source.row for one in after.items] == [one.source.row for one in before.items]
    assert len(after.reports) == len(before.reports)


def _shuffled(page: Page, shuffle: random.Random) -> Page:
    """Return the page with its columns in another order, each heading replaced by a synonym.

    Columns under one heading stay side by side.
    """
    width = max(len(row) for row in page.cells)
    top = next(n for n, row in enumerate(page.cells) if "序号" in row)
    labels = [str(one) for one in [*page.cells[top], *[""] * width][:width]]
    blocks: list[list[int]] = []
    for column, label in enumerate(labels):
        if blocks and (not label or label == labels[column - 1]):
            blocks[-1].append(column)
        else:
            blocks.append([column])
    shuffle.shuffle(blocks)
    blocks.sort(key=lambda block: labels[block[0]] in labels[: block[0]])  # doubles stay behind
    order = [column for block in blocks for column in block]
    place = {column: new for new, column in enumerate(order)}
    rows = [[row[one] if one < len(row) else "" for one in order] for row in page.cells]
    rows[top] = [_renamed(labels[one], shuffle) for one in order]
    rows[:top] = [[max((str(one) for one in row), key=len)] for row in page.cells[:top]]
    merges = [
        ((first, place[left]), (last, place[right]))
        for (first, left), (last, right) in page.areas
        if first >= top and right < width and place[right] - place[left] == right - left
    ]
    return Page(page.name, rows, merges)


def _renamed(label: str, shuffle: random.Random) -> str:
    column = next((one for one in RIGHTS.columns if one.field == RIGHTS.field_of(label)), None)
    return shuffle.choice((column.heading, *column.synonyms)) if column else label


@pytest.mark.parametrize("kind", ["xlsx", "xls", "xls named xlsx"])
def test_files_of_either_kind_whatever_they_are_called(kind: str) -> None:
    """What a file is, its content says."""
    rows: list[list[str | float]] = [
        ["某某县科技局2025年权责清单", ""],
        ["序号", "事项名称", "权力类型", "实施依据"],
        [1.0, "甲的奖励", "行政奖励", LAW],
    ]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        page = book.add_worksheet("一")
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    source = content.getvalue() if kind == "xlsx" else xls(rows, "一")
    with open_book(source, "权责.xlsx" if "xlsx" in kind else "权责.xls") as opened:
        found = read_rights(opened)
    (item,) = found.items
    assert (item.content.name, item.serial) == ("甲的奖励", "1")
    assert found.sheets[0].department == ("某某县科技局", "title")


def test_a_huge_merge_costs_nothing() -> None:
    """An area merged over the whole sheet is cut to what is there."""
    found = read(HEADINGS, [1, "甲", "", "备案", LAW], merges=[((5, 0), (1_048_575, 16_383))])
    assert len(found.items) == 1


def test_published_lists_lie_beside_the_project() -> None:
    """Where they are absent the tests above that need them say so."""
    assert len(list(shared("data/rights/workbooks").iterdir())) == 16
