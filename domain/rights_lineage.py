"""Items that move, merge and split (划转、合并、分设), and the lineage they keep.

A transfer (划转) gives an item to another department: it keeps its id, and as much comes in as goes
out. A merger (合并) closes several items into one new one, a split (分设) one into several new
ones; each names the others, so that the lineage can be followed both ways. Nothing that an item
rested on is lost on the way: what is merged or split rests on at least as much afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict

from domain.code_sets_adjusting import ItemStatus, ListLevel
from domain.deciding import Hindrance, rule
from domain.documents import rests_on_a_document
from domain.rights import Condition, ItemFact, unfit
from domain.rights_catalogue import Heading, Listing, heading_of
from domain.rights_content import ItemContent, LegalBasis
from domain.text import compact
from domain.vocabulary import Entry, Subject

# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class ItemTransferred(ItemFact, fact="rights.item-transferred", called="权责事项划转"):
    """An item moved to another department (划转); it says the same but for who exercises it."""

    item: Annotated[str, Subject("item")]
    giver: Annotated[str, Subject("catalogue")]
    receiver: Annotated[str, Subject("catalogue")]
    heading: Heading
    content: ItemContent
    former: str
    adjustment: Annotated[str | None, Subject("adjustment")] = None

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`: as much in there as out here."""
        heading = heading_of(self.heading.level, self.content)
        return (
            Listing(self.giver, self.heading, self.item, -1, on),
            Listing(self.receiver, heading, self.item, 1, on),
        )

    def texts(self) -> Iterable[tuple[str, ItemContent]]:
        """See `domain.rights_catalogue.Listed.texts`."""
        return ((self.item, self.content),)

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:  # noqa: ARG002
        """See `ItemFact.becomes`."""
        why = unfit(now, self.giver, self.heading)
        if why is not None or now is None:
            return why or ""
        if now.digest != self.former:
            return "该事项此前的内容已经变动，后来的划转须在新内容上重新办理"
        day, position = entry.business_date, entry.position
        moved = now._replace(day=day, position=position, department=self.receiver)
        return moved._replace(content=self.content)


class Part(BaseModel):
    """An item that ends or begins in a merger or split, and whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    department: str


class Closed(Part):
    """An item that ends: it stood under this heading."""

    heading: Heading

    def listing(self, on: date) -> Listing:
        """Return the listing that takes it off."""
        return Listing(self.department, self.heading, self.item, -1, on)


class Opened(Part):
    """An item that begins."""

    level: ListLevel
    content: ItemContent

    def listing(self, on: date) -> Listing:
        """Return the listing that puts it on."""
        return Listing(self.department, heading_of(self.level, self.content), self.item, 1, on)


class Reshaped(ItemFact):
    """Items that end and items that begin, in one fact: either all of it stands or nothing."""

    founds: ClassVar[str | None] = "item"

    closed: tuple[Closed, ...]
    opened: tuple[Opened, ...]
    adjustment: Annotated[str | None, Subject("adjustment")] = None

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`: every item and every department concerned."""
        parts: tuple[Part, ...] = (*self.closed, *self.opened)
        items = (f"item:{one.item}" for one in parts)
        departments = (f"catalogue:{one.department}" for one in parts)
        return tuple(dict.fromkeys((*items, *departments, *super().tags())))

    def founded_ids(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.founded_ids`."""
        return tuple(one.item for one in self.opened)

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`."""
        ends = tuple(one.listing(on) for one in self.closed)
        return (*ends, *(one.listing(on) for one in self.opened))

    def texts(self) -> Iterable[tuple[str, ItemContent]]:
        """See `domain.rights_catalogue.Listed.texts`."""
        return tuple((one.item, one.content) for one in self.opened)

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:
        """See `ItemFact.becomes`."""
        day, position = entry.business_date, entry.position
        begins = next((one for one in self.opened if one.item == item), None)
        if begins is not None:
            if now is not None:
                return "该事项已经登记"
            sources = tuple(one.item for one in self.closed)
            began = Condition(day, position, begins.department, begins.level, begins.content)
            return began._replace(sources=sources)
        ends = next((one for one in self.closed if one.item == item), None)
        why = None if ends is None else unfit(now, ends.department, ends.heading)
        if why is not None or now is None:
            return why or "该事项不在合并、分设之列"
        successors = self.founded_ids()
        ended = now._replace(day=day, position=position, successors=successors)
        return ended._replace(status=self.ends_as())

    def ends_as(self) -> ItemStatus:
        """Return how the items that end stand afterwards."""
        return ItemStatus.MERGED if len(self.opened) == 1 else ItemStatus.SPLIT


@rests_on_a_document
class ItemsMerged(Reshaped, fact="rights.items-merged", called="权责事项合并"):
    """Several items were merged into one (合并)."""


@rests_on_a_document
class ItemSplit(Reshaped, fact="rights.item-split", called="权责事项分设"):
    """One item was split into several (分设)."""


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def no_basis_is_lost(
    before: tuple[LegalBasis, ...], after: tuple[LegalBasis, ...]
) -> bool | Hindrance:
    """合并、分设后的事项应保留原事项的全部实施依据。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（依法逐
    项确认、不得借合并分设增减权力）。
    """
    kept = {compact(one.title) for one in after}
    lost = [one.title for one in before if compact(one.title) not in kept]
    named = "、".join(f"《{title}》" for title in dict.fromkeys(lost))
    return not lost or Hindrance(f"原依据{named}在调整后的事项中没有了。")


@rule(version=2)
def reshaping_has_both_sides(n_before: int, n_after: int, *, merges: bool) -> bool | Hindrance:
    """合并是两项以上并为一项，分设是一项分为两项以上。

    依据：各地权责清单动态管理办法关于合并、分设的规定。
    """
    many, one = (n_before, n_after) if merges else (n_after, n_before)
    if many >= 2 and one == 1:  # noqa: PLR2004  (two make a pair)
        return True
    wanted = "合并应为两项以上并为一项" if merges else "分设应为一项分为两项以上"
    return Hindrance(f"{wanted}，现在是{n_before}项调整为{n_after}项。")
