"""How a list in force is adjusted (动态调整): applied for, reviewed, approved, published.

    情形发生 ──(20)──► 申请 ──(15)──► 编办审核 + 合法性审查 ──► 批准 ──(3)──► 公布
                         ▲                    │ 退回            │
                         └────────────────────┘                 └─► the items change, all at once

A law changes, the level above cancels or hands down, a function moves: within so many working days
the department applies, naming the items and the texts as they are to read. Two reviews are needed,
by the office that keeps the lists and by the lawyers; whoever applied reviews nothing of it. What
comes onto a list or leaves it needs the government's approval; changed elements need the two
reviews only (a setting says which kinds need whom). Whether each step was in time is counted when
it is filed, and kept.

One application may hold many changes under one document; they are carried out in one append, on
the list as it is by then, or not at all. The facts of the whole way stand here, with its second
half; how an application is made is told in `rights_applying`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets_adjusting import AdjustmentKind
from domain.codes import Named
from domain.deciding import (
    DatedCommand,
    Decision,
    Draft,
    Hindrance,
    Misfit,
    Past,
    Standing,
    naming,
    rule,
)
from domain.documents import rests_on_a_document
from domain.rights import ItemFact
from domain.rights_changes import Change, part_told
from domain.rights_effects import Carrying
from domain.rights_terms import Clocked, clocked
from domain.vocabulary import BusinessDate, Entry, Fact, InternalId, LongText, Subject, Text

Stage = Literal["office", "legality"]
STAGES: Final[dict[Stage, str]] = {"office": "管理机构审核", "legality": "合法性审查"}

Approver = Literal["reviewers", "government", "commission"]
APPROVERS: Final[dict[Approver, str]] = {
    "reviewers": "管理机构和合法性审查机构",
    "government": "同级人民政府",
    "commission": "机构编制委员会",
}


class Opinion(BaseModel):
    """What another department concerned says of an application (涉及部门意见)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: Annotated[InternalId, Field(title="部门（系统内编号）")]
    opinion: Annotated[LongText, Field(title="意见")]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class AdjustmentApplied(Clocked, fact="rights.adjustment-applied", called="权责清单调整申请"):
    """A department applied for an adjustment (调整申请), for the first time or once returned."""

    founds: ClassVar[str | None] = "adjustment"

    adjustment: Annotated[str, Subject("adjustment")]
    department: str
    trigger_on: date
    round: int
    changes: tuple[Change, ...]
    opinions: tuple[Opinion, ...] = ()


class AdjustmentReviewed(Clocked, fact="rights.adjustment-reviewed", called="权责清单调整审核"):
    """One of the two reviews passed the application or returned it (审核、合法性审查)."""

    adjustment: Annotated[str, Subject("adjustment")]
    stage: Stage
    passed: bool
    opinion: LongText


@rests_on_a_document
class AdjustmentApproved(Fact, fact="rights.adjustment-approved", called="权责清单调整批准"):
    """The application was approved (批准); the items changed in the same append."""

    adjustment: Annotated[str, Subject("adjustment")]
    approved_by: Approver
    meeting: Text | None = None
    takes_effect_on: date
    items: int
    admissions: Annotated[tuple[str, ...], Subject("admission")] = ()


