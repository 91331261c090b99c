"""Questions to a ledger: the query parameters of a ledger's routes, made from its columns.

name=张三   name.contains=张   entered_on.from=2020-01-01   entered_on.to=…   sort=-entered_on
words=林木 采伐, where the ledger's texts are searched
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from domain.codes import told
from interface.asking import Param
from interface.masking import masked

CLOCKS: Final = (
    Param("valid_on", "业务日期：查这一天有效的内容，默认今天", "date"),
    Param("known_at", "已知时刻：查当时系统已知的内容，默认此刻", "moment"),
    Param("known", "已知流水号：同 known_at，以流水号表示", "integer"),
)
WORDS: Final = Param("words", "关键词，空格隔开的须同时出现；每个至少两个字")
TYPES: Final[dict[str, Any]] = {
    "text": str,
    "bigint": int,
    "boolean": bool,
    "date": date,
    "timestamptz": datetime,
}
KINDS: Final = {
    "text": "text",
    "bigint": "integer",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "moment",
}
"""What kind of `Param` asks by a column of each stored kind."""


@dataclass(frozen=True)
class Condition:
    """A query parameter and what it means: the part of the question it fills, for which column."""

    param: Param
    part: str
    column: str
    personal: bool


class Questions:
    """How one ledger may be asked."""

    def __init__(
        self, columns: Sequence[Any], make: Callable[..., Any], *, searched: bool = False
    ) -> None:
        """Ask by ``columns``, and by words where the ledger is ``searched``.

        ``make`` makes the question that the reader understands.
        """
        self._make = make
        self._searched = searched
        self._personal = {shown.name for shown in columns if shown.column.personal}
        self._sortable = {one.name: one.column.title for one in columns if one.column.sort}
        self._conditions = {one.param.name: one for one in _conditions(columns)}

    def params(self) -> tuple[Param, ...]:
        """Return the parameters: both clocks, the conditions, the order."""
        named = told({**self._sortable, "key": "行的键"})
        return (
            *CLOCKS,
            *(condition.param for condition in self._conditions.values()),
            *((WORDS,) if self._searched else ()),
            Param("sort", f"排序的列，逗号分隔，前加 - 为倒序；可用：{named}"),
        )

    def question(self, query: dict[str, Any]) -> tuple[Any, bool]:
        """Return what is asked, and whether personal columns are asked by."""
        parts: dict[str, dict[str, Any]] = {}
        searched = False
        for name, condition in self._conditions.items():
            value = query.get(name)
            if value is not None:
                parts.setdefault(condition.part, {})[condition.column] = value
                searched = searched or condition.personal
        sort = [one.strip() for one in (query.get("sort") or "").split(",") if one.strip()]
        searched = searched or any(one.removeprefix("-") in self._personal for one in sort)
        clocks = {clock.name: query[clock.name] for clock in CLOCKS}
        return self._make(**parts, words=query.get("words"), sort=sort, **clocks), searched

    def told(self, query: dict[str, Any]) -> dict[str, str]:
        """Return the question for the access log: which columns were asked by, masked values."""
        told: dict[str, str] = {}
        for name, value in query.items():
            if value is not None and name not in {"unmasked", "cursor"}:
                condition = self._conditions.get(name)
                hide = condition is not None and condition.personal
                told[name] = str(masked(value)) if hide else str(value)
        return told


def _conditions(columns: Sequence[Any]) -> list[Condition]:
    found: list[Condition] = []
    for shown in columns:
        column = shown.column
        if not (column.filter or column.sort):
            continue
        kind, choices = KINDS[shown.kind], column.choices or {}
        if choices and kind == "text":
            kind = "choice"
        wanted = [("", "filters", "等于")]
        if kind == "text":
            wanted.append((".contains", "contains", "包含"))
        if kind in {"date", "integer", "moment"}:
            wanted += [(".from", "at_least", "不小于"), (".to", "at_most", "不大于")]
        for suffix, part, word in wanted:
            title = f"{column.title}（{word}）"
            least = 1 - 2**53 if kind == "integer" else 1
            param = Param(shown.name + suffix, title, kind, choices=choices, minimum=least)
            found.append(Condition(param, part, shown.name, column.personal))
    return found
