"""Opening the journal, voiding, correcting: what the writer is told to file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.institutions import institution_stands
from domain.journal import (
    CorrectEntries,
    Correction,
    JournalOpened,
    OpenJournal,
    Refiled,
    Voided,
    VoidEntries,
    entry_can_be_voided,
    entry_is_on_record,
    entry_still_stands,
    journal_is_opened_once,
)
from domain.quotas import CutBack, Granted, SetCeiling, pool_has_enough
from domain.settings import ChangeSetting, SettingChanged, Settings
from domain.staffing import Entered
from domain.staffing_people import PersonRegistered
from tests.district import ADMINISTRATIVE, DAY, District, refiled
from tests.stories import Story

AUGUST = date(2021, 8, 1)


def opening(office: str = "示范区委编办") -> OpenJournal:
    """Open the journal."""
    return OpenJournal(effective_on=DAY, office=office, purpose="demonstration")


def test_the_journal_is_opened_once() -> None:
    """Entry 1 says whose it is and in which format."""
    story = Story()
    fact = story.when(opening()).then_one(JournalOpened)
    assert (fact.office, fact.purpose, fact.format_version) == (
        "示范区委编办",
        "demonstration",
        1,
    )
    assert story.appended[0].position == 1
    story.when(opening("另一单位")).refused_by(journal_is_opened_once, at=[1])


def setting(days: int, day: date = DAY) -> ChangeSetting:
    """A filing that is easily undone."""
    return ChangeSetting(effective_on=day, name="late_filing_workdays", value=days, note="甲")


# ── voiding ──────────────────────────────────────────────────────────────────────────────────


def test_a_void_carries_the_tags_and_the_place_of_what_it_voids() -> None:
    """It has no business date, and names its target by position and id."""
    story = Story()
    target = story.when(setting(5)).then(SettingChanged)[0]
    entry = story.when(VoidEntries(positions=(1,), reason="录入错误")).then(Voided)[0]
    assert (entry.effective_on, entry.place, entry.tags, entry.voids) == (
        None,
        1,
        target.tags,
        1,
    )
    assert entry.target == target
    fact = story.last(Voided)
    assert (fact.target, fact.target_id, fact.reason) == (1, target.id, "录入错误")


def test_only_what_is_on_record_is_voided() -> None:
    """Once, and neither a void nor the opening."""
    story = Story()
    story.given(opening(), setting(5))
    story.when(VoidEntries(positions=(9,), reason="错")).refused_by(entry_is_on_record, "9")
    story.when(VoidEntries(positions=(1,), reason="错")).refused_by(
        entry_can_be_voided, "建账记录", at=[1]
    )
    story.when(VoidEntries(positions=(2,), reason="错")).then(Voided)
    story.when(VoidEntries(positions=(2,), reason="错")).refused_by(entry_still_stands, at=[3])
    story.when(VoidEntries(positions=(3,), reason="错")).refused_by(
        entry_can_be_voided, "作废记录", at=[3]
    )


def test_the_same_entry_twice_in_one_filing_is_told_by_its_number() -> None:
    """In a void and in a correction: no entry is named that was never recorded."""
    with pytest.raises(ValidationError, match="流水号1写了2次"):
        VoidEntries(positions=(1, 1), reason="错")
    with pytest.raises(ValidationError, match="流水号1写了2次"):
        CorrectEntries(items=(Correction(position=1), Correction(position=1)), reason="错")


@pytest.mark.parametrize(
    "wrong", [{"positions": []}, {"positions": [0]}, {"positions": ["1"]}, {"reason": ""}]
)
def test_a_void_says_what_and_why(wrong: dict[str, Any]) -> None:
    """Positions from 1 up, and a reason."""
    with pytest.raises(ValidationError):
        VoidEntries.model_validate({"positions": [1], "reason": "错"} | wrong)


# ── correcting ───────────────────────────────────────────────────────────────────────────────


def test_a_correction_voids_and_files_anew_in_place() -> None:
    """The new filing brings its own day, basis and note; the place is the original's."""
    story = Story()
    story.given(setting(5), setting(6))
    right = setting(7, AUGUST).model_copy(update={"note": "乙"})
    command = CorrectEntries(
        items=(Correction(position=1, command=refiled(right)),), reason="天数有误"
    )
    void, entry = story.when(command).then(Voided, SettingChanged)
    assert (void.place, entry.place, entry.position) == (1, 1, 4)
    assert (entry.effective_on, entry.note, void.note) == (AUGUST, "乙", None)


def test_in_its_place_means_in_the_order_of_its_day() -> None:
    """Of two settings of one day the later filed holds; corrected, the first stays the first."""
    story = Story()
    story.given(setting(5), setting(6))
    story.given(
        CorrectEntries(items=(Correction(position=1, command=refiled(setting(7))),), reason="错")
    )
    assert story.row("settings", "1").value == "7"
    assert story.standings.of(Settings, "main").value("late_filing_workdays", DAY) == 6
    assert story.anew(Settings, "main") == story.standings.of(Settings, "main")


