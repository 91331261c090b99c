"""Stories: given what is on record, when a command comes, then these facts, or that refusal.

    story = Story(today=date(2021, 7, 5))
    story.when(EnterEstablishment(…)).then(Entered)
    story.when(EnterEstablishment(…)).refused_by(quota_has_a_vacancy)     # and nothing was recorded

A story decides and applies exactly as the office's writer does (`application.deciding.carry_out`
on `application.standings`), over a journal kept in a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self, TypeVar

from application.books import LEDGERS
from application.deciding import carry_out
from application.ledgers import Ledger, SumLedger, row_as_of, sums_as_of
from application.standings import Inquiry, Standings
from domain.deciding import Command, Draft, Refused, Rule, Standing
from domain.vocabulary import ID_LENGTH, Decided, Entry, Fact

OPENED = datetime(2021, 6, 30, 1, 0, tzinfo=UTC)
FAR = 2**53

F = TypeVar("F", bound=Fact)


@dataclass
class Memory:
    """A journal kept in a list: what `application.standings.Source` asks for."""

    entries: list[Entry] = field(default_factory=list)
    ids: int = 0

    def about(self, tags: Sequence[str]) -> dict[str, list[Entry]]:
        """All entries with each of the tags, by position."""
        return {tag: [e for e in self.entries if tag in e.tags] for tag in tags}

    def entry(self, position: int) -> Entry | None:
        """The entry at that position."""
        return self.entries[position - 1] if 0 < position <= len(self.entries) else None

    def voided_by(self, position: int) -> int | None:
        """The entry that voids that one."""
        return next((e.position for e in self.entries if e.voids == position), None)

    def people_known_by(self, id_numbers: Sequence[str]) -> dict[str, str]:
        """The people registered under these numbers, the last of each."""
        known: dict[str, str] = {}
        for entry in self.entries:
            identity = entry.fact.identity_field
            number = None if identity is None else getattr(entry.fact, identity)
            if number is not None and number in id_numbers:
                known[number] = entry.subjects("person")[0]
        return known

    def new_id(self) -> str:
        """The next id of a plain count, written as an internal id is."""
        self.ids += 1
        return f"{self.ids:0{ID_LENGTH}d}"


class Story:
    """One office's journal, filed into command by command."""

    def __init__(self, today: date = date(2021, 7, 5)) -> None:
        self.today = today
        self.actor = "zhang"
        self.memory = Memory()
        self.standings = Standings(self.memory)
        self.appended: list[Entry] = []
        self.refusal: Refused | None = None

    # ── given, when ──────────────────────────────────────────────────────────────────────────

    def given(self, *commands: Command) -> Self:
        """File these; none of them may be refused."""
        for command in commands:
            self.file(command)
        return self

    def when(self, command: Command) -> Self:
        """File this one, or remember why it was refused."""
        self.refusal, self.appended = None, []
        before = list(self.memory.entries)
        try:
            self.file(command)
        except Refused as refused:
            self.refusal = refused
            assert self.memory.entries == before
        return self

    def file(self, *commands: Command) -> list[Entry]:
        """Decide and append, several as one append; raises `Refused`, with nothing recorded."""
        head = len(self.memory.entries)
        mark, made = self.standings.mark, list[Entry]()
        try:
            for command in commands:
                made += self._carried_out(command, head, head + len(made))
        except Refused:
            self.standings.undo_to(mark)
            raise
        self.standings.settle()
        self.appended = made
        self.memory.entries += made
        return self.appended

    def _carried_out(self, command: Command, head: int, last: int) -> list[Entry]:
        """Carry out a command whose entries follow position ``last``."""
        recorded_at = OPENED + timedelta(minutes=head)
        inquiry = Inquiry(self.standings, self.today, self.actor)
        made: list[Entry] = []

        def make_entry(draft: Draft) -> Entry:
            entry = self._entry(draft, last + len(made) + 1, recorded_at)
            asked, rules = inquiry.newly_asked(), tuple(inquiry.rules)
            made.append(replace(entry, decided=Decided(last, asked, rules, "test")))
            return made[-1]

        return carry_out(command, inquiry, make_entry)

    def _entry(self, draft: Draft, position: int, recorded_at: datetime) -> Entry:
        assert draft.filing is not None
        assert draft.tags is not None
        return Entry(
            position=position,
            id=self.memory.new_id(),
            recorded_at=recorded_at,
            effective_on=draft.effective_on,
            place=draft.place or position,
            actor=self.actor,
            prepared_by=self.actor,
            approved_by=None,
            basis=draft.filing.basis,
            note=draft.filing.note,
            secrecy=draft.filing.secrecy,
            tags=draft.tags,
            fact=draft.fact,
            voids=draft.voids,
            target=draft.target,
        )

    # ── then ─────────────────────────────────────────────────────────────────────────────────

    def then(self, *kinds: type[Fact]) -> list[Entry]:
        """Expect facts of these kinds, in this order; return their entries."""
        assert self.refusal is None, self.refusal
        assert [type(entry.fact) for entry in self.appended] == list(kinds)
        return self.appended

    def then_one(self, kind: type[F]) -> F:
        """Expect exactly one fact of this kind; return it."""
        fact = self.then(kind)[0].fact
        assert isinstance(fact, kind)
        return fact

    def refused_by(self, rule: Rule, *said: str, at: Iterable[int] | None = None) -> Refused:
        """Expect a refusal by this rule that says so; nothing was recorded."""
        assert self.refusal is not None, "it was not refused"
        assert self.refusal.rule.name == rule.name, self.refusal
        for words in said:
            assert words in str(self.refusal), self.refusal
        if at is not None:
            assert self.refusal.positions == tuple(at), self.refusal.positions
        assert not self.appended, "something was recorded"
        return self.refusal

    # ── what was filed, what the ledgers say ─────────────────────────────────────────────────

    def last(self, kind: type[F]) -> F:
        """The newest fact of a kind."""
        return next(e.fact for e in reversed(self.memory.entries) if isinstance(e.fact, kind))

    def position(self, kind: type[Fact]) -> int:
        """The position of the newest fact of a kind."""
        return next(e.position for e in reversed(self.memory.entries) if isinstance(e.fact, kind))

    def row(self, ledger: str, key: str, on: date | None = None, known: int = FAR) -> Any:
        """What an ordinary ledger says of a key, by the law."""
        book = LEDGERS[ledger]
        assert isinstance(book, Ledger)
        entries = [e for e in self.memory.entries if key in book.keys(e)]
        return row_as_of(book, key, entries, on or self.today, known)

    def rows(self, ledger: str, on: date | None = None, known: int = FAR) -> dict[str, Any]:
        """Every row of an ordinary ledger, by key."""
        book = LEDGERS[ledger]
        assert isinstance(book, Ledger)
        taken = [entry for entry in self.memory.entries if book.takes(entry)]
        keys = dict.fromkeys(key for entry in taken for key in book.keys(entry))
        rows = {key: self.row(ledger, key, on, known) for key in keys}
        return {key: row for key, row in rows.items() if row is not None}

    def sums(
        self, ledger: str, on: date | None = None, known: int = FAR
    ) -> dict[tuple[str, ...], dict[str, int]]:
        """Every line of a running book."""
        book = LEDGERS[ledger]
        assert isinstance(book, SumLedger)
        return sums_as_of(book, self.memory.entries, on or self.today, known)

    def anew(self, kind: type[Standing], who: str) -> Standing:
        """What stands about ``who``, folded anew from the whole journal."""
        return Standings(self.memory).of(kind, who)
