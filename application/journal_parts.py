"""A long filing (an import of a whole district) carried out part by part, in little memory.

    commands ──a thousand at a time──► decided ──► stored ──► forgotten
                                                      └─ ledger rows wait for the append's end

It is one append in one transaction all the same: its entries share one moment, its ledger rows one
step, the append's last position, which is known only at the end. Each outcome is heard by the
caller as it is decided, so that nothing but what is heard has to be kept. Its commands file new
facts; none voids or corrects what another of its parts has filed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from application.filing import Transaction
from application.keeping import Keeper
from application.standings import Standings
from domain.deciding import Command
from domain.vocabulary import Entry

PART: Final = 1_000
"""Commands of one part."""

KEPT: Final = 2_000
"""So many subjects are remembered from one part to the next; others are loaded again."""


class Session(Protocol):
    """What a batch of the writer lends to a long filing, which is alone in it."""

    standings: Standings
    keeper: Keeper
    transaction: Transaction
    position: int

    def forget(self) -> None:
        """Forget what the writer remembers: it is not, or not so, what is stored."""
        ...


def carry_out_in_parts(
    session: Session,
    commands: Sequence[Command],
    decide: Callable[[Command], Sequence[Entry]],
    *,
    dry_run: bool,
) -> int:
    """Decide the ``commands`` and, unless it is a dry run, store their entries; return how many.

    Whatever ``decide`` raises takes everything back.
    """
    start = session.position
    try:
        with session.transaction.attempt():
            for part in _parts(commands):
                session.standings.foresee(part)
                entries = [entry for command in part for entry in decide(command)]
                if dry_run:
                    session.standings.hold()
                elif entries:
                    _store(session, entries)
    except BaseException:
        session.position = start
        session.forget()
        raise
    filed = session.position - start
    if dry_run:
        session.position = start
        session.forget()
    elif filed:
        session.keeper.end_append(session.position)
    return filed


def _parts(commands: Sequence[Command]) -> Iterator[tuple[Command, ...]]:
    waiting = iter(commands)
    while part := tuple(islice(waiting, PART)):
        yield part


def _store(session: Session, entries: Sequence[Entry]) -> None:
    """Store the entries of a part; what they add up to can be loaded again from then on."""
    session.keeper.absorb_part(entries)
    session.transaction.add(entries)
    session.standings.settle(KEPT)
    session.keeper.trim(KEPT)
