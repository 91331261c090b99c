"""Codes are told with their names, by whichever door somebody comes."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ValidationError

from domain.code_sets import QuotaKind
from domain.code_sets_people import Ethnicity
from domain.codes import MANY, NOT_ON_THE_LIST, Named, only, told
from domain.vocabulary import FACT_TITLES
from interface.asking import Param


def test_codes_are_told_with_their_names_and_nothing_is_cut() -> None:
    """A long list says how long it is, and is told to its end; what has no name stands bare."""
    assert told({"10": "行政编制", "20": "事业编制"}) == "10（行政编制）、20（事业编制）"
    assert told(("csv", "xlsx")) == "csv、xlsx"
    assert told({"": "引用", "ceiling": "编制总量"}) == "ceiling（编制总量）"
    assert only(("csv", "xlsx")) == "只能填写：csv、xlsx。"
    long = only(Ethnicity.names())
    assert long.startswith("只能填写（共 56 项）：01（汉族）、")
    assert long.endswith("56（基诺族）。")
    assert len(QuotaKind) <= MANY < len(Ethnicity)


def test_validation_answers_with_codes_and_names() -> None:
    """In a field, in a list, among alternatives and as the key of a table."""
    grade = Annotated[Literal["a", "b"], Named({"a": "甲", "b": "乙"})]

    class Asked(BaseModel):
        one: grade = "a"
        many: list[grade] = []
        none: grade | None = None
        table: dict[QuotaKind, int] = {}

    assert Asked.model_validate({"one": "b", "table": {"10": 1}}).table == {
        QuotaKind.ADMINISTRATIVE: 1
    }
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({"one": "c", "many": ["a", 7], "none": "c", "table": {"x": 1}})
    errors = caught.value.errors()
    assert [one["type"] for one in errors] == [NOT_ON_THE_LIST] * 4
    assert errors[0]["ctx"]["names"] == {"a": "甲", "b": "乙"}
    assert errors[3]["ctx"]["names"] == QuotaKind.names()


def test_a_condition_names_its_codes() -> None:
    """Short or long."""
    with pytest.raises(ValueError, match=r"只能填写（共 \d+ 项）：.*staffing.left（出编）"):
        Param("fact", "记录种类", "choice", choices=FACT_TITLES).read("staffing.fled")
