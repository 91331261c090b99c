"""Cells as an office types them: each form once, each refusal by its code, and the laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cells import (
    REPAIRS,
    WARNINGS,
    Cell,
    CellProblem,
    Cleaned,
    clean_institution_name,
    clean_person_name,
    clean_text,
)
from domain.cells_choices import clean_flag, clean_integer, clean_quota_kind
from domain.cells_dates import clean_date
from domain.cells_numbers import clean_credit_code, clean_document_number, clean_resident_id
from domain.code_sets_people import Ethnicity, Gender
from domain.identifiers import credit_code_check
from tests.cleaning import clean_choice_of, told
from tests.shared_data import shared, shared_rows

EMPTY: tuple[Cell, ...] = (
    *(None, "", "  ", "\u3000", "不详", " 不 详 ", "/", "——", "待定", "无", "NULL", "n u l l"),
)


@pytest.mark.parametrize(
    "clean",
    [
        clean_text,
        clean_person_name,
        clean_institution_name,
        clean_resident_id,
        clean_credit_code,
        clean_document_number,
        clean_date,
        clean_integer,
        clean_quota_kind,
        clean_choice_of(Ethnicity),
    ],
)
def test_empty_and_unknown_cells_hold_nothing(clean: Callable[[Cell], Cleaned[Any]]) -> None:
    """不详 and its like are no value and no repair; a failed formula is a problem everywhere."""
    for cell in EMPTY:
        assert told(clean, cell) == (None, ())
    for error in ("#N/A", "#REF!", "#DIV/0!", " #NAME? "):
        assert told(clean, error) == ("excel_error",)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("柳春轩", ("柳春轩", ())),
        (" 柳春轩 ", ("柳春轩", ())),
        ("柳  春轩", ("柳春轩", ("inner_spaces",))),
        ("柳\u3000春", ("柳春", ("inner_spaces",))),
        ("柳\n春", ("柳春", ("inner_spaces",))),
        ("李\u200b四", ("李四", ("invisible_characters",))),
        ("\u202d李四\u202c", ("李四", ("invisible_characters",))),
        ("阿依古丽·买买提", ("阿依古丽·买买提", ())),
        ("阿依古丽•买买提", ("阿依古丽·买买提", ("name_dot",))),
        ("阿依古丽・买买提", ("阿依古丽·买买提", ("name_dot",))),
        ("阿依古丽．买买提", ("阿依古丽·买买提", ("name_dot",))),
        ("阿依古丽 . 买买提", ("阿依古丽·买买提", ("name_dot",))),
        ("阿依古丽 · 买买提", ("阿依古丽·买买提", ("name_dot",))),
        ("Peter  Smith", ("Peter Smith", ())),
        ("ＰＥＴＥＲ", ("PETER", ("full_width",))),
        ("李〇", ("李〇", ())),
        ("𬀩宇", ("𬀩宇", ())),
        ("﨑宇", ("﨑宇", ())),
        ("\ue863宇", ("\ue863宇", (), ("private_use_character",))),
        ("王?", ("name_unreadable",)),
        ("王□", ("name_unreadable",)),
        ("王�", ("name_unreadable",)),
        ("张三(女)", ("name_with_remark",)),
        ("张三（兼）", ("name_with_remark",)),
        ("张三/李四", ("name_with_remark",)),
        ("张三3", ("name_character",)),
        ("张，三", ("name_character",)),
        ("张", ("name_length",)),
        ("张" * 50, ("张" * 50, ())),
        ("张" * 51, ("name_length",)),
        ("#1", ("name_character",)),
        ("\uf8ff宇", ("\uf8ff宇", (), ("private_use_character",))),
        ("\ue000宇", ("\ue000宇", (), ("private_use_character",))),
        (12.0, ("name_not_text",)),
        (date(2012, 3, 5), ("name_not_text",)),
    ],
)
def test_names(cell: Cell, expected: tuple[Any, ...]) -> None:
    """Spaces go, dots become one dot, rare characters stay as they are."""
    assert told(clean_person_name, cell) == expected


def test_names_of_institutions_and_free_text() -> None:
    """An institution's name has no spaces inside; its brackets stay as approved."""
    assert told(clean_institution_name, "区 财政局") == ("区财政局", ("inner_spaces",))
    assert told(clean_institution_name, "第一中学（北校区）") == ("第一中学（北校区）", ())
    assert told(clean_institution_name, "区财?局") == ("name_unreadable",)
    assert told(clean_institution_name, "局" * 201) == ("text_too_long",)
    assert told(clean_text, " 主持\n工作 ") == ("主持 工作", ())
    assert told(clean_text, "主持\u200b工作") == ("主持工作", ("invisible_characters",))
    assert told(clean_text, 12.0) == ("12", ())
    assert told(clean_text, 12.5) == ("12.5", ())
    assert told(clean_text, datetime(2012, 3, 5)) == ("2012-03-05", ())  # noqa: DTZ001
    assert told(clean_text, "长" * 200) == ("长" * 200, ())
    assert told(clean_text, "长" * 201) == ("text_too_long",)
    assert told(clean_text, "长" * 11, limit=10) == ("text_too_long",)


