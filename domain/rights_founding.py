"""What rests on a department or township being there at all (设立、期初 and what was listed since).

A setting up that was filed wrongly is voided, or corrected to a later day, only when nothing stands
on the institution's lists that it would leave without anybody to exercise it: the items and matters
are voided or corrected in the same append. Neither does a department become a township under them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from domain.code_sets import InstitutionCategory
from domain.deciding import Command, Hindrance, Past, guards, rule
from domain.institutions import DISTRICT, Directory, Founded, Founding, Institution
from domain.journal import CorrectEntries, VoidEntries
from domain.opening import OpenInstitution
from domain.opening_names import bearing
from domain.rights import NAMED_AT_MOST, level_of
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


@rule
def list_stays_at_its_level(positions: tuple[int, ...], name: str) -> bool | Hindrance:
    """机构名下有权责事项或乡镇事项的，更正机构类别不得改变其清单层级。

    依据：权责清单按区级部门、乡镇、街道分别编制的要求。
    """
    if not positions:
        return True
    detail = f"{name}名下有{len(positions)}项权责事项或乡镇事项，请一并作废或更正。"
    return Hindrance(detail, positions[:NAMED_AT_MOST])


class _Anew(NamedTuple):
    """How a correction lets an institution begin."""

    since: date
    category: InstitutionCategory


def _require(position: int, anew: _Anew | None, gone: Collection[int], past: Past) -> None:
    """Require that nothing is left without footing where ``position`` founded an institution.

    ``gone`` are the entries that are voided together with it.
    """
    entry = past.entry(position)
    if entry is None or not isinstance(entry.fact, Founded):
        return
    founded, since = entry.fact, None if anew is None else anew.since
    name = past.of(Institution, founded.institution).name
    left = _listed_before(since or _NEVER, founded.institution, gone, past)
    past.require(lists_stand_on_a_founded_body, left, name, since)
    if anew is not None and level_of(anew.category) is not level_of(founded.category):
        left = _listed_before(_NEVER, founded.institution, gone, past)
        past.require(list_stays_at_its_level, left, name)


def _listed_before(day: date, who: str, gone: Collection[int], past: Past) -> tuple[int, ...]:
    there = (*past.of(Catalogue, who).before(day), *past.of(TownshipMatters, who).before(day))
    return tuple(sorted(one for one in there if one not in gone))


def _founds_anew(command: Command | None, position: int, past: Past) -> _Anew | None:
    """Return how a correction lets the institution begin; None where it does not."""
    if isinstance(command, Founding):
        return _Anew(command.effective_on, command.category)
    if isinstance(command, OpenInstitution):
        known = bearing(command.name, command.effective_on, past.of(Directory, DISTRICT))
        if known is None or known.position == position:
            return _Anew(command.effective_on, command.category or InstitutionCategory.OTHER)
    return None


@guards(VoidEntries)
def _nothing_is_left_behind(command: VoidEntries, past: Past) -> None:
    for position in command.positions:
        _require(position, None, command.positions, past)


@guards(CorrectEntries)
def _nothing_loses_its_footing(command: CorrectEntries, past: Past) -> None:
    gone = [one.position for one in command.items if one.position is not None]
    for one in command.items:
        if one.position is not None:
            refiled = None if one.command is None else one.command.command()
            _require(one.position, _founds_anew(refiled, one.position, past), gone, past)
