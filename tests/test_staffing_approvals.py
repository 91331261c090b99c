"""用编核准: reserving slots, using them up, letting them lapse, giving them up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from application.standings import later_entries_keep_their_footing
from domain.code_sets import EntryMode, QuotaKind
from domain.deciding import Misfit
from domain.journal import Voided
from domain.quotas import quota_has_a_vacancy
from domain.settings import ChangeSetting
from domain.staffing import Entered
from domain.staffing_approvals import (
    Approval,
    CancelUse,
    UseApproved,
    UseCancelled,
    approval_ends_after_it_begins,
    approval_has_slots_left,
    approval_is_for_this_use,
    approval_is_on_record,
    approval_is_valid_on_the_day,
    kind_is_approved_there,
)
from domain.staffing_people import PersonRegistered
from tests.district import ADMINISTRATIVE, DAY, PUBLIC, District

AUGUST, SEPTEMBER = date(2021, 8, 1), date(2021, 9, 1)
END = date(2021, 8, 31)


class Reserved(District):
    """A district with an office of three slots, two of them reserved until the end of August."""

    def __init__(self) -> None:
        super().__init__()
        self.a = self.office(day=date(2015, 1, 1))
        self.quota(self.a, 3, day=date(2015, 1, 1))
        self.approval = self.approved(self.a, 2, valid_until=END)
        self.at = len(self.memory.entries)

    def cancelling(self, day: date = AUGUST, approval: str | None = None) -> CancelUse:
        """Give the rest up."""
        return CancelUse(
            effective_on=day, approval=approval or self.approval, reason="招聘计划取消"
        )


def test_an_approval_reserves_and_lapses_by_itself() -> None:
    """Nothing needs to happen on the day: the ledgers read so."""
    story = Reserved()
    assert story.usage(story.a) == [3, 0, 2]
    assert story.usage(story.a, on=END) == [3, 0, 2]
    assert story.usage(story.a, on=SEPTEMBER) == [3, 0, 0]
    row = story.row("approvals", story.approval)
    assert (row.number, row.used, row.left, row.status) == (2, 0, 2, "valid")
    assert story.row("approvals", story.approval, on=END).status == "valid"
    assert story.row("approvals", story.approval, on=SEPTEMBER).status == "expired"
    assert row.document == story.paper


def test_without_a_day_it_is_valid_for_as_long_as_the_setting_says() -> None:
    """Twelve months, unless the office has set something else by then."""
    story = Reserved()
    story.when(story.approving(story.a)).then(UseApproved)
    assert story.last(UseApproved).valid_until == date(2022, 6, 30)
    story.given(
        ChangeSetting(effective_on=AUGUST, name="use_approval_months", value=6),
        story.voiding(story.position(UseApproved)),
        story.approving(story.a, day=AUGUST),
    )
    assert story.last(UseApproved).valid_until == date(2022, 1, 31)


def test_the_same_slot_is_not_approved_twice() -> None:
    """One slot is left until the reservation lapses, three from then on."""
    story = Reserved()
    story.when(story.approving(story.a, 2)).refused_by(quota_has_a_vacancy, at=[story.at])
    story.when(story.approving(story.a, 2, day=SEPTEMBER)).then(UseApproved)
    story.when(story.approving(story.a, 2, day=AUGUST)).refused_by(quota_has_a_vacancy)
    story.when(story.approving(story.a, 1, day=AUGUST)).then(UseApproved)


def test_an_approval_does_not_end_before_it_begins() -> None:
    """The same day will do."""
    story = Reserved()
    story.when(story.approving(story.a, valid_until=date(2021, 6, 30))).refused_by(
        approval_ends_after_it_begins
    )
    story.when(story.approving(story.a, valid_until=DAY)).then(UseApproved)


def test_an_approval_is_used_up() -> None:
    """Two of two; the third is refused, naming the approval and who used it."""
    story = Reserved()
    first = story.when(story.entering(story.a, story.approval)).then(PersonRegistered, Entered)
    story.given(story.entering(story.a, story.approval))
    assert story.usage(story.a) == [3, 2, 0]
    assert story.usage(story.a, on=SEPTEMBER) == [3, 2, 0]
    assert story.row("approvals", story.approval).status == "used_up"
    assert story.row("approvals", story.approval, on=SEPTEMBER).status == "used_up"
    refused = story.when(story.entering(story.a, story.approval)).refused_by(
        approval_has_slots_left, "共2名，已使用2名，已撤销0名"
    )
    assert refused.positions == (story.at, first[1].position, story.at + 4)


def test_an_approval_is_used_within_its_term() -> None:
    """From its day to its last, both included, however often it has been used."""
    story = Reserved()
    for used in (False, True):
        if used:
            story.given(story.entering(story.a, story.approval))
        for day in (date(2021, 6, 30), SEPTEMBER):
            story.when(story.entering(story.a, story.approval, day=day)).refused_by(
                approval_is_valid_on_the_day, "2021-07-01至2021-08-31", at=[story.at]
            )
    story.when(story.entering(story.a, story.approval, day=END)).then(PersonRegistered, Entered)


def test_an_approval_is_used_for_what_it_was_given() -> None:
    """That unit, that kind, that way of coming in."""
    story = Reserved()
    other = story.office("乙办")
    school = story.school()
    story.quota(other, 1)
    story.quota(school, 1, PUBLIC)
    story.when(story.entering(other, story.approval)).refused_by(
        approval_is_for_this_use, "另一个单位", at=[story.at]
    )
    police = QuotaKind.POLITICAL_LEGAL
    story.quota(story.a, 1, police)
    story.when(story.entering(story.a, story.approval, police)).refused_by(
        approval_is_for_this_use, "用于行政编制，不是政法专项编制"
    )
    army = story.approved(story.a, 1, entry_mode=EntryMode.ARMY_OFFICER)
    story.when(story.entering(story.a, army)).refused_by(
        approval_is_for_this_use, "用于军转，不是调入"
    )
    story.when(story.entering(story.a, "Z" * 16)).refused_by(approval_is_on_record)


def test_the_unused_rest_is_given_up() -> None:
    """One used, one given up: from that day on the slot is free."""
    story = Reserved()
    story.given(story.entering(story.a, story.approval))
    fact = story.when(story.cancelling()).then_one(UseCancelled)
    assert fact.number == 1
    assert story.usage(story.a, on=date(2021, 7, 31)) == [3, 1, 1]
    assert story.usage(story.a, on=AUGUST) == [3, 1, 0]
    assert story.usage(story.a, on=SEPTEMBER) == [3, 1, 0]
    row = story.row("approvals", story.approval, on=AUGUST)
    assert (row.used, row.given_up, row.left, row.status) == (1, 1, 0, "cancelled")
    assert story.row("approvals", story.approval, on=SEPTEMBER).status == "cancelled"
    story.when(story.cancelling(END)).refused_by(approval_has_slots_left)
    story.when(story.entering(story.a, story.approval)).refused_by(approval_has_slots_left)


def test_only_a_valid_approval_is_given_up() -> None:
    """What has lapsed reserves nothing, what does not exist cannot be given up."""
    story = Reserved()
    story.when(story.cancelling(SEPTEMBER)).refused_by(approval_is_valid_on_the_day)
    story.when(story.cancelling(approval="Z" * 16)).refused_by(approval_is_on_record)


def test_an_approval_is_not_voided_under_who_used_it() -> None:
    """The entering is named; together they go."""
    story = Reserved()
    entered = story.when(story.entering(story.a, story.approval)).appended[-1].position
    refused = story.when(story.voiding(story.at)).refused_by(
        later_entries_keep_their_footing, "尚未办理"
    )
    assert refused.positions == (entered,)
    story.when(story.voiding(entered, story.at)).then(Voided, Voided)
    assert story.usage(story.a) == [3, 0, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": 1}, "名额已经用完"),
        ({"valid_until": date(2021, 7, 31)}, "有效期不符"),
        ({"effective_on": date(2021, 7, 3)}, "尚未办理"),
    ],
)
def test_an_approval_is_corrected_only_to_what_still_bears_its_uses(
    change: dict[str, object], said: str
) -> None:
    """Two have entered with it."""
    story = Reserved()
    story.given(*(story.entering(story.a, story.approval) for _ in range(2)))
    command = story.approving(story.a, 2, valid_until=END).model_copy(update=change)
    story.when(story.correcting((story.at, command))).refused_by(
        later_entries_keep_their_footing, said
    )


def test_a_use_that_lost_its_footing_is_not_covered_up_by_a_later_one() -> None:
    """The first came before what is now the approval's day; the second still fits."""
    story = Reserved()
    early, late = (
        story.when(story.entering(story.a, story.approval, day=day)).appended[-1].position
        for day in (DAY, AUGUST)
    )
    right = story.approving(story.a, 2, day=date(2021, 7, 3), valid_until=END)
    refused = story.when(story.correcting((story.at, right))).refused_by(
        later_entries_keep_their_footing, "尚未办理"
    )
    assert refused.positions == (early,)
    story.when(story.voiding(early)).then(Voided)
    story.when(story.correcting((story.at, right))).then(Voided, UseApproved)
    assert story.standings.of(Approval, story.approval).used == (late,)


