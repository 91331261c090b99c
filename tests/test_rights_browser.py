"""The public pages in a real browser: at both widths, on paper, without scripts, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from domain.rights_content import Duty
from tests import browser as looking
from tests.http_office import http_office
from tests.rights_district import K, basis, change, content
from tests.test_rights_notices import Adjusted

LONG = "对未依法取得许可从事种子生产、经营，或者以欺骗、贿赂等不正当手段取得许可的处罚" * 3


class Shown(Adjusted):
    """An office whose lists hold what strains a page: long names, long codes, many fields."""

    long: str
    third: str

    def addresses(self) -> list[str]:
        """Every kind of page, what goes wrong included."""
        here = f"/qingdan/{self.second}"
        both = f"/qingdan/duibi?from={self.first}&to={self.third}"
        pages = [
            here,
            f"{here}?word=许可&category=01",
            f"{here}?word=没有这样的词",
            f"{here}?word=税",
        ]
        pages += [f"/qingdan/{self.third}/{self.long}", f"{here}/{self.fresh}", both]
        pages += ["/qingdan/duibi", "/qingdan/gonggao", f"/qingdan/gonggao/{self.third}"]
        pages += ["/qingdan/tiaozheng", f"/qingdan/tiaozheng/{self.done}", "/qingdan/nothing"]
        return [*pages, "/qingdan?level=township", f"{here}?word={'甲' * 100}"]


@pytest.fixture(scope="module")
def shown(module_database: str) -> Iterator[Shown]:
    """An office with pages of every kind."""
    with http_office(module_database) as house:
        story = Shown(house)
        longer = story.now(story.fresh).model_copy(update={"handler": "种业科" * 60})
        story.done = story.published_one(
            change(K.CHANGE, story.fresh, contents=(longer,)),
            change(K.CANCEL, story.seeds, supervision="纳入双随机抽查。" * 20),
        )
        strained = content(
            LONG,
            code="1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890ABCDEFGHIJKLMNOPQR",
            bases=tuple(basis(LONG[:40], f"第{n}条") for n in range(6)),
            duties=tuple(Duty(role="直接实施责任", stage="受理", text=LONG) for _ in range(4)),
            remark="https://example.invalid/" + "a" * 200,
        )
        story.long = story.item(strained, day="2022-01-10")
        story.third = story.published("2022年修订版", "2022-09-01")
        yield story


@pytest.fixture(scope="module")
def chromium(shown: Shown) -> Iterator[Any]:
    """A browser, once there is something to see."""
    assert shown.done
    with looking.browser() as opened:
        yield opened


def _opened(chromium: Any, size: str, shown: Shown) -> tuple[Any, list[str]]:
    """Open a tab; return it with what the browser complains of or fetches elsewhere."""
    width, height = looking.SIZES[size]
    base = str(shown.house.client.base_url)
    tab = chromium.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=True, base_url=base
    ).new_page()
    told: list[str] = []
    refused = "Failed to load resource"  # what the browser says of a page that answers 404 or 422
    tab.on("console", lambda m: told.append(m.text) if refused not in m.text else None)
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("request", lambda r: None if r.url.startswith(base) else told.append(r.url))
    return tab, told


@pytest.mark.parametrize("size", looking.SIZES)
def test_every_page_fits_and_can_be_read_by_everybody(
    chromium: Any, shown: Shown, size: str
) -> None:
    """Nothing scrolls sideways, stands out too little, lacks a name or is too small to touch."""
    tab, told = _opened(chromium, size, shown)
    for address in shown.addresses():
        tab.goto(address)
        for details in tab.locator("details > summary").all():
            details.click()
        assert tab.evaluate(looking.WIDER_THAN_THE_SCREEN) == [], address
        weak = [one for one in tab.evaluate(looking.CONTRASTS) if one[0] < 4.5]
        assert weak == [], address
        assert tab.evaluate(looking.UNNAMED) == [], address
        assert tab.evaluate(looking.SMALL) == [], address
        levels = tab.evaluate(looking.HEADINGS)
        assert levels[0] == 1, address
        assert levels.count(1) == 1, address
        assert all(b - a <= 1 for a, b in pairwise(levels)), address
        assert tab.evaluate("document.documentElement.lang") == "zh-CN"
        assert tab.title().endswith("权责清单"), address
    assert told == []


def test_a_citizen_finds_an_item_and_reads_it(chromium: Any, shown: Shown) -> None:
    """By a word and a department; with the keyboard he gets past the head of the page."""
    tab, told = _opened(chromium, "phone", shown)
    tab.goto("/qingdan")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "跳到正文"
    tab.get_by_label("关键词").fill("采伐")
    tab.get_by_role("button", name="查询").click()
    assert "符合条件的事项共 1 项" in tab.get_by_role("status").inner_text()
    tab.get_by_role("link", name="林木采伐许可").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "林木采伐许可"
    assert "中华人民共和国种子法" in tab.locator("table.item").inner_text()
    tab.get_by_role("link", name="调整公告").first.click()
    assert tab.get_by_role("heading", level=1).inner_text() == "调整公告"
    assert told == []


def test_two_letters_are_asked_for_before_anything_is_sent(chromium: Any, shown: Shown) -> None:
    """The browser says so itself."""
    tab, _ = _opened(chromium, "desktop", shown)
    tab.goto(f"/qingdan/{shown.second}")
    tab.get_by_label("关键词").type("税")
    tab.get_by_role("button", name="查询").click()
    assert tab.url.endswith(f"/qingdan/{shown.second}")
    assert not tab.evaluate("document.querySelector('#word').checkValidity()")


def test_on_paper_there_are_no_forms_and_nothing_is_cut(
    chromium: Any, shown: Shown, tmp_path: Path
) -> None:
    """Neither menus nor buttons; what the screen shortens stands there in full."""
    tab, _ = _opened(chromium, "desktop", shown)
    tab.emulate_media(media="print")
    for address in (f"/qingdan/{shown.third}", f"/qingdan/{shown.third}/{shown.long}"):
        tab.goto(address)
        assert tab.locator("form:visible, nav:visible, button:visible").count() == 0
        hidden = (
            "e => e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflow == 'hidden'"
        )
        assert not any(one.evaluate(hidden) for one in tab.locator(".said").all())
        paper = tmp_path / "page.pdf"
        tab.pdf(path=paper, format="A4")
        assert paper.read_bytes().startswith(b"%PDF")
        assert tab.evaluate(looking.WIDER_THAN_THE_SCREEN) == []
