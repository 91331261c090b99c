"""Writing an answer: entries, receipts and proposals as JSON, personal values masked unless asked.

Moments are shown in the office's time (+08:00), to the microsecond, so that what was read can be
asked for again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from application.filing import OFFICE_ZONE, Receipt
from application.proposals import STATES, Proposal
from domain.deciding import COMMANDS
from domain.vocabulary import Entry
from interface.masking import masked


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


def moment(instant: datetime | None) -> str | None:
    """Return a moment in the office's time."""
    if instant is None:
        return None
    return instant.astimezone(OFFICE_ZONE).isoformat(timespec="microseconds")


# ── what OpenAPI says of them ────────────────────────────────────────────────────────────────

_MOMENT = "2024-05-06T09:30:00.123456+08:00"
Links = Annotated[dict[str, str], Field(title="相关地址")]
Subjects = Annotated[
    dict[str, list[str]],
    Field(title="涉及对象", description="对象种类和系统内编号，例如 person 人员、institution 机构"),
]


class Filed(BaseModel):
    """An entry as it was just filed."""

    position: Annotated[int, Field(title="流水号", examples=[128])]
    id: Annotated[str, Field(title="记录编号")]
    fact: Annotated[str, Field(title="记录种类", examples=["staffing.entered"])]
    title: Annotated[str, Field(title="记录名称", examples=["入编"])]
    effective_on: Annotated[date | None, Field(title="业务生效日期")]
    subjects: Subjects
    body: Annotated[dict[str, Any], Field(title="记录内容", description="个人信息已隐去")]
    links: Links


class ReceiptShown(BaseModel):
    """What a filing became."""

    position: Annotated[int, Field(title="流水号（首条）")]
    title: Annotated[str, Field(title="业务", examples=["入编"])]
    recorded_at: Annotated[datetime, Field(title="记录时刻", examples=[_MOMENT])]
    replayed: Annotated[bool, Field(title="是否重复请求", description="重复请求返回首次的结果")]
    entries: Annotated[list[Filed], Field(title="流水记录")]
    links: Links


class WouldFile(BaseModel):
    """An entry as it would be filed."""

    fact: Annotated[str, Field(title="记录种类")]
    title: Annotated[str, Field(title="记录名称")]
    effective_on: Annotated[date | None, Field(title="业务生效日期")]
    body: Annotated[dict[str, Any], Field(title="记录内容", description="个人信息已隐去")]


class Rehearsal(BaseModel):
    """What a filing would become, or that it is on record already; nothing was recorded."""

    title: Annotated[str, Field(title="业务")]
    dry_run: Annotated[bool, Field(title="仅试办，未记录")]
    already_recorded: Annotated[bool, Field(title="内容均已在案，无须重复记录")]
    needs_approval: Annotated[bool, Field(title="须经第二人核准")]
    would_file: Annotated[list[WouldFile], Field(title="将要记录的内容")]


class CitationShown(BaseModel):
    """A document that an entry rests on."""

    document: Annotated[str, Field(title="文件编号（系统内）")]
    item: Annotated[str | None, Field(title="文件条目")]
    link: Annotated[str, Field(title="地址")]


class DecidedShown(BaseModel):
    """What the decision rested on."""

    head: Annotated[int, Field(title="办理时已有的最后流水号")]
    asked: Annotated[list[str], Field(title="办理时查阅的对象")]
    rules: Annotated[list[str], Field(title="办理时检查的规则")]
    code: Annotated[str, Field(title="程序版本")]


class EntryShown(Filed):
    """An entry of the journal with its whole envelope."""

    version: Annotated[int, Field(title="记录格式版本")]
    recorded_at: Annotated[datetime, Field(title="记录时刻", examples=[_MOMENT])]
    place: Annotated[int, Field(title="排序位置")]
    actor: Annotated[str, Field(title="办理账号")]
    prepared_by: Annotated[str, Field(title="经办账号")]
    approved_by: Annotated[str | None, Field(title="核准账号")]
    basis: Annotated[list[CitationShown], Field(title="依据文件")]
    note: Annotated[str | None, Field(title="备注")]
    secrecy: Annotated[str, Field(title="密级")]
    voids: Annotated[int | None, Field(title="作废的流水号")]
    decided: Annotated[DecidedShown | None, Field(title="办理依据")]


class EntryAlone(EntryShown):
    """One entry, and whether it still stands."""

    voided_by: Annotated[int | None, Field(title="被哪条流水作废")]


class Entries(BaseModel):
    """Entries of the journal, the newest first."""

    position: Annotated[int, Field(title="查询时的最后流水号")]
    entries: Annotated[list[EntryShown], Field(title="流水记录")]
    next: Annotated[str | None, Field(title="下一页地址")]


class ProposalBrief(BaseModel):
    """A proposal without its contents."""

    id: Annotated[str, Field(title="编号")]
    kind: Annotated[str, Field(title="业务种类", examples=["staffing.enter"])]
    title: Annotated[str, Field(title="业务", examples=["入编"])]
    state: Annotated[str, Field(title="状态", examples=list(STATES))]
    state_title: Annotated[str, Field(title="状态名称", examples=list(STATES.values()))]
    prepared_by: Annotated[str, Field(title="经办账号")]
    prepared_at: Annotated[datetime, Field(title="提交时刻", examples=[_MOMENT])]
    decided_by: Annotated[str | None, Field(title="处理账号")]
    decided_at: Annotated[datetime | None, Field(title="处理时刻")]
    reason: Annotated[str | None, Field(title="退回原因")]
    position: Annotated[int | None, Field(title="流水号（首条）")]
    links: Links


