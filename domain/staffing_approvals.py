"""Approval to use quota (用编核准): permission before the person comes.

Before a unit recruits or takes somebody over, the office approves the use of so many vacant slots
of one kind until a day. The approval reserves them: from its day on nobody else gets them. Each
entering or transfer with the approval turns one reservation into an occupied slot; what has not
been used ends by itself after the last valid day, or when the approval is cancelled (撤销核准).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import Field

from domain.code_sets import EntryMode, QuotaKind
from domain.deciding import DatedCommand, Decision, Hindrance, Misfit, Past, Standing, rule
from domain.documents import rests_on_a_document
from domain.institutions import Institution, institution_stands
from domain.quotas import Number, kind_fits_the_institution, quota_has_a_vacancy
from domain.quotas_accounts import QuotaBook
from domain.vocabulary import (
    BusinessDate,
    Entry,
    Fact,
    InternalId,
    Slot,
    Subject,
    Text,
)
from domain.workdays import months_later

# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class UseApproved(Fact, fact="staffing.use-approved", called="用编核准"):
    """An institution may fill ``number`` slots of a kind up to and including ``valid_until``."""

    founds: ClassVar[str | None] = "approval"

    approval: Annotated[str, Subject("approval")]
    institution: Annotated[str, Subject("account")]
    kind: QuotaKind
    number: int
    valid_until: date
    entry_mode: EntryMode | None = None
    conditions: Text | None = None

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`: reserved until the last valid day."""
        return reserving(self, self.number, on, self.valid_until)

    def later_days(self) -> tuple[date, ...]:
        """See `domain.vocabulary.Fact.later_days`: the day on which it is valid no more."""
        return (self.valid_until + timedelta(days=1),)


