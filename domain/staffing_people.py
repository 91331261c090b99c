"""Who the people are (人员信息).

A natural person is registered once, under an internal id that stays for life; the citizen's ID
number (公民身份号码) tells him from all others. Registering has no business date of its own: who
somebody is holds for every day, so it counts from the first day there is. What changes later (a
name, a party membership, a degree) is filed from its day on; what was registered wrongly is
corrected. Everything here is personal and sealed with the person's own key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from domain.code_sets_people import Education, Ethnicity, Gender, Politics
from domain.deciding import (
    Command,
    DatedCommand,
    Decision,
    Draft,
    Hindrance,
    Misfit,
    Past,
    Standing,
    rule,
)
from domain.identifiers import parse_resident_id
from domain.text import without_spaces
from domain.vocabulary import (
    FIRST_DAY,
    BusinessDate,
    Entry,
    Fact,
    InternalId,
    Personal,
    Subject,
    Text,
)


def _name(text: str) -> str:
    if without_spaces(text) != text:
        raise ValueError("姓名中不能有空格")
    if any(character.isdigit() for character in text):
        raise ValueError("姓名中不能有数字")
    return text


@lru_cache(maxsize=256)
def _id_no(text: str) -> str:
    return parse_resident_id(text).number18


Erased = Literal["已销毁"]
"""What a value of any type reads as once the person's key has been destroyed."""

PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=50),
    AfterValidator(_name),
]
IdNumber = Annotated[str, AfterValidator(_id_no)]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class PersonRegistered(Fact, fact="staffing.person-registered", called="人员登记"):
    """A natural person is on file. ``birth_date`` is the one confirmed by the personnel file."""

    founds: ClassVar[str | None] = "person"

    person: Annotated[str, Subject("person")]
    name: Annotated[str, Personal()]
    id_no: Annotated[str, Personal(identity=True)]
    gender: Annotated[Gender | Erased, Personal()]
    birth_date: Annotated[date | Erased, Personal()]
    ethnicity: Annotated[Ethnicity | Erased | None, Personal()] = None
    politics: Annotated[Politics | Erased | None, Personal()] = None
    education: Annotated[Education | Erased | None, Personal()] = None
    work_start: Annotated[date | Erased | None, Personal()] = None
    former_name: Annotated[str | None, Personal()] = None
    phone: Annotated[str | None, Personal()] = None


class PersonChanged(Fact, fact="staffing.person-changed", called="人员信息变更"):
    """From the business date on this is said of the person; what is None stays as it was."""

    person: Annotated[str, Subject("person")]
    name: Annotated[str | None, Personal()] = None
    id_no: Annotated[str | None, Personal(identity=True)] = None
    gender: Annotated[Gender | Erased | None, Personal()] = None
    birth_date: Annotated[date | Erased | None, Personal()] = None
    ethnicity: Annotated[Ethnicity | Erased | None, Personal()] = None
    politics: Annotated[Politics | Erased | None, Personal()] = None
    education: Annotated[Education | Erased | None, Personal()] = None
    work_start: Annotated[date | Erased | None, Personal()] = None
    former_name: Annotated[str | None, Personal()] = None
    phone: Annotated[str | None, Personal()] = None
    reason: Annotated[str | None, Personal()] = None


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person(Standing, subject="person", guards=True):
    """Whether a person is on file, under which ID numbers, and the confirmed birth date."""

    registered_by: int | None = None
    id_numbers: tuple[str, ...] = ()
    birth_date: date | None = None
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if isinstance(fact, PersonRegistered):
            if self.registered_by is not None:
                return self._with_misfit(entry, "该人员已经登记")
            born = _known(fact.birth_date)
            return type(self)(entry.position, (fact.id_no,), born, self.misfits)
        if self.registered_by is None:
            return self._with_misfit(entry, "该人员没有登记")
        return self._changed(fact) if isinstance(fact, PersonChanged) else self

    def _changed(self, fact: PersonChanged) -> Self:
        changed = self
        if fact.birth_date is not None:
            changed = replace(changed, birth_date=_known(fact.birth_date))
        if fact.id_no is not None:
            changed = replace(changed, id_numbers=(*changed.id_numbers, fact.id_no))
        return changed

    def _with_misfit(self, entry: Entry, why: str) -> Self:
        return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))


def _known(day: date | Erased) -> date | None:
    return day if isinstance(day, date) else None


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def person_is_registered_once(known: Person, id_no: str) -> bool | Hindrance:
    """一个公民身份号码只登记一名人员。

    依据：居民身份证法第三条（公民身份号码是每个公民唯一的、终身不变的身份代码）。
    """
    # The number may have been registered by mistake for somebody who has another one.
    if known.registered_by is None or id_no not in known.id_numbers:
        return True
    return Hindrance("该身份证号的人员已经登记。", (known.registered_by,))


