"""One spreadsheet cell as an office types it → a clean value, or a problem a clerk understands.

Every cleaner takes the raw cell and returns `Cleaned`: the value (`None` where the cell is empty or
says 不详), the repairs that were needed and what is worth a warning. A cell that cannot be
understood raises `CellProblem`; nothing is guessed. Messages do not name the column, for only the
caller knows it, and never repeat a person's number.

    cells           clean_text  clean_person_name  clean_institution_name
    cells_numbers   clean_resident_id  clean_credit_code  clean_document_number
    cells_choices   clean_integer  clean_flag  clean_choice  clean_quota_kind
    cells_dates     clean_date

Spaces around a value are dropped without a word; everything else that changes is a named repair.
A choice is stored as a code, so its synonyms are no repair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Generic, TypeVar

from domain.text import compact, half_width, visible, without_spaces

Cell = str | int | float | bool | date | datetime | time | timedelta | None
"""What a spreadsheet reader hands over; an empty cell is `None` or ``""``."""

T = TypeVar("T")

TEXT_LIMIT: Final = 200
"""Characters of an ordinary text (see `domain.vocabulary.Text`)."""

REPAIRS: Final = {
    "inner_spaces": "去掉了中间的空格",
    "invisible_characters": "去掉了看不见的字符",
    "full_width": "全角字符改为半角",
    "name_dot": "姓名中的间隔号统一为“·”",
    "quoted_text_id": "去掉了号码前的引号",
    "id_spaces": "去掉了号码中的空格",
    "id_lower_x": "号码末位小写x改为大写X",
    "id_x_look_alike": "号码末位的乘号等符号改为X",
    "id_15_digits": "15位老号码升为18位",
    "lower_case": "小写字母改为大写",
    "date_dots": "用点分隔的日期改为标准写法",
    "date_slashes": "用斜线分隔的日期改为标准写法",
    "date_chinese": "中文日期改为标准写法",
    "date_8_digits": "8位数字的日期改为标准写法",
    "date_yyyymm": "6位数字的年月按当月1日记录",
    "date_no_day": "只有年月，按当月1日记录",
    "date_two_digit_year": "两位数的年份补全为四位",
    "date_time_dropped": "去掉了日期后的时刻",
    "excel_serial_date": "Excel日期序号还原为日期",
    "unit_removed": "去掉了数字后的“人”“名”等字",
    "document_number_brackets": "文号年份的括号统一为“〔〕”",
}
"""Every repair a cleaner may name: its stable code and what the clerk reads."""

WARNINGS: Final = {
    "private_use_character": "姓名中有自造字，在别的电脑上可能显示不出来，请核对用字",
    "unusual_document_number": "文号不是“机关代字〔年份〕序号号”的通常写法，请核对",
    "inner_organisation_code_fails": (
        "统一社会信用代码本身有效，但其中的组织机构代码（第9至17位）校验码不符，请核对证书"
    ),
}
"""Everything a cleaner may warn of, likewise."""

MISSING: Final = frozenset(
    [
        *("", "不详", "不祥", "不明", "不清", "未知", "无", "暂无", "没有", "待定", "待查", "待补"),
        *(
            "空",
            "/",
            "//",
            "\\",
            "-",
            "--",
            "—",
            "——",
            "–",
            "...",
            "……",
            "*",
            "null",
            "none",
            "nan",
        ),
    ]
)
"""What an office writes into a cell that it has nothing to write into."""
_LONGEST_MISSING: Final = 8
"""Longer texts, spaces included, are not looked at for `MISSING`: 50,000 rows have many cells."""

_EXCEL_ERROR = re.compile(r"#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NULL!|NUM!|GETTING_DATA|SPILL!)")


class CellProblem(ValueError):
    """A cell that cannot be taken over: stable ``code``, Chinese ``message``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Cleaned(Generic[T]):
    """A clean value, with the codes of `REPAIRS` it took and of `WARNINGS` it deserves."""

    value: T
    repairs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------ text


def text_of(cell: Cell) -> str:
    """Return what the cell shows, trimmed; an empty cell and 不详 show nothing.

    A whole number shows no decimal point, a day is written as yyyy-mm-dd.

    Raises:
        CellProblem: ``excel_error`` where a formula of the workbook has failed.
    """
    if isinstance(cell, datetime) and cell.time() == time():
        cell = cell.date()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "" if cell is None else str(cell).strip()
    if text.startswith("#") and _EXCEL_ERROR.match(text):
        raise CellProblem("excel_error", f"单元格里的公式出错（{text}），请改为数值")
    return "" if len(text) <= _LONGEST_MISSING and compact(text).lower() in MISSING else text


