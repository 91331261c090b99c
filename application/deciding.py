"""Carrying out one command: decide, apply fact by fact, hold the net, or leave no trace.

    command ──decide──► fact ──make_entry──► Entry ──apply──► standings ──seen by──► the next fact
                                                                  │
                      any refusal: everything undone ◄── the net: │ whose footing is lost by it?

The writer and the tests' stories both call `carry_out`, so a story behaves as the office's own
books do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from application.standings import Inquiry, Standings, is_large, later_entries_keep_their_footing
from domain.deciding import KINDS, Command, Draft, Hindrance, Misfit, Refused, decide
from domain.vocabulary import Entry, Fact

MakeEntry = Callable[[Draft, Inquiry], Entry]
"""Makes the entry of a complete draft (see `completed`); the writer knows position and moment."""

NAMED_AT_MOST = 20
"""A refusal names so many of the entries that would lose their footing, the earliest first."""


def carry_out(
    command: Command, standings: Standings, today: date, actor: str, make_entry: MakeEntry
) -> list[Entry]:
    """Decide ``actor``'s ``command`` on ``today`` and apply its entries to ``standings``, in order.

    Raises `Refused`, with ``standings`` as before: a rule said no, or entries on record would lose
    their footing. Any other error also leaves them as before.
    """
    mark = standings.mark
    inquiry = Inquiry(standings, today, actor)
    before = _Before(standings)
    entries: list[Entry] = []
    try:
        for fact in decide(command, inquiry):
            entry = make_entry(completed(fact, command), inquiry)
            before.look(entry.tags)
            standings.apply(entry)
            entries.append(entry)
        _hold_the_net(entries, before, inquiry)
    except BaseException:
        standings.undo_to(mark)
        raise
    return entries


def completed(fact: Fact | Draft, command: Command) -> Draft:
    """Return a draft that says everything the decision knows about the entry to be made.

    Its ``filing`` is set, its ``effective_on`` is the entry's business date (None for a void), its
    ``tags`` name the subjects and the documents the filing cites.
    """
    if isinstance(fact, Fact):
        fact = Draft(fact)
    filing = fact.filing or command
    tags = fact.fact.tags() if fact.tags is None else fact.tags
    if fact.voids is not None:
        return replace(fact, filing=filing, tags=tags)
    day = fact.effective_on or filing.business_date()
    if day is None:
        raise TypeError(f"{filing.kind} gives {fact.fact.fact_name} no business date")
    if filing.basis:
        cited = (f"cites:{citation.document}" for citation in filing.basis)
        tags = tuple(dict.fromkeys((*tags, *cited)))
    return Draft(fact.fact, day, fact.place, tags, filing=filing)


class _Before:
    """The misfits that small subjects had before this command touched them."""

    def __init__(self, standings: Standings) -> None:
        self.standings = standings
        self.small: dict[str, None] = {}
        self.misfits: set[Misfit] = set()

    def look(self, tags: Iterable[str]) -> None:
        """Remember the misfits of the subjects that have not been touched yet."""
        for tag in tags:
            kind = tag.partition(":")[0]
            if kind not in KINDS or tag in self.small or is_large(kind):
                continue
            self.small[tag] = None
            self.misfits |= self.standings.misfits((tag,))


def _hold_the_net(entries: list[Entry], before: _Before, inquiry: Inquiry) -> None:
    """Refuse where entries on record, or these among themselves, have lost their footing."""
    standings = before.standings
    inquiry.asked.update(dict.fromkeys(tag for entry in entries for tag in entry.tags))
    inquiry.rules[later_entries_keep_their_footing.label] = None
    new = standings.misfits(before.small) - before.misfits
    found = sorted({*new, *standings.broken(entries)})
    if not found:
        return
    own = {0, *(entry.position for entry in entries)}  # 0 names no entry
    reasons = list(dict.fromkeys(misfit.why for misfit in found))[:NAMED_AT_MOST]
    on_record = list(dict.fromkeys(m.position for m in found if m.position not in own))
    hindrance = Hindrance("；".join(reasons) + "。", tuple(on_record[:NAMED_AT_MOST]))
    raise Refused(later_entries_keep_their_footing, hindrance)
