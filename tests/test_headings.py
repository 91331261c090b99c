"""Headings: every published one is known, wherever it stands and however it is dressed up."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.book_headings import ANNOTATIONS, BOOKS, INSTITUTIONS, PEOPLE, Book, heading_keys
from domain.cells import Cell
from domain.headings import Heading, StrangeColumn, column_letters, find_heading, row_kind
from tests.shared_data import shared_rows

TEMPLATES = shared_rows("data", "templates", "template_fields.csv", at_least=270)

ROSTER = ("序号", "单位名称", "姓名", "性别", "身份证号", "编制类型", "入编时间", "备注")


def found(rows: list[list[Cell]], *merges: tuple[tuple[int, int], tuple[int, int]]) -> Heading:
    """Return the heading, which must be there."""
    heading = find_heading(rows, BOOKS, merges)
    assert heading is not None
    return heading


@pytest.mark.parametrize(
    ("template", "book"),
    [
        ("实名制人员信息表(填表说明26项)", PEOPLE),
        ("编制实名制登记个人信息表", PEOPLE),
        ("机构信息表(行政)", INSTITUTIONS),
    ],
)
def test_every_heading_of_the_published_forms_is_known(template: str, book: Book) -> None:
    """The forms that offices fill in today name nothing that is not recognised."""
    headings = [row["字段/列名"] for row in TEMPLATES if row["模板"] == template]
    if TEMPLATES:
        assert len(headings) >= 7
    fields = {heading: book.field_of(heading) for heading in headings}
    assert all(fields.values()), fields
    assert len(set(fields.values())) == len(headings), "two headings of one form fill one field"


def test_headings_of_other_published_tables_are_known_where_we_have_the_field() -> None:
    """The indicator groups and statistics name some of the same columns."""
    known = {
        "机构级别": "rank",
        "系统类别": "system_class",
        "机构性质": "nature",
        "机构类别": "category",
        "机构编码": "institution_code",
        "编制类型": "quota_kind",
        "编制类别": "quota_kind",
        "编制数": "approved",
        "实际在职人数": "occupied",
        "在职人数": "occupied",
    }
    if TEMPLATES:
        assert known.keys() <= {row["字段/列名"] for row in TEMPLATES}
    assert {heading: INSTITUTIONS.field_of(heading) for heading in known} == known


@pytest.mark.parametrize("book", BOOKS)
def test_no_heading_belongs_to_two_fields(book: Book) -> None:
    """Written in full, a heading means one field; and the fields' own headings mean themselves."""
    owners: dict[str, str] = {}
    for column in book.columns:
        for text in (column.heading, *column.synonyms):
            assert owners.setdefault(heading_keys(text)[0], column.field) == column.field, text
        assert book.field_of(column.heading) == column.field
        assert book.heading_of(column.field) == column.heading
    fields = {column.field for column in book.columns}
    assert len(fields) == len(book.columns)
    assert fields >= book.telling | {field for group in book.required for field in group}


@pytest.mark.parametrize(
    "text",
    [
        "姓名",
        " 姓  名 ",
        "姓\n名",
        "*姓名",
        "姓名*",
        "姓名(M)",
        "姓名：",
        "１．姓名",
        "3、姓名",
        "【姓名】",
        "姓名（必填）",
    ],
)
def test_dress_does_not_count(text: str) -> None:
    """Spaces, line breaks, stars, colons, remarks, numbering, full-width forms."""
    assert PEOPLE.field_of(text) == "name"


def test_what_stands_in_brackets_may_count() -> None:
    """With and without it."""
    assert PEOPLE.field_of("入党（团）时间") == "party_date"
    assert PEOPLE.field_of("入党时间") == "party_date"
    assert PEOPLE.field_of("入团时间（可不填）") == "party_date"
    assert PEOPLE.field_of("行政机构名称/事业单位名称") == "institution"
    assert PEOPLE.field_of("") is None
    assert PEOPLE.field_of("星座") is None


