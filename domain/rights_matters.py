"""What townships do (乡镇事项): where it comes from, in whose name, and whose item lies behind it.

    区级事项 Item ◄──items── Matter ──township──► 乡镇（街道）
                     一项区级事项可由多个乡镇承担，一个乡镇事项也可对应多项

    列入 ─► 交接 ─► 评估（定期） ─► 收回 · 取消 · 委托到期

A township carries out what the law gives it, what departments hand down (部门下放), what the
province empowers it to (赋权: in its own name), and what departments entrust to it (委托: in
theirs, under a written deed for a term). A department's item that townships carry out stays on the
department's list: the township's part is counted here and nowhere twice. While a township carries
something out under an item, the item cannot leave the list; who wants that takes the matter back
first.

The duty lists of 2025 call a matter basic, cooperative (then somebody leads, and the township's
part is written down), or taken back (then somebody above does it, in a way that is written down).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, NamedTuple, Self

from domain.code_sets_townships import ActingName, EvaluationResult, MatterDuty, MatterOrigin
from domain.deciding import Book, Misfit, Standing
from domain.documents import rests_on_a_document
from domain.rights import Carried
from domain.rights_admissions import Using
from domain.rights_content import ItemName, Source
from domain.text import compact
from domain.vocabulary import LAST_DAY, Entry, Fact, LongText, Subject, Text

# ── facts ────────────────────────────────────────────────────────────────────────────────────


class MatterBegan(Carried, Using):
    """A township has a matter on its list: what it is, whose, in whose name.

    ``repeats``: the published list it was read from names it twice.
    """

    founds: ClassVar[str | None] = "matter"

    matter: Annotated[str, Subject("matter")]
    township: Annotated[str, Subject("township")]
    name: ItemName
    theme: Text | None = None
    origin: MatterOrigin | None = None
    duty: MatterDuty | None = None
    acting: ActingName
    departments: tuple[str, ...] = ()
    lead_role: LongText | None = None
    coop_role: LongText | None = None
    taken_back_by: str | None = None
    taken_back_mode: LongText | None = None
    deed: Text | None = None
    until: date | None = None
    repeats: bool = False
    source: Source | None = None

    def later_days(self) -> tuple[date, ...]:
        """See `domain.vocabulary.Fact.later_days`: the day on which an entrusting ends."""
        return () if self.until is None else (self.until,)

    def begins(self) -> bool:
        """See `domain.rights.Carried.begins`: what was taken back before rests on nothing."""
        return self.duty is not MatterDuty.TAKEN_BACK


class MatterTakenOver(MatterBegan, fact="rights.matter-taken-over", called="乡镇事项期初"):
    """A matter stood on a township's list that had been published before (期初)."""


@rests_on_a_document
class MatterListed(MatterBegan, fact="rights.matter-listed", called="乡镇事项列入"):
    """A matter came onto a township's list (列入), let through by the gate where it needs to be."""


@rests_on_a_document
class MatterHandedOver(Fact, fact="rights.matter-handed-over", called="乡镇事项交接"):
    """A matter was handed over to the township (交接); the minutes are cited.

    ``evaluate_by`` is the day by which it is to be evaluated first.
    """

    matter: Annotated[str, Subject("matter")]
    team: Text | None = None
    certified: int | None = None
    evaluate_by: date | None = None


class MatterEvaluated(Fact, fact="rights.matter-evaluated", called="乡镇事项评估"):
    """How a township carries a matter out was evaluated (评估)."""

    matter: Annotated[str, Subject("matter")]
    result: EvaluationResult
    opinion: LongText
    evaluate_by: date | None = None


class MatterEnded(Carried):
    """A matter left a township's list, where it stood as origin and duty say.

    ``until`` is when it would have ended by itself.
    """

    matter: Annotated[str, Subject("matter")]
    township: Annotated[str, Subject("township")]
    origin: MatterOrigin | None = None
    duty: MatterDuty | None = None

    def begins(self) -> bool:
        """See `domain.rights.Carried.begins`."""
        return False


@rests_on_a_document
class MatterTakenBack(MatterEnded, fact="rights.matter-taken-back", called="乡镇事项收回"):
    """The level above took a matter back (收回): who does it from then on, and how."""

    taken_back_by: str
    mode: LongText


