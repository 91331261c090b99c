"""How a change that may be made becomes facts about items.

    Change + whose, from when, by which adjustment ──► ItemAdded, ItemChanged, ItemRemoved, …

Each kind asks what stands about the items on the day itself, so that an application approved weeks
later is carried out on the list as it is by then, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.code_sets_adjusting import AdjustmentKind, ItemStatus
from domain.deciding import Hindrance, Past, rule
from domain.rights import (
    Condition,
    Item,
    ItemAdded,
    ItemChanged,
    ItemFact,
    differing,
    item_name_is_free,
    require_department,
    require_item,
    text_changes,
)
from domain.rights_catalogue import Catalogue, Heading, heading_of
from domain.rights_changes import Change
from domain.rights_codes import require_codes
from domain.rights_content import ItemContent
from domain.rights_leaving import ItemFrozen, ItemRemoved, ItemReturned
from domain.rights_lineage import (
    Closed,
    ItemsMerged,
    ItemSplit,
    ItemTransferred,
    Opened,
    no_basis_is_lost,
    reshaping_has_both_sides,
)

K = AdjustmentKind


@rule
def item_belongs_to_the_department(now: Condition, department: str) -> bool | Hindrance:
    """部门只能申请调整本部门的事项；涉及其他部门的，由管理机构统一办理。

    依据：各地权责清单动态管理办法关于“谁行使、谁申请”的规定。
    """
    if now.department == department:
        return True
    return Hindrance(f"{now.heading.spoken}不是该部门的事项。", (now.position,))


@rule
def category_stays(before: Heading, after: Heading) -> bool | Hindrance:
    """要素变更不改变职权类型；改变类型的按“转类”办理。

    依据：各地权责清单动态管理办法关于调整类型的规定。
    """
    if before.category == after.category:
        return True
    return Hindrance(f"{before.spoken}的职权类型将改变，请按“转类”办理。")


@rule
def category_differs(before: Heading, after: Heading) -> bool | Hindrance:
    """转类应改变职权类型。依据：各地权责清单动态管理办法关于调整类型的规定。"""
    return before.category != after.category or Hindrance(f"{before.spoken}的职权类型没有改变。")


@rule
def receiver_is_another_body(giver: str, receiver: str) -> bool:
    """事项划转、下放给另一单位。依据：各地权责清单动态管理办法关于划转、下放的规定。"""
    return giver != receiver


@rule
def returned_item_was_handed_down(item: Item, day: date) -> bool | Hindrance:
    """收回的事项应是在册的（上级收回）或已经下放的（收回本级）。

    依据：各地权责清单动态管理办法关于下放、收回的规定。
    """
    now = item.on(day)
    if now is None:
        return Hindrance(f"{day}清单中没有这一事项，请核对编号和日期。")
    if now.status.on_the_list or now.status is ItemStatus.DELEGATED:
        return True
    return Hindrance(f"{now.heading.spoken}自{now.day}起{now.status.label}。", (now.position,))


@rule
def freezing_changes_something(now: Condition, *, frozen: bool) -> bool | Hindrance:
    """冻结在册的事项，恢复已冻结的事项。依据：各地权责清单动态管理办法关于冻结、恢复的规定。"""
    if (now.status is ItemStatus.FROZEN) != frozen:
        return True
    already = "已经冻结" if frozen else "没有冻结"
    return Hindrance(f"{now.heading.spoken}{already}。", (now.position,))


@dataclass(frozen=True)
class Carrying:
    """A change being carried out: for which department, from which day, by which adjustment."""

    change: Change
    department: str
    day: date
    adjustment: str | None
    past: Past

    def facts(self) -> Iterator[ItemFact]:
        """Yield the facts, or raise `domain.deciding.Refused`."""
        yield from _BY_KIND[self.change.kind](self)

    # ── what comes ───────────────────────────────────────────────────────────────────────────

    def add(self) -> Iterator[ItemFact]:
        """A new item, or one received from above."""
        yield self._added(self.department, self.change.contents[0])

    def _added(self, who: str, content: ItemContent, sources: tuple[str, ...] = ()) -> ItemAdded:
        level = require_department(who, self.day, self.past)
        if not sources:  # what is carried on elsewhere keeps its code
            require_codes(content, who, self.day, self.past)
        self._require_name(who, heading_of(level, content))
        return ItemAdded(
            item=self.past.new_id(),
            department=who,
            level=level,
            content=content,
            kind=K.RECEIVE if sources else self.change.kind,
            adjustment=self.adjustment,
            sources=sources,
        )

    def _require_name(self, who: str, heading: Heading, *own: str) -> None:
        catalogue = self.past.of(Catalogue, who)
        self.past.require(item_name_is_free, catalogue, heading, self.day, own)

    def _own(self) -> Iterator[tuple[str, Condition]]:
        """Yield the items with how they stand; they are on the list and the department's own."""
        for item in self.change.items:
            now = require_item(item, self.day, self.past)
            self.past.require(item_belongs_to_the_department, now, self.department)
            yield item, now

    # ── what changes ─────────────────────────────────────────────────────────────────────────

    def change_text(self) -> Iterator[ItemFact]:
        """Other elements, under the same or another name."""
        content = self.change.contents[0]
        for item, now in self._own():
            heading = heading_of(now.level, content)
            kept = self.change.kind is K.CHANGE
            self.past.require(category_stays if kept else category_differs, now.heading, heading)
            fields = differing(now.content, content)
            self.past.require(text_changes, fields, now.heading)
            if heading.key != now.heading.key:
                self._require_name(self.department, heading, item)
            require_codes(content, self.department, self.day, self.past, (now.content,))
            yield ItemChanged(
                item=item,
                department=self.department,
                heading=now.heading,
                adjustment=self.adjustment,
                kind=self.change.kind,
                content=content,
                former=now.digest,
                fields=fields,
            )

    def freeze(self) -> Iterator[ItemFact]:
        """Not exercised for the time being; or exercised again."""
        frozen = self.change.kind is K.FREEZE
        for item, now in self._own():
            self.past.require(freezing_changes_something, now, frozen=frozen)
            yield ItemFrozen(
                item=item,
                department=self.department,
                heading=now.heading,
                adjustment=self.adjustment,
                frozen=frozen,
            )

    # ── what leaves ──────────────────────────────────────────────────────────────────────────

    def remove(self) -> Iterator[ItemFact]:
        """Cancelled, or internal management."""
        for item, now in self._own():
            yield self._removed(item, now)

    def _removed(self, item: str, now: Condition, successors: tuple[str, ...] = ()) -> ItemRemoved:
        return ItemRemoved(
            item=item,
            department=now.department,
            heading=now.heading,
            adjustment=self.adjustment,
            kind=self.change.kind,
            supervision=self.change.supervision,
            successors=successors,
        )

    def delegate(self) -> Iterator[ItemFact]:
        """Handed down: off here and on at each receiver on the same day, without a gap."""
        for item, now in self._own():
            received = []
            for who in self.change.receivers:
                self.past.require(receiver_is_another_body, self.department, who)
                received.append(self._added(who, now.content, (item,)))
                yield received[-1]
            yield self._removed(item, now, tuple(one.item for one in received))

    def take_back(self) -> Iterator[ItemFact]:
        """Back onto the list what was handed down; off the list what the level above takes back."""
        for who in self.change.items:
            item = self.past.of(Item, who)
            self.past.require(returned_item_was_handed_down, item, self.day)
            now = item.on(self.day)
            if now is None:  # the rule has refused by now; this tells the type checker
                raise AssertionError
            self.past.require(item_belongs_to_the_department, now, self.department)
            if now.status.on_the_list:
                yield self._removed(who, now)
            else:
                yield from self._returned(who, now)

    def _returned(self, item: str, now: Condition) -> Iterator[ItemFact]:
        """The item is back here, and off wherever it had been carried on."""
        for successor in now.successors:
            below = self.past.of(Item, successor).on(self.day)
            if below is not None and below.status.on_the_list:
                yield self._removed(successor, below, (item,))
        require_department(now.department, self.day, self.past)
        self._require_name(now.department, now.heading, item)
        yield ItemReturned(
            item=item,
            department=now.department,
            heading=now.heading,
            adjustment=self.adjustment,
        )

    # ── what moves, merges, splits ───────────────────────────────────────────────────────────

    def transfer(self) -> Iterator[ItemFact]:
        """To another department, with another text where one is given."""
        receiver = self.change.receivers[0]
        self.past.require(receiver_is_another_body, self.department, receiver)
        require_department(receiver, self.day, self.past)
        for n, (item, now) in enumerate(self._own()):
            content = self.change.contents[n] if self.change.contents else now.content
            self._require_name(receiver, heading_of(now.level, content))
            require_codes(content, receiver, self.day, self.past, (now.content,))
            yield ItemTransferred(
                item=item,
                giver=self.department,
                receiver=receiver,
                heading=now.heading,
                content=content,
                former=now.digest,
                adjustment=self.adjustment,
            )

    def reshape(self) -> Iterator[ItemFact]:
        """Several into one, or one into several."""
        contents = self.change.contents
        merges = self.change.kind is K.MERGE
        items = tuple(dict.fromkeys(self.change.items))
        n, m = len(items), len(contents)
        self.past.require(reshaping_has_both_sides, n, m, merges=merges)
        ends = [self._ending(item, merges=merges) for item in items]
        closed = tuple(one for one, _ in ends)
        former = tuple(now.content for _, now in ends)
        before = tuple(basis for content in former for basis in content.bases)
        self.past.require(no_basis_is_lost, before, tuple(b for c in contents for b in c.bases))
        who = self.change.receivers[0] if self.change.receivers else self.department
        level = require_department(who, self.day, self.past)
        catalogue, ending = self.past.of(Catalogue, who), tuple(one.item for one in closed)
        opened = []
        for content in contents:
            heading = heading_of(level, content)
            self.past.require(item_name_is_free, catalogue, heading, self.day, ending)
            require_codes(content, who, self.day, self.past, former)
            opened.append(
                Opened(item=self.past.new_id(), department=who, level=level, content=content)
            )
        shape = ItemsMerged if merges else ItemSplit
        yield shape(closed=closed, opened=tuple(opened), adjustment=self.adjustment)

    def _ending(self, item: str, *, merges: bool) -> tuple[Closed, Condition]:
        now = require_item(item, self.day, self.past)
        if not merges:
            self.past.require(item_belongs_to_the_department, now, self.department)
        return Closed(item=item, department=now.department, heading=now.heading), now


_BY_KIND: Final[dict[AdjustmentKind, Callable[[Carrying], Iterator[ItemFact]]]] = {
    K.ADD: Carrying.add,
    K.RECEIVE: Carrying.add,
    K.CHANGE: Carrying.change_text,
    K.RECLASSIFY: Carrying.change_text,
    K.FREEZE: Carrying.freeze,
    K.RESTORE: Carrying.freeze,
    K.CANCEL: Carrying.remove,
    K.INTERNALISE: Carrying.remove,
    K.DELEGATE: Carrying.delegate,
    K.TAKE_BACK: Carrying.take_back,
    K.TRANSFER: Carrying.transfer,
    K.MERGE: Carrying.reshape,
    K.SPLIT: Carrying.reshape,
}
