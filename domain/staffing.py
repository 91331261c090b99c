"""Staffing (人员): entering the establishment.

A person enters (入编) against a slot that a 用编核准 reserved for the unit; only who is appointed
needs none. The office hands out a numbered notice (入编通知单, numbered by unit and year), without
which nobody pays him. Nobody holds two slots on one day, and no unit has more heads than quota on
any day from the filing's business date on. How people move on and leave is told in
`staffing_moves`.

What the office learns late is filed late, with the day it happened; more than ten working days
late it is flagged 补报. People in the office's earlier books are taken over (期初) on the day the
books open; where those books show a unit over its quota, the last rows are recorded exceptions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from domain.code_sets import EntryMode, FundingForm, PersonClass, QuotaKind
from domain.deciding import (
    Book,
    DatedCommand,
    Decision,
    Hindrance,
    Misfit,
    Past,
    Standing,
    rule,
)
from domain.documents import rests_on_a_document
from domain.institutions import Institution, institution_stands
from domain.journal import require_opening_day
from domain.quotas import kind_fits_the_institution, quota_has_a_vacancy
from domain.quotas_accounts import QuotaBook
from domain.settings import NATIONAL, NationalCalendar
from domain.staffing_approvals import (
    Approval,
    Using,
    approval_has_slots_left,
    approval_is_for_this_use,
    approval_is_on_record,
    approval_is_valid_on_the_day,
    kind_is_approved_there,
)
from domain.staffing_people import Particulars, Person, person_is_registered
from domain.vocabulary import (
    BusinessDate,
    Entry,
    Fact,
    InternalId,
    Personal,
    Slot,
    Subject,
    Text,
)

# ── facts ────────────────────────────────────────────────────────────────────────────────────


class Timeliness(Fact):
    """How many working days after the event it was filed, and whether that is late (补报).

    ``provisional``: some of those days lie in a year whose days off are not announced yet, and
    were counted by the weekend rule alone.
    """

    filed_after: int = 0
    late: bool = False
    provisional: bool = False


class Post(Fact):
    """The post in which somebody is placed."""

    funding: FundingForm | None = None
    person_class: PersonClass
    post_title: Annotated[str | None, Personal()] = None


class Coming(Using, Post):
    """A person takes a unit's slot: a stay begins."""

    person: Annotated[str, Subject("person")]


class Going(Fact):
    """A person gives a unit's slot up: a stay ends."""

    person: Annotated[str, Subject("person")]
    kind: QuotaKind

    def leaves(self) -> str:
        """Return the institution that the person leaves."""
        raise NotImplementedError


class Noticed(Timeliness):
    """A coming for which the unit was handed notice (入编通知单) 〔year〕number."""

    notice_year: int
    notice_number: int


@rests_on_a_document
class Entered(Coming, Noticed, fact="staffing.entered", called="入编"):
    """A person entered the establishment (入编)."""

    entry_mode: EntryMode
    source: Annotated[str | None, Personal()] = None


class TakenOver(Coming, fact="staffing.taken-over", called="人员期初"):
    """A person was in the establishment when the books were opened (期初).

    ``entered_on`` and ``notice`` are what the earlier books say of the entering. ``excused``: the
    unit was full, the person is a recorded exception (超编).
    """

    entry_mode: EntryMode | None = None
    entered_on: date
    notice: Annotated[str | None, Personal()] = None
    remark: Annotated[str | None, Personal()] = None
    excused: bool = False

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        return (Slot(self.institution, self.kind, "occupied", 1, on, self.excused),)


# ── standings ────────────────────────────────────────────────────────────────────────────────


class Stay(NamedTuple):
    """A person in one unit's slot from ``since`` until ``until`` (excluded; None: still)."""

    institution: str
    kind: QuotaKind
    since: date
    until: date | None
    position: int


