"""Adjusting a list in force: applied for, reviewed, approved, published, each in its term."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from application.standings import later_entries_keep_their_footing
from domain.code_sets_adjusting import AdjustmentKind, AdjustmentReason
from domain.code_sets_rights import BasisLevel, PowerCategory
from domain.journal import Voided
from domain.rights import (
    Item,
    ItemAdded,
    ItemChanged,
    item_is_on_the_list,
    item_name_is_free,
    text_changes,
)
from domain.rights_adjusting import (
    AdjustmentApplied,
    AdjustmentApproved,
    AdjustmentPublished,
    AdjustmentReviewed,
    adjustment_awaits_publication,
    adjustment_is_under_review,
    approver_fits_the_kinds,
    both_reviews_have_passed,
    reviewer_is_not_the_applicant,
    takes_effect_after_approval,
)
from domain.rights_applying import (
    adjustment_is_of_the_department,
    adjustment_may_be_applied_for,
    other_departments_were_heard,
    trigger_lies_before,
)
from domain.rights_changes import (
    basis_is_of_sufficient_level,
    cancelled_licence_does_not_return,
    change_names_each_item_once,
    change_names_what_it_needs,
    content_is_complete,
    document_of_the_level_above_is_cited,
    followup_supervision_is_named,
    reason_fits_the_kind,
)
from domain.rights_effects import (
    category_differs,
    category_stays,
    freezing_changes_something,
    item_belongs_to_the_department,
    receiver_is_another_body,
    returned_item_was_handed_down,
)
from domain.rights_leaving import ItemFrozen, ItemRemoved, ItemReturned
from domain.rights_lineage import (
    ItemsMerged,
    ItemSplit,
    ItemTransferred,
    no_basis_is_lost,
    reshaping_has_both_sides,
)
from domain.settings import ChangeSetting
from interface.problems import refused
from tests.district import DAY
from tests.rights_district import K, Listed, basis, change, content

R = AdjustmentReason
JUNE, AUGUST, SEPTEMBER = date(2021, 6, 1), date(2021, 8, 2), date(2021, 9, 1)
ADD = change(K.ADD, contents=(content("农药经营许可"),))


# ── the way of an application ────────────────────────────────────────────────────────────────


def test_an_application_goes_its_way() -> None:
    """Applied for, reviewed twice, approved, published; the book shows each step and its day."""
    story = Listed()
    item = story.item()
    story.actor = "zhao"
    story.when(story.applying(ADD, change(K.CANCEL, item)))
    adjustment = story.then_one(AdjustmentApplied).adjustment
    story.actor = "zhang"
    for stage in ("office", "legality"):
        story.when(story.reviewing(adjustment, stage)).then(AdjustmentReviewed)
    assert story.row("rights_adjustments", adjustment).state == "reviewed"
    approving = story.approving_it(
        adjustment, takes_effect_on=AUGUST, meeting="区政府第5次常务会议"
    )
    story.when(approving).then(AdjustmentApproved, ItemAdded, ItemRemoved)
    assert story.last(AdjustmentApproved).meeting == "区政府第5次常务会议"
    story.when(story.publishing_it(adjustment)).then(AdjustmentPublished)
    row = story.row("rights_adjustments", adjustment)
    assert (row.state, row.kinds, row.items) == ("published", "新增、取消", 2)
    assert (row.approved_on, row.takes_effect_on, row.published_on) == (DAY, AUGUST, DAY)
    assert (story.names(on=DAY), story.names(on=AUGUST)) == (["种子生产经营许可"], ["农药经营许可"])
    story.when(story.publishing_it(adjustment)).refused_by(
        adjustment_awaits_publication, "已经公布"
    )
    at = [story.position(AdjustmentApproved)]
    story.when(story.reviewing(adjustment)).refused_by(adjustment_is_under_review, "已于", at=at)


def test_terms_are_counted_in_working_days_and_kept() -> None:
    """20 to apply, 15 to review, 3 to publish; later settings leave earlier counts alone."""
    story = Listed(today=SEPTEMBER, since=date(2021, 1, 4))
    fact = story.when(story.applying(ADD, trigger_on=JUNE)).then_one(AdjustmentApplied)
    assert (fact.due_on, fact.took, fact.late) == (date(2021, 6, 30), 21, True)
    story.actor = "wang"
    review = story.reviewing(fact.adjustment, effective_on=date(2021, 7, 22))
    reviewed = story.when(review).then_one(AdjustmentReviewed)
    assert (reviewed.due_on, reviewed.took, reviewed.late) == (date(2021, 7, 22), 15, False)
    day = date(2021, 7, 23)
    story.given(story.reviewing(fact.adjustment, "legality", effective_on=day))
    story.given(story.approving_it(fact.adjustment, effective_on=day))
    story.given(ChangeSetting(effective_on=JUNE, name="rights_publish_workdays", value=1))
    published = story.when(story.publishing_it(fact.adjustment, date(2021, 7, 28)))
    assert published.then_one(AdjustmentPublished).late
    row = story.row("rights_adjustments", fact.adjustment)
    assert (row.apply_late, row.review_late, row.publish_late) == (True, True, True)


def test_a_returned_application_is_applied_for_again() -> None:
    """Another round under the same id, and both reviews begin anew."""
    story = Listed()
    story.actor = "zhao"
    first = story.when(story.applying(ADD)).then_one(AdjustmentApplied)
    again = story.applying(ADD, adjustment=first.adjustment)
    position = story.position(AdjustmentApplied)
    story.when(again).refused_by(adjustment_may_be_applied_for, "没有退回", at=[position])
    story.actor = "zhang"
    story.given(story.reviewing(first.adjustment, "legality"))
    story.given(story.reviewing(first.adjustment, passed=False, opinion="依据条款有误。"))
    row = story.row("rights_adjustments", first.adjustment)
    assert (row.state, row.opinion) == ("returned", "依据条款有误。")
    story.when(story.reviewing(first.adjustment)).refused_by(adjustment_is_under_review, "退回")
    story.actor = "zhao"
    others = story.applying(ADD, adjustment=first.adjustment, who=story.woods)
    story.when(others).refused_by(adjustment_is_of_the_department, "另一部门", at=[position])
    assert story.when(again).then_one(AdjustmentApplied).round == 2
    story.actor = "zhang"
    story.given(story.reviewing(first.adjustment))
    story.when(story.approving_it(first.adjustment)).refused_by(
        both_reviews_have_passed, "合法性审查", at=[story.position(AdjustmentApplied)]
    )
    unknown = story.applying(ADD, adjustment="9" * 16)
    story.when(unknown).refused_by(adjustment_may_be_applied_for, "首次申请不填编号")


def test_a_return_stands_under_the_next_round() -> None:
    """Neither what was returned nor the return is taken away beneath it."""
    story = Listed()
    story.actor = "zhao"
    adjustment = story.when(story.applying(ADD)).then_one(AdjustmentApplied).adjustment
    first = story.position(AdjustmentApplied)
    story.actor = "zhang"
    story.given(story.reviewing(adjustment, passed=False))
    returned = story.position(AdjustmentReviewed)
    story.actor = "zhao"
    story.given(story.applying(ADD, adjustment=adjustment))
    again = story.position(AdjustmentApplied)
    story.when(story.voiding(returned)).refused_by(
        later_entries_keep_their_footing, "已经申请", at=[again]
    )
    story.when(story.voiding(first)).refused_by(
        later_entries_keep_their_footing, "不在审核中", at=[returned]
    )


def test_an_approval_rests_on_both_reviews_of_its_round() -> None:
    """Without one it has no footing; nor do the reviews before a return bear it."""
    story = Listed()
    adjustment = story.applied(ADD)
    story.given(story.reviewing(adjustment, passed=False))
    story.actor = "zhao"
    round_ = [story.when(story.applying(ADD, adjustment=adjustment)).appended[-1].position]
    story.actor = "zhang"
    round_ += [
        story.when(story.reviewing(adjustment, stage)).appended[-1].position
        for stage in ("office", "legality")
    ]
    made = story.when(story.approving_it(adjustment)).then(AdjustmentApproved, ItemAdded)
    at = [one.position for one in made]
    for gone in ((round_[1],), (round_[2],), round_):
        story.when(story.voiding(*gone)).refused_by(
            later_entries_keep_their_footing, "尚未通过审核"
        )
    story.when(story.voiding(*round_, *at)).then(*[Voided] * 5)
    assert story.row("rights_adjustments", adjustment).state == "returned"


def test_nobody_reviews_or_approves_his_own_application() -> None:
    """Whichever review it is."""
    story = Listed()
    adjustment = story.when(story.applying(ADD)).then_one(AdjustmentApplied).adjustment
    at = [story.position(AdjustmentApplied)]
    story.when(story.reviewing(adjustment)).refused_by(reviewer_is_not_the_applicant, at=at)
    story.actor = "wang"
    story.given(story.reviewing(adjustment), story.reviewing(adjustment, "legality"))
    story.actor = "zhang"
    story.when(story.approving_it(adjustment)).refused_by(reviewer_is_not_the_applicant, at=at)


def test_what_the_government_approves_is_a_setting() -> None:
    """Adding needs it and its document; changed elements need the two reviews only."""
    story = Listed()
    adjustment = story.applied(ADD)
    alone = story.approving_it(adjustment, approved_by="reviewers")
    story.when(alone).refused_by(approver_fits_the_kinds, "新增须经政府批准")
    without = story.approving_it(adjustment, basis=())
    story.when(without).refused_by(approver_fits_the_kinds, "请引用批准文件")
    item = story.item()
    small = story.applied(change(K.CHANGE, item, contents=(content(handler="种业科"),)))
    story.when(story.approving_it(small, approved_by="reviewers", basis=()))
    story.then(AdjustmentApproved, ItemChanged)
    table: dict[str, str] = {kind.value: "government" for kind in AdjustmentKind}
    story.given(ChangeSetting(effective_on=DAY, name="rights_approval_by_kind", value=table))
    again = story.applied(change(K.CHANGE, item, contents=(content(handler="审批科"),)))
    without = story.approving_it(again, approved_by="reviewers")
    story.when(without).refused_by(approver_fits_the_kinds, "要素变更须经政府批准")
    with pytest.raises(ValidationError, match="缺少调整类型：add（新增）"):
        ChangeSetting(
            effective_on=DAY, name="rights_approval_by_kind", value={"cancel": "government"}
        )


def test_days_follow_each_other() -> None:
    """Nothing is applied for before it happened, nor in force before it was approved."""
    story = Listed()
    early = story.applying(ADD, trigger_on=AUGUST)
    story.when(early).refused_by(trigger_lies_before)
    adjustment = story.applied(ADD)
    early_effect = story.approving_it(adjustment, takes_effect_on=JUNE)
    story.when(early_effect).refused_by(takes_effect_after_approval)
    story.when(story.publishing_it(adjustment)).refused_by(
        adjustment_awaits_publication, "尚未批准"
    )
    story.when(story.reviewing("9" * 16)).refused_by(adjustment_is_under_review, "没有这份")
    unknown = story.publishing_it("9" * 16)
    story.when(unknown).refused_by(adjustment_awaits_publication, "没有这份")


def test_an_approval_stands_or_falls_with_its_items() -> None:
    """Voiding it alone would leave items without footing; together they go."""
    story = Listed()
    story.adjusted(ADD)
    approved, added = story.position(AdjustmentApproved), story.position(ItemAdded)
    story.when(story.voiding(approved)).refused_by(
        later_entries_keep_their_footing, "尚未批准", at=[added]
    )
    applied = story.position(AdjustmentApplied)
    story.when(story.voiding(applied)).refused_by(later_entries_keep_their_footing)
    story.when(story.voiding(approved, added)).then(Voided, Voided)
    assert story.names() == []


def test_one_document_adjusts_many_items_in_one_append() -> None:
    """All of it or nothing."""
    story = Listed()
    items = [story.item(f"第{n}项许可") for n in range(40)]
    cancel = change(K.CANCEL, *items)
    entries = story.adjusted(cancel)
    assert [type(entry.fact) for entry in entries[1:]] == [ItemRemoved] * 40
    assert {entry.recorded_at for entry in entries} == {entries[0].recorded_at}
    assert story.names() == []
    asked = [len(entry.decided.asked) for entry in entries if entry.decided is not None]
    assert max(asked[1:]) <= 2


# ── what a change must have ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (K.ADD, {}),
        (K.ADD, {"items": ("9" * 16,), "contents": (content(),)}),
        (K.CHANGE, {"contents": (content(),)}),
        (K.TRANSFER, {"items": ("9" * 16,)}),
        (K.CANCEL, {"items": ("9" * 16,), "contents": (content(),)}),
        (K.FREEZE, {}),
        (K.MERGE, {"items": ("9" * 16,)}),
    ],
)
def test_a_change_names_what_it_needs(kind: AdjustmentKind, more: dict[str, Any]) -> None:
    """Items, texts, receivers: each kind its own."""
    story = Listed()
    items = more.pop("items", ())
    story.when(story.applying(change(kind, *items, **more))).refused_by(
        change_names_what_it_needs, kind.label
    )


@pytest.mark.parametrize("kind", [K.MERGE, K.CANCEL, K.TRANSFER, K.FREEZE])
def test_a_change_names_each_item_once(kind: AdjustmentKind) -> None:
    """An item that is merged with itself would leave the list twice and come once."""
    story = Listed()
    item = story.item()
    texts = (content("合并后"),) if kind is K.MERGE else ()
    receivers = (story.woods,) if kind is K.TRANSFER else ()
    twice = change(kind, item, item, contents=texts, receivers=receivers)
    story.when(story.applying(twice)).refused_by(change_names_each_item_once, item)


def test_reasons_go_with_kinds() -> None:
    """No cancelling because a law was issued, no adding because one was repealed."""
    story = Listed()
    wrong = change(K.CANCEL, story.item(), reason=R.LAW_ADDS)
    story.when(story.applying(wrong)).refused_by(reason_fits_the_kind, "取消", "颁布")


def test_leaving_names_how_the_matter_is_watched_over() -> None:
    """Cancelled and handed down alike."""
    story = Listed()
    item = story.item()
    for kind in (K.CANCEL, K.DELEGATE):
        bare = change(kind, item, supervision=None)
        story.when(story.applying(bare)).refused_by(followup_supervision_is_named)


def test_power_and_duty_stand_in_one_row() -> None:
    """A text without duties, liability or basis does not come onto a list; it is named."""
    story = Listed()
    bare = change(K.ADD, contents=(content(bases=(), duties=(), liabilities=()),))
    story.when(story.applying(bare)).refused_by(
        content_is_complete, "“种子生产经营许可”缺实施依据、责任事项、追责情形"
    )


@pytest.mark.parametrize(
    ("category", "level", "enough"),
    [
        (PowerCategory.PENALTY, BasisLevel.NORMATIVE, False),
        (PowerCategory.PENALTY, BasisLevel.DEPARTMENT_RULE, True),
        (PowerCategory.LICENCE, BasisLevel.DEPARTMENT_RULE, False),
        (PowerCategory.COERCION, BasisLevel.LOCAL_RULE, False),
        (PowerCategory.COERCION, BasisLevel.LOCAL_REGULATION, True),
        (PowerCategory.INSPECTION, BasisLevel.NORMATIVE, True),
        (PowerCategory.PENALTY, None, False),
    ],
)
def test_a_power_rests_on_a_document_that_may_set_it_up(
    category: PowerCategory, level: BasisLevel | None, *, enough: bool
) -> None:
    """Penalties on rules at least, coercion on regulations, licences not on a ministry's rule."""
    story = Listed()
    text = content(category=category, bases=(basis().model_copy(update={"level": level}),))
    story.when(story.applying(change(K.ADD, contents=(text,))))
    if enough:
        story.then(AdjustmentApplied)
    else:
        story.refused_by(basis_is_of_sufficient_level, category.label)