def seen(text: str, repairs: list[str]) -> str:
    """Return ``text`` without what nobody sees; notes the repair if it took one."""
    clean = visible(text)
    if clean != text:
        repairs.append("invisible_characters")
    return clean.strip()


def narrowed(text: str, repairs: list[str]) -> str:
    """Return ``text`` with its full-width characters made half-width; notes the repair."""
    clean = half_width(text)
    if clean != text:
        repairs.append("full_width")
    return clean


def closed_up(text: str, repairs: list[str], repair: str = "inner_spaces") -> str:
    """Return ``text`` without any spaces; notes the ``repair``."""
    clean = without_spaces(text)
    if clean != text:
        repairs.append(repair)
    return clean


def clean_text(cell: Cell, *, limit: int = TEXT_LIMIT) -> Cleaned[str | None]:
    """Clean free text (备注, 职务 …): one line, at most ``limit`` characters.

    Raises:
        CellProblem: ``excel_error`` or ``text_too_long``.
    """
    repairs: list[str] = []
    text = " ".join(seen(text_of(cell), repairs).split())
    return Cleaned(within(text, limit), tuple(repairs))


def within(text: str, limit: int = TEXT_LIMIT) -> str | None:
    """Return ``text``, `None` for an empty one; refuses one longer than ``limit``."""
    if len(text) > limit:
        raise CellProblem("text_too_long", f"内容有{len(text)}个字，最多{limit}个字")
    return text or None


def clean_institution_name(cell: Cell) -> Cleaned[str | None]:
    """Clean the name of an institution (机构名称): it has no spaces inside.

    Full-width brackets and letters stay as the approval document has them; compare names with
    `domain.text.compact`.

    Raises:
        CellProblem: ``excel_error``, ``text_too_long`` or ``name_unreadable``.
    """
    repairs: list[str] = []
    text = closed_up(seen(text_of(cell), repairs), repairs)
    _require_readable(text)
    return Cleaned(within(text), tuple(repairs))


_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af\ue000-\uf8ff"
_DOT = re.compile(rf"(?<=[{_HAN}])\s*[·.．。•・‧∙⋅･●]\s*(?=[{_HAN}])")
_NAME_LIMIT = 50


def clean_person_name(cell: Cell) -> Cleaned[str | None]:
    """Clean a person's name (姓名).

    Spaces inside a Chinese name go; the dot of a minority name becomes ``·``. Rare characters are
    left as they are.

    Raises:
        CellProblem: ``excel_error``, ``name_not_text``, ``name_unreadable``, ``name_with_remark``,
            ``name_character`` or ``name_length``.
    """
    if not isinstance(cell, str | None):
        raise CellProblem("name_not_text", "姓名栏里是数字或日期，不是姓名")
    repairs: list[str] = []
    text = seen(text_of(cell), repairs)
    dotted = _DOT.sub("·", text)
    if dotted != text:
        repairs.append("name_dot")
    chinese = re.fullmatch(rf"[{_HAN}·\s]*", dotted) is not None
    text = closed_up(dotted, repairs) if chinese else " ".join(dotted.split())
    text = narrowed(text, repairs)
    _require_name(text)
    private = any("\ue000" <= one <= "\uf8ff" for one in text)
    return Cleaned(text or None, tuple(repairs), ("private_use_character",) if private else ())


def _require_name(text: str) -> None:
    _require_readable(text)
    if any(one in "()[]{}【】〔〕<>《》/" for one in text):
        raise CellProblem(
            "name_with_remark", "姓名栏里有括号或斜线等说明，请只写姓名，说明写入备注"
        )
    for one in text:
        if not (one.isalpha() or re.match(rf"[{_HAN}· '’-]", one)):
            raise CellProblem("name_character", f"姓名中有不应出现的字符“{one}”，请核对")
    if len(text) == 1 or len(text) > _NAME_LIMIT:
        raise CellProblem("name_length", f"姓名有{len(text)}个字，请核对")


def _require_readable(text: str) -> None:
    if any(one in "?？�□" for one in text):
        raise CellProblem("name_unreadable", "名称中有无法显示的字（问号或方框），请改为正确的字")
