"""Published rights lists go in over HTTP: files up, what they bring and what was not read back.

    POST /api/import/rights   multipart, one or more files ──► 200 tried, refused, or nothing new
         ?on=2024-12-31       the day from which they hold      201 recorded, as one append
         ?edition=2024年版    what they were published as       422 a file cannot be read
         ?form=xlsx           answers with the report, a line for every cell that was not read

The same words as ``taizhang import rights``; one import after another, in a thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Annotated, Any, Final
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from application.access import Right
from application.rights import LEVELS
from application.rights_importing import OUTCOMES, Filed, Plan, Step, Wanted, file_plan
from application.rights_reading import RightsRead, no_list
from domain.rights_compiling import APPROVERS
from domain.rights_content import ItemContent
from domain.rights_editions import TakeOverEdition
from interface.asking import Param
from interface.commands import DRY_RUN, IDEMPOTENCY_KEY, idempotency_key
from interface.exports import MEDIA, form_accepted, pieces, scratch
from interface.importing import FIELD, uploaded
from interface.importing_asked import FORMS
from interface.importing_shown import STAGES, ImportReceipt, stage_title
from interface.operations import Answer, Api, Asked, Operation
from interface.problems import faulty
from interface.services import Services
from interface.shown import answer, moment
from interface.wording import Fault, faults

_DESCRIPTION: Final = """\
把部门已经公布的权责清单（.xls、.xlsx、.csv）照原样导入，每行登记为一个事项。
以 multipart/form-data 上传，各文件的字段名均为 files。

先加 `?dry_run=true` 试办，看清哪些新增、哪些有变化，再正式导入。全部一次记录，有一项不能登记则全部
不记录；同一文件重复导入，不会重复记录；改过的文件只记录不同之处。写明 edition 的，同时把这一天的
清单登记为已公布的版次。"""

PARAMS: Final = (
    Param("on", "清单生效日期（必填）", "date", example="2024-12-31"),
    Param("edition", "版次名称：这些清单是哪一版；同时登记该版次", example="2024年版"),
    Param("level", "版次的清单层级", "choice", choices=LEVELS, default="district"),
    Param("approved_by", "审定机关", "choice", choices=APPROVERS, default="government"),
    Param("meeting", "审定会议", example="区政府第12次常务会议"),
    Param("channels", "公布渠道，用顿号分隔", default="政府门户网站"),
    Param("department", "部门全称：这些清单是哪个部门的，可省略"),
    Param(
        "whole",
        "完整清单：true 表示文件是部门的完整清单，其中没有的事项登记为减少",
        "boolean",
        default=False,
    ),
    Param(
        "form",
        "答复形式：json 全部结果；xlsx 核对结果，逐格列出没有读入的；不写则按请求头 Accept",
        "choice",
        choices=FORMS,
    ),
)

# ── what OpenAPI says of it ──────────────────────────────────────────────────────────────────


class CellShown(BaseModel):
    """A cell (or a row) that was not taken over as it stands."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    row: Annotated[int, Field(title="行号")]
    column: Annotated[str, Field(title="列", description="整行的为空")]
    code: Annotated[str, Field(title="问题代码")]
    message: Annotated[str, Field(title="说明")]
    text: Annotated[str, Field(title="原文")]
    lost: Annotated[bool, Field(title="是否漏读")]


class TotalShown(BaseModel):
    """A number of items that a list states, and how many there are."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    text: Annotated[str, Field(title="原文")]
    stated: Annotated[int, Field(title="清单写明的项数")]
    rows: Annotated[int, Field(title="读到的项数")]
    names: Annotated[int, Field(title="不同名称的项数")]
    agrees: Annotated[bool, Field(title="是否相符")]


class SheetNotRead(BaseModel):
    """A sheet that was not read."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    why: Annotated[str, Field(title="原因")]


