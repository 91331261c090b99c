"""Differences as a workbook: two real lists of one department, and texts that no cell holds."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from python_calamine import CalamineWorkbook

from application.rights_differences import Difference, Differences, FieldChange, Named, Tally
from infrastructure.exporting import CELL_CHARACTERS, ExportTooLarge
from infrastructure.rights_differences_file import write_differences
from tests.http_office import HttpOffice, http_office
from tests.shared_data import shared, shared_rows
from tests.test_rights_importing_interface import XLSX, send

PAIR = "data/rights/karamay_forestry_city_vs_district_pair.csv"
HEADINGS = ("事项名称", "子项", "职权类型", "实施依据", "责任事项", "追责情形")
WHO = "某某区林业和草原局"


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    """The rows of every worksheet, without what the file says about itself."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python()[5:] for name in book.sheet_names}


@pytest.fixture
def house(empty_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP with a department."""
    with http_office(empty_database) as opened:
        opened.open_journal()
        opened.institution(WHO, opened.document())
        yield opened


def _list(path: Path, rows: Sequence[Mapping[str, str]], side: str) -> str:
    """Write one side of the pair as a department would publish it."""
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("清单")
        page.write_row(0, 0, [f"{WHO}权责清单"])
        page.write_row(1, 0, HEADINGS)
        mine = [row for row in rows if row[side]]
        for number, row in enumerate(mine, start=2):
            texts = (
                row[side],
                row["子项"],
                row["职权类型"],
                "《森林法》第一条",
                "1.受理。",
                "1.失职的。",
            )
            page.write_row(number, 0, texts)
    return str(path)


def test_two_real_lists_of_one_department_are_told_apart(house: HttpOffice, tmp_path: Path) -> None:
    """The published pair: 145 the same, 2 renamed, 2 gone, 14 come; for the public too."""
    shared(PAIR)
    rows = shared_rows(PAIR, at_least=160)
    city = _list(tmp_path / "前.xlsx", rows, "地州级事项名称")
    district = _list(tmp_path / "后.xlsx", rows, "区县级事项名称")
    first = send(house, city, on="2023-12-31", edition="2023年版", whole="true")
    second = send(house, district, on="2024-12-31", edition="2024年版", whole="true")
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert second.json()["counts"] == {"new": 14, "changed": 2, "same": 145, "gone": 2}
    editions = house.get("/api/ledgers/rights_editions", sort="effective_on", valid_on="2024-12-31")
    one, other = (row["key"] for row in editions["rows"])
    page = house.client.get("/qingdan/duibi", params={"from": one, "to": other}).text
    assert f'href="/qingdan/duibi.xlsx?from={one}&amp;to={other}"' in page
    public = house.client.get("/qingdan/duibi.xlsx", params={"from": one, "to": other})
    assert (public.status_code, public.headers["content-type"]) == (200, XLSX)
    found = sheets(public.content)
    assert Counter(row[0] for row in found["变动事项"][1:]) == {
        "新增": 14, "取消、下放等退出清单": 2, "要素变更": 2,
    }  # fmt: skip
    assert {row[4] for row in found["变更要素"][1:]} == {"事项名称"}
    total = dict(zip(found["事项数"][0], found["事项数"][-1], strict=True))
    assert (total["原有"], total["现有"], total["未变"]) == (149, 161, 145)
    days = {"from_day": "2023-12-31", "to_day": "2024-12-31", "form": "xlsx"}
    inner = house.ask("GET", "/api/rights/differences", params=days)
    assert sheets(inner.content) == found
    noted = house.get("/api/logs/exports", "auditor")["lines"][0]
    assert (noted["what"], noted["format"], noted["rows"]) == ("rights_items", "xlsx", 18)
    assert house.client.get("/qingdan/duibi.xlsx").status_code == 422


def test_what_no_cell_holds_goes_on_in_the_next_row() -> None:
    """Nothing is cut off, and nothing is taken for a formula."""
    item = Named("i1", "d1", "区林业局", "01", "=1+1", None)
    lines = ("甲" * CELL_CHARACTERS, "乙" * 20_000, "丙" * 20_000)
    change = FieldChange("remark", "备注", ("短",), lines)
    line = Difference("changed", (item,), (item,), (change,))
    file = io.BytesIO()
    about = [
        ("台账", "对照"),
        ("清单层级", "区本级"),
        ("原清单", "甲"),
        ("现清单", "乙"),
        ("密级", "公开"),
    ]
    tally = Tally("d1", "区林业局", "01", Counter(before=1, now=1, changed=1))
    assert write_differences(Differences([line], [tally]), about, file) == 1
    found = sheets(file.getvalue())
    rows = found["变更要素"][1:]
    assert [row[4] for row in rows] == ["备注", "备注（续）", "备注（续）"]
    assert "\n".join(row[6] for row in rows) == "\n".join(lines)
    assert [row[5] for row in rows] == ["短", "", ""]
    assert found["变动事项"][1][3] == "=1+1"


def test_more_than_a_worksheet_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do instead."""
    monkeypatch.setattr("infrastructure.rights_differences_file.XLSX_ROWS", 8)
    item = Named("i1", "d1", "区林业局", "01", "甲", None)
    lines = [Difference("added", (), (item,))] * 9
    with pytest.raises(ExportTooLarge, match="按部门或职权类型"):
        write_differences(Differences(lines), [("台账", "对照")], io.BytesIO())
