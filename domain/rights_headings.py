"""The columns of a published rights list (权责清单) and every name they go by.

One more book in the sense of `book_headings`: told by its headings alone, in any order. The
spellings come from lists that departments of several provinces have published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from domain.book_headings import SERIAL, Book, Column
from domain.cells import Cell
from domain.headings import Heading


def _c(field: str, heading: str, synonyms: str = "") -> Column:
    return Column(field, heading, tuple(synonyms.split()))


RIGHTS: Final = Book(
    name="rights",
    title="权责清单",
    columns=(
        SERIAL,
        _c(
            "department",
            "部门名称",
            "部门 单位名称 单位 所属部门 部门(单位) 部门(单位)名称 权责部门",
        ),
        _c(
            "name",
            "事项名称",
            "职权名称 权力名称 权力事项 权力事项名称 职权事项 职权事项名称 权责事项 权责事项名称 "
            "权责名称 行政职权名称 行政职权 行政权力名称 行政权力事项 行政权力事项名称 主项名称 "
            "主项 项目名称 事项 事项主项 主项(名称) 实施事项 服务事项 服务事项名称 "
            "政务服务事项名称 公共服务事项名称 项目 基本目录名称 职权名称(主项)",
        ),
        _c(
            "sub_name",
            "子项名称",
            "子项 子项事项 职权子项 子项目 子项目名称 小项 小项名称 事项子项 业务办理项 办理项名称 "
            "业务办理项名称 职权名称(子项)",
        ),
        _c(
            "code",
            "职权编码",
            "基本编码 编码 事项编码 权力编码 职权代码 事项代码 权力代码 项目编码 权责编码 代码 "
            "目录编码 基本目录编码 项目代码",
        ),
        _c("implementation_code", "实施编码", "实施清单编码 实施事项编码 实施代码"),
        _c(
            "category",
            "职权类型",
            "权力类型 权力类别 职权类别 事项类型 事项类别 类型 类别 权责类型 权责类别 行政权力类型 "
            "行政职权类别 行政权力类别 项目类型 项目类别 行政职权类型 权力种类",
        ),
        _c(
            "bases",
            "实施依据",
            "设定依据 法律依据 职权依据 权力依据 依据 法定依据 行使依据 权责依据 事项依据 设立依据 "
            "实施依据及条款 实施依据(法律法规名称、条款及内容) 权力来源依据 政策依据 法律法规依据 "
            "行政职权依据 依据条款",
        ),
        _c(
            "exercised_by",
            "行使主体",
            "实施主体 行权主体 权力主体 实施机关 行使机关 行使部门 实施部门 职权主体 法定主体 "
            "行使主体名称 实施主体名称 行使单位 实施单位 责任主体 责任部门 责任单位 行权部门",
        ),
        _c("body_nature", "实施主体性质", "主体性质 行使主体性质 实施主体类型"),
        _c(
            "handler",
            "承办机构",
            "承办科室 承办处室 承办股室 承办部门 承办单位 责任科室 责任处室 责任股室 具体承办机构 "
            "内设机构 实施机构 办理科室 业务科室 承办科(股)室 责任内设机构 承办机构(科室) 承办人",
        ),
        _c(
            "joint_units", "联办机构", "配合机构 配合部门 协办部门 联办部门 配合单位 联办、配合机构"
        ),
        _c(
            "levels",
            "实施层级",
            "实施层级及权限 行使层级 行使层级及权限 层级 权力层级 管理层级 实施层级和权限 "
            "审批层级 行权层级 办理层级",
        ),
        _c("scope", "权限", "行使权限 权限划分 层级权限 管理权限 行使内容 实施权限 权限范围"),
        _c("department_duty", "部门职责", "部门职责分工 主要职责 职责 职责边界 部门主要职责"),
        _c(
            "duties",
            "责任事项",
            "责任事项内容 责任内容 责任 直接责任 责任清单 对应责任事项 主要责任 责任事项(环节)",
        ),
        _c("duty_bases", "责任事项依据", "责任依据 责任事项的依据 履责依据 责任设定依据"),
        _c("liable", "追责对象范围", "追责对象 问责对象 责任追究对象 追责范围 责任人 追责主体"),
        _c(
            "liabilities",
            "追责情形",
            "问责情形 责任追究情形 追责情形内容 追责事项 责任追究 追责情形及方式 追责情况 追责机制",
        ),
        _c(
            "liability_bases",
            "追责依据",
            "追责情形依据 问责依据 责任追究依据 追究责任依据 追责情形的依据",
        ),
        _c("target", "实施对象", "服务对象 行政相对人 适用对象 实施(服务)对象 办理对象 行使对象"),
        _c("relayed", "是否审核转报", "审核转报 是否转报"),
        _c("statutory_limit", "法定时限", "法定期限 法定办结时限 法定办理时限"),
        _c("promised_limit", "承诺时限", "承诺期限 承诺办结时限 承诺办理时限 办理时限 办结时限"),
        _c("charged", "是否收费", "收费 收费情况"),
        _c("fee_basis", "收费依据", "收费依据及标准 收费(征收)依据"),
        _c("fee_rate", "收费标准", "征收标准 收费(征收)标准"),
        _c("flowchart", "流程图", "运行流程图 权力运行流程图 外部流程图 办理流程 运行流程"),
        _c("supervision", "监督方式", "监督电话 投诉电话 监督渠道 监督投诉方式 投诉举报电话"),
        _c("remedy", "救济渠道", "救助渠道 救济途径 权利救济 救济方式 法律救济"),
        _c("integrity_risk", "廉政风险点", "廉政风险 风险点 廉洁风险点 廉政风险点及防控措施"),
        _c("origin", "权力来源", "职权来源 来源 事项来源 权限来源"),
        _c("origin_reference", "来源文号", "来源依据 下放文号 原事项 下放依据 赋权依据"),
        _c("remark", "备注", "说明 备注说明 备 备考 附注 调整说明 调整情况"),
    ),
    telling=frozenset({"name"}),
    required=(("name",),),
)
"""A rights list: one line per item, or per sub-item."""


def columns_by_field(heading: Heading, rows: Sequence[Sequence[Cell]]) -> Mapping[str, list[int]]:
    """Return every column that fills a field, the first one first.

    A heading may stand over two columns, be written twice, or have an unnamed column at its right,
    which belongs to it as it would if the cells were merged.
    """
    columns = {field: [column] for field, column in heading.fields.items()}
    for one in heading.duplicates:
        field = heading.book.field_of(one.heading)
        if field is not None:
            columns[field].append(one.column)
    named = {one for several in columns.values() for one in several}
    named |= {one.column for one in heading.unknown} | set(heading.annotations.values())
    right_of = {max(several) + 1: field for field, several in columns.items()}
    for column in sorted(right_of):
        if right_of[column] == _SPREADS and column not in named and _used(rows, column):
            columns[_SPREADS].append(column)
    return columns


_SPREADS: Final = "levels"
"""The heading that lists set over two columns: 实施层级及权限."""


def _used(rows: Sequence[Sequence[Cell]], column: int) -> bool:
    return any(column < len(row) and row[column] not in ("", None) for row in rows)
