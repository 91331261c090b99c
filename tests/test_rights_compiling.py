"""Compiling and publishing a list: drafted, submitted, returned, passed, checked, approved."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from application.standings import later_entries_keep_their_footing
from domain.code_sets_adjusting import ListLevel
from domain.deciding import Hindrance
from domain.institutions import institution_stands
from domain.journal import Voided, VoidEntries
from domain.rights import (
    ItemAdded,
    ItemChanged,
    ItemTakenOver,
    item_is_on_the_list,
    item_name_is_free,
)
from domain.rights_compiling import (
    ApproveCompile,
    CheckCompile,
    Comment,
    Compilation,
    CompileApproved,
    CompileChecked,
    CompileStarted,
    DraftsPassed,
    DraftsReturned,
    DraftsSubmitted,
    PassDrafts,
    ReturnDrafts,
    StartCompile,
    compiled_list_is_approved_once,
    compiled_list_was_checked,
    department_is_in_the_scope,
    drafts_are_due_after_the_start,
    drafts_were_submitted,
    every_department_has_passed,
    plan_is_approved,
    reviewer_is_not_the_submitter,
    reviewer_is_of_another_department,
)
from domain.rights_content import ItemContent
from domain.rights_drafting import (
    DraftWithdrawn,
    ItemDrafted,
    draft_lies_in_the_folder,
    draft_name_is_free,
    drafts_are_complete,
)
from domain.rights_editions import (
    EditionPublished,
    PublishEdition,
    TakeOverEdition,
    compile_name_is_new,
    compiled_list_may_be_published,
    edition_digest,
    edition_has_items,
    edition_is_approved,
    edition_name_is_new,
    published_edition_stays,
)
from domain.rights_submitting import (
    DraftItem,
    SubmitDrafts,
    WithdrawDraft,
    drafts_are_open,
    something_is_drafted,
)
from tests.district import DAY
from tests.rights_district import K, Listed, change, content

AUGUST, SEPTEMBER = date(2021, 8, 2), date(2021, 9, 1)


class Compiled(Listed):
    """A district in which a list is being compiled."""

    def __init__(self, *more: str) -> None:
        super().__init__()
        self.office_id = self.office("区委编办")
        self.file(self.starting(self.farms, *more))
        self.compiling = self.last(CompileStarted).compiling

    def starting(self, *departments: str, **more: Any) -> StartCompile:
        """The start of a compilation."""
        fields: dict[str, Any] = {"effective_on": DAY, "name": "2021年版", "basis": self.citing()}
        return StartCompile(departments=departments, **(fields | more))

    def about(self, **more: Any) -> dict[str, Any]:
        """The fields that every step of the department has."""
        own = {"effective_on": DAY, "compiling": self.compiling, "department": self.farms}
        return own | more

    def drafting(self, text: ItemContent | None = None, **more: Any) -> DraftItem:
        """A draft of the department of agriculture."""
        return DraftItem(content=text or content(), **self.about(**more))

    def submitting(self, **more: Any) -> SubmitDrafts:
        """A submission."""
        return SubmitDrafts(**self.about(**more))

    def returning(self, *comments: Comment, **more: Any) -> ReturnDrafts:
        """A return with comments."""
        said = comments or (Comment(comment="请核对依据。"),)
        more.setdefault("reviewed_by", self.office_id)
        return ReturnDrafts(comments=said, **self.about(**more))

    def passing(self, **more: Any) -> PassDrafts:
        """A pass."""
        more.setdefault("reviewed_by", self.office_id)
        return PassDrafts(**self.about(**more))

    def checking(self, *, passed: bool = True) -> CheckCompile:
        """The lawyers' check."""
        return CheckCompile(
            effective_on=DAY, compiling=self.compiling, passed=passed, opinion="合法。"
        )

    def approving_list(self, **more: Any) -> ApproveCompile:
        """The government's approval."""
        fields: dict[str, Any] = {"effective_on": DAY, "basis": self.citing()}
        fields |= {"compiling": self.compiling, "approved_by": "government"}
        return ApproveCompile(meeting="区政府第5次常务会议", **(fields | more))

    def submitted(self, *texts: ItemContent) -> list[str]:
        """Draft and submit; return the drafts' ids."""
        self.actor = "zhao"
        ids = []
        for text in texts or (content(),):
            self.file(self.drafting(text))
            ids.append(self.last(ItemDrafted).item)
        self.file(self.submitting())
        self.actor = "zhang"
        return ids

    def approved_list(self, *texts: ItemContent) -> list[str]:
        """The whole way up to the approval; return the drafts' ids."""
        ids = self.submitted(*texts)
        self.given(self.passing(), self.checking(), self.approving_list())
        return ids


