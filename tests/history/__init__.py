"""Golden history: one stored line of each fact and version, read by every later program.

``python -m tests.history`` writes the lines that are missing, never one that is there: what was
written once is for ever. A line is exactly what `infrastructure.entries.encode` stored.
"""

from __future__ import annotations

import hashlib
import types
import typing
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from application import books  # noqa: F401  (fills FACTS)
from domain.vocabulary import FACTS, Citation, Decided, Entry, Fact, Subject
from infrastructure.entries import encode
from infrastructure.keys import KeyRing

FOLDER = Path(__file__).parent
PERSON = "P" * 16
_TEXTS = {"sha256": "9" * 64, "person": PERSON}


class GoldenRing(KeyRing):
    """A ring whose person keys follow from the person's id, so that golden boxes can be opened."""

    def __init__(self) -> None:
        super().__init__(b"golden master key, for tests....")

    def person(self, person: str) -> bytes | None:
        """See `infrastructure.keys.KeyRing.person`."""
        return hashlib.sha256(f"golden {person}".encode()).digest()


def own_facts() -> dict[str, type[Fact]]:
    """Every fact of the product."""
    return {name: fact for name, fact in FACTS.items() if not name.startswith("test.")}


def path_of(fact: str, version: int) -> Path:
    """Where the golden line of a fact and version lies."""
    return FOLDER / f"{fact}@{version}.json"


def entry_of(fact: Fact, position: int = 7) -> Entry:
    """An entry of that fact with a full envelope."""
    tags = fact.tags()
    return Entry(
        position=position,
        id="E" * 16,
        recorded_at=datetime(2026, 11, 23, 14, 0, 0, 1, tzinfo=UTC),
        effective_on=date(2026, 11, 1),
        place=position,
        actor="lin",
        prepared_by="lin",
        approved_by="wang",
        basis=(Citation(document="D" * 16, item="第三条"),),
        note="备注",
        secrecy="internal",
        tags=(*tags, f"cites:{'D' * 16}"),
        fact=fact,
        decided=Decided(6, tags, ("rule@1",), "0.1.0"),
    )


def sample(fact: type[Fact]) -> Fact:
    """An instance of a fact in which every field says something."""
    values = {}
    for name, info in fact.model_fields.items():
        kinds = [mark.kind for mark in info.metadata if isinstance(mark, Subject)]
        values[name] = _value(info.annotation, kinds[0] if kinds else name)
    return fact.model_validate(values)


def _value(kind: Any, name: str) -> Any:  # noqa: PLR0911  (one line for each type there is)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(inner[0], name)
    if origin in (typing.Union, types.UnionType):
        return _value(next(one for one in inner if one is not types.NoneType), name)
    if origin is tuple:
        return (_value(inner[0], name),)
    if origin is typing.Literal:
        return inner[0]
    if origin in (dict, list):
        return origin()
    if issubclass(kind, BaseModel):
        return {n: _value(i.annotation, n) for n, i in kind.model_fields.items()}
    return next(iter(kind)).value if issubclass(kind, Enum) else _plain(kind, name)


def _plain(kind: Any, name: str) -> Any:
    if kind is str:
        return _TEXTS.get(name, "9" * 16)
    return {bool: True, int: 2026 if "year" in name else 3, date: date(2026, 11, 1)}[kind]


def write_missing() -> list[Path]:
    """Write the golden lines that are not there yet, of today's versions."""
    written = []
    for name, fact in sorted(own_facts().items()):
        path = path_of(name, fact.fact_version)
        if not path.exists():
            path.write_bytes(encode(entry_of(sample(fact)), GoldenRing()))
            written.append(path)
    return written
