"""A line of a rights list → the content of an item (权责事项), and a report on what did not fit.

What a cell says is brought into the fields of `ItemContent`; a text that a field cannot take (an
unknown category, a text beyond its limit) leaves the field empty and is reported with its cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from domain.cells import CellProblem
from domain.cells_choices import clean_flag
from domain.code_sets import CodeList
from domain.code_sets_rights import BodyNature, PowerCategory, PowerLevel, PowerOrigin
from domain.headings import column_letters
from domain.rights_citations import read_bases, tidy
from domain.rights_content import ItemContent, LegalBasis, Source
from domain.rights_departments import is_placeholder
from domain.rights_duties import read_duties, read_liable, read_points
from domain.rights_headings import RIGHTS
from domain.rights_rows import CellReport, Line
from domain.rights_totals import category_named
from domain.text import compact

C = TypeVar("C", bound=CodeList)

_SHOWN: Final = 200
_BETWEEN: Final = re.compile(r"[、，,/；;。\s]|及|与|和")
_NO_TEXT: Final = frozenset({"", "无", "/", "—", "-", "——"})


@dataclass(frozen=True, slots=True)
class ItemRead:
    """An item as a list says it.

    ``department`` is what its own row says, if the list has such a column; ``inferred`` where its
    category comes from if its own cell is blank.
    """

    source: Source
    content: ItemContent
    serial: str = ""
    department: str | None = None
    inferred: str = ""


@dataclass(slots=True)
class _Cells:
    """The texts of one line, and what is to be reported of them."""

    source: Source
    line: Line
    reports: list[CellReport] = field(default_factory=list)

    def report(self, name: str, code: str, message: str, text: str, *, lost: bool = True) -> None:
        """Report the cell of a field."""
        column = column_letters(self.line.columns[name]) if name in self.line.columns else ""
        words = " ".join(text.split())[:_SHOWN]
        place = (self.source.sheet, self.source.row, column)
        self.reports.append(CellReport(*place, code, message, words, lost))

    def one_line(self, name: str) -> str | None:
        """Return a short text without the line breaks and spaces of a narrow column."""
        return closed_up(self.line.text(name)) or None

    def passage(self, name: str) -> str | None:
        """Return a longer text, line by line."""
        return tidy(self.line.text(name)) or None

    def choice(self, name: str, kind: type[C]) -> C | None:
        """Return the member of a closed list that a cell names."""
        text = self.line.text(name)
        found = kind.from_text(text)
        if text and found is None:
            near = "、".join(one.label for one in kind.nearest(text))
            message = f"不在{kind.title_zh}的可选项中，最接近的是：{near}"
            self.report(name, "unknown_choice", message, text)
        return found

    def flag(self, name: str) -> bool | None:
        """Return a yes or no."""
        text = self.line.text(name)
        try:
            return clean_flag(text).value
        except CellProblem as problem:
            self.report(name, problem.code, problem.message, text)
            return None

    def bases(self, name: str) -> tuple[LegalBasis, ...]:
        """Return the documents that a cell cites."""
        read = read_bases(self.line.text(name))
        for piece in read.unread:
            if compact(piece) not in _NO_TEXT:
                self.report(name, "no_document", "没有认出依据的文件名，请加上书名号", piece)
        return read.bases


def closed_up(text: str) -> str:
    """Return ``text`` in one line, without spaces beside a Chinese character."""
    text = re.sub(r"\s*\n\s*", "", text.strip())
    text = re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", "", text)
    return " ".join(text.split())


def read_item(
    line: Line, source: Source, around: tuple[str, ...] = ()
) -> tuple[ItemRead | None, list[CellReport]]:
    """Read a line. ``around`` are texts that tell the category where its cell is blank.

    No item where the name cannot be one; the report says so.
    """
    cells = _Cells(source, line)
    category, inferred = _category(cells, (line.group, *around))
    values = _values(cells) | {"category": category}
    content = _content(cells, values)
    if content is None:
        return None, cells.reports
    _report_gaps(cells, content)
    serial, department = cells.one_line("serial"), cells.one_line("department")
    return ItemRead(source, content, serial or "", department, inferred), cells.reports


def _report_gaps(cells: _Cells, content: ItemContent) -> None:
    """Report what stands in the way of publishing the item; nothing of the list is lost by it."""
    for name in ("bases", "duties", "liabilities"):
        if not cells.line.text(name) and name in cells.line.columns:
            message = f"{_title(name)}空白，补齐后才能公布"
            cells.report(name, "blank", message, "", lost=False)
    for name in ("exercised_by", "handler"):
        text = getattr(content, name)
        if text and is_placeholder(text):
            message = f"{_title(name)}是范本中的占位名称，请改为实际名称"
            cells.report(name, "placeholder", message, text, lost=False)


def _category(cells: _Cells, around: tuple[str, ...]) -> tuple[PowerCategory | None, str]:
    """Return the category; where its cell is blank, what the group or the sheet is called tells.

    A list without such a column says it so on purpose: only a blank in the column is reported.
    """
    if cells.line.text("category"):
        return cells.choice("category", PowerCategory), ""
    for text in around:
        found = category_named(text) if text else None
        if found is not None:
            if "category" in cells.line.columns:
                message = f"职权类型空白，按“{text[:30]}”记为{found.label}，请核对"
                cells.report("category", "category_inferred", message, "", lost=False)
            return found, text
    cells.report("category", "no_category", "职权类型空白，也不能从工作表或标题看出", "")
    return None, ""


def _values(cells: _Cells) -> dict[str, Any]:
    liability = read_points(cells.line.text("liabilities"))
    lead, points = (liability.lead, liability.points) if liability.points else ("", ())
    alone = (liability.lead,) if liability.lead and not points else ()
    levels, scope = _levels(cells.line.texts.get("levels", ()))
    own_scope = cells.passage("scope")
    return {
        **{name: cells.one_line(name) for name in _ONE_LINE},
        **{name: cells.passage(name) for name in _PASSAGES},
        **{name: cells.bases(name) for name in ("bases", "duty_bases", "liability_bases")},
        "duties": read_duties(cells.line.text("duties")),
        "liability_lead": lead or None,
        "liabilities": (*alone, *points),
        "liable": read_liable(cells.line.text("liable")),
        "joint_units": _names(cells.one_line("joint_units")),
        "levels": levels,
        "scope": "\n".join(one for one in (scope, own_scope) if one) or None,
        "body_nature": cells.choice("body_nature", BodyNature),
        "origin": cells.choice("origin", PowerOrigin),
        "relayed": cells.flag("relayed"),
        "charged": cells.flag("charged"),
    }


_ONE_LINE: Final = (
    *("name", "sub_name", "code", "implementation_code", "exercised_by", "handler"),
    *("statutory_limit", "promised_limit", "flowchart"),
)
_PASSAGES: Final = (
    *("department_duty", "target", "fee_basis", "fee_rate", "supervision", "remedy"),
    *("integrity_risk", "origin_reference", "remark"),
)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(one for one in re.split("[、，,；;\n]", text or "") if one)


def _levels(texts: tuple[str, ...]) -> tuple[tuple[PowerLevel, ...], str]:
    """Return the levels that the texts begin with, and what else they say (权限)."""
    levels: dict[PowerLevel, None] = {}
    scopes: dict[str, None] = {}
    for text in texts:
        found, rest = _leading_levels(text)
        levels |= dict.fromkeys(found)
        if rest:
            scopes[rest] = None
    return tuple(levels), "\n".join(scopes)


@lru_cache(maxsize=1024)
def _leading_levels(text: str) -> tuple[tuple[PowerLevel, ...], str]:
    """Cut the levels off the head of a text: 市级、县级；负责…… is two and 负责……."""
    whole = PowerLevel.from_text(text)
    if whole is not None:
        return (whole,), ""
    levels: list[PowerLevel] = []
    rest = tidy(text)
    while rest:
        cut = _BETWEEN.search(rest)
        word = rest[: cut.start()] if cut else rest
        level = PowerLevel.from_text(word)
        if level is None:
            break
        levels.append(level)
        rest = rest[cut.end() :].lstrip() if cut else ""
    return tuple(levels), rest


def _content(cells: _Cells, values: dict[str, Any]) -> ItemContent | None:
    """Return the content; a value the model refuses is left out and reported."""
    try:
        return ItemContent.model_validate(values)
    except ValidationError as error:
        refused = {str(one["loc"][0]): one for one in error.errors()}
    for name, one in refused.items():
        message = f"“{_title(name)}”{_why(one)}，没有导入"
        cells.report(_FIELD_OF.get(name, name), "does_not_fit", message, cells.line.text(name))
    if "name" in refused:
        return None
    return ItemContent.model_validate({k: v for k, v in values.items() if k not in refused})


_FIELD_OF: Final[Mapping[str, str]] = {"liability_lead": "liabilities"}


def _title(name: str) -> str:
    title = ItemContent.model_fields[name].title
    return title or RIGHTS.heading_of(name)


def _why(error: Mapping[str, Any]) -> str:
    limit = error.get("ctx", {}).get("max_length")
    return (
        f"超过{limit}个{'字' if error['type'].startswith('string') else '条'}"
        if limit
        else "不合要求"
    )
