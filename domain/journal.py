"""Opening the journal, voiding and correcting (建账、作废、更正).

An office that opens its journal (流水) says whose books they are, and whether they are a
demonstration (示范) or the real ones (正式): entry 1.

Nothing that was filed is ever edited or deleted. What was filed wrongly is **voided** (作废): a new
entry names it and says why, and from then on every ledger reads as if it had not been filed, while
what was known before stays known as of before. A void cannot be voided: what should stand after
all is filed again. **Correcting** (更正) voids and files anew in one append, so that nobody ever
reads the books in between: a fact filed in place of one of its own kind keeps the original's place
in the order of its day, and whoever began with the original (an institution, a person, a document)
goes on under the same internal id.

Entries that rest on what is voided would lose their footing: then it is refused, naming them, and
they are voided or corrected in the same append.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.codes import Named, only
from domain.deciding import (
    COMMANDS,
    Command,
    DatedCommand,
    Decision,
    Draft,
    Hindrance,
    Past,
    Rule,
    S,
    Standing,
    decide,
    naming,
    rule,
)
from domain.vocabulary import Entry, Fact, Personal, Text

OFFICE: Final = "main"

Purpose = Literal["demonstration", "live"]
PURPOSES: Final[dict[Purpose, str]] = {"live": "正式", "demonstration": "示范"}
"""What a journal may be opened for (用途)."""

Position = Annotated[int, Field(title="流水号", ge=1, lt=2**53, strict=True)]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class JournalOpened(Fact, fact="journal.opened", called="建账", about=("office:main",)):
    """The office opened its journal (建账); always entry 1."""

    office: Text
    purpose: Purpose
    format_version: Literal[1] = 1


class Voided(Fact, fact="journal.voided", called="作废"):
    """An earlier entry does not stand: it was filed wrongly. Carries all tags of that entry."""

    target: int
    target_id: str
    reason: Annotated[Text, Personal()]


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opening(Standing, subject="office"):
    """Whether the journal has been opened, by which entry, as of which day (建账日)."""

    position: int | None = None
    day: date | None = None

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        if not _opens(entry):
            return self
        return replace(self, position=entry.position, day=entry.business_date)


def _opens(entry: Entry) -> bool:
    return isinstance(entry.fact, JournalOpened)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def journal_is_opened_once(opening: Opening) -> bool | Hindrance:
    """一个单位的流水只建账一次。依据：统计法第二十四条（原始记录和台账真实、完整、连续）。"""
    if opening.position is None:
        return True
    return Hindrance("本单位已经建账。", (opening.position,))


@rule
def journal_has_been_opened(opening: Opening) -> bool | Hindrance:
    """先建账，再办理业务。依据：统计法第二十四条（原始记录和台账真实、完整、连续）。"""
    return opening.position is not None or Hindrance("本单位还没有建账，请先办理建账。")


@rule
def books_are_taken_over_as_of_their_opening(opening: Opening, day: date) -> bool | Hindrance:
    """期初数据是建账日当天的情况；此后的变化应逐项办理。

    依据：统计法第二十四条（原始记录和台账真实、完整、连续）；机构编制实名制管理关于用编先核准、后进人的
    规定。
    """
    if opening.position is None or opening.day == day:
        return True
    return Hindrance(f"本单位的建账日是{opening.day}，不是{day}。", (opening.position,))


@rule
def entry_is_on_record(entry: Entry | None, position: int) -> bool | Hindrance:
    """只能作废或更正已经在案的记录。依据：统计法第二十四条（原始记录真实、完整）。"""
    return entry is not None or Hindrance(f"流水号{position}没有记录，请核对。")


@rule
def entry_can_be_voided(entry: Entry) -> bool | Hindrance:
    """作废记录和建账记录不能作废；要恢复被作废的内容，请重新办理。

    依据：统计法第二十四条（原始记录真实、完整，更正有据可查）。
    """
    if entry.voids is not None:
        return Hindrance(f"流水号{entry.position}本身是作废记录。", (entry.position,))
    if isinstance(entry.fact, JournalOpened):
        return Hindrance(f"流水号{entry.position}是建账记录。", (entry.position,))
    return True


@rule
def entry_still_stands(entry: Entry, voided_by: int | None) -> bool | Hindrance:
    """一条记录只作废一次。依据：统计法第二十四条（原始记录真实、完整，更正有据可查）。"""
    if voided_by is None:
        return True
    return Hindrance(f"流水号{entry.position}已由流水号{voided_by}作废。", (voided_by,))


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class OpenJournal(DatedCommand, kind="journal.open", title="建账"):
    """Open the office's journal; its first entry."""

    office: Annotated[Text, Field(title="单位名称")]
    purpose: Annotated[Purpose, Named(PURPOSES), Field(title="用途")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(journal_is_opened_once, past.of(Opening, OFFICE))
        yield JournalOpened(office=self.office, purpose=self.purpose)


class VoidEntries(Command, kind="journal.void", title="作废记录"):
    """Void entries that were filed wrongly; all of them, or none."""

    positions: Annotated[
        tuple[Position, ...], Field(title="要作废的流水号", min_length=1, max_length=1000)
    ]
    reason: Annotated[Text, Field(title="作废原因")]

    @model_validator(mode="after")
    def _voids_each_once(self) -> Self:
        _each_once(self.positions)
        return self

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        for position in self.positions:
            yield _voiding(position, self.reason, past)


class Refiled(BaseModel):
    """A command to be carried out again within a correction: its kind and its body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(title="业务种类", examples=["staffing.enter"])]
    body: Annotated[dict[str, Any], Field(title="业务内容")]

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        kinds = {
            one: made.title for one, made in COMMANDS.items() if not one.startswith("journal.")
        }
        if self.kind not in kinds:
            raise ValueError(f"更正中不能办理“{self.kind[:40]}”；{only(kinds)}")
        try:
            self.command()
        except ValidationError as error:
            faults = [
                f"{'→'.join(str(part) for part in fault['loc'])}:{fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            ]
            raise ValueError(
                f"“{COMMANDS[self.kind].title}”填写有误：{'；'.join(faults)}"
            ) from None
        return self

    def command(self) -> Command:
        """Return the command itself."""
        return COMMANDS[self.kind].model_validate(self.body)


class Correction(BaseModel):
    """One item of a correction: void ``position``, carry out ``command``, or the one for the other.

    A command without a position is filed beside the others: what was left out the first time, or
    what has a footing only together, such as the coming and going of a stay learnt about late.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: Annotated[Position | None, Field(title="要更正的流水号")] = None
    command: Annotated[Refiled | None, Field(title="改为办理")] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.position is None and self.command is None:
            raise ValueError("每一项至少填写要更正的流水号或改为办理的业务")
        return self


class CorrectEntries(Command, kind="journal.correct", title="更正记录"):
    """Void entries and file what should have been filed, in one append."""

    items: Annotated[
        tuple[Correction, ...],
        Field(
            title="更正事项",
            description="只填流水号的，只作废；只填改为办理的，为补办；都填的，作废后改为办理",
            min_length=1,
            max_length=1000,
        ),
    ]
    reason: Annotated[Text, Field(title="更正原因")]

    @model_validator(mode="after")
    def _corrects_each_once(self) -> Self:
        _each_once(one.position for one in self.items if one.position is not None)
        return self

    def id_numbers(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.id_numbers`."""
        return tuple(number for one in self._commands() for number in one.id_numbers())

    def subjects(self) -> tuple[str, ...]:
        """See `domain.deciding.Command.subjects`."""
        return tuple(tag for one in self._commands() for tag in one.subjects())

    def _commands(self) -> list[Command]:
        return [item.command.command() for item in self.items if item.command is not None]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: first everything is voided, then filed in order."""
        originals: list[Entry | None] = []
        for n, item in enumerate(self.items):
            if item.position is None:
                originals.append(None)
                continue
            with naming(partial(_told, n, item)):
                void = _voiding(item.position, self.reason, past)
            originals.append(void.target)
            yield void
        together = sum(item.command is not None for item in self.items) > 1
        for n, (item, original) in enumerate(zip(self.items, originals, strict=True)):
            if item.command is not None:
                kept = _Refiling(past, original, together=together)
                with naming(partial(_told, n, item)):
                    yield from _refiling(item.command.command(), original, kept)


def _told(n: int, item: Correction) -> str:
    """Say which item of a correction it is, counting from 0: ``第2项更正（流水号5改为“出编”）``."""
    entry = "" if item.position is None else f"流水号{item.position}"
    if item.command is None:
        return f"第{n + 1}项更正（作废{entry}）"
    filed = f"“{COMMANDS[item.command.kind].title}”"
    return f"第{n + 1}项更正（{f'{entry}改为{filed}' if entry else f'补办{filed}'}）"


def _each_once(positions: Iterable[int]) -> None:
    """One written twice would be refused for the void before it, which is not on record."""
    for position, times in Counter(positions).items():
        if times > 1:
            raise ValueError(f"流水号{position}写了{times}次，请只写一次")


def _voiding(position: int, reason: str, past: Past) -> Draft:
    entry = past.entry(position)
    past.require(entry_is_on_record, entry, position)
    if entry is None:  # the rule has refused by now; this tells the type checker
        raise AssertionError
    past.require(entry_can_be_voided, entry)
    past.require(entry_still_stands, entry, past.voided_by(position))
    fact = Voided(target=position, target_id=entry.id, reason=reason)
    return Draft(fact, tags=entry.tags, place=entry.place, voids=position, target=entry)


def _refiling(command: Command, original: Entry | None, past: Past) -> Iterator[Draft]:
    """Carry out ``command``; its first fact of the original's kind takes the original's place."""
    place = None if original is None else original.place
    for one in decide(command, past):
        draft = one if isinstance(one, Draft) else Draft(one)
        if original is not None and place and type(draft.fact) is type(original.fact):
            draft, place = replace(draft, place=place), None
        yield replace(draft, filing=command)


class _Refiling:
    """The past as a command within a correction asks it.

    The first new ids are those of the subjects that the original entry founded. Where several
    commands are filed ``together``, what the net holds need not hold after each of them.
    """

    def __init__(self, past: Past, original: Entry | None, *, together: bool) -> None:
        self._past = past
        self._together = together
        self._ids = [] if original is None else list(original.fact.founded_ids())

    @property
    def today(self) -> date:
        return self._past.today

    @property
    def actor(self) -> str:
        return self._past.actor

    def of(self, standing: type[S], who: str) -> S:
        return self._past.of(standing, who)

    def setting(self, name: str, on: date) -> Any:
        return self._past.setting(name, on)

    def require(self, rule: Rule, *args: Any, **kwargs: Any) -> None:
        if not (self._together and rule.held_by_the_net):
            self._past.require(rule, *args, **kwargs)

    def new_id(self) -> str:
        return self._ids.pop(0) if self._ids else self._past.new_id()

    def person_known_by(self, id_no: str) -> str | None:
        known = self._past.person_known_by(id_no)
        return None if known in self._ids else known

    def entry(self, position: int) -> Entry | None:
        return self._past.entry(position)

    def voided_by(self, position: int) -> int | None:
        return self._past.voided_by(position)


# ── the opening, for what comes after it ─────────────────────────────────────────────────────


def require_opened(command: Command, past: Past) -> None:
    """Require that entry 1 is the opening: nothing else is filed before it."""
    opening = past.of(Opening, OFFICE)
    if not isinstance(command, OpenJournal) and opening.position is None:
        past.require(journal_has_been_opened, opening)


def require_opening_day(day: date, past: Past) -> None:
    """Require that what is taken over from earlier books is their state on the 建账日."""
    past.require(books_are_taken_over_as_of_their_opening, past.of(Opening, OFFICE), day)