@rests_on_a_document
class MatterCancelled(MatterEnded, fact="rights.matter-cancelled", called="乡镇事项取消"):
    """Nobody carries a matter out any more (取消)."""

    reason: LongText


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Matter(Standing, subject="matter", guards=True):
    """One matter of one township: begun, handed over, evaluated, ended."""

    began: MatterBegan | None = None
    began_on: date | None = None
    began_at: int = 0
    handed_over_at: int = 0
    ended_on: date | None = None
    ended_at: int = 0
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact, day, position = entry.fact, entry.business_date, entry.position
        why = self._unfit(fact, day)
        if why is not None:
            return replace(self, misfits=(*self.misfits, Misfit(position, why)))
        if isinstance(fact, MatterBegan):
            ended = day if fact.duty is MatterDuty.TAKEN_BACK else None
            at = position if ended else 0
            return replace(
                self, began=fact, began_on=day, began_at=position, ended_on=ended, ended_at=at
            )
        if isinstance(fact, MatterHandedOver):
            return replace(self, handed_over_at=position)
        if isinstance(fact, MatterEnded):
            return replace(self, ended_on=day, ended_at=position)
        return self

    def _unfit(self, fact: Fact, day: date) -> str | None:
        if isinstance(fact, MatterBegan):
            return None if self.began is None else "该乡镇事项已经列入"
        if self.began is None:
            return "该乡镇事项在这一天尚未列入"
        if not self.stands_on(day):
            return f"该乡镇事项自{self.end}起不再承担"
        if isinstance(fact, MatterHandedOver) and self.handed_over_at:
            return "该乡镇事项已经交接"
        if isinstance(fact, MatterEvaluated) and not self.handed_over_at:
            return "该乡镇事项在这一天尚未交接"
        return None

    @property
    def end(self) -> date | None:
        """The day from which the township carries it out no more: ended, or its term is over."""
        until = None if self.began is None else self.began.until
        days = [day for day in (self.ended_on, until) if day is not None]
        return min(days, default=None)

    def stands_on(self, day: date) -> bool:
        """Tell whether the township carries it out on that day."""
        if self.began_on is None or day < self.began_on:
            return False
        return self.end is None or day < self.end


class _Stay(NamedTuple):
    """A matter on a township's list: from when, until when it would stay, by which entry."""

    day: date
    position: int
    matter: str
    name: str
    until: date
    excused: bool


class TownshipMatters(Book, subject="township", guards=True):
    """A township's matters by name, on any day; the texts stay in the journal."""

    def __init__(self, who: str) -> None:
        """Open the list with nothing in it."""
        super().__init__(who)
        self._stays: dict[str, list[_Stay]] = {}
        self._ends: dict[str, list[tuple[date, int]]] = {}

    # ── summing ──────────────────────────────────────────────────────────────────────────────

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=entry.target is None)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=entry.target is not None)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        fact, day, position = original.fact, original.business_date, original.position
        if isinstance(fact, MatterEnded):
            ends = self._ends.pop(fact.matter, [])
            if comes:
                insort(ends, (day, position))
            else:
                ends = [one for one in ends if one[1] != position]
            if ends:
                self._ends[fact.matter] = ends
        elif isinstance(fact, MatterBegan) and fact.begins():
            key = compact(fact.name)
            stays = self._stays.pop(key, [])
            if comes:
                until = fact.until or LAST_DAY
                insort(stays, _Stay(day, position, fact.matter, fact.name, until, fact.repeats))
            else:
                stays = [one for one in stays if one.position != position]
            if stays:
                self._stays[key] = stays

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def holders(self, name: str, first: date) -> tuple[int, ...]:
        """Return the entries by which matters of that name stand on ``first`` or later."""
        stays = self._stays.get(compact(name), ())
        return tuple(stay.position for stay in stays if first < self._end(stay))

    def holding(self, first: date) -> tuple[int, ...]:
        """Return the entries by which matters stand on ``first`` or later."""
        found = (stay for stays in self._stays.values() for stay in stays)
        return tuple(sorted(stay.position for stay in found if first < self._end(stay)))

    def before(self, day: date) -> tuple[int, ...]:
        """Return the entries by which matters began before a day."""
        found = (stay for stays in self._stays.values() for stay in stays)
        return tuple(sorted(stay.position for stay in found if stay.day < day))

    def _end(self, stay: _Stay) -> date:
        ends = self._ends.get(stay.matter, ())
        return min([stay.until, *(day for day, _ in ends)])

    # ── soundness ────────────────────────────────────────────────────────────────────────────

    def broken_by(self, entries: Iterable[Entry]) -> tuple[Misfit, ...]:
        """Name the matters of one name that stand on one day because of these entries."""
        originals = (entry if entry.target is None else entry.target for entry in entries)
        moved = {
            one.fact.matter for one in originals if isinstance(one.fact, MatterBegan | MatterEnded)
        }
        touched = [
            stays for stays in self._stays.values() if any(one.matter in moved for one in stays)
        ]
        return tuple(misfit for stays in touched for misfit in self._crowded(stays))

    def _crowded(self, stays: list[_Stay]) -> Iterator[Misfit]:
        counted = [stay for stay in stays if not stay.excused]
        for n, stay in enumerate(counted):
            for earlier in counted[:n]:
                if stay.day < self._end(earlier) and stay.day < self._end(stay):
                    why = f"{stay.day}起同一乡镇（街道）有两个“{stay.name}”"
                    yield from (Misfit(one.position, why) for one in (earlier, stay))
