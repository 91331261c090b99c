"""Compiling a list (清单编制): drafted, submitted, reviewed in rounds, checked, approved.

    启动 ─► 部门起草 ─► 报送（第n轮） ─► 审核 ──通过──► 合法性审查 ─► 政府审定 ─► 公布
               ▲                          │ 退回（逐项意见）
               └──────────────────────────┘

A compilation has a plan that was approved, a level, and the departments in its scope. Each submits
its drafts (`rights_submitting`); the review group passes them or returns them with a word on each
item that is not in order, as many rounds as it takes. Who submitted reviews nothing of it, and no
department is reviewed by its own people. When every department has passed, the lawyers check the
whole, the government approves it with a document, and only then is it published
(`rights_editions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets_adjusting import ListLevel
from domain.codes import Named
from domain.deciding import DatedCommand, Decision, Hindrance, Misfit, Past, Standing, naming, rule
from domain.documents import rests_on_a_document
from domain.institutions import Institution
from domain.rights import require_department
from domain.rights_drafting import (
    Drafts,
    draft_lies_in_the_folder,
    folder_of,
)
from domain.vocabulary import Entry, Fact, InternalId, LongText, Subject, Text

Approver = Literal["government", "commission"]
APPROVERS: Final[dict[Approver, str]] = {
    "government": "同级人民政府",
    "commission": "机构编制委员会",
}


class Comment(BaseModel):
    """What the review group says of one item, or of the drafts as a whole (审核意见)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Annotated[InternalId | None, Field(title="事项（系统内编号）")] = None
    comment: Annotated[LongText, Field(title="意见")]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class CompileStarted(Fact, fact="rights.compile-started", called="权责清单编制启动"):
    """A list is to be compiled (编制启动), by these departments."""

    founds: ClassVar[str | None] = "compile"

    compiling: Annotated[str, Subject("compile")]
    name: Text
    level: ListLevel
    departments: tuple[str, ...]
    drafts_due_on: date | None = None

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`: itself, each department's part, its level's list."""
        parts = (f"drafting:{folder_of(self.compiling, one)}" for one in self.departments)
        return (*super().tags(), *parts, f"list:{self.level.value}")


class OfPart(Fact):
    """A fact about one department's part in a compilation, in round ``round``."""

    compiling: Annotated[str, Subject("compile")]
    department: str
    round: int

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`."""
        return (*super().tags(), f"drafting:{folder_of(self.compiling, self.department)}")


class DraftsSubmitted(OfPart, fact="rights.drafts-submitted", called="权责清单草稿报送"):
    """A department submitted its drafts (报送); ``digest`` is that of what they say."""

    items: int
    digest: str


class DraftsReturned(OfPart, fact="rights.drafts-returned", called="权责清单草稿退回"):
    """The review group returned them, with a word on each item that is not in order (退回)."""

    reviewed_by: str
    comments: tuple[Comment, ...]


class DraftsPassed(OfPart, fact="rights.drafts-passed", called="权责清单草稿审核通过"):
    """The review group passed them (定稿)."""

    reviewed_by: str


class CompileChecked(Fact, fact="rights.compile-checked", called="权责清单合法性审查"):
    """The lawyers checked the whole (合法性审查)."""

    compiling: Annotated[str, Subject("compile")]
    passed: bool
    opinion: LongText


@rests_on_a_document
class CompileApproved(Fact, fact="rights.compile-approved", called="权责清单审定"):
    """The government approved the compiled list (审定)."""

    compiling: Annotated[str, Subject("compile")]
    approved_by: Approver
    meeting: Text


# ── standings ────────────────────────────────────────────────────────────────────────────────


PART_STATES: Final = {
    "drafting": "起草中",
    "submitted": "审核中",
    "returned": "已退回",
    "passed": "审核通过",
}
"""How far a department's part has come, and what that is called."""


class Part(NamedTuple):
    """How far a department has come: drafting, submitted, returned or passed."""

    state: str = "drafting"
    round: int = 0
    submitted_by: str = ""
    position: int = 0


