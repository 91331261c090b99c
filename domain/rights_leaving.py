"""Items that leave the list, for a time or for good (取消、下放、收回、转内部管理、冻结).

A cancelled item (取消) is exercised no more, whatever it may be called later; one handed down
(下放) is carried on below, and may come back (收回). One that the level above takes back (收回),
or that turns out to be internal management (转内部管理), is no power of the department's any
longer. A frozen one (冻结) stays on the list but is not exercised until it is restored (恢复).

What leaves the list is still watched over (事中事后监管): cancelling and handing down say how.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final

from domain.code_sets_adjusting import AdjustmentKind, ItemStatus
from domain.documents import rests_on_a_document
from domain.rights import Condition, ItemFact, Moved
from domain.rights_catalogue import Heading, Listing
from domain.rights_content import Source
from domain.vocabulary import Entry, LongText, Subject, Text


@rests_on_a_document
class ItemRemoved(
    Moved, fact="rights.item-removed", called="权责事项退出清单", about=("cancelled:names",)
):
    """An item left the list (取消、下放、收回、转内部管理).

    ``supervision`` says how the matter is watched over from then on (事中事后监管); ``successors``
    are the items that carry it on elsewhere; ``source`` as in `ItemChanged`.
    """

    kind: AdjustmentKind
    supervision: LongText | None = None
    receiver: Text | None = None
    successors: tuple[str, ...] = ()
    source: Source | None = None

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`."""
        return (Listing(self.department, self.heading, self.item, -1, on),)

    def changing(self, now: Condition) -> Condition | str:
        """See `Moved.changing`."""
        return now._replace(status=left_as(self.kind), successors=self.successors)


_LEFT_AS: Final = {
    AdjustmentKind.DELEGATE: ItemStatus.DELEGATED,
    AdjustmentKind.TAKE_BACK: ItemStatus.TAKEN_BACK,
    AdjustmentKind.INTERNALISE: ItemStatus.INTERNAL,
}


def left_as(kind: AdjustmentKind) -> ItemStatus:
    """Return how an item stands that left the list by such an adjustment."""
    return _LEFT_AS.get(kind, ItemStatus.CANCELLED)


@rests_on_a_document
class ItemReturned(ItemFact, fact="rights.item-returned", called="权责事项收回本级"):
    """An item that had been handed down came back onto the list as it was (收回)."""

    item: Annotated[str, Subject("item")]
    department: Annotated[str, Subject("catalogue")]
    heading: Heading
    adjustment: Annotated[str | None, Subject("adjustment")] = None

    def listings(self, on: date) -> Iterable[Listing]:
        """See `domain.rights_catalogue.Listed.listings`."""
        return (Listing(self.department, self.heading, self.item, 1, on),)

    def becomes(self, item: str, now: Condition | None, entry: Entry) -> Condition | str:  # noqa: ARG002
        """See `ItemFact.becomes`."""
        if now is None or now.status is not ItemStatus.DELEGATED:
            return "该事项这一天没有下放，不能收回"
        if (now.department, now.heading.key) != (self.department, self.heading.key):
            return "该事项下放时的部门或名称与收回的不符"
        day, position = entry.business_date, entry.position
        return now._replace(day=day, position=position, status=ItemStatus.LISTED, successors=())


@rests_on_a_document
class ItemFrozen(Moved, fact="rights.item-frozen", called="权责事项冻结或恢复"):
    """An item may not be exercised for the time being (冻结), or may again (恢复)."""

    frozen: bool

    def changing(self, now: Condition) -> Condition | str:
        """See `Moved.changing`."""
        if (now.status is ItemStatus.FROZEN) == self.frozen:
            return "该事项已经冻结" if self.frozen else "该事项没有冻结"
        return now._replace(status=ItemStatus.FROZEN if self.frozen else ItemStatus.LISTED)