class ProposalWhole(ProposalBrief):
    """A proposal with its contents, which are kept only while it waits."""

    command: Annotated[dict[str, Any] | None, Field(title="业务内容")]


class ProposalPage(BaseModel):
    """Proposals, the newest first."""

    proposals: Annotated[list[ProposalBrief], Field(title="待核准和已处理的业务")]
    next: Annotated[str | None, Field(title="下一页地址")]


# ── making them ──────────────────────────────────────────────────────────────────────────────


def body_of(entry: Entry, *, unmasked: bool = False) -> dict[str, Any]:
    """Return what the fact says, its personal values masked unless asked otherwise."""
    body = entry.fact.model_dump(mode="json")
    if not unmasked and has_personal(entry):
        for name in entry.fact.personal_fields:
            body[name] = masked(body[name])
    return body


def _subjects(entry: Entry) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tag in entry.tags:
        kind, _, who = tag.partition(":")
        found.setdefault(kind, []).append(who)
    return found


def filed(entry: Entry, *, unmasked: bool = False) -> dict[str, Any]:
    """Return an entry as it was just filed."""
    return {
        "position": entry.position,
        "id": entry.id,
        "fact": entry.fact.fact_name,
        "title": entry.fact.fact_title,
        "effective_on": entry.effective_on,
        "subjects": _subjects(entry),
        "body": body_of(entry, unmasked=unmasked),
        "links": {"self": f"/api/journal/{entry.position}"},
    }


def filing_answer(receipt: Receipt, kind: str, *, needs_approval: bool = False) -> Response:
    """Answer a filing: 201 with what it became, or 200 where nothing was recorded."""
    if receipt.dry_run or not receipt.entries:
        return answer(_rehearsal(receipt, kind, needs_approval=needs_approval))
    where = {"Location": f"/api/journal/{receipt.first}"}
    return answer(_receipt(receipt, kind), 201, where)


def _receipt(receipt: Receipt, kind: str) -> dict[str, Any]:
    return {
        "position": receipt.first,
        "title": COMMANDS[kind].title,
        "recorded_at": moment(receipt.recorded_at),
        "replayed": receipt.replayed,
        "entries": [filed(entry) for entry in receipt.entries],
        "links": {"self": f"/api/journal/{receipt.first}"},
    }


def _rehearsal(receipt: Receipt, kind: str, *, needs_approval: bool) -> dict[str, Any]:
    return {
        "title": COMMANDS[kind].title,
        "dry_run": receipt.dry_run,
        "already_recorded": not receipt.entries,
        "needs_approval": needs_approval,
        "would_file": [
            {
                "fact": entry.fact.fact_name,
                "title": entry.fact.fact_title,
                "effective_on": entry.effective_on,
                "body": body_of(entry),
            }
            for entry in receipt.entries
        ],
    }


def entry_shown(entry: Entry, *, unmasked: bool) -> dict[str, Any]:
    """Return an entry with its whole envelope; a note about a person is personal too."""
    decided = entry.decided
    return {
        **filed(entry, unmasked=unmasked),
        "version": entry.fact.fact_version,
        "recorded_at": moment(entry.recorded_at),
        "place": entry.place,
        "actor": entry.actor,
        "prepared_by": entry.prepared_by,
        "approved_by": entry.approved_by,
        "basis": citations(entry),
        "note": entry.note if unmasked or not has_personal(entry) else masked(entry.note),
        "secrecy": entry.secrecy,
        "voids": entry.voids,
        "decided": None
        if decided is None
        else {
            "head": decided.head,
            "asked": decided.asked,
            "rules": decided.rules,
            "code": decided.code,
        },
    }


def citations(entry: Entry) -> list[dict[str, Any]]:
    """Return the documents an entry rests on, and where they are found."""
    return [
        {**one.model_dump(), "link": f"/api/ledgers/documents/{one.document}"}
        for one in entry.basis
    ]


def has_personal(entry: Entry) -> bool:
    """Whether an entry is about a person: what is marked personal elsewhere is not sealed."""
    return any(tag.startswith("person:") for tag in entry.tags)


def proposal_brief(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal without its contents."""
    links = {"self": f"/api/proposals/{proposal.id}"}
    if proposal.position is not None:
        links["entry"] = f"/api/journal/{proposal.position}"
    return {
        "id": proposal.id,
        "kind": proposal.kind,
        "title": proposal.title,
        "state": proposal.state.value,
        "state_title": STATES[proposal.state],
        "prepared_by": proposal.prepared_by,
        "prepared_at": moment(proposal.prepared_at),
        "decided_by": proposal.decided_by,
        "decided_at": moment(proposal.decided_at),
        "reason": proposal.reason,
        "position": proposal.position,
        "links": links,
    }


def proposal_whole(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal with its contents."""
    command = proposal.command
    return {
        **proposal_brief(proposal),
        "command": None if command is None else command.model_dump(mode="json"),
    }
