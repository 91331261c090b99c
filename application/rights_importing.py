"""What a published list brings against what is on record, and filing just that.

    items of a workbook ─┐
                         ├─ matched ─► new      OpenItem
    items on record ─────┘             changed  RecordChangedItem, field by field
                                       same     nothing
                                       gone     RecordRemovedItem, where the list is the whole list

The same file again brings nothing but ``same``. A step that rests on likeness says how sure it is,
so that a dry run shows it before anything is filed. The edition that the lists were published as
comes last. All is filed as one append, or nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from application.filing import Filing, Receipt
from application.journal import Writer
from application.rights_reading import RightsRead, department_of_item
from domain.deciding import Command, Refused
from domain.rights import differing
from domain.rights_content import ItemContent, Source
from domain.rights_departments import same_department
from domain.rights_editions import TakeOverEdition
from domain.rights_matching import How, Match, match_items, plain_name
from domain.rights_opening import OpenItem, RecordChangedItem, RecordRemovedItem

Outcome = Literal["new", "changed", "same", "gone"]
OUTCOMES: dict[Outcome, str] = {
    "new": "新增",
    "changed": "有变化",
    "same": "没有变化",
    "gone": "清单中已没有",
}


@dataclass(frozen=True, slots=True)
class OnRecord:
    """An item on record: its id, what it says, where it was read."""

    item: str
    content: ItemContent
    source: Source | None = None


OfDepartment = Callable[[str], Sequence[OnRecord]]
"""The items on record of a department, by its name."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an import does about one row, or about one item that the list does not name any more.

    ``fields`` are the fields that differ; ``how`` and ``score`` say why a row is taken for an item
    on record. ``command`` is what is filed, nothing where nothing changes.
    """

    outcome: Outcome
    department: str
    content: ItemContent
    source: Source
    item: str | None = None
    fields: tuple[str, ...] = ()
    how: How | None = None
    score: float = 1.0
    command: Command | None = None

    def __str__(self) -> str:
        name = self.content.name + (f"—{self.content.sub_name}" if self.content.sub_name else "")
        titles = (str(ItemContent.model_fields[one].title) for one in self.fields)
        fields = f"（{'、'.join(titles)}）" if self.fields else ""
        likeness = f"，按名称相近认定，相似度{self.score:.0%}" if self.how == "similar" else ""
        return f"{OUTCOMES[self.outcome]}：{self.department}“{name}”{fields}{likeness}"


class Unplaced(NamedTuple):
    """A row whose department is not known here, or could be several."""

    source: Source
    department: str
    message: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How published lists are to be imported: what they say holds from ``day`` on.

    ``department`` overrides what the lists say of whose they are; ``whole``: what a department has
    on record and its list does not name has gone; ``edition``: what the lists were published as.
    """

    day: date
    department: str | None = None
    whole: bool = False
    edition: TakeOverEdition | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps an import would take, the edition it names, and the rows it cannot place."""

    steps: tuple[Step, ...]
    unplaced: tuple[Unplaced, ...] = ()
    edition: TakeOverEdition | None = None

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is to be filed, in order."""
        items = tuple(one.command for one in self.steps if one.command is not None)
        return items if self.edition is None else (*items, self.edition)

    @property
    def counts(self) -> Counter[Outcome]:
        """How many steps of each outcome there are."""
        return Counter(one.outcome for one in self.steps)


def plan_import(
    reads: Iterable[RightsRead],
    departments: Collection[str],
    recorded: OfDepartment,
    day: date,
    *,
    department: str | None = None,
    whole: bool = False,
) -> Plan:
    """Plan the import of published lists that say what holds from ``day`` on.

    ``departments`` are the names on the register, among which a list's short name (市统计局) is
    looked up; ``department`` overrides what the lists say. ``whole``: what a department has on
    record and its list does not name has gone.
    """
    rows: dict[str, list[_Row]] = {}
    unplaced = []
    for said, row in _rows(reads, department):
        name, why = registered_name(said, departments)
        if why:
            unplaced.append(Unplaced(row.source, said, why))
        else:
            rows.setdefault(name, []).append(row)
    steps = (
        step
        for name, several in rows.items()
        for step in _steps(name, several, recorded(name), day, whole=whole)
    )
    return Plan(tuple(steps), tuple(unplaced))