def test_other_departments_concerned_are_heard() -> None:
    """The receiver of an item, and whoever's item it is."""
    story = Listed()
    transfer = change(K.TRANSFER, story.item(), receivers=(story.woods,))
    unheard = story.applying(transfer, opinions=())
    story.when(unheard).refused_by(other_departments_were_heard, story.woods)
    story.when(story.applying(transfer)).then(AdjustmentApplied)


def test_what_comes_from_above_cites_the_level_above() -> None:
    """Handed down to the district, or cancelled by the State Council."""
    story = Listed()
    paper = story.document("district")
    received = change(K.RECEIVE, contents=(content(),), reason=R.HANDED_DOWN)
    own = story.applying(received, basis=story.citing(paper))
    story.when(own).refused_by(document_of_the_level_above_is_cited)
    story.when(story.applying(received)).then(AdjustmentApplied)


def test_a_cancelled_licence_does_not_come_back_unnoticed() -> None:
    """Neither as a licence nor as a filing; what was looked at passes."""
    story = Listed()
    cancelled = story.item("水产苗种生产审批")
    story.adjusted(change(K.CANCEL, cancelled))
    at = [story.position(ItemRemoved)]
    for name, category in (("水产苗种生产许可", "01"), ("水产苗种生产备案", "10")):
        back = change(K.ADD, contents=(content(name, category=category),))
        story.when(story.applying(back)).refused_by(
            cancelled_licence_does_not_return, "“水产苗种生产审批”", cancelled, at=at
        )
    seen = change(K.ADD, contents=(content("水产苗种生产许可"),), looked_at=(cancelled,))
    story.when(story.applying(seen)).then(AdjustmentApplied)
    penalty = content("对水产苗种生产违法行为的处罚", category=PowerCategory.PENALTY)
    story.when(story.applying(change(K.ADD, contents=(penalty,)))).then(AdjustmentApplied)
    other = change(K.ADD, contents=(content("兽药经营许可"),))
    story.when(story.applying(other)).then(AdjustmentApplied)
    story.given(story.voiding(*at))
    back = change(K.ADD, contents=(content("水产苗种生产备案", category="10"),))
    story.when(story.applying(back)).then(AdjustmentApplied)


