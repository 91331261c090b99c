"""One row of a book an office keeps → a command of the opening, or everything wrong with it.

    cells by field ──clean──► values ──► OpenInstitution | OpenPerson
                       └────► findings: problems, warnings, repairs, each with its field

A clerk sees all that is wrong with a row at once. Texts come again and again (unit names, 民族,
学历, days), so what a column has once said of a text it remembers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from application.importing_results import ASSUMED, Finding, Line
from domain.book_headings import Book
from domain.cells import (
    REPAIRS,
    WARNINGS,
    Cell,
    CellProblem,
    Cleaned,
    clean_institution_name,
    clean_person_name,
    clean_text,
    text_of,
)
from domain.cells_choices import clean_choice, clean_integer, clean_quota_kind
from domain.cells_dates import clean_date
from domain.cells_numbers import clean_credit_code, clean_document_number, clean_resident_id
from domain.code_sets import (
    EntryMode,
    FundingForm,
    InstitutionCategory,
    InstitutionRank,
    PersonClass,
    QuotaKind,
)
from domain.code_sets_people import Education, Ethnicity, Gender, Politics
from domain.identifiers import ResidentId
from domain.opening import OpeningQuota, OpenInstitution, OpenPerson
from domain.staffing_people import Particulars
from domain.text import compact
from domain.vocabulary import lean

Cleaner = Callable[[Cell], Cleaned[Any]]

MESSAGES: Final = {
    "birth_date_differs": "与身份证号中的出生日期不一致，按名册（组织认定）记录，请核对",
    "quota_sum_differs": "各类编制之和与核定编制总数不一致，按各类编制记录，请核对",
    "status_unclear": "不能断定是否占编，按在编记录，请核对",
}
_SERIAL_SHOWN: Final = 20
_REMEMBERED: Final = 10_000
"""So many different texts are remembered of a column before it starts anew."""

# ── what a field's cell means ────────────────────────────────────────────────────────────────


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_IN_ESTABLISHMENT: Final = _words(
    "在职 在岗 在编 编内 在册 正常 在职在编 在编在岗 在编在职 在职在岗 在职(编内) 在职(在编)",
    "挂职 借调 借出 抽调 病休 长期病休 学习 待岗 试用期 见习期",
)
_OUTSIDE: Final = _words(
    "退休 离休 离退休 提前退休 已退休 退职 辞职 辞退 离职 开除 除名 解聘 死亡 去世 病故 身故",
    "调出 已调出 调离 出编 编外 非编 不占编 不在编 非在编 非在职 聘用 编外聘用 在职(编外)",
    "离岗不占编制 借入",
)


def clean_status(cell: Cell) -> Cleaned[str | None]:
    """Clean what a roster says of whether somebody is in the establishment (人员状态).

    Raises:
        CellProblem: ``excel_error``, or ``not_in_establishment`` for who is not.
    """
    text = compact(text_of(cell))
    if text in _OUTSIDE:
        raise CellProblem(
            "not_in_establishment", f"“{text}”不占编制，期初只登记在编人员；确属在编的请改为“在职”"
        )
    known = not text or text in _IN_ESTABLISHMENT
    return Cleaned(text or None, (), () if known else ("status_unclear",))


def cleaners(book: Book, opening: date) -> dict[str, Cleaner]:
    """Return how each field of the book is cleaned; no day may lie after the 建账日 ``opening``."""
    day = partial(clean_date, latest=opening)
    if book.name == "institutions":
        return {
            "full_name": clean_institution_name,
            "category": partial(clean_choice, InstitutionCategory),
            "rank": partial(clean_choice, InstitutionRank),
            "superior": clean_institution_name,
            "funding_form": partial(clean_choice, FundingForm),
            "credit_code": clean_credit_code,
            "functions_text": clean_text,
            "quota_kind": clean_quota_kind,
            "approved": clean_integer,
            **dict.fromkeys(QUOTA_COLUMNS, clean_integer),
            "approval_number": clean_document_number,
            "approval_date": day,
            "remark": clean_text,
        }
    return {
        "institution": clean_institution_name,
        "name": clean_person_name,
        "former_name": clean_person_name,
        "gender": partial(clean_choice, Gender),
        "id_number": clean_resident_id,
        "birth_date": partial(clean_date, latest=opening, month_enough=True),
        "ethnicity": partial(clean_choice, Ethnicity),
        "politics": partial(clean_choice, Politics),
        "work_start": day,
        "education": partial(clean_choice, Education),
        "quota_kind": clean_quota_kind,
        "funding_form": partial(clean_choice, FundingForm),
        "person_class": partial(clean_choice, PersonClass),
        "person_status": clean_status,
        "position": clean_text,
        "entry_mode": partial(clean_choice, EntryMode),
        "quota_in_date": day,
        "quota_in_number": clean_document_number,
        "mobile": clean_text,
        "remark": clean_text,
    }


QUOTA_COLUMNS: Final = {
    f"approved_{kind.value}": kind
    for kind in (
        QuotaKind.ADMINISTRATIVE,
        QuotaKind.POLITICAL_LEGAL,
        QuotaKind.ORGAN_WORKER,
        QuotaKind.INSTITUTION,
        QuotaKind.CIVIL_SERVICE_LAW,
    )
}
"""The columns of the wide layout, one for each kind of quota."""

# ── one row ──────────────────────────────────────────────────────────────────────────────────


class RowReader:
    """Reads the rows of one sheet, one after another.

    The findings are those of the row last read, ``institution`` the name that it is about, where
    it can be read.
    """

    def __init__(self, book: Book, opening: date) -> None:
        """Read rows of ``book`` as they stood on the 建账日 ``opening``."""
        self.book = book
        self.opening = opening
        self.assumed: Counter[str] = Counter()
        self.problems: list[Finding] = []
        self.warnings: list[Finding] = []
        self.repairs: list[Finding] = []
        self.institution = ""
        self._clean = cleaners(book, opening)
        self._known: dict[str, dict[str, Cleaned[Any]]] = {name: {} for name in self._clean}
        self._cells: Mapping[str, Cell] = {}

    def read(self, line: Line) -> OpenInstitution | OpenPerson | None:
        """Return the row's command; None where something is wrong with it."""
        self._cells = line.cells
        self.problems, self.warnings, self.repairs = [], [], []
        self.institution = ""
        return _institution(self) if self.book.name == "institutions" else _person(self)

    def get(self, name: str) -> Any:
        """Return the clean value of a field; a problem is noted and reads as None."""
        cell = self._cells.get(name)
        if cell is None or cell == "":
            return None
        known = self._known[name]
        cleaned = known.get(cell) if isinstance(cell, str) else None
        if cleaned is None:
            try:
                cleaned = self._clean[name](cell)
            except CellProblem as problem:
                self.wrong(problem.code, problem.message, name)
                return None
            if isinstance(cell, str) and name != "id_number":
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[cell] = cleaned
        if cleaned.repairs or cleaned.warnings:
            self._tell(name, cleaned)
        return cleaned.value

    def _tell(self, name: str, cleaned: Cleaned[Any]) -> None:
        self.repairs += [Finding(code, REPAIRS[code], name) for code in cleaned.repairs]
        self.warnings += [
            Finding(code, WARNINGS.get(code) or MESSAGES[code], name) for code in cleaned.warnings
        ]

    def need(self, name: str) -> Any:
        """Return the clean value of a field that must be there."""
        before = len(self.problems)
        value = self.get(name)
        if value is None and len(self.problems) == before:
            self.wrong(f"missing_{name}", "没有填写", name)
        return value

    def usual(self, name: str) -> Any:
        """Return the clean value of a field that means something also where it is blank."""
        before = len(self.problems)
        value = self.get(name)
        if value is None and len(self.problems) == before and name in ASSUMED:
            self.assumed[name] += 1
        return value

    def wrong(self, code: str, message: str, name: str | None = None) -> None:
        """Note a problem: the row will not be recorded."""
        self.problems.append(Finding(code, message, name))

    def doubtful(self, code: str, name: str | None = None) -> None:
        """Note a warning: the row will be recorded."""
        self.warnings.append(Finding(code, MESSAGES[code], name))

    def made(self, kind: type[Any], values: Mapping[str, Any]) -> Any:
        """Make the command or part of one, or note what its own checks say."""
        if self.problems:
            return None
        try:
            return lean(kind.model_validate(values))
        except ValidationError as error:
            self._invalid(kind, error)
            return None

    def _invalid(self, kind: type[BaseModel], error: ValidationError) -> None:
        for fault in error.errors(include_url=False, include_input=False):
            field = kind.model_fields.get(str(fault["loc"][0])) if fault["loc"] else None
            title = f"{field.title}：" if field is not None and field.title else ""
            own = fault["type"] == "value_error"
            message = str(fault["ctx"]["error"]) if own else "填写有误，请核对"
            self.wrong(str(fault["type"]), f"{title}{message}")