@pytest.mark.parametrize(
    ("cell", "repairs"),
    [
        ("13013219960414896X", ()),
        (" 13013219960414896X ", ()),
        ("13013219960414896x", ("id_lower_x",)),
        ("13013219960414896×", ("id_x_look_alike",)),
        ("13013219960414896Х", ("id_x_look_alike",)),
        ("'13013219960414896X", ("quoted_text_id",)),
        ("’13013219960414896X", ("quoted_text_id",)),
        ('="13013219960414896X"', ("quoted_text_id",)),
        ("１３０１３２１９９６０４１４８９６Ｘ", ("full_width",)),
        ("１３０１３２１９９６０４１４８９６ｘ", ("full_width", "id_lower_x")),
        ("130132 19960414 896X", ("id_spaces",)),
        ("\u202d13013219960414896X\u202c", ("invisible_characters",)),
        ("130132960414896", ("id_15_digits",)),
        (130132960414896.0, ("id_15_digits",)),
        (130132960414896, ("id_15_digits",)),
    ],
)
def test_id_numbers_in_every_deformation(cell: Cell, repairs: tuple[str, ...]) -> None:
    """All of them are the same person."""
    cleaned = clean_resident_id(cell)
    assert cleaned.value is not None
    assert cleaned.value.number18 == "13013219960414896X"
    assert cleaned.repairs == repairs


def test_id_numbers_that_cannot_be_mended() -> None:
    """The identifiers' own problems come through, code and message."""
    faulty: dict[Cell, str] = {
        1.30109198510028e17: "id_ruined_by_excel",
        "1.30109E+17": "id_ruined_by_excel",
        "130705199601029000": "id_ruined_by_excel",
        "13013219950502786": "id_short",
        "130705199601029730": "bad_check_digit",
        "130132********8965": "id_masked",
        "13070519960102973O": "not_digits",
    }
    for cell, code in faulty.items():
        assert told(clean_resident_id, cell) == (code,)
    assert told(clean_resident_id, date(2012, 1, 1)) == ("not_digits",)
    assert told(clean_resident_id, "130207198002236000")[1] == ()


def test_credit_codes() -> None:
    """Repairs, the inner code's warning, and what Excel ruins."""
    read = clean_credit_code(" 11310105688751434x ")
    assert read.value is not None
    assert (read.value.code, read.repairs) == ("11310105688751434X", ("lower_case",))
    quoted = clean_credit_code("'1131 0105 688751434X")
    assert quoted.repairs == ("quoted_text_id", "id_spaces")
    assert told(clean_credit_code, 1.2e17) == ("credit_code_ruined_by_excel",)
    assert told(clean_credit_code, "12440300MB2C92173A") == ("credit_code_bad_check",)
    assert told(clean_credit_code, "123456789012345") == ("credit_code_length",)
    assert told(clean_credit_code, 12345.0) == ("credit_code_length",)
    hidden = clean_credit_code("\u200b11310105688751434X")
    assert (hidden.repairs, hidden.warnings) == (("invisible_characters",), ())


def test_a_credit_code_whose_inner_code_fails_is_warned_of() -> None:
    """The code itself holds, so it is taken."""
    first17 = "11310105" + "688751439"
    cleaned = clean_credit_code(first17 + credit_code_check(first17))
    assert cleaned.value is not None
    assert cleaned.warnings == ("inner_organisation_code_fails",)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("示编发〔2008〕1号", ("示编发〔2008〕1号", ())),
        ("示编发[2008]1号", ("示编发〔2008〕1号", ("document_number_brackets",))),
        ("示编发【2008】1号", ("示编发〔2008〕1号", ("document_number_brackets",))),
        ("示编发〔2008年〕1号", ("示编发〔2008〕1号", ("document_number_brackets",))),
        ("示编发〔2008〕 1 号", ("示编发〔2008〕1号", ("inner_spaces",))),
        ("示编发〔２００８〕1号", ("示编发〔2008〕1号", ("full_width",))),
        (
            "示编发（2008）1号",
            ("示编发〔2008〕1号", ("full_width", "document_number_brackets")),
        ),
        ("\u200b示编发〔2008〕1号", ("示编发〔2008〕1号", ("invisible_characters",))),
        ("会议纪要第3期", ("会议纪要第3期", (), ("unusual_document_number",))),
        ("示编发〔2008〕1", ("示编发〔2008〕1", (), ("unusual_document_number",))),
        (20081.0, ("20081", (), ("unusual_document_number",))),
        ("号" * 201, ("text_too_long",)),
    ],
)
def test_document_numbers(cell: Cell, expected: tuple[Any, ...]) -> None:
    """Brackets of every kind mean 〔〕; an unusual form is kept and warned of."""
    assert told(clean_document_number, cell) == expected


