"""Golden history: whatever was ever stored is read, today and erased, and folded without fail."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import orjson
import pytest

from application.ledgers import LEDGERS, Ledger, effects
from domain.deciding import KINDS, Standing
from domain.settings import NationalCalendar
from domain.vocabulary import _UPCASTERS, ERASED
from domain.workdays import AnnouncedYear
from infrastructure.decoding import Decoder
from infrastructure.entries import canonical, decode
from tests.history import FOLDER, GoldenRing, own_facts, path_of

LINES = sorted(path.name for path in FOLDER.glob("*.json"))


def test_every_fact_has_a_golden_line_of_every_version() -> None:
    """Who adds a fact, or a version, writes its line: python -m tests.history."""
    wanted = {
        path_of(name, version).name
        for name, fact in own_facts().items()
        for version in range(1, fact.fact_version + 1)
    }
    assert len(wanted) >= 20
    assert wanted <= set(LINES)


@pytest.mark.parametrize("name", LINES)
def test_a_stored_line_is_read_for_ever(name: str) -> None:
    """The bytes are canonical, the fact is known, and every stored field is still there."""
    data = (FOLDER / name).read_bytes()
    stored = orjson.loads(data)
    assert canonical(stored) == data
    entry = decode(data, GoldenRing())
    assert f"{entry.fact.fact_name}@{stored['version']}.json" == name
    if stored["version"] == entry.fact.fact_version:
        body = entry.fact.model_dump(mode="json")
        for field, value in stored["body"].items():
            assert _is_kept(value, body[field]), field
    assert entry.note == "备注"
    assert entry.tags == tuple(stored["tags"])


def _is_kept(stored: Any, read: Any) -> bool:
    """Tell whether all that was stored is read; inner models may have been given fields since."""
    if isinstance(stored, dict):
        if set(stored) == {"sealed"}:
            return True
        return isinstance(read, dict) and all(
            name in read and _is_kept(value, read[name]) for name, value in stored.items()
        )
    if isinstance(stored, list) and isinstance(read, list):
        return len(stored) == len(read) and all(map(_is_kept, stored, read))
    return bool(stored == read)


def test_every_older_version_is_upcast_step_by_step() -> None:
    """And there is one: the way from an older stored form has been walked."""
    older = [
        (name, version)
        for name, fact in own_facts().items()
        for version in range(1, fact.fact_version)
    ]
    assert older
    assert set(older) <= set(_UPCASTERS)


def test_a_year_announced_in_one_notice_reads_as_one_of_several() -> None:
    """Version 1 of the announcement, as stored, says the same in every fold as version 2."""
    fact, day = "calendar.announced", date(2026, 11, 1)
    data = path_of(fact, 1).read_bytes()
    assert orjson.loads(data)["body"]["notice"] == "9" * 16
    old, new = (decode(path_of(fact, n).read_bytes(), GoldenRing()) for n in (1, 2))
    assert old == new
    announced = NationalCalendar().after(old).announced
    assert announced == (AnnouncedYear(2026, frozenset({day}), frozenset({day}), ("9" * 16,)),)
    (fast,) = Decoder(GoldenRing()).many(cast("Any", None), [data])
    assert fast == old


@pytest.mark.parametrize("name", LINES)
def test_an_erased_line_is_read_and_folded(name: str) -> None:
    """With the person's key gone, reading and folding go on: texts say 已销毁, others are empty."""
    data = (FOLDER / name).read_bytes()
    stored, entry = orjson.loads(data), decode(data, None)
    for field, value in stored["body"].items():
        if isinstance(value, dict) and set(value) == {"sealed"}:
            assert getattr(entry.fact, field) in (ERASED, None), field
    for tag in entry.tags:
        for kind in KINDS.get(tag.partition(":")[0], ()):
            if issubclass(kind, Standing):
                kind().after(entry)
    for ledger in LEDGERS.values():
        if isinstance(ledger, Ledger) and ledger.takes(entry):
            for key in ledger.keys(entry):
                for effect in effects([entry], key):
                    assert effect.day >= date(1900, 1, 1)
                    ledger.fold(None, effect)
