"""What importing a published list would do, against what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from application.rights_importing import (
    OnRecord,
    Plan,
    Step,
    plan_import,
    registered_name,
)
from application.rights_reading import RightsRead, read_rights
from domain.cells import Cell
from domain.rights_opening import OpenItem, RecordChangedItem, RecordRemovedItem
from tests.rights_agreement import read_workbook, workbooks
from tests.rights_pages import Book, Page
from tests.shared_data import shared

DAY = date(2024, 12, 31)
REGISTER = ("某某市统计局", "某某市审计局", "另某市统计局")
HEADINGS = ["序号", "事项名称", "职权类型", "实施依据", "承办机构"]
ROWS: list[list[Cell]] = [
    [1, "统计调查证核发", "行政许可", "《统计法》第五条", "法规科"],
    [2, "对拒绝调查的处罚", "行政处罚", "《统计法》第四十一条", "法规科"],
    [3, "对虚报瞒报统计资料行为的处罚", "行政处罚", "《统计法》第四十二条", "法规科"],
]


def listed(*rows: Sequence[Cell], title: str = "某某市统计局2024年权责清单") -> RightsRead:
    """Read a list of one sheet."""
    return read_rights(Book([Page("Sheet1", [[title], HEADINGS, *rows])], "清单.xlsx"))


def recorded(*steps: Step) -> list[OnRecord]:
    """Return what is on record once the steps were taken."""
    return [
        OnRecord(f"{place:016d}", step.content, step.source)
        for place, step in enumerate(steps)
        if step.outcome != "gone"
    ]


def plan(read: RightsRead, known: Sequence[OnRecord] = (), *, whole: bool = False) -> Plan:
    """Plan the import of one list."""
    return plan_import([read], REGISTER, lambda _: known, DAY, whole=whole)


def test_a_list_nobody_has_imported_yet_is_all_new() -> None:
    """One command for each row, with its place in the file."""
    found = plan(listed(*ROWS))
    assert [one.outcome for one in found.steps] == ["new"] * 3
    assert all(isinstance(one, OpenItem) for one in found.commands)
    first = found.commands[0]
    assert isinstance(first, OpenItem)
    assert (first.department, first.source.row, first.effective_on) == ("某某市统计局", 3, DAY)
    assert str(found.steps[0]) == "新增：某某市统计局“统计调查证核发”"


def test_the_same_file_again_brings_nothing() -> None:
    """Whatever order its rows are in."""
    known = recorded(*plan(listed(*ROWS)).steps)
    again = plan(listed(*ROWS[::-1]), known, whole=True)
    assert again.counts == {"same": 3}
    assert again.commands == ()


def test_a_changed_file_brings_only_what_differs() -> None:
    """A changed field, a new name, a new row and a row that is gone."""
    known = recorded(*plan(listed(*ROWS)).steps)
    changed = plan(
        listed(
            [*ROWS[0][:4], "审批科"],
            ["", "对虚报、瞒报、伪造统计资料行为的处罚", *ROWS[2][2:]],
            [9, "统计执法检查", "行政检查", "《统计法》第三十七条", "执法科"],
        ),
        known,
        whole=True,
    )
    assert [one.outcome for one in changed.steps] == ["changed", "changed", "new", "gone"]
    first, renamed, _, gone = changed.steps
    assert (first.item, first.fields, first.how) == (known[0].item, ("handler",), "exact")
    assert (renamed.item, renamed.fields, renamed.how) == (known[2].item, ("name",), "similar")
    assert "按名称相近认定" in str(renamed)
    assert str(first) == "有变化：某某市统计局“统计调查证核发”（承办机构）"
    assert gone.item == known[1].item
    kinds = [type(one) for one in changed.commands]
    assert kinds == [RecordChangedItem, RecordChangedItem, OpenItem, RecordRemovedItem]


def test_nothing_is_gone_unless_the_list_is_the_whole_list() -> None:
    """A file with one category of several takes nothing off."""
    known = recorded(*plan(listed(*ROWS)).steps)
    assert plan(listed(ROWS[0]), known).counts == {"same": 1}


def test_a_name_that_a_list_has_twice_is_taken_over_twice() -> None:
    """The second one says that it repeats."""
    found = plan(listed(ROWS[0], [2, *ROWS[0][1:4], "另一科"]))
    assert [one.repeats for one in found.commands if isinstance(one, OpenItem)] == [False, True]


def test_the_department_is_looked_up_on_the_register() -> None:
    """By its full or short name; what fits several or none is said, row by row."""
    assert registered_name("某某市统计局", REGISTER) == ("某某市统计局", "")
    assert registered_name("市审计局", REGISTER) == ("某某市审计局", "")
    assert "可能是另某市统计局、某某市统计局" in registered_name("市统计局", REGISTER)[1]
    assert "没有“县水务局”" in registered_name("县水务局", REGISTER)[1]
    assert "请在导入时指定部门" in registered_name("", REGISTER)[1]
    lost = plan(listed(*ROWS, title="县水务局权责清单"))
    assert (lost.steps, len(lost.unplaced)) == ((), 3)
    given = plan_import(
        [listed(*ROWS, title="目录")], REGISTER, lambda _: (), DAY, department="某某市审计局"
    )
    assert {one.department for one in given.steps} == {"某某市审计局"}


def test_published_lists_bring_nothing_the_second_time() -> None:
    """All 16 workbooks: every row new, then every row the same, the repeated ones too."""
    shared("data/rights/workbooks")
    reads = [read_workbook(path) for path in workbooks()]
    names = {sheet.department.name for read in reads for sheet in read.sheets if sheet.department}
    first = plan_import(reads, names, lambda _: (), DAY)
    assert first.counts == {"new": sum(len(read.items) for read in reads)}
    assert first.unplaced == ()
    known: dict[str, list[OnRecord]] = {}
    for place, step in enumerate(first.steps):
        known.setdefault(step.department, []).append(OnRecord(f"{place:016d}", step.content))
    again = plan_import(reads, names, lambda name: known[name], DAY, whole=True)
    assert again.counts == {"same": len(first.steps)}
    assert again.commands == ()
