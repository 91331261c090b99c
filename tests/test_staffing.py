"""People entering; one slot each, never more than there are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.code_sets import EntryMode, PersonClass, QuotaKind
from domain.institutions import institution_stands
from domain.journal import books_are_taken_over_as_of_their_opening
from domain.quotas import kind_fits_the_institution, quota_has_a_vacancy
from domain.settings import ChangeSetting
from domain.staffing import (
    Career,
    Entered,
    TakenOver,
    person_is_in_no_establishment,
    person_is_old_enough,
    use_was_approved,
)
from domain.staffing_approvals import kind_is_approved_there
from domain.staffing_people import PersonRegistered, person_is_registered
from tests.district import ADMINISTRATIVE, DAY, LONG_AGO, PUBLIC, Staffed

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 1), date(2021, 9, 1), date(2021, 10, 1)
JUNE = date(2021, 6, 1)


# ── entering ─────────────────────────────────────────────────────────────────────────────────


def test_a_person_enters_with_an_approval() -> None:
    """Registered and entered in one append; the reservation becomes an occupied slot."""
    story = Staffed()
    approval = story.approved(story.a, 2)
    command = story.entering(
        story.a, approval, person_class=PersonClass.UNIT_DEPUTY, post_title="副主任", source="某校"
    )
    entry = story.when(command).then(PersonRegistered, Entered)[1]
    assert story.usage(story.a) == [5, 1, 1]
    row = story.row("roster", story.last(PersonRegistered).person)
    assert (row.name, row.institution, row.entered_on) == ("张示范", story.a, DAY)
    assert (row.gender, row.birth_date) == ("1", date(1980, 1, 1))
    movement = story.row("movements", str(entry.position))
    assert (movement.movement, movement.place, movement.late) == ("entered", "某校", False)
    assert movement.filed_after == 2


def test_the_reservation_gives_the_slot_to_nobody_else() -> None:
    """Five slots, five reserved: the sixth approval is refused, and so is an appointment."""
    story = Staffed()
    story.approved(story.a, 5)
    reserved = len(story.memory.entries)
    story.when(story.approving(story.a)).refused_by(
        quota_has_a_vacancy, "核定5名，在编0名，已核准未入编5名，还差1名", at=[reserved]
    )
    story.when(story.entering(story.a)).refused_by(quota_has_a_vacancy, at=[reserved])


def test_only_who_is_appointed_needs_no_approval() -> None:
    """Which entry modes are exempt is a setting."""
    story = Staffed()
    command = story.entering(story.a, entry_mode=EntryMode.TRANSFER_IN)
    story.when(command).refused_by(use_was_approved, "调入")
    story.when(story.entering(story.a)).then(PersonRegistered, Entered)
    modes = ["appointment", "transfer-in"]
    story.given(ChangeSetting(effective_on=DAY, name="entry_modes_without_approval", value=modes))
    story.when(command).then(PersonRegistered, Entered)


def test_a_person_holds_one_slot_at_a_time() -> None:
    """Neither on the day nor on a later one; the refusal says where."""
    story = Staffed()
    who = story.entered(story.a, day=AUGUST)
    at = len(story.memory.entries)
    for day in (DAY, AUGUST, SEPTEMBER):
        story.when(story.entering(story.b, person=who, day=day)).refused_by(
            person_is_in_no_establishment, "甲办", at=[at]
        )
    story.given(story.leaving(who, SEPTEMBER))
    story.when(story.entering(story.b, person=who, day=SEPTEMBER)).then(Entered)
    assert [stay.institution for stay in story.standings.of(Career, who).stays] == [
        story.a,
        story.b,
    ]


def test_a_known_id_number_is_not_registered_again() -> None:
    """Entering asks for the person on file instead."""
    story = Staffed()
    command = story.entering(story.a)
    story.given(command)
    story.when(command)
    assert story.refusal is not None
    assert story.refusal.rule.name == "person_is_registered_once"


def test_an_unknown_person_does_not_enter() -> None:
    """Nor leave, nor move."""
    story = Staffed()
    nobody = "Z" * 16
    for command in (
        story.entering(story.a, person=nobody),
        story.leaving(nobody),
        story.moving(nobody, story.b, None),
    ):
        story.when(command).refused_by(person_is_registered)


def test_a_person_is_named_once() -> None:
    """By id or by particulars, not by both or neither."""
    story = Staffed()
    fields: dict[str, Any] = {
        "effective_on": DAY,
        "institution": story.a,
        "quota_kind": "10",
        "entry_mode": "appointment",
    }
    for more in ({}, {"person": "0" * 16, "new_person": story.particulars()}):
        with pytest.raises(ValidationError, match="填写其中一项"):
            type(story.entering(story.a)).model_validate(fields | more)


@pytest.mark.parametrize(("born", "enters"), [("20050701", True), ("20050702", False)])
def test_who_enters_is_sixteen(born: str, *, enters: bool) -> None:
    """On the sixteenth birthday, not a day earlier."""
    story = Staffed()
    story.when(story.entering(story.a, new_person=story.particulars(born)))
    if enters:
        story.then(PersonRegistered, Entered)
    else:
        story.refused_by(person_is_old_enough, "年满15周岁，不到16周岁")


def test_the_unit_must_stand_and_have_such_quota() -> None:
    """An organ has no 事业编制; a kind not approved there is not used there."""
    story = Staffed()
    story.when(story.entering(story.a, kind=PUBLIC)).refused_by(kind_fits_the_institution)
    police = QuotaKind.POLITICAL_LEGAL
    story.when(story.entering(story.a, kind=police)).refused_by(
        kind_is_approved_there, "甲办", "没有核定政法专项编制"
    )
    story.when(story.entering(story.a, day=date(2014, 1, 1))).refused_by(institution_stands)


def test_no_head_without_quota_on_any_day() -> None:
    """Somebody comes in September for the last slot: nobody takes it in July for good."""
    story = Staffed()
    for _ in range(4):
        story.entered(story.a)
    story.entered(story.a, day=SEPTEMBER)
    at = len(story.memory.entries)
    refused = story.when(story.entering(story.a)).refused_by(quota_has_a_vacancy, "2021-09-01")
    assert at in refused.positions
    assert len(refused.positions) == 5


def test_a_late_filing_must_fit_every_day_since() -> None:
    """The unit was full in between: the late entering is refused even if it has room now."""
    story = Staffed()
    people = [story.entered(story.a, day=date(2020, 1, 1)) for _ in range(5)]
    story.given(*(story.leaving(one, JUNE) for one in people))
    story.when(story.entering(story.a, day=date(2019, 1, 1))).refused_by(
        quota_has_a_vacancy, "2020-01-01"
    )


def test_notices_are_numbered_by_unit_and_year_and_never_again() -> None:
    """A voided notice keeps its number; the year is the year of filing."""
    story = Staffed(today=date(2021, 12, 30))
    numbers = [story.when(story.entering(story.a)).then(PersonRegistered, Entered)[1].fact]
    story.given(story.voiding(story.position(Entered)))
    numbers.append(story.when(story.entering(story.a)).then(PersonRegistered, Entered)[1].fact)
    numbers.append(story.when(story.entering(story.b)).then(PersonRegistered, Entered)[1].fact)
    story.today = date(2022, 1, 4)
    late = story.entering(story.a, day=date(2021, 12, 31))
    numbers.append(story.when(late).then(PersonRegistered, Entered)[1].fact)
    given = [(f.notice_year, f.notice_number) for f in numbers if isinstance(f, Entered)]
    assert given == [(2021, 1), (2021, 2), (2021, 1), (2022, 1)]
    assert story.rows("movements")[str(story.position(Entered))].notice == "〔2022〕1号"


def test_a_refused_entering_gives_out_no_number() -> None:
    """Undone means undone."""
    story = Staffed()
    story.when(story.entering(story.a, new_person=story.particulars("20100101")))
    assert story.refusal is not None
    story.when(story.entering(story.a))
    assert story.last(Entered).notice_number == 1


# ── lateness ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "days", "late"),
    [
        (date(2021, 9, 17), 10, False),  # 18 and 26 September are worked, 19–21 are not
        (date(2021, 9, 16), 11, True),
        (date(2021, 10, 8), 0, False),
        (date(2022, 1, 1), 0, False),
    ],
)
def test_more_than_ten_working_days_is_late(day: date, days: int, *, late: bool) -> None:
    """Counted by the State Council's calendar: 1–7 October 2021 are days off, 9 is worked."""
    story = Staffed(today=date(2021, 10, 8))
    story.when(story.entering(story.a, day=day))
    fact = story.last(Entered)
    assert (fact.filed_after, fact.late, fact.provisional) == (days, late, False)


