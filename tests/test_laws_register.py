"""The register of laws, and the watch over what items rest on."""

from __future__ import annotations

import csv
from datetime import date
from typing import Any

import pytest

from application.laws import read_versions
from application.rights_watch import Finding, Register, Watched, watch
from application.standings import later_entries_keep_their_footing
from domain.code_sets_rights import BasisLevel
from domain.journal import Voided
from domain.laws import (
    LawChange,
    LawRepealed,
    LawVersionRegistered,
    RegisterLawVersion,
    RepealLaw,
    law_comes_into_force_after_promulgation,
    law_id,
    law_stands_in_the_register,
    plain_title,
    version_is_registered_once,
)
from domain.rights_content import LegalBasis
from domain.text import compact
from tests.rights_district import Listed, content
from tests.shared_data import shared

SEEDS = "中华人民共和国种子法"
PROMULGATED, IN_FORCE = date(2021, 12, 24), date(2022, 3, 1)
LATER = date(2023, 1, 1)


def registering(**more: Any) -> RegisterLawVersion:
    """The seed law as amended in 2021."""
    fields: dict[str, Any] = {
        "law_title": SEEDS,
        "level": BasisLevel.LAW,
        "promulgated_on": PROMULGATED,
        "in_force_on": IN_FORCE,
        "change": LawChange.AMENDED,
    }
    return RegisterLawVersion(**(fields | more))


FIRST = registering(promulgated_on=date(2000, 7, 8), in_force_on=date(2000, 12, 1))


# ── the register ─────────────────────────────────────────────────────────────────────────────


def test_a_version_is_promulgated_and_comes_into_force_by_itself() -> None:
    """Until then the version before it is in force; a new law is not in force yet."""
    story = Listed(today=LATER)
    story.when(FIRST).then(LawVersionRegistered)
    story.when(registering()).then(LawVersionRegistered)
    law = law_id(SEEDS)
    assert story.row("laws", law, on=date(2000, 8, 1)).status == "pending"
    between = story.row("laws", law, on=date(2022, 1, 1))
    assert (between.status, between.version_on) == ("in-force", date(2000, 7, 8))
    assert (between.pending_on, between.pending_from) == (PROMULGATED, IN_FORCE)
    after = story.row("laws", law, on=IN_FORCE)
    assert (after.version_on, after.in_force_on, after.pending_on) == (PROMULGATED, IN_FORCE, None)
    assert (after.versions, after.first_on) == (2, date(2000, 7, 8))


def test_the_same_version_again_records_nothing() -> None:
    """Another statement about the same day is refused."""
    story = Listed()
    story.given(registering())
    story.when(registering()).then()
    at = [story.position(LawVersionRegistered)]
    other = registering(in_force_on=PROMULGATED)
    story.when(other).refused_by(version_is_registered_once, "请办理更正", at=at)
    early = registering(promulgated_on=LATER)
    story.when(early).refused_by(law_comes_into_force_after_promulgation)


def test_a_law_is_repealed_once_and_may_be_made_anew() -> None:
    """What is not in the register is not repealed."""
    story = Listed(today=LATER)
    repeal = RepealLaw(effective_on=date(2022, 6, 1), law_title=SEEDS, replaced_by="农业法")
    story.when(repeal).refused_by(law_stands_in_the_register, "没有")
    story.given(registering())
    story.when(repeal).then(LawRepealed)
    at = [story.position(LawRepealed)]
    story.when(repeal).refused_by(law_stands_in_the_register, "已于2022-06-01废止", at=at)
    began = story.position(LawVersionRegistered)
    story.when(story.voiding(began)).refused_by(later_entries_keep_their_footing, at=at)
    row = story.row("laws", law_id(SEEDS))
    assert (row.status, row.replaced_by) == ("repealed", "农业法")
    story.given(registering(promulgated_on=date(2022, 12, 1), in_force_on=None))
    assert story.row("laws", law_id(SEEDS)).status == "in-force"
    story.given(story.voiding(story.position(LawVersionRegistered)))
    story.when(story.voiding(*at)).then(Voided)


@pytest.mark.parametrize(
    "title",
    ["种子法", "《中华人民共和国种子法》", "中华人民共和国 种子法", "〈种子法〉"],
)
def test_a_law_is_known_by_its_title_however_it_is_written(title: str) -> None:
    """The country's name, brackets and spaces make no other law."""
    assert law_id(title) == law_id(SEEDS)
    assert law_id("种子法实施条例") != law_id(SEEDS)
    assert plain_title(title) == "种子法"


# ── a table of versions ──────────────────────────────────────────────────────────────────────


def test_a_table_of_versions_is_read() -> None:
    """Versions by their days; 施行 belongs to the version before it; bad rows are told."""
    heading = ("文件名", "效力层级", "最近日期", "沿革")
    rows = (
        (
            "专利代理条例",
            "行政法规",
            "2018-11-06",
            "1991-03-04:公布/通过;2018-11-06:修订;2019-03-01:施行",
        ),
        ("甲规定", "行政法规", "2018-11-06", ""),
        ("乙规定", "天书", "2018-11-06", ""),
        ("丙规定", "行政法规", "某日", ""),
    )
    found, problems = read_versions(dict(zip(heading, row, strict=True)) for row in rows)
    told = [(one.law_title, one.promulgated_on.year, one.in_force_on) for one in found]
    assert told == [
        ("专利代理条例", 1991, None),
        ("专利代理条例", 2018, date(2019, 3, 1)),
        ("甲规定", 2018, None),
    ]
    assert [one.row for one in problems] == [4, 5]


# ── the watch ────────────────────────────────────────────────────────────────────────────────


