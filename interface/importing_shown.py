"""The answer to an import as JSON: the whole, sheet by sheet, and row by row.

A row's findings speak of cells by column letter and heading, as the clerk sees them in Excel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, Field

from application.importing_results import (
    RESULTS,
    Finding,
    Imported,
    Result,
    RowResult,
    SheetRead,
)
from domain.headings import ROW_KINDS, StrangeColumn, column_letters
from interface.shown import Links, moment

STAGES: Final = {
    "tried": "仅试办，没有记录",
    "recorded": "已办理",
    "held": "有误，全部没有记录",
}
NOTHING_NEW: Final = "没有新的内容可以记录"
_MOMENT = "2024-05-06T09:30:00.123456+08:00"
_RESULT = Field(title="结果代码", examples=list(RESULTS))

# ── what OpenAPI says of it ──────────────────────────────────────────────────────────────────


class CountShown(BaseModel):
    """How many rows came out so."""

    result: Annotated[str, _RESULT]
    title: Annotated[str, Field(title="结果", examples=["已规范后记录"])]
    rows: Annotated[int, Field(title="行数")]


class FindingShown(BaseModel):
    """Something found in a row."""

    code: Annotated[str, Field(title="问题代码", examples=["bad_check_digit"])]
    column: Annotated[str | None, Field(title="列", examples=["E"])]
    heading: Annotated[str | None, Field(title="列名", examples=["身份证号"])]
    message: Annotated[str, Field(title="说明")]


class RowShown(BaseModel):
    """What becomes of one row."""

    file: Annotated[str, Field(title="文件", examples=["人员.xlsx"])]
    sheet: Annotated[str, Field(title="工作表", examples=["人员"])]
    row: Annotated[int, Field(title="行号", description="与 Excel 左侧的行号一致")]
    serial: Annotated[str, Field(title="表中序号")]
    result: Annotated[str, _RESULT]
    title: Annotated[str, Field(title="结果")]
    records: Annotated[
        str, Field(title="记录内容", examples=["登记人员；在编：区档案馆，事业编制"])
    ]
    problems: Annotated[list[FindingShown], Field(title="问题")]
    warnings: Annotated[list[FindingShown], Field(title="提示")]
    repairs: Annotated[list[FindingShown], Field(title="修正")]
    first: Annotated[int | None, Field(title="首条流水号", description="试办或没有记录的为空")]
    last: Annotated[int | None, Field(title="末条流水号")]


class ColumnShown(BaseModel):
    """A column of a sheet."""

    column: Annotated[str, Field(title="列", examples=["H"])]
    heading: Annotated[str, Field(title="列名")]


class PassedShown(BaseModel):
    """A row that is no data."""

    row: Annotated[int, Field(title="行号")]
    kind: Annotated[str, Field(title="性质代码", examples=list(ROW_KINDS))]
    title: Annotated[str, Field(title="性质", examples=["合计行"])]
    text: Annotated[str, Field(title="开头文字")]


class SheetShown(BaseModel):
    """What a sheet was taken for, and what was not taken over of it."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    book: Annotated[str, Field(title="认作", examples=["人员名册"])]
    rows: Annotated[int, Field(title="数据行数")]
    counts: Annotated[list[CountShown], Field(title="各种结果的行数")]
    problem: Annotated[str | None, Field(title="整张表没有导入的原因")]
    unknown: Annotated[list[ColumnShown], Field(title="不认识的列")]
    duplicates: Annotated[list[ColumnShown], Field(title="重复的列")]
    left_out: Annotated[list[ColumnShown], Field(title="系统目前不登记的列")]
    passed_over: Annotated[list[PassedShown], Field(title="跳过的行")]
    remarks: Annotated[list[str], Field(title="说明", description="以上各项写成的句子")]


class UnreadShown(BaseModel):
    """A sheet that was not read."""

    file: Annotated[str, Field(title="文件")]
    sheet: Annotated[str, Field(title="工作表")]
    why: Annotated[str, Field(title="原因", examples=["隐藏的工作表，没有读取"])]


class CeilingShown(BaseModel):
    """What becomes of a ceiling that was given."""

    kind: Annotated[str, Field(title="编制类型", examples=["事业编制"])]
    number: Annotated[int, Field(title="总量")]
    result: Annotated[str, _RESULT]
    title: Annotated[str, Field(title="结果")]
    problem: Annotated[str, Field(title="问题")]


class ImportReceipt(BaseModel):
    """The one receipt of everything recorded."""

    first: Annotated[int, Field(title="首条流水号", examples=[2])]
    last: Annotated[int, Field(title="末条流水号", examples=[5121])]
    recorded_at: Annotated[datetime, Field(title="记录时刻", examples=[_MOMENT])]
    links: Links


