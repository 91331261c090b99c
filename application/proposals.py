"""Prepared by one, approved by another (一人经办、一人核准).

    prepare ──► waiting (待核准) ──approve──► filed: one append, ``prepared_by`` and ``approved_by``
                      ├──return──► returned (退回), with the reason
                      └──withdraw──► withdrawn (撤回), by who prepared it

Which kinds of command wait is a setting (``four_eyes``). A proposal is no entry: the journal knows
only what was filed. Nothing is decided for good before the approval, which decides on what stands
on that day; until then the command is kept sealed, and afterwards not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from application.filing import Filing
from domain.deciding import COMMANDS, Command


class State(StrEnum):
    """What became of a proposal."""

    WAITING = "waiting"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


STATES = {
    State.WAITING: "待核准",
    State.APPROVED: "已核准",
    State.RETURNED: "已退回",
    State.WITHDRAWN: "已撤回",
}


class ProposalUnknown(Exception):
    """There is no such proposal."""


class ProposalDecided(Exception):
    """The proposal does not wait any more: it was approved, returned or withdrawn."""


class OwnWork(Exception):
    """Nobody approves or returns what he prepared himself."""


class NotYours(Exception):
    """Only who prepared a proposal withdraws it."""


class KeyTaken(Exception):
    """The Idempotency-Key was used for another proposal."""


@dataclass(frozen=True)
class Proposal:
    """A command that waits, or waited, for a second person.

    ``command`` is there only while it waits; ``position`` is the first entry it became.
    """

    id: str
    kind: str
    state: State
    prepared_by: str
    prepared_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    position: int | None = None
    command: Command | None = None

    @property
    def title(self) -> str:
        """The command's Chinese name."""
        return COMMANDS[self.kind].title


class ProposalStore(Protocol):
    """Where proposals wait (see ``infrastructure/proposals.py``)."""

    def add(self, command: Command, prepared_by: str, key: str | None) -> Proposal:
        """Keep a new one; the same key and command give the first one again.

        Raises `KeyTaken` where the key came with another command.
        """
        ...

    def sent(self, command: Command, prepared_by: str, key: str) -> Proposal | None:
        """The proposal that the same key and command made before, if any; raises `KeyTaken`."""
        ...

    def get(self, identity: str) -> Proposal | None:
        """The proposal with its command opened, if there is one."""
        ...

    def page(
        self, *, state: State | None, prepared_by: str | None, before: str | None, limit: int
    ) -> list[Proposal]:
        """Proposals without their commands, newest first, those before another one's id."""
        ...

    def close(self, identity: str, state: State, by: str, reason: str | None) -> bool:
        """Return or withdraw a waiting one; False where it waits no more."""
        ...


class Proposals:
    """The proposals of one office."""

    def __init__(self, store: ProposalStore) -> None:
        """Keep them in ``store``."""
        self._store = store

    def prepare(self, command: Command, actor: str, key: str | None) -> Proposal:
        """Let a command wait for a second person."""
        return self._store.add(command, actor, key)

    def sent(self, command: Command, actor: str, key: str | None) -> Proposal | None:
        """Return the proposal that the same request made when it was sent before, if it was."""
        return None if key is None else self._store.sent(command, actor, key)

    def page(
        self, *, state: State | None, prepared_by: str | None, before: str | None, limit: int
    ) -> list[Proposal]:
        """Return proposals without their contents, newest first."""
        return self._store.page(state=state, prepared_by=prepared_by, before=before, limit=limit)

    def get(self, identity: str) -> Proposal:
        """Return one with its command; raises `ProposalUnknown`."""
        found = self._store.get(identity)
        if found is None:
            raise ProposalUnknown(identity)
        return found

    def approval(self, identity: str, actor: str, *, dry_run: bool = False) -> Filing:
        """Return the filing that carries the proposal out once the writer takes it.

        The writer stores the approval with the entries, or neither. Raises `ProposalUnknown`,
        `ProposalDecided`, `OwnWork`.
        """
        found = self._waiting(identity)
        if found.command is None:
            raise ProposalDecided(identity)
        if found.prepared_by == actor:
            raise OwnWork(identity)
        return Filing(
            commands=(found.command,),
            actor=actor,
            prepared_by=found.prepared_by,
            approved_by=actor,
            dry_run=dry_run,
            proposal=identity,
        )

    def give_back(self, identity: str, actor: str, reason: str) -> Proposal:
        """Return a proposal to who prepared it, saying why."""
        if self._waiting(identity).prepared_by == actor:
            raise OwnWork(identity)
        return self._close(identity, State.RETURNED, actor, reason)

    def withdraw(self, identity: str, actor: str) -> Proposal:
        """Take one's own proposal back."""
        if self._waiting(identity).prepared_by != actor:
            raise NotYours(identity)
        return self._close(identity, State.WITHDRAWN, actor, None)

    def _waiting(self, identity: str) -> Proposal:
        found = self.get(identity)
        if found.state is not State.WAITING:
            raise ProposalDecided(identity)
        return found

    def _close(self, identity: str, state: State, actor: str, reason: str | None) -> Proposal:
        if not self._store.close(identity, state, actor, reason):
            raise ProposalDecided(identity)
        return self.get(identity)
