"""What one row of a published rights list (权责清单) says: the content of an item (权责事项).

    ItemContent ─┬─ bases, duty_bases, liability_bases: LegalBasis (实施依据: document and articles)
                 └─ duties: Duty (责任事项, by stage)          Source: the file, sheet and row

The same model serves the reading of workbooks and the facts of the context ``rights``, so it is
stored for ever: fields are added with defaults, never renamed, never removed, never tightened.
Nothing but the name is required: published lists have gaps, and a gap is filed as one. What an
item must have before it may be published is a rule, not a type.

The limits leave room above the longest text of 2,500 published rows (2,758 characters).
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.code_sets_rights import (
    BasisLevel,
    BodyNature,
    PowerCategory,
    PowerLevel,
    PowerOrigin,
)
from domain.vocabulary import Text

NAME_LIMIT: Final = 500
PASSAGE_LIMIT: Final = 10_000
CODE_LIMIT: Final = 64
MOST_BASES: Final = 100
MOST_DUTIES: Final = 200
MOST_ARTICLES: Final = 200

ItemName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LIMIT)
]
Passage = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=PASSAGE_LIMIT)
]
"""A text of several lines, such as quoted articles."""
ItemCode = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CODE_LIMIT)
]


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LegalBasis(_Content):
    """One document on which a power, a duty or a liability rests (依据), and which articles of it.

    ``title`` is without the marks 《》. ``version`` is what the list says of the version (days,
    numbers), ``level`` what it prints, be it right or wrong, ``quoted`` the text it quotes.
    """

    title: Annotated[ItemName, Field(title="文件名称")]
    level: Annotated[BasisLevel | None, Field(title="依据层级")] = None
    articles: Annotated[tuple[Text, ...], Field(title="条款", max_length=MOST_ARTICLES)] = ()
    version: Annotated[Passage | None, Field(title="版本说明")] = None
    quoted: Annotated[Passage | None, Field(title="条文内容")] = None


class Duty(_Content):
    """One duty (责任事项). ``role`` is the head it stands under, such as 直接实施责任."""

    role: Annotated[Text | None, Field(title="责任类别")] = None
    stage: Annotated[Text | None, Field(title="环节")] = None
    text: Annotated[Passage, Field(title="责任内容")]


_Bases = Annotated[tuple[LegalBasis, ...], Field(max_length=MOST_BASES)]
_Names = Annotated[tuple[Text, ...], Field(max_length=50)]


class ItemContent(_Content):
    """What a list says of one item (权责事项). `None` and an empty list: it says nothing."""

    category: Annotated[PowerCategory | None, Field(title="职权类型")] = None
    name: Annotated[ItemName, Field(title="事项名称")]
    sub_name: Annotated[ItemName | None, Field(title="子项名称")] = None
    code: Annotated[ItemCode | None, Field(title="职权编码")] = None
    implementation_code: Annotated[ItemCode | None, Field(title="实施编码")] = None

    bases: Annotated[_Bases, Field(title="实施依据")] = ()
    duties: Annotated[tuple[Duty, ...], Field(title="责任事项", max_length=MOST_DUTIES)] = ()
    duty_bases: Annotated[_Bases, Field(title="责任事项依据")] = ()
    liability_lead: Annotated[Passage | None, Field(title="追责情形总述")] = None
    liabilities: Annotated[
        tuple[Passage, ...], Field(title="追责情形", max_length=MOST_DUTIES)
    ] = ()
    liability_bases: Annotated[_Bases, Field(title="追责依据")] = ()
    liable: Annotated[_Names, Field(title="追责对象范围")] = ()

    exercised_by: Annotated[Text | None, Field(title="行使主体")] = None
    body_nature: Annotated[BodyNature | None, Field(title="实施主体性质")] = None
    handler: Annotated[Text | None, Field(title="承办机构")] = None
    joint_units: Annotated[_Names, Field(title="联办、配合机构")] = ()
    levels: Annotated[tuple[PowerLevel, ...], Field(title="实施层级", max_length=5)] = ()
    scope: Annotated[Passage | None, Field(title="权限")] = None
    department_duty: Annotated[Passage | None, Field(title="部门职责")] = None

    target: Annotated[Passage | None, Field(title="服务（实施）对象")] = None
    relayed: Annotated[bool | None, Field(title="是否审核转报")] = None
    statutory_limit: Annotated[Text | None, Field(title="法定时限")] = None
    promised_limit: Annotated[Text | None, Field(title="承诺时限")] = None
    charged: Annotated[bool | None, Field(title="是否收费")] = None
    fee_basis: Annotated[Passage | None, Field(title="收费依据")] = None
    fee_rate: Annotated[Passage | None, Field(title="收费标准")] = None
    flowchart: Annotated[Text | None, Field(title="流程图")] = None
    supervision: Annotated[Passage | None, Field(title="监督方式")] = None
    remedy: Annotated[Passage | None, Field(title="救济渠道")] = None
    integrity_risk: Annotated[Passage | None, Field(title="廉政风险点")] = None
    origin: Annotated[PowerOrigin | None, Field(title="权力来源")] = None
    origin_reference: Annotated[Passage | None, Field(title="来源文号或原事项")] = None
    remark: Annotated[Passage | None, Field(title="备注")] = None


class Source(_Content):
    """Where an item was read: the file's name, the sheet, the row as Excel counts it."""

    file: Annotated[str, Field(title="文件名", min_length=1, max_length=255)]
    sheet: Annotated[str, Field(title="工作表", min_length=1, max_length=255)]
    row: Annotated[int, Field(title="行号", ge=1)]
