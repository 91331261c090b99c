"""Which item is which between two lists: two editions, two levels, a file and what is on record.

    exact   the same category, name and sub-item
    code    the same code, whatever the name
    moved   the same name and sub-item under another category
    similar a name that is nearly the same, with a score
    left    only here, only there

Names are compared by the pairs of characters they have in common. A pair that many names have
(处罚, 许可) says little, a rare one much: 森林植被恢复费的征收 and 草原植被恢复费的征收 are two.
Each item is matched once, the surest first. What is similar is a proposal; a clerk decides.
"""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum, log
from typing import Final, Literal, NamedTuple

from domain.rights_content import ItemContent
from domain.text import compact

How = Literal["exact", "code", "moved", "similar"]

LEAST_ALIKE: Final = 0.8
"""Names less alike than this (0 to 1) are two items."""
_TELLING_PAIRS: Final = 8
"""Only names that share one of a name's rarest pairs are compared with it."""
_COMMON: Final = 400
"""A pair that so many names have tells nothing and finds no candidates."""

_OTHER_CATEGORY: Final = 0.95
"""How much less alike the same name is under another category."""

_NO_LETTERS = re.compile(r"[^\w]|_")


class Match(NamedTuple):
    """Two items that are one: their places in the two lists, how that is known, how sure."""

    before: int
    after: int
    how: How
    score: float


@dataclass(slots=True)
class Matching:
    """Two lists laid side by side; every place of both stands in exactly one of the three."""

    matches: list[Match] = field(default_factory=list)
    only_before: list[int] = field(default_factory=list)
    only_after: list[int] = field(default_factory=list)


def plain_name(name: str) -> str:
    """Return a name for comparing: no spaces, punctuation or brackets."""
    return _NO_LETTERS.sub("", compact(name)).lower()


class NameIndex:
    """Finds the names that are like another one among many.

    Names are known by their place in the sequence handed over.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Index the names."""
        self._pairs = [_pairs(name) for name in names]
        self._having: dict[str, list[int]] = defaultdict(list)
        for place, pairs in enumerate(self._pairs):
            for pair in pairs:
                self._having[pair].append(place)
        self._weights: dict[str, float] = {}
        self._sums = [self._sum(pairs) for pairs in self._pairs]

    def like(self, name: str, *, least: float = LEAST_ALIKE) -> list[tuple[float, int]]:
        """Return the places of names at least so much alike, the likest first, with their score."""
        pairs = _pairs(name)
        total = self._sum(pairs)
        found = []
        for place in self._candidates(pairs):
            other = self._sums[place]
            if 2 * min(total, other) < least * (total + other):
                continue
            common = self._sum(pairs & self._pairs[place])
            score = 2 * common / (total + other)
            if score >= least:
                found.append((score, place))
        return sorted(found, key=lambda one: (-one[0], one[1]))

    def _candidates(self, pairs: frozenset[str]) -> set[int]:
        """Return the places that share one of the rarest pairs."""
        having = self._having
        rare = (pair for pair in pairs if 0 < len(having.get(pair, ())) <= _COMMON)
        telling = heapq.nsmallest(_TELLING_PAIRS, rare, key=lambda one: (len(having[one]), one))
        return {place for pair in telling for place in having[pair]}

    def _sum(self, pairs: frozenset[str]) -> float:
        # A set has another order in every process; rounded once, its sum is the same in all.
        return fsum(map(self._weight, pairs))

    def _weight(self, pair: str) -> float:
        weight = self._weights.get(pair)
        if weight is None:
            weight = log(1 + (1 + len(self._pairs)) / (1 + len(self._having.get(pair, ()))))
            self._weights[pair] = weight
        return weight


def match_items(
    before: Sequence[ItemContent],
    after: Sequence[ItemContent],
    *,
    least: float = LEAST_ALIKE,
) -> Matching:
    """Match two lists of items, each item at most once."""
    found = Matching()
    rest = _Rest(dict(enumerate(before)), dict(enumerate(after)))
    found.matches += rest.pairs("exact", _exactly)
    found.matches += rest.pairs("code", _code)
    found.matches += rest.pairs("moved", _by_name)
    found.matches += rest.similar(least)
    found.matches.sort()
    found.only_before, found.only_after = sorted(rest.before), sorted(rest.after)
    return found


Key = tuple[object, ...]


def _exactly(one: ItemContent) -> Key:
    return one.category, *_by_name(one)


def _by_name(one: ItemContent) -> Key:
    return plain_name(one.name), plain_name(one.sub_name or "")


def _code(one: ItemContent) -> Key:
    return (compact(one.code),) if one.code else ()


@dataclass(slots=True)
class _Rest:
    """What is not matched yet, by its place."""

    before: dict[int, ItemContent]
    after: dict[int, ItemContent]

    def pairs(self, how: How, key: Callable[[ItemContent], Key]) -> Iterator[Match]:
        """Match the items that have one key; of several with it, the same ones, then in order."""
        by_key: dict[Key, list[int]] = defaultdict(list)
        for place, item in self.after.items():
            by_key[key(item)].append(place)
        for place, item in tuple(self.before.items()):
            places = by_key.get(key(item), [])
            if places and key(item):
                other = next((one for one in places if self.after[one] == item), places[0])
                places.remove(other)
                yield self._match(place, other, how, 1.0)

    def similar(self, least: float) -> Iterator[Match]:
        """Match names that are alike, the likest first."""
        places = list(self.after)
        index = NameIndex([_shown(self.after[place]) for place in places])
        alike = [
            (-score * self._by_category(item, places[other]), place, places[other])
            for place, item in self.before.items()
            for score, other in index.like(_shown(item), least=least)
        ]
        for score, place, other in sorted(alike):
            if -score >= least and place in self.before and other in self.after:
                yield self._match(place, other, "similar", -score)

    def _by_category(self, item: ItemContent, other: int) -> float:
        return 1.0 if item.category is self.after[other].category else _OTHER_CATEGORY

    def _match(self, before: int, after: int, how: How, score: float) -> Match:
        del self.before[before], self.after[after]
        return Match(before, after, how, round(score, 4))


def _shown(one: ItemContent) -> str:
    return one.name + (one.sub_name or "")


def _pairs(name: str) -> frozenset[str]:
    plain = plain_name(name).replace("的", "") or plain_name(name)
    return frozenset(map("".join, pairwise(plain))) or frozenset((plain,))
