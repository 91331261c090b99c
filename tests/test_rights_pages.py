"""The public pages and the comparison over REST: what they show, and what they never do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from domain.code_sets_rights import PowerCategory
from domain.rights_content import ItemContent
from tests.http_office import HttpOffice, http_office
from tests.rights_district import content

FIRST, SECOND = "2021-08-02", "2022-08-01"


class Lists:
    """An office that has published two editions and filed something since."""

    def __init__(self, house: HttpOffice) -> None:
        self.house = house
        house.open_journal()
        self.paper = house.document()
        self.farms = house.institution("示范区农业农村局", self.paper)
        self.woods = house.institution("示范区林业局", self.paper)
        self.seeds = self.item(content("种子生产经营许可", remark="含<script>alert(1)</script>"))
        self.penalty = self.item(content("对销售假种子的处罚", category=PowerCategory.PENALTY))
        self.trees = self.item(content("林木采伐许可", duties=content().duties), self.woods)
        self.first = self.published("2021年版", FIRST)
        source = {"file": "2022.xlsx", "sheet": "许可", "row": 3}
        renamed = content("农作物种子生产经营许可").model_dump(mode="json", exclude_defaults=True)
        body = {"effective_on": "2022-01-10", "item": self.seeds, "source": source}
        house.file("/api/rights/record-changed", {**body, "content": renamed})
        body = {"effective_on": "2022-01-10", "item": self.penalty, "source": source}
        house.file("/api/rights/record-removed", body)
        self.fresh = self.item(content("农药经营许可"), day="2022-01-10")
        self.second = self.published("2022年版", SECOND)
        self.hidden = self.item(content("尚未公布的许可"), day="2022-01-10")
        person = house.entered(house.institution("示范区委办公室", self.paper, 3), self.paper, 1)
        self.person = person

    def item(self, text: ItemContent, who: str = "", day: str = "2021-07-01") -> str:
        """Take an item over."""
        said = text.model_dump(mode="json", exclude_defaults=True)
        body = {"effective_on": day, "department": who or self.farms, "content": said}
        return self.house.only(self.house.file("/api/rights/take-over", body), "item")

    def published(self, name: str, day: str) -> str:
        """Publish the list as it stands."""
        body = {
            "effective_on": day,
            "name": name,
            "approved_by": "government",
            "channels": ["区政府门户网站"],
            "basis": [{"document": self.paper}],
        }
        return self.house.only(self.house.file("/api/rights/publish-edition", body), "edition")

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        """GET a page as the public does: without an account."""
        answer = self.house.client.get(path, params=params or None, follow_redirects=True)
        assert answer.status_code == status, answer.text
        return answer

    def pages(self) -> list[str]:
        """The addresses of every page and file that there is."""
        first, second = f"/qingdan/{self.first}", f"/qingdan/{self.second}"
        both = f"/qingdan/duibi?from={self.first}&to={self.second}"
        items = [f"{first}/{self.seeds}", f"{second}/{self.seeds}", f"{second}/{self.fresh}"]
        files = [f"{second}/xiazai.{form}" for form in ("csv", "ndjson")]
        notices = ["/qingdan/gonggao", f"/qingdan/gonggao/{self.second}", "/qingdan/tiaozheng"]
        return ["/qingdan", "/qingdan/duibi", first, second, both, *items, *notices, *files]


@pytest.fixture(scope="module")
def lists(module_database: str) -> Iterator[Lists]:
    """An office with two editions."""
    with http_office(module_database) as house:
        yield Lists(house)


def names(page: Any) -> list[str]:
    """The items that a list's page links to."""
    return re.findall(r'事项名称"><a href="[^"]+">([^<]+)</a>', page.text)


# ── editions ─────────────────────────────────────────────────────────────────────────────────


def test_the_way_in_leads_to_the_edition_in_force(lists: Lists) -> None:
    """Today's, that of a day, the one chosen; and says so where there is none."""
    assert lists.get("/qingdan").url.path == f"/qingdan/{lists.second}"
    early = lists.get("/qingdan", valid_on="2022-07-31", level="district", edition="")
    assert early.url.path == f"/qingdan/{lists.first}"
    assert lists.get("/qingdan", edition=lists.first).url.path == f"/qingdan/{lists.first}"
    assert "没有施行中的区本级权责清单" in lists.get("/qingdan", valid_on="2021-08-01").text
    assert "没有施行中的乡镇权责清单" in lists.get("/qingdan", level="township").text


