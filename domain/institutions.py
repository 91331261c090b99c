"""Institutions (机构): set up and taken over; who bears which name.

An institution is set up (设立) by a decision of the level that its rank (机构规格) requires: 股级
within the district, 副科级 and above by the city, 副处级 and above by the province. It keeps one
internal id through all renames (更名), stands under a superior (主管部门), and is abolished (撤销)
only when nobody and nothing is left in it. What the office's earlier books say of an institution is
taken over (期初) on the day the books are opened.

No two institutions bear the same name on the same day. A name that has become free may be given
again; the old name stays in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Self

from pydantic import AfterValidator, Field

from domain.code_sets import FundingForm, InstitutionCategory, InstitutionRank
from domain.deciding import (
    DatedCommand,
    Decision,
    Hindrance,
    Misfit,
    Past,
    Standing,
    rule,
)
from domain.documents import Document, rests_on_a_document
from domain.identifiers import parse_credit_code
from domain.journal import require_opening_day
from domain.settings import LEVELS, Level
from domain.text import without_spaces
from domain.vocabulary import (
    LAST_DAY,
    BusinessDate,
    Citation,
    Entry,
    Fact,
    InternalId,
    Subject,
    Text,
)

DISTRICT: Final = "district"
"""The one directory of names; its tag is ``directory:district``."""


def _no_spaces(name: str) -> str:
    if without_spaces(name) != name:
        raise ValueError("机构名称中不能有空格")
    return name


def _credit_code(text: str) -> str:
    return parse_credit_code(text).code


InstitutionName = Annotated[Text, AfterValidator(_no_spaces)]
CreditCode = Annotated[str, AfterValidator(_credit_code)]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class Founded(Fact):
    """What is known of an institution when it begins: the common part of 设立 and 期初."""

    founds: ClassVar[str | None] = "institution"

    institution: Annotated[str, Subject("institution"), Subject("account")]
    name: Text
    category: InstitutionCategory
    rank: InstitutionRank
    superior: str | None = None
    funding: FundingForm | None = None
    credit_code: str | None = None
    functions: str | None = None


@rests_on_a_document
class SetUp(Founded, fact="institutions.set-up", called="机构设立", about=("directory:district",)):
    """An institution was set up (设立)."""


class TakenOver(
    Founded, fact="institutions.taken-over", called="机构期初", about=("directory:district",)
):
    """An institution stood in the office's earlier books (期初). The approval is as they say."""

    approved_no: str | None = None
    approved_on: date | None = None


@rests_on_a_document
class Renamed(Fact, fact="institutions.renamed", called="机构更名", about=("directory:district",)):
    """An institution bears another name (更名); everything else of it is unchanged."""

    institution: Annotated[str, Subject("institution")]
    name: Text
    former_name: Text
    reason: Text | None = None


@rests_on_a_document
class Abolished(
    Fact, fact="institutions.abolished", called="机构撤销", about=("directory:district",)
):
    """An institution was abolished (撤销); nobody and nothing is left in it from that day on."""

    institution: Annotated[str, Subject("institution"), Subject("account")]
    reason: Text
    destination: Text | None = None


# ── standings ────────────────────────────────────────────────────────────────────────────────


class Naming(NamedTuple):
    """From ``day`` on the institution bears ``name``."""

    day: date
    name: str
    position: int


