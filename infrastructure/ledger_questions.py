"""What may be asked of a ledger, how it is answered, and why it sometimes is not.

A question is checked here, column by column, before any database hears of it; values come typed or
as the text of a query string. A cursor carries the question's digest, both clocks and the key of
the last row, never a person's name or number.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson

from application.ledgers import LEDGERS, AnyLedger, Column, Joined, Ledger, SumLedger
from domain.codes import told
from infrastructure.ledger_sql import Condition, Seen
from infrastructure.ledger_tables import fields
from infrastructure.ledger_words import Keywords, mark, split_words

PAGE_LIMIT = 1_000
"""The most rows one page may hold."""

TYPES = {"text": str, "bigint": int, "boolean": bool, "date": date, "timestamptz": datetime}
TYPE_TITLES = {
    str: "文字",
    int: "整数",
    bool: "是或否（true、false）",
    date: "日期（如 2024-01-31）",
    datetime: "时间（如 2024-01-31T08:00:00Z）",
}


class LedgerProblem(Exception):
    """A question to a ledger that cannot be answered; the message says why, in Chinese."""

    code = "ledger_problem"


class NotOpened(LedgerProblem):
    """The office had not opened its books (未建账) on that day or by that moment.

    ``opened_on`` is the day it did (建账日), if it ever did.
    """

    code = "not_opened"

    def __init__(self, opened_on: date | None) -> None:
        """Answer that the books were not open."""
        when = "" if opened_on is None else f"本单位建账日为{opened_on:%Y年%m月%d日}。"
        super().__init__(f"未建账，没有可供查询的台账。{when}")
        self.opened_on = opened_on


class NoSuchLedger(LedgerProblem):
    """There is no ledger of that name."""

    code = "no_such_ledger"

    def __init__(self, name: str) -> None:
        """Name what was asked for."""
        there = told({one.name: one.title for one in LEDGERS.values()})
        super().__init__(f"没有名为“{name}”的台账；现有：{there}。")


class NotBuilt(LedgerProblem):
    """The ledger's stored rows are missing: it has to be rebuilt first."""

    code = "ledger_not_built"

    def __init__(self, title: str) -> None:
        """Name the ledger."""
        super().__init__(f"台账“{title}”尚未生成，请先执行台账重建（taizhang ledgers rebuild）。")


class BadQuestion(LedgerProblem):
    """A filter, an order, a limit or a day that the ledger cannot be asked by; names the field."""

    code = "bad_question"

    def __init__(self, name: str, why: str, title: str | None = None) -> None:
        """Name the field, by its ``title`` too where it has one, and what is wrong with it."""
        super().__init__(f"{told({name: title or ''})}：{why}")
        self.field, self.title, self.why = name, title, why


class BadCursor(LedgerProblem):
    """A cursor that does not belong to this question, or whose row has been removed."""

    code = "bad_cursor"

    def __init__(self) -> None:
        """Ask to begin again."""
        super().__init__("翻页标记与本次查询不符或已失效，请从第一页重新查询。")


# ── what is asked ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """What a reader asks of a ledger; values may be typed or text as it comes from a query string.

    ``filters``: column equals the value, or any of a list's; None asks for empty fields. ``keys``:
    only the rows of these keys, of a ledger whose rows have one key.
    ``contains``: text column contains the text. ``at_least``/``at_most``: column lies between, ends
    included. ``words``: the row's texts contain each of these words, where the ledger is searched.
    ``sort``: columns, a leading ``-`` descends (``key`` is the row's key). ``only``: the columns
    that are wanted, all of them where none is named. ``valid_on`` defaults to today in the office;
    ``known`` (a position) or ``known_at`` (a moment) to the head. ``seen``: where an earlier answer
    stood; the same clocks are asked again instead, without being looked up.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    contains: Mapping[str, str] = field(default_factory=dict)
    at_least: Mapping[str, Any] = field(default_factory=dict)
    at_most: Mapping[str, Any] = field(default_factory=dict)
    words: str | None = None
    keys: Sequence[str] | None = None
    sort: Sequence[str] = ()
    only: Sequence[str] = ()
    valid_on: date | None = None
    known: int | None = None
    known_at: datetime | None = None
    seen: Seen | None = None

    def digest(self, name: str) -> str:
        """Return a short digest of the question, clocks as asked included; binds a cursor to it."""
        valid_on, known = self.valid_on, self.known
        if self.seen is not None:
            valid_on, known = self.seen.valid_on, self.seen.position
        clocks = [str(one) for one in (valid_on, known, self.known_at)]
        parts = [sorted(map(_said, part.items())) for part in self._parts()]
        said = [name, *clocks, *parts, list(self.sort), *([self.words] if self.words else [])]
        said += [] if self.keys is None else [list(self.keys)]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]

    def looked_up(self) -> Asked:
        """Return the same question with clocks that are looked up."""
        if self.seen is None:
            return self
        return replace(self, valid_on=self.seen.valid_on, known=self.seen.position, seen=None)

    def _parts(self) -> tuple[Mapping[str, Any], ...]:
        return self.filters, self.contains, self.at_least, self.at_most


