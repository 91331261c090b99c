"""Which item is which between two lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.code_sets_rights import PowerCategory
from domain.rights_content import ItemContent
from domain.rights_matching import Match, NameIndex, match_items, plain_name
from tests.shared_data import shared, shared_rows

LICENCE, PENALTY = PowerCategory.LICENCE, PowerCategory.PENALTY


def item(
    name: str, category: PowerCategory | None = LICENCE, sub: str | None = None, code: str = ""
) -> ItemContent:
    """Make an item."""
    return ItemContent(category=category, name=name, sub_name=sub, code=code or None)


def test_city_and_district_lists_of_one_department() -> None:
    """The published pair: 145 the same, 2 renamed, 2 only at the city, 14 only in the districts."""
    shared("data/rights/karamay_forestry_city_vs_district_pair.csv")
    rows = shared_rows("data/rights/karamay_forestry_city_vs_district_pair.csv", at_least=160)
    city = [row for row in rows if row["地州级事项名称"]]
    district = [row for row in rows if row["区县级事项名称"]][::-1]
    before, after = (
        [
            item(row[name], PowerCategory.from_text(row["职权类型"]), row["子项"] or None)
            for row in side
        ]
        for side, name in ((city, "地州级事项名称"), (district, "区县级事项名称"))
    )
    found = match_items(before, after)
    relations = {"相同": "exact", "名称相近(疑似同一事项)": "similar"}
    assert len(found.matches) == 147
    for one in found.matches:
        assert city[one.before]["区县级row_id"] == district[one.after]["区县级row_id"]
        assert one.how == relations[city[one.before]["关系"]]
        assert 0.8 <= one.score <= 1
    assert {city[place]["关系"] for place in found.only_before} == {"仅地州级"}
    assert {district[place]["关系"] for place in found.only_after} == {"仅区县级"}
    assert (len(found.only_before), len(found.only_after)) == (2, 14)


def test_the_surest_way_comes_first() -> None:
    """Exact before code, code before the name under another category, that before likeness."""
    before = [item("甲许可", code="1"), item("乙备案"), item("丙丙丙许可证的核发"), item("丁")]
    after = [
        item("丙丙丙许可证核发"),
        item("乙备案", PENALTY),
        item("完全两样的事", code="1"),
        item("戊"),
    ]
    found = match_items(before, after)
    assert [(one.before, one.after, one.how) for one in found.matches] == [
        (0, 2, "code"),
        (1, 1, "moved"),
        (2, 0, "similar"),
    ]
    assert (found.only_before, found.only_after) == ([3], [3])


def test_repeated_items_are_matched_one_by_one() -> None:
    """Two rows of one name stay two, and the one with the same content goes with its like."""
    one, two = item("同名"), item("同名").model_copy(update={"handler": "法规科"})
    assert match_items([one, two], [two, one]).matches == [
        Match(0, 1, "exact", 1.0),
        Match(1, 0, "exact", 1.0),
    ]
    assert match_items([one, one], [one]).only_before == [1]


def test_punctuation_and_width_do_not_count() -> None:
    """Neither do spaces and line breaks."""
    assert plain_name("对“甲、乙”（含丙）的\n处罚") == plain_name("对甲乙(含丙)的处罚")
    assert match_items([item("甲（乙）许可")], [item("甲(乙) 许可")]).matches[0].how == "exact"


def test_one_word_that_differs_is_another_item() -> None:
    """Long names of penalties have most of their words in common."""
    names = [f"对未按规定{what}的处罚" for what in ("备案", "公示", "登记", "报告", "申请", "检查")]
    found = match_items([item(one, PENALTY) for one in names[:3]], [item(names[3], PENALTY)])
    assert found.matches == []


def test_an_index_shows_what_is_like_a_name() -> None:
    """For a cancelled licence that comes back under another name."""
    names = ["林草种子生产经营许可证的核发", "农药经营许可", "兽药经营许可证核发"]
    index = NameIndex(names)
    (best, place), *_ = index.like("权限内林草种子生产经营许可证核发", least=0.5)
    assert place == 0
    assert 0.5 <= best < 1
    assert index.like("农药经营许可") == [(1.0, 1)]
    assert index.like("完全无关") == []
    assert NameIndex([]).like("甲") == []


@given(st.lists(st.text("甲乙丙丁许可处罚经营证核发的对", min_size=1, max_size=30), min_size=1))
def test_a_name_is_wholly_like_itself(names: list[str]) -> None:
    """Exactly, whichever order the sets of this process have: a list pairs the same everywhere."""
    index = NameIndex(names)
    for place, name in enumerate(names):
        alike = {other: score for score, other in index.like(name)}
        assert alike.get(place, 1.0) == 1.0
        assert max(alike.values(), default=0.0) <= 1.0


_NAMES = st.text(alphabet="甲乙丙丁许可处罚的对", min_size=1, max_size=8)
_LISTS = st.lists(st.builds(item, _NAMES, st.sampled_from([LICENCE, PENALTY, None])), max_size=12)


@given(_LISTS, _LISTS)
def test_every_item_stands_in_one_place(
    before: list[ItemContent], after: list[ItemContent]
) -> None:
    """Whatever the lists, nobody is matched twice and nobody is lost."""
    found = match_items(before, after)
    left = [one.before for one in found.matches] + found.only_before
    right = [one.after for one in found.matches] + found.only_after
    assert sorted(left) == list(range(len(before)))
    assert sorted(right) == list(range(len(after)))
    for one in found.matches:
        if one.how == "exact":
            assert before[one.before].category is after[one.after].category
            assert plain_name(before[one.before].name) == plain_name(after[one.after].name)


@given(_LISTS)
def test_a_list_is_itself(items: list[ItemContent]) -> None:
    """Matching a list with itself finds every item where it stands."""
    found = match_items(items, items)
    assert len(found.matches) == len(items)
    assert all(
        one.how == "exact" and items[one.before] == items[one.after] for one in found.matches
    )