@dataclass(frozen=True)
class Institution(Standing, subject="institution", guards=True):
    """One institution's life: when it began and ended, its category, rank and names."""

    founded: Founded | None = None
    since: date | None = None
    until: date | None = None
    ended_by: int | None = None
    names: tuple[Naming, ...] = ()
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if isinstance(fact, Founded):
            if self.founded is not None:
                return self._with_misfit(entry, "该机构已经设立")
            first = Naming(entry.business_date, fact.name, entry.position)
            return replace(self, founded=fact, since=entry.business_date, names=(first,))
        return self._changed(entry, fact) if isinstance(fact, Renamed | Abolished) else self

    def _changed(self, entry: Entry, fact: Renamed | Abolished) -> Self:
        if self.founded is None:
            return self._with_misfit(entry, "该机构在这一天尚未设立")
        if self.until is not None:
            return self._with_misfit(entry, f"该机构已于{self.until}撤销")
        if isinstance(fact, Abolished):
            return replace(self, until=entry.business_date, ended_by=entry.position)
        named = (*self.names, Naming(entry.business_date, fact.name, entry.position))
        return replace(self, names=named)

    def _with_misfit(self, entry: Entry, why: str) -> Self:
        return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))

    def stands_on(self, day: date) -> bool:
        """Tell whether the institution exists on that day."""
        return (
            self.since is not None
            and self.since <= day
            and (self.until is None or day < self.until)
        )

    def name_on(self, day: date) -> str:
        """Return the name on that day; the first before it began, 不详 where there is none."""
        found = self.names[0].name if self.names else "（未登记的机构）"
        for naming in self.names:
            if naming.day <= day:
                found = naming.name
        return found

    @property
    def name(self) -> str:
        """The latest name."""
        return self.names[-1].name if self.names else "（未登记的机构）"

    def named_until(self, day: date) -> date:
        """Return the first day after ``day`` from which another name, or none, is on record."""
        later = [naming.day for naming in self.names if naming.day > day]
        return min([*later, self.until or LAST_DAY])


class Tenure(NamedTuple):
    """An institution's hold on a name (or on a superior) from ``since`` until ``until``."""

    who: str
    since: date
    until: date
    position: int


@dataclass(frozen=True)
class Directory(Standing, subject="directory", guards=True):
    """Every name ever borne in the district, and who stands under whom."""

    tenures: Mapping[str, tuple[Tenure, ...]] = field(default_factory=dict)
    current: Mapping[str, str] = field(default_factory=dict)
    under: Mapping[str, str] = field(default_factory=dict)
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if isinstance(fact, Founded):
            named = self._naming(entry, fact.institution, fact.name)
            if fact.superior is None:
                return named
            under = {**self.under, fact.institution: fact.superior}
            lost = () if fact.superior in self.current else ("主管部门在这一天不存在",)
            return replace(named, under=under).noting(entry, lost)
        if isinstance(fact, Renamed):
            return self._naming(entry, fact.institution, fact.name)
        if isinstance(fact, Abolished):
            left = self.subordinates(fact.institution)
            under = {who: above for who, above in self.under.items() if who != fact.institution}
            freed = replace(self._freeing(entry, fact.institution), under=under)
            return freed.noting(entry, [f"“{name}”仍隶属于该机构" for name in left[:3]])
        return self

    def noting(self, entry: Entry, reasons: Iterable[str]) -> Self:
        """Return the same with a misfit of ``entry`` for each reason."""
        new = tuple(Misfit(entry.position, why) for why in reasons)
        return replace(self, misfits=(*self.misfits, *new)) if new else self

    def _freeing(self, entry: Entry, who: str) -> Self:
        name = self.current.get(who)
        if name is None:
            return self
        line = tuple(
            tenure._replace(until=entry.business_date)
            if tenure.who == who and tenure.until == LAST_DAY
            else tenure
            for tenure in self.tenures[name]
        )
        current = {one: its for one, its in self.current.items() if one != who}
        return replace(self, tenures={**self.tenures, name: line}, current=current)

    def _naming(self, entry: Entry, who: str, name: str) -> Self:
        free = self._freeing(entry, who)
        line = free.tenures.get(name, ())
        held = [tenure for tenure in line if tenure.until == LAST_DAY and tenure.who != who]
        tenure = Tenure(who, entry.business_date, LAST_DAY, entry.position)
        named = replace(
            free,
            tenures={**free.tenures, name: (*line, tenure)},
            current={**free.current, who: name},
        )
        return named.noting(entry, [f"“{name}”已是另一机构的名称"] if held else [])

    def holders(self, name: str, first: date, end: date = LAST_DAY) -> tuple[Tenure, ...]:
        """Return who bears the name on any day from ``first`` up to ``end`` (excluded)."""
        line = self.tenures.get(name, ())
        return tuple(tenure for tenure in line if tenure.since < end and first < tenure.until)

    def subordinates(self, who: str) -> tuple[str, ...]:
        """Return the names of the institutions that stand under ``who`` in the end."""
        below = (one for one, above in self.under.items() if above == who)
        return tuple(self.current[one] for one in below if one in self.current)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def institution_stands(institution: Institution, day: date) -> bool | Hindrance:
    """机构在业务生效日应已设立且未撤销。

    依据：地方各级人民政府机构设置和编制管理条例第九条、第十五条。
    """
    if institution.stands_on(day):
        return True
    if institution.since is None:
        return Hindrance("系统内没有这个机构，请先办理设立。")
    if day < institution.since:
        return Hindrance(f"{institution.name}自{institution.since}起设立。")
    ended = () if institution.ended_by is None else (institution.ended_by,)
    return Hindrance(f"{institution.name}已于{institution.until}撤销。", ended)


