"""What differs between two states of the rights lists (权责清单对照): two editions, or two days.

    before ──┐  side by side, item by item   ┌─ added 新增   cancelled 取消   moved 划转
    after  ──┴───────────────────────────────┼─ changed 变更, field by field   unchanged 未变
    origins (who came of whom) ──────────────┴─ merged 合并   split 分设   reshaped 重组

An item is the same item under the same id, whatever it is called by then. What begins and ends by
mergers and splits is told as one line with both its sides, also where several of them followed one
another. For every department and category, previous + what came − what went = now.

The states are read in the order of their ids, one item at a time: only what differs is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from application.rights import CATEGORIES, STATUSES, basis_line
from domain.code_sets import CodeList
from domain.rights import differing
from domain.rights_content import Duty, ItemContent, LegalBasis

ADDED, CANCELLED, MOVED, CHANGED = "added", "cancelled", "moved", "changed"
MERGED, SPLIT, RESHAPED = "merged", "split", "reshaped"
KINDS: Final = {
    ADDED: "新增",
    CANCELLED: "取消、下放等退出清单",
    MERGED: "合并",
    SPLIT: "分设",
    RESHAPED: "重组（合并后又分设等）",
    MOVED: "划转",
    CHANGED: "要素变更",
}
"""What may have become of items, in the order in which it is told."""

MEASURES: Final = {
    "before": "原有",
    "added": "新增",
    "cancelled": "退出清单",
    "moved_in": "划入、转入",
    "moved_out": "划出、转出",
    "reshaped_in": "合并、分设增加",
    "reshaped_out": "合并、分设减少",
    "now": "现有",
    "changed": "要素变更",
    "unchanged": "未变",
}
"""What is counted of a department and category; the last two are part of what is there now."""

_SIGNS: Final = (
    ("before", 1),
    ("added", 1),
    ("cancelled", -1),
    ("moved_in", 1),
    ("moved_out", -1),
    ("reshaped_in", 1),
    ("reshaped_out", -1),
)


class Stand(NamedTuple):
    """How an item stands in a state of the list; ``content`` is its text as JSON."""

    item: str
    department: str
    department_name: str
    category: str
    status: str
    digest: str
    content: str

    @property
    def text(self) -> ItemContent:
        """What the item says."""
        return ItemContent.model_validate_json(self.content)


class Named(NamedTuple):
    """An item as a reader of the differences meets it."""

    item: str
    department: str
    department_name: str
    category: str
    name: str
    sub_name: str | None


class FieldChange(NamedTuple):
    """A field that says something else now: lines as a list prints them."""

    field: str
    title: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Difference(NamedTuple):
    """What became of items: one of `KINDS`, both sides, and the fields that differ."""

    kind: str
    before: tuple[Named, ...]
    after: tuple[Named, ...]
    fields: tuple[FieldChange, ...] = ()


class Tally(NamedTuple):
    """The figures of a department and category, by the names of `MEASURES`."""

    department: str
    department_name: str
    category: str
    figures: Mapping[str, int]

    @property
    def closes(self) -> bool:
        """Whether previous + what came − what went = now."""
        return sum(sign * self.figures[name] for name, sign in _SIGNS) == self.figures["now"]


@dataclass
class Differences:
    """All that differs, and the figures of every department and category."""

    lines: list[Difference] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    def of(self, kind: str) -> list[Difference]:
        """Return the lines of one of `KINDS`."""
        return [line for line in self.lines if line.kind == kind]

    def within(self, department: str | None, category: str | None) -> Differences:
        """Return what concerns a department, a category, or both: on either side."""

        def concerns(one: Named | Tally) -> bool:
            return department in (None, one.department) and category in (None, one.category)

        lines = [line for line in self.lines if any(map(concerns, (*line.before, *line.after)))]
        return Differences(lines, [one for one in self.tallies if concerns(one)])

    def totals(self) -> dict[str, int]:
        """Return the figures of all departments and categories together."""
        return {name: sum(one.figures[name] for one in self.tallies) for name in MEASURES}


def differences(
    before: Iterable[Stand], after: Iterable[Stand], origins: Mapping[str, Iterable[str]]
) -> Differences:
    """Compare two states, each in the order of its ids.

    ``origins`` names, for items that began in a merger or split, those that ended in it.
    """
    made = _Comparison(origins)
    for was, now in side_by_side(before, after):
        made.take(was, now)
    return made.told()


def side_by_side(
    before: Iterable[Stand], after: Iterable[Stand]
) -> Iterator[tuple[Stand | None, Stand | None]]:
    """Yield each item of either state with how it stands in both; both come in order of ids."""
    olds, news = iter(before), iter(after)
    was, now = next(olds, None), next(news, None)
    while was is not None or now is not None:
        if now is None or (was is not None and was.item < now.item):
            yield was, None
            was = next(olds, None)
        elif was is None or now.item < was.item:
            yield None, now
            now = next(news, None)
        else:
            yield was, now
            was, now = next(olds, None), next(news, None)


class _Comparison:
    """What has been compared so far."""

    def __init__(self, origins: Mapping[str, Iterable[str]]) -> None:
        self._origins = origins
        self._names: dict[str, str] = {}
        self._figures: dict[tuple[str, str], dict[str, int]] = defaultdict(
            lambda: dict.fromkeys(MEASURES, 0)
        )
        self._gone: dict[str, Named] = {}
        self._come: dict[str, Named] = {}
        self._lines: list[Difference] = []

    def take(self, was: Stand | None, now: Stand | None) -> None:
        """Note one item."""
        if was is not None:
            self._count(was, "before")
        if now is not None:
            self._count(now, "now")
        if now is None and was is not None:
            self._gone[was.item] = named(was)
        elif was is None and now is not None:
            self._come[now.item] = named(now)
        elif was is not None and now is not None:
            self._both(was, now)

    def _both(self, was: Stand, now: Stand) -> None:
        if (was.department, was.category) != (now.department, now.category):
            self._count(was, "moved_out")
            self._count(now, "moved_in")
        moved = was.department != now.department
        fields = field_changes(was, now)
        self._count(now, "changed" if fields or moved else "unchanged")
        if fields or moved:
            kind = MOVED if moved else CHANGED
            self._lines.append(Difference(kind, (named(was),), (named(now),), fields))

    def _count(self, one: Stand | Named, measure: str) -> None:
        self._names[one.department] = one.department_name
        self._figures[one.department, one.category][measure] += 1

    def told(self) -> Differences:
        """Return everything, in the order of `KINDS`, departments, categories and names."""
        for group in self._groups():
            self._tell(group)
        order = list(KINDS)
        self._lines.sort(key=lambda line: (order.index(line.kind), _place(line)))
        tallies = [
            Tally(who, self._names[who], category, figures)
            for (who, category), figures in self._figures.items()
        ]
        tallies.sort(key=lambda one: (one.department_name, one.department, one.category))
        return Differences(self._lines, tallies)

    def _tell(self, group: tuple[tuple[Named, ...], tuple[Named, ...]]) -> None:
        gone, come = group
        kind = _kind(len(gone), len(come))
        went, came = ("reshaped_out", "reshaped_in") if gone and come else ("cancelled", "added")
        for one in gone:
            self._count(one, went)
        for one in come:
            self._count(one, came)
        self._lines.append(Difference(kind, gone, come))

    def _groups(self) -> Iterator[tuple[tuple[Named, ...], tuple[Named, ...]]]:
        """Yield what came with what it came of; what has no other side stands alone."""
        group_of: dict[str, set[str]] = {one: {one} for one in (*self._gone, *self._come)}
        for item in self._come:
            for source in self._ancestors(item):
                joined = group_of[item] | group_of[source]
                for one in joined:
                    group_of[one] = joined
        for group in {id(one): one for one in group_of.values()}.values():
            gone = tuple(self._gone[one] for one in sorted(group) if one in self._gone)
            yield gone, tuple(self._come[one] for one in sorted(group) if one in self._come)

    def _ancestors(self, item: str) -> set[str]:
        """Return the items gone since from which it came, through any that came and went."""
        found: set[str] = set()
        seen: set[str] = set()
        open_ends = list(self._origins.get(item, ()))
        while open_ends:
            one = open_ends.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self._gone:
                found.add(one)
            else:
                open_ends += self._origins.get(one, ())
        return found


def named(one: Stand) -> Named:
    """Return an item as a reader meets it."""
    text = one.text
    return Named(
        one.item, one.department, one.department_name, one.category, text.name, text.sub_name
    )


def _kind(n_gone: int, n_come: int) -> str:
    if not n_gone or not n_come:
        return ADDED if n_come else CANCELLED
    if n_come == 1 and n_gone > 1:
        return MERGED
    return SPLIT if n_gone == 1 and n_come > 1 else RESHAPED


def _place(line: Difference) -> tuple[str, ...]:
    first = (line.after or line.before)[0]
    return (first.department_name, first.category, first.name, first.sub_name or "", first.item)


# ── field by field ───────────────────────────────────────────────────────────────────────────


def field_changes(was: Stand, now: Stand) -> tuple[FieldChange, ...]:
    """Return the fields in which an item differs, in the order of the list's columns."""
    changes: list[FieldChange] = []
    if was.status != now.status:
        said = (STATUSES.get(was.status, was.status),), (STATUSES.get(now.status, now.status),)
        changes.append(FieldChange("status", "状态", *said))
    if was.digest == now.digest:
        return tuple(changes)
    before, after = was.text, now.text
    for name in differing(before, after):
        title = str(ItemContent.model_fields[name].title)
        old, new = lines_of(getattr(before, name)), lines_of(getattr(after, name))
        changes.append(FieldChange(name, title, old, new))
    return tuple(changes)


