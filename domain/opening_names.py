"""Finding an institution by the name a book gives it (按名称查找机构), and helping who misspelt it.

A name is compared as it stands, then without regard to the width of its brackets and letters.
Nothing is guessed: a name that merely resembles one is refused, with the names that it resembles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from domain.institutions import Directory, Tenure
from domain.text import compact

_A_DAY: Final = timedelta(days=1)
_NAMED_AT_MOST: Final = 3
_LEAST_ALIKE: Final = 0.5
_SHORTEST: Final = 3
"""A name of fewer characters is part of too many others to tell anything."""


@dataclass(frozen=True, eq=False)
class _SameNames:
    """A directory's names, equal only to themselves: for remembering what was found in them.

    A directory is never changed: another name makes another directory.
    """

    directory: Directory

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameNames) and self.directory.tenures is other.directory.tenures

    def __hash__(self) -> int:
        return id(self.directory.tenures)


def bearing(name: str, day: date, directory: Directory) -> Tenure | None:
    """Return who bears the name on that day, however wide its brackets are written."""
    found = directory.holders(name, day, day + _A_DAY)
    if found:
        return found[0]
    spelt = _by_form(_SameNames(directory)).get(compact(name), ())
    for other in spelt:
        found = directory.holders(other, day, day + _A_DAY)
        if found:
            return found[0]
    return None


@lru_cache(maxsize=4)
def _by_form(names: _SameNames) -> dict[str, tuple[str, ...]]:
    """Return every name by the form in which names are compared."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names.directory.tenures:
        form = _form(name)
        found[form] = (*found.get(form, ()), name)
    return found


@lru_cache(maxsize=20_000)
def _form(name: str) -> str:
    return compact(name)


def hint(name: str, day: date, directory: Directory) -> str:
    """Return a sentence that helps to find the right name; an empty text where nothing does."""
    given = _hints(_SameNames(directory), day)
    if name not in given:
        given[name] = _at_another_time(name, day, directory) or _resembling(name, day, directory)
    return given[name]


@lru_cache(maxsize=2)
def _hints(_names: _SameNames, _day: date) -> dict[str, str]:
    """Return the hints given so far: a roster may name the same wrong unit a thousand times."""
    return {}


def _at_another_time(name: str, day: date, directory: Directory) -> str:
    """Say what the institution is called on ``day`` that bears the name at another time."""
    for tenure in directory.tenures.get(name, ()):
        now = _name_of(tenure.who, day, directory)
        when = f"自{tenure.since}起" if tenure.since > day else f"{tenure.until}前"
        known = f"，{day}时名称为“{now}”" if now else f"，{day}时没有这个机构"
        return f"该机构{when}使用这一名称{known}。"
    return ""


def _name_of(who: str, day: date, directory: Directory) -> str:
    for name, line in directory.tenures.items():
        if any(one.who == who and one.since <= day < one.until for one in line):
            return name
    return ""


def _resembling(name: str, day: date, directory: Directory) -> str:
    there = (one for one in directory.tenures if directory.holders(one, day, day + _A_DAY))
    near = nearest(name, there)
    return f"名称相近的有{'、'.join(f'“{one}”' for one in near)}。" if near else ""


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return up to three of the ``names`` that ``name`` may have meant, the likeliest first.

    One may be part of the other (卫生健康局, 区卫生健康局), its abbreviation (区卫健局), or much
    alike.
    """
    likeness = ((_likeness(_form(name), _form(one)), one) for one in names)
    ranked = sorted((-much, one) for much, one in likeness if much >= _LEAST_ALIKE)
    return tuple(one for _, one in ranked[:_NAMED_AT_MOST])


def _likeness(one: str, other: str) -> float:
    """Return how alike two names are: 0 to 1 by their pairs of characters.

    More where one is short for the other.
    """
    short, long = sorted((one, other), key=len)
    pairs, others = _pairs(one), _pairs(other)
    alike = 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs and others else 0.0
    if len(short) < _SHORTEST:
        return alike
    if short in long:
        return 2 + alike
    rest = iter(long)
    return 1 + alike if all(character in rest for character in short) else alike


@lru_cache(maxsize=20_000)
def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))
