"""Rights lists (权责清单): which powers a department has, and the duties that go with each.

The list in force is nothing but its items (事项). An item comes onto the list of one department:
taken over from a published list (期初), added (新增) or received from above (承接). What it says
changes (要素变更、转类). It may move, merge and split (`rights_lineage`), and leave the list for a
time or for good (`rights_leaving`). Through all of this it keeps one internal id: who reads an
item's page years later finds the same item under the same address.

A list records powers, it grants none (法无授权不可为): each item rests on law, and carries its
duties and the liability for breaking them in the same row (两单合一).

Each text builds on the one before it: a change names the text it changes, so that a change learnt
about late cannot silently undo a later one. How a list is adjusted (动态调整) is told in
`rights_adjusting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Final, NamedTuple, Self

from pydantic import Field

from domain.code_sets import InstitutionCategory
from domain.code_sets_adjusting import AdjustmentKind, ItemStatus, ListLevel
from domain.deciding import DatedCommand, Decision, Hindrance, Misfit, Past, Standing, guards, rule
from domain.documents import rests_on_a_document
from domain.institutions import Institution, institution_stands
from domain.institutions_changes import AbolishInstitution
from domain.rights_catalogue import (
    Catalogue,
    Heading,
    Listed,
    Listing,
    digest_of,
    heading_of,
)
from domain.rights_content import ItemContent, Source
from domain.vocabulary import LAST_DAY, Entry, Fact, InternalId, Subject

NAMED_AT_MOST: Final = 20


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class Condition(NamedTuple):
    """How an item stands from ``day`` on: whose it is, what it says, what it came from."""

    day: date
    position: int
    department: str
    level: ListLevel
    content: ItemContent
    status: ItemStatus = ItemStatus.LISTED
    sources: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()

    @property
    def heading(self) -> Heading:
        """The heading under which it stands."""
        return heading_of(self.level, self.content)

    @property
    def digest(self) -> str:
        """The digest of what it says."""
        return digest_of(self.content)


class ItemFact(Listed):
    """A fact about items: it says how each of them stands afterwards."""

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:
        """Return how ``item``, standing as ``now``, stands after this; or why it finds no footing.

        What has no footing is told in Chinese, as the clerk reads it.
        """
        raise NotImplementedError


class Began(ItemFact):
    """An item that was not on any list before."""

    founds: ClassVar[str | None] = "item"

    item: Annotated[str, Subject("item")]
    department: Annotated[str, Subject("catalogue")]
    level: ListLevel
    content: ItemContent
    repeats: bool = False

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`."""
        heading = heading_of(self.level, self.content)
        return (Listing(self.department, heading, self.item, 1, on, self.repeats),)

    def texts(self) -> Iterable[tuple[str, ItemContent]]:
        """See `domain.rights_catalogue.Listed.texts`."""
        return ((self.item, self.content),)

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:  # noqa: ARG002
        """See `ItemFact.becomes`."""
        if now is not None:
            return "该事项已经登记"
        day, position = entry.business_date, entry.position
        return Condition(day, position, self.department, self.level, self.content)


class ItemTakenOver(Began, fact="rights.item-taken-over", called="权责事项期初"):
    """An item stood in a list that had been published before (期初); ``source`` says where."""

    source: Source | None = None


@rests_on_a_document
class ItemAdded(Began, fact="rights.item-added", called="权责事项列入清单"):
    """An item came onto the list by an adjustment or with an edition (新增、承接).

    ``sources`` are the items it carries on at another body: what was handed down to a township.
    """

    kind: AdjustmentKind = AdjustmentKind.ADD
    adjustment: Annotated[str | None, Subject("adjustment")] = None
    sources: tuple[str, ...] = ()

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:
        """See `ItemFact.becomes`."""
        found = super().becomes(item, now, entry)
        return found if isinstance(found, str) else found._replace(sources=self.sources)


class Moved(ItemFact):
    """A fact about one item that is on a list under ``heading``."""

    item: Annotated[str, Subject("item")]
    department: Annotated[str, Subject("catalogue")]
    heading: Heading
    adjustment: Annotated[str | None, Subject("adjustment")] = None

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:  # noqa: ARG002
        """See `ItemFact.becomes`: the item must stand where the fact says."""
        why = unfit(now, self.department, self.heading)
        if why is not None or now is None:
            return why or ""
        return self.changing(now._replace(day=entry.business_date, position=entry.position))

    def changing(self, now: Condition) -> Condition | str:
        """Return how the item stands after this, having stood as ``now``."""
        raise NotImplementedError


