"""The closed lists (代码集) of a list's dynamic adjustment (动态调整).

    AdjustmentKind 调整类型   AdjustmentReason 调整情形   ListLevel 清单层级   ItemStatus 事项状态

No national standard numbers them. The reasons are the union of what published rules name: ADD for
what comes onto a list, CAN for what leaves it, CHG for what changes on it.
"""

from __future__ import annotations

from typing import Final

from domain.code_sets import CodeList


class ListLevel(CodeList, title="清单层级", source="权责清单的编制层级"):
    """Whose list it is (清单层级): that of the district's departments, or a township's."""

    DISTRICT = "district", "区本级", *("县本级", "区级", "县级")
    TOWNSHIP = "township", "乡镇", *("镇", "乡")
    SUBDISTRICT = "subdistrict", "街道", *("街道办事处",)


class ItemStatus(CodeList, title="事项状态", source="权责清单动态管理的通行分类"):
    """How an item stands (事项状态); the first two are on the list, the others have left it."""

    LISTED = "listed", "在册"
    FROZEN = "frozen", "冻结"
    CANCELLED = "cancelled", "已取消"
    DELEGATED = "delegated", "已下放"
    TAKEN_BACK = "taken-back", "已收回"
    MERGED = "merged", "已并入"
    SPLIT = "split", "已拆分"
    INTERNAL = "internal", "已转内部管理"

    @property
    def on_the_list(self) -> bool:
        """Whether such an item stands on the list."""
        return self in (ItemStatus.LISTED, ItemStatus.FROZEN)


class AdjustmentKind(CodeList, title="调整类型", source="各地权责清单动态管理办法的通行分类"):
    """What an adjustment does (调整类型)."""

    ADD = "add", "新增"
    RECEIVE = "receive", "承接", *("承接上级下放",)
    CANCEL = "cancel", "取消"
    DELEGATE = "delegate", "下放"
    TAKE_BACK = "take-back", "收回", *("上级收回",)
    TRANSFER = "transfer", "划转", *("主体变更",)
    CHANGE = "change", "要素变更", *("变更",)
    MERGE = "merge", "合并"
    SPLIT = "split", "分设", *("拆分",)
    FREEZE = "freeze", "冻结"
    RESTORE = "restore", "恢复", *("解冻",)
    RECLASSIFY = "reclassify", "转类", *("调整类型", "转为其他行政权力", "转为公共服务")
    INTERNALISE = "internalise", "转内部管理", *("转内部审批",)


class AdjustmentReason(CodeList, title="调整情形", source="各地权责清单动态管理办法"):
    """Why a list is adjusted (调整情形)."""

    LAW_ADDS = "add-1", "法律法规规章颁布、修订而新增"
    HANDED_DOWN = "add-2", "上级下放、委托、授权，须承接"
    FUNCTIONS_ADD = "add-3", "部门职能调整而新增"
    OTHER_ADDITION = "add-4", "其他应当新增的情形"
    LAW_FAILS = "can-1", "法律法规规章废止、修订，依据不再成立"
    CANCELLED_ABOVE = "can-2", "上级决定取消、下放、收回"
    FUNCTIONS_REMOVE = "can-3", "部门职能调整，不再行使"
    OTHER_REMOVAL = "can-4", "其他应当取消、下放的情形"
    BASIS_CHANGED = "chg-1", "依据名称、条文变化"
    BODY_CHANGED = "chg-2", "实施主体、承办机构变化"
    MERGED_OR_SPLIT = "chg-3", "事项合并、分设"
    PROCESS_CHANGED = "chg-4", "流程、时限变化"
    OTHER_CHANGE = "chg-5", "其他要素变化"


REASONS_OF: Final[dict[AdjustmentKind, tuple[str, ...]]] = {
    AdjustmentKind.ADD: ("add",),
    AdjustmentKind.RECEIVE: ("add",),
    AdjustmentKind.CANCEL: ("can",),
    AdjustmentKind.DELEGATE: ("can",),
    AdjustmentKind.TAKE_BACK: ("add", "can"),
    AdjustmentKind.TRANSFER: ("chg", "can"),
    AdjustmentKind.CHANGE: ("chg",),
    AdjustmentKind.MERGE: ("chg",),
    AdjustmentKind.SPLIT: ("chg",),
    AdjustmentKind.FREEZE: ("can", "chg"),
    AdjustmentKind.RESTORE: ("add", "chg"),
    AdjustmentKind.RECLASSIFY: ("chg",),
    AdjustmentKind.INTERNALISE: ("can", "chg"),
}
"""Which groups of reasons go with which kind of adjustment."""