class AdjustmentPublished(Clocked, fact="rights.adjustment-published", called="权责清单调整公布"):
    """The adjustment was made public (公布)."""

    adjustment: Annotated[str, Subject("adjustment")]
    channels: tuple[Text, ...]


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Adjustment(Standing, subject="adjustment", guards=True):
    """How far an application has come."""

    applied: AdjustmentApplied | None = None
    applied_on: date | None = None
    applied_by: str = ""
    position: int = 0
    passed: tuple[Stage, ...] = ()
    returned: bool = False
    approved_on: date | None = None
    approved_at: int = 0
    published_at: int = 0
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        why = self._unfit(entry.fact)
        if why is not None:
            return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))
        return self._next(entry, entry.fact)

    def _unfit(self, fact: Fact) -> str | None:
        if isinstance(fact, AdjustmentApplied):
            open_ = self.applied is None or self.returned
            return None if open_ and self.approved_on is None else "该调整已经申请"
        if isinstance(fact, AdjustmentReviewed):
            open_ = self.applied is not None and not self.returned and self.approved_on is None
            return None if open_ else "该调整在这一天不在审核中"
        if isinstance(fact, AdjustmentApproved):
            ready = len(self.passed) == len(STAGES) and self.approved_on is None
            return None if ready else "该调整在这一天尚未通过审核"
        if isinstance(fact, AdjustmentPublished | ItemFact) and self.approved_on is None:
            return "该调整在这一天尚未批准"
        return None

    def _next(self, entry: Entry, fact: Fact) -> Self:
        day, position = entry.business_date, entry.position
        if isinstance(fact, AdjustmentApplied):
            return type(self)(fact, day, entry.prepared_by, position, misfits=self.misfits)
        if isinstance(fact, AdjustmentReviewed):
            if not fact.passed:
                return replace(self, passed=(), returned=True)
            return replace(self, passed=tuple(dict.fromkeys((*self.passed, fact.stage))))
        if isinstance(fact, AdjustmentApproved):
            return replace(self, approved_on=day, approved_at=position)
        if isinstance(fact, AdjustmentPublished):
            return replace(self, published_at=position)
        return self


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def adjustment_is_under_review(adjustment: Adjustment) -> bool | Hindrance:
    """只审核正在办理的调整申请。依据：各地权责清单动态管理办法关于办理程序的规定。"""
    if adjustment.applied is None:
        return Hindrance("系统内没有这份调整申请。")
    if adjustment.approved_on is not None:
        return Hindrance(f"该调整已于{adjustment.approved_on}批准。", (adjustment.approved_at,))
    if adjustment.returned:
        return Hindrance("该申请已经退回，请等部门重新报送。", (adjustment.position,))
    return True


@rule
def reviewer_is_not_the_applicant(adjustment: Adjustment, actor: str) -> bool | Hindrance:
    """申请人不审核、不批准自己报送的调整。

    依据：行政机关内部制约的要求；各地权责清单动态管理办法关于申请、审核相分离的规定。
    """
    if adjustment.applied_by != actor:
        return True
    return Hindrance("该申请由同一账号报送。", (adjustment.position,))


@rule
def both_reviews_have_passed(adjustment: Adjustment) -> bool | Hindrance:
    """批准前应通过管理机构审核和合法性审查。

    依据：重大行政决策程序暂行条例第二十五条；各地权责清单动态管理办法关于审核的规定。
    """
    missing = [title for stage, title in STAGES.items() if stage not in adjustment.passed]
    return not missing or Hindrance(f"尚未通过{'、'.join(missing)}。", (adjustment.position,))


@rule
def approver_fits_the_kinds(
    needed: tuple[AdjustmentKind, ...], approved_by: Approver, n_documents: int
) -> bool | Hindrance:
    """事项的新增、取消、下放等由同级政府批准并引用批准文件；要素变更经两部门审核即可。

    依据：各地权责清单动态管理办法关于审定权限的规定（何种调整由谁批准，见设置）。
    """
    if not needed:
        return True
    kinds = "、".join(kind.label for kind in needed)
    if approved_by == "reviewers":
        return Hindrance(f"{kinds}须经政府批准。")
    return n_documents > 0 or Hindrance(f"{kinds}须经政府批准，请引用批准文件。")


@rule
def takes_effect_after_approval(approved_on: date, takes_effect_on: date) -> bool | Hindrance:
    """调整自批准之日或之后起生效。依据：各地权责清单动态管理办法关于批准、公布的规定。"""
    if takes_effect_on >= approved_on:
        return True
    return Hindrance(f"批准日{approved_on}，生效日{takes_effect_on}。")