def _said(item: tuple[str, Any]) -> list[str]:
    name, value = item
    return [name, *(map(str, value) if isinstance(value, list | tuple) else [str(value)])]


class Shown(NamedTuple):
    """A column that readers see: its own, joined from ``ledger``, or derived (``stored`` false).

    ``kind`` is one of text, bigint, boolean, date, timestamptz (as an ISO text where personal).
    """

    name: str
    column: Column
    kind: str
    ledger: str | None = None

    @property
    def title(self) -> str:
        """The Chinese heading."""
        return self.column.title


# ── what is answered ─────────────────────────────────────────────────────────────────────────


class Line(NamedTuple):
    """One row of an answer: its key, the entry it stems from (none for sums), its values."""

    key: str
    position: int | None
    valid_from: date | None
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """An answer: lines in order, the columns they have, where they stand on the two clocks.

    ``cursor`` asks for what follows, None at the end. ``total`` is how many lines there are on all
    pages, where that was found out on the way.
    """

    ledger: AnyLedger
    columns: tuple[Shown, ...]
    lines: tuple[Line, ...]
    seen: Seen
    cursor: str | None = None
    total: int | None = None

    def rows(self) -> list[dict[str, Any]]:
        """Return the lines as mappings of column names to values."""
        names = [shown.name for shown in self.columns]
        return [dict(zip(names, line.values, strict=True)) for line in self.lines]


@dataclass(frozen=True)
class Stream:
    """An answer without limit; ``lines`` are fetched as they are read, and only once."""

    ledger: AnyLedger
    columns: tuple[Shown, ...]
    lines: Iterator[Line]
    seen: Seen


# ── columns ──────────────────────────────────────────────────────────────────────────────────


def shown_columns(ledger: AnyLedger, ledgers: Mapping[str, AnyLedger]) -> tuple[Shown, ...]:
    """Return what readers of a ledger see: its own columns, derived figures, joined columns."""
    if isinstance(ledger, SumLedger):
        own = [
            Shown(name, column, "text" if name in ledger.keys else "bigint")
            for name, column in ledger.columns.items()
            if name not in ledger.hidden
        ]
    else:
        kinds = fields(ledger)
        own = [Shown(n, c, kinds[n].split(" ")[0]) for n, c in ledger.columns.items()]
    return (*own, *(_joined_column(one, ledgers) for one in ledger.joins))


def _joined_column(joined: Joined, ledgers: Mapping[str, AnyLedger]) -> Shown:
    other = ledgers[joined.ledger]
    source = other.columns[joined.field]
    column = Column(
        joined.title, source.filter, source.sort, personal=source.personal, choices=source.choices
    )
    summed = isinstance(other, SumLedger)
    kind = "bigint" if summed else fields(other)[joined.field].split(" ")[0]
    return Shown(joined.name, column, kind, joined.ledger)


def split_key(ledger: AnyLedger, key: str) -> tuple[str, ...]:
    """Return a row's key as the parts it is stored by; a running book's are joined by ``:``."""
    if isinstance(ledger, Ledger):
        return (key,)
    parts = tuple(key.split(":"))
    if len(parts) != len(ledger.keys):
        titles = ":".join(column.title for column in ledger.keys.values())
        raise BadQuestion("key", f"应写作“{titles}”。", "行的键")
    return parts


