"""Schemes of item codes: the layouts in use in the country, held against codes part by part."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.code_sets_rights import PowerCategory
from domain.item_codes import Coded, CodeScheme, Segment, fault
from tests.shared_data import shared_rows

LICENCE = Coded(PowerCategory.LICENCE, is_sub_item=False)
LETTERS = {"XK": "01", "CF": "02", "QZ": "03", "JC": "06", "QT": "10"}


def part(kind: str, length: int, **more: Any) -> dict[str, Any]:
    """One part of a scheme, as it is filed."""
    return {"kind": kind, "length": length, **more}


def scheme(*parts: dict[str, Any], field: str = "code") -> CodeScheme:
    """A scheme of these parts."""
    return CodeScheme.model_validate({"name": "编码规范", "field": field, "segments": parts})


SIXTEEN = scheme(
    part("division", 6, values=["650200"]),
    part("other", 3),
    part("category", 2, categories=LETTERS),
    part("serial", 3),
    part("sub-item", 2),
)
"""6 division, 3 body, 2 category, 3 serial, 2 sub-item."""
TEN_LETTERED = scheme(
    part("category", 2, categories=LETTERS), part("serial", 5), part("sub-item", 3, letters=True)
)
TEN = scheme(part("category", 2), part("serial", 5), part("sub-item", 3))
THIRTY_TWO = scheme(
    part("division", 6),
    part("other", 3, values=["000"]),
    part("other", 3),
    part("organisation", 9),
    part("other", 1),
    part("basic-code", 10),
    field="implementation_code",
)
TWENTY_SIX = scheme(
    part("organisation", 9),
    part("basic-code", 10),
    part("other", 1),
    part("division", 6),
    field="implementation_code",
)


@pytest.mark.parametrize(
    ("layout", "code", "item"),
    [
        (SIXTEEN, "650200207XK01600", LICENCE),
        (SIXTEEN, "６５０２００-207-xk-016-00", LICENCE),
        (SIXTEEN, "650200207CF01602", Coded(PowerCategory.PENALTY, is_sub_item=True)),
        (TEN_LETTERED, "XK0000100Y", Coded(PowerCategory.LICENCE, is_sub_item=True)),
        (TEN_LETTERED, "XK00001000", LICENCE),
        (TEN, "0101037000", LICENCE),
        (
            THIRTY_TWO,
            "620623000000D2143569X0-0101037000",
            LICENCE._replace(basic_code="0101037000"),
        ),
        (TWENTY_SIX, "D2143569X01010370003130102", LICENCE._replace(basic_code="0101037000")),
    ],
)
def test_codes_of_the_schemes_in_use_fit(layout: CodeScheme, code: str, item: Coded) -> None:
    """Capital or small, full-width or not, with hyphens or without."""
    assert fault(layout, code, item) is None


@pytest.mark.parametrize(
    ("layout", "code", "item", "said"),
    [
        (SIXTEEN, "650200207XK0160", LICENCE, "应为16位，这里有15位"),
        (SIXTEEN, "650201207XK01600", LICENCE, "第1至6位（行政区划）“650201”不在可用的取值之内"),
        (SIXTEEN, "6502002A7XK01600", LICENCE, "第7至9位（其他）“2A7”只能是数字"),
        (SIXTEEN, "650200207CF01600", LICENCE, "“CF”与事项的职权类型（行政许可）不一致"),
        (SIXTEEN, "650200207ZZ01600", LICENCE, "“ZZ”不在可用的取值之内"),
        (SIXTEEN, "650200207XK00000", LICENCE, "第12至14位（顺序号）“000”不能全为0"),
        (SIXTEEN, "650200207XK01601", LICENCE, "应全为0：该事项没有子项"),
        (SIXTEEN, "650200207XK01600", LICENCE._replace(is_sub_item=True), "不能全为0"),
        (TEN, "0201037000", LICENCE, "与事项的职权类型"),
        (TEN, "0101037000", LICENCE._replace(category=None), "职权类型（未填）"),
        (TWENTY_SIX, "D2143569101010370003130102", LICENCE, "第1至9位（组织机构代码）"),
        (TWENTY_SIX, "D2143569X01010370003130102", LICENCE, "与职权编码“（未填）”不一致"),
        (
            TWENTY_SIX,
            "D2143569X01010370003130102",
            LICENCE._replace(organisation="00418859X"),
            "与实施主体统一社会信用代码中的“00418859X”不一致",
        ),
    ],
)
def test_a_code_that_does_not_fit_is_told_where(
    layout: CodeScheme, code: str, item: Coded, said: str
) -> None:
    """The places are counted as the clerk counts them, and the part is named."""
    assert said in (fault(layout, code, item) or "")


def test_an_organisation_code_that_stands_in_the_certificate_is_believed() -> None:
    """Some were given that fail their own check; the credit code's inside decides."""
    item = LICENCE._replace(basic_code="0101037000", organisation="MB0T00018")
    assert fault(TWENTY_SIX, "MB0T0001801010370003130102", item) is None


def test_codes_that_were_really_published_fit_their_scheme() -> None:
    """Every code of the sample that is one fits the scheme of its region."""
    found = [
        (row["职权编码"], Coded(PowerCategory.from_text(row["职权类型"]), bool(row["子项名称"])))
        for row in shared_rows("data", "rights", "karamay_2024_2025_items.csv", at_least=2500)
        if len(row["职权编码"]) > 1
    ]
    if not found:
        pytest.skip("../shared/data/rights is absent (共享数据不在)")
    assert len(found) >= 47
    assert [(code, fault(SIXTEEN, code, item)) for code, item in found] == [
        (code, None) for code, _ in found
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (part("organisation", 8), "组织机构代码段应为9位"),
        (part("division", 6, values=["65020"]), "应为6位"),
        (part("other", 2, values=["x1"]), "大写字母"),
        (part("other", 2, categories=LETTERS), "不能写职权类型对照表"),
        (part("category", 3, categories=LETTERS), "应为3位"),
    ],
)
def test_a_part_that_contradicts_itself_is_no_part(wrong: dict[str, Any], said: str) -> None:
    """Said when the scheme is filed, not when the first code is refused by it."""
    with pytest.raises(ValidationError, match=said):
        Segment.model_validate(wrong)