@rule
def adjustment_awaits_publication(adjustment: Adjustment) -> bool | Hindrance:
    """批准后的调整公布一次。依据：政府信息公开条例第二十条；各地权责清单动态管理办法。"""
    if adjustment.applied is None:
        return Hindrance("系统内没有这份调整申请，请核对编号。")
    if adjustment.approved_on is None:
        return Hindrance("该调整尚未批准。")
    if adjustment.published_at:
        return Hindrance("该调整已经公布。", (adjustment.published_at,))
    return True


# ── commands ─────────────────────────────────────────────────────────────────────────────────


AdjustmentId = Annotated[InternalId, Field(title="调整申请（系统内编号）")]


class ReviewAdjustment(DatedCommand, kind="rights.review", title="审核调整申请"):
    """Pass an application, or return it with reasons."""

    adjustment: AdjustmentId
    stage: Annotated[Stage, Named(STAGES), Field(title="审核环节")]
    passed: Annotated[bool, Field(title="是否通过", description="否：退回部门")]
    opinion: Annotated[LongText, Field(title="审核意见")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        adjustment = past.of(Adjustment, self.adjustment)
        past.require(adjustment_is_under_review, adjustment)
        past.require(reviewer_is_not_the_applicant, adjustment, past.actor)
        start = adjustment.applied_on or self.effective_on
        yield AdjustmentReviewed(
            adjustment=self.adjustment,
            stage=self.stage,
            passed=self.passed,
            opinion=self.opinion,
            **clocked(start, self.effective_on, "rights_review_workdays", past),
        )


class ApproveAdjustment(DatedCommand, kind="rights.approve", title="批准调整权责清单"):
    """Approve an application; its changes are carried out in the same append."""

    adjustment: AdjustmentId
    approved_by: Annotated[Approver, Named(APPROVERS), Field(title="批准机关")]
    meeting: Annotated[Text | None, Field(title="审定会议")] = None
    takes_effect_on: Annotated[
        BusinessDate | None, Field(title="调整生效日", description="不填为批准日")
    ] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        adjustment = past.of(Adjustment, self.adjustment)
        past.require(adjustment_is_under_review, adjustment)
        past.require(both_reviews_have_passed, adjustment)
        past.require(reviewer_is_not_the_applicant, adjustment, past.actor)
        applied = adjustment.applied
        if applied is None:  # the rule has refused by now; this tells the type checker
            raise AssertionError
        table = past.setting("rights_approval_by_kind", self.effective_on)
        kinds = dict.fromkeys(change.kind for change in applied.changes)
        needed = tuple(kind for kind in kinds if table[kind.value] == "government")
        past.require(approver_fits_the_kinds, needed, self.approved_by, len(self.basis))
        day = self.takes_effect_on or self.effective_on
        past.require(takes_effect_after_approval, self.effective_on, day)
        yield AdjustmentApproved(
            adjustment=self.adjustment,
            approved_by=self.approved_by,
            meeting=self.meeting,
            takes_effect_on=day,
            items=sum(max(len(one.items), len(one.contents)) for one in applied.changes),
            admissions=tuple({one.admission for one in applied.changes if one.admission}),
        )
        for n, change in enumerate(applied.changes):
            carrying = Carrying(change, applied.department, day, self.adjustment, past)
            with naming(partial(part_told, n, change, day, past)):
                for fact in carrying.facts():
                    yield Draft(fact, effective_on=day)


class PublishAdjustment(DatedCommand, kind="rights.publish-adjustment", title="公布调整"):
    """Make an approved adjustment public; takes effect on the day of publication."""

    adjustment: AdjustmentId
    channels: Annotated[tuple[Text, ...], Field(title="公布渠道", min_length=1, max_length=20)]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        adjustment = past.of(Adjustment, self.adjustment)
        past.require(adjustment_awaits_publication, adjustment)
        start = adjustment.approved_on or self.effective_on
        yield AdjustmentPublished(
            adjustment=self.adjustment,
            channels=self.channels,
            **clocked(start, self.effective_on, "rights_publish_workdays", past),
        )
