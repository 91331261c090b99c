"""The ledger of adjustments: 权责清单动态调整台账."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, declare
from domain.rights_adjusting import (
    APPROVERS,
    AdjustmentApplied,
    AdjustmentApproved,
    AdjustmentPublished,
    AdjustmentReviewed,
)

STATES = {
    "applied": "审核中",
    "returned": "已退回",
    "reviewed": "待批准",
    "approved": "待公布",
    "published": "已公布",
}


class AdjustmentRow(NamedTuple):
    """An application and how far it has come."""

    department: Annotated[str, Column("申请部门（系统内编号）", filter=True)]
    state: Annotated[str, Column("办理状态", filter=True, sort=True, choices=STATES)]
    kinds: Annotated[str, Column("调整类型", filter=True)]
    reasons: Annotated[str, Column("情形", filter=True)]
    items: Annotated[int, Column("涉及事项数", sort=True)]
    trigger_on: Annotated[date, Column("情形发生日", filter=True, sort=True)]
    applied_on: Annotated[date, Column("申请日", filter=True, sort=True)]
    apply_due_on: Annotated[date, Column("应申请日")]
    apply_late: Annotated[bool, Column("申请逾期", filter=True)]
    rounds: Annotated[int, Column("报送次数")]
    office_on: Annotated[date | None, Column("管理机构审核日", filter=True)]
    legality_on: Annotated[date | None, Column("合法性审查日", filter=True)]
    review_late: Annotated[bool | None, Column("审核逾期", filter=True)]
    opinion: Annotated[str | None, Column("审核意见")]
    approved_on: Annotated[date | None, Column("批准日", filter=True, sort=True)]
    approved_by: Annotated[str | None, Column("批准机关", filter=True, choices=dict(APPROVERS))]
    meeting: Annotated[str | None, Column("审定会议")]
    document: Annotated[str | None, Column("批准文件（系统内编号）", filter=True)]
    takes_effect_on: Annotated[date | None, Column("调整生效日", filter=True, sort=True)]
    published_on: Annotated[date | None, Column("公布日", filter=True, sort=True)]
    publish_late: Annotated[bool | None, Column("公布逾期", filter=True)]
    channels: Annotated[str | None, Column("公布渠道")]


def _applied(fact: AdjustmentApplied, day: date) -> AdjustmentRow:
    kinds = dict.fromkeys(change.kind.label for change in fact.changes)
    reasons = dict.fromkeys(change.reason.label for change in fact.changes)
    items = sum(max(len(one.items), len(one.contents)) for one in fact.changes)
    return AdjustmentRow(
        fact.department,
        "applied",
        "、".join(kinds),
        "；".join(reasons),
        items,
        fact.trigger_on,
        day,
        fact.due_on,
        fact.late,
        fact.round,
        *(None,) * 12,
    )


def _reviewed(row: AdjustmentRow, fact: AdjustmentReviewed, day: date) -> AdjustmentRow:
    late = bool(row.review_late) or fact.late
    row = row._replace(review_late=late, opinion=fact.opinion)
    row = row._replace(office_on=day) if fact.stage == "office" else row._replace(legality_on=day)
    if not fact.passed:
        return row._replace(state="returned")
    both = row.office_on is not None and row.legality_on is not None
    return row._replace(state="reviewed" if both else "applied")


def _adjustment(so_far: AdjustmentRow | None, effect: Effect) -> AdjustmentRow | None:
    fact, day = effect.fact, effect.day
    if isinstance(fact, AdjustmentApplied):
        return _applied(fact, day)
    if so_far is None:
        return None
    if isinstance(fact, AdjustmentReviewed):
        return _reviewed(so_far, fact, day)
    if isinstance(fact, AdjustmentApproved):
        basis = effect.entry.basis
        return so_far._replace(
            state="approved",
            approved_on=day,
            approved_by=fact.approved_by,
            meeting=fact.meeting,
            document=basis[0].document if basis else None,
            takes_effect_on=fact.takes_effect_on,
        )
    if isinstance(fact, AdjustmentPublished):
        channels = "、".join(fact.channels)
        published = so_far._replace(published_on=day, publish_late=fact.late, channels=channels)
        return published._replace(state="published")
    return so_far


RIGHTS_ADJUSTMENTS = declare(
    Ledger(
        name="rights_adjustments",
        title="权责清单动态调整台账",
        key="adjustment",
        row=AdjustmentRow,
        fold=_adjustment,
        facts=(AdjustmentApplied, AdjustmentReviewed, AdjustmentApproved, AdjustmentPublished),
        joins=(
            Joined("department_name", "申请部门", "department", "institutions", "name"),
            Joined("document_number", "批准文号", "document", "documents", "number"),
        ),
        sort=("applied_on",),
    )
)