@rule
def person_is_registered(person: Person) -> bool | Hindrance:
    """人员应先登记再办理编制业务。依据：机构编制实名制管理的要求（具体到人）。"""
    return person.registered_by is not None or Hindrance("系统内没有这名人员。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


def _sex_said(number18: str) -> Gender:
    return Gender.MALE if int(number18[16]) % 2 else Gender.FEMALE


def _birth_said(number18: str) -> date:
    return date(int(number18[6:10]), int(number18[10:12]), int(number18[12:14]))


class Particulars(BaseModel):
    """What the clerk says of a person. Sex and birth date follow from the ID number if left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[PersonName, Field(title="姓名")]
    id_no: Annotated[IdNumber, Field(title="公民身份号码")]
    gender: Annotated[Gender | None, Field(title="性别")] = None
    birth_date: Annotated[BusinessDate | None, Field(title="出生日期（组织认定）")] = None
    ethnicity: Annotated[Ethnicity | None, Field(title="民族")] = None
    politics: Annotated[Politics | None, Field(title="政治面貌")] = None
    education: Annotated[Education | None, Field(title="学历")] = None
    work_start: Annotated[BusinessDate | None, Field(title="参加工作时间")] = None
    former_name: Annotated[PersonName | None, Field(title="曾用名")] = None
    phone: Annotated[Text | None, Field(title="联系电话")] = None

    @model_validator(mode="after")
    def _agrees_with_the_number(self) -> Self:
        if self.gender is not None and self.gender is not _sex_said(self.id_no):
            raise ValueError(f"性别填写为{self.gender.label}，与身份证号（第17位）不符")
        return self

    def register(self, past: Past) -> Draft:
        """Require that the person is not on file; return the registering fact."""
        known = past.person_known_by(self.id_no)
        if known is not None:
            person = past.of(Person, known)
            past.require(person_is_registered_once, person, self.id_no)
            known = None if person.registered_by is not None else known
        given = dict(self)
        given["gender"] = self.gender or _sex_said(self.id_no)
        given["birth_date"] = self.birth_date or _birth_said(self.id_no)
        # A person whose registration was voided is registered again under the same id.
        fact = PersonRegistered(person=known or past.new_id(), **given)
        return Draft(fact, effective_on=FIRST_DAY)


class RegisterPerson(Command, kind="staffing.register-person", title="登记人员"):
    """Put a person on file who is not (yet) in an establishment."""

    particulars: Annotated[Particulars, Field(title="人员信息")]

    def id_numbers(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.id_numbers`."""
        return (self.particulars.id_no,)

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        yield self.particulars.register(past)


class ChangePerson(DatedCommand, kind="staffing.change-person", title="变更人员信息"):
    """File what has changed about a person, from its day on."""

    person: Annotated[InternalId, Field(title="人员（系统内编号）")]
    name: Annotated[PersonName | None, Field(title="姓名")] = None
    id_no: Annotated[IdNumber | None, Field(title="公民身份号码")] = None
    gender: Annotated[Gender | None, Field(title="性别")] = None
    birth_date: Annotated[BusinessDate | None, Field(title="出生日期（组织认定）")] = None
    ethnicity: Annotated[Ethnicity | None, Field(title="民族")] = None
    politics: Annotated[Politics | None, Field(title="政治面貌")] = None
    education: Annotated[Education | None, Field(title="学历")] = None
    work_start: Annotated[BusinessDate | None, Field(title="参加工作时间")] = None
    former_name: Annotated[PersonName | None, Field(title="曾用名")] = None
    phone: Annotated[Text | None, Field(title="联系电话")] = None
    reason: Annotated[Text | None, Field(title="变更原因")] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes():
            raise ValueError("请至少填写一项要变更的内容")
        return self

    def id_numbers(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.id_numbers`."""
        return () if self.id_no is None else (self.id_no,)

    def changes(self) -> dict[str, Any]:
        """Return what is to change."""
        names = PersonChanged.model_fields.keys() - {"person", "reason"}
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(person_is_registered, past.of(Person, self.person))
        known = None if self.id_no is None else past.person_known_by(self.id_no)
        if known is not None and known != self.person:
            past.require(person_is_registered_once, past.of(Person, known), self.id_no)
        yield PersonChanged(person=self.person, reason=self.reason, **self.changes())