class ImportShown(BaseModel):
    """What became of the files of an import."""

    opening: Annotated[date, Field(title="建账日")]
    stage: Annotated[str, Field(title="办理情况代码", examples=list(STAGES))]
    stage_title: Annotated[str, Field(title="办理情况", examples=list(STAGES.values()))]
    faulty: Annotated[bool, Field(title="是否有误", description="有行、总量或整张表不能记录")]
    opened: Annotated[bool, Field(title="是否同时建账")]
    replayed: Annotated[bool, Field(title="是否重复请求", description="重复请求返回首次的回执")]
    receipt: Annotated[ImportReceipt | None, Field(title="回执", description="没有记录的为空")]
    counts: Annotated[list[CountShown], Field(title="各种结果的行数")]
    ceilings: Annotated[list[CeilingShown], Field(title="编制总量")]
    sheets: Annotated[list[SheetShown], Field(title="工作表")]
    unread: Annotated[list[UnreadShown], Field(title="没有读取的工作表")]
    rows: Annotated[list[RowShown], Field(title="逐行结果")]


# ── making it ────────────────────────────────────────────────────────────────────────────────


def import_shown(imported: Imported, *, only_findings: bool) -> bytes:
    """Return the answer as JSON; of the rows all, or those about which there is something to say.

    Rows are written one by one: there may be fifty thousand.
    """
    rows = (row for row in imported.rows if row.findings or not only_findings)
    lines = b",".join(orjson.dumps(_row(imported, row)) for row in rows)
    return orjson.dumps({**_whole(imported), "rows": orjson.Fragment(b"[" + lines + b"]")})


def stage_title(stage: str, receipt: object) -> str:
    """Return what was done, in Chinese: without a receipt nothing is called done."""
    return NOTHING_NEW if stage == "recorded" and receipt is None else STAGES[stage]


def _whole(imported: Imported) -> dict[str, Any]:
    receipt = imported.receipt
    return {
        "opening": imported.opening,
        "stage": imported.stage,
        "stage_title": stage_title(imported.stage, receipt),
        "faulty": imported.faulty,
        "opened": imported.opened,
        "replayed": imported.replayed,
        "receipt": None
        if receipt is None
        else {
            "first": receipt.first,
            "last": receipt.last,
            "recorded_at": moment(receipt.recorded_at),
            "links": {"first": f"/api/journal/{receipt.first}"},
        },
        "counts": _counts(imported, Counter(row.result for row in imported.rows)),
        "ceilings": [
            {
                "kind": one.kind,
                "number": one.number,
                "result": one.result,
                "title": imported.title(one.result),
                "problem": one.problem,
            }
            for one in imported.ceilings
        ],
        "sheets": [_sheet(imported, sheet, counts) for sheet, counts in imported.tally()],
        "unread": [one._asdict() for one in imported.unread],
    }


def _counts(imported: Imported, counts: Counter[Result]) -> list[dict[str, Any]]:
    return [
        {"result": one, "title": imported.title(one), "rows": counts[one]}
        for one in RESULTS
        if counts[one]
    ]


def _sheet(imported: Imported, sheet: SheetRead, counts: Counter[Result]) -> dict[str, Any]:
    return {
        "file": sheet.file,
        "sheet": sheet.sheet,
        "book": sheet.book.title,
        "rows": sheet.rows,
        "counts": _counts(imported, counts),
        "problem": None if sheet.problem is None else sheet.problem.message,
        "unknown": _columns(sheet.unknown),
        "duplicates": _columns(sheet.duplicates),
        "left_out": _columns(sheet.left_out),
        "passed_over": [
            {"row": one.row, "kind": one.kind, "title": ROW_KINDS[one.kind], "text": one.text}
            for one in sheet.passed_over
        ],
        "remarks": list(sheet.remarks()),
    }


def _columns(columns: Iterable[StrangeColumn]) -> list[dict[str, str]]:
    return [{"column": column_letters(one.column), "heading": one.heading} for one in columns]


def _row(imported: Imported, row: RowResult) -> dict[str, Any]:
    recorded = imported.stage == "recorded" and row.first
    return {
        "file": row.file,
        "sheet": row.sheet,
        "row": row.row,
        "serial": row.serial,
        "result": row.result,
        "title": imported.title(row.result),
        "records": row.says,
        "problems": list(_findings(row, row.problems)),
        "warnings": list(_findings(row, row.warnings)),
        "repairs": list(_findings(row, row.repairs)),
        "first": row.first if recorded else None,
        "last": row.last if recorded else None,
    }


def _findings(row: RowResult, findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    sheet = row.source
    for one in findings:
        at = (
            None
            if sheet.heading is None or one.field is None
            else sheet.heading.fields.get(one.field)
        )
        yield {
            "code": one.code,
            "column": None if at is None else column_letters(at),
            "heading": None if one.field is None else sheet.book.heading_of(one.field),
            "message": one.message,
        }
