"""Folding the whole journal into tables: entries out by streams, rows in by COPY.

    by subject  ──► ledgers of one row per subject: all entries of one subject, then the next
    by position ──► running books, and ledgers with a row for each entry

Memory does not grow with the journal: a subject's entries come together, in order of position,
because the index of tags holds them so. An entry about one subject of the largest kind (a person)
is decoded once: it feeds the other ledgers on its way through that **host** stream, and the stream
by position only brings what is left. Streams are cut into tasks which any number of processes take
one by one; a task writes with a connection of its own, so what it reads stands still.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg import Connection

from application.keeping import SumRow
from application.ledgers import OPEN_POSITION, AnyLedger, Ledger, SumLedger
from application.timelines import history
from domain.vocabulary import ID_ALPHABET, Entry, Fact
from infrastructure.copying import Outlet
from infrastructure.decoding import Decoder
from infrastructure.keys import KeyRing
from infrastructure.ledger_tables import index_statements, table_name

FETCHED = 2_000
"""Entries that the server is asked for at a time, and persons whose keys."""

CHUNK = 50
"""Entries decoded at a time: what is made of them still lies in the processor's cache then."""

SLICE = 50_000
"""Entries of one task."""

Tick = Callable[[int], None]


class Task(NamedTuple):
    """A piece of the work: a stretch of positions, or of subjects of one kind, or an index.

    ``first`` is included, ``last`` (positions) too; tags of subjects end before ``last``, and where
    tags are not indexed byte by byte (``first`` None) all subjects of the kind are one task.
    """

    what: Literal["positions", "subjects", "index"]
    name: str
    first: Any
    last: Any
    size: int


@dataclass(frozen=True)
class Plan:
    """What is to be folded: which ledgers, up to which position, into tables of which prefix."""

    ledgers: tuple[AnyLedger, ...]
    head: int
    prefix: str
    url: str
    schema: str
    host: str | None = None

    def connect(self) -> Connection[Any]:
        """Return a connection of the owner in the office's schema."""
        connection = psycopg.connect(self.url, autocommit=True)
        connection.execute(f'SET search_path = "{self.schema}", pg_temp'.encode())
        for setting in ("TIME ZONE 'UTC'", "jit = off", "synchronous_commit = off"):
            connection.execute(f"SET {setting}".encode())
        return connection


# ── tasks ────────────────────────────────────────────────────────────────────────────────────


