"""The demonstration's rights lists (权责清单): compiled, returned once, published, then adjusted.

Three departments draft their lists; the review group returns one of them; the list becomes an
edition. Later items are added, cancelled, changed, merged and split, and a second edition says so:
the public pages and their comparison have something to show. Names, texts and titles are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from application.filing import Receipt
from domain.code_sets_adjusting import AdjustmentKind, AdjustmentReason
from domain.code_sets_rights import BasisLevel, PowerCategory
from domain.rights_drafting import ItemDrafted

REVIEWER: Final = "shenhe"
"""Who reviews: not who drafted."""

File = Callable[..., Receipt]
"""Files a command by its kind and body, ``by`` an account."""

Paper = Callable[[str, date], list[dict[str, Any]]]
"""Registers a document of that title and day and returns it as a basis."""

_FIRST_DAY: Final = timedelta(days=200)
"""So long before the demonstration was begun the lists were first published."""

_SECOND_DAY: Final = timedelta(days=20)


class _Power(NamedTuple):
    """An invented item: its name, its kind, the regulation it rests on, and who handles it."""

    name: str
    category: PowerCategory
    regulation: str
    article: str
    handler: str
    limit: str | None = None

    def content(self, **more: Any) -> dict[str, Any]:
        """Return the item's text as a command takes it."""
        stages = _STAGES[self.category]
        said = {
            "name": self.name,
            "category": self.category,
            "bases": [
                {
                    "title": f"示范市{self.regulation}条例（示范）",
                    "level": BasisLevel.LOCAL_REGULATION,
                    "articles": [self.article],
                }
            ],
            "duties": [{"stage": stage, "text": text} for stage, text in stages],
            "liabilities": ["不依法履行职责，造成不良后果的；", "违反廉政规定，谋取私利的。"],
            "handler": self.handler,
            "promised_limit": self.limit,
            "supervision": "监督电话见区政府门户网站（示范）",
        }
        return said | more


_L, _P, _I = PowerCategory.LICENCE, PowerCategory.PENALTY, PowerCategory.INSPECTION
_C, _R = PowerCategory.CONFIRMATION, PowerCategory.REWARD

_STAGES: Final[dict[PowerCategory, tuple[tuple[str, str], ...]]] = {
    _L: (
        ("受理", "公示依法应当提交的材料；一次性告知补正材料；依法受理或不予受理。"),
        ("审查", "按照规定审查申请材料，必要时到现场核查。"),
        ("决定", "作出准予或不予许可的决定；不予许可的，说明理由并告知权利。"),
        ("事后监管", "开展定期和不定期检查，依法处理违法行为。"),
    ),
    _P: (
        ("立案", "发现涉嫌违法行为，予以审查，决定是否立案。"),
        ("调查取证", "由两名以上执法人员调查，收集证据，听取当事人陈述申辩。"),
        ("决定", "制作处罚决定书，载明事实、依据、内容和救济途径。"),
        ("执行", "依法送达并监督履行。"),
    ),
    _I: (("检查", "按照年度计划随机抽查，记录检查情况。"), ("处置", "对发现的问题责令改正。")),
    _C: (("受理", "受理申请并核对材料。"), ("确认", "依法予以确认，出具证明文件。")),
    _R: (("评选", "按照公开的条件评选。"), ("公示", "公示拟奖励名单，听取意见。")),
}

