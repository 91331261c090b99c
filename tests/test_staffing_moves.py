"""People moving on and leaving; what is voided and corrected in a career."""

from __future__ import annotations

from datetime import date

import pytest

from application.standings import later_entries_keep_their_footing
from domain.code_sets import EntryMode, LeaveReason
from domain.journal import Voided
from domain.quotas import quota_has_a_vacancy
from domain.staffing import (
    Career,
    Entered,
    person_is_in_no_establishment,
    use_was_approved,
)
from domain.staffing_moves import (
    Left,
    Transferred,
    leaving_is_proved,
    person_is_in_an_establishment,
    transfer_goes_elsewhere,
    transfer_keeps_the_kind,
)
from domain.staffing_people import PersonRegistered
from tests.district import DAY, LONG_AGO, PUBLIC, Staffed

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 1), date(2021, 9, 1), date(2021, 10, 1)
JUNE = date(2021, 6, 1)


# ── moving ───────────────────────────────────────────────────────────────────────────────────


def test_a_transfer_is_one_fact() -> None:
    """As many heads as before; the receiving unit's reservation is used."""
    story = Staffed()
    who = story.entered(story.a)
    approval = story.approved(story.b)
    entry = story.when(story.moving(who, story.b, approval, day=AUGUST)).then(Transferred)[0]
    assert (story.usage(story.a, on=AUGUST), story.usage(story.b, on=AUGUST)) == (
        [5, 0, 0],
        [5, 1, 0],
    )
    assert story.usage(story.a) == [5, 1, 0]
    row = story.row("movements", str(entry.position), on=AUGUST)
    assert (row.movement, row.former, row.institution) == ("transferred", story.a, story.b)
    assert story.row("roster", who, on=AUGUST).institution == story.b
    assert story.row("roster", who, on=DAY).institution == story.a
    assert {f"person:{who}", f"account:{story.a}", f"account:{story.b}"} < set(entry.tags)


def test_a_transfers_notice_is_the_receiving_units() -> None:
    """It counts among that unit's notices, and not among those of the unit that is left."""
    story = Staffed()
    for who, number in [(story.entered(story.a), 1), (story.entered(story.a), 2)]:
        moving = story.moving(who, story.b, story.approved(story.b))
        assert story.when(moving).then_one(Transferred).notice_number == number
    story.given(story.voiding(story.position(Transferred)))
    story.given(story.entering(story.b))
    assert story.last(Entered).notice_number == 3
    story.given(story.entering(story.a))
    assert story.last(Entered).notice_number == 3


def test_a_transfer_needs_an_approval_a_slot_and_somewhere_to_go() -> None:
    """All that an entering needs."""
    story = Staffed()
    who = story.entered(story.a)
    story.when(story.moving(who, story.b, None)).refused_by(use_was_approved)
    story.when(story.moving(who, story.a, None)).refused_by(transfer_goes_elsewhere)
    for _ in range(5):
        story.entered(story.b)
    appointed = story.moving(who, story.b, None, entry_mode=EntryMode.APPOINTMENT)
    story.when(appointed).refused_by(quota_has_a_vacancy, "还差1名")
    story.when(story.moving(who, story.b, None, day=JUNE)).refused_by(
        person_is_in_an_establishment, "2021-06-01不在编"
    )


def test_a_transfer_keeps_the_kind() -> None:
    """From 行政编制 to 事业编制 one leaves and enters anew."""
    story = Staffed()
    school = story.school(day=LONG_AGO)
    story.quota(school, 3, PUBLIC, LONG_AGO)
    who = story.entered(story.a)
    at = len(story.memory.entries)
    story.when(story.moving(who, school, None, PUBLIC)).refused_by(
        transfer_keeps_the_kind, "现为行政编制，不能调入事业编制", at=[at]
    )
    approval = story.approved(school, 1, PUBLIC)
    story.given(story.leaving(who, AUGUST))
    story.when(story.entering(school, approval, PUBLIC, AUGUST, person=who)).then(Entered)


def test_a_late_transfer_does_not_cut_the_later_life_off() -> None:
    """Somebody left A in September: he cannot have moved to B in August."""
    story = Staffed()
    who = story.entered(story.a)
    story.given(story.leaving(who, SEPTEMBER))
    left = len(story.memory.entries)
    story.when(
        story.moving(who, story.b, None, day=AUGUST, entry_mode=EntryMode.APPOINTMENT)
    ).refused_by(later_entries_keep_their_footing, "不在所离开单位", at=[left])


# ── leaving ──────────────────────────────────────────────────────────────────────────────────


def test_a_leaving_frees_the_slot_from_its_day_on() -> None:
    """The reason and what proves it are kept with it."""
    story = Staffed()
    who = story.entered(story.a)
    fact = story.when(story.leaving(who, AUGUST, destination="家中")).then_one(Left)
    assert (fact.institution, fact.proof) == (story.a, LeaveReason.RETIRED.proof)
    assert story.usage(story.a, on=AUGUST) == [5, 0, 0]
    assert story.row("roster", who, on=AUGUST) is None
    assert story.row("roster", who, on=date(2021, 7, 31)) is not None
    row = story.row("movements", str(story.position(Left)), on=AUGUST)
    assert (row.movement, row.former, row.reason, row.place) == (
        "left",
        story.a,
        "retired",
        "家中",
    )


