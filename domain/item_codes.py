"""Schemes of item codes (事项编码方案): of which parts a code consists, and what each part says.

    650200 207 XK 016 00      CodeScheme ─► Segment: 行政区划 · 其他 · 职权类型 · 顺序号 · 子项号

Several schemes are in use in the country, and each is replaced in time. A scheme is therefore data:
the office says which are in force from which day on (a setting), and a code holds if it fits one of
those for its field. What a part says is compared with the item: its category, whether it is a
sub-item, the organisation code of the body that exercises it, the basic code inside a longer one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.code_sets_rights import PowerCategory
from domain.codes import Named
from domain.identifiers import IdProblem, parse_organisation_code
from domain.text import compact
from domain.vocabulary import Text

SegmentKind = Literal[
    "division", "organisation", "category", "serial", "sub-item", "basic-code", "other"
]
SEGMENTS: Final[dict[SegmentKind, str]] = {
    "division": "行政区划",
    "organisation": "组织机构代码",
    "category": "职权类型",
    "serial": "顺序号",
    "sub-item": "子项号",
    "basic-code": "职权编码",
    "other": "其他",
}

CodeField = Literal["code", "implementation_code"]
CODE_FIELDS: Final[dict[CodeField, str]] = {"code": "职权编码", "implementation_code": "实施编码"}

ORGANISATION_LENGTH: Final = 9
MOST_SEGMENTS: Final = 20
MOST_VALUES: Final = 500

_PART = re.compile(r"[0-9A-Z]+")


class Segment(BaseModel):
    """One part of a code: what it is, how long, and what it may read.

    ``values`` lists what it may read, where that is settled: the divisions of the office, a fixed
    letter. ``categories`` says which category (职权类型) each reading stands for; without it the
    national numbers hold (01 许可 … 10 其他). ``letters`` allows letters beside digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[SegmentKind, Named(SEGMENTS)]
    length: Annotated[int, Field(ge=1, le=32, strict=True)]
    letters: bool = False
    values: Annotated[tuple[str, ...], Field(max_length=MOST_VALUES)] = ()
    categories: Annotated[dict[str, PowerCategory], Field(max_length=100)] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kind == "organisation" and self.length != ORGANISATION_LENGTH:
            raise ValueError("组织机构代码段应为9位")
        if self.categories and self.kind != "category":
            raise ValueError(f"{SEGMENTS[self.kind]}段不能写职权类型对照表（categories）")
        for text in (*self.values, *self.categories):
            if len(text) != self.length or not _PART.fullmatch(text):
                raise ValueError(
                    f"{SEGMENTS[self.kind]}段长{self.length}位，可取值“{text}”应为{self.length}位"
                    "数字或大写字母"
                )
        return self

    def category(self, part: str) -> str:
        """Return the code of the category that a part stands for."""
        return self.categories[part].value if part in self.categories else part

    @property
    def allowed(self) -> tuple[str, ...]:
        """What the part may read; empty where that is not settled."""
        return self.values or tuple(self.categories)


class CodeScheme(BaseModel):
    """A scheme of codes for one field of an item, part by part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    field: Annotated[CodeField, Named(CODE_FIELDS)] = "code"
    segments: Annotated[tuple[Segment, ...], Field(min_length=1, max_length=MOST_SEGMENTS)]

    @property
    def length(self) -> int:
        """How many characters a code has, hyphens and spaces left out."""
        return sum(segment.length for segment in self.segments)


class Coded(NamedTuple):
    """What a code is compared with: the item it names and the body that exercises it.

    ``organisation`` is the organisation code inside the body's credit code, where that is known.
    """

    category: PowerCategory | None
    is_sub_item: bool
    basic_code: str | None = None
    organisation: str | None = None


def plain_code(code: str) -> str:
    """Return a code for comparing: half-width, capital letters, no spaces, no hyphens."""
    return compact(code).upper().replace("-", "").replace("—", "")


def fault(scheme: CodeScheme, code: str, item: Coded) -> str | None:
    """Return in Chinese where a code first departs from a scheme, or None where it fits."""
    text = plain_code(code)
    if len(text) != scheme.length:
        return f"应为{scheme.length}位，这里有{len(text)}位"
    for place, segment, part in _parts(scheme, text):
        why = _fault(segment, part, item)
        if why is not None:
            end = place + segment.length - 1
            where = f"第{place}位" if segment.length == 1 else f"第{place}至{end}位"
            return f"{where}（{SEGMENTS[segment.kind]}）“{part}”{why}"
    return None


def _parts(scheme: CodeScheme, text: str) -> Iterator[tuple[int, Segment, str]]:
    place = 0
    for segment in scheme.segments:
        yield place + 1, segment, text[place : place + segment.length]
        place += segment.length


def _fault(segment: Segment, part: str, item: Coded) -> str | None:
    lettered = segment.letters or segment.allowed or segment.kind in ("organisation", "basic-code")
    if not _PART.fullmatch(part) or not (lettered or part.isdigit()):
        return f"只能是数字{'和大写字母' if lettered else ''}"
    if segment.allowed and part not in segment.allowed:
        return "不在可用的取值之内"
    judge = _JUDGES.get(segment.kind)
    return None if judge is None else judge(segment, part, item)


def _serial_fault(_: Segment, part: str, __: Coded) -> str | None:
    return None if part.strip("0") else "不能全为0"


def _sub_item_fault(_: Segment, part: str, item: Coded) -> str | None:
    empty = not part.strip("0")
    if empty != item.is_sub_item:
        return None
    return "应为子项的编号，不能全为0" if empty else "应全为0：该事项没有子项"


def _category_fault(segment: Segment, part: str, item: Coded) -> str | None:
    if item.category is not None and item.category.value == segment.category(part):
        return None
    return f"与事项的职权类型（{item.category.label if item.category else '未填'}）不一致"


def _basic_code_fault(_: Segment, part: str, item: Coded) -> str | None:
    same = item.basic_code is not None and plain_code(item.basic_code) == part
    return None if same else f"与职权编码“{item.basic_code or '（未填）'}”不一致"


def _organisation_fault(_: Segment, part: str, item: Coded) -> str | None:
    known = item.organisation
    if known is not None:  # some that were really given fail their check: the certificate decides
        return None if known == part else f"与实施主体统一社会信用代码中的“{known}”不一致"
    try:
        parse_organisation_code(part)
    except IdProblem as problem:
        return f"：{problem.message}"
    return None


_JUDGES: Final[dict[SegmentKind, Callable[[Segment, str, Coded], str | None]]] = {
    "serial": _serial_fault,
    "sub-item": _sub_item_fault,
    "category": _category_fault,
    "basic-code": _basic_code_fault,
    "organisation": _organisation_fault,
}
