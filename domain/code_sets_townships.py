"""The closed lists (代码集) of what townships do (乡镇事项).

    MatterOrigin 事项来源 (2021: 法定、部门下放 …)     MatterDuty 履职类别 (2025: 基本、配合、收回)
    ActingName 以谁的名义                              EvaluationResult 评估结果

Two classifications are in use side by side: the township lists of 2021 ask where a matter comes
from, the duty lists of 2025 (履职事项清单) what part of it the township bears.
"""

from __future__ import annotations

from typing import Final

from domain.code_sets import CodeList


class MatterOrigin(CodeList, title="事项来源", source="乡镇（街道）权责清单的通行分类（2021年）"):
    """Where a township's matter comes from (事项来源)."""

    STATUTORY = "statutory", "法定", *("法定事项", "法定职权", "乡镇法定")
    HANDED_DOWN = "handed-down", "部门下放", *("下放", "县级下放", "区级下放")
    EMPOWERED = "empowered", "赋权实施", *("赋权", "赋权事项", "省级赋权")
    ENTRUSTED = "entrusted", "委托", *("委托实施", "委托事项")
    SERVICE = "service", "公共服务", *("公共服务事项",)


class MatterDuty(CodeList, title="履职类别", source="乡镇（街道）履职事项清单（2025年）"):
    """What part of a matter a township bears (履职类别)."""

    BASIC = "basic", "基本履职", *("基本履职事项", "基本")
    COOPERATIVE = "cooperative", "配合履职", *("配合履职事项", "配合")
    TAKEN_BACK = "taken-back", "上级部门收回", *("收回", "上级收回", "上级部门收回事项")


class ActingName(CodeList, title="以谁的名义", source="《行政处罚法》第二十、二十一、二十四条"):
    """In whose name a matter is carried out (以谁的名义)."""

    TOWNSHIP = "township", "乡镇（街道）", *("乡镇", "街道", "本乡镇", "以自己的名义")
    COUNTY = "county", "县级部门", *("区级部门", "委托部门", "原部门")


class EvaluationResult(CodeList, title="评估结果", source="《行政处罚法》第二十四条（定期评估）"):
    """What an evaluation of a township's matter found (评估结果)."""

    FIT = "fit", "运行良好", *("良好", "合格")
    IMPROVE = "improve", "需改进", *("整改", "限期改进")
    TAKE_BACK = "take-back", "建议收回", *("不能承接", "收回")


FROM_ABOVE: Final = (MatterOrigin.HANDED_DOWN, MatterOrigin.EMPOWERED, MatterOrigin.ENTRUSTED)
"""Origins of matters that a department of the district gives to townships."""

ACTS_AS: Final[dict[MatterOrigin, ActingName]] = {
    MatterOrigin.STATUTORY: ActingName.TOWNSHIP,
    MatterOrigin.HANDED_DOWN: ActingName.TOWNSHIP,
    MatterOrigin.EMPOWERED: ActingName.TOWNSHIP,
    MatterOrigin.ENTRUSTED: ActingName.COUNTY,
}
"""In whose name a township acts where the law leaves no choice."""