_POWERS: Final[dict[str, tuple[_Power, ...]]] = {
    "区农业农村局": (
        _Power("种苗经营许可", _L, "种苗管理", "第九条", "种业管理股", "10个工作日"),
        _Power("兽药零售许可", _L, "兽药管理", "第十二条", "兽医股", "15个工作日"),
        _Power("水产苗种场备案核验", _C, "渔业管理", "第七条", "渔业股", "5个工作日"),
        _Power("对经营假劣种苗的处罚", _P, "种苗管理", "第三十一条", "综合执法大队"),
        _Power("对农产品质量安全的监督检查", _I, "农产品管理", "第二十条", "质量监管股"),
        _Power("对农业技术推广先进个人的奖励", _R, "农业技术推广", "第五条", "科教股"),
    ),
    "区卫生健康局": (
        _Power("公共场所卫生许可", _L, "公共场所卫生", "第八条", "审批股", "10个工作日"),
        _Power("饮用水供水单位卫生许可", _L, "饮用水卫生", "第六条", "审批股", "10个工作日"),
        _Power("对公共场所无证经营的处罚", _P, "公共场所卫生", "第三十条", "卫生监督所"),
        _Power("对医疗机构的监督检查", _I, "医疗机构管理", "第十五条", "医政股"),
        _Power("出生医学证明补发", _C, "妇幼保健", "第十一条", "妇幼股", "3个工作日"),
    ),
    "区市场监督管理局": (
        _Power("小作坊登记", _L, "食品小作坊", "第五条", "食品股", "5个工作日"),
        _Power("小餐饮登记", _L, "小餐饮管理", "第六条", "餐饮股", "5个工作日"),
        _Power("对缺斤短两的处罚", _P, "计量管理", "第二十二条", "综合执法大队"),
        _Power("对特种设备使用单位的监督检查", _I, "特种设备安全", "第十八条", "特设股"),
        _Power("对消费维权先进单位的奖励", _R, "消费者保护", "第四条", "消保股"),
    ),
}

_ADDED: Final = _Power("农产品产地证明核发", _C, "农产品管理", "第二十四条", "质量监管股")


