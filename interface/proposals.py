"""Filings that wait for a second person (待核准业务), over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Reading, Right
from application.proposals import STATES, Proposal, ProposalUnknown, State
from domain.vocabulary import Text
from interface.asking import Param, body
from interface.commands import DRY_RUN
from interface.journal import LIMIT
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.shown import (
    ProposalBrief,
    ProposalPage,
    ProposalWhole,
    ReceiptShown,
    Rehearsal,
    answer,
    filing_answer,
    proposal_brief,
    proposal_whole,
)

PROPOSAL = Param("proposal", "待核准业务的编号", "id", place="path")
TAG = "核准"


class Return(BaseModel):
    """Why a proposal goes back to who prepared it."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(title="退回原因", examples=["缺少主管部门意见"])]


def add_routes(api: Api) -> None:
    """Add the proposals' routes."""
    desk = _Desk(api)
    api.add("GET", "/api/proposals", desk.page, _LIST)
    api.add("GET", "/api/proposals/{proposal}", desk.one, _ONE)
    api.add("POST", "/api/proposals/{proposal}/approve", desk.approve, _APPROVE)
    api.add("POST", "/api/proposals/{proposal}/return", desk.give_back, _RETURN)
    api.add("POST", "/api/proposals/{proposal}/withdraw", desk.withdraw, _WITHDRAW)


_LIST = Operation(
    summary="待核准和已处理的业务",
    tag=TAG,
    right=Right.READ,
    own=Right.READ_OWN,
    params=(
        Param("state", "状态", "choice", choices=STATES),
        Param("prepared_by", "经办账号"),
        Param("before", "只查此编号之前提交的（翻页用）", "id"),
        LIMIT,
    ),
    answers=(Answer(200, "业务清单，最新的在前", ProposalPage),),
)
_ONE = Operation(
    summary="查看一项待核准业务",
    tag=TAG,
    description="审核人和提交人可查看全部内容（含个人信息），每次查看都留有访问记录。",
    right=Right.READ,
    own=Right.READ_OWN,
    params=(PROPOSAL,),
    answers=(Answer(200, "业务内容", ProposalWhole),),
    problems=("proposal.unknown", "access.denied"),
)
_APPROVE = Operation(
    summary="核准",
    tag=TAG,
    description="按当前台账重新检查后记录；不符合规则时不作记录，业务继续等待。",
    right=Right.DECIDE,
    params=(PROPOSAL, DRY_RUN),
    answers=(
        Answer(201, "已记录", ReceiptShown, headers=(("Location", "首条流水记录的地址"),)),
        Answer(200, "未作记录：试办结果，或内容均已在案", Rehearsal),
    ),
    problems=(
        "proposal.unknown",
        "proposal.own",
        "proposal.decided",
        "rule.refused",
        "server.stopping",
    ),
)
_RETURN = Operation(
    summary="退回",
    tag=TAG,
    right=Right.DECIDE,
    params=(PROPOSAL,),
    body=Return,
    example={"reason": "缺少主管部门意见"},
    answers=(Answer(200, "已退回", ProposalBrief),),
    problems=("proposal.unknown", "proposal.own", "proposal.decided"),
)
_WITHDRAW = Operation(
    summary="撤回",
    tag=TAG,
    description="只有提交人可以撤回。",
    right=Right.FILE,
    own=Right.DRAFT_OWN,
    params=(PROPOSAL,),
    answers=(Answer(200, "已撤回", ProposalBrief),),
    problems=("proposal.unknown", "proposal.not-yours", "proposal.decided"),
)


class _Desk:
    def __init__(self, api: Api) -> None:
        self._services = api.services

    async def page(self, asked: Asked) -> Response:
        query = dict(asked.query)
        if asked.within is not None:
            query["prepared_by"] = asked.session.name
        limit = query.pop("limit")
        state = None if query.pop("state") is None else State(asked.query["state"])
        found: list[Proposal] = await self._services.run(
            self._services.proposals.page, state=state, **query, limit=limit + 1
        )
        following = None
        if len(found) > limit:
            onward = {**asked.request.query_params, "before": found[limit - 1].id}
            following = f"/api/proposals?{urlencode(onward)}"
        proposals = [proposal_brief(one) for one in found[:limit]]
        return answer({"proposals": proposals, "next": following})

    async def one(self, asked: Asked) -> Response:
        found = await self._found(asked)
        session = asked.session
        if found.prepared_by != session.name and not session.may(Right.DECIDE):
            raise Problem("access.denied", "只有审核人和提交人可以查看业务内容。")
        if found.command is not None and found.prepared_by != session.name:
            await self._note(asked, found)
        return answer(proposal_whole(found))

    async def _found(self, asked: Asked) -> Proposal:
        """Return the proposal; staff of a department are told of their own alone."""
        found = await self._services.run(self._services.proposals.get, asked.query["proposal"])
        if asked.within is not None and found.prepared_by != asked.session.name:
            raise ProposalUnknown
        return found

    async def _note(self, asked: Asked, found: Proposal) -> None:
        head, _ = await self._services.run(self._services.journal.head)
        question = {"id": found.id, "kind": found.kind}
        reading = Reading(asked.session.name, "proposals", question, 1, True, head)  # noqa: FBT003  (unmasked)
        await self._services.run(self._services.access_log.note, reading)

    async def approve(self, asked: Asked) -> Response:
        identity, actor = asked.query["proposal"], asked.session.name
        found = await self._services.run(self._services.proposals.get, identity)
        filing = await self._services.run(
            self._services.proposals.approval, identity, actor, dry_run=asked.query["dry_run"]
        )
        receipt = await self._services.file(filing)
        self._services.heed(receipt)
        return filing_answer(receipt, found.kind, needs_approval=True)

    async def give_back(self, asked: Asked) -> Response:
        given = await body(asked.request, Return)
        return await self._closed(asked, self._services.proposals.give_back, given.reason)

    async def withdraw(self, asked: Asked) -> Response:
        await self._found(asked)
        return await self._closed(asked, self._services.proposals.withdraw)

    async def _closed(self, asked: Asked, close: Any, *more: str) -> Response:
        found = await self._services.run(close, asked.query["proposal"], asked.session.name, *more)
        return answer(proposal_brief(found))
