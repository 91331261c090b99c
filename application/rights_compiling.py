"""The ledgers of compiling a list: 清单编制进度, 权责事项草稿, 审核意见."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, declare
from application.rights import CATEGORIES
from domain.rights_catalogue import digest_of, gaps
from domain.rights_compiling import (
    PART_STATES,
    CompileApproved,
    CompileChecked,
    CompileStarted,
    DraftsPassed,
    DraftsReturned,
    DraftsSubmitted,
)
from domain.rights_drafting import DraftWithdrawn, ItemDrafted
from domain.vocabulary import Entry

# ── 清单编制进度 ─────────────────────────────────────────────────────────────────────────────


class ProgressRow(NamedTuple):
    """How far one department has come in one compilation."""

    compiling: Annotated[str, Column("清单编制（系统内编号）", filter=True)]
    name: Annotated[str, Column("清单名称", filter=True)]
    department: Annotated[str, Column("部门（系统内编号）", filter=True)]
    state: Annotated[str, Column("状态", filter=True, sort=True, choices=PART_STATES)]
    due_on: Annotated[date | None, Column("报送期限", filter=True, sort=True)]
    round: Annotated[int, Column("报送轮次", sort=True)]
    items: Annotated[int, Column("报送事项数", sort=True)]
    submitted_on: Annotated[date | None, Column("报送日", filter=True, sort=True)]
    late: Annotated[bool, Column("报送逾期", filter=True)]
    returned_on: Annotated[date | None, Column("退回日")]
    comments: Annotated[int, Column("本轮审核意见条数", sort=True)]
    passed_on: Annotated[date | None, Column("审核通过日", filter=True, sort=True)]


def _progress(so_far: ProgressRow | None, effect: Effect) -> ProgressRow | None:
    fact, day = effect.fact, effect.day
    if isinstance(fact, CompileStarted):
        start = len(fact.compiling) + 1
        return ProgressRow(
            compiling=fact.compiling,
            name=fact.name,
            department=effect.subject[start:],
            state="drafting",
            due_on=fact.drafts_due_on,
            round=0,
            items=0,
            submitted_on=None,
            late=False,
            returned_on=None,
            comments=0,
            passed_on=None,
        )
    if so_far is None:
        return None
    if isinstance(fact, DraftsSubmitted):
        late = so_far.late or (so_far.due_on is not None and day > so_far.due_on)
        row = so_far._replace(state="submitted", round=fact.round, items=fact.items)
        return row._replace(submitted_on=day, late=late, comments=0)
    if isinstance(fact, DraftsReturned):
        row = so_far._replace(state="returned", returned_on=day, passed_on=None)
        return row._replace(comments=len(fact.comments))
    return so_far._replace(state="passed", passed_on=day)


RIGHTS_PROGRESS = declare(
    Ledger(
        name="rights_progress",
        title="清单编制进度",
        key="drafting",
        row=ProgressRow,
        fold=_progress,
        facts=(CompileStarted, DraftsSubmitted, DraftsReturned, DraftsPassed),
        joins=(Joined("department_name", "部门", "department", "institutions", "name"),),
        sort=("submitted_on",),
    )
)


# ── 清单编制台账 ─────────────────────────────────────────────────────────────────────────────


class CompileRow(NamedTuple):
    """A compilation: its scope, its check, its approval."""

    name: Annotated[str, Column("清单名称", filter=True, sort=True)]
    level: Annotated[str, Column("清单层级", filter=True)]
    departments: Annotated[int, Column("编制部门数", sort=True)]
    started_on: Annotated[date, Column("启动日", filter=True, sort=True)]
    plan: Annotated[str | None, Column("编制方案（系统内编号）", filter=True)]
    checked_on: Annotated[date | None, Column("合法性审查日")]
    check_passed: Annotated[bool | None, Column("合法性审查通过", filter=True)]
    opinion: Annotated[str | None, Column("审查意见")]
    approved_on: Annotated[date | None, Column("审定日", filter=True, sort=True)]
    meeting: Annotated[str | None, Column("审定会议")]
    document: Annotated[str | None, Column("审定文件（系统内编号）", filter=True)]


def _compile(so_far: CompileRow | None, effect: Effect) -> CompileRow | None:
    fact, day, basis = effect.fact, effect.day, effect.entry.basis
    document = basis[0].document if basis else None
    if isinstance(fact, CompileStarted):
        level, n = fact.level.label, len(fact.departments)
        return CompileRow(fact.name, level, n, day, document, *(None,) * 6)
    if so_far is None:
        return None
    if isinstance(fact, CompileChecked):
        row = so_far._replace(checked_on=day, check_passed=fact.passed)
        return row._replace(opinion=fact.opinion)
    if isinstance(fact, CompileApproved):
        return so_far._replace(approved_on=day, meeting=fact.meeting, document=document)
    return so_far


RIGHTS_COMPILES = declare(
    Ledger(
        name="rights_compiles",
        title="清单编制台账",
        key="compile",
        row=CompileRow,
        fold=_compile,
        facts=(CompileStarted, CompileChecked, CompileApproved),
        joins=(
            Joined("plan_number", "编制方案文号", "plan", "documents", "number"),
            Joined("document_number", "审定文号", "document", "documents", "number"),
        ),
        sort=("started_on",),
    )
)


# ── 权责事项草稿 ─────────────────────────────────────────────────────────────────────────────


class DraftRow(NamedTuple):
    """A draft as it lies in its department's folder; in force nowhere."""

    compiling: Annotated[str, Column("清单编制（系统内编号）", filter=True)]
    department: Annotated[str, Column("部门（系统内编号）", filter=True)]
    category: Annotated[str, Column("职权类型", filter=True, sort=True, choices=CATEGORIES)]
    name: Annotated[str, Column("事项名称", filter=True, sort=True)]
    sub_name: Annotated[str | None, Column("子项名称")]
    revises: Annotated[bool, Column("修改在册事项", filter=True)]
    gaps: Annotated[str, Column("缺项", filter=True)]
    digest: Annotated[str, Column("内容摘要（SHA-256）")]


