"""Questions to stored ledgers as SQL: rows as of two clocks, joined, filtered, in order, paged.

                   ┌ rows that hold on v and were not superseded by then as far as v is concerned
    as of (v, k) = ┤                                   UNION ALL
                   └ rows superseded on or before v, but only later than k     (past k only)

Always these two disjoint branches, each with an index of its own, never an OR: the planner would
give up the indexes. At the head nothing can be superseded later, so only the first is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from application.ledgers import OPEN_POSITION, AnyLedger, Joined, Ledger, SumLedger
from infrastructure import ledger_words
from infrastructure.ledger_tables import fields, key_order, quoted, sort_order, table_name

FOUND = "found"
"""The column beside the ledger's own that says how many rows a search has found."""

_EXPRESSION = re.compile(r"[a-z_][a-z0-9_]*|[0-9]+|[-+(), ]")


@dataclass(frozen=True)
class Seen:
    """Where an answer stands on the two clocks.

    ``position`` is the last position of an append, recorded at ``known_at``; ``at_head`` tells that
    nothing later was on record when the answer was computed.
    """

    valid_on: date
    position: int
    known_at: datetime
    at_head: bool


@dataclass(frozen=True)
class Condition:
    """One condition on a column: ``sql`` with ``{}`` for the column and ``%s`` for the value."""

    column: str
    sql: str
    value: Any = None


class Words:
    """The values of a statement, by name."""

    def __init__(self, seen: Seen) -> None:
        """Begin with the two clocks."""
        self.values: dict[str, Any] = {"v": seen.valid_on, "k": seen.position}
        self.seen = seen

    def put(self, value: Any) -> str:
        """Return the placeholder of a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def condition(self, condition: Condition, column: str) -> str:
        """Return a condition on ``column``."""
        text = condition.sql.replace("{}", column)
        return text.replace("%s", self.put(condition.value)) if "%s" in text else text


@dataclass(frozen=True)
class Search:
    """Words that rows must hold; ``among`` keeps to some values of the order's first column."""

    words: ledger_words.Keywords
    among: tuple[Any, ...] = ()


