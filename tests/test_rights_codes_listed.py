"""Codes on the lists that fit no scheme in force: listed on any day, as known then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from application.findings import Kept
from application.rights_codes import CodeFinding
from tests.http_office import HttpOffice, http_office
from tests.test_item_codes import SIXTEEN, TEN, TWENTY_SIX

PATH = "/api/rights/codes"
OLD, NEW = "650200207XK01600", "0101037000"
CREDIT_CODE = "12130199MB0T00007C"


def item(name: str, **more: Any) -> dict[str, Any]:
    """A licence as a list publishes it."""
    return {"category": "01", "name": name, **more}


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """A body with a credit code, three coded items, one without; one scheme after the other."""
    with http_office(module_database) as opened:
        opened.open_journal()
        paper = opened.document()
        body: dict[str, Any] = {
            **opened.on(),
            "name": "示范区种子站",
            "category": "institution",
            "rank": "40",
        }
        body |= {"credit_code": CREDIT_CODE, "basis": [{"document": paper}]}
        who = opened.only(opened.file("/api/institutions/set-up", body), "institution")
        for text in (
            item("甲许可", code=OLD),
            item("乙许可", code=NEW, implementation_code=f"D2143569X{NEW}3130102"),
            item("丙许可", code="说明", implementation_code="也是说明"),
            item("丁许可"),
        ):
            opened.file(
                "/api/rights/take-over", {**opened.on(), "department": who, "content": text}
            )
        for day, schemes in (("2021-08-02", (SIXTEEN,)), ("2021-09-01", (TEN, TWENTY_SIX))):
            value = [one.model_dump(mode="json") for one in schemes]
            change = {"effective_on": day, "name": "rights_code_schemes", "value": value}
            opened.file("/api/settings/change", change)
        yield opened


def told(answer: Any) -> dict[tuple[str, str], str]:
    """What is said of which item's code."""
    return {(one["name"], one["field"]): one["detail"] for one in answer["findings"]}


def test_codes_are_listed_by_the_schemes_of_the_day(house: HttpOffice) -> None:
    """Under the first scheme the new codes are strange, under the second the old one."""
    before = house.get(PATH, valid_on="2021-08-01")
    assert (before["schemes"], before["codes"], before["unfit"]) == ([], 5, 0)
    first = house.get(PATH, valid_on="2021-08-31")
    assert (first["items"], first["schemes"]) == (4, ["编码规范"])
    assert set(told(first)) == {("乙许可", "code"), ("丙许可", "code")}
    second = told(house.get(PATH, valid_on="2021-09-01"))
    assert set(second) == {
        ("甲许可", "code"),
        ("乙许可", "implementation_code"),
        ("丙许可", "code"),
        ("丙许可", "implementation_code"),
    }
    assert "信用代码中的“MB0T00007”不一致" in second["乙许可", "implementation_code"]
    known = house.head() - 1
    assert told(house.get(PATH, valid_on="2021-09-01", known=known)) == told(first)


def test_codes_are_listed_page_by_page(house: HttpOffice) -> None:
    """Both codes of an item on one page; the pages together are the whole."""
    whole = house.get(PATH, valid_on="2021-09-01")["findings"]
    page = house.get(PATH, valid_on="2021-09-01", limit=1)
    found = page["findings"]
    while page["next"]:
        page = house.get(page["next"])
        found += page["findings"]
    assert found == whole
    row = house.get(whole[0]["link"], valid_on="2021-09-01")["row"]
    assert row["values"]["name"] == whole[0]["name"]
    none = house.get(PATH, valid_on="2021-09-01", category="02")
    assert (none["items"], none["findings"], none["next"]) == (0, [], None)


def test_a_page_ends_behind_a_whole_item() -> None:
    """However many findings one item has."""

    def finding(name: str) -> CodeFinding:
        return CodeFinding(name, "", "", "", "", None, "code", "", "")

    page = Kept[CodeFinding](after="A", limit=1)
    for one in ("A", "B", "B", "C", "D"):
        page.offer(finding(one))
    assert [one.item for one in page.found] == ["B", "B"]
    assert page.left == 2