@settings(deadline=None)
@given(st.data())
def test_columns_may_stand_in_any_order_below_any_titles(data: st.DataObject) -> None:
    """The heading is found, and each field in its place."""
    names = data.draw(st.permutations(ROSTER))
    above = data.draw(st.integers(0, 6))
    rows: list[list[Cell]] = [[f"示范区人员名册 第{n}行"] if n % 2 else [] for n in range(above)]
    rows += [list(names), ["1", "甲", "乙", "男", "x", "行政编制", "2012-1-1", ""]]
    heading = found(rows)
    assert heading.book is PEOPLE
    assert (heading.first_row, heading.last_row) == (above, above)
    assert heading.fields == {PEOPLE.field_of(name): names.index(name) for name in ROSTER}
    assert [heading.unknown, heading.duplicates, heading.missing] == [(), (), ()]


def test_the_book_is_told_by_its_headings_alone() -> None:
    """Both books have 单位名称; a person has a name."""
    institutions = found([["机构名称", "编制类型", "核定编制数", "机构规格"]])
    assert institutions.book is INSTITUTIONS
    assert found([["单位名称", "编制类型", "编制数"]]).book is INSTITUTIONS
    assert found([["单位名称", "姓名", "编制类型", "备注"]]).book is PEOPLE
    assert find_heading([["单位名称", "编制类型"]], BOOKS) is None
    assert find_heading([["性别", "民族", "学历", "职务"]], BOOKS) is None
    assert find_heading([], BOOKS) is None
    assert find_heading([[1.0, None, True]], BOOKS) is None


def test_what_is_unknown_doubled_or_missing_is_said() -> None:
    """With the column's letter, as the clerk sees it."""
    heading = found([["星 座", "姓名", "单位名称", "出生年月", "出生日期", "处理结果", "问题"]])
    assert heading.unknown == (StrangeColumn(0, "星 座"),)
    assert heading.duplicates == (StrangeColumn(4, "出生日期"),)
    assert heading.fields["birth_date"] == 3
    assert heading.missing == ("身份证号", "编制类型", "入编时间")
    assert heading.annotations == {"处理结果": 5, "问题": 6}
    assert str(heading.unknown[0]) == "A列“星 座”"
    assert set(heading.annotations) <= set(ANNOTATIONS)


def test_a_heading_of_two_rows_with_merged_cells() -> None:
    """Under 编制数 the words 行政 and 事业 are two columns; plain headings span both rows."""
    rows: list[list[Cell]] = [
        ["机构编制情况表", "", "", "", "", ""],
        ["序号", "机构名称", "编制数", "", "", "备注"],
        ["", "", "行政", "事业", "工勤", ""],
        [1.0, "区财政局", 12.0, 3.0, 1.0, ""],
    ]
    merges = [((0, 0), (0, 5)), ((1, 2), (1, 4))]
    merges += [((1, column), (2, column)) for column in (0, 1, 5)]
    heading = found(rows, *merges)
    assert (heading.first_row, heading.last_row) == (1, 2)
    assert heading.fields == {
        "serial": 0,
        "full_name": 1,
        "approved_10": 2,
        "approved_20": 3,
        "approved_12": 4,
        "remark": 5,
    }
    assert heading.missing == ()


def test_a_group_heading_above_names_no_column_by_itself() -> None:
    """基本情况 over several columns is no field; the columns below are."""
    rows: list[list[Cell]] = [
        ["基本情况", "", "", "编制", ""],
        ["单位", "姓名", "性别", "类型", "其他说明事项"],
    ]
    heading = found(rows, ((0, 0), (0, 2)), ((0, 3), (0, 4)))
    assert heading.fields == {"institution": 0, "name": 1, "gender": 2, "quota_kind": 3}
    assert heading.unknown == (StrangeColumn(4, "编制其他说明事项"),)


def test_a_heading_with_its_unit_below_is_still_known() -> None:
    """核定编制数 over 名 is itself; 实有人数 over two columns of its own is neither of them."""
    rows: list[list[Cell]] = [
        ["机构名称", "核定编制数", "编制类型", "实有人数", ""],
        ["", "名", "", "男性", "女性"],
    ]
    heading = found(rows, ((0, 0), (1, 0)), ((0, 2), (1, 2)), ((0, 3), (0, 4)))
    assert heading.fields == {"full_name": 0, "approved": 1, "quota_kind": 2}
    assert [one.heading for one in heading.unknown] == ["实有人数男性", "实有人数女性"]