def test_days_of_a_year_not_announced_yet_are_marked_provisional() -> None:
    """They were counted by weekends alone."""
    story = Staffed(today=date(2031, 3, 10))
    story.when(story.entering(story.a, day=date(2031, 3, 3)))
    fact = story.last(Entered)
    assert (fact.filed_after, fact.provisional) == (5, True)


def test_what_counts_as_late_is_a_setting() -> None:
    """In force on the day of the event."""
    story = Staffed(today=date(2021, 7, 30))
    story.given(ChangeSetting(effective_on=DAY, name="late_filing_workdays", value=30))
    story.when(story.entering(story.a, day=DAY))
    assert not story.last(Entered).late
    story.when(story.entering(story.a, day=date(2021, 6, 30)))
    assert story.last(Entered).late


# ── the earlier books ────────────────────────────────────────────────────────────────────────


def test_people_of_the_earlier_books_keep_their_dates_as_data() -> None:
    """They are in the books from the opening day, with the day the books say they entered."""
    story = Staffed()
    command = story.taking_over(story.a, notice="示编通〔2010〕1号", remark="军转")
    fact = story.when(command).then(PersonRegistered, TakenOver)[1].fact
    assert isinstance(fact, TakenOver)
    assert not fact.excused
    row = story.row("roster", fact.person)
    assert (row.entered_on, row.notice) == (date(2010, 3, 1), "示编通〔2010〕1号")
    assert story.row("roster", fact.person, on=date(2021, 6, 30)) is None
    assert story.row("movements", str(story.position(TakenOver))).movement == "taken_over"