def publishing(story: Listed, name: str = "2021年版", **more: Any) -> PublishEdition:
    """Publish the list as it stands, or as compiled."""
    fields: dict[str, Any] = {
        "effective_on": AUGUST,
        "name": name,
        "approved_by": "government",
        "channels": ("区政府门户网站",),
        "basis": story.citing(),
    }
    return PublishEdition(**(fields | more))


# ── the way of a compilation ─────────────────────────────────────────────────────────────────


def test_a_list_is_compiled_and_comes_into_force_with_its_edition() -> None:
    """Nothing drafted is on the list before the edition's day; then all of it is."""
    story = Compiled()
    story.actor = "zhao"
    draft = story.when(story.drafting()).then_one(ItemDrafted)
    story.when(story.submitting()).then(DraftsSubmitted)
    story.actor = "zhang"
    story.when(story.passing()).then(DraftsPassed)
    story.when(story.checking()).then(CompileChecked)
    story.when(story.approving_list()).then(CompileApproved)
    assert story.rows("rights_items", on=SEPTEMBER) == {}
    story.when(publishing(story, compiling=story.compiling)).then(ItemAdded, EditionPublished)
    assert story.rows("rights_items", on=date(2021, 8, 1)) == {}
    assert list(story.rows("rights_items", on=AUGUST)) == [draft.item]
    story.when(publishing(story, "又一版", compiling=story.compiling)).refused_by(
        compiled_list_may_be_published, "已经公布", at=[story.position(EditionPublished)]
    )


def test_rounds_follow_until_the_drafts_pass() -> None:
    """Returned item by item, mended, submitted again; the books show each round."""
    story = Compiled()
    (item,) = story.submitted()
    folder = f"{story.compiling}-{story.farms}"
    story.when(story.returning(Comment(item=item, comment="依据条款有误。"))).then(DraftsReturned)
    assert story.row("rights_progress", folder).state == "returned"
    (comment,) = story.rows("rights_comments").values()
    assert (comment.item, comment.round, comment.comment) == (item, 1, "依据条款有误。")
    story.actor = "zhao"
    better = content(handler="种业科")
    story.when(story.drafting(better, item=item)).then(ItemDrafted)
    assert story.when(story.submitting()).then_one(DraftsSubmitted).round == 2
    story.actor = "zhang"
    story.when(story.passing()).then(DraftsPassed)
    row = story.row("rights_progress", folder)
    assert (row.state, row.round, row.items, row.late) == ("passed", 2, 1, False)
    story.when(story.checking()).then(CompileChecked)
    story.given(story.returning())
    story.when(story.approving_list()).refused_by(
        every_department_has_passed, "还有1个部门", "：区农业农村局（"
    )


def test_drafts_are_not_due_before_the_start() -> None:
    """A day of the year before is a slip of the pen: everything would be late."""
    story = Compiled()
    early = story.starting(story.farms, name="另一次", drafts_due_on=DAY - timedelta(days=1))
    story.when(early).refused_by(drafts_are_due_after_the_start, "报送期限")


def test_a_list_is_not_compiled_twice_under_one_name() -> None:
    """A second click or a second clerk: the departments' drafts would lie in two folders."""
    story = Compiled()
    at = [story.position(CompileStarted)]
    again = story.starting(story.farms, story.woods, name="2021 年版")
    story.when(again).refused_by(compile_name_is_new, story.compiling, "先作废", at=at)
    town = story.starting(story.town, level=ListLevel.TOWNSHIP)
    story.when(town).then(CompileStarted)
    story.when(story.starting(story.farms, name="2021年补充")).then(CompileStarted)
    other = Compiled()
    other.given(VoidEntries(positions=tuple(at), reason="重复启动"))
    other.when(other.starting(other.farms)).then(CompileStarted)


