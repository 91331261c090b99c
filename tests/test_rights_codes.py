"""Codes of items: checked by the scheme in force on their day; the item stays what it is."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.code_sets import InstitutionCategory
from domain.code_sets_rights import PowerCategory
from domain.institutions import SetUp
from domain.item_codes import Coded, CodeScheme
from domain.rights import Item, ItemAdded, ItemChanged
from domain.rights_adjusting import AdjustmentApplied, AdjustmentApproved, Opinion
from domain.rights_codes import code_fits_a_scheme_in_force
from domain.rights_content import ItemContent
from domain.rights_editions import EditionPublished, PublishEdition
from domain.rights_lineage import ItemSplit, ItemTransferred
from domain.settings import ChangeSetting
from tests.district import DAY
from tests.rights_district import K, Listed, change, content
from tests.test_item_codes import SIXTEEN, TEN, TWENTY_SIX
from tests.test_rights_compiling import Compiled

AUGUST, SEPTEMBER = date(2021, 8, 2), date(2021, 9, 1)
OLD, NEW = "650200207XK01600", "0101037000"


def setting(*schemes: CodeScheme, day: date = DAY) -> ChangeSetting:
    """The schemes that are in force from a day on."""
    value: Any = [one.model_dump(mode="json") for one in schemes]
    return ChangeSetting(effective_on=day, name="rights_code_schemes", value=value)


def coded(code: str, **more: Any) -> ItemContent:
    """A licence with that code."""
    return content(code=code, **more)


def test_without_a_scheme_codes_are_taken_as_they_are() -> None:
    """No office has to have one."""
    story = Listed()
    fact = story.adjusted(change(K.ADD, contents=(coded("甲1"),)))[1].fact
    assert isinstance(fact, ItemAdded)
    assert fact.content.code == "甲1"


def test_a_new_code_must_fit_a_scheme_in_force_on_its_day() -> None:
    """When it is applied for, and again when it takes effect."""
    story = Listed()
    story.given(setting(SIXTEEN))
    story.when(story.applying(change(K.ADD, contents=(coded("650200207CF01600"),))))
    story.refused_by(
        code_fits_a_scheme_in_force, "职权编码“650200207CF01600”按《编码规范》第10至11位"
    )
    adjustment = story.applied(change(K.ADD, contents=(coded(OLD),)))
    story.given(setting(TEN, day=AUGUST))
    late = story.approving_it(adjustment, takes_effect_on=AUGUST)
    story.when(late).refused_by(code_fits_a_scheme_in_force, "应为10位")
    story.when(story.approving_it(adjustment)).then(AdjustmentApproved, ItemAdded)


def test_an_item_keeps_its_key_when_its_code_changes() -> None:
    """Two schemes after each other: the id stays, the history names the change."""
    story = Listed()
    item = story.item(code=OLD)
    story.given(setting(SIXTEEN), setting(TEN, day=AUGUST))
    other = change(K.CHANGE, item, contents=(coded(OLD, handler="种业科"),))
    story.adjusted(other, day=DAY)
    anew = change(K.CHANGE, item, contents=(coded(NEW, handler="种业科"),))
    adjustment = story.applied(anew)
    story.when(story.approving_it(adjustment)).refused_by(code_fits_a_scheme_in_force, "应为16位")
    story.when(story.approving_it(adjustment, takes_effect_on=AUGUST))
    story.then(AdjustmentApproved, ItemChanged)
    rows = [story.row("rights_items", item, day) for day in (DAY, AUGUST)]
    assert [row.code for row in rows] == [OLD, NEW]
    standing = story.standings.of(Item, item)
    assert [one.content.code for one in standing.conditions] == [OLD, OLD, NEW]
    lines = story.rows("rights_changes", AUGUST).values()
    assert [line.fields for line in lines if line.item == item] == ["", "承办机构", "职权编码"]


def test_a_code_once_given_stays_good_under_a_later_scheme() -> None:
    """Other elements change, the item moves, it splits: what keeps its code needs no new one."""
    story = Listed()
    item = story.item(code=OLD)
    story.given(setting(TEN))
    texts = (coded(OLD, handler="种业科"), coded(OLD), coded("0101037001", sub_name="甲"))
    story.adjusted(change(K.CHANGE, item, contents=texts[:1]))
    story.then(AdjustmentApproved, ItemChanged)
    story.adjusted(change(K.TRANSFER, item, contents=texts[1:2], receivers=(story.woods,)))
    story.then(AdjustmentApproved, ItemTransferred)
    story.adjusted(change(K.SPLIT, item, contents=texts[1:]), who=story.woods)
    story.then(AdjustmentApproved, ItemSplit)


def test_the_body_in_a_code_is_the_body_that_exercises_the_power() -> None:
    """Its credit code says which organisation code it has; the receiver's where an item moves."""
    story = Listed()
    founding = story.founding("区种子站", DAY, InstitutionCategory.INSTITUTION)
    story.file(founding.model_copy(update={"credit_code": "12130199MB0T00007C"}))
    station = story.last(SetUp).institution
    story.given(setting(TWENTY_SIX))
    good, other = (
        coded(NEW, implementation_code=f"{body}{NEW}3130102") for body in ("MB0T00007", "D2143569X")
    )
    story.when(story.applying(change(K.ADD, contents=(good,)), who=station))
    story.then(AdjustmentApplied)
    story.when(story.applying(change(K.ADD, contents=(other,)), who=station))
    story.refused_by(code_fits_a_scheme_in_force, "实施编码", "信用代码中的“MB0T00007”不一致")
    item = story.item(implementation_code=other.implementation_code)
    moved = change(K.TRANSFER, item, contents=(good,), receivers=(station,))
    heard = Opinion(department=station, opinion="同意。")
    story.when(story.approving_it(story.applied(moved, opinions=(heard,))))
    story.then(AdjustmentApproved, ItemTransferred)