@dataclass(frozen=True)
class Career(Standing, subject="person", guards=True):
    """Where a person has been in the establishment, stay after stay."""

    stays: tuple[Stay, ...] = ()
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact, left = entry.fact, self
        if isinstance(fact, Going):
            if not self._is_in(fact.leaves(), fact.kind):
                return self._with_misfit(entry, "该人员当时不在所离开单位的这类编制内")
            left = self._leaving(entry)
        if isinstance(fact, Coming):
            if left.current is not None:
                return self._with_misfit(entry, "该人员入编时仍在其他单位的编制内")
            return left.entering(entry, fact)
        return left

    @property
    def current(self) -> Stay | None:
        """The stay that has not ended."""
        return self.stays[-1] if self.stays and self.stays[-1].until is None else None

    def _is_in(self, institution: str, kind: QuotaKind) -> bool:
        current = self.current
        return current is not None and current[:2] == (institution, kind)

    def entering(self, entry: Entry, fact: Coming) -> Self:
        """Return what stands once the person has come in."""
        stay = Stay(fact.institution, fact.kind, entry.business_date, None, entry.position)
        return type(self)((*self.stays, stay), self.misfits)

    def _leaving(self, entry: Entry) -> Self:
        ended = self.stays[-1]._replace(until=entry.business_date)
        return type(self)((*self.stays[:-1], ended), self.misfits)

    def _with_misfit(self, entry: Entry, why: str) -> Self:
        return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))

    def stay_on(self, day: date) -> Stay | None:
        """Return the stay in which the person is on that day (at its end)."""
        for stay in reversed(self.stays):
            if stay.since <= day and (stay.until is None or day < stay.until):
                return stay
        return None

    def stay_after(self, day: date) -> Stay | None:
        """Return the first stay that holds on ``day`` or on a later one."""
        found = (stay for stay in self.stays if stay.until is None or stay.until > day)
        return next(found, None)


