"""What stands, by subject: kept warm by the writer, advanced entry by entry, undone exactly.

    small subjects (a person, an institution): their entries, and the standings folded from them
    large subjects (an account):               books of sums, changed in place, taken back exactly

Only one thread uses one `Standings`. Everything a command applies can be undone, so a refused
command leaves nothing behind; what it applied is seen by its own later facts and by the commands
after it in the same batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from itertools import islice
from sys import intern
from typing import Any, Protocol, cast

from domain.deciding import (
    KINDS,
    Book,
    Command,
    Hindrance,
    Misfit,
    Refused,
    Rule,
    S,
    Standing,
    rule,
)
from domain.settings import Settings
from domain.vocabulary import Entry, live

_BEFORE_ALL = (date.min, 0)


class Source(Protocol):
    """Where standings are loaded from: the journal as it stands at the writer's head."""

    def about(self, tags: Sequence[str]) -> dict[str, list[Entry]]:
        """All entries with each of the tags, by position, voids joined to their targets."""
        ...

    def entry(self, position: int) -> Entry | None:
        """The entry at that position, if there is one."""
        ...

    def voided_by(self, position: int) -> int | None:
        """The position of the entry that voids that one, if any."""
        ...

    def people_known_by(self, id_numbers: Sequence[str]) -> dict[str, str]:
        """The persons whom the identity index holds under these ID numbers, the last of each."""
        ...

    def new_id(self) -> str:
        """A fresh internal id."""
        ...


@rule
def later_entries_keep_their_footing() -> bool:
    """办理后，在案记录仍须前后衔接，不得使已有记录失去依据。

    依据：机构编制实名制管理“有据可查、账实相符”的要求；统计法第二十四条（原始记录真实、完整）。
    """
    return False


@cache
def is_large(kind: str) -> bool:
    """Whether subjects of that kind are kept as books of sums instead of lists of entries."""
    return any(issubclass(one, Book) for one in KINDS.get(kind, ()))


@cache
def _guards_of(kind: str) -> tuple[type[Standing], ...]:
    """Return the standings that guard subjects of that kind."""
    return tuple(s for s in KINDS.get(kind, ()) if s.guards and issubclass(s, Standing))


