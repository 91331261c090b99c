"""Cells that count or choose: 编制数, 是否, and the values of the closed lists."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from domain.cells import MISSING, Cell, CellProblem, Cleaned, narrowed, seen, text_of
from domain.code_sets import CodeList, FundingForm, QuotaKind
from domain.text import compact, without_spaces

C = TypeVar("C", bound=CodeList)

_COUNT = re.compile(r"([+-]?[0-9][0-9,]*)(\.0*)?([人名个]?)")
_DECIMAL = re.compile(r"[+-]?[0-9][0-9,]*\.[0-9]+[人名个]?")


def clean_integer(cell: Cell, *, maximum: int = 100_000) -> Cleaned[int | None]:
    """Clean a number of people or posts: whole, from 0 to ``maximum``; ``12人`` is 12.

    Raises:
        CellProblem: ``excel_error``, ``not_a_number``, ``not_whole``, ``negative_number`` or
            ``number_too_large``.
    """
    repairs: list[str] = []
    text = without_spaces(narrowed(seen(text_of(cell), repairs), repairs))
    if not text:
        return Cleaned(None)
    found = _COUNT.fullmatch(text)
    if found is None:
        if _DECIMAL.fullmatch(text):
            raise CellProblem("not_whole", f"“{text}”不是整数")
        raise CellProblem("not_a_number", f"“{text}”不是数字")
    if found[3]:
        repairs.append("unit_removed")
    value = int(found[1].replace(",", ""))
    if value < 0:
        raise CellProblem("negative_number", f"“{text}”是负数")
    if value > maximum:
        raise CellProblem("number_too_large", f"“{text}”太大，最多{maximum}")
    return Cleaned(value, tuple(repairs))


_YES: Final = frozenset(("是", "有", "√", "✓", "✔", "y", "yes", "1", "true", "对"))
_NO: Final = frozenset(("否", "无", "不是", "没有", "×", "✗", "n", "no", "0", "false"))


def clean_flag(cell: Cell) -> Cleaned[bool | None]:
    """Clean a yes or no (是否高配 …).

    Raises:
        CellProblem: ``excel_error`` or ``not_yes_or_no``.
    """
    text = compact("" if cell is None else str(text_of(cell) or cell)).lower()
    if text in _YES:
        return Cleaned(value=True)
    if text in _NO:
        return Cleaned(value=False)
    if text in MISSING:
        return Cleaned(None)
    raise CellProblem("not_yes_or_no", f"“{text}”应填“是”或“否”")


def clean_choice(kind: type[C], cell: Cell) -> Cleaned[C | None]:
    """Clean a value of a closed list: its code, label or a synonym.

    Raises:
        CellProblem: ``excel_error``, or ``unknown_choice`` whose message names the nearest values.
    """
    text = text_of(cell)
    found = kind.from_text(text)
    if text and found is None:
        near = "、".join(one.label for one in kind.nearest(text))
        raise CellProblem(
            "unknown_choice", f"“{text}”不在{kind.title_zh}的可选项中，最接近的是：{near}"
        )
    return Cleaned(found)


_INSTITUTION_WORDS: Final = frozenset(("", "事业编制", "事业", "编制", "事业单位编制", "事业单位"))
_BRACKETED = re.compile(r"(?P<kind>[^()]+)\((?P<funding>[^()]+)\)")


def clean_quota_kind(cell: Cell) -> Cleaned[tuple[QuotaKind, FundingForm | None] | None]:
    """Clean a type of quota (编制类型), which some forms mix with the funding form.

    ``全额事业编制``, ``事业编制(全额)`` and a bare ``全额拨款`` mean 事业编制 with that funding; a
    plain type says nothing of funding.

    Raises:
        CellProblem: as `clean_choice`.
    """
    text = compact(text_of(cell))
    kind = QuotaKind.from_text(text)
    if kind is not None:
        return Cleaned((kind, None))
    mixed = _with_funding(text)
    if text and mixed is None:
        clean_choice(QuotaKind, text)  # refuses it, naming the nearest
    return Cleaned(mixed)


def _with_funding(text: str) -> tuple[QuotaKind, FundingForm] | None:
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        kind = QuotaKind.from_text(bracketed["kind"])
        funding = FundingForm.from_text(bracketed["funding"])
        return None if kind is None or funding is None else (kind, funding)
    for place in range(len(text), 0, -1):
        funding = FundingForm.from_text(text[:place])
        if funding is not None and text[place:] in _INSTITUTION_WORDS:
            return QuotaKind.INSTITUTION, funding
    return None
