"""What callers hand to the writer, what it hands to the database, and what it needs of it.

    Filing ──► Writer ──► Receipt

Store.writing() ──► Transaction (holds the lock) ──store(Batch)──► entries, ledger rows, keys of
                                                                   requests, refusals: together
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from application.keeping import Changes, RowStore
from application.standings import Source
from domain.deciding import Command, Refused
from domain.vocabulary import ID_ALPHABET, ID_LENGTH, Entry

OFFICE_ZONE = ZoneInfo("Asia/Shanghai")
"""The office's calendar day decides what is late; moments are stored in UTC."""


class KeyReused(Exception):
    """An Idempotency-Key came back with another body."""


@dataclass(frozen=True)
class Filing:
    """What a caller hands in: one command, or several to be filed as one append.

    ``key`` is the caller's Idempotency-Key, scoped to the actor. ``partial``: refused members are
    left out and the rest is filed; otherwise one refusal refuses the whole. ``proposal`` names the
    proposal that this filing carries out (``prepared_by`` made it, ``approved_by`` runs it).
    ``progress`` hears of each command as it has been decided, in the thread that decides. So does
    ``hear`` of each outcome: then the filing is carried out part by part, however long it is, and
    the receipt does not hold the outcomes; tried as a ``dry_run`` it keeps nobody waiting.
    """

    commands: tuple[Command, ...]
    actor: str
    key: str | None = None
    prepared_by: str | None = None
    approved_by: str | None = None
    partial: bool = False
    dry_run: bool = False
    proposal: str | None = None
    progress: Callable[[], None] | None = None
    hear: Callable[[Outcome], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one command: the entries it filed, or why it was refused."""

    entries: tuple[Entry, ...] = ()
    refused: Refused | None = None


@dataclass(frozen=True)
class Receipt:
    """The answer to a filing: positions ``first`` to ``last`` (0 and 0 where nothing was filed)."""

    first: int
    last: int
    recorded_at: datetime
    outcomes: tuple[Outcome, ...]
    replayed: bool = False
    dry_run: bool = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry filed, in order."""
        return tuple(entry for outcome in self.outcomes for entry in outcome.entries)


@dataclass(frozen=True)
class Filed:
    """How an idempotent filing is remembered."""

    actor: str
    key: str
    fingerprint: bytes
    first: int
    last: int


@dataclass(frozen=True)
class Refusal:
    """How a refusal is kept aside: who asked for what, about whom, which rule said no."""

    actor: str
    command: str
    subjects: tuple[str, ...]
    rule: str


@dataclass
class Batch:
    """Everything that one transaction stores."""

    entries: list[Entry] = field(default_factory=list)
    filed: list[Filed] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    proposals: list[tuple[str, str, int]] = field(default_factory=list)
    ledgers: dict[str, Changes] = field(default_factory=dict)


class Transaction(Protocol):
    """A transaction of the store; it holds the writer's lock unless it only rehearses."""

    head: int
    moment: datetime

    def filed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Filed]:
        """Earlier filings under these (actor, key) pairs."""
        ...

    def tags_since(self, position: int) -> set[str]:
        """Tags of the entries after ``position``: what others have touched."""
        ...

    def add(self, entries: Sequence[Entry]) -> None:
        """Store entries that follow the last, ahead of the batch that they belong to."""
        ...

    def attempt(self) -> AbstractContextManager[None]:
        """Take back what is added within the block, if it ends badly; the lock is kept."""
        ...

    def store(self, batch: Batch) -> None:
        """Store everything, or raise and store nothing."""
        ...


class Store(Source, RowStore, Protocol):
    """What the writer needs of the database."""

    def writing(self) -> AbstractContextManager[Transaction]:
        """Take the lock; commit when the block ends well, else roll back."""
        ...

    def rehearsing(self) -> AbstractContextManager[tuple[Store, Transaction]]:
        """Lend the books as they stand now, without the lock: for trying, not for storing."""
        ...

    def fingerprint(self, command: str, body: bytes) -> bytes:
        """A keyed hash of a command's body."""
        ...

    def between(self, first: int, last: int) -> list[Entry]:
        """The entries from ``first`` to ``last``."""
        ...


_INTERNAL_ID = re.compile(f"[{ID_ALPHABET}]{{{ID_LENGTH}}}")


def subjects_of(command: Command) -> Iterable[str]:
    """Yield the internal ids a command's body names; never what it says about them."""
    values = (getattr(command, name) for name in type(command).model_fields)
    return (v for v in values if isinstance(v, str) and _INTERNAL_ID.fullmatch(v))
