"""Carrying out one command: decide, apply fact by fact, hold the net, or leave no trace.

    command ──decide──► fact ──make_entry──► Entry ──apply──► standings ──seen by──► the next fact
                                                                  │
                      any refusal: everything undone ◄── the net: │ whose footing is lost by it?

What was asked and required on the way stands in the inquiry when all is done.

The writer and the tests' stories both call `carry_out`, so a story behaves as the office's own
books do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from application.standings import Inquiry, Standings, is_large, later_entries_keep_their_footing
from domain.deciding import (
    COMMANDS,
    KINDS,
    Command,
    Draft,
    Hindrance,
    Misfit,
    Refused,
    decide,
    rule,
)
from domain.vocabulary import Entry, Fact

MakeEntry = Callable[[Draft], Entry]
"""Makes the entry of a complete draft (see `completed`); the writer knows position and moment."""

NAMED_AT_MOST = 20
"""A refusal names so many of the entries that would lose their footing, the earliest first."""


def carry_out(command: Command, inquiry: Inquiry, make_entry: MakeEntry) -> list[Entry]:
    """Decide ``command`` by asking ``inquiry`` and apply its entries to the standings, in order.

    Raises `Refused`, with the standings as before: a rule said no, or entries on record would lose
    their footing. Any other error also leaves them as before.
    """
    standings = inquiry.standings
    mark = standings.mark
    before = _Before(standings)
    entries: list[Entry] = []
    try:
        for fact in decide(command, inquiry):
            entry = make_entry(completed(fact, command))
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


# ── two people ───────────────────────────────────────────────────────────────────────────────


@rule
def two_people_act(kind: str, prepared_by: str | None, approved_by: str | None) -> bool | Hindrance:
    """设置为须经两人办理的业务，由一人经办、另一人核准。

    依据：行政事业单位内部控制规范（试行）第十二条（不相容岗位相互分离）。
    """
    if approved_by is None:
        return Hindrance(f"“{COMMANDS[kind].title}”须提交第二人核准。")
    return approved_by != prepared_by or Hindrance("经办与核准是同一人。")


def require_two(
    command: Command, prepared_by: str | None, approved_by: str | None, inquiry: Inquiry
) -> None:
    """Require a second person where the setting in force today asks for one, or one is named."""
    asked = inquiry.setting("four_eyes", inquiry.today)
    waiting = kinds_in(command).intersection(asked)
    if waiting or approved_by is not None:
        kind = min(waiting, default=command.kind)
        inquiry.require(two_people_act, kind, prepared_by, approved_by)


def kinds_in(command: Command) -> set[str]:
    """Return the kinds that a command carries out: its own, and those inside a correction."""
    if "items" not in type(command).model_fields:
        return {command.kind}
    inside: list[Any] = [getattr(one, "command", None) for one in getattr(command, "items", ())]
    return {command.kind, *(one.kind for one in inside if one is not None)}
