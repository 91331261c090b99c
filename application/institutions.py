"""The ledgers of institutions: 机构基本情况表, 机构沿革表."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, declare
from domain.code_sets import FundingForm, InstitutionCategory, InstitutionRank, QuotaKind
from domain.documents import BasisSupplied
from domain.institutions import Abolished, Founded, Renamed, SetUp, TakenOver
from domain.quotas import CutBack, Given, Granted, Transferred
from domain.quotas import TakenOver as QuotaTakenOver
from domain.vocabulary import Entry

# ── 机构基本情况表 ───────────────────────────────────────────────────────────────────────────


class InstitutionRow(NamedTuple):
    """An institution as it stands."""

    name: Annotated[str, Column("机构名称", filter=True, sort=True)]
    category: Annotated[
        str,
        Column(
            "机构类别",
            filter=True,
            sort=True,
            choices=InstitutionCategory.names(),
        ),
    ]
    rank: Annotated[
        str,
        Column("机构规格", filter=True, sort=True, choices=InstitutionRank.names()),
    ]
    superior: Annotated[str | None, Column("主管部门（系统内编号）", filter=True)]
    funding: Annotated[
        str | None,
        Column("经费形式", filter=True, choices=FundingForm.names()),
    ]
    credit_code: Annotated[str | None, Column("统一社会信用代码", filter=True)]
    functions: Annotated[str | None, Column("主要职责")]
    since: Annotated[date, Column("设立（期初）日期", filter=True, sort=True)]
    until: Annotated[date | None, Column("撤销日期", filter=True)]
    status: Annotated[
        str, Column("状态", filter=True, choices={"standing": "存续", "abolished": "撤销"})
    ]


def _institution(so_far: InstitutionRow | None, effect: Effect) -> InstitutionRow | None:
    fact = effect.fact
    if isinstance(fact, Founded):
        return InstitutionRow(
            name=fact.name,
            category=fact.category.value,
            rank=fact.rank.value,
            superior=fact.superior,
            funding=None if fact.funding is None else fact.funding.value,
            credit_code=fact.credit_code,
            functions=fact.functions,
            since=effect.day,
            until=None,
            status="standing",
        )
    if so_far is None:
        return None
    if isinstance(fact, Renamed):
        return so_far._replace(name=fact.name)
    if isinstance(fact, Abolished):
        return so_far._replace(until=effect.day, status="abolished")
    return so_far


INSTITUTIONS = declare(
    Ledger(
        name="institutions",
        title="机构基本情况表",
        key="institution",
        row=InstitutionRow,
        fold=_institution,
        facts=(SetUp, TakenOver, Renamed, Abolished),
        joins=(Joined("superior_name", "主管部门", "superior", "institutions", "name"),),
        sort=("name",),
    )
)


# ── 机构沿革表 ───────────────────────────────────────────────────────────────────────────────

CHANGES = {
    "set_up": "设立",
    "taken_over": "期初",
    "renamed": "更名",
    "abolished": "撤销",
    "quota_taken_over": "编制期初",
    "quota_granted": "核增编制",
    "quota_cut_back": "核减编制",
    "quota_given": "调出编制",
    "quota_received": "调入编制",
}


class ChangeRow(NamedTuple):
    """What a document changed about an institution: one line of its history."""

    institution: Annotated[str | None, Column("机构（系统内编号）", filter=True)]
    effective_on: Annotated[date, Column("业务生效日期", filter=True, sort=True)]
    change: Annotated[str, Column("变更事项", filter=True, choices=CHANGES)]
    name: Annotated[str | None, Column("机构名称（变更后）", filter=True)]
    former_name: Annotated[str | None, Column("原名称", filter=True)]
    quota_kind: Annotated[
        str | None,
        Column("编制类型", filter=True, choices=QuotaKind.names()),
    ]
    number: Annotated[int | None, Column("编制增减数")]
    detail: Annotated[str | None, Column("说明")]
    document: Annotated[str | None, Column("依据文件（系统内编号）", filter=True)]
    approved_no: Annotated[str | None, Column("原台账批准文号")]


_EMPTY = ChangeRow(None, date.min, "", None, None, None, None, None, None, None)


def _change(so_far: ChangeRow | None, effect: Effect) -> ChangeRow | None:
    fact, entry = effect.fact, effect.entry
    if isinstance(fact, BasisSupplied):
        return (so_far or _EMPTY)._replace(document=fact.citations[0].document)
    cited = entry.basis[0].document if entry.basis else None
    document = cited or (None if so_far is None else so_far.document)
    line = _EMPTY._replace(effective_on=effect.day, document=document)
    if isinstance(fact, Founded):
        taken = isinstance(fact, TakenOver)
        return line._replace(
            institution=fact.institution,
            change="taken_over" if taken else "set_up",
            name=fact.name,
            detail=fact.functions,
            approved_no=fact.approved_no if isinstance(fact, TakenOver) else None,
        )
    if isinstance(fact, Renamed):
        return line._replace(
            institution=fact.institution,
            change="renamed",
            name=fact.name,
            former_name=fact.former_name,
            detail=fact.reason,
        )
    if isinstance(fact, Abolished):
        return line._replace(institution=fact.institution, change="abolished", detail=fact.reason)
    return _quota_change(line, effect)


def _quota_change(line: ChangeRow, effect: Effect) -> ChangeRow:
    fact = effect.fact
    if isinstance(fact, Given):
        taken = isinstance(fact, QuotaTakenOver)
        return line._replace(
            institution=fact.institution,
            change="quota_taken_over" if taken else "quota_granted",
            quota_kind=fact.kind.value,
            number=fact.number,
            approved_no=fact.approved_no if isinstance(fact, QuotaTakenOver) else None,
        )
    if isinstance(fact, CutBack):
        return line._replace(
            institution=fact.institution,
            change="quota_cut_back",
            quota_kind=fact.kind.value,
            number=-fact.number,
            detail=fact.reason,
        )
    if isinstance(fact, Transferred):
        gives = effect.subject.endswith(":out")
        return line._replace(
            institution=fact.giver if gives else fact.receiver,
            change="quota_given" if gives else "quota_received",
            quota_kind=fact.kind.value,
            number=-fact.number if gives else fact.number,
        )
    return line


def _lines(entry: Entry) -> tuple[str, ...]:
    """One line each; a transfer of quota is a line in the history of both institutions."""
    place = entry.fact.place if isinstance(entry.fact, BasisSupplied) else entry.place
    both = isinstance(entry.fact, Transferred | BasisSupplied)
    own = not isinstance(entry.fact, Transferred)
    return (*([str(place)] if own else []), *([f"{place}:out", f"{place}:in"] if both else []))


INSTITUTION_CHANGES = declare(
    Ledger(
        name="institution_changes",
        title="机构沿革表",
        key="entry",
        row=ChangeRow,
        fold=_change,
        facts=(
            SetUp,
            TakenOver,
            Renamed,
            Abolished,
            QuotaTakenOver,
            Granted,
            CutBack,
            Transferred,
            BasisSupplied,
        ),
        shown=lambda row: row.institution is not None,
        subjects=_lines,
        joins=(
            Joined("current_name", "机构名称", "institution", "institutions", "name"),
            Joined("document_number", "文号", "document", "documents", "number"),
            Joined("document_title", "文件标题", "document", "documents", "title"),
            Joined("document_issued_on", "发文日期", "document", "documents", "issued_on"),
        ),
        sort=("effective_on",),
    )
)
