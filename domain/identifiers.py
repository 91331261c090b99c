"""The numbers by which an office knows people, bodies and documents, and how to check them.

    resident ID number   公民身份号码        GB 11643-1999   parse_resident_id
    credit code          统一社会信用代码    GB 32100-2015   parse_credit_code
    organisation code    组织机构代码(旧)   GB 11714-1997   parse_organisation_code
    document number      文号                custom          document_number

Divisions (行政区划) inside the numbers are never looked up: a number keeps the division of the day
it was given, long after that division was abolished, and new divisions appear every year.
What does not hold raises `IdProblem`, whose message a clerk understands and which never repeats
the number itself, so that it may be logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Final, Literal


class IdProblem(ValueError):
    """A number that does not hold.

    ``code`` is stable and made for programs, ``message`` is Chinese and made for the clerk.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# ---------------------------------------------------------------- resident ID number 公民身份号码

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_NEW_LENGTH, _OLD_LENGTH = 18, 15
_PLAIN_ID = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]*)?[eE]\+?1[0-9]")
EXCEL_DIGITS: Final = 15
"""Excel keeps this many digits of a number and turns the rest into zeros."""


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A resident ID number that holds.

    ``number18`` has 18 characters with a capital X, ``division`` is the six-digit code of the
    place of first registration (of that day, unchecked), ``sex`` and ``birth_date`` are those the
    number says; the personnel file may know another birth date (组织认定).
    """

    number18: str
    division: str
    birth_date: date
    sex: Literal["男", "女"]


def resident_id_check(first17: str) -> str:
    """Return the check character of 17 digits (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return _ID_CHECKS[sum(map(mul, map(int, first17), _ID_WEIGHTS)) % 11]


def parse_resident_id(number: str | float) -> ResidentId:
    """Read a resident ID number of 18 characters, or of 15 as issued until 1999.

    A lower-case ``x`` is accepted. A ``float`` is what a spreadsheet holds where the number was
    typed into a numeric cell: with more than 15 digits its tail is lost for good. An 18-character
    text that ends in 000 is called ruined only if its check character fails: such numbers exist.

    Raises:
        IdProblem: ``id_missing``, ``not_digits``, ``id_masked``, ``id_short``, ``id_long``,
            ``id_ruined_by_excel``, ``impossible_birth_date`` or ``bad_check_digit``.
    """
    text = _digits_of(number).upper()
    _require_digits(text)
    if len(text) == _OLD_LENGTH:
        text = f"{text[:6]}19{text[6:]}"
        text += resident_id_check(text)
    _require_length(text)
    born = _birth_date(text[6:14])
    if resident_id_check(text[:17]) != text[17]:
        raise _ruined() if text.endswith("000") else _misread()
    return ResidentId(text, text[:6], born, "男" if int(text[16]) % 2 else "女")


def _digits_of(number: str | float) -> str:
    if isinstance(number, float):
        if not number.is_integer():
            raise IdProblem("not_digits", "身份证号不是整数，请核对")
        if abs(number) >= 10**EXCEL_DIGITS:
            raise _ruined()
        return str(int(number))
    text = str(number)
    if not text:
        raise IdProblem("id_missing", "没有填写身份证号")
    if _SCIENTIFIC.fullmatch(text):
        raise _ruined()
    return text


def _require_digits(text: str) -> None:
    if _PLAIN_ID.fullmatch(text):
        return
    if "*" in text:
        raise IdProblem("id_masked", "身份证号中有星号，是遮住一部分的号码，请填写完整号码")
    for place, character in enumerate(text, start=1):
        if character in "0123456789" or (character == "X" and place == len(text) > _OLD_LENGTH):
            continue
        raise IdProblem(
            "not_digits",
            f"身份证号第{place}位是“{character}”，只能是数字（18位号码的末位可以是X）",
        )


def _require_length(text: str) -> None:
    if len(text) < _NEW_LENGTH:
        raise IdProblem("id_short", f"身份证号只有{len(text)}位，应为18位（老号码15位），请补全")
    if len(text) > _NEW_LENGTH:
        raise IdProblem("id_long", f"身份证号有{len(text)}位，应为18位，请核对")


def _birth_date(digits: str) -> date:
    try:
        born = date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    except ValueError:
        born = date.min
    if not date(1800, 1, 1) <= born <= date(2099, 12, 31):
        raise IdProblem("impossible_birth_date", "身份证号中的出生日期（第7至14位）不存在，请核对")
    return born


def _ruined() -> IdProblem:
    return IdProblem(
        "id_ruined_by_excel",
        "身份证号的后三位被Excel变成了000（数字单元格只保留15位），原号码已无法还原，"
        "请先把该列设为“文本”格式，再重新填写号码",
    )


def _misread() -> IdProblem:
    return IdProblem(
        "bad_check_digit", "身份证号校验码不符，号码中至少有一位有误，请对照身份证核对"
    )


# ------------------------------------------------------------- organisation code 组织机构代码(旧)

_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_LENGTH = 9
_ORG_PATTERN = re.compile(r"[0-9A-Z]{8}[0-9X]")


def organisation_code_check(first8: str) -> str:
    """Return the check character of an organisation code's first eight (GB 11714-1997)."""
    total = sum(int(one, 36) * weight for one, weight in zip(first8, _ORG_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def parse_organisation_code(text: str) -> str:
    """Return a legacy organisation code as nine characters, the hyphen before the last removed.

    Raises:
        IdProblem: ``org_code_malformed`` or ``org_code_bad_check``.
    """
    code = text.upper()
    if len(code) == _ORG_LENGTH + 1 and code[8] == "-":
        code = code[:8] + code[9]
    if not _ORG_PATTERN.fullmatch(code):
        raise IdProblem(
            "org_code_malformed", "组织机构代码应为9位（8位数字或大写字母，加1位校验码）"
        )
    if organisation_code_check(code[:8]) != code[8]:
        raise IdProblem("org_code_bad_check", "组织机构代码校验码不符，请对照代码证核对")
    return code


# ------------------------------------------------------------------ credit code 统一社会信用代码

_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_CREDIT_LENGTH = 18

REGISTERED_BY_ESTABLISHMENT_OFFICE: Final = "1"
"""First character of the codes that establishment offices (机构编制部门) give."""


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A unified social credit code that holds.

    ``department`` (first character) says who registers the body: 1 = 机构编制, 5 = 民政,
    9 = 市场监管, Y = 其他 …; ``category`` (second) depends on it: for 1 it is 1 = 机关,
    2 = 事业单位, 3 = 群众团体, 9 = 其他; ``division`` is the registering office's, unchecked.
    ``organisation_code_holds`` tells whether the code inside passes its own older check: some
    codes that were really given do not, so it is a reason to warn, not to refuse.
    """

    code: str
    department: str
    category: str
    division: str
    organisation_code: str
    organisation_code_holds: bool


def credit_code_check(first17: str) -> str:
    """Return the check character of a credit code's first 17 (GB 32100-2015)."""
    values = map(_CREDIT_ALPHABET.index, first17)
    total = sum(value * weight for value, weight in zip(values, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def parse_credit_code(text: str) -> CreditCode:
    """Read a unified social credit code; lower-case letters are accepted.

    Raises:
        IdProblem: ``credit_code_length``, ``credit_code_character`` or ``credit_code_bad_check``.
    """
    code = text.upper()
    if len(code) != _CREDIT_LENGTH:
        raise IdProblem(
            "credit_code_length", f"统一社会信用代码应为18位，这里有{len(code)}位，请核对"
        )
    for place, character in enumerate(code, start=1):
        _require_credit_character(place, character)
    if credit_code_check(code[:17]) != code[17]:
        raise IdProblem("credit_code_bad_check", "统一社会信用代码校验码不符，请对照证书核对")
    inner = code[8:17]
    holds = organisation_code_check(inner[:8]) == inner[8]
    return CreditCode(code, code[0], code[1], code[2:8], inner, holds)


def _require_credit_character(place: int, character: str) -> None:
    division = 3 <= place <= 8  # noqa: PLR2004  (the standard's own places)
    if character in ("0123456789" if division else _CREDIT_ALPHABET):
        return
    hint = "第3至8位应为数字" if division else "只能是数字和大写字母，且不用字母I、O、S、V、Z"
    raise IdProblem("credit_code_character", f"统一社会信用代码第{place}位是“{character}”，{hint}")


# ------------------------------------------------------------------------- document number 文号

_DOCUMENT_NUMBER = re.compile(
    r"(?P<issuer>[\u4e00-\u9fa5A-Za-z]+)〔(?P<year>[0-9]{4})〕(?P<serial>[0-9]+)号"
)


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """A document number in the usual form: issuer's mark (机关代字), year and serial."""

    issuer: str
    year: int
    serial: int


def document_number(text: str) -> DocumentNumber | None:
    """Take a document number of the usual form ``示编发〔2008〕1号`` apart.

    Returns `None` for any other form: old documents vary, so that is a reason to warn only.
    """
    found = _DOCUMENT_NUMBER.fullmatch(text)
    if found is None:
        return None
    return DocumentNumber(found["issuer"], int(found["year"]), int(found["serial"]))
