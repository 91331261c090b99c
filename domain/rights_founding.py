"""What rests on a department or township being there at all (设立、期初 and what was listed since).

A setting up that was filed wrongly is voided, or corrected to a later day, only when nothing stands
on the institution's lists that it would leave without anybody to exercise it: the items and matters
are voided or corrected in the same append.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from domain.deciding import Command, Hindrance, Past, guards, rule
from domain.institutions import DISTRICT, Directory, Founded, Founding, Institution
from domain.journal import CorrectEntries, VoidEntries
from domain.opening import OpenInstitution
from domain.opening_names import bearing
from domain.rights import NAMED_AT_MOST
from domain.rights_catalogue import Catalogue
from domain.rights_matters import TownshipMatters
from domain.vocabulary import LAST_DAY

_NEVER = LAST_DAY + timedelta(days=1)


@rule
def lists_stand_on_a_founded_body(
    positions: tuple[int, ...], name: str, since: date | None
) -> bool | Hindrance:
    """机构的设立或期初被作废、改晚后，其名下不得留有此前的权责事项和乡镇事项。

    依据：统计法第二十四条（原始记录和台账真实、完整、连续）；权责清单应有实施主体的要求。
    """
    if not positions:
        return True
    left = f"{since}以前" if since else ""
    detail = f"{name}{left}名下还有{len(positions)}项权责事项或乡镇事项，请一并作废或更正。"
    return Hindrance(detail, positions[:NAMED_AT_MOST])


def _require(position: int, since: date | None, gone: Collection[int], past: Past) -> None:
    """Require that nothing is left of before ``since`` where ``position`` founded an institution.

    ``gone`` are the entries that are voided together with it.
    """
    entry = past.entry(position)
    if entry is None or not isinstance(entry.fact, Founded):
        return
    who, day = entry.fact.institution, since or _NEVER
    there = (*past.of(Catalogue, who).before(day), *past.of(TownshipMatters, who).before(day))
    left = tuple(sorted(one for one in there if one not in gone))
    name = past.of(Institution, who).name
    past.require(lists_stand_on_a_founded_body, left, name, since)


def _founds_anew(command: Command | None, position: int, past: Past) -> date | None:
    """Return the day on which a correction lets the institution begin; None where it does not."""
    entry = past.entry(position)
    if isinstance(command, Founding):
        return command.effective_on
    if isinstance(command, OpenInstitution) and entry is not None:
        known = bearing(command.name, command.effective_on, past.of(Directory, DISTRICT))
        if known is None or known.position == position:
            return command.effective_on
    return None


@guards(VoidEntries)
def _nothing_is_left_behind(command: VoidEntries, past: Past) -> None:
    for position in command.positions:
        _require(position, None, command.positions, past)


@guards(CorrectEntries)
def _nothing_stands_before_it_begins(command: CorrectEntries, past: Past) -> None:
    gone = [one.position for one in command.items if one.position is not None]
    for one in command.items:
        if one.position is not None:
            anew = None if one.command is None else one.command.command()
            _require(one.position, _founds_anew(anew, one.position, past), gone, past)
