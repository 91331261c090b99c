"""``POST /api/import``: files up, what became of each row back, or the checked copy."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from interface import importing
from tests.http_office import HttpOffice, http_office
from tests.test_importing import CASE, WHY, expected
from tests.test_importing_dirty import GOOD, UNIT, book_of, person

OPEN = {"opening": "2021-06-30", "office": "示范区委编办", "purpose": "demonstration"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def house(empty_database: str) -> Iterator[HttpOffice]:
    """An office over HTTP whose journal is not open yet."""
    with http_office(empty_database) as opened:
        yield opened


def send(
    house: HttpOffice, files: Mapping[str, bytes], who: str = "clerk", key: str = "", **query: Any
) -> Any:
    """Upload files and return the response."""
    parts = [("files", (name, content)) for name, content in files.items()]
    headers = {"Idempotency-Key": key} if key else {}
    return house.ask("POST", "/api/import", who, files=parts, params=query, headers=headers)


def results(answer: Any) -> list[str]:
    """Return what became of each row."""
    return [row["result"] for row in answer.json()["rows"]]


@pytest.mark.skipif(not CASE.exists(), reason="缺少 ../shared/cases/roster")
def test_the_roster_case_comes_out_as_expected(house: HttpOffice) -> None:
    """Every row as the case asks for it: tried, and then recorded with one receipt."""
    files = {name: (CASE / name).read_bytes() for name in ("机构.xlsx", "人员.xlsx")}
    with house.nothing_recorded():
        tried = send(house, files, dry_run="true", opening="2021-06-30")
    done = send(house, files, **OPEN)
    assert (tried.status_code, done.status_code) == (200, 201)
    assert results(tried) == results(done)
    rows = [row for row in done.json()["rows"] if row["file"] == "人员.xlsx"]
    found = {row["serial"]: row for row in rows}
    assert found.keys() == expected().keys()
    for serial, (outcome, why) in expected().items():
        row = found[serial]
        codes = {one["code"] for kind in ("problems", "warnings", "repairs") for one in row[kind]}
        reasons = WHY.get(why, {why} - {"", "minority_name_dot"})
        assert row["result"] == outcome, row
        assert not reasons or reasons & codes, row
    receipt = done.json()["receipt"]
    assert (receipt["first"], receipt["last"]) == (2, house.head())
    assert done.headers["location"] == "/api/journal/2"


def test_an_import_sent_again(house: HttpOffice) -> None:
    """By the same key it answers with the first receipt; without one, nothing is recorded twice."""
    files = book_of([person(), person(姓名="")])
    first = send(house, files, key="k1", **OPEN)
    assert first.json()["opened"]
    with house.nothing_recorded():
        again = send(house, files, key="k1", **OPEN)
        assert (again.status_code, again.json()["replayed"]) == (201, True)
        assert again.json()["receipt"] == first.json()["receipt"]
        anew = send(house, files)
        assert (anew.status_code, anew.json()["receipt"]) == (200, None)
        assert anew.json()["stage_title"] == "没有新的内容可以记录"
        assert results(anew) == ["same", "same", "same", "error"]
        other = send(house, book_of([person(姓名="李示范", 身份证号="")]), key="k1")
        assert (other.status_code, other.json()["code"]) == (409, "filing.key-reused")


def test_the_same_book_after_people_have_left_and_a_unit_was_renamed(house: HttpOffice) -> None:
    """What was taken over then is recognised; what happened since is left alone."""
    files = book_of([person()])
    first = send(house, files, **OPEN).json()
    positions = range(first["receipt"]["first"], first["receipt"]["last"] + 1)
    entries = [house.get(f"/api/journal/{n}") for n in positions]
    (who,) = {e["subjects"]["person"][0] for e in entries if "person" in e["subjects"]}
    units = [e for e in entries if e["fact"] == "institutions.taken-over"]
    (unit,) = [e["subjects"]["institution"][0] for e in units if e["body"]["name"] == UNIT]
    basis = {"basis": [{"document": house.document()}]}
    day = house.on("2021-09-01")
    house.file("/api/staffing/leave", {**day, **basis, "person": who, "reason": "resigned"})
    renaming = {**day, **basis, "institution": unit, "name": "示范区卫生健康委员会"}
    house.file("/api/institutions/rename", renaming)
    with house.nothing_recorded():
        assert results(send(house, files)) == ["same", "same", "same"]
        new = person(单位名称="示范区卫生健康委员会", 身份证号="130102900101001")
        (row,) = [one for one in send(house, book_of([new])).json()["rows"] if one["problems"]]
    assert "该机构自2021-09-01起使用这一名称" in row["problems"][0]["message"]


def test_strict_records_nothing_and_opens_nothing(house: HttpOffice) -> None:
    """Neither where a cell is wrong nor where a rule refuses."""
    for wrong in (person(姓名=""), person(单位名称="没有这个单位")):
        with house.nothing_recorded():
            answer = send(house, book_of([person(), wrong]), strict="true", **OPEN)
        assert (answer.status_code, answer.json()["stage"]) == (200, "held")
        assert answer.json()["opened"] is False


def test_the_checked_copy(house: HttpOffice) -> None:
    """The cells where they were, with three columns beside them; several files come as a zip."""
    files = book_of([person(), person(姓名="")])
    query = {"dry_run": "true", "opening": "2021-06-30", "form": "xlsx"}
    package = zipfile.ZipFile(io.BytesIO(send(house, files, **query).content))
    assert package.namelist() == ["机构-核对结果.xlsx", "人员-核对结果.xlsx"]
    rows = sheet(package.read("人员-核对结果.xlsx"))
    assert rows[1][-3:] == ["处理结果", "问题", "修正"]
    assert rows[2][4] == GOOD
    assert "C列“姓名”：没有填写" in rows[3][-2]
    alone = send(house, {"机构.xlsx": files["机构.xlsx"]}, **query)
    assert (alone.status_code, alone.headers["content-type"]) == (200, XLSX)
    assert sheet(alone.content)[2][-3] == "可以记录"


def sheet(content: bytes) -> list[list[Any]]:
    """Return the rows of a workbook's only sheet."""
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def test_what_cannot_be_imported_is_said(
    house: HttpOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files by their names, conditions by theirs, and too much at once."""
    files = book_of([person()])
    with house.nothing_recorded():
        broken = send(house, {"坏.xlsx": b"PK\x03\x04", "空.csv": b""}, **OPEN)
        assert [one["field"] for one in broken.json()["errors"]] == ["坏.xlsx", "空.csv"]
        assert (broken.status_code, broken.json()["code"]) == (422, "import.files")
        for query, code, words in (
            ({}, "import.opening", "建账日"),
            ({"opening": "2021-06-30"}, "import.opening", "单位全称"),
            ({**OPEN, "ceilings": "什么=1"}, "request.parameters", "没有“什么”这种编制类型"),
            ({**OPEN, "ceilings": "事业编制=many"}, "request.parameters", "应写作"),
        ):
            answer = send(house, files, **query)
            assert (answer.json()["code"], words in answer.json()["detail"]) == (code, True)
        nothing = house.ask("POST", "/api/import", files=[("other", ("a.csv", b"1"))], params=OPEN)
        assert (nothing.status_code, nothing.json()["code"]) == (422, "request.fields")
        json = house.ask("POST", "/api/import", json={}, params=OPEN)
        assert (json.status_code, json.json()["code"]) == (415, "request.media-type")
        monkeypatch.setattr(importing, "LIMIT", 1000)
        large = send(house, files, **OPEN)
        assert (large.status_code, large.json()["code"]) == (413, "request.too-large")
        reviewer = send(house, files, "reviewer", **OPEN)
        assert (reviewer.status_code, reviewer.json()["code"]) == (403, "access.denied")
