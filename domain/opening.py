"""Opening the books (期初建账): what the office's own books say on the day the ledgers begin.

On the 建账日 the office's institutions, their quota and the people on it are taken over as its
Excel books have them, by name, row by row. Historic dates (入编时间, 批准日期) are data of the row;
the facts take effect on the 建账日. The ceilings are what the books add up to, unless the level
above has set them: then quota comes out of the pool. No 用编核准 is asked of anybody who is already
there.

What is on record already is recognised and recorded no second time, also after it has since been
renamed, moved or left: the same book imported again files nothing. Where a book says something else
than the record, the row is refused and says so; nothing is changed by importing. How an
institution is found by its name is told in `opening_names`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.code_sets import (
    EntryMode,
    FundingForm,
    InstitutionCategory,
    InstitutionRank,
    PersonClass,
    QuotaKind,
)
from domain.deciding import Book, DatedCommand, Decision, Draft, Hindrance, Past, Standing, rule
from domain.institutions import (
    DISTRICT,
    CreditCode,
    Directory,
    Founded,
    Institution,
    InstitutionName,
    TakeOverInstitution,
    Tenure,
)
from domain.opening_names import bearing, hint
from domain.quotas import CeilingSet, Number, SetCeiling, TakeOverQuota
from domain.quotas_accounts import POOL, QuotaBook
from domain.staffing import Career, TakeOverPerson
from domain.staffing_people import Particulars, PersonChanged, PersonRegistered
from domain.text import compact
from domain.vocabulary import ERASED, BusinessDate, Entry, Text

# ── standings ────────────────────────────────────────────────────────────────────────────────


class Ceiling(NamedTuple):
    """The ceiling of a kind on a day, and whether the level above has set it by then."""

    number: int = 0
    set_by_level_above: bool = False


class Ceilings(Book, subject="account"):
    """The district's ceilings (编制总量) by kind and day; only the pool's account has any."""

    def __init__(self, who: str) -> None:
        """Open the book with nothing in it."""
        super().__init__(who)
        self._moved: defaultdict[str, defaultdict[date, list[int]]] = defaultdict(
            lambda: defaultdict(lambda: [0, 0])
        )

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._sum(entry, 1)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._sum(entry, -1)

    def _sum(self, entry: Entry, sign: int) -> None:
        if self.who != POOL:
            return
        original = entry if entry.target is None else entry.target
        sign = sign if original is entry else -sign
        for slot in original.fact.slots(original.business_date):
            if slot.measure == "ceiling":
                sums = self._moved[slot.kind][slot.day]
                sums[0] += sign * slot.n
                sums[1] += sign * isinstance(original.fact, CeilingSet)

    def on(self, kind: str, day: date) -> Ceiling:
        """Return the ceiling of a kind on a day."""
        moved = [sums for at, sums in self._moved.get(kind, {}).items() if at <= day]
        return Ceiling(sum(n for n, _ in moved), any(times for _, times in moved))


@dataclass(frozen=True)
class Names(Standing, subject="person"):
    """Every name that a person bears or has borne, spelt for comparing."""

    borne: frozenset[str] = frozenset()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if not isinstance(fact, PersonRegistered | PersonChanged):
            return self
        names = (compact(one) for one in (fact.name, fact.former_name) if one)
        return replace(self, borne=self.borne.union(names))

    def include(self, name: str) -> bool:
        """Tell whether the person bears that name, or may have: what is erased cannot be told."""
        return compact(name) in self.borne or ERASED in self.borne


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def superior_is_in_the_books(
    name: str, found: Tenure | None, directory: Directory, day: date
) -> bool | Hindrance:
    """主管部门应是名册或系统内已有的机构。

    依据:事业单位登记管理暂行条例第五条（举办单位）；机构编制实名制管理账实相符的要求。
    """
    if found is not None:
        return True
    return Hindrance(
        f"名册和系统内都没有主管部门“{name}”，请核对机构全称。{hint(name, day, directory)}"
    )


@rule
def unit_is_in_the_books(
    name: str, found: Tenure | None, directory: Directory, day: date
) -> bool | Hindrance:
    """人员所在单位应是名册或系统内已有的机构。

    依据:机构编制实名制管理（具体机构设置与实有人员一一对应）的要求。
    """
    if found is not None:
        return True
    return Hindrance(
        f"名册和系统内都没有单位“{name}”，请核对机构全称。{hint(name, day, directory)}"
    )


@rule
def institution_agrees_with_the_books(
    name: str, position: int, differing: tuple[tuple[str, str, str], ...]
) -> bool | Hindrance:
    """同一机构的期初情况只登记一次，前后应一致；变化另行办理。

    依据:统计法第二十四条（原始记录、统计台账真实、完整）。
    """
    if not differing:
        return True
    told = "，".join(f"{title}已登记为{was}、本行为{now}" for title, was, now in differing)
    return Hindrance(f"“{name}”已经登记：{told}。原登记有误的请办理更正。", (position,))


@rule
def quota_agrees_with_the_books(
    name: str, kind: QuotaKind, recorded: int, said: int
) -> bool | Hindrance:
    """同一机构的同类编制期初数只登记一次，前后应一致。

    依据:统计法第二十四条（原始记录、统计台账真实、完整）。
    """
    if recorded == said:
        return True
    return Hindrance(f"“{name}”的{kind.label}已登记为{recorded}名，本行为{said}名。")


@rule
def ceiling_agrees_with_the_books(
    kind: QuotaKind, recorded: Ceiling, said: int
) -> bool | Hindrance:
    """编制总量以上级下达数为准，期初只登记一次，前后应一致。

    依据:地方各级人民政府机构设置和编制管理条例第十六条（编制总额）。
    """
    if recorded.number in {0, said}:
        return True
    came = "下达" if recorded.set_by_level_above else "按各单位编制合计"
    return Hindrance(
        f"{kind.label}总量已{came}登记为{recorded.number}名，所给为{said}名；"
        "有增减的请办理下达编制总量。"
    )


@rule
def name_agrees_with_the_books(known: Names, position: int, name: str) -> bool | Hindrance:
    """一个公民身份号码只对应一个人。

    依据:居民身份证法第三条（公民身份号码是每个公民唯一的、终身不变的身份代码）。
    """
    if known.include(name):
        return True
    return Hindrance(
        "该身份证号已登记在另一姓名之下，请核对姓名和身份证号；本人已更名的请办理变更人员信息。",
        (position,) if position else (),
    )


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class OpenCeiling(DatedCommand, kind="opening.ceiling", title="编制总量期初登记"):
    """The ceiling that the level above had set for a kind when the books were opened."""

    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Number

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: nothing where it is on record already."""
        recorded = past.of(Ceilings, POOL).on(self.quota_kind, self.effective_on)
        past.require(ceiling_agrees_with_the_books, self.quota_kind, recorded, self.number)
        if not recorded.number:
            yield from SetCeiling(
                effective_on=self.effective_on, quota_kind=self.quota_kind, change=self.number
            ).decide(past)