def test_an_edition_answers_for_ever_with_the_same_list(lists: Lists) -> None:
    """Names, texts and items as they were when it was published."""
    old, new = lists.get(f"/qingdan/{lists.first}"), lists.get(f"/qingdan/{lists.second}")
    assert sorted(names(old)) == sorted(["种子生产经营许可", "对销售假种子的处罚", "林木采伐许可"])
    assert sorted(names(new)) == sorted(["农作物种子生产经营许可", "农药经营许可", "林木采伐许可"])
    assert "种子生产经营许可</h1>" in lists.get(f"/qingdan/{lists.first}/{lists.seeds}").text
    item = lists.get(f"/qingdan/{lists.second}/{lists.seeds}").text
    assert "农作物种子生产经营许可</h1>" in item
    assert "原名称：种子生产经营许可。" in item
    assert "〔法律〕《中华人民共和国种子法》第三十一条" in item
    gone = lists.get(f"/qingdan/{lists.second}/{lists.penalty}", status=404)
    assert "“2022年版”中没有这一事项" in gone.text


def test_a_list_is_searched_by_department_category_and_word(lists: Lists) -> None:
    """Fields left empty are no conditions; a word is found in any text of an item."""
    here = f"/qingdan/{lists.first}"
    assert names(lists.get(here, department=lists.woods, category="", word="")) == ["林木采伐许可"]
    assert names(lists.get(here, category="02")) == ["对销售假种子的处罚"]
    assert len(names(lists.get(here, word="公示"))) == 3
    assert names(lists.get(here, word="采伐", department=lists.woods)) == ["林木采伐许可"]
    assert "没有符合条件的事项" in lists.get(here, word="采矿").text
    assert len(names(lists.get(here, word="公示 种子法"))) == 3
    assert names(lists.get(here, word="公示 采伐")) == ["林木采伐许可"]
    assert names(lists.get(here, word='"<')) == []
    assert names(lists.get(here, word="<script>alert(1)</script>")) == ["种子生产经营许可"]
    assert "“税”太短，关键词请至少输入2个字" in lists.get(here, status=422, word="税").text


@pytest.mark.parametrize("word", ["name", "title", "duties", "01", "法律", '":"'])
def test_names_of_fields_and_codes_are_no_words(lists: Lists, word: str) -> None:
    """Nobody searches for how an item is stored; what a code is called is a filter's business."""
    assert names(lists.get(f"/qingdan/{lists.first}", word=word)) == []


# ── who sees what ────────────────────────────────────────────────────────────────────────────


def test_nothing_unpublished_and_nobody_is_on_any_page(lists: Lists) -> None:
    """Neither an item that stands in no edition, nor a person, an account or an id of one."""
    for address in lists.pages():
        text = lists.get(address).text
        for word in ("尚未公布的许可", lists.hidden, lists.person, "张示范", "clerk"):
            assert word not in text, address
    for edition in (lists.first, lists.second):
        lists.get(f"/qingdan/{edition}/{lists.hidden}", status=404)
    lists.get(f"/qingdan/{lists.hidden}", status=404)
    assert lists.fresh not in lists.get(f"/qingdan/{lists.first}").text


def test_pages_carry_no_scripts_and_escape_what_items_say(lists: Lists) -> None:
    """And forbid them, should one come in; every picture and style is the page's own."""
    for address in lists.pages()[:-2]:
        answer = lists.get(address)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert '<html lang="zh-CN">' in answer.text
        assert answer.text.count("<h1>") == 1
        assert answer.text.count("<table") == answer.text.count("<caption>")
        for field in re.findall(r'<(?:select|input) id="(\w+)"', answer.text):
            assert f'<label for="{field}">' in answer.text
    assert "&lt;script&gt;" in lists.get(f"/qingdan/{lists.first}/{lists.seeds}").text
    assert lists.get("/static/qingdan.css").headers["content-type"].startswith("text/css")


