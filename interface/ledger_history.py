"""One row's history as a document: each version on both clocks, its entry, what it says otherwise.

The same over REST and on the command line (``taizhang ledgers history --json``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from application.ledgers import Ledger
from domain.vocabulary import Entry
from interface.masking import masked
from interface.shown import citations, moment


def clocks_shown(ledger: Any, seen: Any) -> dict[str, Any]:
    """Return which ledger was read, and where on the two clocks."""
    return {
        "ledger": ledger.name,
        "title": ledger.title,
        "valid_on": seen.valid_on,
        "known_at": moment(seen.known_at),
        "position": seen.position,
    }


def history_shown(found: Any, entries: Mapping[int, Entry], *, unmasked: bool) -> dict[str, Any]:
    """Return a row's versions, with the ``entries`` behind them by their positions."""
    return {
        **clocks_shown(found.ledger, found.seen),
        "key": found.key,
        "versions": [
            _version(found.ledger, one, entries[one.position], unmasked=unmasked)
            for one in found.versions
        ],
        "before": found.before,
    }


def value_shown(value: Any, *, personal: bool, unmasked: bool) -> Any:
    """Return a value, masked where it is personal and not all of it is needed."""
    return masked(value) if personal and not unmasked else value


def _version(ledger: Any, version: Any, entry: Entry, *, unmasked: bool) -> dict[str, Any]:
    columns = ledger.columns if isinstance(ledger, Ledger) else ledger.measures
    values = version.values and {
        name: value_shown(value, personal=columns[name].personal, unmasked=unmasked)
        for name, value in version.values.items()
    }
    corrects = version.corrects
    return {
        "position": version.position,
        "link": f"/api/journal/{version.position}",
        "fact": entry.fact.fact_name,
        "actor": entry.actor,
        "basis": citations(entry),
        "valid_from": version.valid_from,
        "valid_to": version.valid_to,
        "known_from": version.known_from,
        "known_at": moment(version.known_at),
        "ended_by": version.ended_by,
        "taken_back_by": version.taken_back_by,
        "taken_back_at": moment(version.taken_back_at),
        "values": values,
        "changes": _changes(version.changes, unmasked=unmasked),
        "corrects": None if corrects is None else _changes(corrects, unmasked=unmasked),
    }


def _changes(changes: Iterable[Any], *, unmasked: bool) -> list[dict[str, Any]]:
    return [
        {
            "field": one.name,
            "title": one.title,
            "before": value_shown(one.before, personal=one.personal, unmasked=unmasked),
            "after": value_shown(one.after, personal=one.personal, unmasked=unmasked),
        }
        for one in changes
    ]
