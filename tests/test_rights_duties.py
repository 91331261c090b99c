"""Duties and liability as lists print them, taken apart into single points."""

from __future__ import annotations

import pytest

from domain.rights_content import Duty
from domain.rights_duties import joined_lines, read_duties, read_liable, read_points


def test_duties_stand_under_their_role_and_stage() -> None:
    """The usual shape of a list under 两单合一."""
    text = (
        "直接实施责任：\n1.受理责任：公示依据；\n2.审查责任：材料审查。\n3.监督责任。建立健全监督制度。\n"
        "指导监督责任\n4.指导下级。"
    )
    assert read_duties(text) == (
        Duty(role="直接实施责任", stage="受理", text="公示依据；"),
        Duty(role="直接实施责任", stage="审查", text="材料审查。"),
        Duty(role="直接实施责任", stage="监督", text="建立健全监督制度。"),
        Duty(role="指导监督责任", text="指导下级。"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "1.甲；\n2.乙。",
        "1、甲；2、乙。",
        "（1）甲；（2）乙。",
        "一、甲；\n二、乙。",
        "①甲；②乙。",
        "1.甲；      2。乙。",
        "直接实施责任：1.甲；2.乙。",
        "甲；\n乙。",
        "1.甲；\n4.乙。",
    ],
)
def test_numbering_of_any_kind(text: str) -> None:
    """Numbers at the head of lines or within one, with gaps, or none at all."""
    assert [one.text for one in read_duties(text)] == ["甲；", "乙。"]


def test_inner_numbering_stays_inside_its_point() -> None:
    """A second kind of numbering, a decimal or a law's number starts no point."""
    text = "1.受理：（1）一次告知；（2）登记。\n2.收费1.5元，第3条。\n3.其他。"
    assert [one.text for one in read_duties(text)] == [
        "（1）一次告知；（2）登记。",
        "收费1.5元，第3条。",
        "其他。",
    ]


def test_stages_without_numbers() -> None:
    """A line each, or a stage as the head of its points."""
    assert [one.stage for one in read_duties("受理：一次告知。\n决定阶段：作出决定。")] == [
        "受理",
        "决定",
    ]
    headed = read_duties("受理责任：\n1.公示。\n2.告知。\n决定责任：\n1.决定。")
    assert [(one.role, one.stage) for one in headed] == [
        (None, "受理"),
        (None, "受理"),
        (None, "决定"),
    ]


def test_lines_broken_by_a_narrow_column_are_joined() -> None:
    """A line goes on unless it ends a sentence or the next one starts a point."""
    assert joined_lines("直接实施责\n任：\n1.执行上\n级规定；\n\n2.公示") == (
        "直接实施责任：\n1.执行上级规定；\n2.公示"
    )


def test_liability_has_a_lead_and_points() -> None:
    """The lead-in sentence is kept apart."""
    read = read_points("有下列情形的，应承担责任：\n1.不受理的；\n2.失职的。")
    assert read.lead == "有下列情形的，应承担责任："
    assert read.points == ("不受理的；", "失职的。")
    assert read_points("失职的").lead == "失职的"


@pytest.mark.parametrize(
    "text",
    [
        "1.具体承办人；\n2.内设机构负责人；\n15.分管领导。",
        "一.具体承办人：\n二.内设机构负责人：\n三.分管领导。",
        "1.具体承办人      2.内设机构负责人     3.分管领导",
        "1.具体\n承办\n人；\n2.内设\n机构负\n责人；\n3.分管领\n导。",
        "具体承办人、内设机构负责人、分管领导",
    ],
)
def test_who_is_liable(text: str) -> None:
    """One name each, whatever the numbering."""
    assert read_liable(text) == ("具体承办人", "内设机构负责人", "分管领导")
