"""The content of a rights item: what it takes, and that it goes to JSON and back unchanged."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.code_sets_rights import BasisLevel, PowerCategory, PowerLevel
from domain.rights_content import PASSAGE_LIMIT, Duty, ItemContent, LegalBasis, Source

ITEM = ItemContent(
    category=PowerCategory.LICENCE,
    name=" 农药经营许可 ",
    bases=(
        LegalBasis(
            title="农药管理条例",
            level=BasisLevel.REGULATION,
            articles=("第二十四条",),
            quoted="国家实行农药经营许可制度。",
        ),
    ),
    duties=(Duty(stage="受理", text="一次性告知补正材料。"),),
    liabilities=("对符合条件的申请不予受理的。",),
    levels=(PowerLevel.CITY,),
)


def test_an_item_survives_its_stored_form() -> None:
    """What is stored as JSON reads back as the same item, spaces around texts gone."""
    assert ItemContent.model_validate_json(ITEM.model_dump_json()) == ITEM
    assert ITEM.name == "农药经营许可"


def test_only_the_name_is_required() -> None:
    """A published list has gaps; a gap is filed as one."""
    assert ItemContent(name="农药经营许可").bases == ()
    with pytest.raises(ValidationError):
        ItemContent.model_validate({"category": "01"})


@pytest.mark.parametrize("model", [ItemContent, LegalBasis, Duty, Source])
def test_every_field_has_a_chinese_title(model: type[ItemContent]) -> None:
    """A clerk reads titles, not names of fields."""
    assert len(model.model_fields) > 2  # the check has something to look at
    for name, field in model.model_fields.items():
        assert field.title, name
        assert not field.title.isascii(), name


def test_a_passage_has_a_limit() -> None:
    """A cell pasted a hundred times over is refused, not stored."""
    with pytest.raises(ValidationError):
        Duty(text="责" * (PASSAGE_LIMIT + 1))


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("行政许可", PowerCategory.LICENCE),
        ("行政\n处罚", PowerCategory.PENALTY),
        ("行政监督", PowerCategory.INSPECTION),
        ("其它权力", PowerCategory.OTHER),
        ("行政征用", PowerCategory.OTHER),
        ("公共服务", PowerCategory.SERVICE),
        ("10", PowerCategory.OTHER),
    ],
)
def test_categories_are_known_by_their_everyday_names(printed: str, meant: PowerCategory) -> None:
    """Lists differ in how they name a category."""
    assert PowerCategory.from_text(printed) is meant
