"""Quota accounts (编制账户): what an institution, or the pool, has and uses of each kind.

    fact ──slots()──► (account, kind, approved | reserved | occupied, ±n, day) ──► QuotaBook

Any context's facts may move an account; the book sums their dated movements without knowing them.
**Usable** = approved − occupied − reserved, for every day there is. What is asked most, the lowest
usable figure from a day on, costs a few steps however long the history is, and late, future-dated
and voiding entries cost as much as the newest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from domain.balances import Balance
from domain.code_sets import QuotaKind
from domain.deciding import Book, Misfit
from domain.institutions import Abolished, Founded
from domain.vocabulary import LAST_DAY, Entry, Slot

POOL: Final = "POOL"
"""The district's own account (编制池): what is under the ceiling and not granted."""

NAMED_AT_MOST: Final = 20
"""A refusal names so many of the entries that use the quota, reservations first."""


def kind_label(kind: str) -> str:
    """Return the Chinese name of a quota kind by its code."""
    found = QuotaKind.from_text(kind)
    return kind if found is None else found.label


class Totals(NamedTuple):
    """What an account shows on a day for one kind."""

    approved: int = 0
    occupied: int = 0
    reserved: int = 0

    @property
    def usable(self) -> int:
        """What may still be used."""
        return self.approved - self.occupied - self.reserved


class Shortage(NamedTuple):
    """On ``day`` an account would be ``missing`` short of ``kind``."""

    kind: str
    day: date
    missing: int


class Take(NamedTuple):
    """What one movement takes (or gives back) on behalf of ``who``, a person or an approval."""

    who: str
    measure: str
    day: date
    n: int
    excused: bool


class _Line:
    """One kind of one account: dated sums, and who takes of it by which entry."""

    __slots__ = ("changes", "excused", "takes", "usable")

    def __init__(self) -> None:
        self.usable = Balance()
        self.excused = Balance()
        self.changes: dict[str, dict[date, int]] = {}
        self.takes: dict[int, tuple[Take, ...]] = {}

    def move(self, slot: Slot, sign: int, entry: Entry) -> None:
        """Make one movement of ``entry`` (``sign`` -1: take it back)."""
        changes = self.changes.setdefault(slot.measure, {})
        changes[slot.day] = changes.get(slot.day, 0) + sign * slot.n
        if slot.excused:
            self.excused.change(slot.day, -sign * slot.n)
        if slot.measure not in _TAKERS:
            return
        if sign < 0:
            self.takes.pop(entry.position, None)
            return
        taker = _TAKERS[slot.measure]
        who = next((tag for tag in entry.tags if tag.startswith(taker)), f"entry:{entry.place}")
        take = Take(who, slot.measure, slot.day, slot.n, slot.excused)
        self.takes[entry.position] = (*self.takes.get(entry.position, ()), take)


