"""Filing over HTTP (办理业务): one address per command, and the rule book.

POST /api/staffing/enter ──► body is the command ──► 201 filed · 200 tried · 202 waits for a
                                                     second person · 409 refused by a rule
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Right
from application.deciding import kinds_in
from application.filing import Filing
from domain.deciding import COMMANDS, RULES, Command
from interface.asking import Param, body
from interface.examples import EXAMPLES
from interface.operations import Answer, Api, Asked, Handler, Operation
from interface.problems import Problem, RuleShown
from interface.shown import (
    ProposalBrief,
    ReceiptShown,
    Rehearsal,
    answer,
    filing_answer,
    proposal_brief,
)
from interface.within import OWN_COMMANDS, require_own

TAGS: Final = {
    "journal": "建账、作废与更正",
    "settings": "设置",
    "calendar": "设置",
    "documents": "文件",
    "institutions": "机构",
    "quotas": "编制",
    "staffing": "人员",
    "opening": "期初建账",
}
"""Under which heading OpenAPI lists a context's commands; others stand under their own name."""

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

DRY_RUN = Param("dry_run", "只试办：true 表示检查能否办理，不作任何记录", "boolean", default=False)
IDEMPOTENCY_KEY = Param(
    "Idempotency-Key",
    "请求编号（自定，如 UUID）。网络中断后用同一编号重发，只会记录一次",
    place="header",
    example="5f0c1d8e-3b1c-4c55-9a43-3d7f0f6f2f10",
)


class RuleBook(BaseModel):
    """Every rule that filings are held to."""

    rules: Annotated[list[RuleShown], Field(title="规则")]


def add_routes(api: Api) -> None:
    """Add a route for every command, and the rule book."""
    for command in COMMANDS.values():
        api.add("POST", address(command), _filing(api, command), _operation(command))
    api.add(
        "GET",
        "/api/rules",
        _rule_book,
        Operation(
            summary="规则册",
            tag="规则",
            description="办理业务时检查的全部规则及其依据。被拒绝的业务会写明规则代码。",
            right=Right.READ,
            answers=(Answer(200, "全部规则", RuleBook),),
        ),
    )


def address(command: type[Command]) -> str:
    """Return where a command is filed: ``staffing.enter`` at ``/api/staffing/enter``."""
    return "/api/" + command.kind.replace(".", "/")


def _operation(command: type[Command]) -> Operation:
    context = command.kind.partition(".")[0]
    return Operation(
        summary=command.title,
        tag=TAGS.get(context, context),
        description=f"办理“{command.title}”。",
        right=Right.FILE,
        own=Right.DRAFT_OWN if command in OWN_COMMANDS else None,
        body=command,
        example=EXAMPLES.get(command.kind),
        params=(DRY_RUN, IDEMPOTENCY_KEY),
        answers=(
            Answer(201, "已记录", ReceiptShown, headers=(("Location", "首条流水记录的地址"),)),
            Answer(200, "未作记录：试办结果，或内容均已在案", Rehearsal),
            Answer(
                202,
                "已提交，等待第二人核准",
                ProposalBrief,
                headers=(("Location", "待核准业务的地址"),),
            ),
        ),
        problems=("rule.refused", "filing.key-reused", "server.stopping"),
    )


def _filing(api: Api, command: type[Command]) -> Handler:
    services = api.services

    async def file(asked: Asked) -> Response:
        key = idempotency_key(asked)
        given = await body(asked.request, command)
        await require_own(services, asked, given)
        actor = asked.session.name
        waits = await second_person_needed(api, given)
        if asked.query["dry_run"]:
            tried = await services.file(Filing((given,), actor, dry_run=True))
            return filing_answer(tried, command.kind, needs_approval=waits)
        if waits:
            return await _propose(api, given, actor, key)
        receipt = await services.file(Filing((given,), actor, key=key))
        services.heed(receipt)
        return filing_answer(receipt, command.kind)

    return file


async def second_person_needed(api: Api, command: Command) -> bool:
    """Whether a command, or one inside it, waits for a second person by the setting in force."""
    return not kinds_in(command).isdisjoint(await api.services.setting("four_eyes"))


async def _propose(api: Api, command: Command, actor: str, key: str | None) -> Response:
    """Let a command wait, unless it could not be filed as things stand: then say so at once."""
    services = api.services
    proposal = await services.run(services.proposals.sent, command, actor, key)
    if proposal is None:
        await services.file(Filing((command,), actor, dry_run=True))
        proposal = await services.run(services.proposals.prepare, command, actor, key)
    where = {"Location": f"/api/proposals/{proposal.id}"}
    return answer(proposal_brief(proposal), 202, where)


def idempotency_key(asked: Asked) -> str | None:
    """Return the Idempotency-Key; raises a 422 `Problem` where it is not usable."""
    given = asked.request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise Problem(
            "request.parameters",
            "请求编号（Idempotency-Key）应为 1 至 200 个英文字母、数字或符号，且只写一次。",
        )
    return given[0]


async def _rule_book(_: Asked) -> Response:
    return answer(
        {
            "rules": [
                {"name": r.name, "version": r.version, "title": r.title, "basis": r.basis}
                for r in sorted(RULES.values(), key=lambda rule: rule.name)
            ]
        }
    )