def test_what_goes_wrong_is_told_as_a_page(lists: Lists) -> None:
    """Not as a document for programs; elsewhere as before."""
    for path, status in (("/qingdan/unknown", 404), ("/qingdan/a/b/c", 404)):
        answer = lists.get(path, status=status)
        assert answer.headers["content-type"].startswith("text/html")
        assert "返回现行清单" in answer.text
    lost = lists.get(f"/qingdan/{lists.first}/0000000000000000", status=404)
    assert "清单中没有这一事项" in lost.text
    assert "没有这一调整公告" in lists.get("/qingdan/tiaozheng/0000000000000000", status=404).text
    assert "日期" in lists.get("/qingdan", status=422, valid_on="昨天").text
    cursor = lists.get(f"/qingdan/{lists.first}", status=422, cursor="abc")
    assert "请从第一页重新查询" in cursor.text
    assert lists.get("/api/nothing", status=404).json()["code"] == "request.path"


def test_what_others_add_to_an_address_is_passed_over(lists: Lists) -> None:
    """Chats and mail programs mark addresses that are passed on; other routes are strict."""
    plain = lists.get(f"/qingdan/{lists.first}")
    marked = lists.get(f"/qingdan/{lists.first}", utm_source="weixin")
    assert "种子生产经营许可" in plain.text
    assert marked.text == plain.text


def test_who_has_the_page_already_is_told_so(lists: Lists) -> None:
    """By its tag; answers to those who are logged in are kept by nobody."""
    answer = lists.get(f"/qingdan/{lists.first}")
    again = lists.house.client.get(
        f"/qingdan/{lists.first}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert answer.headers.get_list("cache-control") == ["public, max-age=300"]
    assert lists.house.client.get("/health").headers["cache-control"] == "no-store"


# ── what differs ─────────────────────────────────────────────────────────────────────────────


def test_two_editions_are_compared_as_a_page_and_over_rest(lists: Lists) -> None:
    """In whichever order they are named; two days likewise, as known now."""
    page = f"/qingdan/duibi?from={lists.second}&to={lists.first}"
    text = lists.get(page).text
    assert "<h1>2021年版与2022年版对照</h1>" in text
    assert "新增（1）" in text
    assert "农药经营许可" in text
    only = lists.get(f"{page}&department={lists.woods}").text
    assert "没有变动的事项" in only
    asked = {"from_edition": lists.first, "to_edition": lists.second}
    found = lists.house.get("/api/rights/differences", **asked)
    kinds = [line["kind"] for line in found["differences"]]
    assert kinds == ["added", "cancelled", "changed"]
    fields = [one["title"] for one in found["differences"][2]["fields"]]
    assert fields == ["事项名称", "备注"]
    assert all(tally["closes"] for tally in found["tallies"])
    assert (found["totals"]["before"], found["totals"]["now"]) == (3, 3)
    days = {"from_day": FIRST, "to_day": SECOND}
    by_day = lists.house.get("/api/rights/differences", **days)
    assert by_day["totals"]["added"] == 2
    one = {"from_edition": lists.first}
    answer = lists.house.ask("GET", "/api/rights/differences", params=one)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameters")
    assert lists.house.client.get("/api/rights/differences", params=days).status_code == 401


@pytest.mark.parametrize("ledger", ["rights_items", "rights_changes", "rights_summary"])
def test_any_ledger_is_read_in_the_order_of_its_keys(lists: Lists, ledger: str) -> None:
    """That of subjects, of entries and of sums: what is compared side by side is read so."""
    rows = lists.house.get(f"/api/ledgers/{ledger}", sort="key")["rows"]
    down = lists.house.get(f"/api/ledgers/{ledger}", sort="-key")["rows"]
    assert len(rows) > 1
    assert [row["key"] for row in down] == [row["key"] for row in rows][::-1]


def test_an_edition_is_taken_away_as_a_file(lists: Lists) -> None:
    """Marked as public, with every item of the edition and none besides."""
    text = lists.get(f"/qingdan/{lists.first}/xiazai.csv").text
    assert "密级,公开" in text
    assert text.count("中华人民共和国种子法") >= 3
    assert "农药经营许可" not in text
    book = lists.get(f"/qingdan/{lists.first}/xiazai.xlsx")
    assert book.content[:2] == b"PK"
