"""The shared data that tests read: published vectors, real workbooks, cases.

They lie beside the project, not in it. Where they are absent the tests that need them are skipped
and say so; continuous integration refuses to run without them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"


def shared(*parts: str) -> Path:
    """Return the path of something shared; skips the running test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"../shared/{'/'.join(parts)} is absent (共享数据不在)")
    return path


def shared_rows(*parts: str, at_least: int) -> list[dict[str, str]]:
    """Return the rows of a shared CSV by heading, at least so many; none where it is absent.

    Meant for parametrizing, which happens before any test could be skipped: pytest itself skips a
    test that has nothing to run over.
    """
    path = SHARED.joinpath(*parts)
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= at_least, f"{path} has only {len(rows)} rows"
    return rows
