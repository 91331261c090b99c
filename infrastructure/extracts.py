"""What the journal keeps beside an entry's bytes for finding it (摘录列), held to those bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Final

import orjson

_TITLES: Final = {
    "position": "流水号",
    "id": "记录编号",
    "fact": "记录种类",
    "recorded_at": "登记时间",
    "effective_on": "业务生效日期",
    "place": "排序位置",
    "actor": "办理账号",
    "voids": "作废的流水号",
    "tags": "涉及对象",
}
EXTRACTS: Final = ", ".join(_TITLES)
"""The columns as a question names them; they come first in the rows that are compared."""

WIDTH: Final = len(_TITLES)
RECORDED_AT: Final = list(_TITLES).index("recorded_at")

_PLAIN = itemgetter("position", "id", "fact")
_REST = itemgetter("place", "actor", "voids", "tags")


def extracts_of(data: bytes) -> tuple[Any, ...]:
    """Return what the columns must hold by an entry's stored bytes.

    Raises:
        ValueError, TypeError, KeyError: the bytes are not those of an entry.
    """
    said = orjson.loads(data)
    effective = said["effective_on"]
    return (
        *_PLAIN(said),
        datetime.fromisoformat(said["recorded_at"]),
        date.fromisoformat(effective) if effective else None,
        *_REST(said),
    )


def differing(row: Sequence[Any], expected: Sequence[Any]) -> Iterator[str]:
    """Yield the titles of the columns that hold something else than `extracts_of` expects."""
    for column, wanted, title in zip(row, expected, _TITLES.values(), strict=False):
        if column != wanted:
            yield title
