"""Moving on and leaving (调动、出编).

A person in the establishment may be transferred (调动) to another unit's slot of the same kind: one
fact, so that heads are conserved, with a 用编核准 and a notice of the receiving unit. He leaves
(出编) for a reason that a document proves; the slot is free from that day on. Who changes from one
kind of quota to another leaves first and enters anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import Field

from domain.code_sets import EntryMode, LeaveReason, QuotaKind
from domain.deciding import DatedCommand, Decision, Hindrance, Past, rule
from domain.documents import rests_on_a_document
from domain.quotas import quota_has_a_vacancy
from domain.staffing import (
    Career,
    Coming,
    Going,
    Noticed,
    Placement,
    Stay,
    Timeliness,
    timeliness,
)
from domain.staffing_people import Person, person_is_registered
from domain.vocabulary import InternalId, Personal, Slot, Subject, Text

# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class Transferred(Going, Coming, Noticed, fact="staffing.transferred", called="调动"):
    """A person moved from one unit's slot to another's of the same kind (调动)."""

    former: Annotated[str, Subject("account")]
    entry_mode: EntryMode

    def leaves(self) -> str:
        """See `Going.leaves`."""
        return self.former

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`: as much comes in as goes out."""
        return (Slot(self.former, self.kind, "occupied", -1, on), *Coming.slots(self, on))


@rests_on_a_document
class Left(Going, Timeliness, fact="staffing.left", called="出编"):
    """A person left the establishment (出编)."""

    institution: Annotated[str, Subject("account")]
    reason: LeaveReason
    proof: str
    destination: Annotated[str | None, Personal()] = None

    def leaves(self) -> str:
        """See `Going.leaves`."""
        return self.institution

    def slots(self, on: date) -> Iterable[Slot]:
        """See `domain.vocabulary.Fact.slots`."""
        return (Slot(self.institution, self.kind, "occupied", -1, on),)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def person_is_in_an_establishment(stay: Stay | None, day: date) -> bool | Hindrance:
    """只有在编人员才能办理调动和出编。依据：机构编制实名制管理账实相符的要求。"""
    return stay is not None or Hindrance(f"该人员在{day}不在编。")


@rule
def transfer_goes_elsewhere(stay: Stay, institution: str) -> bool | Hindrance:
    """调动在两个不同单位之间办理。依据：机构编制实名制管理账实相符的要求。"""
    return stay.institution != institution or Hindrance("该人员已在这个单位。", (stay.position,))


@rule
def transfer_keeps_the_kind(stay: Stay, kind: QuotaKind) -> bool | Hindrance:
    """调动不改变编制类型；跨类型流动应按调任、公开招聘等程序先出编、再入编。

    依据：地方各级人民政府机构设置和编制管理条例第十五条；公务员法第七十条、第七十一条。
    """
    if stay.kind is kind:
        return True
    return Hindrance(f"该人员现为{stay.kind.label}，不能调入{kind.label}。", (stay.position,))


@rule
def leaving_is_proved(reason: LeaveReason, documents: int) -> bool | Hindrance:
    """出编应有与原因相应的证明文件。依据：机构编制实名制管理关于核销编制凭证明文件办理的规定。"""
    return documents > 0 or Hindrance(f"减员原因为{reason.label}，请引用{reason.proof}。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class TransferPerson(Placement, kind="staffing.transfer", title="调动"):
    """Move a person to another unit's slot of the same kind."""

    person: Annotated[InternalId, Field(title="人员（系统内编号）")]
    entry_mode: Annotated[EntryMode, Field(title="进入形式")] = EntryMode.TRANSFER_IN
    approval: Annotated[InternalId | None, Field(title="用编核准（系统内编号）")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(person_is_registered, past.of(Person, self.person))
        stay = past.of(Career, self.person).stay_on(self.effective_on)
        past.require(person_is_in_an_establishment, stay, self.effective_on)
        if stay is None:  # the rule has refused by now; this tells the type checker
            raise AssertionError
        past.require(transfer_goes_elsewhere, stay, self.institution)
        past.require(transfer_keeps_the_kind, stay, self.quota_kind)
        book = self.require_the_place(past)
        reserved_until = self.require_approval(self.approval, self.entry_mode, past)
        fact = Transferred(
            person=self.person,
            former=stay.institution,
            institution=self.institution,
            kind=self.quota_kind,
            funding=self.funding,
            person_class=self.person_class,
            post_title=self.post_title,
            entry_mode=self.entry_mode,
            approval=self.approval,
            reserved_until=reserved_until,
            **self.next_notice(past),
            **timeliness(self.effective_on, past),
        )
        past.require(quota_has_a_vacancy, book, tuple(fact.slots(self.effective_on)))
        yield fact


class LeaveEstablishment(DatedCommand, kind="staffing.leave", title="出编"):
    """Take a person out of the establishment and free the slot."""

    person: Annotated[InternalId, Field(title="人员（系统内编号）")]
    reason: Annotated[LeaveReason, Field(title="减员原因")]
    destination: Annotated[Text | None, Field(title="去向")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(person_is_registered, past.of(Person, self.person))
        stay = past.of(Career, self.person).stay_on(self.effective_on)
        past.require(person_is_in_an_establishment, stay, self.effective_on)
        if stay is None:  # the rule has refused by now; this tells the type checker
            raise AssertionError
        past.require(leaving_is_proved, self.reason, len(self.basis))
        yield Left(
            person=self.person,
            institution=stay.institution,
            kind=stay.kind,
            reason=self.reason,
            proof=self.reason.proof,
            destination=self.destination,
            **timeliness(self.effective_on, past),
        )