class OpeningQuota(BaseModel):
    """So many of one kind, as the book says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Annotated[int, Field(title="核定编制数", ge=1, le=1_000_000, strict=True)]


class OpenInstitution(DatedCommand, kind="opening.institution", title="机构编制期初登记"):
    """One line of the institution book: an institution and its quota by kind.

    An institution with several kinds of quota may stand on several lines. What a line leaves out
    is not compared with what another has said; a first line that does not tell category or rank
    means 其他 and 不定级.
    """

    name: Annotated[InstitutionName, Field(title="机构名称")]
    category: Annotated[InstitutionCategory | None, Field(title="机构类别")] = None
    rank: Annotated[InstitutionRank | None, Field(title="机构规格")] = None
    superior: Annotated[Text | None, Field(title="主管部门（名称）")] = None
    funding: Annotated[FundingForm | None, Field(title="经费形式")] = None
    credit_code: Annotated[CreditCode | None, Field(title="统一社会信用代码")] = None
    functions: Annotated[Text | None, Field(title="主要职责")] = None
    quotas: Annotated[tuple[OpeningQuota, ...], Field(title="核定编制", max_length=20)] = ()
    approved_no: Annotated[Text | None, Field(title="批准文号")] = None
    approved_on: Annotated[BusinessDate | None, Field(title="批准日期")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: nothing for what is on record already."""
        known = bearing(self.name, self.effective_on, past.of(Directory, DISTRICT))
        superior = self._superior(past)
        who = "" if known is None else known.who
        if known is not None:
            self._require_agreement(known, superior, past)
        else:
            for one in self._founding(superior).decide(past):
                fact = one.fact if isinstance(one, Draft) else one
                who = fact.institution if isinstance(fact, Founded) else who
                yield one
        for quota in self.quotas:
            yield from self._taking_over(quota, who, past)

    def _superior(self, past: Past) -> str | None:
        if self.superior is None:
            return None
        directory, day = past.of(Directory, DISTRICT), self.effective_on
        above = bearing(self.superior, day, directory)
        past.require(superior_is_in_the_books, self.superior, above, directory, day)
        return None if above is None else above.who

    def _require_agreement(self, known: Tenure, superior: str | None, past: Past) -> None:
        """Require that what this line says of an institution is what is on record."""
        founded = past.of(Institution, known.who).founded
        if founded is None:
            return
        differing = list(self._differing(founded))
        if superior is not None and superior != founded.superior:
            above = past.of(Institution, founded.superior or "")
            was = above.name_on(self.effective_on) if founded.superior else "无"
            differing.append(("主管部门", was, self.superior or ""))
        past.require(institution_agrees_with_the_books, self.name, known.position, tuple(differing))

    def _differing(self, founded: Founded) -> Iterator[tuple[str, str, str]]:
        for name in ("category", "rank", "funding", "credit_code", "functions"):
            said, was = getattr(self, name), getattr(founded, name)
            if said is not None and said != was:
                title = type(self).model_fields[name].title or name
                yield title, _shown(was), _shown(said)

    def _founding(self, superior: str | None) -> TakeOverInstitution:
        return TakeOverInstitution(
            effective_on=self.effective_on,
            basis=self.basis,
            note=self.note,
            secrecy=self.secrecy,
            name=self.name,
            category=self.category or InstitutionCategory.OTHER,
            rank=self.rank or InstitutionRank.UNRANKED,
            superior=superior,
            funding=self.funding,
            credit_code=self.credit_code,
            functions=self.functions,
            approved_no=self.approved_no,
            approved_on=self.approved_on,
        )

    def _taking_over(self, quota: OpeningQuota, who: str, past: Past) -> Decision:
        kind, number, day = quota.quota_kind, quota.number, self.effective_on
        recorded = past.of(QuotaBook, who).totals(kind, day).approved
        if recorded:
            past.require(quota_agrees_with_the_books, self.name, kind, recorded, number)
            return
        yield from TakeOverQuota(
            effective_on=day,
            institution=who,
            quota_kind=kind,
            number=number,
            from_pool=past.of(Ceilings, POOL).on(kind, day).set_by_level_above,
            approved_no=self.approved_no,
            approved_on=self.approved_on,
        ).decide(past)


