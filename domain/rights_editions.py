"""Editions (版次): a name for what a list said on a day, as it was known when it was published.

    edition = (level, effective day, position of its publication) ──► one question to the items

An edition holds no items of its own: it names the day and the place in the journal at which the
list is read, so it can never change afterwards. Its digest is that of every item's text as it stood
then, computed when it was published; whoever reads the edition later can compute it again. Counts
are computed from the items, never typed.

A compiled list (`rights_compiling`) comes into force with its edition: what was drafted takes
effect on the edition's day, in the same append. A list that has been adjusted since is published
anew as it stands. An edition that was published before the books were opened is taken over.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets_adjusting import AdjustmentKind, ListLevel
from domain.code_sets_rights import PowerCategory
from domain.codes import Named
from domain.deciding import DatedCommand, Decision, Hindrance, Past, Standing, guards, naming, rule
from domain.documents import rests_on_a_document
from domain.institutions import DISTRICT, Directory
from domain.journal import CorrectEntries, VoidEntries
from domain.rights import (
    ItemAdded,
    ItemChanged,
    ItemFact,
    differing,
    item_name_is_free,
    require_department,
    require_item,
)
from domain.rights_catalogue import Catalogue, Heading
from domain.rights_codes import require_codes
from domain.rights_compiling import APPROVERS, Approver, Compilation, CompileStarted, StartCompile
from domain.rights_drafting import (
    Drafts,
    ItemDrafted,
    drafts_are_complete,
    folder_of,
    lacking,
)
from domain.rights_effects import item_belongs_to_the_department
from domain.text import compact
from domain.vocabulary import Entry, Fact, InternalId, Subject, Text


class Count(BaseModel):
    """How many items of a category a department has in an edition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str
    category: PowerCategory | None = None
    items: int


class Line(NamedTuple):
    """An item in an edition: whose, which, under which heading, and the digest of its text."""

    department: str
    item: str
    heading: Heading
    digest: str
    gaps: tuple[str, ...] = ()


