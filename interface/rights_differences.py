"""What differs between two editions or two days of the lists, over REST.

GET /api/rights/differences?from_edition=…&to_edition=…
GET /api/rights/differences?from_day=2024-01-01&to_day=2024-12-31&department=…&category=01
    &form=xlsx (or Accept)   as a workbook, which is noted as an export
"""

from __future__ import annotations

from datetime import date
from typing import IO, Annotated, Any, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Export, Right
from application.rights import CATEGORIES, LEVELS
from application.rights_differences import KINDS, MEASURES, Difference, Differences, Tally
from interface.asking import Param
from interface.exports import MEDIA, form_accepted, handed_out, scratch
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import Problem
from interface.rights_lists import Edition, Lists, Moment
from interface.services import Services
from interface.shown import answer


class SideShown(BaseModel):
    """An item on one side of a difference."""

    item: Annotated[str, Field(title="事项（系统内编号）")]
    department: Annotated[str, Field(title="部门（系统内编号）")]
    department_name: Annotated[str, Field(title="部门")]
    category: Annotated[str, Field(title="职权类型")]
    name: Annotated[str, Field(title="事项名称")]
    sub_name: Annotated[str | None, Field(title="子项名称")]


class FieldShown(BaseModel):
    """A field that says something else now."""

    field: Annotated[str, Field(title="字段")]
    title: Annotated[str, Field(title="要素")]
    before: Annotated[list[str], Field(title="原内容（逐行）")]
    after: Annotated[list[str], Field(title="现内容（逐行）")]


class DifferenceShown(BaseModel):
    """What became of items."""

    kind: Annotated[str, Field(title="变动", examples=list(KINDS))]
    before: Annotated[list[SideShown], Field(title="原事项")]
    after: Annotated[list[SideShown], Field(title="现事项")]
    fields: Annotated[list[FieldShown], Field(title="变更的要素")]


class TallyShown(BaseModel):
    """The figures of a department and category."""

    department: Annotated[str, Field(title="部门（系统内编号）")]
    department_name: Annotated[str, Field(title="部门")]
    category: Annotated[str, Field(title="职权类型")]
    figures: Annotated[
        dict[str, int],
        Field(title="事项数", description="；".join(f"{k} {v}" for k, v in MEASURES.items())),
    ]
    closes: Annotated[bool, Field(title="原有＋增加－减少＝现有")]


class DifferencesShown(BaseModel):
    """Everything that differs."""

    from_day: Annotated[date, Field(title="原清单日期")]
    to_day: Annotated[date, Field(title="现清单日期")]
    level: Annotated[str, Field(title="清单层级")]
    totals: Annotated[dict[str, int], Field(title="合计")]
    tallies: Annotated[list[TallyShown], Field(title="按部门和职权类型")]
    differences: Annotated[list[DifferenceShown], Field(title="变动的事项")]


PARAMS: Final = (
    Param("from_edition", "原版次（系统内编号）", "id"),
    Param("to_edition", "现版次（系统内编号）", "id"),
    Param("from_day", "原清单日期", "date"),
    Param("to_day", "现清单日期", "date"),
    Param("level", "清单层级", "choice", choices=LEVELS, default="district"),
    Param("department", "部门（系统内编号）", "id"),
    Param("category", "职权类型", "choice", choices=CATEGORIES),
    Param(
        "form",
        "答复形式：json；xlsx 工作簿（事项数、变动事项、变更要素三张表）；不写则按请求头 Accept",
        "choice",
        choices=("json", "xlsx"),
    ),
)
_DIFFERENCES = Operation(
    summary="权责清单对照",
    tag="权责清单",
    description="两个版次之间，或按目前所知两个日期之间：新增、退出清单、合并、分设、划转、逐项要素变更；"
    "并按部门和职权类型核对“原有＋增加－减少＝现有”。",
    right=Right.READ,
    params=PARAMS,
    answers=(Answer(200, "对照结果", DifferencesShown, files=(MEDIA["xlsx"],)),),
    problems=(
        "rights.edition-unknown",
        "export.too-large",
        "ledger.not-opened",
        "ledger.not-built",
        "server.busy",
    ),
)


