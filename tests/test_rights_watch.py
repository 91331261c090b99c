"""The basis watch over what departments really publish, and over HTTP at both clocks."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from application.laws import LawRow, read_versions
from application.rights_reading import read_rights
from application.rights_watch import Finding, Register, Watched, watch
from domain.laws import RegisterLawVersion, law_id
from domain.rights_catalogue import text_of
from infrastructure.workbooks import open_book
from tests.http_office import HttpOffice, http_office
from tests.rights_agreement import workbooks
from tests.rights_district import Listed
from tests.shared_data import shared

DAY = date(2025, 6, 1)


# ── the published lists ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def register() -> Register:
    """The register of national laws, as the seed table has them."""
    path = shared("data/rights/law_versions_national.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        versions, problems = read_versions(csv.DictReader(file))
    assert problems == []
    story = Listed(today=DAY)
    for one in versions:
        story.given(one)
    return Register(story.rows("laws", DAY), DAY)


@pytest.fixture(scope="module")
def items() -> list[tuple[str, Watched]]:
    """Every item of the 16 workbooks."""
    shared("data/rights/workbooks")
    found = []
    for path in workbooks():
        with open_book(path) as book:
            for one in read_rights(book).items:
                name, row = one.content.name, one.source.row
                text = text_of(one.content)
                watched = Watched(path.stem, path.stem, name, one.content.sub_name, text)
                found.append((f"{path.name}:{one.source.sheet}:{row}", watched))
    return found


@pytest.fixture(scope="module")
def findings(items: list[tuple[str, Watched]], register: Register) -> list[Finding]:
    """What the watch finds in them."""
    return list(watch(items, register))


def test_the_watch_finds_what_a_reader_would(findings: list[Finding]) -> None:
    """Hundreds of outdated citations and wrong levels; nearly all by titles that are the same."""
    counts = Counter(one.problem for one in findings)
    assert 300 <= counts["superseded"] <= 420
    assert 600 <= counts["newer"] <= 720
    assert 100 <= counts["level"] <= 130
    assert counts["repealed"] == counts["pending"] == 0  # the table holds what is in force alone
    sure = Counter(one.certainty for one in findings if one.problem != "unknown")
    assert sure["same"] >= 0.98 * sure.total()
    told = {(one.title, one.problem, one.detail) for one in findings}
    current = f"{DAY}有效的是2021-12-24公布的版本。"
    assert ("中华人民共和国种子法", "superseded", current) in told
    assert ("农药管理条例", "level", "标注为规章，实为行政法规。") in told


def test_a_day_of_adoption_is_no_other_version(findings: list[Finding]) -> None:
    """Cited by the day on which the State Council adopted them, in force as promulgated later."""
    superseded = {one.title for one in findings if one.problem == "superseded"}
    newer = {one.title for one in findings if one.problem == "newer"}
    adopted = {"建设工程安全生产管理条例", "乳品质量安全监督管理条例", "电影管理条例"}
    assert not adopted & (superseded | newer)
    assert {"旅行社条例", "出版管理条例"} <= newer


def test_titles_of_one_matter_in_another_form_are_other_documents(
    findings: list[Finding], register: Register
) -> None:
    """办法 are not taken for 条例, rules of a region not for the law they carry out."""
    for one in findings:
        if one.certainty in ("same", "undated"):
            assert law_id(one.title) == one.law
    alike = {
        one.title: register.laws[one.law].title
        for one in findings
        if one.law and one.certainty == "alike"
    }
    forms = re.compile(r"(条例|办法|规定|细则|法)$")
    for cited, known in alike.items():
        assert forms.findall(cited) == forms.findall(known), (cited, known)
    unknown = {one.title for one in findings if one.problem == "unknown"}
    assert {"娱乐场所管理办法", "营业性演出管理条例实施细则"} <= unknown
    assert not any(title in unknown for title in ("中华人民共和国种子法", "旅行社条例"))


def test_most_citations_of_laws_and_regulations_are_in_the_register(
    items: list[tuple[str, Watched]], findings: list[Finding], register: Register
) -> None:
    """What it does not know is nearly always of ministries and regions, which it does not hold."""
    unknown = [one for one in findings if one.problem == "unknown"]
    levels = Counter(_level_of(items, one) for one in unknown)
    assert levels["law"] + levels["admin-regulation"] <= 0.05 * len(unknown)
    assert all(isinstance(row, LawRow) for row in register.laws.values())


def _level_of(items: list[tuple[str, Watched]], one: Finding) -> str:
    content = dict(items)[one.item].content
    found = re.search(r'"level":"([\w-]+)"[^{}]*"title":"' + re.escape(one.title), content)
    return found[1] if found else ""


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def house(module_database: str) -> Iterator[HttpOffice]:
    """Two departments whose items rest on the seed law, which is repealed in the end."""
    with http_office(module_database) as opened:
        opened.open_journal()
        paper = opened.document()
        for name in ("区农业农村局", "区林业局"):
            who = opened.institution(name, paper)
            for n in range(3):
                body = {**opened.on(), "department": who, "content": content(f"第{n}项许可")}
                opened.file("/api/rights/take-over", body)
        law = {"law_title": "中华人民共和国种子法", "level": "law"}
        for day in ("2000-07-08", "2021-05-24"):
            opened.file("/api/laws/register", {**law, "promulgated_on": day})
        opened.file("/api/laws/repeal", {"effective_on": "2022-01-01", "law_title": "种子法"})
        yield opened


def content(name: str) -> dict[str, Any]:
    """A licence that cites the seed law of 2000, and a law that is not in the register."""
    bases = [
        {"title": "中华人民共和国种子法", "level": "regulation", "version": "2000年7月8日通过"},
        {"title": "某某省某某条例", "articles": ["第一条"]},
    ]
    return {"category": "01", "name": name, "bases": bases}


def test_the_watch_answers_at_any_point_of_both_clocks(house: HttpOffice) -> None:
    """Superseded until the law is repealed; before the repeal was known, superseded all along."""
    path, head = "/api/rights/watch", house.head()
    before = house.get(path, valid_on="2021-12-31")
    assert (before["items"], before["laws"], before["position"]) == (6, 1, head)
    assert before["counts"] == {
        "superseded": {"same": 6},
        "level": {"same": 6},
        "unknown": {"none": 6},
    }
    after = house.get(path, valid_on="2022-01-01")
    assert after["counts"]["repealed"] == {"same": 6}
    unknown = house.get(path, valid_on="2022-01-01", known=head - 1)
    assert "repealed" not in unknown["counts"]
    first = before["findings"][0]
    assert first["department_name"] in ("区农业农村局", "区林业局")
    assert first["problem_title"] == "所引版本已更新"
    assert (first["part"], first["part_title"]) == ("bases", "实施依据")
    assert first["certainty_title"] == "名称一致"
    assert house.get(first["link"], valid_on="2021-12-31")["row"]["values"]["name"] == first["name"]


def test_the_watch_is_asked_by_problem_law_department(house: HttpOffice) -> None:
    """What rests on a repealed law is listed by the law; what is unknown, only where asked for."""
    path, law = "/api/rights/watch", law_id("种子法")
    rows = house.get(path, valid_on="2022-01-01", law=law, problem="repealed")["findings"]
    assert {(one["law"], one["problem"]) for one in rows} == {(law, "repealed")}
    assert len(rows) == 6
    farms = rows[0]["department"]
    own = house.get(path, valid_on="2022-01-01", department=farms, problem="unknown")
    assert [one["title"] for one in own["findings"]] == ["某某省某某条例"] * 3
    assert house.get(path, valid_on="2022-01-01", certainty="alike")["findings"] == []
    wrong = house.ask("GET", path, params={"problem": "gone"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request.parameters")


def test_pages_hold_whole_items_and_stay_at_their_point(house: HttpOffice) -> None:
    """Page by page the same findings as at once, whatever is filed meanwhile."""
    path = "/api/rights/watch"
    whole = house.get(path, valid_on="2021-12-31")["findings"]
    page = house.get(path, valid_on="2021-12-31", limit=3)
    found = page["findings"]
    house.file("/api/laws/register", RegisterLawVersion(**_another()).model_dump(mode="json"))
    while page["next"]:
        page = house.get(page["next"])
        found += page["findings"]
        assert page["laws"] == 1
    assert found == whole
    assert len(whole) == 12


def _another() -> dict[str, Any]:
    return {
        "law_title": "某某省某某条例",
        "level": "local-regulation",
        "promulgated_on": "2020-01-01",
    }