class Notices(Book, subject="account"):
    """The numbers of a unit's 入编通知单, year by year; what was given out is never used again."""

    def __init__(self, who: str) -> None:
        """Open the register with nothing in it."""
        super().__init__(who)
        self._given: defaultdict[int, list[int]] = defaultdict(list)

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`; a voided notice keeps its number."""
        fact = entry.fact
        if isinstance(fact, Noticed) and self._is_handed(fact):
            self._given[fact.notice_year].append(fact.notice_number)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        fact = entry.fact
        if isinstance(fact, Noticed) and self._is_handed(fact):
            given = self._given[fact.notice_year]
            if given[-1] == fact.notice_number:  # what was given last is taken back first
                given.pop()
            else:
                given.remove(fact.notice_number)

    def _is_handed(self, fact: Fact) -> bool:
        """Whether this unit got the notice: of a transfer, the unit that somebody comes to."""
        return isinstance(fact, Coming) and fact.institution == self.who

    def next_number(self, year: int) -> int:
        """Return the number of the next notice of that year."""
        given = self._given.get(year)
        # Numbers are given in rising order and taken back from the end.
        return given[-1] + 1 if given else 1


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule(held_by_the_net=True)
def person_is_in_no_establishment(stay: Stay | None, where: str, day: date) -> bool | Hindrance:
    """一人同一时间只占用一个编制。

    依据：地方各级人民政府机构设置和编制管理条例第十五条；机构编制实名制管理一人一编的规定。
    """
    if stay is None:
        return True
    since = f"自{stay.since}起" if stay.since > day else f"{day}时"
    return Hindrance(f"该人员{since}在{where}{stay.kind.label}内。", (stay.position,))


@rule
def person_is_old_enough(born: date | None, day: date, age: int) -> bool | Hindrance:
    """入编人员应达到规定年龄（默认十六周岁）。依据：劳动法第十五条；公务员法第十三条。"""
    if born is None:
        return True
    own = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return own >= age or Hindrance(f"入编时年满{max(own, 0)}周岁，不到{age}周岁。")


@rule
def use_was_approved(approval: str | None, mode: EntryMode, exempt: list[str]) -> bool | Hindrance:
    """除任命的领导干部外，使用编制应先办理用编核准。

    依据：机构编制实名制管理关于用编先核准、后进人的规定。
    """
    if approval is not None or mode.value in exempt:
        return True
    return Hindrance(f"以“{mode.label}”方式进入，请填写用编核准。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


def timeliness(day: date, past: Past) -> dict[str, Any]:
    """Return the fields of `Timeliness` for an event of that day filed today."""
    calendar = past.of(NationalCalendar, NATIONAL).calendar
    days = max(0, calendar.workdays_between(day, past.today))
    return {
        "filed_after": days,
        "late": days > past.setting("late_filing_workdays", day),
        "provisional": days > 0 and calendar.provisional(past.today),
    }


class Placement(DatedCommand):
    """What every placing of a person says: where, on which quota, in which post."""

    institution: Annotated[InternalId, Field(title="机构（系统内编号）")]
    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    funding: Annotated[FundingForm | None, Field(title="经费形式")] = None
    person_class: Annotated[PersonClass, Field(title="人员分类")] = PersonClass.NOT_LEADING
    post_title: Annotated[Text | None, Field(title="职务")] = None

    def require_the_place(self, past: Past) -> QuotaBook:
        """Require that the unit stands and has such quota; return its book."""
        institution = past.of(Institution, self.institution)
        past.require(institution_stands, institution, self.effective_on)
        past.require(kind_fits_the_institution, institution, self.quota_kind)
        book = past.of(QuotaBook, self.institution)
        past.require(
            kind_is_approved_there, book, institution.name, self.quota_kind, self.effective_on
        )
        return book

    def require_approval(self, approval: str | None, mode: EntryMode, past: Past) -> date | None:
        """Require that the use was approved; return until when its reservation runs."""
        exempt = past.setting("entry_modes_without_approval", self.effective_on)
        past.require(use_was_approved, approval, mode, exempt)
        if approval is None:
            return None
        its = past.of(Approval, approval)
        past.require(approval_is_on_record, its)
        past.require(approval_is_for_this_use, its, self.institution, self.quota_kind, mode)
        past.require(approval_is_valid_on_the_day, its, self.effective_on)
        past.require(approval_has_slots_left, its)
        return None if its.approved is None else its.approved.valid_until

    def next_notice(self, past: Past) -> dict[str, Any]:
        """Return the fields of `Noticed` for a notice handed out today."""
        year = past.today.year
        number = past.of(Notices, self.institution).next_number(year)
        return {"notice_year": year, "notice_number": number}


class PlacingSomebody(Placement):
    """A placement of a person on file, or of one who is registered with it."""

    person: Annotated[InternalId | None, Field(title="人员（系统内编号）")] = None
    new_person: Annotated[Particulars | None, Field(title="新登记人员信息")] = None

    @model_validator(mode="after")
    def _names_one_person(self) -> Self:
        if (self.person is None) == (self.new_person is None):
            raise ValueError("人员（person）和新登记人员信息（new_person）应填写其中一项")
        return self

    def id_numbers(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.id_numbers`."""
        return () if self.new_person is None else (self.new_person.id_no,)

    def _registering(self, past: Past) -> Decision:
        if self.new_person is not None:
            yield self.new_person.register(past)

    def _require_the_person(self, past: Past, entered_on: date) -> str:
        """Require that the person is on file, in no establishment and old enough; return the id."""
        who = self.person or ""
        if self.new_person is not None:
            who = past.person_known_by(self.new_person.id_no) or ""
        person = past.of(Person, who)
        past.require(person_is_registered, person)
        stay = past.of(Career, who).stay_after(self.effective_on)
        where = "" if stay is None else past.of(Institution, stay.institution).name
        past.require(person_is_in_no_establishment, stay, where, self.effective_on)
        age = past.setting("minimum_age", entered_on)
        past.require(person_is_old_enough, person.birth_date, entered_on, age)
        return who


class EnterEstablishment(PlacingSomebody, kind="staffing.enter", title="入编"):
    """Enter a person in the establishment and give out the notice."""

    entry_mode: Annotated[EntryMode, Field(title="进入形式")]
    source: Annotated[Text | None, Field(title="进入来源")] = None
    approval: Annotated[InternalId | None, Field(title="用编核准（系统内编号）")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        book = self.require_the_place(past)
        reserved_until = self.require_approval(self.approval, self.entry_mode, past)
        yield from self._registering(past)
        fact = Entered(
            person=self._require_the_person(past, self.effective_on),
            institution=self.institution,
            kind=self.quota_kind,
            funding=self.funding,
            person_class=self.person_class,
            post_title=self.post_title,
            entry_mode=self.entry_mode,
            source=self.source,
            approval=self.approval,
            reserved_until=reserved_until,
            **self.next_notice(past),
            **timeliness(self.effective_on, past),
        )
        past.require(quota_has_a_vacancy, book, tuple(fact.slots(self.effective_on)))
        yield fact


class TakeOverPerson(PlacingSomebody, kind="staffing.take-over", title="在编人员期初"):
    """Take a person in the establishment over from the office's earlier books."""

    entry_mode: Annotated[EntryMode | None, Field(title="进入形式")] = None
    entered_on: Annotated[BusinessDate, Field(title="入编时间")]
    notice: Annotated[Text | None, Field(title="入编文号")] = None
    remark: Annotated[Text | None, Field(title="备注（人员）")] = None

    @model_validator(mode="after")
    def _entered_before_opening(self) -> Self:
        if self.entered_on > self.effective_on:
            raise ValueError(f"入编时间{self.entered_on}晚于建账日{self.effective_on}")
        return self

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        require_opening_day(self.effective_on, past)
        book = self.require_the_place(past)
        yield from self._registering(past)
        fact = TakenOver(
            person=self._require_the_person(past, self.entered_on),
            institution=self.institution,
            kind=self.quota_kind,
            funding=self.funding,
            person_class=self.person_class,
            post_title=self.post_title,
            entry_mode=self.entry_mode,
            entered_on=self.entered_on,
            notice=self.notice,
            remark=self.remark,
        )
        if book.shortage(fact.slots(self.effective_on)) is not None:
            fact = fact.model_copy(update={"excused": True})
        yield fact
