"""Taking published lists over (期初): what a list says that was published outside this program.

Before the office keeps its lists here it has published them, department by department, as
workbooks. Each row is taken over as it is, gaps and repeated names included: what was published was
published. The same row again records nothing. When a list is published anew outside (or the
workbook was mended), only what differs is recorded: a row that is new, one that says something
else, one that is gone. Such records need no application and no approval here, for they only say
what another publication says; each names the file, sheet and row it was read from.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.code_sets_adjusting import AdjustmentKind
from domain.deciding import DatedCommand, Decision, Past
from domain.institutions import DISTRICT, Directory, InstitutionName
from domain.opening import unit_is_in_the_books
from domain.opening_names import bearing
from domain.rights import (
    ItemChanged,
    TakeOverItem,
    differing,
    item_name_is_free,
    require_item,
)
from domain.rights_catalogue import Catalogue, heading_of
from domain.rights_content import ItemContent, Source
from domain.rights_leaving import ItemRemoved
from domain.vocabulary import InternalId

# ── commands ─────────────────────────────────────────────────────────────────────────────────


class OpenItem(DatedCommand, kind="rights.open", title="权责事项期初登记"):
    """One row of a published list: an item of a department, which is given by its name."""

    department: Annotated[InstitutionName, Field(title="部门名称")]
    content: Annotated[ItemContent, Field(title="事项内容")]
    repeats: Annotated[bool, Field(title="原清单中名称重复")] = False
    source: Annotated[Source, Field(title="出处")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: nothing for what is on record already."""
        directory, day = past.of(Directory, DISTRICT), self.effective_on
        found = bearing(self.department, day, directory)
        past.require(unit_is_in_the_books, self.department, found, directory, day)
        yield from TakeOverItem(
            effective_on=day,
            department="" if found is None else found.who,
            content=self.content,
            repeats=self.repeats,
            source=self.source,
        ).decide(past)


class _Published(DatedCommand):
    """What a list published outside says of an item on record."""

    item: Annotated[InternalId, Field(title="事项（系统内编号）")]
    source: Annotated[Source, Field(title="出处")]

    def subjects(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.subjects`."""
        return (f"item:{self.item}",)


class RecordChangedItem(_Published, kind="rights.record-changed", title="按公布清单登记变化"):
    """A list published outside says something else of an item; the same again records nothing."""

    content: Annotated[ItemContent, Field(title="公布的内容")]
    repeats: Annotated[bool, Field(title="原清单中名称重复")] = False

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        now = require_item(self.item, self.effective_on, past)
        fields = differing(now.content, self.content)
        if not fields:
            return
        heading = heading_of(now.level, self.content)
        if not self.repeats and heading.key != now.heading.key:
            catalogue = past.of(Catalogue, now.department)
            own = (self.item,)
            past.require(item_name_is_free, catalogue, heading, self.effective_on, own)
        kind = AdjustmentKind.CHANGE
        if heading.category != now.heading.category:
            kind = AdjustmentKind.RECLASSIFY
        yield ItemChanged(
            item=self.item,
            department=now.department,
            heading=now.heading,
            kind=kind,
            content=self.content,
            former=now.digest,
            fields=fields,
            repeats=self.repeats,
            source=self.source,
        )


class RecordRemovedItem(_Published, kind="rights.record-removed", title="按公布清单登记减少"):
    """A list published outside does not name an item any more."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        now = require_item(self.item, self.effective_on, past)
        yield ItemRemoved(
            item=self.item,
            department=now.department,
            heading=now.heading,
            kind=AdjustmentKind.CANCEL,
            source=self.source,
        )