def add_routes(api: Api) -> None:
    """Add the route."""
    lists = Lists(api.services.ledgers, api.services.ledger_question, api.services.journal)

    async def shown(asked: Asked) -> Response:
        query = asked.query
        before, after, level = await api.services.run(ends, lists, query)
        found = await api.services.run_export(lists.compared, before, after, level)
        within = found.within(query["department"], query["category"])
        if (query["form"] or form_accepted(asked.request)) == "xlsx":
            about = about_differences(before, after, level, "内部")
            file = await api.services.run_export(workbook, api.services, within, about)
            await api.services.run(_note, api.services, asked, len(within.lines))
            return handed_out(file, f"权责清单对照_{before.valid_on}_{after.valid_on}", "xlsx")
        clocks = {"from_day": before.valid_on, "to_day": after.valid_on, "level": level}
        return answer({**clocks, **as_json(within)})

    api.add("GET", "/api/rights/differences", shown, _DIFFERENCES)


def about_differences(
    before: Moment, after: Moment, level: str, secrecy: str, names: tuple[str, str] = ("", "")
) -> list[tuple[str, str]]:
    """Return what a workbook of differences says about itself."""
    sides = zip(("原清单", "现清单"), names, (before, after), strict=True)
    return [
        ("台账", "权责清单对照"),
        ("清单层级", LEVELS[level]),
        *(
            (side, f"{name}（{at.valid_on}）" if name else str(at.valid_on))
            for side, name, at in sides
        ),
        ("密级", secrecy),
    ]


def workbook(services: Services, found: Differences, about: list[tuple[str, str]]) -> IO[bytes]:
    """Return differences as a workbook, an open file."""
    file = scratch()
    try:
        services.write_differences(found, about, file)
    except BaseException:
        file.close()
        raise
    return file


def _note(services: Services, asked: Asked, rows: int) -> None:
    """Note that a comparison left as a file."""
    given = {name: str(value) for name, value in asked.query.items() if value is not None}
    services.access_log.note(
        Export(
            actor=asked.session.name,
            what="rights_items",
            question=given,
            rows=rows,
            unmasked=False,
            position=services.journal.head()[0],
            valid_on=asked.query["to_day"],
            format="xlsx",
            secrecy="internal",
        )
    )


def ends(lists: Lists, query: dict[str, Any]) -> tuple[Moment, Moment, str]:
    """Return the two points that are asked for, the earlier first, and the level of the list."""
    editions = query["from_edition"], query["to_edition"]
    days = query["from_day"], query["to_day"]
    if all(editions) and not any(days):
        return edition_ends(*(found_edition(lists, str(one)) for one in editions))
    if any(editions) or not all(days):
        raise Problem("request.parameters", "请填写两个版次，或两个日期。")
    early, late = sorted(days)
    return Moment(early), Moment(late), query["level"]


def edition_ends(one: Edition, other: Edition) -> tuple[Moment, Moment, str]:
    """Return the points at which two editions of one level are read, the earlier first."""
    if one.level != other.level:
        raise Problem("request.parameters", "两个版次的清单层级不同，不能对照。")
    early, late = sorted((one, other), key=lambda edition: (edition.effective_on, edition.known))
    before, after = (Moment(edition.effective_on, edition.known) for edition in (early, late))
    return before, after, one.level


def found_edition(lists: Lists, key: str) -> Edition:
    """Return an edition; raises a 404 `Problem` where there is none."""
    edition = lists.edition(key)
    if edition is None:
        raise Problem("rights.edition-unknown", "没有公布过这个版次，请核对地址或编号。")
    return edition


def as_json(found: Differences) -> dict[str, Any]:
    """Return differences as JSON shows them."""
    return {
        "totals": found.totals(),
        "tallies": [_tally(one) for one in found.tallies],
        "differences": [_line(one) for one in found.lines],
    }


def _tally(one: Tally) -> dict[str, Any]:
    return {**one._asdict(), "figures": dict(one.figures), "closes": one.closes}


def _line(one: Difference) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "before": [side._asdict() for side in one.before],
        "after": [side._asdict() for side in one.after],
        "fields": [change._asdict() for change in one.fields],
    }