def test_submitting_after_the_day_is_late() -> None:
    """The plan names the day; the book says so."""
    story = Compiled()
    again = story.starting(story.farms, name="另一次", drafts_due_on=DAY)
    story.compiling = story.when(again).then_one(CompileStarted).compiling
    story.given(story.drafting(), story.submitting(effective_on=AUGUST))
    folder = f"{story.compiling}-{story.farms}"
    assert story.row("rights_progress", folder, on=AUGUST).late
    assert story.row("rights_compiles", story.compiling).name == "另一次"


def test_what_was_submitted_lies_still() -> None:
    """Until it comes back; and for good once it has been approved."""
    story = Compiled()
    (item,) = story.submitted()
    at = [story.position(DraftsSubmitted)]
    for command in (
        story.drafting(content("农药经营许可")),
        WithdrawDraft(item=item, **story.about()),
        story.submitting(),
    ):
        story.when(command).refused_by(drafts_are_open, "第1轮草稿已经报送", at=at)
    story.given(story.passing(), story.checking(), story.approving_list())
    story.when(story.drafting(content("甲"))).refused_by(drafts_are_open, "已经审定")
    story.when(story.returning()).refused_by(drafts_were_submitted, "已经审定")


def test_nobody_reviews_his_own() -> None:
    """Neither the account that submitted nor the department itself."""
    story = Compiled()
    story.submitted()
    own = story.passing(reviewed_by=story.farms)
    story.when(own).refused_by(reviewer_is_of_another_department)
    story.actor = "zhao"
    at = [story.position(DraftsSubmitted)]
    story.when(story.passing()).refused_by(reviewer_is_not_the_submitter, at=at)
    story.when(story.returning()).refused_by(reviewer_is_not_the_submitter, at=at)


def test_power_and_duty_are_submitted_as_one() -> None:
    """Incomplete drafts may lie in the folder; they are not submitted, and are named."""
    story = Compiled()
    story.when(story.submitting()).refused_by(something_is_drafted)
    story.given(story.drafting(content(duties=(), liabilities=())))
    story.when(story.submitting()).refused_by(
        drafts_are_complete, "共1项不完整：“种子生产经营许可”缺责任事项、追责情形"
    )
    assert next(iter(story.rows("rights_drafts").values())).gaps == "责任事项、追责情形"


def test_drafts_are_held_once_and_taken_back() -> None:
    """Two of one name would not both come onto the list."""
    story = Compiled()
    item = story.when(story.drafting()).then_one(ItemDrafted).item
    at = [story.position(ItemDrafted)]
    story.when(story.drafting()).refused_by(draft_name_is_free, at=at)
    withdraw = WithdrawDraft(item=item, **story.about())
    story.when(withdraw).then(DraftWithdrawn)
    story.when(withdraw).refused_by(draft_lies_in_the_folder)
    assert story.rows("rights_drafts") == {}
    story.when(story.drafting()).then(ItemDrafted)
    story.actor = "zhao"
    story.given(story.submitting())
    story.actor = "zhang"
    strange = story.returning(Comment(item=item, comment="有误。"))
    story.when(strange).refused_by(draft_lies_in_the_folder, "第1条审核意见：")
    general = Comment(comment="请核对依据。")
    strange = story.returning(general, Comment(item=item, comment="有误。"))
    story.when(strange).refused_by(draft_lies_in_the_folder, "第2条审核意见：")


def test_a_department_outside_the_scope_drafts_nothing() -> None:
    """Nor does anybody in a compilation that does not exist."""
    story = Compiled()
    woods = story.drafting(department=story.woods)
    story.when(woods).refused_by(department_is_in_the_scope, "不在本次编制范围")
    nowhere = story.drafting(compiling="9" * 16)
    story.when(nowhere).refused_by(department_is_in_the_scope, "没有这次清单编制")