class QuotaBook(Book, subject="account", guards=True):
    """An account's book (编制账): approved, occupied, reserved by kind, on every day.

    The account is an institution's, or the pool. It sums slot movements without knowing which
    context's facts they come from.
    """

    def __init__(self, who: str) -> None:
        """Open the book with nothing in it."""
        super().__init__(who)
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._alive = Balance()

    # ── summing ──────────────────────────────────────────────────────────────────────────────

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._sum(entry, 1)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._sum(entry, -1)

    def _sum(self, entry: Entry, sign: int) -> None:
        original = entry if entry.target is None else entry.target
        if original is not entry:
            sign = -sign
        fact, day = original.fact, original.business_date
        if isinstance(fact, Founded | Abolished):
            self._alive.change(day, sign if isinstance(fact, Founded) else -sign)
            return
        slots = [slot for slot in fact.slots(day) if slot.holder == self.who]
        for slot in slots:
            self._lines[slot.kind].move(slot, sign, original)
        for kind, changes in _net(slots, self.who).items():
            usable = self._lines[kind].usable
            for changed, n in changes.items():
                if n:
                    usable.change(changed, sign * n)

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def usable(self, kind: str, first: date, last: date = LAST_DAY) -> int:
        """Return what may be used of the kind on every day of the stretch: the worst day's."""
        return self._lines[kind].usable.lowest(first, last) if kind in self._lines else 0

    def totals(self, kind: str, on: date) -> Totals:
        """Return the sums of a kind on a day."""
        changes = self._lines[kind].changes if kind in self._lines else {}
        sums = {
            measure: sum(n for day, n in line.items() if day <= on)
            for measure, line in changes.items()
        }
        return Totals(*(sums.get(measure, 0) for measure in Totals._fields))

    def approves(self, kind: str, on: date) -> bool:
        """Tell whether any of the kind is approved on that day.

        Asked by every decision, so it sums grants and cuts alone, not everybody who ever came.
        """
        changes = self._lines[kind].changes.get("approved", {}) if kind in self._lines else {}
        return sum(n for day, n in changes.items() if day <= on) > 0

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds that this account ever had to do with."""
        return tuple(self._lines)

    def first_held(self, kind: str, first: date) -> date | None:
        """Return the first day from ``first`` on with anything approved, occupied or reserved."""
        changes = self._lines[kind].changes if kind in self._lines else {}
        days = {day for line in changes.values() for day in line if day > first}
        return next((d for d in (first, *sorted(days)) if any(self.totals(kind, d))), None)

    def shortage(self, slots: Iterable[Slot]) -> Shortage | None:
        """Return where these movements, not yet made, would let usable fall below 0."""
        for kind, changes in _net(slots, self.who).items():
            for first, last, n in _stretches(changes):
                if n >= 0:
                    continue
                line = self._lines[kind].usable
                if line.lowest(first, last) + n < 0:
                    day = line.first_below(-n, first, last) or first
                    return Shortage(kind, day, -n - line.on(day))
        return None

    def takers(self, kind: str, first: date, last: date | None = None) -> tuple[int, ...]:
        """Return the entries by which somebody holds of the kind on any day of the stretch.

        Without ``last`` the stretch is the one day. Reservations come first, then people by their
        day. Adds up who holds what: for explaining a refusal, not for deciding it.
        """
        moves: dict[tuple[str, str], list[tuple[date, int, int]]] = {}
        for position, takes in self._lines[kind].takes.items():
            for who, measure, day, n, _ in takes:
                if day <= (last or first):
                    moves.setdefault((measure, who), []).append((day, n, position))
        found = []
        for (measure, _), line in moves.items():
            at = _held_by(sorted(line), first)
            if at is not None:
                found.append((measure == "occupied", *at))
        return tuple(position for _, _, position in sorted(found))

    # ── soundness ────────────────────────────────────────────────────────────────────────────

    def broken_by(self, entries: Iterable[Entry]) -> tuple[Misfit, ...]:
        """Name who would be without footing after these entries, which have been added.

        Three things may break: usable falls below 0 where these entries let it fall; an account
        moves on days when its institution does not exist.
        """
        entries = list(entries)
        facts = [entry.fact if entry.target is None else entry.target.fact for entry in entries]
        moved = [slot for entry in entries for slot in entry.slots() if not slot.excused]
        # Position of the earliest entry voided, where there are voids only.
        voids = [entry.voids for entry in entries]
        undone = min((at for at in voids if at is not None), default=0) if all(voids) else 0
        net = _net(moved, self.who)
        found: list[Misfit] = []
        for kind, changes in net.items():
            found += self._fallen(kind, changes, undone)
        if self.who != POOL:
            begins_or_ends = any(isinstance(fact, Founded | Abolished) for fact in facts)
            days = [slot.day for slot in moved if slot.holder == self.who]
            found += self._homeless([*days, *self._alive.days()] if begins_or_ends else days)
        return tuple(found[:NAMED_AT_MOST])

    def _fallen(self, kind: str, changes: dict[date, int], undone: int) -> Iterator[Misfit]:
        line = self._lines[kind].usable
        for first, last, n in _stretches(changes):
            if n >= 0 or line.lowest(first, last) >= 0:
                continue
            day = line.first_below(0, first, last) or first
            if undone and self._only_restores(kind, first, last, undone):
                continue
            over, label = -line.on(day), kind_label(kind)
            why = f"{day}起{label}将超出可用编制{over}名"
            takers = self.takers(kind, day, last)
            relying = [position for position in takers if position > undone]
            yield from (Misfit(position, why) for position in relying or takers or (0,))

    def _only_restores(self, kind: str, first: date, last: date, undone: int) -> bool:
        """Tell whether usable is below 0 by no more than the exception once taken over.

        Then a void merely brings that exception back, unless somebody came in after what is
        ``undone`` had been filed, and so perhaps because of it.
        """
        line = self._lines[kind]
        newcomers = any(
            position > undone and take.n > 0 and not take.excused
            for position, takes in line.takes.items()
            for take in takes
        )
        days = [first, *(day for day in line.usable.days() if first < day <= last)]
        return not newcomers and all(
            line.usable.on(day) >= min(0, line.excused.on(day)) for day in days
        )

    def _homeless(self, moved: list[date]) -> Iterator[Misfit]:
        """Name what the account holds on days when its institution does not exist."""
        if not moved or self._alive.lowest(min(moved)) > 0:
            return
        changed = (d for line in self._lines.values() for c in line.changes.values() for d in c)
        days = sorted({*self._alive.days(), *changed})
        for kind in self._lines:
            for day in days:
                if self._alive.on(day) <= 0 and any(self.totals(kind, day)):
                    why = f"{day}机构不存在，但仍有{kind_label(kind)}的编制或人员"
                    yield from (Misfit(at, why) for at in self.takers(kind, day) or (0,))
                    break


_TAKERS: Final = {"reserved": "approval:", "occupied": "person:"}
_USABLE: Final = {"approved": 1, "reserved": -1, "occupied": -1}


def _held_by(moves: list[tuple[date, int, int]], first: date) -> tuple[date, int] | None:
    """Return (day, position) of the last taking that leaves something held on ``first`` or later.

    ``moves`` are (day, n, position) in order of days.
    """
    held, at, found = 0, None, None
    for i, (day, n, position) in enumerate(moves):
        held += n
        at = (day, position) if n > 0 else at
        ends = moves[i + 1][0] if i + 1 < len(moves) else LAST_DAY
        if held > 0 and ends > first:
            found = at
    return found


def _net(slots: Iterable[Slot], who: str) -> dict[str, dict[date, int]]:
    """Sum by kind and day what slots change of ``who``'s usable quota."""
    net: dict[str, dict[date, int]] = {}
    for holder, kind, measure, n, day, _ in slots:
        sign = _USABLE.get(measure)
        if sign is None or holder != who:
            continue
        line = net.setdefault(kind, {})
        line[day] = line.get(day, 0) + sign * n
    return net


def _stretches(changes: dict[date, int]) -> Iterator[tuple[date, date, int]]:
    """Yield (first day, last day, running sum) for each stretch between dated changes."""
    days, running = sorted(changes), 0
    for i, day in enumerate(days):
        running += changes[day]
        last = days[i + 1] - timedelta(days=1) if i + 1 < len(days) else LAST_DAY
        yield day, last, running
