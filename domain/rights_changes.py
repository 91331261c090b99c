"""What one line of an adjustment does (调整事项), and what each kind of it must have.

    Change ──`rights_adjusting` asks──► the rules of its kind
           ──`rights_effects`─────────► facts: added, changed, removed, merged …

New (新增、承接), leaving (取消、下放、收回、转内部管理), moving (划转), changing (要素变更、转类),
merging and splitting (合并、分设), freezing and restoring (冻结、恢复): every kind names its items
and texts, a reason (情形), and what the rules of its kind ask for besides.

A licence that was cancelled must not come back under another name: a new text whose name resembles
a cancelled licence's is refused, naming it, until the clerk says that it was looked at.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets_adjusting import REASONS_OF, AdjustmentKind, AdjustmentReason
from domain.code_sets_rights import BasisLevel, PowerCategory
from domain.deciding import Book, Hindrance, Past, rule
from domain.rights import Item
from domain.rights_catalogue import gaps
from domain.rights_content import ItemContent
from domain.rights_leaving import ItemRemoved
from domain.text import compact
from domain.vocabulary import Entry, InternalId, LongText

K = AdjustmentKind


class Change(BaseModel):
    """One line of an adjustment (调整事项): what is to happen to which items, and why.

    ``items`` are on the list, ``contents`` the texts as they are to read; which of them a kind
    needs is a rule. ``receivers`` are the bodies that receive what is transferred or handed down.
    ``looked_at`` are cancelled items that a new name resembles and that were looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[AdjustmentKind, Field(title="调整类型")]
    reason: Annotated[AdjustmentReason, Field(title="调整情形")]
    items: Annotated[tuple[InternalId, ...], Field(title="涉及事项", max_length=1000)] = ()
    contents: Annotated[tuple[ItemContent, ...], Field(title="调整后内容", max_length=200)] = ()
    receivers: Annotated[tuple[InternalId, ...], Field(title="接收单位", max_length=100)] = ()
    supervision: Annotated[LongText | None, Field(title="事中事后监管措施")] = None
    capacity: Annotated[LongText | None, Field(title="承接能力说明")] = None
    admission: Annotated[
        InternalId | None,
        Field(title="职责准入申请（系统内编号）", description="下放乡镇（街道）的填写"),
    ] = None
    looked_at: Annotated[
        tuple[InternalId, ...], Field(title="已核对的已取消事项", max_length=100)
    ] = ()
    explanation: Annotated[LongText | None, Field(title="说明")] = None


_NAMED: Final = 3
"""So many items of a change are told by name, then how many there are."""


def part_told(n: int, change: Change, day: date, past: Past) -> str:
    """Say which change of an application it is: ``第3项调整（取消：“种子生产经营许可”）``.

    ``n`` counts from 0. Items are named as on ``day``, and by their ids where they are unknown.
    """
    named = [_item_told(one, day, past) for one in change.items[:_NAMED]] or [
        f"“{one.name}{f'—{one.sub_name}' if one.sub_name else ''}”"
        for one in change.contents[:_NAMED]
    ]
    number = len(change.items) or len(change.contents)
    what = "、".join(named) + (f"等{number}项" if number > _NAMED else "")
    return f"第{n + 1}项调整（{change.kind.label}{f'：{what}' if what else ''}）"


def _item_told(item: str, day: date, past: Past) -> str:
    now = past.of(Item, item).on(day)
    return f"编号{item}" if now is None else now.heading.spoken


# ── what was cancelled ───────────────────────────────────────────────────────────────────────


class Cancelled(NamedTuple):
    """A licence that was cancelled: by which entry, and the pairs of characters in its name."""

    item: str
    name: str
    position: int
    pairs: frozenset[str]


_FORMS: Final = ("行政许可", "审批", "许可", "核准", "备案", "审核", "审查", "登记", "认定", "核发")
_ALIKE: Final = 0.6
"""From so large a share of common pairs of characters on (Dice) two names are called alike."""


