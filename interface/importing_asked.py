"""What is asked of an import (期初导入) beside its files, on the command line and over HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from domain.code_sets import QuotaKind
from domain.codes import told
from domain.journal import PURPOSES
from interface.asking import Param

LARGEST_CEILING: Final = 1_000_000
"""No district has a million posts: who writes more has mistyped."""

_BETWEEN = re.compile(r"[,，、;；\s]+")

FORMS: Final = ("json", "xlsx")
ROWS: Final = {"all": "全部", "findings": "只列有问题、提示或修正的行"}

PARAMS: Final = (
    Param(
        "opening", "建账日：期初情况所属的日期；已经建账的可以省略", "date", example="2021-06-30"
    ),
    Param(
        "strict", "有误全不记录：true 表示只要有一处有误，就全部不记录", "boolean", default=False
    ),
    Param(
        "ceilings",
        "上级下达的编制总量，写作 编制类型=数，用逗号分隔；没有写的类型按各单位编制之和",
        example="行政编制=120,事业编制=800",
        longest=500,
    ),
    Param("office", "单位全称：还没有建账的，导入时以此名称建账", example="示范区委编办"),
    Param(
        "purpose",
        f"建账用途：{told(PURPOSES)}",
        "choice",
        choices=PURPOSES,
        default="live",
    ),
    Param(
        "form",
        "答复形式：json 逐行结果；xlsx 核对结果，即原表加上处理结果、问题、修正三列"
        "（多个文件时为 zip）；不写则按请求头 Accept",
        "choice",
        choices=FORMS,
    ),
    Param(
        "rows",
        f"json 答复列出哪些行：{told(ROWS)}",
        "choice",
        choices=ROWS,
        default="all",
    ),
)
"""The conditions of ``POST /api/import``, beside trying and the request's key."""


def ceilings_of(given: Sequence[str]) -> dict[QuotaKind, int]:
    """Read ceilings written as 编制类型=数, several of them in one text or each in its own.

    Raises `ValueError` with a Chinese sentence about the first that cannot be read.
    """
    found: dict[QuotaKind, int] = {}
    for one in (part for text in given for part in _BETWEEN.split(text.strip()) if part):
        name, _, number = one.replace("＝", "=").partition("=")
        kind = QuotaKind.from_text(name)
        if kind is None:
            near = "、".join(other.label for other in QuotaKind.nearest(name))
            hint = f"，最接近的是：{near}" if near else ""
            raise ValueError(f"没有“{name}”这种编制类型{hint}。")
        if not number.strip().isdecimal() or not 0 < int(number) <= LARGEST_CEILING:
            raise ValueError(f"编制总量“{one}”应写作 编制类型=数，如 事业编制=500。")
        if kind in found:
            raise ValueError(f"{kind.label}的总量写了两次。")
        found[kind] = int(number)
    return found