class StepShown(BaseModel):
    """What the import does about one row, or about an item that the list does not name any more."""

    outcome: Annotated[str, Field(title="结果代码", examples=list(OUTCOMES))]
    title: Annotated[str, Field(title="结果")]
    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    row: Annotated[int, Field(title="行号")]
    department: Annotated[str, Field(title="部门")]
    category: Annotated[str | None, Field(title="职权类型")]
    name: Annotated[str, Field(title="事项名称")]
    sub_name: Annotated[str | None, Field(title="子项名称")]
    item: Annotated[str | None, Field(title="事项（系统内编号）", description="新增的为空")]
    fields: Annotated[list[str], Field(title="变化的要素")]
    likeness: Annotated[float | None, Field(title="相似度", description="按名称相近认定的，0 至 1")]


class UnplacedShown(BaseModel):
    """A row whose department is not known."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    row: Annotated[int, Field(title="行号")]
    department: Annotated[str, Field(title="清单所写的部门")]
    message: Annotated[str, Field(title="说明")]


class RightsImportShown(BaseModel):
    """What became of published lists."""

    stage: Annotated[str, Field(title="办理情况代码", examples=list(STAGES))]
    stage_title: Annotated[str, Field(title="办理情况", examples=list(STAGES.values()))]
    faulty: Annotated[bool, Field(title="是否有误", description="有漏读、没有着落或不能登记的")]
    edition: Annotated[str | None, Field(title="登记的版次", description="没有登记的为空")]
    receipt: Annotated[ImportReceipt | None, Field(title="回执", description="没有记录的为空")]
    counts: Annotated[dict[str, int], Field(title="各种结果的项数")]
    steps: Annotated[list[StepShown], Field(title="逐项结果", description="没有变化的不列")]
    refusals: Annotated[list[str], Field(title="不能登记的")]
    unplaced: Annotated[list[UnplacedShown], Field(title="看不出部门的行")]
    cells: Annotated[list[CellShown], Field(title="没有照原样读入的")]
    sheets: Annotated[list[SheetNotRead], Field(title="没有读取的工作表")]
    totals: Annotated[list[TotalShown], Field(title="清单写明的项数")]


# ── answering ────────────────────────────────────────────────────────────────────────────────


def add_routes(api: Api) -> None:
    """Add the route."""
    api.add(
        "POST",
        "/api/import/rights",
        _Import(api.services).answer,
        Operation(
            summary="导入公布的权责清单",
            tag="权责清单",
            description=_DESCRIPTION,
            right=Right.FILE,
            upload=(FIELD, "部门公布的权责清单（.xls、.xlsx、.csv），一个或几个"),
            params=(DRY_RUN, *PARAMS, IDEMPOTENCY_KEY),
            answers=(
                Answer(
                    200,
                    "没有记录：试办结果，有不能登记的，或没有新的内容",
                    RightsImportShown,
                    files=(MEDIA["xlsx"],),
                ),
                Answer(
                    201,
                    "已记录",
                    RightsImportShown,
                    files=(MEDIA["xlsx"],),
                    headers=(("Location", "首条流水记录的地址"),),
                ),
            ),
            problems=("import.files", "filing.key-reused", "server.busy", "server.stopping"),
        ),
    )


@dataclass(frozen=True)
class _Order:
    """What is wanted of the files, by whom, and in which form the answer."""

    wanted: Wanted
    actor: str
    dry_run: bool
    key: str | None
    xlsx: bool


@dataclass(frozen=True)
class _Done:
    """What was read and what became of it; the report, where it is wanted."""

    reads: list[RightsRead]
    plan: Plan
    filed: Filed
    report: IO[bytes] | None


class _Import:
    """Answers ``POST /api/import/rights``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, asked: Asked) -> Response:
        """Import what is uploaded."""
        query = asked.query
        xlsx = (query["form"] or form_accepted(asked.request)) == "xlsx"
        key = idempotency_key(asked)
        order = _Order(_wanted(query), asked.session.name, query["dry_run"], key, xlsx)
        files = await uploaded(asked.request)
        try:
            done = await self._services.run_import(self._work, files, order)
        finally:
            for file in files:
                file.file.close()
        return _response(done, order)

    def _work(self, uploads: list[UploadFile], order: _Order) -> _Done:
        """Import, in a thread of its own."""
        services = self._services
        names = services.distinct_names([one.filename or "" for one in uploads])
        sources = dict(zip(names, (one.file.read() for one in uploads), strict=True))
        reads = services.read_lists(sources)
        plan = services.plan_lists(reads, order.wanted)
        filed = file_plan(services.writer, plan, order.actor, dry_run=order.dry_run, key=order.key)
        report = None
        if order.xlsx:
            report = scratch()
            services.write_report(reads, report)
        return _Done(reads, plan, filed, report)