def _pairs(name: str) -> frozenset[str]:
    """Return the pairs of neighbouring characters of what a name speaks of, its form left out."""
    text = compact(name)
    for form in _FORMS:
        text = text.replace(form, "")
    text = text or compact(name)
    return frozenset(a + b for a, b in pairwise(text)) or frozenset((text,))


class CancelledLicences(Book, subject="cancelled"):
    """The licences that were ever cancelled in the district."""

    def __init__(self, who: str) -> None:
        """Open the list with nothing in it."""
        super().__init__(who)
        self._by_position: dict[int, Cancelled] = {}

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=entry.target is None)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=entry.target is not None)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        fact, position = original.fact, original.position
        if not isinstance(fact, ItemRemoved) or fact.kind is not K.CANCEL:
            return
        if fact.heading.category is not PowerCategory.LICENCE:
            return
        if not comes:
            self._by_position.pop(position, None)
            return
        name = f"{fact.heading.name}{fact.heading.sub_name or ''}"
        self._by_position[position] = Cancelled(fact.item, name, position, _pairs(name))

    def alike(self, name: str) -> tuple[Cancelled, ...]:
        """Return the cancelled licences whose names are like this one, the most alike first."""
        pairs = _pairs(name)
        found = [
            (2 * len(pairs & one.pairs) / (len(pairs) + len(one.pairs)), one)
            for one in self._by_position.values()
        ]
        alike = [(share, one) for share, one in found if share >= _ALIKE]
        return tuple(one for _, one in sorted(alike, key=lambda pair: (-pair[0], pair[1].position)))


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def change_names_what_it_needs(change: Change) -> bool | Hindrance:
    """每一项调整应写明涉及的事项、调整后的内容和接收单位。

    依据：各地权责清单动态管理办法关于调整申请材料的规定。
    """
    n, m, r = len(change.items), len(change.contents), len(change.receivers)
    needs: dict[AdjustmentKind, tuple[bool, str]] = {
        K.ADD: (n == 0 and m == 1, "写明一项新事项的内容"),
        K.RECEIVE: (n == 0 and m == 1, "写明所承接事项的内容"),
        K.CHANGE: (n == 1 and m == 1, "写明一项事项及其调整后的内容"),
        K.RECLASSIFY: (n == 1 and m == 1, "写明一项事项及其调整后的内容"),
        K.TRANSFER: (n > 0 and r == 1 and m in (0, n), "写明事项和一个接收部门"),
        K.MERGE: (n > 0 and m > 0 and r <= 1, "写明原事项和合并后的内容"),
        K.SPLIT: (n > 0 and m > 0 and r == 0, "写明原事项和分设后的内容"),
        K.DELEGATE: (n > 0 and m == 0, "写明下放的事项"),
    }
    fits, wanted = needs.get(change.kind, (n > 0 and m == 0 and r == 0, "只写明涉及的事项"))
    return fits or Hindrance(f"“{change.kind.label}”应{wanted}。")


@rule
def change_names_each_item_once(change: Change) -> bool | Hindrance:
    """一项调整中，同一事项只写一次。依据：各地权责清单动态管理办法关于调整申请材料的规定。"""
    twice = [item for item, n in Counter(change.items).items() if n > 1]
    return not twice or Hindrance(f"重复的事项编号：{'、'.join(twice[:5])}。")


@rule
def reason_fits_the_kind(change: Change) -> bool | Hindrance:
    """调整情形应与调整类型相符。依据：各地权责清单动态管理办法关于调整情形的规定。"""
    if change.reason.value.partition("-")[0] in REASONS_OF[change.kind]:
        return True
    return Hindrance(f"“{change.kind.label}”不能以“{change.reason.label}”为由。")