class Standings:
    """The writer's memory of what stands, bounded to ``capacity`` subjects of each size."""

    def __init__(self, source: Source, capacity: int = 20_000) -> None:
        """Remember nothing yet; load from ``source`` what is asked for."""
        self.source = source
        self.capacity = capacity
        self._logs: OrderedDict[str, tuple[Entry, ...]] = OrderedDict()
        self._states: dict[str, dict[type[Standing], Standing]] = {}
        self._latest: dict[str, tuple[date, int]] = {}
        self._books: OrderedDict[str, list[Book]] = OrderedDict()
        self._fresh: set[str] = set()
        self._identities: dict[str, str] = {}
        self._foreseen: dict[str, str | None] = {}
        self._unsettled: dict[int, Entry] = {}
        self._undo: list[Callable[[], object]] = []

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def of(self, kind: type[S], who: str) -> S:
        """Return what stands about ``who``."""
        return self.of_tag(kind, f"{kind.subject}:{who}")

    def of_tag(self, kind: type[S], tag: str) -> S:
        """Return what stands about the subject ``tag`` names, as ``kind`` of its subjects."""
        if issubclass(kind, Book):
            return cast("S", next(b for b in self.books(tag) if type(b) is kind))
        return cast("S", self._state(cast("type[Standing]", kind), tag))

    def log(self, tag: str) -> tuple[Entry, ...]:
        """Return the entries about a small subject, in order of position."""
        if tag in self._logs:
            self._logs.move_to_end(tag)
            return self._logs[tag]
        self.load([tag])
        return self._logs[tag]

    def load(self, tags: Iterable[str]) -> None:
        """Load several subjects in one question."""
        missing = [tag for tag in dict.fromkeys(tags) if tag not in self._logs]
        known = [tag for tag in missing if tag.partition(":")[2] not in self._fresh]
        found = self.source.about(known) if known else {}
        for tag in missing:
            self._logs[tag] = tuple(found.get(tag, ()))

    def books(self, tag: str) -> list[Book]:
        """Return the books of a large subject."""
        if tag not in self._books:
            kind, _, who = tag.partition(":")
            books = [cast("type[Book]", one)(who) for one in KINDS[kind]]
            if who not in self._fresh:
                for entry in self.source.about([tag]).get(tag, ()):
                    for book in books:
                        book.add(entry)
            self._books[tag] = books
        self._books.move_to_end(tag)
        return self._books[tag]

    def person_known_by(self, id_no: str) -> str | None:
        """Return the person with this ID number, filings of this batch included."""
        if id_no not in self._foreseen:
            self._foreseen[id_no] = self.source.people_known_by([id_no]).get(id_no)
        return self._identities.get(id_no) or self._foreseen[id_no]

    def foresee(self, commands: Iterable[Command]) -> None:
        """Load in two questions what these commands name, instead of one by one."""
        tags: dict[str, None] = {}
        numbers: dict[str, None] = {}
        for command in commands:
            tags.update(dict.fromkeys(command.subjects()))
            numbers.update(dict.fromkeys(command.id_numbers()))
        self.load(tags)
        if numbers:
            known = self.source.people_known_by(list(numbers))
            self._foreseen = {number: known.get(number) for number in numbers}

    def entry(self, position: int) -> Entry | None:
        """Return the entry at that position, filings of this batch included."""
        return self._unsettled.get(position) or self.source.entry(position)

    def voided_by(self, position: int) -> int | None:
        """Return the position of the entry that voids that one, if any."""
        here = (e.position for e in self._unsettled.values() if e.voids == position)
        return next(here, None) or self.source.voided_by(position)

    def new_id(self) -> str:
        """Return a fresh internal id; nothing has to be loaded for it."""
        fresh = self.source.new_id()
        self._fresh.add(fresh)
        return fresh

    def _state(self, kind: type[Standing], tag: str) -> Standing:
        states = self._states.setdefault(tag, {})
        state = states.get(kind)
        if state is None:
            state = kind.begun(tag.partition(":")[2])
            for entry in live(self.log(tag)):
                state = state.after(entry)
            states[kind] = state
        else:
            self._logs.move_to_end(tag)
        return state

    # ── applying and undoing ─────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry) -> None:
        """Let an entry take effect; `undo_to` can take it back."""
        self._unsettled[entry.position] = entry
        self._undo.append(lambda: self._unsettled.pop(entry.position))
        for tag in entry.tags:
            kind = tag.partition(":")[0]
            if kind not in KINDS:
                continue
            if is_large(kind):
                for book in self.books(tag):
                    book.add(entry)
                    self._undo.append(_taking_back(book, entry))
            else:
                self._extend(tag, entry)
        identity = entry.fact.identity_field
        id_no = None if identity is None else getattr(entry.fact, identity)
        if id_no is not None:
            self._note_identity(id_no, entry.subjects("person")[0])

    def _note_identity(self, id_no: str, person: str) -> None:
        before = self._identities.get(id_no)
        self._identities[id_no] = person

        def undo() -> None:
            if before is None:
                del self._identities[id_no]
            else:
                self._identities[id_no] = before

        self._undo.append(undo)

    def _extend(self, tag: str, entry: Entry) -> None:
        before, states = self.log(tag), self._states.get(tag, {})
        latest = self._latest.get(tag)
        if latest is None:
            orders = (e.order for e in before if e.voids is None)
            latest = max(orders, default=_BEFORE_ALL)
        newest = entry.voids is None and latest < entry.order
        self._latest[tag] = entry.order if newest else latest
        self._logs[tag] = (*before, entry)
        self._states[tag] = (
            {kind: state.after(entry) for kind, state in states.items()} if newest else {}
        )

        def undo() -> None:
            self._logs[tag], self._states[tag], self._latest[tag] = before, states, latest

        self._undo.append(undo)

    @property
    def mark(self) -> int:
        """A point to which `undo_to` can return."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back, last first, everything applied since ``mark``."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def hold(self) -> None:
        """What has been applied so far will be forgotten, if at all, by forgetting everything."""
        self._undo.clear()

    def settle(self, kept: int | None = None) -> None:
        """What has been applied is stored now: forget how to undo it, and trim.

        ``kept``: so many small subjects stay, instead of as many as there is room for.
        """
        self._undo.clear()
        self._unsettled.clear()
        self._fresh.clear()
        self._identities.clear()
        self._foreseen.clear()
        while len(self._logs) > (self.capacity if kept is None else kept):
            tag, _ = self._logs.popitem(last=False)
            self._states.pop(tag, None)
            self._latest.pop(tag, None)
        while len(self._books) > self.capacity // 10:
            self._books.popitem(last=False)

    def forget(self, tags: Iterable[str] | None = None) -> None:
        """Forget what stands about these subjects (all, without ``tags``): somebody else wrote."""
        self._undo.clear()
        self._unsettled.clear()
        self._identities.clear()
        self._foreseen.clear()
        if tags is None:
            self._fresh.clear()
        for tag in [*self._logs, *self._books] if tags is None else tags:
            self._logs.pop(tag, None)
            self._states.pop(tag, None)
            self._latest.pop(tag, None)
            self._books.pop(tag, None)

    # ── soundness ────────────────────────────────────────────────────────────────────────────

    def misfits(self, tags: Iterable[str]) -> set[Misfit]:
        """Return the misfits that the guarding standings of these small subjects have noted."""
        found: set[Misfit] = set()
        for tag in tags:
            for kind in _guards_of(tag.partition(":")[0]):
                found.update(self._state(kind, tag).misfits)
        return found

    def broken(self, entries: Sequence[Entry]) -> list[Misfit]:
        """Return what these applied entries break in the books of the large subjects they move."""
        tags = dict.fromkeys(tag for e in entries for tag in e.tags)
        large = [tag for tag in tags if is_large(tag.partition(":")[0])]
        return [misfit for tag in large for b in self.books(tag) for misfit in b.broken_by(entries)]


def _taking_back(book: Book, entry: Entry) -> Callable[[], None]:
    return lambda: book.remove(entry)


class Inquiry:
    """The `Past` of one decision: answers from `Standings` and notes what was asked."""

    def __init__(self, standings: Standings, today: date, actor: str) -> None:
        """Ask on behalf of ``actor`` on the day ``today`` (the office's calendar day of filing)."""
        self.standings = standings
        self.today = today
        self.actor = actor
        self.asked: dict[str, None] = {}
        self._told = 0
        self.rules: dict[str, None] = {}

    def of(self, standing: type[S], who: str) -> S:
        """See `domain.deciding.Past.of`."""
        tag = f"{standing.subject}:{who}"
        if tag not in self.asked:
            self.asked[intern(tag)] = None
        return self.standings.of_tag(standing, tag)

    def newly_asked(self) -> tuple[str, ...]:
        """Return the tags first asked about since the last call.

        A command that files thousands of facts asks about thousands of subjects: if each entry
        named all of them, the entries would grow with the square of their number.
        """
        told, self._told = self._told, len(self.asked)
        return tuple(islice(self.asked, told, None))

    def setting(self, name: str, on: date) -> Any:
        """See `domain.deciding.Past.setting`."""
        return self.of(Settings, "main").value(name, on)

    def require(self, rule: Rule, *args: Any, **kwargs: Any) -> None:
        """See `domain.deciding.Past.require`."""
        self.rules[rule.label] = None
        verdict = rule(*args, **kwargs)
        if verdict is True:
            return
        raise Refused(rule, verdict if isinstance(verdict, Hindrance) else Hindrance(""))

    def new_id(self) -> str:
        """See `domain.deciding.Past.new_id`."""
        return self.standings.new_id()

    def person_known_by(self, id_no: str) -> str | None:
        """See `domain.deciding.Past.person_known_by`."""
        return self.standings.person_known_by(id_no)

    def entry(self, position: int) -> Entry | None:
        """See `domain.deciding.Past.entry`."""
        return self.standings.entry(position)

    def voided_by(self, position: int) -> int | None:
        """See `domain.deciding.Past.voided_by`."""
        return self.standings.voided_by(position)