@rests_on_a_document
class UseCancelled(Fact, fact="staffing.use-cancelled", called="用编核准撤销"):
    """The unused rest of an approval, ``number`` slots, was given up (撤销核准)."""

    approval: Annotated[str, Subject("approval")]
    institution: Annotated[str, Subject("account")]
    kind: QuotaKind
    number: int
    valid_until: date
    reason: Text

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`: reserved no more from this day on."""
        return reserving(self, -self.number, on, self.valid_until)


class Using(Fact):
    """A fact that fills a slot of an institution, as an approval allows (or without one)."""

    approval: Annotated[str | None, Subject("approval")] = None
    reserved_until: date | None = None
    institution: Annotated[str, Subject("account")]
    kind: QuotaKind

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`: the reservation becomes an occupied slot."""
        taken = Slot(self.institution, self.kind, "occupied", 1, on)
        if self.reserved_until is None:
            return (taken,)
        return (taken, *reserving(self, -1, on, self.reserved_until))


def reserving(
    fact: UseApproved | UseCancelled | Using, n: int, first: date, last: date
) -> tuple[Slot, Slot]:
    """Return the movements of ``n`` reservations from ``first`` to ``last``, both included."""
    after = last + timedelta(days=1)
    return (
        Slot(fact.institution, fact.kind, "reserved", n, first),
        Slot(fact.institution, fact.kind, "reserved", -n, after),
    )


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Approval(Standing, subject="approval", guards=True):
    """An approval: what it allows, how much of it is used and given up."""

    approved: UseApproved | None = None
    position: int = 0
    since: date | None = None
    used: tuple[int, ...] = ()
    given_up: int = 0
    misfits: tuple[Misfit, ...] = ()

    @property
    def left(self) -> int:
        """How many slots may still be filled with it."""
        return 0 if self.approved is None else self.approved.number - len(self.used) - self.given_up

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if isinstance(fact, UseApproved):
            if self.approved is not None:
                return self._with_misfit(entry, "该用编核准已经登记")
            since = entry.business_date
            return replace(self, approved=fact, position=entry.position, since=since)
        if not isinstance(fact, UseCancelled | Using):
            return self
        why = self._unfit(fact, entry.business_date)
        if why is not None:
            return self._with_misfit(entry, why)
        if isinstance(fact, UseCancelled):
            return replace(self, given_up=self.given_up + fact.number)
        used = (*self.used, entry.position)
        return type(self)(
            self.approved, self.position, self.since, used, self.given_up, self.misfits
        )

    def _unfit(self, fact: UseCancelled | Using, day: date) -> str | None:
        approved = self.approved
        if approved is None:
            return "该业务所用的用编核准在这一天尚未办理"
        until = fact.valid_until if isinstance(fact, UseCancelled) else fact.reserved_until
        if (fact.institution, fact.kind, until) != (
            approved.institution,
            approved.kind,
            approved.valid_until,
        ):
            return "该业务与所用用编核准的单位、编制类型或有效期不符"
        if day > approved.valid_until:
            return f"所用用编核准有效期至{approved.valid_until}"
        n = fact.number if isinstance(fact, UseCancelled) else 1
        return "所用用编核准的名额已经用完" if n > self.left else None

    def _with_misfit(self, entry: Entry, why: str) -> Self:
        return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def kind_is_approved_there(
    book: QuotaBook, name: str, kind: QuotaKind, day: date
) -> bool | Hindrance:
    """使用的编制类型应是该单位已核定的编制类型。

    依据：地方各级人民政府机构设置和编制管理条例第十五条。
    """
    return book.approves(kind, day) or Hindrance(f"{name}在{day}没有核定{kind.label}。")


@rule
def approval_is_on_record(approval: Approval) -> bool | Hindrance:
    """入编、调入应凭已办理的用编核准。依据：机构编制实名制管理关于用编先核准、后进人的规定。"""
    return approval.approved is not None or Hindrance("系统内没有这份用编核准。")


@rule
def approval_is_valid_on_the_day(approval: Approval, day: date) -> bool | Hindrance:
    """用编核准应在有效期内使用。依据：机构编制实名制管理关于用编核准限期使用的规定。"""
    approved, since = approval.approved, approval.since
    if approved is None or since is None or since <= day <= approved.valid_until:
        return True
    return Hindrance(
        f"该核准有效期为{since}至{approved.valid_until}，业务生效日是{day}。", (approval.position,)
    )


@rule
def approval_has_slots_left(approval: Approval) -> bool | Hindrance:
    """一份用编核准不得超出核准数使用。依据：机构编制实名制管理关于按核准数用编的规定。"""
    if approval.left > 0 or approval.approved is None:
        return True
    return Hindrance(
        f"该核准共{approval.approved.number}名，已使用{len(approval.used)}名，"
        f"已撤销{approval.given_up}名。",
        (approval.position, *approval.used),
    )


@rule
def approval_is_for_this_use(
    approval: Approval, institution: str, kind: QuotaKind, mode: EntryMode
) -> bool | Hindrance:
    """用编核准只用于所核准的单位、编制类型和进入形式。

    依据：机构编制实名制管理关于按核准用编的规定；编制类型不得混用（条例第十五条）。
    """
    approved = approval.approved
    if approved is None:
        return True
    if approved.institution != institution:
        return Hindrance("该核准是给另一个单位的。", (approval.position,))
    if approved.kind is not kind:
        return Hindrance(
            f"该核准用于{approved.kind.label}，不是{kind.label}。", (approval.position,)
        )
    if approved.entry_mode is not None and approved.entry_mode is not mode:
        label = approved.entry_mode.label
        return Hindrance(f"该核准用于{label}，不是{mode.label}。", (approval.position,))
    return True


@rule
def approval_ends_after_it_begins(day: date, valid_until: date) -> bool | Hindrance:
    """用编核准的有效期应不早于核准日。依据：机构编制实名制管理关于用编核准限期使用的规定。"""
    return valid_until >= day or Hindrance(f"核准日{day}，有效期至{valid_until}。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class ApproveUse(DatedCommand, kind="staffing.approve-use", title="用编核准"):
    """Let an institution fill vacant slots, and reserve them."""

    institution: Annotated[InternalId, Field(title="机构（系统内编号）")]
    quota_kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Number
    valid_until: Annotated[
        BusinessDate | None, Field(title="有效期至", description="不填按设置的有效期计算")
    ] = None
    entry_mode: Annotated[EntryMode | None, Field(title="进入形式")] = None
    conditions: Annotated[Text | None, Field(title="核准条件")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        day = self.effective_on
        until = self.valid_until
        if until is None:
            until = months_later(day, past.setting("use_approval_months", day))
        past.require(approval_ends_after_it_begins, day, until)
        institution = past.of(Institution, self.institution)
        past.require(institution_stands, institution, day)
        past.require(kind_fits_the_institution, institution, self.quota_kind)
        book = past.of(QuotaBook, self.institution)
        past.require(kind_is_approved_there, book, institution.name, self.quota_kind, day)
        fact = UseApproved(
            approval=past.new_id(),
            institution=self.institution,
            kind=self.quota_kind,
            number=self.number,
            valid_until=until,
            entry_mode=self.entry_mode,
            conditions=self.conditions,
        )
        past.require(quota_has_a_vacancy, book, tuple(fact.slots(day)))
        yield fact


class CancelUse(DatedCommand, kind="staffing.cancel-use", title="撤销用编核准"):
    """Give up the unused rest of an approval."""

    approval: Annotated[InternalId, Field(title="用编核准（系统内编号）")]
    reason: Annotated[Text, Field(title="撤销原因")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        approval = past.of(Approval, self.approval)
        past.require(approval_is_on_record, approval)
        past.require(approval_is_valid_on_the_day, approval, self.effective_on)
        past.require(approval_has_slots_left, approval)
        approved = approval.approved
        if approved is None:  # the rule has refused by now; this tells the type checker
            raise AssertionError
        yield UseCancelled(
            approval=self.approval,
            institution=approved.institution,
            kind=approved.kind,
            number=approval.left,
            valid_until=approved.valid_until,
            reason=self.reason,
        )
