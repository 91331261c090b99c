"""The ledger of the gate before new duties of townships: 职责准入台账."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, declare
from domain.rights_admissions import GATES, AdmissionApplied, AdmissionDecided

STATES: Final = {"applied": "审定中", "admitted": "准入", "refused": "不准入"}


class AdmissionRow(NamedTuple):
    """An application for the gate and how it was decided."""

    department: Annotated[str, Column("申请部门（系统内编号）", filter=True)]
    matters: Annotated[str, Column("事项名称", filter=True)]
    n_matters: Annotated[int, Column("事项数", sort=True)]
    townships: Annotated[str, Column("乡镇（街道）（系统内编号）", filter=True)]
    n_townships: Annotated[int, Column("乡镇（街道）数", sort=True)]
    reason: Annotated[str, Column("申请理由")]
    support: Annotated[str | None, Column("编制、人员、经费等保障")]
    agreeing: Annotated[int, Column("同意的乡镇（街道）数", sort=True)]
    opinions: Annotated[str, Column("乡镇（街道）意见")]
    state: Annotated[str, Column("状态", filter=True, sort=True, choices=STATES)]
    applied_on: Annotated[date, Column("申请日", filter=True, sort=True)]
    decided_on: Annotated[date | None, Column("审定日", filter=True, sort=True)]
    decided_by: Annotated[str | None, Column("审定机关", filter=True, choices=dict(GATES))]
    meeting: Annotated[str | None, Column("审定会议")]
    document: Annotated[str | None, Column("审定文件（系统内编号）", filter=True)]


def _admission(so_far: AdmissionRow | None, effect: Effect) -> AdmissionRow | None:
    fact, day, basis = effect.fact, effect.day, effect.entry.basis
    if isinstance(fact, AdmissionApplied):
        said = (f"{'同意' if one.agrees else '不同意'}：{one.opinion}" for one in fact.opinions)
        return AdmissionRow(
            department=fact.department,
            matters="\n".join(fact.matters),
            n_matters=len(fact.matters),
            townships="、".join(fact.townships),
            n_townships=len(fact.townships),
            reason=fact.reason,
            support=fact.support,
            agreeing=sum(one.agrees for one in fact.opinions),
            opinions="\n".join(said),
            state="applied",
            applied_on=day,
            decided_on=None,
            decided_by=None,
            meeting=None,
            document=None,
        )
    if so_far is None or not isinstance(fact, AdmissionDecided):
        return so_far
    state = "admitted" if fact.admitted else "refused"
    row = so_far._replace(state=state, decided_on=day, decided_by=fact.decided_by)
    return row._replace(meeting=fact.meeting, document=basis[0].document if basis else None)


RIGHTS_ADMISSIONS = declare(
    Ledger(
        name="rights_admissions",
        title="职责准入台账",
        key="admission",
        row=AdmissionRow,
        fold=_admission,
        facts=(AdmissionApplied, AdmissionDecided),
        joins=(
            Joined("department_name", "申请部门", "department", "institutions", "name"),
            Joined("document_number", "审定文号", "document", "documents", "number"),
        ),
        sort=("applied_on",),
    )
)