def _wanted(query: dict[str, Any]) -> Wanted:
    if query["on"] is None:
        raise faulty(
            [Fault("on", "清单生效日期", "请填写，如 on=2024-12-31。")], "request.parameters"
        )
    edition = None
    if query["edition"] is not None:
        channels = [one.strip() for one in query["channels"].split("、") if one.strip()]
        said = {name: query[name] for name in ("level", "approved_by", "meeting")}
        body = {"effective_on": query["on"], "name": query["edition"], "channels": channels}
        try:
            edition = TakeOverEdition.model_validate({**body, **said})
        except ValidationError as error:
            raise faulty(faults(error, TakeOverEdition), "request.parameters") from None
    return Wanted(query["on"], query["department"], query["whole"], edition)


def _response(done: _Done, order: _Order) -> Response:
    receipt = done.filed.receipt
    status = 200 if receipt is None else 201
    headers = {} if receipt is None else {"Location": f"/api/journal/{receipt.first}"}
    if done.report is None:
        return answer(_shown(done, dry_run=order.dry_run), status, headers)
    headers["Content-Length"] = str(done.report.tell())
    headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote('核对结果.xlsx')}"
    done.report.seek(0)
    return StreamingResponse(pieces(done.report), status, headers, media_type=MEDIA["xlsx"])


def _shown(done: _Done, *, dry_run: bool) -> dict[str, Any]:
    plan, filed, reads = done.plan, done.filed, done.reads
    receipt = filed.receipt
    stage = "tried" if dry_run else ("held" if filed.refusals else "recorded")
    lost = any(one.lost for read in reads for one in read.reports)
    edition = plan.edition
    return {
        "stage": stage,
        "stage_title": stage_title(stage, receipt),
        "faulty": bool(filed.refusals or plan.unplaced or lost or no_list(reads)),
        "edition": None if edition is None or filed.refusals else edition.name,
        "receipt": None
        if receipt is None
        else {
            "first": receipt.first,
            "last": receipt.last,
            "recorded_at": moment(receipt.recorded_at),
            "links": {"first": f"/api/journal/{receipt.first}"},
        },
        "counts": {outcome: plan.counts[outcome] for outcome in OUTCOMES},
        "steps": [_step(one) for one in plan.steps if one.outcome != "same"],
        "refusals": [str(one) for one in filed.refusals],
        "unplaced": [
            {**_place(one.source), "department": one.department, "message": one.message}
            for one in plan.unplaced
        ],
        "cells": [{"file": r.file, **one._asdict()} for r in reads for one in r.reports],
        "sheets": [{"file": r.file, **one._asdict()} for r in reads for one in r.not_read],
        "totals": [
            {
                "file": read.file,
                **{name: getattr(one, name) for name in ("sheet", "text", "stated", "rows")},
                "names": one.names,
                "agrees": one.agrees,
            }
            for read in reads
            for one in read.totals
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    content = step.content
    return {
        "outcome": step.outcome,
        "title": OUTCOMES[step.outcome],
        **_place(step.source),
        "department": step.department,
        "category": None if content.category is None else content.category.label,
        "name": content.name,
        "sub_name": content.sub_name,
        "item": step.item,
        "fields": [str(ItemContent.model_fields[one].title) for one in step.fields],
        "likeness": step.score if step.how == "similar" else None,
    }


def _place(source: Any) -> dict[str, Any]:
    return {"file": source.file, "sheet": source.sheet, "row": source.row}