def test_drafts_and_editions_are_held_to_the_scheme() -> None:
    """A draft may use a scheme announced for later; published, it must be in force."""
    story = Compiled()
    story.given(setting(SIXTEEN), setting(TEN, day=AUGUST))
    story.when(story.drafting(coded("甲1"))).refused_by(code_fits_a_scheme_in_force, "“甲1”")
    story.approved_list(coded(NEW))
    fields: dict[str, Any] = {"name": "2021年版", "approved_by": "government"}
    fields |= {"channels": ("区政府门户网站",), "compiling": story.compiling}
    basis = story.citing()
    early = PublishEdition(effective_on=DAY, basis=basis, **fields)
    story.when(early).refused_by(code_fits_a_scheme_in_force, "应为16位")
    story.when(PublishEdition(effective_on=SEPTEMBER, basis=basis, **fields))
    story.then(ItemAdded, EditionPublished)


def test_a_scheme_that_cannot_be_is_refused_when_it_is_filed() -> None:
    """The clerk is told which part of it."""
    value: Any = [{"name": "规范", "segments": [{"kind": "organisation", "length": 8}]}]
    with pytest.raises(ValidationError, match="组织机构代码段应为9位"):
        ChangeSetting(effective_on=DAY, name="rights_code_schemes", value=value)


def test_the_schemes_that_the_readme_shows_can_be_filed() -> None:
    """The example is one."""
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    shown = re.search(r'^    \[\{"name".*?\}\]\}\]$', text, re.MULTILINE | re.DOTALL)
    assert shown
    value = json.loads(shown[0])
    ChangeSetting(effective_on=DAY, name="rights_code_schemes", value=value)
    assert CodeScheme.model_validate(value[0]).length == len(OLD)


def test_a_field_without_a_scheme_of_its_own_is_not_checked() -> None:
    """A scheme of basic codes says nothing of implementation codes."""
    item = Coded(PowerCategory.LICENCE, is_sub_item=False)
    assert code_fits_a_scheme_in_force("implementation_code", "甲", item, (SIXTEEN,)) is True