def prepared(plan: Plan, connection: Connection[Any]) -> tuple[Plan, list[Task]]:
    """Return the plan with its host, and the work cut into tasks, the longest streams first."""
    cut = _in_byte_order(connection)
    kinds = dict.fromkeys(
        one.key for one in plan.ledgers if isinstance(one, Ledger) and one.key != "entry"
    )
    sizes = {kind: _tagged(connection, kind, cut=cut) for kind in kinds}
    host = max(sizes, key=lambda kind: sizes[kind], default=None)
    found = [task for kind in kinds for task in _subject_tasks(kind, sizes[kind], cut=cut)]
    if any(isinstance(one, SumLedger) or one.key == "entry" for one in plan.ledgers):
        left = max(0, plan.head - (sizes[host] if host is not None else 0))
        found += [
            Task("positions", "", first, min(first + SLICE - 1, plan.head), left // SLICE + 1)
            for first in range(1, plan.head + 1, SLICE)
        ]
    return replace(plan, host=host), sorted(found, key=lambda task: -task.size)


def _tagged(connection: Connection[Any], kind: str, *, cut: bool) -> int:
    stretch = " AND tag >= %s AND tag < %s" if cut else ""
    row = connection.execute(
        f"SELECT count(*) FROM journal_tags WHERE starts_with(tag, %s){stretch}".encode(),  # noqa: S608
        (f"{kind}:", f"{kind}:", f"{kind};") if cut else (f"{kind}:",),
    ).fetchone()
    return row[0] if row else 0


def _subject_tasks(kind: str, size: int, *, cut: bool) -> list[Task]:
    """Cut the subjects of a kind by the first sign of their ids, which are random."""
    if not cut:
        return [Task("subjects", kind, None, None, size)]
    parts = min(len(ID_ALPHABET), max(1, size // SLICE))
    width = len(ID_ALPHABET) / parts
    cuts = [ID_ALPHABET[round(n * width)] for n in range(1, parts)]
    ends = [f"{kind}:", *(f"{kind}:{cut}" for cut in cuts), f"{kind};"]
    return [Task("subjects", kind, first, last, size // parts) for first, last in pairwise(ends)]


def _in_byte_order(connection: Connection[Any]) -> bool:
    """Whether tags are indexed byte by byte: then a stretch of them is a stretch of the index."""
    row = connection.execute(
        "SELECT datlocprovider = 'b' OR datlocprovider = 'c' AND datcollate = ANY(%s)"
        " FROM pg_database WHERE datname = current_database()",
        (["C", "POSIX", "C.UTF-8", "C.utf8"],),
    ).fetchone()
    return bool(row and row[0])


def index_tasks(plan: Plan) -> list[Task]:
    """Return the tasks that index the tables once they are filled."""
    return [Task("index", one.name, None, None, 0) for one in plan.ledgers]


# ── a worker ─────────────────────────────────────────────────────────────────────────────────


class Folder:
    """Carries tasks out, one at a time, with one connection to read and one to write."""

    def __init__(self, plan: Plan, ring: KeyRing) -> None:
        """Connect, and learn where appends end and which entries are void."""
        self.plan = plan
        self.reading, self.writing = plan.connect(), plan.connect()
        self._opening = Decoder(ring)
        self._closed = Decoder(None)
        self._steps = _steps(self.reading, plan.head)
        self._voids = _voids(self.reading, plan.head)
        self._later = _Later(self.reading, plan.head)
        self._outlets = {one.name: Outlet(one, plan.prefix, self.writing) for one in plan.ledgers}
        self._books = [
            (one, self._outlets[one.name]) for one in plan.ledgers if isinstance(one, SumLedger)
        ]
        self._taking: dict[type[Fact], tuple[Ledger, ...]] = {}
        self._lists = [
            one for one in plan.ledgers if isinstance(one, Ledger) and one.key == "entry"
        ]
        self._host = "" if plan.host is None else plan.host + ":"

    def close(self) -> None:
        """Close both connections."""
        self.reading.close()
        self.writing.close()

    def run(self, task: Task, tick: Tick) -> None:
        """Carry a task out; ``tick`` is told of entries done."""
        if task.what == "positions":
            self._positions(task.first, task.last, tick)
        elif task.what == "subjects":
            self._subjects(task, tick)
        else:
            ledger = self._outlets[task.name].ledger
            for statement in index_statements(ledger, table_name(ledger.name, self.plan.prefix)):
                self.writing.execute(statement.encode())
        for outlet in self._outlets.values():
            outlet.flush()

    def step(self, position: int) -> int:
        """Return the last position of the append to which the entry belongs."""
        return self._steps[bisect_left(self._steps, position)]

    def _decoder(self, ledgers: Iterable[AnyLedger]) -> Decoder:
        """Boxes are opened only for ledgers that show what is in them."""
        personal = any(column.personal for one in ledgers for column in one.columns.values())
        return self._opening if personal else self._closed

    # ── by position ──────────────────────────────────────────────────────────────────────────

    def _positions(self, first: int, last: int, tick: Tick) -> None:
        decoder = self._decoder(self._lists)
        for start in range(first, last + 1, FETCHED):
            end = min(start + FETCHED - 1, last)
            later = self._later.between(start, end) if self._lists else {}
            entries = self._between(decoder, start, end, later)
            more = self._at(decoder, (p for positions in later.values() for p in positions))
            for entry in entries:
                hosted = self._hosts(entry)
                if not hosted:
                    self._add_moves(entry)
                place = entry.position
                if entry.place == place and (place in later or not hosted):
                    self._add_place([entry, *(more[p] for p in later.get(place, ()))])
            tick(len(entries))

    def _hosts(self, entry: Entry) -> bool:
        """Whether the host stream brings the entry, and brings it once."""
        host = self._host
        return bool(host) and sum([tag.startswith(host) for tag in entry.tags]) == 1

    def _between(
        self, decoder: Decoder, first: int, last: int, needed: Iterable[int]
    ) -> list[Entry]:
        """Return the entries of a stretch that the host stream does not bring, and those needed."""
        where = _NOT_HOSTED if self._host else ""
        values = {"first": first, "last": last, "host": self._host, "needed": list(needed)}
        rows = self.reading.execute(
            f"SELECT data FROM journal WHERE position BETWEEN %(first)s AND %(last)s{where}"  # noqa: S608
            " ORDER BY position".encode(),
            values,
            binary=True,
        ).fetchall()
        return decoder.many(self.reading, [row[0] for row in rows])

    def _at(self, decoder: Decoder, positions: Iterable[int]) -> dict[int, Entry]:
        wanted = list(positions)
        if not wanted:
            return {}
        rows = self.reading.execute(
            "SELECT data FROM journal WHERE position = ANY(%s)", (wanted,), binary=True
        ).fetchall()
        found = decoder.many(self.reading, [row[0] for row in rows])
        return {entry.position: entry for entry in found}

    def _add_moves(self, entry: Entry) -> None:
        """Add what the entry moves in running books; a void only closes what its target moved."""
        if entry.voids is not None:
            return
        position = entry.position
        kf, ku = self.step(position), self._voids.get(position, OPEN_POSITION)
        for book, outlet in self._books:
            for move in book.moves(entry):
                outlet.put_move(SumRow(move, kf, position), ku)

    def _add_place(self, about: list[Entry]) -> None:
        """Add the rows of an entry first filed here, with what was filed about it later."""
        first = about[0]
        if len(about) == 1:
            for ledger in self._takers(first):
                for key in dict.fromkeys(ledger.keys(first)):
                    self._add_history(ledger, key, about)
            return
        _join_targets(about)
        place = str(first.position)
        for ledger in self._lists:
            by_key: dict[str, list[Entry]] = {}
            for entry in about:
                if ledger.takes(entry):
                    for key in dict.fromkeys(ledger.keys(entry)):
                        by_key.setdefault(key, []).append(entry)
            for key, entries in by_key.items():
                if key.partition(":")[0] == place:
                    self._add_history(ledger, key, entries)

    def _takers(self, entry: Entry) -> tuple[Ledger, ...]:
        """Return the ledgers of entries in which this one has a row of its own."""
        fact = type(entry.fact)
        found = self._taking.get(fact)
        if found is None:
            found = tuple(ledger for ledger in self._lists if ledger.takes(entry))
            self._taking[fact] = found
        return found

    # ── by subject ───────────────────────────────────────────────────────────────────────────

    def _subjects(self, task: Task, tick: Tick) -> None:
        ledgers = [
            one for one in self.plan.ledgers if isinstance(one, Ledger) and one.key == task.name
        ]
        host = task.name == self.plan.host
        decoder = self._decoder([*ledgers, *self._lists] if host else ledgers)
        pairs = self._tagged(decoder, task, tick)
        for tag, group in groupby(pairs, key=lambda pair: pair[0]):
            about, key = [entry for _, entry in group], tag[len(task.name) + 1 :]
            _join_targets(about)
            if host:
                self._feed_others(about)
            for ledger in ledgers:
                own = ledger.subjects is not None
                concerned = [
                    e for e in about if ledger.takes(e) and (not own or key in ledger.keys(e))
                ]
                if concerned:
                    self._add_history(ledger, key, concerned)

    def _feed_others(self, about: Iterable[Entry]) -> None:
        """Let running books and ledgers of entries have what comes through the host stream."""
        for entry in about:
            if not self._hosts(entry):
                continue
            self._add_moves(entry)
            place = entry.position
            if self._lists and entry.place == place and place not in self._later:
                self._add_place([entry])

    def _tagged(self, decoder: Decoder, task: Task, tick: Tick) -> Iterator[tuple[str, Entry]]:
        """Yield the entries of the subjects of a task, subject by subject, by position."""
        with self.reading.transaction(), self.reading.cursor(name="subjects") as cursor:
            self.reading.execute(_IN_ORDER_OF_TAGS)
            stretch = _STRETCH if task.first is not None else ""
            values = {"kind": f"{task.name}:", "first": task.first, "last": task.last}
            statement = _TAGGED.replace("{stretch}", stretch).encode()
            cursor.execute(statement, values | {"head": self.plan.head}, binary=True)
            while rows := cursor.fetchmany(FETCHED):
                decoder.foresee(self.reading, (tag for tag, _ in rows))
                for start in range(0, len(rows), CHUNK):
                    part = rows[start : start + CHUNK]
                    entries = decoder.many(self.reading, [data for _, data in part])
                    tick(len(part))
                    for (tag, _), entry in zip(part, entries, strict=True):
                        yield tag, entry

    def _add_history(self, ledger: Ledger, key: str, about: Sequence[Entry]) -> None:
        if len(about) == 1:
            appends = [(self.step(about[0].position), about)]
        else:
            by_step = groupby(about, key=lambda entry: self.step(entry.position))
            appends = [(step, list(entries)) for step, entries in by_step]
        outlet = self._outlets[ledger.name]
        for row in history(ledger, key, appends):
            outlet.put_row(row)


_NOT_HOSTED = """
 AND (position = ANY(%(needed)s)
      OR (SELECT count(*) FROM unnest(tags) t(tag) WHERE starts_with(t.tag, %(host)s)) <> 1)
"""
_TAGGED = """
SELECT t.tag, j.data FROM journal_tags t JOIN journal j USING (position)
WHERE starts_with(t.tag, %(kind)s){stretch} AND t.position <= %(head)s
ORDER BY t.tag, t.position
"""
_STRETCH = " AND t.tag >= %(first)s AND t.tag < %(last)s"
_IN_ORDER_OF_TAGS = b"SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"


def _join_targets(about: Sequence[Entry]) -> None:
    by_position = {entry.position: entry for entry in about}
    for entry in about:
        if entry.voids is not None and entry.target is None:
            object.__setattr__(entry, "target", by_position[entry.voids])  # while it is being made


class _Later:
    """Which entries are about an earlier one (voids, corrections, what is tagged with it)."""

    def __init__(self, connection: Connection[Any], head: int) -> None:
        self._places: array[int] = array("q")
        self._positions: array[int] = array("q")
        with connection.transaction(), connection.cursor(name="later") as cursor:
            cursor.itersize = 50_000
            cursor.execute(_LATER, {"head": head}, binary=True)
            for place, position in cursor:
                self._places.append(place)
                self._positions.append(position)

    def __contains__(self, place: int) -> bool:
        at = bisect_left(self._places, place)
        return at < len(self._places) and self._places[at] == place

    def between(self, first: int, last: int) -> dict[int, list[int]]:
        """Return by place, from ``first`` to ``last``, the positions of what came later."""
        found: dict[int, list[int]] = {}
        for n in range(bisect_left(self._places, first), bisect_left(self._places, last + 1)):
            found.setdefault(self._places[n], []).append(self._positions[n])
        return found


_LATER = """
SELECT place, position FROM journal WHERE place <> position AND position <= %(head)s
UNION
SELECT substr(tag, 7)::bigint, position FROM journal_tags
WHERE starts_with(tag, 'entry:') AND position <= %(head)s
ORDER BY 1, 2
"""


def _steps(connection: Connection[Any], head: int) -> array[int]:
    """Return the last position of every append."""
    ends: array[int] = array("q")
    with connection.transaction(), connection.cursor(name="steps") as cursor:
        cursor.itersize = 50_000
        cursor.execute(
            "SELECT max(position) FROM journal WHERE position <= %s"
            " GROUP BY recorded_at ORDER BY recorded_at",
            (head,),
            binary=True,
        )
        ends.extend(row[0] for row in cursor)
    return ends


def _voids(connection: Connection[Any], head: int) -> dict[int, int]:
    """Return for every voided entry the step that voids it."""
    rows = connection.execute(
        "SELECT v.voids, (SELECT max(position) FROM journal s WHERE s.recorded_at = v.recorded_at)"
        " FROM journal v WHERE v.voids IS NOT NULL AND v.position <= %s",
        (head,),
    ).fetchall()
    return dict(rows)