def edition_digest(lines: Iterable[tuple[str, str, str]]) -> str:
    """Return the SHA-256 of an edition from (department, item, digest of the text) of its items.

    Hashed is one line ``department item digest`` for each, in byte order, each ended by a line
    feed, in ASCII.
    """
    text = "".join(sorted(f"{who} {item} {digest}\n" for who, item, digest in lines))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class EditionPublished(Fact, fact="rights.edition-published", called="权责清单版次公布"):
    """A list was published as an edition (公布); takes effect on the edition's day.

    ``taken_over``: it had been published before the books were opened.
    """

    founds: ClassVar[str | None] = "edition"

    edition: Annotated[str, Subject("edition")]
    name: Text
    level: ListLevel
    base: str | None = None
    compiling: Annotated[str | None, Subject("compile")] = None
    approved_by: Approver
    meeting: Text | None = None
    channels: tuple[Text, ...]
    items: int
    departments: int
    counts: tuple[Count, ...]
    digest: str
    taken_over: bool = False

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`: the edition, and the list of its level."""
        return (*super().tags(), f"list:{self.level.value}")


# ── standings ────────────────────────────────────────────────────────────────────────────────


class Started(NamedTuple):
    """A compilation that was started for a list: its id and name, when, and by which entry."""

    compiling: str
    name: str
    day: date
    position: int


@dataclass(frozen=True)
class Editions(Standing, subject="list"):
    """The editions of one level's list and the compilations started for it, by their days."""

    published: tuple[tuple[str, str, int], ...] = ()
    started: tuple[Started, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if isinstance(fact, CompileStarted):
            begun = Started(fact.compiling, fact.name, entry.business_date, entry.position)
            return replace(self, started=(*self.started, begun))
        if not isinstance(fact, EditionPublished):
            return self
        one = (fact.edition, fact.name, entry.position)
        return replace(self, published=(*self.published, one))

    @property
    def latest(self) -> str | None:
        """The edition with the latest day."""
        return self.published[-1][0] if self.published else None


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule(version=2)  # version 1 took “2024 年版” for another name than “2024年版”
def edition_name_is_new(editions: Editions, name: str) -> bool | Hindrance:
    """同一层级清单的版次名称不得重复。依据：政府信息公开条例第二十条；各地权责清单管理办法。"""
    wanted = compact(name)
    same = tuple(at for _, known, at in editions.published if compact(known) == wanted)
    return not same or Hindrance(f"“{name}”已经公布。", same)


@rule
def compile_name_is_new(editions: Editions, name: str) -> bool | Hindrance:
    """同一层级的清单编制不得同名：一份方案启动一次，各部门的草稿报送到同一次编制。

    依据：各地权责清单管理办法关于编制程序的规定（统一部署、逐轮审核、汇总审定）。
    """
    same = [one for one in editions.started if compact(one.name) == compact(name)]
    if not same:
        return True
    first = same[0]
    return Hindrance(
        f"“{first.name}”已于{first.day}启动（编号{first.compiling}）。继续办理请用原编号；"
        "确为另一次编制的，请另取名称；启动有误的，请先作废原记录。",
        tuple(one.position for one in same),
    )


@rule
def edition_has_items(n_items: int) -> bool | Hindrance:
    """公布的清单应有事项。依据：各地权责清单管理办法关于公布的规定。"""
    return n_items > 0 or Hindrance("该层级清单在这一天没有事项。")


@rule
def edition_is_approved(n_documents: int) -> bool | Hindrance:
    """公布清单应有审定文件。依据：各地权责清单管理办法关于政府审定的规定。"""
    return n_documents > 0 or Hindrance("请引用审定文件。")


@rule
def compiled_list_may_be_published(compilation: Compilation, level: ListLevel) -> bool | Hindrance:
    """编制的清单经审定后公布一次，层级应相符。依据：各地权责清单管理办法关于公布的规定。"""
    if compilation.approved is None or compilation.started is None:
        return Hindrance("该清单尚未审定。")
    if compilation.published_at:
        return Hindrance("该清单已经公布。", (compilation.published_at,))
    planned = compilation.started.level
    return planned is level or Hindrance(f"编制的是{planned.label}清单，不是{level.label}清单。")


@rule
def published_edition_stays(entry: Entry) -> bool | Hindrance:
    """已公布的版次不得作废或更改；有错的另行公布新版次或办理调整。

    依据：政府信息公开条例第六条（及时、准确公开）；各地权责清单管理办法关于版次固定的规定。
    """
    if not isinstance(entry.fact, EditionPublished):
        return True
    return Hindrance(f"流水号{entry.position}公布了“{entry.fact.name}”。", (entry.position,))


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class _Publishing(DatedCommand):
    """What every publication of an edition says; takes effect on the day it is in force from."""

    name: Annotated[Text, Field(title="版次名称", examples=["2024年版"])]
    level: Annotated[ListLevel, Field(title="清单层级")] = ListLevel.DISTRICT
    approved_by: Annotated[Approver, Named(APPROVERS), Field(title="审定机关")]
    meeting: Annotated[Text | None, Field(title="审定会议")] = None
    channels: Annotated[tuple[Text, ...], Field(title="公布渠道", min_length=1, max_length=20)]

    def lines(self, past: Past) -> tuple[Line, ...]:
        """Return every item of the level's list on the edition's day, department by department."""
        directory = past.of(Directory, DISTRICT)
        units = {tenure.who for line in directory.tenures.values() for tenure in line}
        return tuple(
            Line(who, line.item, line.heading, line.text.digest, line.text.gaps)
            for who in sorted(units)
            for line in past.of(Catalogue, who).on(self.effective_on)
            if line.heading.level is self.level
        )

    def published(
        self, past: Past, *, taken_over: bool = False, compiling: str | None = None
    ) -> EditionPublished:
        """Require what holds for every edition; return its fact."""
        editions = past.of(Editions, self.level.value)
        past.require(edition_name_is_new, editions, self.name)
        lines = self.lines(past)
        past.require(edition_has_items, len(lines))
        if not taken_over:
            told = tuple(lacking((line.heading, line.gaps) for line in lines))
            past.require(drafts_are_complete, told)
        counts = Counter((line.department, line.heading.category) for line in lines)
        return EditionPublished(
            edition=past.new_id(),
            name=self.name,
            level=self.level,
            base=editions.latest,
            compiling=compiling,
            approved_by=self.approved_by,
            meeting=self.meeting,
            channels=self.channels,
            items=len(lines),
            departments=len({line.department for line in lines}),
            counts=tuple(
                Count(department=who, category=category, items=n)
                for (who, category), n in sorted(counts.items(), key=str)
            ),
            digest=edition_digest((one.department, one.item, one.digest) for one in lines),
            taken_over=taken_over,
        )


class TakeOverEdition(_Publishing, kind="rights.take-over-edition", title="清单版次期初"):
    """Name a list that had been published before the books were opened, as it was taken over."""

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: gaps of the published list are not asked about."""
        yield self.published(past, taken_over=True)


class PublishEdition(_Publishing, kind="rights.publish-edition", title="公布权责清单版次"):
    """Publish a list as it stands; a compiled one comes into force with it."""

    compiling: Annotated[
        InternalId | None, Field(title="清单编制（系统内编号）", description="按现行清单公布的不填")
    ] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(edition_is_approved, len(self.basis))
        if self.compiling is not None:
            compilation = past.of(Compilation, self.compiling)
            past.require(compiled_list_may_be_published, compilation, self.level)
            for department in compilation.parts:
                yield from self._coming_into_force(department, self.compiling, past)
        yield self.published(past, compiling=self.compiling)

    def _coming_into_force(self, department: str, compiling: str, past: Past) -> Iterator[ItemFact]:
        require_department(department, self.effective_on, past)
        for line in past.of(Drafts, folder_of(compiling, department)).lines():
            entry = past.entry(line.position)
            if entry is None or not isinstance(entry.fact, ItemDrafted):
                raise AssertionError  # the folder names entries that drafted
            with naming(partial("草稿{}".format, line.heading.spoken)):
                yield from self._of_draft(entry.fact, line.heading, past)

    def _of_draft(self, drafted: ItemDrafted, heading: Heading, past: Past) -> Iterator[ItemFact]:
        """Yield the item's beginning, or its change where its text on the list is another."""
        day, catalogue = self.effective_on, past.of(Catalogue, drafted.department)
        if not drafted.revises:
            past.require(item_name_is_free, catalogue, heading, day)
            require_codes(drafted.content, drafted.department, day, past)
            names = ("item", "department", "level", "content")
            yield ItemAdded(**{name: getattr(drafted, name) for name in names})
            return
        now = require_item(drafted.item, day, past)
        past.require(item_belongs_to_the_department, now, drafted.department)
        if heading.key != now.heading.key:
            past.require(item_name_is_free, catalogue, heading, day, (drafted.item,))
        require_codes(drafted.content, drafted.department, day, past, (now.content,))
        fields = differing(now.content, drafted.content)
        if not fields:
            return
        same = now.heading.category == heading.category
        yield ItemChanged(
            item=drafted.item,
            department=now.department,
            heading=now.heading,
            kind=AdjustmentKind.CHANGE if same else AdjustmentKind.RECLASSIFY,
            content=drafted.content,
            former=now.digest,
            fields=fields,
        )


def _require_it_is_no_edition(positions: Iterable[int], past: Past) -> None:
    for position in positions:
        entry = past.entry(position)
        if entry is not None:
            past.require(published_edition_stays, entry)


@guards(StartCompile)
def _its_name_is_new(command: StartCompile, past: Past) -> None:
    past.require(compile_name_is_new, past.of(Editions, command.level.value), command.name)


@guards(VoidEntries)
def _no_edition_is_voided(command: VoidEntries, past: Past) -> None:
    _require_it_is_no_edition(command.positions, past)


@guards(CorrectEntries)
def _no_edition_is_corrected(command: CorrectEntries, past: Past) -> None:
    named = (item.position for item in command.items)
    _require_it_is_no_edition((one for one in named if one is not None), past)
