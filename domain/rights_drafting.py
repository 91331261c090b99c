"""Drafting a list (部门自查、起草): what each department would put on it.

When a list is compiled, every department in its scope drafts its items: new ones, and other texts
for items that are on the list already. Drafts are in force nowhere and shown to nobody outside. A
department works on its drafts until it submits them, and again when they come back; in between
they lie still, so that what is reviewed is what was submitted.

A compilation adds and revises. What leaves the list leaves by an adjustment, for each leaving needs
its kind, its reason and a word on how the matter is watched over afterwards.
"""

from __future__ import annotations

import hashlib
from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, ClassVar, NamedTuple

from domain.code_sets_adjusting import ListLevel
from domain.deciding import Book, Hindrance, rule
from domain.rights_catalogue import Heading, digest_of, gaps, heading_of
from domain.rights_content import ItemContent
from domain.vocabulary import Entry, Fact, Subject


def folder_of(compiling: str, department: str) -> str:
    """Return the id of the folder that holds a department's drafts in a compilation."""
    return f"{compiling}-{department}"


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class InFolder(Fact):
    """A fact about one draft of a department."""

    compiling: str
    department: str
    item: Annotated[str, Subject("draft")]

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`: the draft, and the folder it lies in."""
        return (*super().tags(), f"drafts:{folder_of(self.compiling, self.department)}")


class ItemDrafted(InFolder, fact="rights.item-drafted", called="权责事项起草"):
    """An item was drafted, or its draft written anew; ``revises`` one that is on the list."""

    founds: ClassVar[str | None] = "draft"

    level: ListLevel
    content: ItemContent
    revises: bool = False


class DraftWithdrawn(InFolder, fact="rights.draft-withdrawn", called="权责事项草稿撤回"):
    """A draft was taken out of the folder."""


# ── standings ────────────────────────────────────────────────────────────────────────────────


class DraftLine(NamedTuple):
    """A draft as it lies in the folder: by which entry, under which heading, lacking what."""

    item: str
    position: int
    heading: Heading
    digest: str
    gaps: tuple[str, ...]
    revises: bool


class _Version(NamedTuple):
    day: date
    place: int
    position: int
    line: DraftLine | None


class Drafts(Book, subject="drafts"):
    """A department's folder of drafts in a compilation; the texts stay in the journal."""

    def __init__(self, who: str) -> None:
        """Open the folder with nothing in it."""
        super().__init__(who)
        self._versions: dict[str, list[_Version]] = {}

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=entry.target is None)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=entry.target is not None)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        fact = original.fact
        if not isinstance(fact, InFolder):
            return
        versions = self._versions.pop(fact.item, [])
        if comes:
            line = _line(fact, original.position) if isinstance(fact, ItemDrafted) else None
            version = _Version(original.business_date, original.place, original.position, line)
            insort(versions, version, key=lambda one: one[:3])
        else:
            versions = [one for one in versions if one.position != original.position]
        if versions:
            self._versions[fact.item] = versions

    def lines(self) -> tuple[DraftLine, ...]:
        """Return the drafts that lie in the folder, in the order of item ids."""
        latest = (self._versions[item][-1].line for item in sorted(self._versions))
        return tuple(line for line in latest if line is not None)

    def line(self, item: str) -> DraftLine | None:
        """Return the draft of an item, if it lies in the folder."""
        versions = self._versions.get(item)
        return versions[-1].line if versions else None


def _line(fact: ItemDrafted, position: int) -> DraftLine:
    return DraftLine(
        fact.item,
        position,
        heading_of(fact.level, fact.content),
        digest_of(fact.content),
        gaps(fact.content),
        fact.revises,
    )


def folder_digest(lines: Iterable[DraftLine]) -> str:
    """Return the digest of what a folder holds: SHA-256 over a line for each draft."""
    text = "".join(f"{line.item} {line.digest}\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def lacking(lines: Iterable[tuple[Heading, tuple[str, ...]]]) -> Iterator[str]:
    """Yield, for each item that lacks something, what is to be said of it."""
    yield from (f"{heading.spoken}缺{'、'.join(missing)}" for heading, missing in lines if missing)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def draft_name_is_free(drafts: Drafts, heading: Heading, own: str) -> bool | Hindrance:
    """同一部门的草稿中，同一职权类型下事项名称（含子项）不得重复。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（逐项列
    明、不重不漏）。
    """
    held = [
        line.position
        for line in drafts.lines()
        if line.heading.key == heading.key and line.item != own
    ]
    return not held or Hindrance(f"草稿中已有{heading.spoken}。", tuple(held))


@rule
def draft_lies_in_the_folder(drafts: Drafts, item: str) -> bool | Hindrance:
    """只能修改、撤回本部门的草稿。依据：各地权责清单管理办法关于部门自查报送的规定。"""
    return drafts.line(item) is not None or Hindrance("该部门没有这一草稿，请核对编号。")


@rule
def drafts_are_complete(told: tuple[str, ...]) -> bool | Hindrance:
    """报送、公布的事项应同时载明职权类型、实施依据、责任事项和追责情形（两单合一）。

    依据：中共中央办公厅、国务院办公厅《关于推行地方各级政府工作部门权力清单制度的指导意见》（权力清
    单与责任清单有机结合）。
    """
    if not told:
        return True
    more = f"；另有{len(told) - 20}项" if len(told) > 20 else ""  # noqa: PLR2004  (as many as are named)
    return Hindrance(f"共{len(told)}项不完整：{'；'.join(told[:20])}{more}。")
