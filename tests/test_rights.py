"""Rights lists: items taken over, changed, left, moved, merged and split; what the books say."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from application.rights import basis_line
from application.standings import later_entries_keep_their_footing
from domain.code_sets_adjusting import AdjustmentKind, ItemStatus
from domain.code_sets_rights import PowerCategory
from domain.institutions import Abolished, institution_stands
from domain.institutions_changes import AbolishInstitution
from domain.journal import Voided
from domain.opening import unit_is_in_the_books
from domain.rights import (
    Item,
    ItemAdded,
    ItemChanged,
    ItemTakenOver,
    department_goes_on,
    department_has_no_items_left,
    item_is_on_the_list,
    item_name_is_free,
)
from domain.rights_catalogue import Catalogue, digest_of, heading_of
from domain.rights_content import Source
from domain.rights_leaving import ItemRemoved
from domain.rights_lineage import ItemsMerged, ItemTransferred
from domain.rights_opening import OpenItem, RecordChangedItem, RecordRemovedItem
from tests.district import DAY
from tests.rights_district import Listed, basis, change, content

K = AdjustmentKind
SOURCE = Source(file="2024年区农业农村局权责清单.xls", sheet="行政许可", row=2)
AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 1), date(2021, 9, 1), date(2021, 10, 1)


# ── taking over ──────────────────────────────────────────────────────────────────────────────


def test_an_item_of_a_published_list_is_taken_over_as_it_is() -> None:
    """Gaps included: what was published was published; where it was read is kept."""
    story = Listed()
    text = content(duties=(), liabilities=(), handler="种业科")
    fact = story.when(story.taking_over_item(text, source=SOURCE)).then_one(ItemTakenOver)
    row = story.row("rights_items", fact.item)
    assert (row.department, row.category, row.name) == (story.farms, "01", "种子生产经营许可")
    assert (row.bases, row.duties) == ("〔法律〕《中华人民共和国种子法》第三十一条", "")
    assert (row.handler, row.status, row.since) == ("种业科", "listed", DAY)
    assert row.digest == digest_of(text)
    assert story.row("rights_items", fact.item, on=date(2021, 6, 30)) is None
    (line,) = story.rows("rights_changes").values()
    assert (line.change, line.source) == ("opened", "2024年区农业农村局权责清单.xls 行政许可 第2行")


def test_the_digest_is_that_of_the_text_the_ledger_shows() -> None:
    """Anybody can compute it anew from the published JSON."""
    story = Listed()
    row = story.row("rights_items", story.item(remark="见“三定”规定"))
    assert sha256(row.content.encode()).hexdigest() == row.digest


def test_the_same_row_again_records_nothing() -> None:
    """However it is spaced; another text under the same heading is refused unless it repeats."""
    story = Listed()
    story.item()
    story.when(story.taking_over_item(content())).then()
    other = content(" 种子生产 经营许可", handler="种业科")
    position = story.position(ItemTakenOver)
    story.when(story.taking_over_item(other)).refused_by(item_name_is_free, at=[position])
    story.when(story.taking_over_item(other, repeats=True)).then(ItemTakenOver)
    story.when(story.taking_over_item(other, repeats=True)).then()
    assert len(story.names()) == 2
    elsewhere = story.taking_over_item(content(), story.woods)
    story.when(elsewhere).then(ItemTakenOver)
    penalty = content(category=PowerCategory.PENALTY)
    story.when(story.taking_over_item(penalty)).then(ItemTakenOver)
    story.when(story.taking_over_item(content(sub_name="进出口"))).then(ItemTakenOver)


def test_a_department_is_found_by_its_name() -> None:
    """As its list names it."""
    story = Listed()
    row = OpenItem(effective_on=DAY, department="区农业农村局", content=content(), source=SOURCE)
    assert story.when(row).then_one(ItemTakenOver).department == story.farms
    strange = row.model_copy(update={"department": "区畜牧局"})
    story.when(strange).refused_by(unit_is_in_the_books, "区畜牧局")


def test_a_department_must_stand_and_go_on() -> None:
    """Neither before it was set up nor when it is known to end."""
    story = Listed()
    early = story.taking_over_item(content(), effective_on=date(2021, 6, 30))
    story.when(early).refused_by(institution_stands)
    story.given(abolishing(story, AUGUST))
    position = story.position(Abolished)
    story.when(story.taking_over_item(content())).refused_by(department_goes_on, at=[position])
    late = story.taking_over_item(content(), effective_on=SEPTEMBER)
    story.when(late).refused_by(institution_stands)


def abolishing(story: Listed, day: date) -> AbolishInstitution:
    """Abolish the department of agriculture."""
    return AbolishInstitution(
        effective_on=day, institution=story.farms, reason="机构改革", basis=story.citing()
    )


def test_a_department_with_items_is_not_abolished() -> None:
    """Its items move or leave first."""
    story = Listed()
    item = story.item()
    position = story.position(ItemTakenOver)
    story.when(abolishing(story, AUGUST)).refused_by(department_has_no_items_left, at=[position])
    story.adjusted(change(K.TRANSFER, item, receivers=(story.woods,)))
    story.when(abolishing(story, AUGUST)).then(Abolished)


# ── a list published anew outside ────────────────────────────────────────────────────────────


def test_what_a_list_published_anew_says_otherwise_is_recorded_once() -> None:
    """The item keeps its id; its former text stays in the history."""
    story = Listed()
    item = story.item()
    renamed = content("农作物种子生产经营许可")
    again = RecordChangedItem(effective_on=AUGUST, item=item, content=renamed, source=SOURCE)
    fact = story.when(again).then_one(ItemChanged)
    assert fact.fields == ("name",)
    story.when(again).then()
    assert story.names(on=AUGUST) == ["农作物种子生产经营许可"]
    assert story.names(on=DAY) == ["种子生产经营许可"]
    other = story.item("农药经营许可")
    clash = again.model_copy(update={"item": other})
    story.when(clash).refused_by(item_name_is_free)
    gone = RecordRemovedItem(effective_on=SEPTEMBER, item=item, source=SOURCE)
    assert story.when(gone).then_one(ItemRemoved).source == SOURCE
    story.when(gone).refused_by(item_is_on_the_list, "已取消", at=[story.position(ItemRemoved)])
    assert story.names(on=SEPTEMBER) == ["农药经营许可"]


def test_only_what_has_begun_changes() -> None:
    """Neither an unknown item nor one before its day."""
    story = Listed()
    unknown = RecordRemovedItem(effective_on=DAY, item="9" * 16, source=SOURCE)
    story.when(unknown).refused_by(item_is_on_the_list, "没有这一事项")
    early = unknown.model_copy(update={"item": story.item(), "effective_on": date(2021, 1, 1)})
    story.when(early).refused_by(item_is_on_the_list, "没有这一事项")


# ── each text builds on the one before ───────────────────────────────────────────────────────


def test_a_change_learnt_about_late_does_not_undo_a_later_one() -> None:
    """It is refused, naming the later; both are filed anew in one correction."""
    story = Listed()
    item = story.item()
    later = recording(item, OCTOBER, handler="种业科")
    story.given(later)
    position = story.position(ItemChanged)
    early = recording(item, AUGUST, supervision="投诉电话")
    story.when(early).refused_by(later_entries_keep_their_footing, "内容已经变动", at=[position])
    anew = recording(item, OCTOBER, handler="种业科", supervision="投诉电话")
    both = story.correcting((None, early), (position, anew))
    story.when(both).then(Voided, ItemChanged, ItemChanged)
    found = [story.row("rights_items", item, on=on) for on in (DAY, SEPTEMBER, OCTOBER)]
    assert [row.supervision for row in found] == [None, "投诉电话", "投诉电话"]
    assert [row.handler for row in found] == [None, None, "种业科"]


def recording(item: str, day: date, **more: Any) -> RecordChangedItem:
    """Record that a list says something else."""
    return RecordChangedItem(effective_on=day, item=item, content=content(**more), source=SOURCE)


def test_what_later_entries_rest_on_is_not_voided() -> None:
    """Neither the beginning of an item nor a transfer under later filings."""
    story = Listed()
    item = story.item()
    began = story.position(ItemTakenOver)
    story.adjusted(change(K.TRANSFER, item, receivers=(story.woods,)))
    moved = story.position(ItemTransferred)
    story.when(story.voiding(began)).refused_by(later_entries_keep_their_footing, at=[moved])
    other = story.item()
    assert other != item
    story.when(story.voiding(moved)).refused_by(later_entries_keep_their_footing, "有两个")


# ── lineage ──────────────────────────────────────────────────────────────────────────────────


def test_lineage_can_be_followed_both_ways() -> None:
    """Through a merger and a split, in the standing and in the books; a void restores all."""
    story = Listed()
    a, b = story.item("种子生产许可"), story.item("种子经营许可")
    one = change(K.MERGE, a, b, contents=(content("种子生产经营许可"),))
    fact = story.adjusted(one)[1].fact
    assert isinstance(fact, ItemsMerged)
    merged = fact.opened[0].item
    halves = tuple(content(f"{word}种子许可") for word in ("杂交", "常规"))
    story.adjusted(change(K.SPLIT, merged, contents=halves), day=AUGUST)
    parts = story.standings.of(Item, merged).conditions[-1].successors
    assert story.standings.of(Item, a).conditions[-1].successors == (merged,)
    assert story.standings.of(Item, merged).conditions[0].sources == (a, b)
    assert [story.standings.of(Item, p).conditions[0].sources for p in parts] == [(merged,)] * 2
    assert story.row("rights_items", parts[0], on=AUGUST).sources == merged
    lines = story.rows("rights_changes", on=AUGUST).values()
    told = {(line.item, line.change): line.related for line in lines if line.change != "opened"}
    assert told[a, "merge"] == told[b, "merge"] == merged
    assert told[merged, "merge"] == f"{a}、{b}"
    assert told[merged, "split"] == "、".join(parts)
    assert told[parts[1], "split"] == merged


def test_a_merger_stands_or_falls_as_a_whole() -> None:
    """One entry: nobody can void half of it; a correction keeps the ids."""
    story = Listed()
    a, b = story.item("种子生产许可"), story.item("种子经营许可")
    story.adjusted(change(K.MERGE, a, b, contents=(content(),)))
    merged = story.last(ItemsMerged).opened[0].item
    assert story.names() == ["种子生产经营许可"]
    story.when(story.voiding(story.position(ItemsMerged))).then(Voided)
    assert story.names() == ["种子生产许可", "种子经营许可"]
    assert story.standings.of(Item, merged).conditions == ()
    assert story.standings.of(Item, a).conditions[-1].status is ItemStatus.LISTED


# ── the books ────────────────────────────────────────────────────────────────────────────────


def test_the_summary_counts_rows_and_tells_where_they_went() -> None:
    """Per department and category: now = opened + added − removed + moved + reshaped."""
    story = Listed()
    a, b, c = (story.item(f"第{n}项许可") for n in "一二三")
    story.adjusted(change(K.CANCEL, a))
    story.adjusted(change(K.TRANSFER, b, receivers=(story.woods,)))
    story.adjusted(change(K.RECLASSIFY, c, contents=(content("第三项备案", category="10"),)))
    sums = story.sums("rights_summary")
    farms = sums[story.farms, "district", "01"]
    assert (farms["items"], farms["opened"], farms["removed"], farms["moved_out"]) == (0, 3, 1, 2)
    assert sums[story.farms, "district", "10"]["moved_in"] == 1
    assert sums[story.woods, "district", "01"]["items"] == 1


def test_the_catalogue_names_what_stands_on_a_day() -> None:
    """With headings and digests, whatever was renamed in between."""
    story = Listed()
    item = story.item()
    text = content("农作物种子许可")
    story.given(RecordChangedItem(effective_on=AUGUST, item=item, content=text, source=SOURCE))
    catalogue = story.standings.of(Catalogue, story.farms)
    (before,), (after,) = list(catalogue.on(DAY)), list(catalogue.on(AUGUST))
    assert (before.heading.name, after.heading.name) == ("种子生产经营许可", "农作物种子许可")
    assert after.text.digest == digest_of(text)
    assert catalogue.holders(before.heading, AUGUST) == {}
    assert list(catalogue.holders(after.heading, DAY)) == [item]


def test_a_basis_is_printed_as_lists_print_it() -> None:
    """Level, title, version and articles."""
    one = basis().model_copy(update={"version": "2021年修正", "articles": ("第三条", "第五条")})
    assert basis_line(one) == "〔法律〕《中华人民共和国种子法》（2021年修正）第三条、第五条"


@pytest.mark.parametrize("name", ["种子 生产经营许可", "种子生产经营许可"])
def test_headings_compare_however_they_are_spaced(name: str) -> None:
    """Spaces and full-width signs make no other item."""
    story = Listed()
    level = story.anew(Item, story.item()).conditions[0].level  # type: ignore[attr-defined]
    assert heading_of(level, content(name)).key == heading_of(level, content()).key


def test_a_new_item_comes_onto_the_list_by_an_adjustment() -> None:
    """From the day on which the approval says that it does."""
    story = Listed()
    story.adjusted(change(K.ADD, contents=(content("农药经营许可"),)))
    fact = story.last(ItemAdded)
    assert (fact.kind, fact.department) == (K.ADD, story.farms)
    assert story.names() == ["农药经营许可"]