def lines_of(value: Any) -> tuple[str, ...]:
    """Return what a field says, line by line, as a list prints it; nothing where it is empty."""
    if value is None or value == ():
        return ()
    if isinstance(value, tuple):
        return tuple(line for one in value for line in lines_of(one))
    if isinstance(value, bool):
        return ("是" if value else "否",)
    if isinstance(value, CodeList):
        return (value.label,)
    return tuple(_lines_of_part(value)) if isinstance(value, BaseModel) else (str(value),)


def _lines_of_part(value: BaseModel) -> Iterator[str]:
    if isinstance(value, LegalBasis):
        yield basis_line(value)
        yield from (value.quoted,) if value.quoted else ()
    elif isinstance(value, Duty):
        head = "·".join(part for part in (value.role, value.stage) if part)
        yield f"{head}：{value.text}" if head else value.text
    else:
        raise TypeError(value)


# ── whence the states come ───────────────────────────────────────────────────────────────────


def stand_of(key: str, row: Mapping[str, Any]) -> Stand:
    """Return how an item stands by its line of the ledger of items."""
    return Stand(
        item=key,
        department=row["department"],
        department_name=row["department_name"] or "",
        category=row["category"],
        status=row["status"],
        digest=row["digest"],
        content=row["content"],
    )


def origins_of(changes: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return which items ended where others began, by lines of the ledger of their history.

    A merger names several items beside the one that began; a split names one beside each.
    """
    origins: dict[str, tuple[str, ...]] = {}
    for row in changes:
        related = tuple(one for one in str(row["related"]).split("、") if one)
        begins = {"merge": len(related) > 1, "split": len(related) == 1}
        if begins.get(row["change"], False):
            origins[row["item"]] = related
    return origins


def category_title(category: str) -> str:
    """Return what a category is called."""
    return CATEGORIES.get(category, "未标明类型")