def test_an_approval_that_is_on_record_already_changes_nothing() -> None:
    """No command files one; a journal that holds one is told so, and read on."""
    story = Reserved()
    entry = story.memory.entry(story.at)
    assert entry is not None
    once = Approval().after(entry)
    twice = once.after(entry)
    assert twice.misfits == (Misfit(story.at, "该用编核准已经登记"),)
    assert replace(twice, misfits=()) == once


def test_an_approval_says_on_what_conditions_it_was_given() -> None:
    """And a refusal of one, which unit has no such quota."""
    story = Reserved()
    command = story.approving(story.a, conditions="限应届毕业生", entry_mode=EntryMode.ARMY_OFFICER)
    fact = story.when(command).then_one(UseApproved)
    assert (fact.conditions, fact.entry_mode) == ("限应届毕业生", EntryMode.ARMY_OFFICER)
    story.when(story.approving(story.a, kind=QuotaKind.POLITICAL_LEGAL)).refused_by(
        kind_is_approved_there, "区委办公室在2021-07-01没有核定政法专项编制"
    )


def test_an_approval_is_not_corrected_to_fewer_than_were_given_up() -> None:
    """Both were given up on 1 August: of one approved there were not two to give up."""
    story = Reserved()
    given_up = story.when(story.cancelling()).appended[-1].position
    right = story.approving(story.a, 1, valid_until=END)
    refused = story.when(story.correcting((story.at, right))).refused_by(
        later_entries_keep_their_footing, "名额已经用完"
    )
    assert refused.positions == (given_up,)
    story.when(story.correcting((story.at, right), (given_up, story.cancelling())))
    assert story.last(UseCancelled).number == 1
    assert story.usage(story.a, on=AUGUST) == [3, 0, 0]