def _shown(value: Any) -> str:
    return f"“{getattr(value, 'label', value)}”" if value is not None else "无"


class OpenPerson(DatedCommand, kind="opening.person", title="在编人员期初登记"):
    """One line of the roster: a person and the slot held on the 建账日."""

    unit: Annotated[InstitutionName, Field(title="单位名称")]
    particulars: Annotated[Particulars, Field(title="人员信息")]
    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    funding: Annotated[FundingForm | None, Field(title="经费形式")] = None
    person_class: Annotated[PersonClass, Field(title="人员分类")] = PersonClass.NOT_LEADING
    post_title: Annotated[Text | None, Field(title="职务")] = None
    entry_mode: Annotated[EntryMode | None, Field(title="进入形式")] = None
    entered_on: Annotated[BusinessDate, Field(title="入编时间")]
    notice: Annotated[Text | None, Field(title="入编文号")] = None
    remark: Annotated[Text | None, Field(title="备注（人员）")] = None

    @model_validator(mode="after")
    def _entered_before_opening(self) -> Self:
        if self.entered_on > self.effective_on:
            raise ValueError(f"入编时间{self.entered_on}晚于建账日{self.effective_on}")
        return self

    def id_numbers(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.id_numbers`."""
        return (self.particulars.id_no,)

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: nothing for who is on record there already."""
        directory, day = past.of(Directory, DISTRICT), self.effective_on
        unit = bearing(self.unit, day, directory)
        past.require(unit_is_in_the_books, self.unit, unit, directory, day)
        where = "" if unit is None else unit.who
        person = past.person_known_by(self.particulars.id_no)
        if person is not None and self._is_there(person, where, past):
            return
        yield from TakeOverPerson(
            effective_on=day,
            institution=where,
            quota_kind=self.quota_kind,
            funding=self.funding,
            person_class=self.person_class,
            post_title=self.post_title,
            person=person,
            new_person=self.particulars if person is None else None,
            entry_mode=self.entry_mode,
            entered_on=self.entered_on,
            notice=self.notice,
            remark=self.remark,
        ).decide(past)

    def _is_there(self, person: str, where: str, past: Past) -> bool:
        """Require that it is the same person; tell whether he is on record in that very slot."""
        stay = past.of(Career, person).stay_on(self.effective_on)
        position = 0 if stay is None else stay.position
        names = past.of(Names, person)
        past.require(name_agrees_with_the_books, names, position, self.particulars.name)
        return stay is not None and (stay.institution, stay.kind) == (where, self.quota_kind)
