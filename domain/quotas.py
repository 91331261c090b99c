"""Quotas (编制): ceilings, the pool, and what each institution has been given.

The level above sets a ceiling (编制总量) for each quota kind (编制类型); it lies in the district's
pool (编制池) until it is granted (核增) to an institution. It may be cut back (核减) into the
pool, or moved from one institution to another (调剂). Each of these is one fact that moves as much
out of one account as into the other, so on every day, for every kind:

    Σ approved of the institutions + the pool = Σ ceilings

People use what is approved: an approval of use (用编核准) reserves, an entering (入编) occupies.
**Usable** = approved − occupied − reserved, and no filing may let it fall below 0 on any day from
its business date on. A unit that the office's earlier books already show over its quota (超编) is
taken over as a recorded exception; what is filed later cannot make it worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final

from pydantic import Field, field_validator

from domain.code_sets import InstitutionCategory, QuotaKind
from domain.deciding import DatedCommand, Decision, Hindrance, Past, guards, rule
from domain.documents import rests_on_a_document
from domain.institutions import Institution, institution_stands
from domain.institutions_changes import AbolishInstitution
from domain.journal import require_opening_day
from domain.quotas_accounts import NAMED_AT_MOST, POOL, QuotaBook, kind_label
from domain.vocabulary import Fact, InternalId, Slot, Subject, Text

_ABOUT_POOL: Final = (f"account:{POOL}",)

Number = Annotated[int, Field(title="数量", ge=1, le=1_000_000, strict=True)]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class CeilingSet(Fact, fact="quotas.ceiling-set", called="编制总量下达", about=_ABOUT_POOL):
    """The level above raised or lowered the ceiling of a kind by ``change`` (编制总量下达)."""

    kind: QuotaKind
    change: int

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`: what the ceiling gains comes into the pool."""
        return (
            Slot(POOL, self.kind, "ceiling", self.change, on),
            Slot(POOL, self.kind, "approved", self.change, on),
        )


class Given(Fact):
    """So many of a kind left the pool for an institution."""

    institution: Annotated[str, Subject("account")]
    kind: QuotaKind
    number: int

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        return (
            Slot(POOL, self.kind, "approved", -self.number, on),
            Slot(self.institution, self.kind, "approved", self.number, on),
        )


@rests_on_a_document
class Granted(Given, fact="quotas.granted", called="编制核增", about=_ABOUT_POOL):
    """The district granted an institution quota from the pool (核增)."""


class TakenOver(Given, fact="quotas.taken-over", called="编制期初", about=_ABOUT_POOL):
    """An institution had this quota in the office's earlier books (期初).

    Unless it came ``from_pool``, under a ceiling set before, the ceiling rises by as much.
    """

    from_pool: bool = False
    approved_no: str | None = None
    approved_on: date | None = None

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        if self.from_pool:
            return super().slots(on)
        return (
            Slot(POOL, self.kind, "ceiling", self.number, on),
            Slot(self.institution, self.kind, "approved", self.number, on),
        )


@rests_on_a_document
class CutBack(Fact, fact="quotas.cut-back", called="编制核减", about=_ABOUT_POOL):
    """Quota of an institution went back into the pool (核减、收回)."""

    institution: Annotated[str, Subject("account")]
    kind: QuotaKind
    number: int
    reason: Text

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        return (
            Slot(self.institution, self.kind, "approved", -self.number, on),
            Slot(POOL, self.kind, "approved", self.number, on),
        )


@rests_on_a_document
class Transferred(Fact, fact="quotas.transferred", called="编制调剂"):
    """Quota moved from one institution to another (调剂、划转)."""

    giver: Annotated[str, Subject("account")]
    receiver: Annotated[str, Subject("account")]
    kind: QuotaKind
    number: int

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        return (
            Slot(self.giver, self.kind, "approved", -self.number, on),
            Slot(self.receiver, self.kind, "approved", self.number, on),
        )


# ── rules ────────────────────────────────────────────────────────────────────────────────────