def registered_name(said: str, departments: Collection[str]) -> tuple[str, str]:
    """Return the registered name that a list's department means, or why there is none."""
    if said in departments:
        return said, ""
    found = [one for one in departments if same_department(said, one)] if said else []
    if len(found) == 1:
        return found[0], ""
    if not said:
        return "", "看不出是哪个部门的清单，请在导入时指定部门"
    if not found:
        return "", f"机构台账中没有“{said}”，请先登记该机构或在导入时指定部门"
    return "", f"“{said}”可能是{'、'.join(sorted(found))}，请在导入时指定部门"


class _Row(NamedTuple):
    content: ItemContent
    source: Source


def _rows(reads: Iterable[RightsRead], department: str | None) -> Iterator[tuple[str, _Row]]:
    for read in reads:
        for sheet in read.sheets:
            for item in sheet.items:
                found = department_of_item(sheet, item)
                said = department or (found.name if found else "")
                yield said, _Row(item.content, item.source)


def _steps(
    department: str, rows: Sequence[_Row], recorded: Sequence[OnRecord], day: date, *, whole: bool
) -> Iterator[Step]:
    """Yield the steps of one department, in the order of its list; what has gone comes last."""
    found = match_items([one.content for one in recorded], [one.content for one in rows])
    known = {one.after: one for one in found.matches}
    seen: set[tuple[object, ...]] = set()
    for place, row in enumerate(rows):
        repeats = (key := _key(row.content)) in seen
        seen.add(key)
        match = known.get(place)
        if match is None:
            yield _new(department, row, day, repeats=repeats)
        else:
            yield _met(department, row, recorded[match.before], match, day, repeats=repeats)
    if whole:
        for place in found.only_before:
            yield _gone(department, recorded[place], rows[-1].source, day)


def _key(content: ItemContent) -> tuple[object, ...]:
    return content.category, plain_name(content.name), plain_name(content.sub_name or "")


def _new(department: str, row: _Row, day: date, *, repeats: bool) -> Step:
    command = OpenItem(
        effective_on=day,
        department=department,
        content=row.content,
        repeats=repeats,
        source=row.source,
    )
    return Step("new", department, row.content, row.source, command=command)


def _met(
    department: str, row: _Row, known: OnRecord, match: Match, day: date, *, repeats: bool
) -> Step:
    fields = differing(known.content, row.content)
    command = RecordChangedItem(
        effective_on=day, item=known.item, content=row.content, repeats=repeats, source=row.source
    )
    return Step(
        "changed" if fields else "same",
        department,
        row.content,
        row.source,
        item=known.item,
        fields=fields,
        how=match.how,
        score=match.score,
        command=command if fields else None,
    )


def _gone(department: str, known: OnRecord, source: Source, day: date) -> Step:
    """Record that an item is gone; the last row of the list that lacks it stands for the list."""
    command = RecordRemovedItem(effective_on=day, item=known.item, source=source)
    return Step("gone", department, known.content, source, item=known.item, command=command)


# ── filing ───────────────────────────────────────────────────────────────────────────────────


class Refusal(NamedTuple):
    """A step that the rules refuse, and why; without a step it is the edition."""

    step: Step | None
    refused: Refused

    def __str__(self) -> str:
        if self.step is None:
            return f"清单版次：{self.refused}"
        source = self.step.source
        place = f"《{source.file}》{source.sheet} 第{source.row}行"
        return f"{place}“{self.step.content.name}”：{self.refused}"


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a plan: every step refused, or the receipt of the one append."""

    refusals: tuple[Refusal, ...] = ()
    receipt: Receipt | None = None


def file_plan(
    writer: Writer, plan: Plan, actor: str, *, dry_run: bool = False, key: str | None = None
) -> Filed:
    """File every step as one append; one refusal holds back everything, and all are told.

    ``key`` is the caller's Idempotency-Key. Where nothing changes nothing is filed.
    """
    if not plan.commands:
        return Filed()
    if dry_run:
        return Filed(_refusals(writer, plan, actor))
    try:
        return Filed(receipt=writer.do(Filing(plan.commands, actor, key=key)))
    except Refused:  # it names the first; a trial of the parts names them all
        return Filed(_refusals(writer, plan, actor))


def _refusals(writer: Writer, plan: Plan, actor: str) -> tuple[Refusal, ...]:
    """Try every step by itself, recording nothing."""
    trial = writer.do(Filing(plan.commands, actor, partial=True, dry_run=True))
    filing: list[Step | None] = [step for step in plan.steps if step.command is not None]
    filing += [] if plan.edition is None else [None]
    return tuple(
        Refusal(step, outcome.refused)
        for step, outcome in zip(filing, trial.outcomes, strict=True)
        if outcome.refused is not None
    )
