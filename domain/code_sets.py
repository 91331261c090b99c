"""The closed lists (代码集) the office chooses from: code, Chinese label, synonyms.

    QuotaKind 编制类型          FundingForm 经费形式     InstitutionRank 机构规格
    InstitutionCategory 机构类别  EntryMode 进入形式       LeaveReason 减员原因
    PersonClass 人员分类

The lists about a natural person (性别, 民族, 政治面貌, 学历) stand in `code_sets_people`.

What is stored for ever is the code: short ASCII, never reused, never given another meaning. Where
a national standard numbers a list, its number is the code; where none does, codes of digits keep
the list's order and the others are plain English words. Labels and synonyms may change.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from domain.codes import told, with_names
from domain.text import compact

C = TypeVar("C", bound="CodeList")


class CodeList(StrEnum):
    """A closed list. A member is its code: ``QuotaKind("10") == "10"``.

    Members are written as ``NAME = code, label, *synonyms``. Class keywords: ``title`` the list's
    Chinese name, ``source`` where its content comes from.
    """

    label: str
    synonyms: tuple[str, ...]
    title_zh: ClassVar[str]
    source: ClassVar[str]

    def __new__(cls, code: str, label: str, *synonyms: str) -> Self:
        """Make the member; see the class."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        member.synonyms = synonyms
        return member

    def __init_subclass__(cls, *, title: str, source: str) -> None:
        super().__init_subclass__()
        cls.title_zh = title
        cls.source = source

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """Return the member whose code, label or synonym ``text`` is, however it is spaced."""
        table = _table(cls)
        return table.get(text) or table.get(compact(text).lower())

    @classmethod
    def nearest(cls, text: str, n: int = 3) -> tuple[Self, ...]:
        """Return up to ``n`` members that ``text`` may have meant, the likeliest first.

        Falls back to the first members of the list where nothing is alike.
        """
        table, wanted = _table(cls), compact(text).lower()
        alike = get_close_matches(wanted, table, n=4 * n, cutoff=0.4)
        alike += [key for key in table if wanted and (wanted in key or key in wanted)]
        found = dict.fromkeys(table[key] for key in alike)
        return tuple(found or cls)[:n]

    @classmethod
    def names(cls) -> dict[str, str]:
        """Return the label of every code, in the list's order."""
        return {one.value: one.label for one in cls}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Answer a code that is not on the list with all that are, and their labels."""
        return with_names(handler(source), cls.names())

    @classmethod
    def __get_pydantic_json_schema__(
        cls,
        core_schema: Any,
        handler: GetJsonSchemaHandler,
    ) -> dict[str, Any]:
        """Say in the OpenAPI document what each code means."""
        schema: dict[str, Any] = handler.resolve_ref_schema(handler(core_schema))
        return schema | {"title": cls.title_zh, "description": told(cls.names())}


@cache
def _table(kind: type[C]) -> dict[str, C]:
    """Every spelling of every member. Labels come first: no synonym may take one over."""
    table: dict[str, C] = {}
    for spellings in (lambda one: (one.value, one.label), lambda one: one.synonyms):
        for one in kind:
            for spelling in spellings(one):
                table.setdefault(compact(spelling).lower(), one)
    return table


class QuotaKind(CodeList, title="编制类型", source="实名制填表说明; 《地方编制条例》第十五条"):
    """Type of quota (编制类型); types may not be mixed. 1x organs, 2x public institutions."""

    ADMINISTRATIVE = "10", "行政编制", "行政", "机关行政编制", "公务员编制"
    POLITICAL_LEGAL = "11", "政法专项编制", "政法编制", "政法专项", "政法专项行政编制", "政法"
    ORGAN_WORKER = "12", "机关工勤编制", "工勤编制", "机关工勤", "工勤", "机关工勤人员编制"
    RETIREE_SERVICE = "13", "老干编制", "老干部编制", "离退休工作编制", "离退休工作人员编制", "老干"
    OTHER_ORGAN = "19", "机关其他编制", "机关其他", "其他行政编制"
    INSTITUTION = "20", "事业编制", "事业", "事业单位编制", "普通事业编制"
    CIVIL_SERVICE_LAW = (
        "21",
        "参照公务员法管理事业编制",
        *("参公编制", "参公", "参公事业编制", "参公管理事业编制", "事业编制（参公）"),
        *("参照公务员法管理编制", "参照公务员管理事业编制", "参公管理编制"),
    )
    SCHOOL = "22", "中小学教职工编制", "教职工编制", "教师编制", "中小学教师编制", "中小学编制"
    OTHER_INSTITUTION = "29", "其他事业编制", "其他事业"
    ROTATING = "30", "周转编制", "周转池编制", "事业周转编制"
    OUTSIDE = (
        "90",
        "编外",
        *("控制数", "不占编", "编外聘用", "编外人员", "非编", "人员控制数", "备案制"),
        "编外/控制数（不占编）",
    )


class FundingForm(CodeList, title="经费形式", source="实名制填表说明(新旧用语对应关系未证实)"):
    """How a body or slot is paid (经费形式). The newer budget wording counts as a synonym."""

    FULL = (
        "full",
        "全额拨款",
        *("财政拨款", "全额", "全额预算", "财政全额拨款", "全额财政拨款", "全额拨款（财政拨款）"),
        *("全额预算管理", "财政全额", "全供"),
    )
    PARTIAL = (
        "partial",
        "差额补贴",
        *("财政补助", "差额拨款", "差额", "差额预算", "差额补助", "财政差额拨款", "财政补贴"),
        *("差额补贴（财政补助）", "差额预算管理", "财政差额", "财政性资金定额或定项补助"),
    )
    SELF = (
        "self",
        "经费自理",
        *("自收自支", "自筹", "经费自筹", "自理", "自收自支管理", "经费自理（自收自支）"),
    )
    ENTERPRISE = "enterprise", "企业化管理", "企业管理", "企业化"
    UNASSIGNED = "unassigned", "未定编到人", "未定编"


class InstitutionRank(CodeList, title="机构规格", source="机构编制统计指标; 《公务员法》职务层次"):
    """Rank of an institution (机构规格, 机构级别).

    Codes run from the highest rank to the lowest, so that they may be compared: whatever is at or
    above 副科 is ``<= InstitutionRank.DEPUTY_SECTION``. A plain 科级 or 处级 means its 正.
    """

    BUREAU = "11", "正厅", *("正厅级", "厅级", "厅局级", "正厅局级", "相当于正厅级")
    DEPUTY_BUREAU = "12", "副厅", *("副厅级", "副厅局级", "相当于副厅级")
    DIVISION = "21", "正处", *("正处级", "处级", "县处级", "正县级", "县级", "相当于正处级")
    DEPUTY_DIVISION = "22", "副处", *("副处级", "副县处级", "副县级", "相当于副处级")
    SECTION = "31", "正科", *("正科级", "科级", "乡科级", "正乡科级", "相当于正科级", "相当于科级")
    DEPUTY_SECTION = "32", "副科", *("副科级", "副乡科级", "相当于副科级")
    SUBSECTION = "40", "股级", *("股", "股所级", "相当于股级")
    CHIEF_SUBSECTION = "41", "正股", *("正股级", "相当于正股级")
    DEPUTY_SUBSECTION = "42", "副股", *("副股级", "相当于副股级")
    UNRANKED = "90", "未定级", *("不定级", "未定规格", "无级别", "未定", "未核定规格")
    OTHER = "99", "其他"


class InstitutionCategory(
    CodeList, title="机构类别", source="实名制填表说明, 编制台账分类用语(词尾未证实)"
):
    """Category of an institution (机构类别)."""

    PARTY = "party", "党委机构", *("党委工作部门", "党委部门", "党委", "党的机构", "党务机构")
    DISCIPLINE = "discipline", "纪检监察机关", *("纪委监委", "纪委监委机关")
    CONGRESS = "congress", "人大机关", *("人大", "人大机构")
    CONFERENCE = "conference", "政协机关", *("政协", "政协机构")
    COURT = "court", "法院", *("审判机关", "人民法院")
    PROCURATORATE = "procuratorate", "检察院", *("检察机关", "人民检察院")
    DEMOCRATIC_PARTY = "democratic-party", "民主党派", *("民主党派机关",)
    MASS = "mass", "群团机关", *("群团", "群众团体", "群团机构", "群团组织", "人民团体")
    DEPARTMENT = (
        "department",
        "政府工作部门",
        *("政府部门", "政府组成部门", "组成部门", "工作部门", "组成/工作部门", "政府机构", "政府"),
    )
    SPECIAL_DIRECT = "special-direct", "直属特设机构", *("特设机构", "政府直属特设机构")
    DIRECT = "direct", "直属机构", *("政府直属机构",)
    MANAGED = "managed", "部门管理机构", *("部门管理的机构", "政府部门管理机构")
    COORDINATING = "coordinating", "议事协调机构的办事机构", *("议事协调机构办事机构",)
    TEMPORARY = "temporary", "临时机构"
    VERTICAL = "vertical", "省以下垂直管理机构", *("垂直管理机构", "垂直管理", "垂管机构")
    DISPATCHED = "dispatched", "派出机构", *("派出机关", "政府派出机构")
    TOWNSHIP = "township", "乡镇", *("乡镇机关", "乡镇政府", "乡镇人民政府", "乡", "镇")
    SUBDISTRICT = "subdistrict", "街道", *("街道办事处", "街道机关")
    OTHER_ORGAN = "other-organ", "其他机关"
    INSTITUTION = "institution", "事业单位", *("事业", "事业机构", "直属事业单位", "所属事业单位")
    CIVIL_SERVICE_LAW = (
        "institution-csl",
        "参公事业单位",
        *("参照公务员法管理事业单位", "参照公务员法管理的事业单位", "参公管理事业单位"),
    )
    OTHER = "other", "其他"


class PersonClass(CodeList, title="人员分类", source="实名制填表说明"):
    """Whether and where a person leads (人员分类)."""

    UNIT_CHIEF = "unit-chief", "部门正职", *("单位正职", "部门领导正职", "单位领导正职")
    UNIT_DEPUTY = "unit-deputy", "部门副职", *("单位副职", "部门领导副职", "单位领导副职")
    INNER_CHIEF = "inner-chief", "内设正职", *("内设机构正职", "中层正职")
    INNER_DEPUTY = "inner-deputy", "内设副职", *("内设机构副职", "中层副职")
    NOT_LEADING = "not-leading", "非领导", *("非领导职务", "一般人员", "普通人员", "非领导人员")


class EntryMode(
    CodeList, title="进入形式", source="实名制填表说明(前四种), 增员原因用语; 其余未证实"
):
    """How a person came into the establishment (进入形式)."""

    CIVIL_SERVICE_EXAM = (
        "civil-service-exam",
        "公务员考试",
        *("公务员考录", "考录", "公务员录用", "录用", "考试录用", "公务员招考"),
    )
    INTERNAL_SELECTION = "internal-selection", "遴选", *("公务员遴选", "公开遴选", "选调/遴选")
    GRADUATE_SELECTION = "graduate-selection", "选调", *("选调生", "选调生录用")
    ARMY_OFFICER = "army-officer", "军转", *("军转安置", "军队转业", "军转干部", "军转干部安置")
    VETERAN = "veteran", "退役士兵安置", *("退伍安置", "复退安置", "退役安置", "复员退伍安置")
    TRANSFER_IN = "transfer-in", "调入", *("调动", "工作调动", "系统内调入", "外单位调入")
    SERVICE_TRANSFER = "service-transfer", "转任", *("公务员转任", "调任")
    OPEN_RECRUITMENT = (
        "open-recruitment",
        "事业招考",
        *("公开招聘", "事业单位招考", "事业单位公开招聘", "招聘", "事业单位招聘", "招考"),
    )
    TALENT = "talent", "人才引进", *("引进", "引进人才")
    FUNCTION_MOVE = "function-move", "划转", *("改革划转", "改革划入", "成建制划转", "划入")
    APPOINTMENT = "appointment", "任命", *("选任", "委任", "选举任命")
    ALLOCATION = "allocation", "毕业分配", *("分配", "统一分配", "毕业生分配", "大中专毕业生分配")
    RESTORED = "restored", "复职恢复", *("复职", "恢复", "复职/恢复", "恢复编制")
    OTHER = "other", "其他", *("其他方式", "其它")


class LeaveReason(
    CodeList, title="减员原因", source="减员原因用语(GB/T 12405-2008 表值未得), 出编办理要求"
):
    """Why a person left the establishment (减员原因); `proof` says what shows it."""

    RETIRED = "retired", "退休", *("到龄退休", "正常退休")
    RETIRED_EARLY = "retired-early", "提前退休", *("病退", "内退转退休")
    RETIRED_VETERAN = "retired-veteran", "离休"
    TRANSFERRED_OUT = "transferred-out", "调出", *("调动", "调离", "调出本区", "工作调动")
    RESIGNED = "resigned", "辞职", *("辞去公职", "主动辞职")
    DISMISSED = "dismissed", "辞退", *("被辞退",)
    EXPELLED = "expelled", "开除", *("开除公职", "开除（辞退）")
    CONTRACT_ENDED = "contract-ended", "解聘", *("解除合同", "合同期满", "解除聘用合同", "终止合同")
    DIED = "died", "死亡", *("去世", "病故", "因公牺牲", "亡故")
    DECLARED_DEAD = "declared-dead", "宣告失踪或死亡", *("宣告死亡", "宣告失踪", "宣告失踪/死亡")
    SENTENCED = "sentenced", "判刑", *("被判刑",)
    FUNCTION_MOVE = "function-move", "划转", *("改革划转", "改革划出", "成建制划转", "划出")
    ABOLISHED = "abolished", "机构撤销分流", *("撤销分流", "机构撤并分流", "分流")
    TRIAL_FAILED = "trial-failed", "取消录用", *("试用期不合格", "取消录用（试用期不合格）")
    ENTERED_IN_ERROR = "entered-in-error", "更正撤销", *("登记错误", "更正")
    OTHER = "other", "其他", *("其他原因", "其它")

    @property
    def proof(self) -> str:
        """Name, in Chinese, the document that proves the reason and is asked for when filing."""
        return _PROOFS[self]


_PROOFS: Final = {
    LeaveReason.RETIRED: "退休审批表（复印件）",
    LeaveReason.RETIRED_EARLY: "提前退休审批表（复印件）",
    LeaveReason.RETIRED_VETERAN: "离休审批表（复印件）",
    LeaveReason.TRANSFERRED_OUT: "调动通知（调令）",
    LeaveReason.RESIGNED: "本人辞职申请和单位同意辞职的决定",
    LeaveReason.DISMISSED: "单位和主管部门的辞退文件",
    LeaveReason.EXPELLED: "单位和主管部门的开除文件",
    LeaveReason.CONTRACT_ENDED: "解聘决定（解除或终止聘用合同的决定）",
    LeaveReason.DIED: "加盖印章的死亡证明（复印件）",
    LeaveReason.DECLARED_DEAD: "人民法院宣告失踪或死亡的判决书",
    LeaveReason.SENTENCED: "人民法院生效的判决书",
    LeaveReason.FUNCTION_MOVE: "机构改革或划转文件",
    LeaveReason.ABOLISHED: "机构撤销文件和人员分流方案",
    LeaveReason.TRIAL_FAILED: "取消录用决定",
    LeaveReason.ENTERED_IN_ERROR: "更正说明",
    LeaveReason.OTHER: "能说明原因的批准文件",
}