@dataclass
class Select:
    """A question to one ledger, ready to be written down.

    ``only`` names the columns that are wanted, all of them where it is empty: long texts that
    nobody reads need not be fetched. A search can be ``counted`` on the way: every row says then
    how many there are (`FOUND`).
    """

    ledger: AnyLedger
    ledgers: Mapping[str, AnyLedger]
    conditions: Sequence[Condition] = ()
    sort: Sequence[str] = ()
    after: Sequence[Any] | None = None
    limit: int | None = None
    key: tuple[str, ...] | None = None
    search: Search | None = None
    only: tuple[str, ...] = ()
    counted: bool = False
    columns: list[str] = field(init=False)
    joins: tuple[Joined, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find out which columns the core has."""
        ledger = self.ledger
        if isinstance(ledger, SumLedger):
            self.columns = [*ledger.keys, *ledger.measures, *(one.name for one in ledger.derived)]
        else:
            self.columns = ["subject", "vf", "stem", *fields(ledger)]
            self.columns += [name for name in key_order(ledger) if name not in self.columns]
        self.joins = ledger.joins
        if self.only:
            self._narrow({*self.only, *(one.column for one in self.conditions)})

    def _narrow(self, wanted: set[str]) -> None:
        """Leave out what is neither wanted nor needed to sort, to filter, or to join."""
        wanted |= {name for name, _ in self.order}
        self.joins = tuple(one for one in self.joins if one.name in wanted)
        if isinstance(self.ledger, Ledger):
            needed = {*wanted, "subject", "vf", "stem", *(one.by for one in self.joins)}
            self.columns = [name for name in self.columns if name in needed]

    # ── the whole ────────────────────────────────────────────────────────────────────────────

    @property
    def order(self) -> list[tuple[str, bool]]:
        """Columns to sort by, with whether they descend; the key is always among them."""
        return sort_order(self.ledger, self.sort or self.ledger.sort)

    @property
    def walkable(self) -> str | None:
        """The order's first column, where a search can go along its values: marks tell them."""
        (name, down), *_ = self.order
        searched = self.ledger.searched if isinstance(self.ledger, Ledger) else None
        joined = {one.name for one in self.joins}
        fixed = any(one.column == name or one.column in joined for one in self.conditions)
        if self.search is None or searched is None or name not in searched.beside:
            return None
        return None if down or fixed or any(one in joined for one, _ in self.order) else name

    @property
    def foreign(self) -> list[Condition]:
        """Conditions on what belongs to other subjects."""
        joined = {one.name for one in self.joins}
        return [one for one in self.conditions if one.column in joined]

    def rows(self, words: Words) -> str:
        """Return the statement that answers with rows: the core's columns, then the joined ones."""
        foreign = self.foreign
        joined = {one.name for one in self.joins}
        by = ", ".join(f"{quoted(n)} {'DESC' if down else 'ASC'}" for n, down in self.order)
        if foreign or any(name in joined for name, _ in self.order):
            inside = self._with_joins(self._core(words), words, cut=False)
            outside = [words.condition(one, quoted(one.column)) for one in foreign]
            outside += self._keyset(words)
            return f"SELECT * FROM ({inside}) q{_where(outside)} ORDER BY {by}{self._limit(words)}"  # noqa: S608
        cut = self._core(words, by)
        keyed = any(one.column == "subject" for one in self.conditions)
        few = self.limit is not None or keyed
        return f"{self._with_joins(cut, words, cut=few)} ORDER BY {by}"

    def count(self, words: Words) -> str:
        """Return the statement that counts the rows, up to the limit where there is one."""
        foreign = self.foreign
        core = self._core(words)
        if foreign:
            core = self._with_joins(core, words, cut=False)
        outside = [words.condition(one, quoted(one.column)) for one in foreign]
        found = f"SELECT 1 FROM ({core}) q{_where(outside)}{self._limit(words)}"  # noqa: S608
        return f"SELECT count(*) FROM ({found}) n"  # noqa: S608  (checked names)

    # ── the core: the ledger's own columns as of the two clocks ──────────────────────────────

    def _own(self, words: Words, names: Iterable[str]) -> list[str]:
        found = set(names)
        return [words.condition(c, quoted(c.column)) for c in self.conditions if c.column in found]

    def _core(self, words: Words, by: str | None = None) -> str:
        """Return the ledger's rows; with ``by``, only those of the page, in that order."""
        if isinstance(self.ledger, SumLedger):
            return self._sums(self.ledger, words, by)
        where = self._own(words, self.columns)
        if self.key is not None:
            where.append(f"subject = {words.put(self.key[0])}")
        listed, end = ", ".join(map(quoted, self.columns)), ""
        if self.search is not None:
            beyond = self.search.words.beyond()
            where += [words.condition(Condition("", sql, value), "") for sql, value in beyond]
        if by is not None:
            where += self._keyset(words)
            end = f" ORDER BY {by}{self._limit(words)}"
        table, branches = quoted(table_name(self.ledger.name)), branches_as_of(words.seen)
        if self.search is not None:
            # Rows with the pairs are found first, by their index and no other: OFFSET 0 keeps the
            # server from walking along the order, or through a department, instead.
            column, among = self.order[0][0], self.search.among
            found = self.search.words.indexed(column, among)
            holding = [words.condition(Condition("", sql, value), "") for sql, value in found]
            if among:  # two values may have one mark
                where.append(f"{quoted(column)} = ANY({words.put(list(among))})")
            clocks = " OR ".join(f"({branch})" for branch in branches)
            inner = f"SELECT * FROM {table} WHERE {' OR '.join(holding)} OFFSET 0"  # noqa: S608
            total = f", count(*) OVER () AS {FOUND}" if self.counted else ""
            return (
                f"SELECT {listed}{total} FROM ({inner}) f"  # noqa: S608  (checked names)
                f"{_where([f'({clocks})', *where])}{end}"
            )
        branches = [
            f"SELECT {listed} FROM {table}{_where([clocks, *where])}{end}"  # noqa: S608
            for clocks in branches
        ]
        if len(branches) == 1:
            return branches[0]
        both = " UNION ALL ".join(f"({branch})" for branch in branches)
        return f"SELECT * FROM ({both}) t{end}"  # noqa: S608

    def _sums(self, ledger: SumLedger, words: Words, by: str | None) -> str:
        inner = self._own(words, ledger.keys)
        if self.key is not None:
            inner += [
                f"{quoted(name)} = {words.put(value)}"
                for name, value in zip(ledger.keys, self.key, strict=True)
            ]
        outer = self._own(words, self.columns[len(ledger.keys) :])
        end = ""
        if by is not None:
            outer += self._keyset(words)
            end = f" ORDER BY {by}{self._limit(words)}"
        return f"SELECT * FROM ({sums_as_of(ledger, inner)}) m{_where(outer)}{end}"  # noqa: S608

    def _limit(self, words: Words) -> str:
        return "" if self.limit is None else f" LIMIT {words.put(self.limit)}"

    # ── what belongs to others ───────────────────────────────────────────────────────────────

    def _with_joins(self, core: str, words: Words, *, cut: bool) -> str:
        """Join what belongs to other subjects; row by row where the page is ``cut`` already."""
        groups = self.groups()
        if not groups:
            return f"SELECT t.* FROM ({core}) t"  # noqa: S608  (checked names)
        shown, joins = ["t.*"], []
        for n, ((name, by), members) in enumerate(groups.items()):
            own = f"t.{quoted(self._pointer(by))}"
            other = _joined_rows(self.ledgers[name], members, own if cut else None, words.seen)
            shown += [f"j{n}.{quoted(one.name)}" for one in members]
            joins.append(
                f" LEFT JOIN LATERAL ({other}) j{n} ON true"
                if cut
                else f" LEFT JOIN ({other}) j{n} ON j{n}.subject = {own}"
            )
        return f"SELECT {', '.join(shown)} FROM ({core}) t{''.join(joins)}"  # noqa: S608

    def groups(self) -> dict[tuple[str, str], list[Joined]]:
        """Return the joined columns by what they are joined from and by, as a statement does."""
        groups: dict[tuple[str, str], list[Joined]] = {}
        for one in self.joins:
            groups.setdefault((one.ledger, one.by), []).append(one)
        return groups

    def _pointer(self, by: str) -> str:
        if by != "key":
            return by
        return next(iter(self.ledger.keys)) if isinstance(self.ledger, SumLedger) else "subject"

    # ── what follows a row ───────────────────────────────────────────────────────────────────

    def _keyset(self, words: Words) -> list[str]:
        """Return the condition that a row comes after the page's last, or nothing at a start."""
        if self.after is None:
            return []
        order = self.order
        surely = self._filled()
        if len({down for _, down in order}) == 1 and all(name in surely for name, _ in order):
            names = ", ".join(quoted(name) for name, _ in order)
            values = ", ".join(words.put(value) for value in self.after)
            return [f"({names}) {'<' if order[0][1] else '>'} ({values})"]
        return [_after(order, self.after, words)]

    def _filled(self) -> set[str]:
        """Return the columns that never are empty."""
        if isinstance(self.ledger, SumLedger):
            return set(self.columns)
        own = {n for n, kind in fields(self.ledger).items() if kind.endswith("NOT NULL")}
        return {*own, "seq", "subject"}


def _after(order: Sequence[tuple[str, bool]], values: Sequence[Any], words: Words) -> str:
    """Spell out what follows a row whose order mixes directions or may have empty fields.

    As in an index, an empty field is greater than any other.
    """
    cases: list[str] = []
    same: list[str] = []
    for (name, down), value in zip(order, values, strict=True):
        column = quoted(name)
        if value is None:
            beyond = f"{column} IS NOT NULL" if down else "false"
            equal = f"{column} IS NULL"
        else:
            place = words.put(value)
            beyond = f"{column} < {place}" if down else f"({column} > {place} OR {column} IS NULL)"
            equal = f"{column} = {place}"
        cases.append(" AND ".join([*same, beyond]))
        same.append(equal)
    return "(" + " OR ".join(f"({case})" for case in cases) + ")"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


# ── as of the two clocks ─────────────────────────────────────────────────────────────────────


def branches_as_of(seen: Seen) -> list[str]:
    """Return the disjoint conditions under which a stored row is what the ledger says."""
    known = "vf <= %(v)s AND kf <= %(k)s::bigint AND ku > %(k)s::bigint"
    holds = f"ev > %(v)s AND {known}"
    if seen.at_head:
        return [holds]
    return [holds, f"ek > %(k)s::bigint AND ek < {OPEN_POSITION} AND ev <= %(v)s AND {known}"]


def sums_as_of(ledger: SumLedger, where: Sequence[str]) -> str:
    """Return the statement for the sums of a running book, with its derived figures."""
    keys = ", ".join(map(quoted, ledger.keys))
    sums = ", ".join(f"sum({quoted(m)})::bigint AS {quoted(m)}" for m in ledger.measures)
    some = " OR ".join(f"sum({quoted(m)}) <> 0" for m in ledger.measures)
    clocks = "day <= %(v)s AND kf <= %(k)s::bigint AND ku > %(k)s::bigint"
    inner = (
        f"SELECT {keys}, {sums} FROM {quoted(table_name(ledger.name))}"  # noqa: S608
        f"{_where([*where, clocks])} GROUP BY {keys} HAVING {some}"
    )
    if not ledger.derived:
        return inner
    derived = ", ".join(
        f"({expression(ledger, one.expression)})::bigint AS {quoted(one.name)}"
        for one in ledger.derived
    )
    return f"SELECT s.*, {derived} FROM ({inner}) s"  # noqa: S608


def expression(ledger: SumLedger, text: str) -> str:
    """Return a derived figure's expression as SQL, once every word in it is known."""
    words = _EXPRESSION.findall(text)
    known = {*ledger.measures, "greatest", "least"}
    strange = [w for w in words if w[0].isalpha() and w not in known]
    if "".join(words) != text or strange:
        msg = f"ledger {ledger.name}: {text!r} is no expression of its measures ({strange})"
        raise TypeError(msg)
    return "".join(quoted(w) if w in ledger.measures else w for w in words)


def _joined_rows(other: AnyLedger, members: Sequence[Joined], by: str | None, seen: Seen) -> str:
    """Return another ledger's fields under the names they are joined by, and its ``subject``."""
    if isinstance(other, SumLedger):
        first = quoted(next(iter(other.keys)))
        shown = ", ".join(f"sum({quoted(m.field)})::bigint AS {quoted(m.name)}" for m in members)
        where = [] if by is None else [f"{first} = {by}"]
        return (
            f"SELECT {first} AS subject, {shown} FROM ({sums_as_of(other, where)}) o"  # noqa: S608
            f" GROUP BY {first}"
        )
    own = fields(other)
    strange = [m.field for m in members if m.field not in own]
    if strange:
        msg = f"ledger {other.name} has no fields of its own called {strange}"
        raise TypeError(msg)
    shown = ", ".join(f"{quoted(m.field)} AS {quoted(m.name)}" for m in members)
    where = [] if by is None else [f"subject = {by}"]
    return " UNION ALL ".join(
        f"SELECT subject, {shown} FROM {quoted(table_name(other.name))}{_where([clocks, *where])}"  # noqa: S608
        for clocks in branches_as_of(seen)
    )


def tables_of(ledger: AnyLedger) -> list[str]:
    """Return every table a question to the ledger reads, its own first."""
    names = [ledger.name, *(one.ledger for one in ledger.joins)]
    return [table_name(name) for name in dict.fromkeys(names)]


__all__ = [
    "Condition",
    "Ledger",
    "Search",
    "Seen",
    "Select",
    "Words",
    "branches_as_of",
    "expression",
    "sums_as_of",
    "tables_of",
]