# ── kind by kind, on the list as it is by then ───────────────────────────────────────────────


def approving(story: Listed, *changes: Any) -> Listed:
    """Apply for these changes and try to have them approved."""
    adjustment = story.applied(*changes)
    return story.when(story.approving_it(adjustment))


def test_a_name_taken_meanwhile_refuses_the_approval() -> None:
    """The list is as it is by then, not as it was when somebody applied."""
    story = Listed()
    adjustment = story.applied(ADD)
    story.item("农药经营许可")
    story.when(story.approving_it(adjustment)).refused_by(item_name_is_free, "农药经营许可")


def test_an_item_cancelled_meanwhile_is_not_adjusted() -> None:
    """Nor one that was never there."""
    story = Listed()
    item = story.item()
    adjustment = story.applied(change(K.FREEZE, item))
    story.adjusted(change(K.CANCEL, item))
    story.when(story.approving_it(adjustment)).refused_by(item_is_on_the_list, "已取消")
    story.when(story.applying(change(K.FREEZE, item))).refused_by(item_is_on_the_list)


def test_a_department_adjusts_its_own_items() -> None:
    """Another's are not its to freeze."""
    story = Listed()
    other = story.item(who=story.woods)
    approving(story, change(K.FREEZE, other)).refused_by(item_belongs_to_the_department)


