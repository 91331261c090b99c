"""``POST /api/import/rights``, ``import rights --edition``: lists go in as the edition they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from infrastructure.ledger_questions import Asked
from tests.http_office import HttpOffice, http_office
from tests.test_cli import Shell
from tests.test_cli_rights import ROWS, listed
from tests.test_cli_rights import fresh as fresh  # noqa: PLC0414  (pytest finds fixtures so)
from tests.test_cli_rights import shell as shell  # noqa: PLC0414

CHANGED = [ROWS[0], [*ROWS[1][:3], "《统计法》第四十二条", *ROWS[1][4:]]]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def house(empty_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP with a department."""
    with http_office(empty_database) as opened:
        opened.open_journal()
        opened.institution("某某区统计局", opened.document())
        yield opened


def send(house: HttpOffice, file: str, who: str = "clerk", key: str = "", **query: Any) -> Any:
    """Upload a list and return the response."""
    parts = [("files", (Path(file).name, Path(file).read_bytes()))]
    headers = {"Idempotency-Key": key} if key else {}
    params = {"on": "2024-12-31", **query}
    return house.ask("POST", "/api/import/rights", who, files=parts, params=params, headers=headers)


def test_a_list_goes_in_as_an_edition_over_rest(house: HttpOffice, tmp_path: Path) -> None:
    """Tried, recorded with its edition, the same again, changed; the public sees the edition."""
    file = listed(tmp_path / "清单.xlsx", *ROWS)
    with house.nothing_recorded():
        tried = send(house, file, dry_run="true", edition="2024年版").json()
    assert (tried["stage"], tried["counts"]["new"], tried["edition"]) == ("tried", 2, "2024年版")
    done = send(house, file, edition="2024年版", channels="门户、部门网站", key="one")
    assert done.status_code == 201, done.text
    said = done.json()
    assert done.headers["location"] == f"/api/journal/{said['receipt']['first']}"
    assert said["receipt"]["last"] - said["receipt"]["first"] == 2
    assert [one["name"] for one in said["steps"]] == [ROWS[0][1], ROWS[1][1]]
    assert said["steps"][0]["category"] == "行政许可"
    page = house.client.get("/qingdan", follow_redirects=True, params={"valid_on": "2024-12-31"})
    assert "<h1>2024年版权责清单</h1>" in page.text
    with house.nothing_recorded():
        again = send(house, file, edition="2024年版")
    assert (again.status_code, again.json()["counts"]["same"]) == (200, 2)
    changed = listed(tmp_path / "新.xlsx", *CHANGED)
    with house.nothing_recorded():
        held = send(house, changed, edition="2024年版").json()
    assert held["stage"] == "held"
    (refusal,) = held["refusals"]
    assert refusal.startswith("清单版次：")
    assert "“2024年版”已经公布" in refusal
    later = send(house, changed, edition="2025年版", on="2025-12-31").json()
    assert (later["counts"]["changed"], later["edition"]) == (1, "2025年版")
    assert later["steps"][0]["fields"] == ["实施依据"]


def test_what_cannot_be_done_is_told_over_rest(house: HttpOffice, tmp_path: Path) -> None:
    """The day that is missing, the department that is unknown, the file that is no list."""
    file = listed(tmp_path / "清单.xlsx", *ROWS)
    for query, says in (
        ({"on": None}, "清单生效日期"),
        ({"department": "某某区税务局"}, "机构台账中没有“某某区税务局”"),
        ({"edition": "2024年版", "channels": "、"}, "公布渠道"),
    ):
        answer = send(house, file, **query)
        assert answer.status_code == 422, answer.text
        assert says in answer.text
    wrong = tmp_path / "文.xlsx"
    wrong.write_bytes(b"PK\x03\x04 nothing")
    answer = send(house, str(wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "import.files")
    assert "《文.xlsx》" in answer.text
    assert send(house, file, "auditor").status_code == 403


def test_the_report_is_a_workbook(house: HttpOffice, tmp_path: Path) -> None:
    """A line for every cell that was not read."""
    foreign = listed(tmp_path / "清单.xlsx", *ROWS, title="某某区财政局2024年权责清单")
    answer = send(house, foreign, dry_run="true", form="xlsx")
    assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0)
    assert rows.to_python()[0][:3] == ["文件", "工作表", "行"]
    said = send(house, foreign, dry_run="true").json()
    assert said["faulty"]
    assert {one["department"] for one in said["unplaced"]} == {"某某区财政局"}


def test_a_list_goes_in_as_an_edition_on_the_command_line(shell: Shell, tmp_path: Path) -> None:
    """The same words: --edition, --channel, --meeting."""
    file = listed(tmp_path / "清单.xlsx", *ROWS)
    asked = ("import", "rights", file, "--on", "2024-12-31", "--edition", "2024年版")
    assert shell.run(*asked, "--dry-run") == 0
    assert "版次：2024年版（区本级）" in shell.out
    assert shell.run(*asked, "--meeting", "第3次常务会议", "--channel", "部门网站") == 0
    assert "已记录" in shell.out
    assert shell.run(*asked) == 0
    assert "没有新的内容可以记录" in shell.out
    with shell.office() as office:
        page = office.ledgers.page("rights_editions", Asked())
        (row,) = page.rows()
    assert (row["name"], row["items"], row["meeting"]) == ("2024年版", 2, "第3次常务会议")
    assert (row["channels"], row["taken_over"]) == ("部门网站", True)
    changed = listed(tmp_path / "新.xlsx", *CHANGED)
    assert shell.run("import", "rights", changed, *asked[3:]) == 5
    assert "已经公布" in shell.out
