"""Who the people are: registered once, changed from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.code_sets_people import Education, Gender
from domain.journal import Voided
from domain.staffing_people import (
    ChangePerson,
    Particulars,
    Person,
    PersonChanged,
    PersonRegistered,
    RegisterPerson,
    person_is_registered,
    person_is_registered_once,
)
from domain.vocabulary import ERASED, FIRST_DAY
from tests.district import DAY, District, id_number

AUGUST = date(2021, 8, 1)


def registering(n: int = 1, **more: Any) -> RegisterPerson:
    """Put the n-th person on file."""
    fields = {"name": "张示范", "id_no": id_number(n)}
    return RegisterPerson(particulars=Particulars.model_validate(fields | more))


def test_a_person_is_registered_for_every_day() -> None:
    """Sex and birth date follow from the ID number where nobody says them."""
    district = District()
    entry = district.when(registering()).then(PersonRegistered)[0]
    assert entry.effective_on == FIRST_DAY
    fact = district.last(PersonRegistered)
    assert (fact.gender, fact.birth_date) == (Gender.MALE, date(1980, 1, 1))
    assert set(fact.personal_fields) == set(type(fact).model_fields) - {"person"}
    assert fact.identity_field == "id_no"


def test_the_file_may_know_another_birth_date_than_the_number() -> None:
    """组织认定 counts."""
    district = District()
    district.given(registering(birth_date="1979-12-31"))
    assert district.last(PersonRegistered).birth_date == date(1979, 12, 31)


def test_a_number_is_registered_once() -> None:
    """However it is written; the refusal names the entry."""
    district = District()
    at = district.when(registering()).then(PersonRegistered)[0].position
    district.when(registering(name="李示范")).refused_by(person_is_registered_once, at=[at])
    district.when(registering(2)).then(PersonRegistered)


def test_a_voided_registration_is_filed_again_under_the_same_id() -> None:
    """It is the same natural person."""
    district = District()
    at = district.when(registering(name="章示范")).then(PersonRegistered)[0].position
    who = district.last(PersonRegistered).person
    district.given(district.voiding(at))
    fact = district.when(registering()).then_one(PersonRegistered)
    assert fact.person == who
    at = district.position(PersonRegistered)
    district.when(district.correcting((at, registering(name="张示范二")))).then(
        Voided, PersonRegistered
    )
    assert district.last(PersonRegistered).person == who


def test_a_wrong_number_is_corrected_under_the_same_id() -> None:
    """The wrong one is nobody's then, and may turn up as somebody else's."""
    district = District()
    at = district.when(registering(1)).then(PersonRegistered)[0].position
    who = district.last(PersonRegistered).person
    district.given(district.correcting((at, registering(2))))
    assert district.last(PersonRegistered).person == who
    other = district.when(registering(1)).then_one(PersonRegistered)
    assert other.person != who


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "张 三"}, "空格"),
        ({"name": "张3"}, "数字"),
        ({"name": "张"}, "at least 2"),
        ({"id_no": "13010219800101001"}, "17位"),
        ({"gender": "2"}, "性别填写为女，与身份证号"),
        ({"birth_date": "1880-01-01"}, "1900"),
    ],
)
def test_malformed_particulars_are_not_a_command(wrong: dict[str, Any], said: str) -> None:
    """In the clerk's words where pydantic has none."""
    with pytest.raises(ValidationError, match=said):
        registering(**wrong)


def test_a_change_holds_from_its_day_on() -> None:
    """What is not said stays as it was."""
    district = District()
    office = district.office()
    district.quota(office, 1)
    who = district.entered(office)
    change = ChangePerson(
        effective_on=AUGUST, person=who, name="张更名", education=Education.MASTER, reason="改名"
    )
    district.when(change).then(PersonChanged)
    before, after = district.row("roster", who), district.row("roster", who, on=AUGUST)
    assert (before.name, before.education) == ("张示范", None)
    assert (after.name, after.education, after.id_no) == ("张更名", "14", before.id_no)


def test_a_change_changes_something_about_somebody() -> None:
    """Not about nobody, and not into somebody else."""
    district = District()
    district.given(registering(1), registering(2))
    who = district.last(PersonRegistered).person
    with pytest.raises(ValidationError, match="至少填写一项"):
        ChangePerson(effective_on=DAY, person=who, reason="无")
    district.when(ChangePerson(effective_on=DAY, person="Z" * 16, name="张三")).refused_by(
        person_is_registered
    )
    taken = ChangePerson(effective_on=DAY, person=who, id_no=id_number(1))
    district.when(taken).refused_by(person_is_registered_once)
    district.when(taken.model_copy(update={"id_no": id_number(2)})).then(PersonChanged)
    district.when(taken.model_copy(update={"id_no": id_number(3)})).then(PersonChanged)
    district.when(registering(3)).refused_by(person_is_registered_once)


def test_a_corrected_birth_date_decides_who_is_old_enough() -> None:
    """The last one on record counts."""
    district = District()
    district.given(registering())
    who = district.last(PersonRegistered).person
    district.given(ChangePerson(effective_on=DAY, person=who, birth_date=date(1981, 1, 1)))
    assert district.standings.of(Person, who).birth_date == date(1981, 1, 1)


def test_an_erased_person_still_stands() -> None:
    """Values of any type read 已销毁 once the key is gone; nothing stumbles over it."""
    erased_fields = dict.fromkeys(PersonRegistered.personal_fields, ERASED)
    fact = PersonRegistered.model_validate({"person": "0" * 16} | erased_fields)
    assert fact.birth_date == ERASED
    district = District()
    office = district.office()
    district.quota(office, 1)
    who = district.entered(office)
    for n, entry in enumerate(district.memory.entries):
        if isinstance(entry.fact, PersonRegistered):
            erased = fact.model_copy(update={"person": who})
            object.__setattr__(district.memory.entries[n], "fact", erased)
    district.standings.forget()
    assert district.standings.of(Person, who).registered_by is not None
    assert district.standings.of(Person, who).birth_date is None
    row = district.row("roster", who)
    assert (row.name, row.id_no, row.birth_date) == (ERASED, ERASED, None)
    district.when(district.leaving(who, AUGUST))
    assert district.refusal is None