def test_each_step_waits_for_the_one_before() -> None:
    """Plan, drafts, review, check, approval, publication."""
    story = Compiled()
    story.when(story.starting(story.farms, name="另一次", basis=())).refused_by(plan_is_approved)
    story.when(story.passing()).refused_by(drafts_were_submitted, "还没有报送")
    story.when(story.checking()).refused_by(every_department_has_passed, "还有1个部门")
    story.submitted()
    story.given(story.passing())
    story.when(story.approving_list()).refused_by(compiled_list_was_checked)
    story.given(story.checking(passed=False))
    story.when(story.approving_list()).refused_by(compiled_list_was_checked)
    story.given(story.checking())
    story.when(story.approving_list(basis=())).refused_by(compiled_list_is_approved_once)
    early = publishing(story, compiling=story.compiling)
    story.when(early).refused_by(compiled_list_may_be_published, "尚未审定")
    story.given(story.approving_list())
    at = story.position(CompileApproved)
    story.when(story.approving_list()).refused_by(
        compiled_list_is_approved_once, "已经审定", at=[at]
    )
    wrong = publishing(story, compiling=story.compiling, level=ListLevel.TOWNSHIP)
    story.when(wrong).refused_by(compiled_list_may_be_published, "区本级", "乡镇")
    at = story.position(CompileChecked)
    story.when(story.voiding(at)).refused_by(later_entries_keep_their_footing, "尚未通过")


def test_a_round_rests_on_the_one_before() -> None:
    """Neither a submission nor a return is taken away beneath what followed it."""
    story = Compiled()
    story.submitted()
    first = story.position(DraftsSubmitted)
    story.given(story.returning())
    returned = story.position(DraftsReturned)
    story.actor = "zhao"
    story.given(story.submitting())
    second = story.position(DraftsSubmitted)
    story.actor = "zhang"
    net = later_entries_keep_their_footing
    story.when(story.voiding(returned)).refused_by(net, "轮次不相衔接", at=[second])
    story.when(story.voiding(first)).refused_by(net, "这一轮的草稿尚未报送")
    story.given(story.passing())
    passed = story.position(DraftsPassed)
    story.when(story.voiding(second)).refused_by(net, "这一轮的草稿尚未报送", at=[passed])
    story.when(story.voiding(returned, second)).refused_by(net, "这一轮的草稿尚未报送", at=[passed])
    story.when(story.voiding(returned, second, passed)).then(Voided, Voided, Voided)


def test_the_check_is_of_the_drafts_as_they_passed() -> None:
    """Passed once more nothing has changed; returned and passed again, they are checked again."""
    story = Compiled()
    story.submitted()
    story.given(story.passing(), story.checking(), story.passing())
    story.when(story.approving_list()).then(CompileApproved)
    story.given(story.voiding(story.position(CompileApproved)), story.returning())
    story.actor = "zhao"
    story.given(story.submitting())
    story.actor = "zhang"
    story.given(story.passing())
    story.when(story.approving_list()).refused_by(compiled_list_was_checked)
    story.given(story.checking())
    story.when(story.approving_list()).then(CompileApproved)


def test_the_department_that_cannot_take_part_is_named() -> None:
    """By its place and its name: a plan lists dozens."""
    story = Compiled()
    late = story.office("区气象局", day=AUGUST)
    story.when(story.starting(story.farms, late, name="另一次")).refused_by(
        institution_stands, "第2个部门“区气象局”："
    )


def test_so_many_waiting_departments_are_named() -> None:
    """Ten; of more than that it says so."""
    story = Compiled()
    compilation = story.standings.of(Compilation, story.compiling)
    names = tuple(f"第{n}局" for n in range(11))
    ten, eleven = (every_department_has_passed(compilation, names[:n]) for n in (10, 11))
    assert isinstance(ten, Hindrance)
    assert isinstance(eleven, Hindrance)
    assert ten.detail.endswith("：" + "、".join(names[:10]) + "。")
    assert eleven.detail.endswith("、第9局等。")


# ── revising what is on the list ─────────────────────────────────────────────────────────────


def test_a_compilation_revises_what_is_on_the_list() -> None:
    """Under the same id; what says the same is left alone; what is not drafted stays."""
    story = Compiled()
    item, other, third = story.item(), story.item("农药经营许可"), story.item("兽药经营许可")
    story.given(
        story.drafting(content("农作物种子许可"), item=item),
        story.drafting(content("农药经营许可"), item=other),
    )
    story.actor = "zhao"
    story.given(story.submitting())
    story.actor = "zhang"
    story.given(story.passing(), story.checking(), story.approving_list())
    edition = publishing(story, compiling=story.compiling)
    story.when(edition).then(ItemChanged, EditionPublished)
    assert story.row("rights_items", item, on=AUGUST).name == "农作物种子许可"
    assert set(story.rows("rights_items", on=AUGUST)) == {item, other, third}