def test_nobody_is_taken_over_who_was_too_young_or_came_later() -> None:
    """Sixteen on the day of entering; not after the opening day."""
    story = Staffed()
    young = story.taking_over(
        story.a, new_person=story.particulars("20000101"), entered_on=date(2015, 12, 31)
    )
    story.when(young).refused_by(person_is_old_enough)
    with pytest.raises(ValidationError, match="晚于建账日"):
        story.taking_over(story.a, entered_on=AUGUST)


def test_nobody_is_taken_over_later() -> None:
    """Who comes after the books were opened needs an approval, a notice and a vacancy."""
    story = Staffed()
    for day in (AUGUST, LONG_AGO):
        story.when(story.taking_over(story.a, day=day, entered_on=LONG_AGO)).refused_by(
            books_are_taken_over_as_of_their_opening, f"建账日是2021-07-01，不是{day}", at=[1]
        )


def test_a_person_is_taken_over_once() -> None:
    """A second unit claiming the same person is refused, with where he is."""
    story = Staffed()
    story.given(story.taking_over(story.a))
    who = story.last(PersonRegistered).person
    story.when(story.taking_over(story.b, person=who, new_person=None)).refused_by(
        person_is_in_no_establishment, "甲办"
    )
    story.when(story.taking_over(story.b, kind=PUBLIC)).refused_by(kind_fits_the_institution)
    assert ADMINISTRATIVE.value == "10"