@rule
def followup_supervision_is_named(change: Change) -> bool | Hindrance:
    """取消、下放的事项应提出事中事后监管措施。

    依据：国务院关于取消和下放行政审批事项的历次决定（切实加强事中事后监管）。
    """
    if change.kind not in (K.CANCEL, K.DELEGATE) or change.supervision:
        return True
    return Hindrance("请填写事中事后监管措施。")


@rule
def document_of_the_level_above_is_cited(levels: tuple[str, ...]) -> bool | Hindrance:
    """承接上级下放、按上级决定取消的，应引用上级文件。

    依据：国务院关于取消和下放行政审批事项的历次决定；各地衔接落实的规定。
    """
    if any(level != "district" for level in levels):
        return True
    return Hindrance("请引用市级以上机关的文件。")


@rule
def content_is_complete(contents: tuple[ItemContent, ...]) -> bool | Hindrance:
    """列入清单的事项应同时载明职权类型、实施依据、责任事项和追责情形（两单合一）。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（权力清
    单与责任清单有机结合）。
    """
    lacking = [(one.name, gaps(one)) for one in contents if gaps(one)]
    if not lacking:
        return True
    told = "；".join(f"“{name}”缺{'、'.join(missing)}" for name, missing in lacking[:20])
    more = f"；另有{len(lacking) - 20}项" if len(lacking) > 20 else ""  # noqa: PLR2004  (as many as are named)
    return Hindrance(f"{told}{more}。")


_L = BasisLevel
_REGULATIONS: Final = (_L.LAW, _L.ADMINISTRATIVE_REGULATION, _L.LOCAL_REGULATION, _L.REGULATION)
MAY_REST_ON: Final[dict[PowerCategory, tuple[BasisLevel, ...]]] = {
    PowerCategory.LICENCE: (*_REGULATIONS, _L.STATE_COUNCIL_DECISION, _L.LOCAL_RULE, _L.RULE),
    PowerCategory.PENALTY: (*_REGULATIONS, _L.DEPARTMENT_RULE, _L.LOCAL_RULE, _L.RULE),
    PowerCategory.COERCION: _REGULATIONS,
}
"""What kinds of document may set up a power of these categories."""


@rule
def basis_is_of_sufficient_level(content: ItemContent) -> bool | Hindrance:
    """行政许可、行政处罚、行政强制应有相应层级的设定依据。

    依据：行政许可法第十四条至第十七条；行政处罚法第十条至第十六条；行政强制法第十条、第十一条。
    """
    enough = MAY_REST_ON.get(content.category) if content.category else None
    if enough is None or any(basis.level in enough for basis in content.bases):
        return True
    allowed = "、".join(level.label for level in enough)
    printed = "、".join(b.level.label if b.level else "未注明层级" for b in content.bases) or "无"
    label = content.category.label if content.category else ""
    return Hindrance(f"“{content.name}”（{label}）可依据{allowed}设定，所列依据为：{printed}。")


_MAY_HIDE_A_LICENCE: Final = (
    PowerCategory.LICENCE,
    PowerCategory.CONFIRMATION,
    PowerCategory.OTHER,
    PowerCategory.SERVICE,
)


@rule
def cancelled_licence_does_not_return(
    content: ItemContent, alike: tuple[Cancelled, ...], looked_at: tuple[str, ...]
) -> bool | Hindrance:
    """已取消的行政许可不得变相恢复；名称相近的应先核对并注明。

    依据：国务院关于严格控制新设行政许可的通知（不得以备案、登记、年检等名义变相设定行政许可）；行政
    许可法第十七条。
    """
    unseen = [one for one in alike if one.item not in looked_at]
    if content.category not in _MAY_HIDE_A_LICENCE or not unseen:
        return True
    named = "、".join(f"“{one.name}”（{one.item}）" for one in unseen[:5])
    return Hindrance(
        f"“{content.name}”与已取消的{named}名称相近；确非变相恢复的，请在“已核对的已取消事项”中"
        "填写其编号。",
        tuple(one.position for one in unseen),
    )