def test_a_name_taken_meanwhile_stops_the_publication() -> None:
    """The list is as it is by then."""
    story = Compiled()
    story.approved_list()
    story.item()
    late = publishing(story, compiling=story.compiling)
    story.when(late).refused_by(item_name_is_free, at=[story.position(ItemTakenOver)])


def test_what_is_not_on_the_list_cannot_be_revised() -> None:
    """An id that nobody gave out."""
    story = Compiled()
    story.when(story.drafting(item="9" * 16)).refused_by(item_is_on_the_list)


# ── editions ─────────────────────────────────────────────────────────────────────────────────


def test_an_edition_never_changes() -> None:
    """Whatever is filed afterwards, also for days before it: it is read as it was known."""
    story = Listed(today=SEPTEMBER)
    item = story.item()
    fact = story.when(publishing(story)).then_one(EditionPublished)
    known = story.position(EditionPublished)
    before = story.rows("rights_items", AUGUST, known)
    assert (fact.items, fact.departments, fact.counts[0].items) == (1, 1, 1)
    story.item("农药经营许可")
    story.adjusted(change(K.CANCEL, item))
    assert story.rows("rights_items", AUGUST, known) == before
    assert story.rows("rights_items", AUGUST) != before
    row = story.row("rights_editions", fact.edition)
    assert (row.published_at, row.effective_on, row.digest) == (known, AUGUST, fact.digest)


def test_the_digest_of_an_edition_can_be_computed_from_its_rows() -> None:
    """By anybody who reads the edition; one letter otherwise and it is another."""
    story = Listed()
    story.item()
    story.item("农药经营许可", story.woods)
    fact = story.when(publishing(story)).then_one(EditionPublished)
    rows = story.rows("rights_items", AUGUST, story.position(EditionPublished))
    lines = [(row.department, item, row.digest) for item, row in rows.items()]
    assert edition_digest(lines) == fact.digest
    assert edition_digest(lines[1:]) != fact.digest


def test_an_incomplete_list_is_not_published_but_may_be_taken_over() -> None:
    """What was published before the books were opened had its gaps."""
    story = Listed()
    story.item(duties=())
    story.when(publishing(story)).refused_by(drafts_are_complete, "缺责任事项")
    fields = publishing(story).model_dump(exclude={"compiling"})
    taken = story.when(TakeOverEdition.model_validate(fields)).then_one(EditionPublished)
    assert taken.taken_over


def test_an_edition_needs_items_a_document_and_a_name_of_its_own() -> None:
    """And names the one before it."""
    story = Listed()
    story.when(publishing(story)).refused_by(edition_has_items)
    story.item()
    story.when(publishing(story, basis=())).refused_by(edition_is_approved)
    first = story.when(publishing(story)).then_one(EditionPublished)
    at = [story.position(EditionPublished)]
    story.when(publishing(story)).refused_by(edition_name_is_new, at=at)
    spaced = publishing(story, f" {first.name[:4]} {first.name[4:]}")
    story.when(spaced).refused_by(edition_name_is_new, at=at)
    second = publishing(story, "2021年第二版", effective_on=SEPTEMBER)
    assert story.when(second).then_one(EditionPublished).base == first.edition


@pytest.mark.parametrize("way", ["void", "correct"])
def test_a_published_edition_stays(way: str) -> None:
    """Neither voided nor corrected."""
    story = Listed()
    story.item()
    story.given(publishing(story))
    at = story.position(EditionPublished)
    command = (
        story.voiding(at) if way == "void" else story.correcting((at, publishing(story, "新")))
    )
    story.when(command).refused_by(published_edition_stays, "2021年版", at=[at])


def test_each_level_has_its_own_list() -> None:
    """A township's items are in the townships' edition, not in the district's."""
    story = Listed()
    story.item()
    story.item("宅基地审批", story.town)
    township = publishing(story, level=ListLevel.TOWNSHIP)
    assert story.when(township).then_one(EditionPublished).counts[0].department == story.town
    assert story.when(publishing(story)).then_one(EditionPublished).items == 1