def found(story: Listed, on: date) -> list[Finding]:
    """What the watch finds on a day."""
    rows = story.rows("rights_items", on).items()
    items = ((key, Watched(r.department, None, r.name, r.sub_name, r.content)) for key, r in rows)
    return list(watch(items, Register(story.rows("laws", on), on)))


def resting_on(*bases: LegalBasis) -> Any:
    """An item's text that rests on these."""
    return content(bases=bases)


def cited(title: str = SEEDS, version: str | None = None, **more: Any) -> LegalBasis:
    """A citation."""
    return LegalBasis(title=title, level=more.get("level", BasisLevel.LAW), version=version)


def test_what_rests_on_a_repealed_law_is_listed_at_once() -> None:
    """And was in order before."""
    story = Listed(today=LATER)
    story.given(FIRST)
    item = story.file(story.taking_over_item(resting_on(cited())))[0].subjects("item")[0]
    assert found(story, LATER) == []
    story.given(RepealLaw(effective_on=date(2022, 6, 1), law_title="种子法", replaced_by="农业法"))
    (one,) = found(story, LATER)
    assert (one.item, one.problem, one.certainty) == (item, "repealed", "same")
    assert one.detail == "自2022-06-01起废止，由《农业法》替代。"
    assert found(story, date(2022, 5, 31)) == []


def test_what_is_not_in_force_yet_is_listed_until_it_is() -> None:
    """From the day of promulgation to the day of coming into force."""
    story = Listed(today=LATER)
    story.given(registering(), story.taking_over_item(resting_on(cited())))
    (one,) = found(story, date(2022, 1, 1))
    assert (one.problem, one.detail) == ("pending", "自2022-03-01起施行。")
    assert found(story, IN_FORCE) == []


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("2000年7月8日主席令第三十四号，2015年11月4日予以修改", "newer", "superseded"),
        ("2015年修正", "newer", "superseded"),
        ("2000年7月8日通过", None, "superseded"),
        ("2021年12月24日修正", "pending", None),
        ("2021年修正", "pending", None),
        ("2022年11月修正", "newer", "newer"),
        ("第四次修正", None, None),
        (None, None, None),
    ],
)
def test_a_cited_version_is_compared_with_the_one_in_force(
    version: str | None, before: str | None, after: str | None
) -> None:
    """By the latest day, month or year that the citation names; nothing named, nothing said."""
    story = Listed(today=LATER)
    story.given(FIRST, registering(), story.taking_over_item(resting_on(cited(version=version))))
    told = [[one.problem for one in found(story, day)] for day in (date(2022, 1, 1), LATER)]
    assert told == [[one] if one else [] for one in (before, after)]


def test_a_version_that_is_not_in_force_yet_is_told_with_its_day() -> None:
    """And the one that is in force until then."""
    story = Listed(today=LATER)
    text = resting_on(cited(version="2021年12月24日修正"))
    story.given(FIRST, registering(), story.taking_over_item(text))
    (one,) = found(story, date(2022, 1, 1))
    assert one.detail == "所引版本自2022-03-01起施行；2022-01-01有效的是2000-07-08公布的版本。"


def test_a_version_without_its_day_is_less_sure() -> None:
    """Amendments by the number of a decree only: perhaps the one in force is meant."""
    story = Listed(today=LATER)
    text = resting_on(cited(version="2000年7月8日通过，根据主席令第26号、第105号修订"))
    story.given(registering(), story.taking_over_item(text))
    (one,) = found(story, LATER)
    assert (one.problem, one.certainty) == ("superseded", "undated")


def test_a_wrong_level_is_listed_a_general_word_is_not() -> None:
    """法规 may be 行政法规 or 地方性法规; 法律 is not."""
    story = Listed(today=LATER)
    rule = registering(law_title="农药管理条例", level=BasisLevel.ADMINISTRATIVE_REGULATION)
    general = cited("农药管理条例", level=BasisLevel.REGULATION)
    story.given(rule, story.taking_over_item(resting_on(cited("农药管理条例"), general)))
    (one,) = found(story, LATER)
    assert (one.problem, one.detail) == ("level", "标注为法律，实为行政法规。")


def test_how_sure_a_match_is_belongs_to_the_answer() -> None:
    """Same, same but for a remark, alike, none."""
    story = Listed(today=LATER)
    story.given(registering(law_title="危险货物道路运输安全管理办法", in_force_on=None))
    story.given(RepealLaw(effective_on=LATER, law_title="危险货物道路运输安全管理办法"))
    titles = (
        "危险货物道路运输安全管理办法",
        "危险货物道路运输安全管理条例",
        "危险货物道路运输安全管理办法（试行）",
        "危险货物道路运输安全的管理办法",
        "渔业法",
    )
    story.given(story.taking_over_item(resting_on(*(cited(t, level=None) for t in titles))))
    assert [(one.problem, one.certainty) for one in found(story, LATER)] == [
        ("repealed", "same"),
        ("unknown", "none"),
        ("repealed", "remark"),
        ("repealed", "alike"),
        ("unknown", "none"),
    ]


def test_the_national_table_matches_the_published_citations() -> None:
    """Every version is read, and more than half of what real lists cite is in the register."""
    path = shared("data/rights/law_versions_national.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        versions, problems = read_versions(csv.DictReader(file))
    assert problems == []
    assert len(versions) >= 2_000
    known = {law_id(one.law_title) for one in versions}
    with shared("data/rights/karamay_citations.csv").open(encoding="utf-8-sig") as file:
        titles = [row["文件名"] for row in csv.DictReader(file) if compact(row["文件名"])]
    hits = sum(law_id(title) in known for title in titles)
    assert hits / len(titles) > 0.5