class RightsStory:
    """Tells the story of the lists; each step is a filing of its own."""

    def __init__(self, file: File, paper: Paper, departments: dict[str, str], today: date) -> None:
        """Begin; ``departments`` are the internal ids of the district's departments by name."""
        self._file = file
        self._paper = paper
        self._ids = {name: departments[name] for name in _POWERS}
        self._first = today - _FIRST_DAY
        self._second = today - _SECOND_DAY

    def tell(self) -> None:
        """File everything, in the order in which an office would."""
        items = self._compiled()
        self._adjusted(items)
        self._publish(f"{self._second.year}年第二版（示范）", self._second)

    # ── the first edition ────────────────────────────────────────────────────────────────────

    def _compiled(self) -> dict[str, str]:
        """Compile and publish the first edition; return its items by name."""
        day = self._first - timedelta(days=60)
        started = self._file(
            "rights.start-compile", effective_on=day, name="区级部门权责清单（示范）",
            departments=tuple(self._ids.values()), basis=self._paper("清单编制方案（示范）", day),
        )  # fmt: skip
        compiling = started.entries[0].subjects("compile")[0]
        items = {
            power.name: self._drafted(compiling, name, power)
            for name, powers in _POWERS.items()
            for power in powers
        }
        names = list(self._ids)
        for n, name in enumerate(names):
            reviewer = self._ids[names[n - 1]]
            self._submitted(compiling, name, reviewer, returned=n == 1)
        day = self._first - timedelta(days=20)
        self._file(
            "rights.check-compile", effective_on=day, compiling=compiling, passed=True,
            opinion="符合法定权限和程序（示范）。", by=REVIEWER,
        )  # fmt: skip
        day = self._first - timedelta(days=10)
        self._file(
            "rights.approve-compile", effective_on=day, compiling=compiling,
            approved_by="government", meeting="区政府常务会议（示范）",
            basis=self._paper("关于审定权责清单的会议纪要（示范）", day), by=REVIEWER,
        )  # fmt: skip
        self._publish(f"{self._first.year}年第一版（示范）", self._first, compiling=compiling)
        return items

    def _drafted(self, compiling: str, department: str, power: _Power) -> str:
        receipt = self._file(
            "rights.draft-item", effective_on=self._first - timedelta(days=50),
            compiling=compiling, department=self._ids[department], content=power.content(),
        )  # fmt: skip
        drafted = receipt.entries[0].fact
        if not isinstance(drafted, ItemDrafted):
            raise TypeError(drafted)
        return drafted.item

    def _submitted(self, compiling: str, name: str, reviewer: str, *, returned: bool) -> None:
        part = {"compiling": compiling, "department": self._ids[name]}
        review = {**part, "reviewed_by": reviewer, "by": REVIEWER}
        days: Iterable[int] = (40, 30)
        for n, before in enumerate(days):
            day = self._first - timedelta(days=before)
            self._file("rights.submit-drafts", effective_on=day, **part)
            if returned and n == 0:
                comments = [{"comment": "请补充承办机构的联系方式后再报（示范）。"}]
                self._file("rights.return-drafts", effective_on=day, comments=comments, **review)
            else:
                self._file("rights.pass-drafts", effective_on=day, **review)
                return

    def _publish(self, name: str, day: date, **more: Any) -> None:
        self._file(
            "rights.publish-edition", effective_on=day, name=name, approved_by="government",
            channels=("区政府门户网站（示范）",),
            basis=self._paper("关于公布权责清单的通知（示范）", day), **more,
        )  # fmt: skip

    # ── the adjustment ───────────────────────────────────────────────────────────────────────

    def _adjusted(self, items: dict[str, str]) -> None:
        """Items are added, cancelled and changed in one department, merged and split in another."""
        farms = {power.name: power for power in _POWERS["区农业农村局"]}
        self._adjustment(
            "区农业农村局",
            {
                "kind": AdjustmentKind.ADD,
                "reason": AdjustmentReason.LAW_ADDS,
                "contents": [_ADDED.content()],
            },
            {
                "kind": AdjustmentKind.CANCEL,
                "reason": AdjustmentReason.LAW_FAILS,
                "items": [items["水产苗种场备案核验"]],
                "supervision": "纳入日常巡查和双随机抽查（示范）。",
            },
            {
                "kind": AdjustmentKind.CHANGE,
                "reason": AdjustmentReason.PROCESS_CHANGED,
                "items": [items["种苗经营许可"]],
                "contents": [farms["种苗经营许可"].content(promised_limit="7个工作日")],
            },
        )
        markets = {power.name: power for power in _POWERS["区市场监督管理局"]}
        merged = [markets[name].content() for name in ("小作坊登记", "小餐饮登记")]
        bases = [basis for text in merged for basis in text["bases"]]
        split = markets["对特种设备使用单位的监督检查"]
        self._adjustment(
            "区市场监督管理局",
            {
                "kind": AdjustmentKind.MERGE,
                "reason": AdjustmentReason.MERGED_OR_SPLIT,
                "items": [items["小作坊登记"], items["小餐饮登记"]],
                "contents": [merged[0] | {"name": "小作坊、小餐饮登记", "bases": bases}],
            },
            {
                "kind": AdjustmentKind.SPLIT,
                "reason": AdjustmentReason.MERGED_OR_SPLIT,
                "items": [items[split.name]],
                "contents": [
                    split.content(name="对电梯使用单位的监督检查"),
                    split.content(name="对锅炉使用单位的监督检查"),
                ],
            },
        )

    def _adjustment(self, department: str, *changes: dict[str, Any]) -> None:
        """Apply for changes of one department's list, have them reviewed, approved, published."""
        day = self._second - timedelta(days=15)
        applied = self._file(
            "rights.apply", effective_on=day, trigger_on=day - timedelta(days=7),
            department=self._ids[department], changes=changes,
            basis=self._paper("关于调整权责事项的请示（示范）", day),
        )  # fmt: skip
        adjustment = applied.entries[0].subjects("adjustment")[0]
        for stage, later in (("office", 2), ("legality", 4)):
            self._file(
                "rights.review", effective_on=day + timedelta(days=later), adjustment=adjustment,
                stage=stage, passed=True, opinion="同意（示范）。", by=REVIEWER,
            )  # fmt: skip
        day += timedelta(days=8)
        self._file(
            "rights.approve", effective_on=day, adjustment=adjustment, approved_by="government",
            meeting="区政府常务会议（示范）", by=REVIEWER,
            basis=self._paper("关于同意调整权责事项的批复（示范）", day),
        )  # fmt: skip
        self._file(
            "rights.publish-adjustment", effective_on=day + timedelta(days=2),
            adjustment=adjustment, channels=("区政府门户网站（示范）",),
        )  # fmt: skip