def conditions(asked: Asked, columns: Mapping[str, Shown]) -> Iterator[Condition]:
    """Yield the conditions of a question; raises `BadQuestion` where one cannot be asked."""
    if asked.keys is not None:
        yield Condition("subject", "{} = ANY(%s)", list(asked.keys))
    for name, value in asked.filters.items():
        shown = _filterable(columns, name)
        if value is None:
            yield Condition(name, "{} IS NULL")
        elif isinstance(value, list | tuple):
            yield Condition(name, "{} = ANY(%s)", [typed(shown, one) for one in value])
        else:
            yield Condition(name, EQUALS, typed(shown, value))
    for name, value in asked.contains.items():
        if _filterable(columns, name).kind != "text":
            raise BadQuestion(name, "只有文字列可以按包含的文字查询。", columns[name].title)
        yield Condition(name, "strpos({}, %s) > 0", typed(columns[name], value))
    for name, value in asked.at_least.items():
        yield Condition(name, "{} >= %s", typed(_filterable(columns, name), value))
    for name, value in asked.at_most.items():
        yield Condition(name, "{} <= %s", typed(_filterable(columns, name), value))


EQUALS = "{} = %s"


def words_of(asked: Asked, ledger: AnyLedger, wanted: Sequence[Condition] = ()) -> Keywords | None:
    """Return the words a question looks for beside its conditions ``wanted``.

    Raises:
        BadQuestion: it cannot be asked for such words.
    """
    if not (asked.words or "").strip():
        return None
    searched = ledger.searched if isinstance(ledger, Ledger) else None
    if searched is None:
        raise BadQuestion("words", "这本台账不能按关键词查询。", "关键词")
    try:
        found = split_words(str(asked.words))
    except ValueError as error:
        raise BadQuestion("words", str(error), "关键词") from error
    marks = (
        mark(one.column, one.value)
        for one in wanted
        if one.column in searched.beside and one.sql == EQUALS
    )
    return Keywords(searched, found, tuple(marks))


def _filterable(columns: Mapping[str, Shown], name: str) -> Shown:
    shown = columns.get(name)
    if shown is None or not (shown.column.filter or shown.column.sort):
        raise BadQuestion(name, "不能按此列查询。", shown and shown.title)
    return shown


def typed(shown: Shown, value: Any) -> Any:
    """Return a value as the column holds it; raises `BadQuestion` naming column and form."""
    wanted = TYPES[shown.kind]
    try:
        found = _parsed(wanted, value)
    except ValueError as error:
        raise BadQuestion(shown.name, f"应填{TYPE_TITLES[wanted]}。", shown.title) from error
    return found


def _parsed(wanted: type, value: Any) -> Any:
    if wanted is str:
        text = value.isoformat() if isinstance(value, date) else str(value)
        if "\0" in text:
            raise ValueError(text)
        return text
    if type(value) is wanted:
        return value
    text = str(value).strip()
    if wanted is bool:
        return text == "true" if text in {"true", "false"} else _no(text)
    if wanted is int:
        return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else _no(text)
    if wanted is date:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else _no(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else _no(text)


def _no(text: str) -> Any:
    raise ValueError(text)


# ── cursors ──────────────────────────────────────────────────────────────────────────────────


_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cursor:
    """Where a page ended: the question's digest, both clocks, the last row's key."""

    digest: str
    seen: Seen
    key: tuple[str, ...]

    def write(self) -> str:
        """Return the cursor as opaque text."""
        said = [self.digest, self.seen.valid_on, self.seen.position, *self.key]
        return base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, digest: str) -> Cursor:
        """Read a cursor back; raises `BadCursor` where it is of another question."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            own, valid_on, position, *key = found
            seen = Seen(date.fromisoformat(valid_on), int(position), _LONG_AGO, at_head=False)
            made = cls(own, seen, tuple(map(str, key)))
        except (ValueError, TypeError, binascii.Error) as error:
            raise BadCursor from error
        if own != digest or not key or seen.position < 1:
            raise BadCursor
        return made

    def clocks(self) -> Asked:
        """Return the clocks of the first page, to be looked up."""
        return Asked(valid_on=self.seen.valid_on, known=self.seen.position)
