"""Whose list it is, of which year, and the numbers it states of itself."""

from __future__ import annotations

import pytest

from domain.code_sets_rights import PowerCategory
from domain.rights_departments import department_of, list_year, same_department
from domain.rights_totals import category_named, names_a_group, stated_numbers

BODIES = {"地州市水利局": 20, "某某市水利局": 5, "某某市水利局水政科": 1}


@pytest.mark.parametrize(
    ("titles", "file", "sheet", "name", "origin"),
    [
        (["部门名称：某某县水务局", "甲市统计局权责清单"], "a.xls", "1", "某某县水务局", "label"),
        (["附件1：某某市统计局2024年权责清单"], "a.xls", "1", "某某市统计局", "title"),
        (["2025年某某县档案馆行政权力和责任清单"], "a.xls", "1", "某某县档案馆", "title"),
        (["关于公布某某县财政局权力清单的通知"], "a.xls", "1", "某某县财政局", "title"),
        (["说明", ""], "附件3.某某县住房和城乡建设局权责清单（2023年）.xls", "1",
         "某某县住房和城乡建设局", "file"),
        (["单位名称：市统计局"], "某某市统计局2024年权责清单.xls", "1", "某某市统计局", "label"),
        (["某某市水利系统2024年市县两级权责清单"], "目录.xls", "1", "某某市水利局", "bodies"),
        ([], "a.xls", "县应急管理局（31项）", "县应急管理局", "sheet"),
        ([], "a.xls", "Sheet1", "某某市水利局", "bodies"),
    ],
)  # fmt: skip
def test_a_list_says_whose_it_is(
    titles: list[str], file: str, sheet: str, name: str, origin: str
) -> None:
    """In a label, a title, the file's or the sheet's name, or by who acts; never a placeholder."""
    assert department_of(titles, file, sheet, BODIES) == (name, origin)


def test_a_short_name_is_written_out_by_the_body_that_acts() -> None:
    """国动办 has its characters, in their order, in the acting body's name."""
    bodies = {"某某市国防动员办公室（某某市人民防空办公室）": 18}
    found = department_of(["某某市人防系统权责清单"], "国动办权责清单公示.xlsx", "1", bodies)
    assert found == ("某某市国防动员办公室", "file")


def test_a_list_may_not_say_whose_it_is() -> None:
    """Then whoever imports it does."""
    assert department_of(["权责清单"], "清单.xls", "Sheet1", {"地州市水利局": 3}) is None


def test_short_and_full_names_of_one_department() -> None:
    """The short form is the tail of the full one; a second name in brackets does not count."""
    assert same_department("市统计局", "某某市统计局")
    assert same_department("某某市委宣传部（新闻出版局）", "市委宣传部")
    assert not same_department("市统计局", "市审计局")
    assert not same_department("局", "市审计局")


def test_the_year_of_a_list() -> None:
    """The first year that a title or the file's name speaks of."""
    assert list_year(["权责清单", "2024年版", "2023年"]) == 2024
    assert list_year(["权责清单"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("行政许可（11项）", [(11, PowerCategory.LICENCE)]),
        ("行政征收（ 1 项）", [(1, PowerCategory.LEVY)]),
        ("市生态环境局（217项）", [(217, None)]),
        ("一、行政处罚（共254项）", [(254, PowerCategory.PENALTY)]),
        (
            "行政许可11项、行政检查3项，共计14项",
            [(11, PowerCategory.LICENCE), (3, PowerCategory.INSPECTION), (14, None)],
        ),
        ("合计 312", [(312, None)]),
        ("合计：312项", [(312, None)]),
        ("2024年权责清单", []),
    ],
)
def test_numbers_a_list_states(text: str, expected: list[tuple[int, PowerCategory | None]]) -> None:
    """With the category they speak of."""
    assert list(stated_numbers(text)) == expected


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("一、行政许可", PowerCategory.LICENCE),
        ("（二）行政处罚类", PowerCategory.PENALTY),
        ("某某市人防系统权责清单（行政检查类）", PowerCategory.INSPECTION),
        ("其他行政权力（5项）", PowerCategory.OTHER),
        ("某某市行政许可和行政处罚清单", None),
        ("Sheet1", None),
    ],
)
def test_the_category_a_title_names(text: str, category: PowerCategory | None) -> None:
    """One category, or none where it names several."""
    assert category_named(text) is category


def test_a_group_heading_is_no_item() -> None:
    """Nor is an item whose name speaks of a licence a group heading."""
    assert names_a_group("一、行政许可")
    assert names_a_group("行政处罚（254项）")
    assert names_a_group("二、涉企事项（共3项）")
    assert not names_a_group("行政许可的撤销")
    assert not names_a_group("对违反行政许可规定的处罚")
