"""Announcements and notices of adjustments: what was published, as known then, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from application.filing import Filing
from domain.deciding import COMMANDS, Command
from domain.rights_content import ItemContent
from interface import rights_notices
from tests.http_office import http_office
from tests.rights_district import K, change, content
from tests.test_rights_pages import Lists

DAY = "2022-03-01"
LATER = "2022-03-08"


class Adjusted(Lists):
    """An office that has published two editions and adjusted its list in between."""

    done: str
    quiet: str
    asked: str

    def file(self, kind: str, actor: str, **body: Any) -> Any:
        """File a command as somebody; return its first entry."""
        command: Command = COMMANDS[kind].model_validate({"effective_on": DAY, **body})
        return self.house.office.writer.do(Filing((command,), actor)).outcomes[0].entries[0]

    def applied(self, *changes: Any) -> str:
        """Apply for an adjustment of the first department's list, the other one heard."""
        entry = self.file(
            "rights.apply",
            "zhao",
            department=self.farms,
            trigger_on=DAY,
            changes=changes,
            opinions=[{"department": self.woods, "opinion": "同意。"}],
            basis=[{"document": self.paper}],
        )
        found: str = entry.subjects("adjustment")[0]
        return found

    def approved(self, *changes: Any) -> str:
        """Have it reviewed and approved."""
        adjustment = self.applied(*changes)
        for stage in ("office", "legality"):
            said = {"stage": stage, "passed": True, "opinion": "内部意见：符合规定。"}
            self.file("rights.review", "zhang", adjustment=adjustment, **said)
        self.file(
            "rights.approve",
            "zhang",
            adjustment=adjustment,
            approved_by="government",
            meeting="第12次常务会议",
            basis=[{"document": self.paper}],
        )
        return adjustment

    def published_one(self, *changes: Any) -> str:
        """Publish it a week later."""
        adjustment = self.approved(*changes)
        channels = ["区政府门户网站"]
        self.file(
            "rights.publish-adjustment",
            "zhang",
            adjustment=adjustment,
            effective_on=LATER,
            channels=channels,
        )
        return adjustment

    def now(self, item: str) -> ItemContent:
        """What an item says."""
        row = self.house.get(f"/api/ledgers/rights_items/{item}", valid_on=DAY)["row"]
        return ItemContent.model_validate_json(row["values"]["content"])


@pytest.fixture(scope="module")
def lists(module_database: str) -> Iterator[Adjusted]:
    """An office with two editions; adjustments at every stage."""
    with http_office(module_database) as house:
        story = Adjusted(house)
        longer = story.now(story.fresh).model_copy(update={"handler": "种业科"})
        story.done = story.published_one(
            change(K.CHANGE, story.fresh, contents=(longer,)),
            change(K.CANCEL, story.seeds, supervision="纳入双随机抽查。"),
        )
        story.quiet = story.approved(change(K.ADD, contents=(content("尚未公布的新许可"),)))
        story.asked = story.applied(change(K.ADD, contents=(content("仅申请的许可"),)))
        yield story


def test_a_published_adjustment_is_told_item_by_item(lists: Adjusted) -> None:
    """What became of each, what its fields said before and say now, by whom and from when."""
    text = lists.get(f"/qingdan/tiaozheng/{lists.done}").text
    assert "<h1>示范区农业农村局权责清单调整：要素变更、取消</h1>" in text
    assert "经同级人民政府批准（第12次常务会议）" in text
    assert "自2022年3月1日起调整" in text
    assert "事中事后监管：纳入双随机抽查。" in text
    assert re.search(r'承办机构</th><td data-title="调整前"><p class="said empty">（空）</p>', text)
    assert "种业科" in text
    listed = lists.get("/qingdan/tiaozheng").text
    assert f'href="/qingdan/tiaozheng/{lists.done}"' in listed
    assert listed.count("权责清单调整：") == 1


def test_announcements_tell_of_editions_and_adjustments(lists: Adjusted) -> None:
    """The newest first; each leads to its own page, which leads to the list."""
    text = lists.get("/qingdan/gonggao").text
    links = re.findall(r'data-title="公告"><a href="([^"]+)">', text)
    assert links == [
        f"/qingdan/gonggao/{lists.second}",
        f"/qingdan/tiaozheng/{lists.done}",
        f"/qingdan/gonggao/{lists.first}",
    ]
    edition = lists.get(f"/qingdan/gonggao/{lists.second}").text
    assert "<h1>关于公布区本级权责清单（2022年版）的公告</h1>" in edition
    assert "自2022年8月1日起施行" in edition
    assert f"/qingdan/duibi?from={lists.first}&amp;to={lists.second}" in edition
    assert "示范区委编办" in edition
    first = lists.get(f"/qingdan/gonggao/{lists.first}").text
    assert "duibi?from" not in first
    assert (
        f'<a href="/qingdan/gonggao/{lists.first}">公告</a>'
        in lists.get(f"/qingdan/{lists.first}").text
    )


def test_nothing_that_is_not_published_is_announced(lists: Adjusted) -> None:
    """Neither an application, nor an approval, nor who wrote what about it."""
    pages = [lists.get(path).text for path in ("/qingdan/gonggao", "/qingdan/tiaozheng")]
    pages.append(lists.get(f"/qingdan/tiaozheng/{lists.done}").text)
    for word in ("仅申请", "尚未公布", "内部意见", "zhao", "zhang", lists.quiet, lists.asked):
        assert not any(word in text for text in pages), word
    for hidden in (lists.quiet, lists.asked, lists.first):
        gone = lists.get(f"/qingdan/tiaozheng/{hidden}", status=404)
        assert "没有公布过这一调整" in gone.text
    lists.get(f"/qingdan/gonggao/{lists.done}", status=404)


def test_an_items_history_leads_to_the_notice_once_it_was_published(lists: Adjusted) -> None:
    """An edition that came after it links to it; the earlier ones stay as they were."""
    third = lists.published("2022年修订版", "2022-09-01")
    link = f'<a href="/qingdan/tiaozheng/{lists.done}">调整公告</a>'
    assert link in lists.get(f"/qingdan/{third}/{lists.fresh}").text
    assert link not in lists.get(f"/qingdan/{lists.second}/{lists.fresh}").text
    lists.get(f"/qingdan/{third}/{lists.seeds}", status=404)


def test_long_adjustments_are_read_page_by_page(
    lists: Adjusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left out."""
    monkeypatch.setattr(rights_notices, "PAGE", 1)
    here, told = f"/qingdan/tiaozheng/{lists.done}", []
    while here:
        text = lists.get(here.replace("&amp;", "&")).text
        told += re.findall(r'data-title="变动">([^<]+)</td>', text)
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        here = onward[1] if onward else ""
    assert sorted(told) == ["取消", "要素变更"]


def test_an_office_without_books_has_nothing_to_announce(empty_database: str) -> None:
    """And says so."""
    with http_office(empty_database) as house:
        for path, says in (("gonggao", "还没有公告"), ("tiaozheng", "还没有公布的调整")):
            answer = house.client.get(f"/qingdan/{path}")
            assert (answer.status_code, says in answer.text) == (200, True)
