"""The ledgers of documents: 文件台账, 文件使用情况, 依据待补清单."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final, NamedTuple

from application.ledgers import (
    Column,
    Derived,
    Effect,
    Joined,
    Ledger,
    Move,
    SumLedger,
    declare,
)
from domain.code_sets import QuotaKind
from domain.documents import (
    MEASURES,
    RESTING_ON_A_DOCUMENT,
    BasisSupplied,
    DocumentRegistered,
)
from domain.settings import LEVELS
from domain.vocabulary import FACT_TITLES, Entry, Slot

QUOTA_KINDS: Final = QuotaKind.names()


# ── 文件台账 ─────────────────────────────────────────────────────────────────────────────────


class DocumentRow(NamedTuple):
    """A document on file. The title of one about a person is personal and stands apart."""

    number: Annotated[str | None, Column("文号", filter=True, sort=True)]
    title: Annotated[str | None, Column("文件标题", sort=True)]
    personal_title: Annotated[str | None, Column("涉及个人的文件标题", personal=True)]
    issuer: Annotated[str, Column("发文单位", filter=True, sort=True)]
    issuer_level: Annotated[str, Column("发文单位层级", filter=True, choices=dict(LEVELS))]
    issued_on: Annotated[date, Column("发文日期", filter=True, sort=True)]
    scanned: Annotated[bool, Column("已存扫描件校验值", filter=True)]
    person: Annotated[str | None, Column("涉及人员", filter=True)]


def _document(so_far: DocumentRow | None, effect: Effect) -> DocumentRow | None:
    fact = effect.fact
    if not isinstance(fact, DocumentRegistered):
        return so_far
    about_person = fact.person is not None
    return DocumentRow(
        number=fact.number,
        title=None if about_person else fact.title,
        personal_title=fact.title if about_person else None,
        issuer=fact.issuer,
        issuer_level=fact.issuer_level,
        issued_on=fact.issued_on,
        scanned=fact.sha256 is not None,
        person=fact.person,
    )


DOCUMENTS = declare(
    Ledger(
        name="documents",
        title="文件台账",
        key="document",
        row=DocumentRow,
        fold=_document,
        facts=(DocumentRegistered,),
        ignores=(BasisSupplied,),
        sort=("issued_on",),
    )
)


# ── 文件使用情况 ─────────────────────────────────────────────────────────────────────────────


def _uses(entry: Entry) -> Iterable[Move]:
    """What the entry grants by, or draws on, documents: lines by document, measure and kind."""
    day, fact = entry.business_date, entry.fact
    if isinstance(fact, DocumentRegistered):
        for grant in fact.grants:
            key = (fact.document, grant.measure, grant.kind.value)
            yield Move(key, day, {"granted": grant.number})
        return
    cited = fact.citations if isinstance(fact, BasisSupplied) else entry.basis
    drawn = {} if isinstance(fact, BasisSupplied) else _drawn(fact.slots(day), day)
    for document in dict.fromkeys(one.document for one in cited):
        yield Move((document, "", ""), day, {"cited": 1})
        for (measure, kind), n in drawn.items():
            yield Move((document, measure, kind), day, {"used": n})


def _drawn(slots: Iterable[Slot], day: date) -> dict[tuple[str, str], int]:
    """Sum what an entry takes that a document has to grant; the pool only passes it on."""
    drawn: dict[tuple[str, str], int] = {}
    for slot in slots:
        from_pool = slot.holder == "POOL" and slot.measure != "ceiling"
        if slot.measure in MEASURES and slot.n > 0 and slot.day == day and not from_pool:
            key = (slot.measure, str(slot.kind))
            drawn[key] = drawn.get(key, 0) + slot.n
    return drawn


DOCUMENT_USE = declare(
    SumLedger(
        name="document_use",
        title="文件使用情况",
        key="document",
        keys={
            "document": Column("文件", filter=True),
            "measure": Column("批准事项", filter=True, choices={**MEASURES, "": "引用"}),
            "kind": Column("编制类型", filter=True, choices={**QUOTA_KINDS, "": ""}),
        },
        measures={
            "cited": Column("引用次数", filter=True, sort=True),
            "granted": Column("批准数", filter=True, sort=True),
            "used": Column("已用数", filter=True, sort=True),
        },
        moves=_uses,
        facts=(DocumentRegistered, BasisSupplied),
        joins=(
            Joined("number", "文号", by="document", ledger="documents", field="number"),
            Joined("title", "文件标题", by="document", ledger="documents", field="title"),
        ),
        derived=(
            Derived("left", "剩余数", "greatest(granted - used, 0)"),
            Derived("over", "超出批准数", "greatest(used - granted, 0)"),
        ),
    )
)


# ── 依据待补清单 ─────────────────────────────────────────────────────────────────────────────


class MissingBasisRow(NamedTuple):
    """An entry that rests on no document yet."""

    fact: Annotated[str, Column("业务", filter=True, choices=FACT_TITLES)]
    effective_on: Annotated[date | None, Column("业务生效日期", filter=True, sort=True)]
    actor: Annotated[str, Column("经办人", filter=True)]
    institution: Annotated[str | None, Column("机构", filter=True)]
    missing: Annotated[bool, Column("依据待补")]


def _basis(so_far: MissingBasisRow | None, effect: Effect) -> MissingBasisRow:
    fact, entry = effect.fact, effect.entry
    if isinstance(fact, BasisSupplied):
        if so_far is None:  # the entry has been corrected to a later day: remember, show nothing
            return MissingBasisRow("", None, "", None, missing=False)
        return so_far._replace(missing=False)
    supplied = so_far is not None and not so_far.missing
    return MissingBasisRow(
        fact=fact.fact_name,
        effective_on=entry.business_date,
        actor=entry.actor,
        institution=next(iter((*entry.subjects("institution"), *entry.subjects("account"))), None),
        missing=not entry.basis and not supplied,
    )


def _entry_concerned(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry.fact, BasisSupplied):
        return (str(entry.fact.place),)
    return (str(entry.place),) if type(entry.fact) in RESTING_ON_A_DOCUMENT else ()


MISSING_BASIS = declare(
    Ledger(
        name="missing_basis",
        title="依据待补清单",
        key="entry",
        row=MissingBasisRow,
        fold=_basis,
        facts=(BasisSupplied,),
        ignores=(DocumentRegistered,),
        shown=lambda row: bool(row.missing),
        subjects=_entry_concerned,
        joins=(Joined("institution_name", "机构名称", "institution", "institutions", "name"),),
        sort=("effective_on",),
        all_facts=True,
    )
)