@rule(held_by_the_net=True)
def name_is_unique_in_district(
    directory: Directory, name: str, first: date, end: date, own: str
) -> bool | Hindrance:
    """同一天内，全区机构名称不得相同。

    依据：地方各级人民政府机构设置和编制管理条例第九条（名称须经批准）；事业单位登记管理暂行条例实施
    细则关于名称不得重复的规定。
    """
    taken = [one for one in directory.holders(name, first, end) if one.who != own]
    if not taken:
        return True
    since = taken[0].since
    return Hindrance(f"“{name}”自{since}起是另一机构的名称。", tuple(t.position for t in taken))


@rule
def decided_at_the_right_level(
    rank: InstitutionRank, required: Level, documents: tuple[Document, ...]
) -> bool | Hindrance:
    """机构的设立、更名、撤销应有相应审批层级的批准文件。

    依据：地方各级人民政府机构设置和编制管理条例第九条；机构编制按规格分级审批的规定。
    """
    order = list(LEVELS)
    found = [one.registered.issuer_level for one in documents if one.registered is not None]
    if any(order.index(level) >= order.index(required) for level in found):
        return True
    needs = f"{rank.label}机构应由{LEVELS[required]}以上机关批准"
    if not found:
        return Hindrance(f"{needs}，请引用批准文件。")
    return Hindrance(f"{needs}，所引文件由{'、'.join(LEVELS[level] for level in found)}机关印发。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class Founding(DatedCommand):
    """What the clerk says of an institution that begins."""

    name: Annotated[InstitutionName, Field(title="机构名称")]
    category: Annotated[InstitutionCategory, Field(title="机构类别")]
    rank: Annotated[InstitutionRank, Field(title="机构规格")]
    superior: Annotated[InternalId | None, Field(title="主管部门（系统内编号）")] = None
    funding: Annotated[FundingForm | None, Field(title="经费形式")] = None
    credit_code: Annotated[CreditCode | None, Field(title="统一社会信用代码")] = None
    functions: Annotated[Text | None, Field(title="主要职责")] = None

    def subjects(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.subjects`."""
        return () if self.superior is None else (f"institution:{self.superior}",)

    def particulars(self, past: Past) -> dict[str, Any]:
        """Require what holds for every beginning; return the fields of the fact."""
        directory = past.of(Directory, DISTRICT)
        if self.superior is not None:
            superior = past.of(Institution, self.superior)
            past.require(institution_stands, superior, self.effective_on)
        past.require(
            name_is_unique_in_district, directory, self.name, self.effective_on, LAST_DAY, ""
        )
        names = Founded.model_fields.keys() - {"institution"}
        return {name: getattr(self, name) for name in names}


class SetUpInstitution(Founding, kind="institutions.set-up", title="设立机构"):
    """Set up an institution."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        particulars = self.particulars(past)
        require_level(self.rank, self.effective_on, self.basis, past)
        yield SetUp(institution=past.new_id(), **particulars)


class TakeOverInstitution(Founding, kind="institutions.take-over", title="机构期初"):
    """Take an institution over from the office's earlier books."""

    approved_no: Annotated[Text | None, Field(title="批准文号")] = None
    approved_on: Annotated[BusinessDate | None, Field(title="批准日期")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        require_opening_day(self.effective_on, past)
        particulars = self.particulars(past)
        yield TakenOver(
            institution=past.new_id(),
            approved_no=self.approved_no,
            approved_on=self.approved_on,
            **particulars,
        )


def require_level(rank: InstitutionRank, day: date, basis: Iterable[Citation], past: Past) -> None:
    """Require that a cited document comes from the level that decides on such a rank."""
    required = past.setting("authority_by_rank", day)[rank.value]
    documents = tuple(past.of(Document, one.document) for one in basis)
    past.require(decided_at_the_right_level, rank, required, documents)
