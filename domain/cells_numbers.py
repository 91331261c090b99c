"""Cells that identify: 公民身份号码, 统一社会信用代码, 文号, as spreadsheets deform them."""

from __future__ import annotations

import re
from typing import Final

from domain.cells import Cell, CellProblem, Cleaned, closed_up, narrowed, seen, text_of, within
from domain.identifiers import (
    EXCEL_DIGITS,
    CreditCode,
    IdProblem,
    ResidentId,
    document_number,
    parse_credit_code,
    parse_resident_id,
)

_QUOTES: Final = "'’‘`\"“”"
_X_LOOK_ALIKES: Final = "×✕✖ХхΧχ"
"""What offices type for X: multiplication signs, Cyrillic and Greek letters."""


def clean_resident_id(cell: Cell) -> Cleaned[ResidentId | None]:
    """Clean a resident ID number (公民身份号码).

    Raises:
        CellProblem: ``excel_error`` or any code of `domain.identifiers.parse_resident_id`.
    """
    repairs: list[str] = []
    number: str | float = cell if isinstance(cell, float) else text_of(cell)
    if isinstance(number, str):
        number = _unquoted(narrowed(seen(number, repairs), repairs), repairs)
        number = closed_up(number, repairs, "id_spaces")
        if number and number[-1] in _X_LOOK_ALIKES:
            repairs.append("id_x_look_alike")
            number = number[:-1] + "X"
        if number.endswith("x"):
            repairs.append("id_lower_x")
        if not number:
            return Cleaned(None)
    try:
        parsed = parse_resident_id(number)
    except IdProblem as problem:
        raise CellProblem(problem.code, problem.message) from problem
    if len(str(number).removesuffix(".0")) < len(parsed.number18):
        repairs.append("id_15_digits")
    return Cleaned(parsed, tuple(repairs))


def _unquoted(text: str, repairs: list[str]) -> str:
    """Return ``text`` without the quotation marks that keep Excel from calculating with it."""
    clean = text.removeprefix("=").strip(_QUOTES).strip()
    if clean != text:
        repairs.append("quoted_text_id")
    return clean


def clean_credit_code(cell: Cell) -> Cleaned[CreditCode | None]:
    """Clean a unified social credit code (统一社会信用代码).

    Raises:
        CellProblem: ``excel_error``, ``credit_code_ruined_by_excel`` or any code of
            `domain.identifiers.parse_credit_code`.
    """
    if isinstance(cell, float) and abs(cell) >= 10**EXCEL_DIGITS:
        raise CellProblem(
            "credit_code_ruined_by_excel",
            "统一社会信用代码的后几位被Excel变成了0，请先把该列设为“文本”格式，再重新填写",
        )
    repairs: list[str] = []
    text = _unquoted(narrowed(seen(text_of(cell), repairs), repairs), repairs)
    text = closed_up(text, repairs, "id_spaces")
    if text != text.upper():
        repairs.append("lower_case")
    if not text:
        return Cleaned(None)
    try:
        parsed = parse_credit_code(text)
    except IdProblem as problem:
        raise CellProblem(problem.code, problem.message) from problem
    holds = parsed.organisation_code_holds
    return Cleaned(parsed, tuple(repairs), () if holds else ("inner_organisation_code_fails",))


_YEAR_IN_BRACKETS = re.compile(r"[\[(（【〔〈《{]([0-9]{4})年?[\])）】〕〉》}]")


def clean_document_number(cell: Cell) -> Cleaned[str | None]:
    """Clean a document number (文号): no spaces, ASCII digits, the year in ``〔〕``.

    Any other form is kept and warned of: old documents vary.

    Raises:
        CellProblem: ``excel_error`` or ``text_too_long``.
    """
    repairs: list[str] = []
    text = closed_up(narrowed(seen(text_of(cell), repairs), repairs), repairs)
    bracketed = _YEAR_IN_BRACKETS.sub(r"〔\1〕", text)
    if bracketed != text:
        repairs.append("document_number_brackets")
    value = within(bracketed)
    usual = value is None or document_number(value) is not None
    return Cleaned(value, tuple(repairs), () if usual else ("unusual_document_number",))