def shown_serial(cell: Cell) -> str:
    """Return the 序号 as the clerk sees it."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()[:_SERIAL_SHOWN]


def _institution(read: RowReader) -> OpenInstitution | None:
    name = read.need("full_name")
    read.institution = name or ""
    superior = read.get("superior")
    if superior is not None and superior == name:
        read.wrong("superior_is_itself", "填写的是本单位；没有主管部门的请留空", "superior")
    quotas, funding = _quotas(read)
    credit_code = read.get("credit_code")
    values = {
        "effective_on": read.opening,
        "name": name,
        "category": read.usual("category"),
        "rank": read.usual("rank"),
        "superior": superior,
        "funding": read.get("funding_form") or funding,
        "credit_code": None if credit_code is None else credit_code.code,
        "functions": read.get("functions_text"),
        "quotas": quotas,
        "approved_no": read.get("approval_number"),
        "approved_on": read.get("approval_date"),
        "note": read.get("remark"),
    }
    made: OpenInstitution | None = read.made(OpenInstitution, values)
    return made


def _quotas(read: RowReader) -> tuple[tuple[OpeningQuota, ...], FundingForm | None]:
    """Read the quota by kind, from a column for each kind or from one kind and one number.

    Returns the funding form too, which some forms mix into the kind.
    """
    numbers = {kind: read.get(name) for name, kind in QUOTA_COLUMNS.items()}
    found = tuple(OpeningQuota(quota_kind=kind, number=n) for kind, n in numbers.items() if n)
    total = read.get("approved")
    if found:
        if total is not None and total != sum(quota.number for quota in found):
            read.doubtful("quota_sum_differs", "approved")
        return found, None
    kind_and_funding = read.need("quota_kind") if total else read.get("quota_kind")
    if kind_and_funding is None:
        return (), None
    kind, funding = kind_and_funding
    return ((OpeningQuota(quota_kind=kind, number=total),) if total else ()), funding


def _person(read: RowReader) -> OpenPerson | None:
    unit = read.need("institution")
    particulars = _particulars(read)
    kind, funding = read.need("quota_kind") or (None, None)
    if kind is QuotaKind.OUTSIDE:
        read.wrong("not_in_establishment", "编外人员不占编制，期初只登记在编人员", "quota_kind")
    read.get("person_status")
    values = {
        "effective_on": read.opening,
        "unit": unit,
        "particulars": particulars,
        "quota_kind": kind,
        "funding": read.get("funding_form") or funding,
        "person_class": read.usual("person_class") or PersonClass.NOT_LEADING,
        "post_title": read.get("position"),
        "entry_mode": read.get("entry_mode"),
        "entered_on": read.need("quota_in_date"),
        "notice": read.get("quota_in_number"),
        "remark": read.get("remark"),
    }
    made: OpenPerson | None = read.made(OpenPerson, values)
    return made


def _particulars(read: RowReader) -> Particulars | None:
    name = read.need("name")
    number: ResidentId | None = read.need("id_number")
    gender: Gender | None = read.get("gender")
    if number is not None and gender is not None and gender.label != number.sex:
        read.wrong(
            "sex_contradicts_id", f"填写为{gender.label}，与身份证号（第17位）不符", "gender"
        )
    values = {
        "name": name,
        "id_no": None if number is None else number.number18,
        "gender": gender,
        "birth_date": _birth_date(read, number),
        "ethnicity": read.get("ethnicity"),
        "politics": read.get("politics"),
        "education": read.get("education"),
        "work_start": read.get("work_start"),
        "former_name": read.get("former_name"),
        "phone": read.get("mobile"),
    }
    made: Particulars | None = read.made(Particulars, values)
    return made


def _birth_date(read: RowReader, number: ResidentId | None) -> date | None:
    """Return the birth date as the personnel file has it, which may differ from the ID number's."""
    birth: date | None = read.get("birth_date")
    if number is None or birth is None:
        return birth
    said = number.birth_date
    if birth.day == 1 and (birth.year, birth.month) == (said.year, said.month):
        return said  # the book has year and month only
    if birth != said:
        read.doubtful("birth_date_differs", "birth_date")
    return birth