def test_elements_change_and_categories_are_changed_by_name() -> None:
    """要素变更 leaves the category alone, 转类 changes it, neither files nothing."""
    story = Listed()
    item = story.item()
    filing = content(category=PowerCategory.OTHER)
    approving(story, change(K.CHANGE, item, contents=(filing,))).refused_by(category_stays)
    same = change(K.CHANGE, item, contents=(content(),))
    approving(story, same).refused_by(text_changes)
    wrong = change(K.RECLASSIFY, item, contents=(content(handler="种业科"),))
    approving(story, wrong).refused_by(category_differs)
    approving(story, change(K.RECLASSIFY, item, contents=(filing,)))
    fact = story.last(ItemChanged)
    assert (fact.kind, fact.fields) == (K.RECLASSIFY, ("category",))
    assert story.row("rights_items", item).category == "10"


def test_a_frozen_item_stays_on_the_list() -> None:
    """It is restored, not frozen twice."""
    story = Listed()
    item = story.item()
    approving(story, change(K.RESTORE, item)).refused_by(freezing_changes_something, "没有冻结")
    approving(story, change(K.FREEZE, item)).then(AdjustmentApproved, ItemFrozen)
    assert story.row("rights_items", item).status == "frozen"
    approving(story, change(K.FREEZE, item)).refused_by(freezing_changes_something, "已经冻结")
    approving(story, change(K.RESTORE, item)).then(AdjustmentApproved, ItemFrozen)
    assert story.row("rights_items", item).status == "listed"


