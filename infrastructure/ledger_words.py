"""Words within long texts (关键词): the pairs of characters in a row, and how words are asked for.

    {"name":"林木采伐许可",…} ──► 林木 木采 采伐 伐许 许可 ──► column ``pairs``, with a GIN index

A pair is two neighbouring UTF-16 units of one text as one integer: exact, and half as long as the
characters themselves. A word of two characters is found by its pair alone, a longer one by all of
its pairs and then in the text.

What stands in columns that are often asked for beside words is among the pairs too, as marks that
no text can hold: the index then finds the rows that have both.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson

from application.ledgers import Searched

PAIRS: Final = "pairs"
"""The stored column of a searched ledger that readers never see."""

PAIRS_TYPE: Final = "integer[] NOT NULL"

MOST_WORDS: Final = 10
LONGEST: Final = 100
SHORTEST: Final = 2
"""Characters of a word: one alone would be in nearly every row."""

_UNIT: Final = 2  # bytes
_UNITS: Final = struct.Struct("<HH")
_PAIR: Final = struct.Struct("<i")


def pairs_of(searched: Searched, row: Mapping[str, Any]) -> list[int]:
    """Return the pairs of a row's texts and the marks of its columns, in order, each once."""
    found = {mark(name, row[name]) for name in searched.beside}
    text = row[searched.column].encode()  # a text read as it is keeps its UTF-8 as long as it lives
    for one in _texts(orjson.loads(text), searched.codes):
        found |= pairs_in(one)
    return sorted(found)


def mark(column: str, value: Any) -> int:
    """Return the mark of a column's value: half of a surrogate pair, which no text holds alone.

    Two values may have one mark; whoever looks for one looks at the column too.
    """
    digest = hashlib.sha256(f"{column}={value}".encode()).digest()
    half, rest = struct.unpack_from("<HH", digest)
    return int(_PAIR.unpack(_UNITS.pack(0xD800 + half % 0x400, rest % 0xD800))[0])


def _texts(value: Any, codes: frozenset[str]) -> Iterator[str]:
    """Yield every text in a JSON value; neither the names of fields nor what codes say."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, codes)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in codes:
                yield from _texts(one, codes)


def pairs_in(text: str) -> set[int]:
    """Return the pairs of neighbouring UTF-16 units of a text."""
    units = text.encode("utf-16-le")
    return {*_read(units), *_read(units[_UNIT:])}


def _read(units: bytes) -> tuple[int, ...]:
    n = len(units) // (2 * _UNIT)
    return struct.unpack(f"<{n}i", units[: n * 2 * _UNIT])


@dataclass(frozen=True)
class Keywords:
    """Words of which a row must hold every one, in the texts of a column of JSON.

    ``marks`` are those of the values that its columns must have besides.
    """

    searched: Searched
    words: tuple[str, ...]
    marks: tuple[int, ...] = ()

    @cached_property
    def pairs(self) -> tuple[int, ...]:
        """The pairs and marks that a row must hold."""
        return tuple(sorted({*self.marks, *self.alone}))

    @cached_property
    def alone(self) -> tuple[int, ...]:
        """The pairs of the words, without marks."""
        return tuple(sorted(set[int]().union(*map(pairs_in, self.words))))

    def indexed(self, column: str, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """Yield conditions, with their values, that the index of pairs serves: one must hold.

        There is one for each of the ``values`` that a column with marks may have; without such
        values just the one for the words. A pair stands in a query of its own, so that the server
        does not know how common it is as it plans: it would read the table instead of the index,
        and plan anew for each word.
        """
        for more in [[mark(column, value)] for value in values] or [[]]:
            yield (
                f"{PAIRS} @> (SELECT %s::integer[])",
                f"{{{','.join(map(str, [*self.pairs, *more]))}}}",
            )

    def beyond(self) -> Iterator[tuple[str, Any]]:
        """Yield what must hold of rows with the pairs: that longer words stand there as such."""
        for word in self.words:
            if len(word.encode("utf-16-le")) > 2 * _UNIT:
                yield from self._said(word)

    def _said(self, word: str) -> Iterator[tuple[str, Any]]:
        """Yield the condition that a word is in a text, as JSON writes it.

        Names of fields and codes are ASCII, so what has ASCII is looked for in the values only.
        """
        column = f'"{self.searched.column}"'
        written = orjson.dumps(word).decode()
        yield f"strpos({column}, %s) > 0", written[1:-1]
        if _has_ascii(word):
            path = f'$.** ? (@.type() == "string" && @ like_regex {written} flag "q")'
            yield f"jsonb_path_exists({column}::jsonb, %s::jsonpath)", path


def _has_ascii(word: str) -> bool:
    return any(sign.isascii() for sign in word)


def split_words(said: str) -> tuple[str, ...]:
    """Return the words of a question, each once.

    Raises:
        ValueError: there are too many, or one is too short or too long; says why, in Chinese.
    """
    words = tuple(dict.fromkeys(said.split()))
    if len(words) > MOST_WORDS:
        raise ValueError(f"一次最多查{MOST_WORDS}个关键词。")
    for word in words:
        if len(word) < SHORTEST:
            raise ValueError(f"“{word}”太短，关键词请至少输入{SHORTEST}个字。")
        if len(word) > LONGEST:
            raise ValueError(f"关键词请不要超过{LONGEST}个字。")
    return words