@dataclass(frozen=True)
class Compilation(Standing, subject="compile", guards=True):
    """A compilation and how far each department has come."""

    started: CompileStarted | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    checked: bool = False
    approved: CompileApproved | None = None
    approved_at: int = 0
    published_at: int = 0
    misfits: tuple[Misfit, ...] = ()

    @property
    def all_passed(self) -> bool:
        """Whether every department's drafts have been passed."""
        return bool(self.parts) and all(part.state == "passed" for part in self.parts.values())

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        why = self._unfit(entry.fact)
        if why is not None:
            return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))
        return self._next(entry, entry.fact)

    def _unfit(self, fact: Fact) -> str | None:
        if isinstance(fact, CompileStarted):
            return "该清单编制已经启动" if self.started else None
        if self.started is None:
            return "该清单编制在这一天尚未启动"
        if isinstance(fact, CompileApproved):
            ready = self.checked and self.all_passed and self.approved is None
            return None if ready else "该清单在这一天尚未通过审核和合法性审查"
        if self.approved is not None and isinstance(fact, OfPart | CompileChecked):
            return "该清单在这一天已经审定"
        return self._out_of_turn(fact) if isinstance(fact, OfPart) else None

    def _out_of_turn(self, fact: OfPart) -> str | None:
        part = self.parts.get(fact.department)
        if part is None:
            return "该部门不在编制范围内"
        if isinstance(fact, DraftsSubmitted):
            free = part.state in ("drafting", "returned")
            return None if free and fact.round == part.round + 1 else "该部门草稿的报送轮次不相衔接"
        there = part.state in ("submitted", "passed") and fact.round == part.round
        return None if there else "该部门这一轮的草稿尚未报送"

    def _next(self, entry: Entry, fact: Fact) -> Self:
        if isinstance(fact, CompileStarted):
            return replace(self, started=fact, parts=dict.fromkeys(fact.departments, Part()))
        if isinstance(fact, CompileChecked):
            return replace(self, checked=fact.passed)
        if isinstance(fact, CompileApproved):
            return replace(self, approved=fact, approved_at=entry.position)
        if not isinstance(fact, OfPart):  # the edition in which it was published
            return replace(self, published_at=entry.position)
        part = self.parts[fact.department]
        if isinstance(fact, DraftsSubmitted):
            part = Part("submitted", fact.round, entry.prepared_by, entry.position)
        else:
            state = "passed" if isinstance(fact, DraftsPassed) else "returned"
            part = part._replace(state=state)
        checked = self.checked and part.state == "passed"
        return replace(self, parts={**self.parts, fact.department: part}, checked=checked)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def plan_is_approved(n_documents: int) -> bool | Hindrance:
    """启动清单编制应有经批准的方案。依据：各地权责清单管理办法关于编制程序的规定。"""
    return n_documents > 0 or Hindrance("请引用编制方案文件。")


@rule
def drafts_are_due_after_the_start(started_on: date, due_on: date | None) -> bool | Hindrance:
    """报送期限不早于启动之日。依据：各地权责清单管理办法关于编制程序的规定。"""
    if due_on is None or due_on >= started_on:
        return True
    return Hindrance(f"启动日{started_on}，报送期限{due_on}。")


@rule
def department_is_in_the_scope(compilation: Compilation, department: str) -> bool | Hindrance:
    """编制范围内的部门方可起草、报送。依据：各地权责清单管理办法关于编制范围的规定。"""
    if compilation.started is None:
        return Hindrance("系统内没有这次清单编制，请核对编号。")
    return department in compilation.parts or Hindrance("该部门不在本次编制范围内。")


@rule
def drafts_were_submitted(compilation: Compilation, department: str) -> bool | Hindrance:
    """只审核已经报送的草稿。依据：各地权责清单管理办法关于逐轮审核的规定。"""
    if compilation.approved is not None:
        return Hindrance("该清单已经审定。", (compilation.approved_at,))
    state = compilation.parts.get(department, Part()).state
    return state in ("submitted", "passed") or Hindrance("该部门还没有报送本轮草稿。")


@rule
def reviewer_is_of_another_department(department: str, reviewed_by: str) -> bool:
    """审核人不得来自被审核的部门。依据：各地权责清单管理办法关于审核小组的规定。"""
    return department != reviewed_by


@rule
def reviewer_is_not_the_submitter(part: Part, actor: str) -> bool | Hindrance:
    """报送人不审核自己报送的草稿。依据：行政机关内部制约的要求（报送与审核相分离）。"""
    if part.submitted_by != actor:
        return True
    return Hindrance("该草稿由同一账号报送。", (part.position,))


@rule
def every_department_has_passed(
    compilation: Compilation, waiting: tuple[str, ...]
) -> bool | Hindrance:
    """各部门草稿全部审核通过后，方可进行合法性审查和审定。

    依据：重大行政决策程序暂行条例第二十五条；各地权责清单管理办法关于审核汇总的规定。
    """
    if compilation.started is None:
        return Hindrance("系统内没有这次清单编制，请核对编号。")
    if not waiting:
        return True
    named = "、".join(waiting[:_NAMED]) + ("等" if len(waiting) > _NAMED else "")
    return Hindrance(f"还有{len(waiting)}个部门的草稿没有通过审核：{named}。")


@rule
def compiled_list_was_checked(compilation: Compilation) -> bool | Hindrance:
    """审定前应通过合法性审查。依据：重大行政决策程序暂行条例第二十五条。"""
    return compilation.checked or Hindrance("该清单尚未通过合法性审查。")


