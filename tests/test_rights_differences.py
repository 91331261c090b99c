"""Differences between two states of the lists: every kind of line, and totals that close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ledgers import OPEN_POSITION
from application.rights_differences import (
    KINDS,
    MEASURES,
    Difference,
    Differences,
    Stand,
    differences,
    field_changes,
    origins_of,
    stand_of,
)
from domain.code_sets_rights import PowerCategory, PowerLevel
from domain.rights_catalogue import digest_of, text_of
from domain.rights_content import Duty
from tests.district import DAY
from tests.rights_district import K, Listed, basis, change, content
from tests.rights_histories import FIRST, STEPS, STEPS_TAKEN, Step, lived, steps_of

RUN = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AUGUST, SEPTEMBER = date(2021, 8, 2), date(2021, 9, 1)


def stands(story: Listed, on: date, known: int = OPEN_POSITION) -> Iterator[Stand]:
    """The state of the lists on a day, in the order of the ids."""
    rows = story.rows("rights_items", on, known)
    for item in sorted(rows):
        yield stand_of(item, {**rows[item]._asdict(), "department_name": rows[item].department})


def compared(story: Listed, was: date, now: date) -> Differences:
    """What differs between two days, as known in the end."""
    changes = [row._asdict() for row in story.rows("rights_changes", now).values()]
    return differences(stands(story, was), stands(story, now), origins_of(changes))


def names(line: Difference) -> tuple[list[str], list[str]]:
    """The names on both sides of a line."""
    return sorted(one.name for one in line.before), sorted(one.name for one in line.after)


# ── every kind of line ───────────────────────────────────────────────────────────────────────


def test_every_kind_of_difference_is_told_once_with_both_its_sides() -> None:
    """Mergers and splits name what came of what; the same is counted, and not told."""
    story = Listed(today=SEPTEMBER)
    merged = [story.item("甲许可"), story.item("乙许可")]
    split, gone, moved, changed = (
        story.item(name) for name in ("丙许可", "丁许可", "戊许可", "己许可")
    )
    story.item("不变的许可")
    longer = content("己许可", handler="种业科")
    story.adjusted(
        change(K.ADD, contents=(content("庚许可"),)),
        change(K.CANCEL, gone),
        change(K.MERGE, *merged, contents=(content("甲乙许可"),)),
        change(K.SPLIT, split, contents=(content("丙一许可"), content("丙二许可"))),
        change(K.CHANGE, changed, contents=(longer,)),
        change(K.TRANSFER, moved, receivers=(story.woods,)),
        day=AUGUST,
    )
    found = compared(story, DAY, SEPTEMBER)
    assert [(line.kind, *names(line)) for line in found.lines] == [
        ("added", [], ["庚许可"]),
        ("cancelled", ["丁许可"], []),
        ("merged", ["乙许可", "甲许可"], ["甲乙许可"]),
        ("split", ["丙许可"], ["丙一许可", "丙二许可"]),
        ("moved", ["戊许可"], ["戊许可"]),
        ("changed", ["己许可"], ["己许可"]),
    ]
    (field,) = found.of("changed")[0].fields
    assert field == ("handler", "承办机构", (), ("种业科",))
    assert found.totals() == {
        "before": 7,
        "added": 1,
        "cancelled": 1,
        "moved_in": 1,
        "moved_out": 1,
        "reshaped_in": 3,
        "reshaped_out": 3,
        "now": 7,
        "changed": 2,
        "unchanged": 1,
    }
    woods = found.within(story.woods, None)
    assert [line.kind for line in woods.lines] == ["moved"]
    assert [tally.figures["now"] for tally in woods.tallies] == [1]
    assert not found.within(story.woods, PowerCategory.PENALTY.value).lines


def test_mergers_that_follow_one_another_are_told_as_one() -> None:
    """What stood only in between is on neither side; what was there before is not gone through."""
    story = Listed(today=SEPTEMBER)
    items = [story.item(name) for name in ("甲许可", "乙许可", "丙许可")]
    story.adjusted(change(K.MERGE, *items[:2], contents=(content("甲乙许可"),)), day=AUGUST)
    between = next(i for i, row in story.rows("rights_items", AUGUST).items() if "甲乙" in row.name)
    merged = change(K.MERGE, between, items[2], contents=(content("三合一许可"),))
    story.adjusted(merged, day=SEPTEMBER)
    (line,) = compared(story, DAY, SEPTEMBER).lines
    assert (line.kind, len(line.before), len(line.after)) == ("merged", 3, 1)
    (line,) = compared(story, AUGUST, SEPTEMBER).lines
    assert names(line) == (["丙许可", "甲乙许可"], ["三合一许可"])


def test_what_merges_and_splits_again_is_reshaped() -> None:
    """Two became two others: neither a merger nor a split tells it."""
    story = Listed(today=SEPTEMBER)
    items = [story.item("甲许可"), story.item("乙许可")]
    story.adjusted(change(K.MERGE, *items, contents=(content("甲乙许可"),)), day=AUGUST)
    (between,) = story.rows("rights_items", AUGUST)
    parts = (content("上许可"), content("下许可"))
    story.adjusted(change(K.SPLIT, between, contents=parts), day=SEPTEMBER)
    (line,) = compared(story, DAY, SEPTEMBER).lines
    assert (line.kind, *names(line)) == ("reshaped", ["乙许可", "甲许可"], ["上许可", "下许可"])


def test_an_item_of_another_category_counts_in_both() -> None:
    """It is the same item, told field by field."""
    story = Listed(today=SEPTEMBER)
    item = story.item()
    text = content(category=PowerCategory.PENALTY)
    story.adjusted(change(K.RECLASSIFY, item, contents=(text,)), day=AUGUST)
    found = compared(story, DAY, SEPTEMBER)
    (line,) = found.lines
    assert (line.kind, line.fields) == (
        "changed",
        (("category", "职权类型", ("行政许可",), ("行政处罚",)),),
    )
    figures = {tally.category: tally.figures for tally in found.tallies}
    assert (figures["01"]["moved_out"], figures["02"]["moved_in"]) == (1, 1)
    assert all(tally.closes for tally in found.tallies)


def test_a_frozen_item_stays_and_says_so() -> None:
    """Its status is a field like any other."""
    story = Listed(today=SEPTEMBER)
    story.adjusted(change(K.FREEZE, story.item()), day=AUGUST)
    (line,) = compared(story, DAY, SEPTEMBER).lines
    assert line.fields == (("status", "状态", ("在册",), ("冻结",)),)


def test_fields_are_told_as_a_list_prints_them() -> None:
    """Bases, duties, levels, yes and no: no code and no bracket of a program."""

    def stand(**more: Any) -> Stand:
        text = content(**more)
        return Stand("1", "d", "部门", "01", "listed", digest_of(text), text_of(text))

    duty = Duty(stage="审查", text="依法审查。")
    more: dict[str, Any] = {
        "bases": (basis(), basis("中华人民共和国农业法", "第十条")),
        "duties": (duty,),
        "levels": (PowerLevel.DISTRICT,),
        "charged": False,
        "sub_name": "进口",
    }
    told = {one.title: one.after for one in field_changes(stand(), stand(**more))}
    assert told == {
        "子项名称": ("进口",),
        "实施依据": (
            "〔法律〕《中华人民共和国种子法》第三十一条",
            "〔法律〕《中华人民共和国农业法》第十条",
        ),
        "责任事项": ("审查：依法审查。",),
        "实施层级": (PowerLevel.DISTRICT.label,),
        "是否收费": ("否",),
    }


# ── laws ─────────────────────────────────────────────────────────────────────────────────────


def check_totals(history: Listed, was: date, now: date) -> Differences:
    """Previous + added − removed = now; each item is on one line at most; both states are told."""
    found = compared(history, was, now)
    for tally in found.tallies:
        assert tally.closes, tally
        assert tally.figures["changed"] + tally.figures["unchanged"] <= tally.figures["now"]
    counted = {
        measure: {
            (one.department, one.category): one.figures[measure]
            for one in found.tallies
            if one.figures[measure]
        }
        for measure in MEASURES
    }
    for day, measure in ((was, "before"), (now, "now")):
        sums = history.sums("rights_summary", day)
        listed: Counter[tuple[str, str]] = Counter()
        for (who, _, category), line in sums.items():
            listed[who, category] += line["items"]
        assert counted[measure] == +listed
    told = [{one.item for one in (*line.before, *line.after)} for line in found.lines]
    assert sum(map(len, told)) == len(set().union(*told))
    before, after = set(stands_ids(history, was)), set(stands_ids(history, now))
    one_sided = {i for line in found.lines for i in _only(line)}
    assert one_sided == before ^ after
    return found


def stands_ids(history: Listed, day: date) -> list[str]:
    """The ids on the lists on a day."""
    return [one.item for one in stands(history, day)]


def _only(line: Difference) -> set[str]:
    return {one.item for one in line.before} ^ {one.item for one in line.after}


@RUN
@given(STEPS_TAKEN, st.integers(0, STEPS), st.integers(0, STEPS))
def test_the_difference_of_any_two_days_closes(steps: list[Step], one: int, other: int) -> None:
    """In every history, whatever was voided and corrected in it."""
    early, late = sorted((one, other))
    check_totals(lived(steps), FIRST + timedelta(days=early), FIRST + timedelta(days=late))


def test_every_kind_of_difference_occurs_in_long_histories() -> None:
    """The law is not asleep."""
    seen: set[str] = set()
    for seed in range(8):
        history = lived(steps_of(seed, 50))
        for days in (9, 20, STEPS):
            found = check_totals(history, FIRST, FIRST + timedelta(days=days))
            seen |= {line.kind for line in found.lines}
    assert seen >= set(KINDS) - {"reshaped"}
