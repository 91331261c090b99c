"""What the writer hands to the database in one transaction, and what it needs of it.

Store.writing() ──► Transaction (holds the lock) ──store(Batch)──► entries, ledger rows, keys of
                                                                   requests, refusals: together
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.keeping import Changes, RowStore
from application.standings import Source
from domain.deciding import Command
from domain.vocabulary import ID_ALPHABET, ID_LENGTH, Entry


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
    """A transaction of the store that holds the writer's lock."""

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