@rule
def compiled_list_is_approved_once(compilation: Compilation, n_documents: int) -> bool | Hindrance:
    """清单由政府审定一次，并有审定文件。依据：各地权责清单管理办法关于政府审定的规定。"""
    if compilation.approved is not None:
        return Hindrance("该清单已经审定。", (compilation.approved_at,))
    return n_documents > 0 or Hindrance("请引用审定文件。")


_NAMED: Final = 10
"""So many departments are named, then how many there are."""


def _waiting(compilation: Compilation, past: Past) -> tuple[str, ...]:
    """Return the departments that have not passed, by their names, and how far each has come."""
    return tuple(
        f"{past.of(Institution, who).name}（{PART_STATES[part.state]}）"
        for who, part in compilation.parts.items()
        if part.state != "passed"
    )


# ── commands ─────────────────────────────────────────────────────────────────────────────────

CompileId = Annotated[InternalId, Field(title="清单编制（系统内编号）")]
DepartmentId = Annotated[InternalId, Field(title="部门（系统内编号）")]


class StartCompile(DatedCommand, kind="rights.start-compile", title="启动清单编制"):
    """Begin to compile a list."""

    name: Annotated[Text, Field(title="清单名称")]
    level: Annotated[ListLevel, Field(title="清单层级")] = ListLevel.DISTRICT
    departments: Annotated[
        tuple[InternalId, ...], Field(title="编制部门", min_length=1, max_length=500)
    ]
    drafts_due_on: Annotated[date | None, Field(title="报送期限")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(plan_is_approved, len(self.basis))
        past.require(drafts_are_due_after_the_start, self.effective_on, self.drafts_due_on)
        for n, department in enumerate(self.departments):
            spoken = past.of(Institution, department).name
            with naming(partial("第{}个部门“{}”".format, n + 1, spoken)):
                require_department(department, self.effective_on, past)
        yield CompileStarted(
            compiling=past.new_id(),
            name=self.name,
            level=self.level,
            departments=tuple(dict.fromkeys(self.departments)),
            drafts_due_on=self.drafts_due_on,
        )


class _Reviewing(DatedCommand):
    compiling: CompileId
    department: DepartmentId
    reviewed_by: Annotated[InternalId, Field(title="审核人所在单位（系统内编号）")]

    def submitted(self, past: Past) -> Part:
        """Require that there is something to review, and that this reviewer may."""
        compilation = past.of(Compilation, self.compiling)
        past.require(department_is_in_the_scope, compilation, self.department)
        past.require(drafts_were_submitted, compilation, self.department)
        part = compilation.parts[self.department]
        past.require(reviewer_is_of_another_department, self.department, self.reviewed_by)
        past.require(reviewer_is_not_the_submitter, part, past.actor)
        return part


class ReturnDrafts(_Reviewing, kind="rights.return-drafts", title="退回清单草稿"):
    """Return a department's drafts with comments, item by item."""

    comments: Annotated[tuple[Comment, ...], Field(title="审核意见", min_length=1, max_length=2000)]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        part = self.submitted(past)
        drafts = past.of(Drafts, folder_of(self.compiling, self.department))
        for n, one in enumerate(self.comments):
            if one.item is not None:
                with naming(partial("第{}条审核意见".format, n + 1)):
                    past.require(draft_lies_in_the_folder, drafts, one.item)
        yield DraftsReturned(
            compiling=self.compiling,
            department=self.department,
            round=part.round,
            reviewed_by=self.reviewed_by,
            comments=self.comments,
        )


class PassDrafts(_Reviewing, kind="rights.pass-drafts", title="审核通过清单草稿"):
    """Pass a department's drafts."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        part = self.submitted(past)
        yield DraftsPassed(
            compiling=self.compiling,
            department=self.department,
            round=part.round,
            reviewed_by=self.reviewed_by,
        )


class CheckCompile(DatedCommand, kind="rights.check-compile", title="清单合法性审查"):
    """Check the compiled list; what did not pass goes back department by department."""

    compiling: CompileId
    passed: Annotated[bool, Field(title="是否通过")]
    opinion: Annotated[LongText, Field(title="审查意见")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        compilation = past.of(Compilation, self.compiling)
        past.require(every_department_has_passed, compilation, _waiting(compilation, past))
        yield CompileChecked(compiling=self.compiling, passed=self.passed, opinion=self.opinion)


class ApproveCompile(DatedCommand, kind="rights.approve-compile", title="审定清单"):
    """Approve the compiled list by a meeting of the government or the commission."""

    compiling: CompileId
    approved_by: Annotated[Approver, Named(APPROVERS), Field(title="审定机关")]
    meeting: Annotated[Text, Field(title="审定会议")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        compilation = past.of(Compilation, self.compiling)
        past.require(every_department_has_passed, compilation, _waiting(compilation, past))
        past.require(compiled_list_was_checked, compilation)
        past.require(compiled_list_is_approved_once, compilation, len(self.basis))
        yield CompileApproved(
            compiling=self.compiling, approved_by=self.approved_by, meeting=self.meeting
        )
