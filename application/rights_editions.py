"""The ledger of editions: 权责清单版次台账."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, declare
from application.rights import LEVELS
from domain.rights_compiling import APPROVERS
from domain.rights_editions import EditionPublished


class EditionRow(NamedTuple):
    """An edition: the day and the place in the journal at which the list is read."""

    name: Annotated[str, Column("版次名称", filter=True, sort=True)]
    level: Annotated[str, Column("清单层级", filter=True, choices=LEVELS)]
    effective_on: Annotated[date, Column("生效日", filter=True, sort=True)]
    published_at: Annotated[int, Column("公布流水号", sort=True)]
    items: Annotated[int, Column("事项数", sort=True)]
    departments: Annotated[int, Column("部门数", sort=True)]
    digest: Annotated[str, Column("内容摘要（SHA-256）", filter=True)]
    base: Annotated[str | None, Column("上一版次（系统内编号）", filter=True)]
    compiling: Annotated[str | None, Column("清单编制（系统内编号）", filter=True)]
    approved_by: Annotated[str, Column("审定机关", filter=True, choices=dict(APPROVERS))]
    meeting: Annotated[str | None, Column("审定会议")]
    document: Annotated[str | None, Column("审定文件（系统内编号）", filter=True)]
    channels: Annotated[str, Column("公布渠道")]
    taken_over: Annotated[bool, Column("期初版次", filter=True)]


def _edition(so_far: EditionRow | None, effect: Effect) -> EditionRow | None:
    fact, entry = effect.fact, effect.entry
    if not isinstance(fact, EditionPublished):
        return so_far
    return EditionRow(
        name=fact.name,
        level=fact.level.value,
        effective_on=effect.day,
        published_at=entry.position,
        items=fact.items,
        departments=fact.departments,
        digest=fact.digest,
        base=fact.base,
        compiling=fact.compiling,
        approved_by=fact.approved_by,
        meeting=fact.meeting,
        document=entry.basis[0].document if entry.basis else None,
        channels="、".join(fact.channels),
        taken_over=fact.taken_over,
    )


RIGHTS_EDITIONS = declare(
    Ledger(
        name="rights_editions",
        title="权责清单版次台账",
        key="edition",
        row=EditionRow,
        version=2,
        fold=_edition,
        facts=(EditionPublished,),
        joins=(Joined("document_number", "审定文号", "document", "documents", "number"),),
        sort=("effective_on",),
    )
)
