"""Cells that count or choose: numbers of posts, flags, and the values of the closed lists."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.cells import Cell, CellProblem
from domain.cells_choices import clean_choice, clean_flag, clean_integer, clean_quota_kind
from domain.code_sets import FundingForm, InstitutionRank, QuotaKind
from domain.code_sets_people import Ethnicity, Gender
from tests.cleaning import clean_choice_of, told


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (12.0, (12, ())),
        (12, (12, ())),
        ("12", (12, ())),
        ("12.0", (12, ())),
        ("１２", (12, ("full_width",))),
        ("12人", (12, ("unit_removed",))),
        ("12 名", (12, ("unit_removed",))),
        ("1,200", (1200, ())),
        (0.0, (0, ())),
        (100_000, (100_000, ())),
        (100_001, ("number_too_large",)),
        (1e300, ("number_too_large",)),
        (-3.0, ("negative_number",)),
        ("-3", ("negative_number",)),
        (12.5, ("not_whole",)),
        ("12.5人", ("not_whole",)),
        ("十二", ("not_a_number",)),
        ("约12", ("not_a_number",)),
        (True, ("not_a_number",)),
        (date(2012, 3, 5), ("not_a_number",)),
        (float("inf"), ("not_a_number",)),
    ],
)
def test_numbers_of_posts(cell: Cell, expected: tuple[Any, ...]) -> None:
    """Whole and from 0 on, however they are typed."""
    assert told(clean_integer, cell) == expected
    assert told(clean_integer, 7, maximum=6) == ("number_too_large",)


def test_flags() -> None:
    """Yes, no, nothing said, and anything else."""
    assert [clean_flag(cell).value for cell in ("是", "√", 1.0, True, "Y", " 有 ")] == [True] * 6
    assert [clean_flag(cell).value for cell in ("否", "×", 0.0, False, "n", "无")] == [False] * 6
    assert [clean_flag(cell).value for cell in (None, "", "不详", "/")] == [None] * 4
    assert told(clean_flag, "也许") == ("not_yes_or_no",)


def test_choices_become_codes() -> None:
    """Label, synonym, code and however spaced; the rest is refused with what comes nearest."""
    assert told(clean_choice_of(QuotaKind), "行政 编制") == (QuotaKind.ADMINISTRATIVE, ())
    assert told(clean_choice_of(InstitutionRank), "正科级") == (InstitutionRank.SECTION, ())
    assert told(clean_choice_of(Gender), 1.0) == (Gender.MALE, ())
    assert told(clean_choice_of(Ethnicity), "维吾尔") == (Ethnicity.UYGUR, ())
    with pytest.raises(CellProblem) as caught:
        clean_choice(FundingForm, "全额拔款")
    assert caught.value.code == "unknown_choice"
    assert caught.value.message == (
        "“全额拔款”不在经费形式的可选项中，最接近的是：全额拨款、差额补贴"
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("行政编制", (QuotaKind.ADMINISTRATIVE, None)),
        ("参公", (QuotaKind.CIVIL_SERVICE_LAW, None)),
        ("全额拨款", (QuotaKind.INSTITUTION, FundingForm.FULL)),
        ("全额拨款事业编制", (QuotaKind.INSTITUTION, FundingForm.FULL)),
        ("差额事业编制", (QuotaKind.INSTITUTION, FundingForm.PARTIAL)),
        ("事业编制（自收自支）", (QuotaKind.INSTITUTION, FundingForm.SELF)),
        ("教师编制(财政拨款)", (QuotaKind.SCHOOL, FundingForm.FULL)),
        ("企业化管理", (QuotaKind.INSTITUTION, FundingForm.ENTERPRISE)),
        ("未定编到人", (QuotaKind.INSTITUTION, FundingForm.UNASSIGNED)),
    ],
)
def test_quota_kinds_that_name_their_funding(
    cell: Cell, expected: tuple[QuotaKind, FundingForm | None]
) -> None:
    """The published 26-column form puts the funding of public institutions under 编制类别."""
    assert told(clean_quota_kind, cell) == (expected, ())


def test_unknown_quota_kinds_are_refused() -> None:
    """Also where one half of a mixed value is known."""
    for cell in ("公安编制", "全额拨款企业编制", "行政编制(借用)", "怪编制(全额)"):
        assert told(clean_quota_kind, cell) == ("unknown_choice",)