@rests_on_a_document
class ItemChanged(Moved, fact="rights.item-changed", called="权责事项变更"):
    """What an item says changed (要素变更、转类); ``fields`` names what differs.

    ``former`` is the digest of the text that was changed. ``source`` is set where the change was
    read from a list published later.
    """

    kind: AdjustmentKind = AdjustmentKind.CHANGE
    content: ItemContent
    former: str
    fields: tuple[str, ...] = ()
    repeats: bool = False
    source: Source | None = None

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`."""
        heading = heading_of(self.heading.level, self.content)
        if heading.key == self.heading.key:
            return ()
        return (
            Listing(self.department, self.heading, self.item, -1, on),
            Listing(self.department, heading, self.item, 1, on, self.repeats),
        )

    def texts(self) -> Iterable[tuple[str, ItemContent]]:
        """See `domain.rights_catalogue.Listed.texts`."""
        return ((self.item, self.content),)

    def changing(self, now: Condition) -> Condition | str:
        """See `Moved.changing`."""
        if now.digest != self.former:
            return "该事项此前的内容已经变动，后来的变更须在新内容上重新办理"
        return now._replace(content=self.content)


class Carried(Fact):
    """A fact about something that another body carries out under items of a list.

    It rests on those items: they are on the list when it begins, and stay until it has ended.
    """

    items: Annotated[tuple[str, ...], Subject("item")] = ()
    matter: str
    until: date | None = None

    def begins(self) -> bool:
        """Tell whether something begins to be carried out, or ends."""
        raise NotImplementedError


# ── standings ────────────────────────────────────────────────────────────────────────────────


def unfit(now: Condition | None, department: str, heading: Heading) -> str | None:
    """Return why an item does not stand on the list there, or None where it does."""
    if now is None:
        return "该事项在这一天尚未列入清单"
    if not now.status.on_the_list:
        return f"该事项自{now.day}起{now.status.label}"
    if now.department != department:
        return "该事项在这一天属于另一部门"
    return None if now.heading.key == heading.key else "该事项在这一天的名称或类型不同"


@dataclass(frozen=True)
class Item(Standing, subject="item", guards=True):
    """One item's life: how it stood from each day on which something changed.

    ``carried`` are those who carry something out under it: until which day, by which entry.
    """

    who: str = ""
    conditions: tuple[Condition, ...] = ()
    carried: Mapping[str, tuple[date, int]] = field(default_factory=dict)
    misfits: tuple[Misfit, ...] = ()

    @classmethod
    def begun(cls, who: str) -> Self:
        """See `domain.deciding.Standing.begun`."""
        return cls(who)

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        if isinstance(entry.fact, Carried):
            return self._carried(entry, entry.fact)
        if not isinstance(entry.fact, ItemFact):
            return self
        now = self.conditions[-1] if self.conditions else None
        found = entry.fact.becomes(self.who, now, entry)
        if isinstance(found, str):
            return self._with_misfit(entry, found)
        left = self.carried_on(entry.business_date) if found.status in _LEAVING else ()
        why = f"{now.heading.spoken if now else ''}退出清单时还有乡镇（街道）承担"
        misfits = (*self.misfits, *(Misfit(position, why) for position in left))
        return replace(self, conditions=(*self.conditions, found), misfits=misfits)

    def _carried(self, entry: Entry, fact: Carried) -> Self:
        others = {matter: one for matter, one in self.carried.items() if matter != fact.matter}
        if not fact.begins():
            return replace(self, carried=others)
        now = self.conditions[-1] if self.conditions else None
        listed = now is not None and now.status.on_the_list
        after = self if listed else self._with_misfit(entry, "所依托的事项在这一天不在清单上")
        carried = (fact.until or LAST_DAY, entry.position)
        return replace(after, carried={**others, fact.matter: carried})

    def _with_misfit(self, entry: Entry, why: str) -> Self:
        return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))

    def carried_on(self, day: date) -> tuple[int, ...]:
        """Return the entries by which somebody still carries something out under it that day."""
        return tuple(position for until, position in self.carried.values() if day < until)

    def on(self, day: date) -> Condition | None:
        """Return how the item stands on that day, or None before it began."""
        found = [one for one in self.conditions if one.day <= day]
        return found[-1] if found else None


_LEAVING: Final = (
    ItemStatus.CANCELLED,
    ItemStatus.DELEGATED,
    ItemStatus.TAKEN_BACK,
    ItemStatus.INTERNAL,
)
"""An item that stands so is exercised by nobody any more, or by others; what merged goes on."""


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def item_is_on_the_list(item: Item, day: date) -> bool | Hindrance:
    """只能对在册的事项办理调整。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（动态管
    理）。
    """
    now = item.on(day)
    if now is None:
        return Hindrance(f"{day}清单中没有这一事项，请核对编号和日期。")
    if now.status.on_the_list:
        return True
    return Hindrance(f"{now.heading.spoken}自{now.day}起{now.status.label}。", (now.position,))


@rule
def item_name_is_free(
    catalogue: Catalogue, heading: Heading, day: date, own: tuple[str, ...] = ()
) -> bool | Hindrance:
    """同一部门、同一职权类型下，事项名称（含子项）不得重复。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（逐项列
    明、不重不漏）。
    """
    held = catalogue.holders(heading, day)
    others = [position for item, position in held.items() if item not in own]
    return not others or Hindrance(f"该部门已有{heading.spoken}。", tuple(others))


@rule
def department_has_no_items_left(positions: tuple[int, ...], day: date) -> bool | Hindrance:
    """撤销机构前，其权责事项应先划转或取消。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（机构和
    职能调整时及时调整清单）。
    """
    if not positions:
        return True
    detail = f"{day}及以后，该机构名下还有{len(positions)}项权责事项。"
    return Hindrance(detail, positions[:NAMED_AT_MOST])


@rule
def department_goes_on(institution: Institution, day: date) -> bool | Hindrance:
    """权责事项应列在继续存在的部门名下。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（机构和
    职能调整时及时调整清单）。
    """
    if institution.until is None or institution.until <= day:
        return True
    ended = () if institution.ended_by is None else (institution.ended_by,)
    return Hindrance(f"{institution.name}自{institution.until}起撤销。", ended)


@rule
def text_changes(fields: tuple[str, ...], heading: Heading) -> bool | Hindrance:
    """要素变更应当有变化。依据：机构编制台账一事一记、账实相符的要求。"""
    return bool(fields) or Hindrance(f"{heading.spoken}变更前后的内容相同。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────

_LEVELS: Final = {
    InstitutionCategory.TOWNSHIP: ListLevel.TOWNSHIP,
    InstitutionCategory.SUBDISTRICT: ListLevel.SUBDISTRICT,
}


def level_of(category: InstitutionCategory) -> ListLevel:
    """Return on which level's list the items of a body of that category stand."""
    return _LEVELS.get(category, ListLevel.DISTRICT)


def require_department(who: str, day: date, past: Past) -> ListLevel:
    """Require that the department stands from that day on; return the level of its list."""
    institution = past.of(Institution, who)
    past.require(institution_stands, institution, day)
    past.require(department_goes_on, institution, day)
    founded = institution.founded
    category = InstitutionCategory.OTHER if founded is None else founded.category
    return level_of(category)


def require_item(who: str, day: date, past: Past) -> Condition:
    """Require that the item is on the list on that day; return how it stands."""
    item = past.of(Item, who)
    past.require(item_is_on_the_list, item, day)
    now = item.on(day)
    if now is None:  # the rule has refused by now; this tells the type checker
        raise AssertionError
    return now


def differing(before: ItemContent, after: ItemContent) -> tuple[str, ...]:
    """Return the fields in which two texts differ, in the order of the model."""
    names = ItemContent.model_fields
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


class TakeOverItem(DatedCommand, kind="rights.take-over", title="权责事项期初"):
    """Take an item over from a list that has been published.

    What is on record already under the same heading with the same text is recorded no second
    time. A published list that itself holds the same name twice is taken over as it is, with
    ``repeats``.
    """

    department: Annotated[InternalId, Field(title="部门（系统内编号）")]
    content: Annotated[ItemContent, Field(title="事项内容")]
    repeats: Annotated[bool, Field(title="原清单中名称重复")] = False
    source: Annotated[Source | None, Field(title="出处")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: nothing for what is on record already."""
        day = self.effective_on
        level = require_department(self.department, day, past)
        heading = heading_of(level, self.content)
        catalogue = past.of(Catalogue, self.department)
        said = catalogue.digests(heading, day)
        if said and digest_of(self.content) in said:
            return
        if not self.repeats:
            past.require(item_name_is_free, catalogue, heading, day)
        yield ItemTakenOver(
            item=past.new_id(),
            department=self.department,
            level=level,
            content=self.content,
            repeats=self.repeats,
            source=self.source,
        )


@guards(AbolishInstitution)
def _its_items_have_gone(command: AbolishInstitution, past: Past) -> None:
    catalogue = past.of(Catalogue, command.institution)
    positions = catalogue.holding(command.effective_on)
    past.require(department_has_no_items_left, positions, command.effective_on)
