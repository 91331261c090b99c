"""The books an office keeps (机构编制情况表, 人员名册): their columns and every name they go by.

Pure data, and the comparing of heading texts; `headings` finds them on a sheet. The spellings come
from published forms of such offices (实名制人员信息表, 编制实名制登记个人信息表, 机构信息表,
编统花名册, 实名制系统指标组) and from the offices' everyday words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from domain.text import compact

_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕|<[^<>]*>|《[^《》]*》")
_BRACKETS = re.compile(r"[()\[\]【】〔〕<>《》]")
_NUMBERING = re.compile(r"^[0-9]{1,2}[.、]")
_MARKS = re.compile(r"[*:▲★☆△#]|[.,。、;]$")
_LONGEST: Final = 100
"""No heading is longer, remarks in brackets included: a longer text is a cell of the table."""


@lru_cache(maxsize=4096)
def heading_keys(text: str) -> tuple[str, ...]:
    """Return the forms under which a heading is looked up, the fuller first.

    Spaces, line breaks, ``*``, colons, numbering and full-width forms do not count. What stands
    in brackets counts in the first form only: 入党(团)时间 is 入党团时间 and 入党时间.
    """
    plain = _MARKS.sub("", _NUMBERING.sub("", compact(text))).lower()
    keys = (_BRACKETS.sub("", plain), _BRACKETS.sub("", _REMARK.sub("", plain)))
    return tuple(dict.fromkeys(key for key in keys if key))


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the ``field`` it fills, its Chinese ``heading`` and other headings it has."""

    field: str
    heading: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Book:
    """A kind of book, told by its columns.

    ``telling`` are the fields without which a sheet is no such book, ``required`` the groups of
    fields of which one each must be there before rows can be taken over.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    telling: frozenset[str]
    required: tuple[tuple[str, ...], ...]

    @cached_property
    def _fields(self) -> dict[str, str]:
        keys = [
            (heading_keys(text), column.field)
            for column in self.columns
            for text in (column.heading, *column.synonyms)
        ]
        found: dict[str, str] = {}
        for forms in (slice(0, 1), slice(1, None)):  # full spellings before shortened ones
            for spelled, field in keys:
                for key in spelled[forms]:
                    found.setdefault(key, field)
        return found

    def field_of(self, text: str) -> str | None:
        """Return the field whose heading ``text`` is, or `None`."""
        if len(text) > _LONGEST:
            return None
        return next((self._fields[key] for key in heading_keys(text) if key in self._fields), None)

    def heading_of(self, field: str) -> str:
        """Return the Chinese heading of ``field``. Raises `KeyError` for an unknown one."""
        return self._headings[field]

    @cached_property
    def _headings(self) -> dict[str, str]:
        return {column.field: column.heading for column in self.columns}


def _c(field: str, heading: str, synonyms: str = "") -> Column:
    return Column(field, heading, tuple(synonyms.split()))


SERIAL: Final = _c("serial", "序号", "编号 顺序号 序 行号 No No.")
_REMARK_COLUMN: Final = _c("remark", "备注", "说明 备注说明 备 备考")
_QUOTA_KIND: Final = _c("quota_kind", "编制类型", "编制类别 编制性质 编制种类 所占编制 编制形式")

INSTITUTIONS: Final = Book(
    name="institutions",
    title="机构编制情况表",
    columns=(
        SERIAL,
        _c("full_name", "机构名称", "机构全称 单位名称 单位全称 机构 单位 名称 机构(单位)名称"),
        _c("institution_code", "机构编码", "单位编码 机构内部编号 机构编号 单位代码"),
        _c("short_name", "规范简称", "简称 机构简称 单位简称 习惯简称"),
        _c("other_names", "其他名称", "其他全称 加挂牌子 挂牌名称 挂牌 挂牌机构"),
        _c("credit_code", "统一社会信用代码", "信用代码 社会信用代码 统一信用代码"),
        _c("organisation_code", "组织机构代码", "机构代码 组织机构代码证号"),
        _c("rank", "机构规格", "机构级别 单位级别 单位规格 规格 级别 行政级别"),
        _c("nature", "机构性质", "单位性质 性质"),
        _c("category", "机构类别", "单位类别 机构类型 单位类型 类别"),
        _c("system_class", "系统类别", "所属系统 系统 系统分类"),
        _c("psu_class", "事业单位分类", "分类类别 公益类别 事业单位类别 分类改革类别"),
        _c("superior", "主管部门", "隶属单位 上级单位 主管单位 举办单位 上级主管部门 上级部门"),
        _QUOTA_KIND,
        _c("funding_form", "经费形式", "经费来源 拨款形式 经费渠道 经费供给形式 编制经费形式"),
        _c(
            "approved",
            "核定编制数",
            "编制数 核定编制 批准编制数 编制总数 核定数 定编数 编制 核编数",
        ),
        _c("approved_10", "行政编制数", "行政编制 行政编 核定行政编制 核定行政编制数"),
        _c("approved_11", "政法专项编制数", "政法专项编制 政法编制 政法编制数 政法专项"),
        _c("approved_12", "机关工勤编制数", "工勤编制 工勤编制数 机关工勤编制 工勤编"),
        _c("approved_20", "事业编制数", "事业编制 事业编 核定事业编制 核定事业编制数"),
        _c("approved_21", "参公编制数", "参公编制 参照公务员法管理编制 参公事业编制"),
        _c("occupied", "实有人数", "实有数 实有 实有人员数 在编人数 实际在职人数 在职人数"),
        _c("leading_posts", "领导职数", "核定领导职数 领导职数(职)"),
        _c("inner_bodies", "内设机构数", "内设机构 内设数 内设机构个数"),
        _c(
            "approval_number",
            "批准文号",
            "批准成立文号 设立文号 文号 批文文号 成立文号 批准设立文号",
        ),
        _c("approval_date", "批准日期", "批准成立日期 批准时间 设立日期 批准成立时间 批准设立日期"),
        _c("approval_body", "批准单位", "批准成立单位 批准机关 发文单位 发文机关"),
        _c("founded_on", "成立日期", "实际成立日期 成立时间 成立年月"),
        _c("division_code", "行政区划代码", "所在行政区划 行政区划 区划代码 所属行政区划"),
        _c("responsible_person", "负责人", "法定代表人 单位负责人 主要负责人 法人代表"),
        _c("functions_text", "主要职责", "职能 职责 主要职能 宗旨和业务范围"),
        _c("address", "地址", "单位地址 住所 办公地址 联系地址"),
        _c("phone", "联系电话", "电话 办公电话 单位电话"),
        _REMARK_COLUMN,
    ),
    telling=frozenset({"full_name"}),
    required=(
        ("full_name",),
        ("quota_kind", "approved_10", "approved_11", "approved_12", "approved_20", "approved_21"),
        ("approved", "approved_10", "approved_11", "approved_12", "approved_20", "approved_21"),
    ),
)
"""The institution book: one line per institution, or per institution and type of quota.