def test_what_is_handed_down_is_on_below_on_the_same_day() -> None:
    """No day without somebody who may act; taken back, it is off below on that day too."""
    story = Listed()
    item = story.item()
    gate = story.admitted("种子生产经营许可")
    approving(story, change(K.DELEGATE, item, receivers=(story.town,), admission=gate))
    story.then(AdjustmentApproved, ItemAdded, ItemRemoved)
    below = story.last(ItemAdded)
    assert (below.kind, below.level.value, below.sources) == (K.RECEIVE, "township", (item,))
    assert (story.names(), story.names(story.town)) == ([], ["种子生产经营许可"])
    assert story.row("rights_items", item) is None
    approving(story, change(K.TAKE_BACK, item))
    story.then(AdjustmentApproved, ItemRemoved, ItemReturned)
    assert (story.names(), story.names(story.town)) == (["种子生产经营许可"], [])


def test_what_the_level_above_takes_back_leaves_the_list() -> None:
    """And is not taken back twice, nor what was never there."""
    story = Listed()
    item = story.item()
    approving(story, change(K.TAKE_BACK, item)).then(AdjustmentApproved, ItemRemoved)
    assert story.standings.of(Item, item).conditions[-1].status.label == "已收回"
    approving(story, change(K.TAKE_BACK, item)).refused_by(returned_item_was_handed_down, "已收回")
    unknown = change(K.TAKE_BACK, "9" * 16)
    approving(story, unknown).refused_by(returned_item_was_handed_down, "没有这一事项")