# -------------------------------------------------------------------------------------------- laws

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.text(max_size=30),
    st.text("0123456789.-/年月日X x'０１ ·（）*?#", max_size=20),
)


CLEANERS: tuple[Callable[..., Cleaned[Any]], ...] = (
    *(clean_text, clean_person_name, clean_institution_name),
    *(clean_resident_id, clean_credit_code, clean_document_number),
    *(clean_date, clean_integer, clean_flag, clean_quota_kind, clean_choice_of(Ethnicity)),
)


@settings(max_examples=600, deadline=None)
@given(anything, st.sampled_from(CLEANERS))
def test_any_cell_is_cleaned_or_refused_in_chinese(
    cell: Cell, clean: Callable[..., Cleaned[Any]]
) -> None:
    """Nothing but a `CellProblem` ever comes out, and repairs and warnings are on the lists."""
    try:
        cleaned = clean(cell)
    except CellProblem as problem:
        assert any("\u4e00" <= one <= "\u9fff" for one in str(problem))  # noqa: PT017
        assert problem.message == str(problem)  # noqa: PT017
        return
    assert REPAIRS.keys() >= set(cleaned.repairs)
    assert WARNINGS.keys() >= set(cleaned.warnings)
    assert len(set(cleaned.repairs)) == len(cleaned.repairs)


TO_CELLS: tuple[Callable[..., Cleaned[Any]], ...] = (
    *(clean_text, clean_person_name, clean_institution_name, clean_document_number),
    *(clean_date, clean_integer),
)
"""Cleaners whose values can stand in a cell again."""


@settings(max_examples=600, deadline=None)
@given(anything, st.sampled_from(TO_CELLS))
def test_a_clean_value_stays_as_it_is(cell: Cell, clean: Callable[..., Cleaned[Any]]) -> None:
    """Cleaning what was cleaned changes nothing and repairs nothing; warnings stay."""
    value, *rest = told(clean, cell)
    if rest:
        assert told(clean, value) == (value, (), *rest[1:])


# ---------------------------------------------------------------------------------------- a roster


def test_the_roster_case_cell_by_cell() -> None:
    """Every repair and every faulty cell of the case is seen for what it is, and no other."""
    from infrastructure.workbooks import open_book  # noqa: PLC0415  (only this story needs a file)

    path = shared("cases", "roster", "人员.xlsx")
    expected = {
        row["序号"]: row["why"]
        for row in shared_rows("cases", "roster", "expected.csv", at_least=1500)
    }
    with open_book(path) as book:
        (table,), _ = book.tables()
        rows = list(table.rows())
    assert len(rows) == len(expected)
    of_cells = {*REPAIRS, "missing_name", "missing_quota_in_date", "sex_contradicts_id"}
    of_cells |= {"bad_check_digit", "id_short", "id_ruined_by_excel", "impossible_date"}
    for row in rows:
        why = expected[str(row.cells["serial"]).removesuffix(".0")]
        why = why.replace("missing_entry_date", "missing_quota_in_date")
        found = _faults(dict(row.cells))
        assert found == ({why} & of_cells), (row.row, why)


READ: dict[str, Callable[..., Cleaned[Any]]] = {
    "name": clean_person_name,
    "id_number": clean_resident_id,
    "gender": clean_choice_of(Gender),
    "quota_in_date": clean_date,
    "birth_date": lambda cell: clean_date(cell, month_enough=True),
    "quota_kind": clean_quota_kind,
    "quota_in_number": clean_document_number,
}


def _faults(cells: dict[str, Cell]) -> set[str]:
    found: set[str] = set()
    values: dict[str, Any] = {}
    for name, clean in READ.items():
        try:
            cleaned = clean(cells[name])
        except CellProblem as problem:
            found.add(problem.code)
            continue
        values[name] = cleaned.value
        found |= {*cleaned.repairs, *cleaned.warnings}
        if cleaned.value is None:
            found.add("missing_" + name)
    number, gender = values.get("id_number"), values.get("gender")
    if number and gender and number.sex != gender.label:
        found.add("sex_contradicts_id")
    return found