def test_an_approval_is_corrected_under_the_same_id() -> None:
    """Two slots were meant to be three."""
    story = Reserved()
    story.given(story.entering(story.a, story.approval))
    right = story.approving(story.a, 3, valid_until=END)
    story.when(story.correcting((story.at, right))).then(Voided, UseApproved)
    approval = story.standings.of(Approval, story.approval)
    assert (approval.left, story.last(UseApproved).approval) == (2, story.approval)
    assert story.usage(story.a) == [3, 1, 2]


def test_voiding_an_entering_brings_the_reservation_back() -> None:
    """For as long as the approval is valid."""
    story = Reserved()
    at = story.when(story.entering(story.a, story.approval)).appended[-1].position
    story.given(story.voiding(at))
    assert story.usage(story.a) == [3, 0, 2]
    assert story.usage(story.a, on=SEPTEMBER) == [3, 0, 0]
    assert story.row("approvals", story.approval).left == 2
    assert story.standings.of(Approval, story.approval).left == 2
    assert ADMINISTRATIVE.label == "行政编制"


def test_who_entered_after_a_lapsed_reservation_keeps_his_slot() -> None:
    """An entering dated within the term, filed after others took the slots: refused."""
    story = Reserved()
    for _ in range(3):
        story.given(story.entering(story.a, day=SEPTEMBER))
    story.when(story.entering(story.a, story.approval, day=END)).refused_by(
        quota_has_a_vacancy, "2021-09-01", "还差1名"
    )