def test_an_item_moves_to_another_department() -> None:
    """As much out as in; not to itself, nor under a name that is taken there."""
    story = Listed()
    item = story.item()
    own = change(K.TRANSFER, item, receivers=(story.farms,))
    approving(story, own).refused_by(receiver_is_another_body)
    held = story.item(who=story.woods)
    move = change(K.TRANSFER, item, receivers=(story.woods,))
    approving(story, move).refused_by(item_name_is_free)
    story.adjusted(change(K.CANCEL, held), who=story.woods)
    approving(story, move).then(AdjustmentApproved, ItemTransferred)
    assert (story.names(), story.names(story.woods)) == ([], ["种子生产经营许可"])
    assert story.row("rights_items", item).department == story.woods


def test_merging_and_splitting_keep_every_basis() -> None:
    """Two or more into one, one into two or more; the new name may be an old one."""
    story = Listed()
    a = story.item("种子生产许可")
    b = story.item("种子经营许可", bases=(basis("中华人民共和国农业法"),))
    both = (basis(), basis("中华人民共和国农业法"))
    poor = change(K.MERGE, a, b, contents=(content("种子生产许可"),))
    approving(story, poor).refused_by(no_basis_is_lost, "《中华人民共和国农业法》")
    single = change(K.MERGE, a, contents=(content("种子许可"),))
    approving(story, single).refused_by(reshaping_has_both_sides, "1项调整为1项")
    spread = change(K.MERGE, a, contents=(content("甲许可"), content("乙许可")))
    approving(story, spread).refused_by(reshaping_has_both_sides, "合并应为两项以上并为一项")
    joined = change(K.SPLIT, a, b, contents=(content("种子许可", bases=both),))
    approving(story, joined).refused_by(reshaping_has_both_sides, "分设应为一项分为两项以上")
    good = change(K.MERGE, a, b, contents=(content("种子生产许可", bases=both),))
    approving(story, good).then(AdjustmentApproved, ItemsMerged)
    merged = story.last(ItemsMerged).opened[0].item
    one = change(K.SPLIT, merged, contents=(content("甲许可", bases=both),))
    approving(story, one).refused_by(reshaping_has_both_sides, "1项调整为1项")
    two = (content("甲许可"), content("乙许可", bases=(both[1],)))
    approving(story, change(K.SPLIT, merged, contents=two)).then(AdjustmentApproved, ItemSplit)
    assert story.names() == ["乙许可", "甲许可"]


