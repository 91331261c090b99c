"""Golden history: whatever was ever stored is read, today and erased, and folded without fail."""

from __future__ import annotations

from datetime import date

import orjson
import pytest

from application.ledgers import LEDGERS, Ledger, effects
from domain.deciding import KINDS, Standing
from domain.vocabulary import ERASED
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
            assert body[field] == value or set(value) == {"sealed"}, field
    assert entry.note == "备注"
    assert entry.tags == tuple(stored["tags"])


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