``approved_10`` … ``approved_21`` are the wide layout, a column of quota for each `QuotaKind`.
"""

PEOPLE: Final = Book(
    name="people",
    title="人员名册",
    columns=(
        SERIAL,
        _c(
            "institution",
            "单位名称",
            "所在单位 工作单位 单位 单位全称 所属单位 机构名称 机构全称 编制所在单位 在编单位 "
            "行政机构名称/事业单位名称 行政机构名称 事业单位名称",
        ),
        _c(
            "inner_body",
            "所在机构",
            "内设机构 所在股室 所在科室 所在部门 部门 科室 股室 所在内设机构",
        ),
        _c("name", "姓名", "人员姓名 姓 名 职工姓名"),
        _c("former_name", "曾用名"),
        _c("gender", "性别"),
        _c(
            "id_number",
            "身份证号",
            "公民身份号码 身份证号码 身份证 居民身份证号 居民身份证号码 证件号码 身份号码",
        ),
        _c("birth_date", "出生日期", "出生年月 出生时间 出生年月日 生日 出生"),
        _c("ethnicity", "民族"),
        _c("native_place", "籍贯"),
        _c("birth_place", "出生地"),
        _c("politics", "政治面貌", "党派 政治面目"),
        _c("party_date", "入党(团)时间", "入党时间 入团时间 入党日期 入党年月"),
        _c("work_start", "参加工作时间", "工作时间 参加工作年月 参加工作日期 参工时间 参加工作"),
        _c("education", "学历", "文化程度 最高学历 全日制学历"),
        _c("degree", "学位", "最高学位"),
        _c("school", "毕业学校", "毕业院校 毕业学校名称 院校"),
        _c("major", "所学专业", "专业 毕业专业"),
        _c("graduated_on", "毕业时间", "毕业日期 毕业年月"),
        _c("title", "职称", "专业技术职务 技术职称 专业技术职称 专业技术资格"),
        _QUOTA_KIND,
        _c("funding_form", "经费形式", "编制经费形式 经费来源 拨款形式 经费渠道 供给形式"),
        _c("person_class", "人员分类", "人员类别"),
        _c("person_status", "人员状态", "在岗状态 在职状态 状态"),
        _c("post_kind", "岗位类别", "岗位 岗位类型"),
        _c("lead_rank", "领导职务级别", "职务级别 领导职务层次 职务层次"),
        _c("grade", "非领导职务级别", "职级 非领导职务 职务职级"),
        _c("position", "职务", "现任职务 职务名称 行政职务"),
        _c("high_fill", "是否高配", "高配"),
        _c("civil_servant_registered", "是否公务员登记", "公务员登记 是否登记公务员"),
        _c("position_since", "任现职时间", "现职时间 任现职务时间 任职时间"),
        _c("identity", "身份", "个人身份 人员身份"),
        _c("entry_mode", "进入形式", "进入方式 进编方式 入编方式 进编形式 增员方式"),
        _c("entry_source", "进入来源", "来源 原单位 原工作单位 进入本单位前单位"),
        _c("entry_date", "进入时间", "进入本单位时间 到本单位时间 调入时间 进单位时间 到岗时间"),
        _c(
            "quota_in_date",
            "入编时间",
            "进编时间 上编时间 列编时间 入编日期 纳编时间 进编日期 入编年月",
        ),
        _c(
            "quota_in_number",
            "入编文号",
            "进编文号 上编文号 入编通知文号 入编通知单号 入编依据 编制卡号",
        ),
        _c(
            "use_approval_number",
            "控编单编号",
            "用编核准号 核编单号 空岗通知单编号 控编单号 用编文号",
        ),
        _c("mobile", "联系电话", "手机号码 手机号 电话 手机 联系方式"),
        _REMARK_COLUMN,
    ),
    telling=frozenset({"name"}),
    required=(
        ("institution",),
        ("name",),
        ("id_number",),
        ("quota_kind",),
        ("quota_in_date",),
    ),
)
"""The real-name roster (实名制人员名册): one line per person and unit."""

BOOKS: Final = (INSTITUTIONS, PEOPLE)

ANNOTATIONS: Final = ("处理结果", "问题", "修正")
"""Headings of the columns that a checked copy of a book has; ignored when it comes back."""