def test_internal_management_is_no_power() -> None:
    """It leaves the list as such."""
    story = Listed()
    item = story.item()
    approving(story, change(K.INTERNALISE, item)).then(AdjustmentApproved, ItemRemoved)
    assert story.standings.of(Item, item).conditions[-1].status.label == "已转内部管理"


# ── which of many ────────────────────────────────────────────────────────────────────────────


def test_whoever_is_refused_is_told_which_of_his_changes_is_meant() -> None:
    """With its kind and the items' names, as the screen and as a program's answer say it."""
    story = Listed()
    seeds, farm = story.item(), story.item("农药经营许可")
    wrong = change(K.CANCEL, farm, supervision=None)
    story.when(story.applying(change(K.CANCEL, seeds), ADD.model_copy(), wrong))
    refusal = story.refused_by(followup_supervision_is_named)
    assert refusal.part == "第3项调整（取消：“农药经营许可”）"
    assert refusal.told == f"{refusal.part}：请填写事中事后监管措施。"
    assert refused(refusal).document()["detail"] == refusal.told
    assert str(refusal).startswith(f"{refusal.part}：取消、下放的事项应提出")
    story.when(story.applying(change(K.ADD, contents=())))
    assert story.refused_by(change_names_what_it_needs).part == "第1项调整（新增）"
    story.when(story.applying(change(K.FREEZE, "9" * 16)))
    assert story.refused_by(item_is_on_the_list).part == f"第1项调整（冻结：编号{'9' * 16}）"
    many = [story.item(f"第{n}种许可") for n in range(4)]
    story.when(story.applying(change(K.CANCEL, *many, supervision=None)))
    told = "第1项调整（取消：“第0种许可”、“第1种许可”、“第2种许可”等4项）"
    assert story.refused_by(followup_supervision_is_named).part == told


def test_an_approval_that_cannot_be_carried_out_names_the_change() -> None:
    """The list may have changed since it was applied for."""
    story = Listed()
    item = story.item()
    adjustment = story.applied(ADD, change(K.CANCEL, item))
    story.adjusted(change(K.CANCEL, item))
    refusal = story.when(story.approving_it(adjustment)).refused_by(item_is_on_the_list)
    assert refusal.part == "第2项调整（取消：“种子生产经营许可”）"
    double = story.applied(ADD, ADD)
    refusal = story.when(story.approving_it(double)).refused_by(item_name_is_free)
    assert refusal.part == "第2项调整（新增：“农药经营许可”）"
