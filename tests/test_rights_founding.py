"""A body whose lists hold something cannot be made never to have been."""

from __future__ import annotations

from datetime import date

from domain.code_sets import InstitutionCategory, InstitutionRank
from domain.code_sets_townships import ActingName, MatterDuty
from domain.institutions import Institution, SetUp, SetUpInstitution, TakenOver
from domain.journal import Voided
from domain.opening import OpenInstitution
from domain.rights import ItemTakenOver
from domain.rights_assigning import TakeOverMatter
from domain.rights_founding import list_stays_at_its_level, lists_stand_on_a_founded_body
from domain.rights_matters import MatterTakenOver
from tests.district import DAY
from tests.rights_district import K, Listed, change, content

EARLIER, LATER = date(2021, 6, 30), date(2021, 7, 2)


def founding_of(story: Listed, who: str) -> int:
    """The entry by which an institution began."""
    return next(
        entry.position
        for entry in story.memory.entries
        if isinstance(entry.fact, SetUp | TakenOver) and entry.fact.institution == who
    )


def founding_again(story: Listed, day: date, name: str = "区农业农村局") -> SetUpInstitution:
    """The department's setting up, on another day."""
    return story.founding(name, day, InstitutionCategory.DEPARTMENT)


def test_a_founding_is_not_voided_under_items() -> None:
    """The entries in the way are named; with them, or without any, it goes."""
    story = Listed()
    at = founding_of(story, story.farms)
    first = story.item()
    story.item("另一项许可")
    items = [e.position for e in story.memory.entries if isinstance(e.fact, ItemTakenOver)]
    story.when(story.voiding(at)).refused_by(
        lists_stand_on_a_founded_body, "区农业农村局", "2项", at=items
    )
    story.when(story.voiding(at, items[0])).refused_by(lists_stand_on_a_founded_body, at=items[1:])
    story.adjusted(change(K.CANCEL, first))
    story.when(story.voiding(at)).refused_by(lists_stand_on_a_founded_body)
    alone = founding_of(story, story.woods)
    story.when(story.voiding(alone)).then(Voided)


def test_a_founding_and_its_items_are_voided_together() -> None:
    """In one append."""
    story = Listed()
    at = founding_of(story, story.farms)
    story.item()
    both = (story.position(ItemTakenOver), at)
    story.when(story.voiding(*both)).then(Voided, Voided)


def test_a_founding_is_not_moved_behind_its_items() -> None:
    """To an earlier day it may be, and to a later one with what stood before."""
    story = Listed()
    at = founding_of(story, story.farms)
    story.item()
    item = story.position(ItemTakenOver)
    late = founding_again(story, LATER)
    story.when(story.correcting((at, late))).refused_by(
        lists_stand_on_a_founded_body, "2021-07-02以前", at=[item]
    )
    early = founding_again(story, EARLIER)
    story.when(story.correcting((at, early))).then(Voided, SetUp)
    assert story.standings.of(Institution, story.farms).since == EARLIER
    again = story.position(SetUp)
    moved = story.taking_over_item(content(), effective_on=LATER)
    story.when(story.correcting((again, late), (item, moved)))
    story.then(Voided, Voided, SetUp, ItemTakenOver)


def test_a_founding_is_not_replaced_by_a_line_about_another_body() -> None:
    """A line of the opening books founds the body anew only where nobody bears its name."""
    story = Listed()
    at = founding_of(story, story.farms)
    story.item()
    other = OpenInstitution(effective_on=DAY, name="区林业局")
    story.when(story.correcting((at, other))).refused_by(lists_stand_on_a_founded_body)
    own = OpenInstitution(
        effective_on=DAY, name="区农业农村局", category=InstitutionCategory.DEPARTMENT
    )
    story.when(story.correcting((at, own))).then(Voided, TakenOver)
    assert story.standings.of(Institution, story.farms).founded is not None


def test_a_township_is_held_by_its_matters() -> None:
    """As a department is by its items."""
    story = Listed()
    matter = TakeOverMatter(
        effective_on=DAY,
        township=story.town,
        name="农村宅基地巡查",
        duty=MatterDuty.BASIC,
        acting=ActingName.TOWNSHIP,
    )
    story.given(matter)
    at, listed = founding_of(story, story.town), story.position(MatterTakenOver)
    story.when(story.voiding(at)).refused_by(lists_stand_on_a_founded_body, at=[listed])
    category, rank = InstitutionCategory.TOWNSHIP, InstitutionRank.SECTION
    late = story.founding("示范镇人民政府", LATER, category, rank)
    story.when(story.correcting((at, late))).refused_by(lists_stand_on_a_founded_body)
    story.when(story.voiding(at, listed)).then(Voided, Voided)


def test_a_department_does_not_become_a_township_under_its_items() -> None:
    """Its list is the district's; among the district's own it may be corrected."""
    story = Listed()
    at = founding_of(story, story.farms)
    story.item()
    item = story.position(ItemTakenOver)
    town = story.founding("区农业农村局", DAY, InstitutionCategory.TOWNSHIP)
    story.when(story.correcting((at, town))).refused_by(list_stays_at_its_level, "1项", at=[item])
    party = story.founding("区农业农村局", DAY, InstitutionCategory.PARTY)
    story.when(story.correcting((at, party))).then(Voided, SetUp)
    empty = founding_of(story, story.woods)
    town = story.founding("区林业局", DAY, InstitutionCategory.TOWNSHIP)
    story.when(story.correcting((empty, town))).then(Voided, SetUp)