_ORGAN_KINDS: Final = frozenset({"10", "11", "12", "13", "19"})
_INSTITUTION_KINDS: Final = frozenset({"20", "21", "22", "29", "30"})
_BOTH: Final = frozenset(
    {
        InstitutionCategory.MASS,
        InstitutionCategory.TOWNSHIP,
        InstitutionCategory.SUBDISTRICT,
        InstitutionCategory.DISPATCHED,
        InstitutionCategory.TEMPORARY,
        InstitutionCategory.COORDINATING,
        InstitutionCategory.OTHER,
    }
)
"""Categories whose quota may be of both kinds: 乡镇、街道 hold both since the reform."""


def _fitting(category: InstitutionCategory) -> frozenset[str]:
    if category in _BOTH:
        return _ORGAN_KINDS | _INSTITUTION_KINDS
    public = (InstitutionCategory.INSTITUTION, InstitutionCategory.CIVIL_SERVICE_LAW)
    return _INSTITUTION_KINDS if category in public else _ORGAN_KINDS


@rule
def kind_fits_the_institution(institution: Institution, kind: QuotaKind) -> bool | Hindrance:
    """行政编制用于机关，事业编制用于事业单位，不得混用。

    依据：地方各级人民政府机构设置和编制管理条例第十五条。
    """
    if institution.founded is None or kind in _fitting(institution.founded.category):
        return True
    category = institution.founded.category.label
    return Hindrance(f"{institution.name}是{category}，不能使用{kind.label}。")


@rule(held_by_the_net=True)
def pool_has_enough(pool: QuotaBook, slots: Iterable[Slot]) -> bool | Hindrance:
    """各单位编制与编制池之和不得突破编制总量。

    依据：地方各级人民政府机构设置和编制管理条例第十六条（编制总额）。
    """
    shortage = pool.shortage(slots)
    if shortage is None:
        return True
    left = pool.totals(shortage.kind, shortage.day).usable
    label = kind_label(shortage.kind)
    return Hindrance(f"编制池{shortage.day}的{label}只有{left}名，还差{shortage.missing}名。")


@rule(held_by_the_net=True)
def quota_given_up_is_not_in_use(book: QuotaBook, slots: Iterable[Slot]) -> bool | Hindrance:
    """核减、收回、调出的编制应是没有占用和预留的编制。

    依据：地方各级人民政府机构设置和编制管理条例第十八条。
    """
    return _enough(book, slots)


@rule(held_by_the_net=True)
def quota_has_a_vacancy(book: QuotaBook, slots: Iterable[Slot]) -> bool | Hindrance:
    """用编不得突破核定编制。依据：地方各级人民政府机构设置和编制管理条例第十五条、第二十六条。"""
    return _enough(book, slots)


def _enough(book: QuotaBook, slots: Iterable[Slot]) -> bool | Hindrance:
    shortage = book.shortage(slots)
    if shortage is None:
        return True
    kind, day, missing = shortage
    totals = book.totals(kind, day)
    return Hindrance(
        f"{day}{kind_label(kind)}核定{totals.approved}名，在编{totals.occupied}名，"
        f"已核准未入编{totals.reserved}名，还差{missing}名。",
        book.takers(kind, day)[:NAMED_AT_MOST],
    )


@rule
def account_is_empty(book: QuotaBook, day: date) -> bool | Hindrance:
    """撤销机构前，人员应全部出编或调出，编制应全部收回。

    依据：地方各级人民政府机构设置和编制管理条例第九条；机构撤销应同时核销其编制。
    """
    for kind in book.kinds():
        on = book.first_held(kind, day)
        if on is None:
            continue
        totals = book.totals(kind, on)
        return Hindrance(
            f"{on}仍有{kind_label(kind)}核定{totals.approved}名、在编{totals.occupied}名、"
            f"已核准未入编{totals.reserved}名。",
            book.takers(kind, on)[:NAMED_AT_MOST],
        )
    return True


