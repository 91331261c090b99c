"""The closed lists (代码集) of a rights list (权责清单).

    PowerCategory 职权类型   PowerLevel 行使层级   BasisLevel 依据层级
    BodyNature 实施主体性质   PowerOrigin 权力来源

As in `code_sets`: what is stored for ever is the code; labels and synonyms may change. The levels
of a basis hold 法规 and 规章 without more as well, for that is what most published lists print:
what is printed is kept, and the basis watch says what it ought to have been.
"""

from __future__ import annotations

from domain.code_sets import CodeList


class PowerCategory(
    CodeList, title="职权类型", source="国家政务服务事项类型编号; 权责清单的通行分类"
):
    """What kind of power an item is (职权类型); the numbers are the national ones."""

    LICENCE = "01", "行政许可", *("许可", "行政许可类", "行政许可事项")
    PENALTY = "02", "行政处罚", *("处罚", "行政处罚类", "行政处罚事项")
    COERCION = (
        "03",
        "行政强制",
        *("强制", "行政强制类", "行政强制措施", "行政强制执行", "行政强制事项"),
    )
    LEVY = "04", "行政征收", *("征收", "行政征收类", "行政征收事项", "行政收费")
    PAYMENT = "05", "行政给付", *("给付", "行政给付类", "行政给付事项")
    INSPECTION = (
        "06",
        "行政检查",
        *("检查", "行政检查类", "行政检查事项", "行政监督", "行政监督检查", "监督检查"),
    )
    CONFIRMATION = "07", "行政确认", *("确认", "行政确认类", "行政确认事项")
    REWARD = "08", "行政奖励", *("奖励", "行政奖励类", "行政奖励事项")
    RULING = "09", "行政裁决", *("裁决", "行政裁决类", "行政裁决事项")
    OTHER = (
        "10",
        "其他行政权力",
        *(
            "其他",
            "其它",
            "其他权力",
            "其它权力",
            "其他职权",
            "其它行政权力",
            "其他类",
            "其他类权力",
        ),
        *("其他行政职权", "其他行政权力类", "其他行政权力事项", "其他权责", "行政征用", "行政备案"),
        *("行政调解", "备案", "征用", "其他行政管理"),
    )
    SERVICE = "20", "公共服务", *("公共服务类", "公共服务事项", "服务事项", "行政服务")


class PowerLevel(CodeList, title="行使层级", source="权责清单的实施层级用语"):
    """Which level of government exercises a power (行使层级), the highest first."""

    STATE = "state", "国家级", *("国家", "国务院部门", "中央", "中央级", "部级")
    PROVINCE = (
        "province",
        "省级",
        *("省", "自治区级", "直辖市级", "省（自治区、直辖市）级", "自治区", "省本级", "厅级"),
        *("自治区本级", "省（区、市）", "区级（自治区）", "兵团级", "省市区级"),
    )
    CITY = (
        "city",
        "市级",
        *("市", "地州市级", "地级", "州级", "地市级", "设区的市级", "设区市级", "市州级", "地州级"),
        *("地（州、市）级", "市（地）级", "市（州）级", "市本级", "盟市级", "州市级", "地州市"),
    )
    DISTRICT = (
        "district",
        "县级",
        *("县", "区", "区级", "县区级", "区县级", "县市区级", "县（市、区）级", "县本级", "区本级"),
        *(
            "县（区）级",
            "旗县级",
            "县（市）级",
            "县市级",
            "市县级",
            "县市区",
            "县（市、区）",
            "旗级",
        ),
    )
    TOWNSHIP = (
        "township",
        "乡级",
        *("乡", "镇级", "乡镇级", "乡镇", "街道", "街道级", "乡镇（街道）", "乡镇（街道）级"),
        *("镇街", "镇街级", "镇（街道）", "乡（镇）级", "乡镇街道"),
    )


class BasisLevel(CodeList, title="依据层级", source="《立法法》; 权责清单的依据用语"):
    """What kind of document a legal basis is (依据层级), as the list prints it."""

    CONSTITUTION = "constitution", "宪法"
    LAW = "law", "法律", *("国家法律", "法律规定")
    STATE_COUNCIL_DECISION = (
        "state-decision",
        "国务院决定",
        *("国务院文件", "国务院规范性文件", "国发文件"),
    )
    ADMINISTRATIVE_REGULATION = "admin-regulation", "行政法规", *("行法规", "国家法规")
    LOCAL_REGULATION = (
        "local-regulation",
        "地方性法规",
        *("地方法规", "自治区法规", "省法规", "地方性规定", "自治条例", "单行条例"),
    )
    REGULATION = "regulation", "法规", *("行政法规或地方性法规",)
    DEPARTMENT_RULE = (
        "department-rule",
        "部门规章",
        *("部门规定", "部委规章", "国务院部门规章", "部令", "部规章"),
    )
    LOCAL_RULE = (
        "local-rule",
        "地方政府规章",
        *("政府规章", "地方规章", "地方性规章", "省政府规章", "自治区规章", "政府令"),
    )
    RULE = "rule", "规章", *("行政规章", "规章规定")
    PARTY_REGULATION = "party-regulation", "党内法规", *("党内法规和规范性文件", "党内规范性文件")
    NORMATIVE = (
        "normative",
        "规范性文件",
        *("规范文件", "行政规范性文件", "部门规范性文件", "地方规范性文件", "文件", "政策文件"),
        *("规范性文件规定", "国务院部门规范性文件", "政策", "通知"),
    )
    FUNCTIONS = (
        "functions",
        "“三定”规定",
        *("三定规定", "三定", "三定方案", "“三定”方案", "职能配置规定"),
    )
    STANDARD = "standard", "标准", *("国家标准", "行业标准", "地方标准", "技术规范")
    OTHER = "other", "其他", *("其它", "其他依据", "其他文件")


class BodyNature(CodeList, title="实施主体性质", source="《行政处罚法》第十八至二十一条"):
    """By what right a body acts (实施主体性质)."""

    ORGAN = "organ", "法定机关", *("法定行政机关", "行政机关", "法定主体")
    AUTHORISED = (
        "authorised",
        "法律法规授权组织",
        *("授权组织", "法律、法规授权的组织", "法律法规授权的组织", "授权"),
    )
    ENTRUSTED = "entrusted", "受委托组织", *("委托组织", "受委托的组织", "受委托机关", "委托")


class PowerOrigin(CodeList, title="权力来源", source="权责清单动态调整的情形用语"):
    """How the body came by the power (权力来源)."""

    OWN = "own", "法定本级", *("法定本级行使", "法定", "本级", "法定职权", "法定权力")
    DELEGATED = "delegated", "上级下放", *("下放", "承接", "上级下放权力", "承接上级下放")
    AUTHORISED = "authorised", "授权", *("上级授权", "法律法规授权")
    EMPOWERED = "empowered", "赋权", *("赋权实施", "赋权乡镇", "赋权事项")
    ENTRUSTED = "entrusted", "委托", *("上级委托", "受委托", "委托实施", "委托下放")
    TRANSFERRED = "transferred", "职能划转", *("划转", "划入", "职能划入")
    MERGED = "merged", "合并", *("事项合并", "合并而成")
    SPLIT = "split", "拆分", *("分设", "事项拆分")