def test_a_merge_that_reaches_beyond_the_used_area_does_no_harm() -> None:
    """Formatting often spans more than what is filled in."""
    heading = found(
        [["名册"], list(ROSTER)], ((0, 0), (0, 40)), ((90, 3), (95, 3)), ((1, 50), (1, 60))
    )
    assert heading.first_row == 1


def test_the_heading_must_stand_near_the_top() -> None:
    """Within forty rows; a heading-like line further down is data."""
    assert find_heading([[]] * 39 + [list(ROSTER)], BOOKS) is not None
    assert find_heading([[]] * 40 + [list(ROSTER)], BOOKS) is None


HEADING = found([list(ROSTER)])


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ([1.0, "区财政局", "张三", "男", "1", "行政编制", "2012", ""], "data"),
        (["1", "区财政局", "张三", "男", "1", "行政编制", "2012", ""], "data"),
        ([1.0, "区财政局", "", "", "", "", "", ""], "data"),
        (["", "", "张三"], "data"),
        (["", "", "", "", "130406198701226543"], "data"),
        ([1.0, "审批局", "说明", "男", "1", "行政编制", "2012", ""], "data"),
        (["", "统计局", "安备注", "男"], "data"),
        ([], "blank"),
        (["", None, "  ", "\u3000"], "blank"),
        ([7.0, "", ""], "serial_only"),
        (["7"], "serial_only"),
        (list(ROSTER), "heading"),
        (["合计", "", "", "", "", "", "", ""], "total"),
        (["", "合 计:", 12.0], "total"),
        ([8.0, "小计", "", 3.0], "total"),
        (["", "区财政局", "合计", 3.0], "total"),
        (["填表人：        审核人：", "", ""], "note"),
        (["填表人:张三", "", "审核人:李四", "", "填报日期:2021.6.30"], "note"),
        (["单位负责人（签字）：", ""], "note"),
        (["单位（盖章）"], "note"),
        (["主管部门（公章）：", "", "", "2021年6月30日"], "note"),
        (["注：1.本表一式两份。"], "note"),
        (["备注：本表由编办留存"], "note"),
        (["填表说明：用黑色笔"], "note"),
        (["说明:略"], "note"),
        (["", "", "", "", "", "2021年6月30日"], "note"),
        (["联系电话：0310-1234567"], "note"),
        (["以上人员均已核对"], "note"),
        (["一、区直机关"], "group"),
        (["", "区直机关", "", ""], "group"),
    ],
)
def test_rows_below_the_heading_are_told_apart(row: list[Cell], kind: str) -> None:
    """Only data is data; a row with a name or a number in it is never passed over as a group."""
    assert row_kind(row, HEADING) == kind


def test_a_lonely_institution_is_data() -> None:
    """In the institution book the name alone is a row that lacks the rest, and is told so."""
    heading = found([["机构名称", "编制类型", "核定编制数"]])
    assert row_kind(["区财政局", "", ""], heading) == "data"
    assert row_kind(["总计", "", 80.0], heading) == "total"
    assert row_kind(["", "", 80.0], heading) == "data"


def test_columns_are_lettered_as_in_excel() -> None:
    """A … Z, AA … ZZ, AAA."""
    names = [column_letters(index) for index in (0, 25, 26, 27, 51, 52, 701, 702, 16383)]
    assert names == ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA", "XFD"]


def test_noise_in_the_first_rows_does_not_hide_the_heading() -> None:
    """Random words above and beside it change nothing that was found."""
    chance = random.Random(7)  # noqa: S311  (no secret)
    words = ["单位", "部门", "2021年", "统计", "人数", "男", "女", "行政", "事业", "说明"]
    for _ in range(50):
        above: list[list[Cell]] = [
            [chance.choice([*words, ""]) for _ in range(8)] for _ in range(chance.randrange(5))
        ]
        heading = found([*above, [*ROSTER, "星座"], ["1", "甲"]])
        assert heading.last_row == len(above)
        assert heading.fields["id_number"] == 4