@rule
def giver_is_not_receiver(giver: str, receiver: str) -> bool:
    """编制在两个不同单位之间调剂。依据：地方各级人民政府机构设置和编制管理条例第十八条。"""
    return giver != receiver


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class SetCeiling(DatedCommand, kind="quotas.set-ceiling", title="下达编制总量"):
    """Raise or lower the ceiling of a kind as the level above decided."""

    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    change: Annotated[
        int, Field(title="增减数", description="增为正，减为负", ge=-1_000_000, le=1_000_000)
    ]

    @field_validator("change")
    @classmethod
    def _changes_something(cls, change: int) -> int:
        if change == 0:
            raise ValueError("增减数不能为0")
        return change

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        fact = CeilingSet(kind=self.quota_kind, change=self.change)
        slots = tuple(fact.slots(self.effective_on))
        past.require(pool_has_enough, past.of(QuotaBook, POOL), slots)
        yield fact


class QuotaFiling(DatedCommand):
    """A filing about so many of one kind of one institution's quota."""

    institution: Annotated[InternalId, Field(title="机构（系统内编号）")]
    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Number


class GrantQuota(QuotaFiling, kind="quotas.grant", title="核增编制"):
    """Grant an institution quota from the pool."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        fact = Granted(institution=self.institution, kind=self.quota_kind, number=self.number)
        _require_it_may_receive(self.institution, fact, self.effective_on, past)
        yield fact


class TakeOverQuota(QuotaFiling, kind="quotas.take-over", title="编制期初"):
    """Take an institution's quota over from the office's earlier books."""

    from_pool: Annotated[
        bool, Field(title="编制总量已另行下达", description="是：从编制池核增；否：总量随本次增加")
    ] = False
    approved_no: Annotated[Text | None, Field(title="批准文号")] = None
    approved_on: Annotated[date | None, Field(title="批准日期")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        require_opening_day(self.effective_on, past)
        fact = TakenOver(
            institution=self.institution,
            kind=self.quota_kind,
            number=self.number,
            from_pool=self.from_pool,
            approved_no=self.approved_no,
            approved_on=self.approved_on,
        )
        _require_it_may_receive(self.institution, fact, self.effective_on, past)
        yield fact


class CutBackQuota(QuotaFiling, kind="quotas.cut-back", title="核减编制"):
    """Take unused quota of an institution back into the pool."""

    reason: Annotated[Text, Field(title="核减原因")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        fact = CutBack(
            institution=self.institution,
            kind=self.quota_kind,
            number=self.number,
            reason=self.reason,
        )
        institution = past.of(Institution, self.institution)
        past.require(institution_stands, institution, self.effective_on)
        slots = tuple(fact.slots(self.effective_on))
        past.require(quota_given_up_is_not_in_use, past.of(QuotaBook, self.institution), slots)
        yield fact


class TransferQuota(DatedCommand, kind="quotas.transfer", title="调剂编制"):
    """Move unused quota from one institution to another."""

    giver: Annotated[InternalId, Field(title="调出机构（系统内编号）")]
    receiver: Annotated[InternalId, Field(title="调入机构（系统内编号）")]
    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Number

    def subjects(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.subjects`."""
        return (f"institution:{self.giver}", f"institution:{self.receiver}")

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(giver_is_not_receiver, self.giver, self.receiver)
        giver = past.of(Institution, self.giver)
        past.require(institution_stands, giver, self.effective_on)
        fact = Transferred(
            giver=self.giver,
            receiver=self.receiver,
            kind=self.quota_kind,
            number=self.number,
        )
        slots = tuple(fact.slots(self.effective_on))
        past.require(quota_given_up_is_not_in_use, past.of(QuotaBook, self.giver), slots)
        _require_kind_fits(self.receiver, self.quota_kind, self.effective_on, past)
        yield fact


def _require_it_may_receive(who: str, fact: Given, day: date, past: Past) -> None:
    _require_kind_fits(who, fact.kind, day, past)
    past.require(pool_has_enough, past.of(QuotaBook, POOL), tuple(fact.slots(day)))


def _require_kind_fits(who: str, kind: QuotaKind, day: date, past: Past) -> None:
    institution = past.of(Institution, who)
    past.require(institution_stands, institution, day)
    past.require(kind_fits_the_institution, institution, kind)


@guards(AbolishInstitution)
def _its_account_is_empty(command: AbolishInstitution, past: Past) -> None:
    book = past.of(QuotaBook, command.institution)
    past.require(account_is_empty, book, command.effective_on)
