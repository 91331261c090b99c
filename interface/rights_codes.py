"""Codes that do not fit the schemes in force (编码核对) over REST.

GET /api/rights/codes?valid_on=2025-06-01&department=…
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Right
from application.rights_codes import Checked, check_codes
from domain.item_codes import CODE_FIELDS
from interface.asking import Param
from interface.ledger_questions import CLOCKS
from interface.operations import Answer, Api, Asked, Operation
from interface.rights_watch import (
    AFTER,
    LONGEST_PAGE,
    PAGE,
    SCOPE,
    clocks_of,
    next_page,
    scope_of,
)
from interface.shown import answer

PATH: Final = "/api/rights/codes"


class UnfitShown(BaseModel):
    """A code that fits no scheme in force."""

    item: Annotated[str, Field(title="事项（系统内编号）")]
    department: Annotated[str, Field(title="部门（系统内编号）")]
    department_name: Annotated[str, Field(title="部门")]
    category: Annotated[str, Field(title="职权类型")]
    name: Annotated[str, Field(title="事项名称")]
    sub_name: Annotated[str | None, Field(title="子项名称")]
    field: Annotated[str, Field(title="编码字段", examples=list(CODE_FIELDS))]
    code: Annotated[str, Field(title="编码")]
    detail: Annotated[str, Field(title="不符之处")]
    link: Annotated[str, Field(title="事项的地址")]


class CodesShown(BaseModel):
    """What was found."""

    valid_on: Annotated[date, Field(title="业务日期")]
    position: Annotated[int, Field(title="截至流水号")]
    schemes: Annotated[list[str], Field(title="当日施行的编码方案")]
    items: Annotated[int, Field(title="清单事项数")]
    codes: Annotated[int, Field(title="已有编码数")]
    unfit: Annotated[int, Field(title="不符的编码数")]
    findings: Annotated[list[UnfitShown], Field(title="不符的编码")]
    next: Annotated[str | None, Field(title="下一页地址")]


_CODES = Operation(
    summary="编码核对",
    tag="权责清单",
    description="在任一业务日期、按任一时刻已知的内容，列出不符合当日施行编码方案的职权编码和实施编码，"
    "逐段说明不符之处。早先赋的编码可以沿用，这里只供核对。",
    right=Right.READ,
    params=(
        *CLOCKS,
        *SCOPE,
        AFTER,
        Param("limit", "每页约多少处", "integer", default=PAGE, maximum=LONGEST_PAGE),
    ),
    answers=(Answer(200, "核对结果", CodesShown),),
    problems=("ledger.not-opened", "ledger.not-built", "server.busy"),
)


def add_routes(api: Api) -> None:
    """Add the route."""
    services = api.services

    async def shown(asked: Asked) -> Response:
        query = asked.query
        found = await services.run_export(
            check_codes,
            services.ledgers,
            services.ledger_question,
            clocks_of(query),
            filters=scope_of(query),
            after=query["after"],
            limit=query["limit"],
        )
        return answer(_shown(found, dict(asked.request.query_params)))

    api.add("GET", PATH, shown, _CODES)


def _shown(found: Checked, given: dict[str, str]) -> dict[str, Any]:
    return {
        "valid_on": found.day,
        "position": found.position,
        "schemes": list(found.schemes),
        "items": found.items,
        "codes": found.codes,
        "unfit": found.unfit,
        "findings": [
            {**one._asdict(), "link": f"/api/ledgers/rights_items/{one.item}"}
            for one in found.page.found
        ],
        "next": next_page(PATH, given, found),
    }