def test_a_correction_of_another_kind_takes_no_place() -> None:
    """A cut filed instead of a changed setting is a new line of the books."""
    district = District()
    who = district.office()
    district.quota(who, 3)
    at = district.when(setting(5)).then(SettingChanged)[0].position
    cut = district.when(district.correcting((at, district.cutting(who, 1)))).then(Voided, CutBack)
    assert cut[1].place == cut[1].position


def test_only_the_fact_of_the_originals_kind_takes_its_place() -> None:
    """An entering that registers a person too files two facts; the entering is the original."""
    district = District()
    who = district.office()
    district.quota(who, 1)
    district.given(district.entering(who))
    at = district.position(Entered)
    registered, entered = district.when(district.correcting((at, district.entering(who)))).then(
        Voided, PersonRegistered, Entered
    )[1:]
    assert (registered.place, entered.place) == (registered.position, at)


def test_a_correction_is_refused_as_a_whole() -> None:
    """What was voided stands again."""
    district = District()
    who = district.office()
    district.quota(who, 3)
    at = district.position(Granted)
    too_many = district.correcting((at, district.granting(who, 4)))
    refusal = district.when(too_many).refused_by(pool_has_enough)
    assert refusal.part == f"第1项更正（流水号{at}改为“核增编制”）"
    twice = district.correcting((None, district.granting("9" * 16, 1)), (at, None))
    refusal = district.when(twice).refused_by(institution_stands)
    assert refusal.part == "第1项更正（补办“核增编制”）"
    gone = district.correcting((at, None), (at + 100, None))
    refusal = district.when(gone).refused_by(entry_is_on_record)
    assert refusal.part == f"第2项更正（作废流水号{at + 100}）"
    assert district.usage(who) == [3, 0, 0]
    district.when(district.voiding(at)).then(Voided)


def test_a_correction_can_be_corrected() -> None:
    """The place is inherited on."""
    story = Story()
    story.given(setting(5))
    for days, at in ((6, 1), (7, 3)):
        story.given(
            CorrectEntries(
                items=(Correction(position=at, command=refiled(setting(days))),), reason="错"
            )
        )
    assert story.memory.entries[-1].place == 1
    assert story.row("settings", "1").value == "7"
    assert [story.row("settings", "1", known=known).value for known in (1, 3, 5)] == [
        "5",
        "6",
        "7",
    ]


def test_each_entry_names_what_was_asked_since_the_one_before_it() -> None:
    """Or the entries of a command that files thousands would grow with their number squared."""
    district = District()
    units = [district.office(name) for name in ("甲办", "乙办", "丙办")]
    items = [(None, district.granting(who, 1)) for who in units]
    ceiling = SetCeiling(effective_on=DAY, quota_kind=ADMINISTRATIVE, change=5)
    district.given(ceiling)
    entries = district.when(district.correcting(*items)).then(Granted, Granted, Granted)
    named = [entry.decided.asked for entry in entries if entry.decided is not None]
    assert [[f"institution:{who}" in asked for who in units] for asked in named] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


def test_items_may_only_void_or_only_file() -> None:
    """And several are one append."""
    story = Story()
    story.given(setting(5), setting(6))
    command = CorrectEntries(
        items=(
            Correction(position=1),
            Correction(position=2, command=refiled(setting(8))),
            Correction(command=refiled(setting(9, AUGUST))),
        ),
        reason="错",
    )
    entries = story.when(command).then(Voided, Voided, SettingChanged, SettingChanged)
    assert [entry.place for entry in entries] == [1, 2, 2, 6]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "至少填写"),
        ({"command": {"kind": "journal.void", "body": {}}}, "“journal.void”；只能填写（共"),
        (
            {"command": {"kind": "no.such", "body": {}}},
            "“no.such”；.*quotas.grant（核增编制）",
        ),
        (
            {"command": {"kind": "settings.change", "body": {"name": "minimum_age"}}},
            "“更改设置”填写有误：.*effective_on",
        ),
    ],
)
def test_a_malformed_correction_is_not_a_command(item: dict[str, Any], said: str) -> None:
    """The command inside is checked with the one outside."""
    with pytest.raises(ValidationError, match=said):
        CorrectEntries.model_validate({"items": [item], "reason": "错"})


def test_a_refiled_command_is_read_as_it_was_written() -> None:
    """Its body is that of the command's own request."""
    written = refiled(setting(5))
    assert isinstance(written, Refiled)
    assert written.command() == setting(5)


def test_id_numbers_inside_a_correction_are_foreseen() -> None:
    """So that a batch asks for all of them at once."""
    district = District()
    who = district.office()
    entering = district.entering(who)
    command = district.correcting((None, entering), (1, None))
    assert command.id_numbers() == entering.id_numbers() != ()
    assert command.subjects() == entering.subjects() == (f"institution:{who}",)