def _draft(_so_far: DraftRow | None, effect: Effect) -> DraftRow | None:
    fact = effect.fact
    if not isinstance(fact, ItemDrafted):
        return None
    content = fact.content
    return DraftRow(
        compiling=fact.compiling,
        department=fact.department,
        category=content.category or "",
        name=content.name,
        sub_name=content.sub_name,
        revises=fact.revises,
        gaps="、".join(gaps(content)),
        digest=digest_of(content),
    )


RIGHTS_DRAFTS = declare(
    Ledger(
        name="rights_drafts",
        title="权责事项草稿",
        key="draft",
        row=DraftRow,
        fold=_draft,
        facts=(ItemDrafted, DraftWithdrawn),
        joins=(Joined("department_name", "部门", "department", "institutions", "name"),),
        sort=("department", "category", "name"),
    )
)


# ── 审核意见 ─────────────────────────────────────────────────────────────────────────────────


class CommentRow(NamedTuple):
    """One thing that the review group said."""

    compiling: Annotated[str, Column("清单编制（系统内编号）", filter=True)]
    department: Annotated[str, Column("部门（系统内编号）", filter=True)]
    round: Annotated[int, Column("报送轮次", filter=True, sort=True)]
    item: Annotated[str | None, Column("事项（系统内编号）", filter=True)]
    comment: Annotated[str, Column("审核意见", filter=True)]
    returned_on: Annotated[date, Column("退回日", filter=True, sort=True)]
    reviewed_by: Annotated[str, Column("审核单位（系统内编号）", filter=True)]


def _comment(_so_far: CommentRow | None, effect: Effect) -> CommentRow | None:
    fact = effect.fact
    if not isinstance(fact, DraftsReturned):
        return None
    one = fact.comments[int(effect.subject.partition(":")[2])]
    return CommentRow(
        compiling=fact.compiling,
        department=fact.department,
        round=fact.round,
        item=one.item,
        comment=one.comment,
        returned_on=effect.day,
        reviewed_by=fact.reviewed_by,
    )


def _comments_of(entry: Entry) -> Iterable[str]:
    fact = entry.fact
    n = len(fact.comments) if isinstance(fact, DraftsReturned) else 0
    return [f"{entry.place}:{i}" for i in range(n)]


RIGHTS_COMMENTS = declare(
    Ledger(
        name="rights_comments",
        title="清单审核意见",
        key="entry",
        row=CommentRow,
        fold=_comment,
        facts=(DraftsReturned,),
        subjects=_comments_of,
        joins=(
            Joined("department_name", "部门", "department", "institutions", "name"),
            Joined("draft_name", "事项名称", "item", "rights_drafts", "name"),
            Joined("reviewer_name", "审核单位", "reviewed_by", "institutions", "name"),
        ),
        sort=("returned_on",),
    )
)