@pytest.mark.parametrize("reason", list(LeaveReason))
def test_a_leaving_needs_the_document_that_proves_it(reason: LeaveReason) -> None:
    """The refusal says which."""
    story = Staffed()
    who = story.entered(story.a)
    story.when(story.leaving(who, AUGUST, reason, basis=())).refused_by(
        leaving_is_proved, reason.label, reason.proof
    )


def test_nobody_leaves_who_is_not_there() -> None:
    """Not before entering, not twice."""
    story = Staffed()
    who = story.entered(story.a)
    story.when(story.leaving(who, JUNE)).refused_by(person_is_in_an_establishment)
    story.given(story.leaving(who, AUGUST))
    story.when(story.leaving(who, SEPTEMBER)).refused_by(person_is_in_an_establishment)


def test_an_earlier_leaving_than_the_one_on_record_is_refused_naming_it() -> None:
    """It is corrected instead: void and new filing in one append."""
    story = Staffed()
    who = story.entered(story.a)
    at = story.when(story.leaving(who, SEPTEMBER)).then(Left)[0].position
    story.when(story.leaving(who, AUGUST)).refused_by(later_entries_keep_their_footing, at=[at])
    story.when(story.correcting((at, story.leaving(who, AUGUST)))).then(Voided, Left)
    assert story.usage(story.a, on=AUGUST) == [5, 0, 0]
    assert story.row("roster", who, on=AUGUST) is None
    assert story.row("roster", who, on=AUGUST, known=at) is not None


# ── voids and corrections ────────────────────────────────────────────────────────────────────


def test_an_entering_with_a_later_life_is_not_voided_alone() -> None:
    """Transfer and leaving rest on it; together they go."""
    story = Staffed()
    who = story.entered(story.a)
    entered = story.position(Entered)
    appointed = story.moving(who, story.b, None, day=AUGUST, entry_mode=EntryMode.APPOINTMENT)
    moved = story.when(appointed).then(Transferred)[0].position
    left = story.when(story.leaving(who, SEPTEMBER)).then(Left)[0].position
    story.when(story.voiding(entered)).refused_by(
        later_entries_keep_their_footing, "不在所离开单位", at=[moved, left]
    )
    story.when(story.voiding(entered, moved, left)).then(Voided, Voided, Voided)
    assert story.usage(story.a, on=OCTOBER) == [5, 0, 0]


def test_a_registration_is_not_voided_under_a_career() -> None:
    """Who is nobody cannot have entered."""
    story = Staffed()
    story.entered(story.a)
    at, entered = story.position(PersonRegistered), story.position(Entered)
    story.when(story.voiding(at)).refused_by(
        later_entries_keep_their_footing, "该人员没有登记", at=[entered]
    )


def test_a_leaving_is_not_voided_when_the_slot_has_been_filled() -> None:
    """Its slot is somebody else's by now: named."""
    story = Staffed()
    people = [story.entered(story.a) for _ in range(5)]
    left = story.when(story.leaving(people[0], AUGUST)).then(Left)[0].position
    story.given(story.entering(story.a, day=SEPTEMBER))
    newcomer = len(story.memory.entries)
    story.when(story.voiding(left)).refused_by(
        later_entries_keep_their_footing, "2021-09-01起行政编制将超出可用编制1名", at=[newcomer]
    )


def test_the_wrong_unit_is_corrected_with_all_that_follows() -> None:
    """The leaving named the wrong unit too: both are filed anew in one append."""
    story = Staffed()
    who = story.entered(story.a)
    entered = story.position(Entered)
    left = story.when(story.leaving(who, SEPTEMBER)).then(Left)[0].position
    right = story.entering(story.b, person=who)
    story.when(story.correcting((entered, right))).refused_by(
        later_entries_keep_their_footing, at=[left]
    )
    story.when(story.correcting((entered, right), (left, story.leaving(who, SEPTEMBER)))).then(
        Voided, Voided, Entered, Left
    )
    assert story.usage(story.b, on=AUGUST) == [5, 1, 0]
    assert story.usage(story.a, on=AUGUST) == [5, 0, 0]
    assert [entry.place for entry in story.appended] == [entered, left, entered, left]


def test_a_whole_stay_learnt_late_is_filed_together() -> None:
    """Entering and leaving before a stay on record: one after the other neither has a footing."""
    story = Staffed()
    who = story.entered(story.a)
    story.given(story.leaving(who, AUGUST))
    here = story.entering(story.b, person=who, day=date(2018, 1, 1))
    gone = story.leaving(who, date(2019, 1, 1))
    story.when(here).refused_by(person_is_in_no_establishment)
    story.when(gone).refused_by(person_is_in_an_establishment)
    story.when(story.correcting((None, here), (None, gone))).then(Entered, Left)
    assert [(s.institution, s.until) for s in story.standings.of(Career, who).stays] == [
        (story.b, date(2019, 1, 1)),
        (story.a, AUGUST),
    ]
    story.when(story.correcting((None, here), (None, here))).refused_by(
        later_entries_keep_their_footing, "入编时仍在其他单位"
    )
