"""The basis watch (依据监测) over REST: what items rest on law that is not what they say it is.

GET /api/rights/watch?valid_on=2025-06-01&problem=repealed&department=…
GET /api/rights/watch?law=…                             what rests on one law, once it is repealed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Right
from application.rights import CATEGORIES, LEVELS
from application.rights_codes import Checked
from application.rights_watch import (
    CERTAINTIES,
    PARTS,
    PROBLEMS,
    Finding,
    Watch,
    is_wanted,
    watch_ledgers,
)
from domain.codes import told
from interface.asking import Param
from interface.ledger_questions import CLOCKS
from interface.operations import Answer, Api, Asked, Operation
from interface.shown import answer

PATH: Final = "/api/rights/watch"
PAGE: Final = 100
LONGEST_PAGE: Final = 1000
SCOPE: Final = (
    Param("department", "部门（系统内编号）", "id"),
    Param("level", "清单层级", "choice", choices=LEVELS),
    Param("category", "职权类型", "choice", choices=CATEGORIES),
)
AFTER: Final = Param("after", "只列此事项编号之后的（翻页用）", "id")


class FindingShown(BaseModel):
    """One thing that is not in order with one citation of one item."""

    item: Annotated[str, Field(title="事项（系统内编号）")]
    department: Annotated[str, Field(title="部门（系统内编号）")]
    department_name: Annotated[str, Field(title="部门")]
    name: Annotated[str, Field(title="事项名称")]
    sub_name: Annotated[str | None, Field(title="子项名称")]
    part: Annotated[str, Field(title="所在要素", examples=list(PARTS))]
    part_title: Annotated[str, Field(title="要素名称")]
    title: Annotated[str, Field(title="所引文件名称")]
    articles: Annotated[str, Field(title="条款")]
    problem: Annotated[str, Field(title="问题", examples=list(PROBLEMS))]
    problem_title: Annotated[str, Field(title="问题名称")]
    detail: Annotated[str, Field(title="说明")]
    law: Annotated[str | None, Field(title="法规（系统内编号）")]
    certainty: Annotated[str, Field(title="把握", examples=list(CERTAINTIES))]
    certainty_title: Annotated[str, Field(title="把握程度")]
    link: Annotated[str, Field(title="事项的地址")]


class WatchShown(BaseModel):
    """What the watch found."""

    valid_on: Annotated[date, Field(title="业务日期")]
    position: Annotated[int, Field(title="截至流水号")]
    items: Annotated[int, Field(title="清单事项数")]
    laws: Annotated[int, Field(title="法规库中的法规数")]
    counts: Annotated[
        dict[str, dict[str, int]],
        Field(title="各类问题的处数，按把握程度", description="按部门等条件、不按问题和翻页计"),
    ]
    findings: Annotated[list[FindingShown], Field(title="问题")]
    next: Annotated[str | None, Field(title="下一页地址")]


_WATCH = Operation(
    summary="依据监测",
    tag="权责清单",
    description="在任一业务日期、按任一时刻已知的清单和法规库，逐条核对事项的实施依据、责任依据和追责"
    "依据：已废止、尚未施行、版本已更新、所引版本未入库、层级标注不符；并注明认定的把握程度。"
    "法规库中没有的文件，指定 problem=unknown 时才列出。"
    "法规登记废止后，用 law 即可列出以它为依据的事项。",
    right=Right.READ,
    params=(
        *CLOCKS,
        Param("problem", f"问题：{told(PROBLEMS)}", "choice", choices=PROBLEMS),
        Param("certainty", f"把握：{told(CERTAINTIES)}", "choice", choices=CERTAINTIES),
        Param("law", "法规（系统内编号，见法规库台账）", "id"),
        *SCOPE,
        AFTER,
        Param(
            "limit", "每页约多少处；同一事项的不分开", "integer", default=PAGE, maximum=LONGEST_PAGE
        ),
    ),
    answers=(Answer(200, "监测结果", WatchShown),),
    problems=("ledger.not-opened", "ledger.not-built", "server.busy"),
)


def add_routes(api: Api) -> None:
    """Add the route."""
    services = api.services

    async def shown(asked: Asked) -> Response:
        query = asked.query
        found = await services.run_export(
            watch_ledgers,
            services.ledgers,
            services.ledger_question,
            clocks_of(query),
            wanted=lambda one: is_wanted(one, query["problem"], query["certainty"], query["law"]),
            filters=scope_of(query),
            after=query["after"],
            limit=query["limit"],
        )
        return answer(_shown(found, dict(asked.request.query_params)))

    api.add("GET", PATH, shown, _WATCH)


def _shown(found: Watch, given: dict[str, str]) -> dict[str, Any]:
    counts: dict[str, Counter[str]] = {}
    for (problem, certainty), n in found.counts.items():
        counts.setdefault(problem, Counter())[certainty] += n
    return {
        "valid_on": found.day,
        "position": found.position,
        "items": found.items,
        "laws": found.laws,
        "counts": counts,
        "findings": [_finding(one) for one in found.page.found],
        "next": next_page(PATH, given, found),
    }


def clocks_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the point on both clocks that a question names."""
    return {clock.name: query[clock.name] for clock in CLOCKS}


def scope_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return which items a question is about, as conditions of their ledger."""
    chosen = {param.name: query[param.name] for param in SCOPE}
    return {name: value for name, value in chosen.items() if value is not None}


def next_page(path: str, given: dict[str, str], found: Watch | Checked) -> str | None:
    """Return the address of the next page, if findings are left.

    It asks at the same point of both clocks, whatever is filed meanwhile.
    """
    if not found.page.left:
        return None
    rest = {name: value for name, value in given.items() if name != "known_at"}
    clocks = {"valid_on": str(found.day), "known": str(found.position)}
    return f"{path}?{urlencode({**rest, **clocks, 'after': found.page.found[-1].item})}"


def _finding(one: Finding) -> dict[str, Any]:
    return {
        **one._asdict(),
        "part_title": PARTS[one.part],
        "problem_title": PROBLEMS[one.problem],
        "certainty_title": CERTAINTIES[one.certainty],
        "link": f"/api/ledgers/rights_items/{one.item}",
    }
