"""What the writer needs of the database: loading what stands, and storing one transaction.

Used by the writer's thread alone; between transactions it borrows a connection of the pool.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection

from application.filing import Batch, Filed, Refusal
from application.ledgers import Ledger, Stored
from application.standings import is_large
from domain.vocabulary import ID_ALPHABET, ID_LENGTH, Entry, person_of
from infrastructure import ledgers
from infrastructure.database import Database
from infrastructure.decoding import Decoder
from infrastructure.entries import decode, encode
from infrastructure.journal import COPY_FROM, JournalRecorder, JournalRow, Writing
from infrastructure.journal_reading import with_targets
from infrastructure.keys import KeyRing
from infrastructure.ledgers import LedgerTables
from infrastructure.together import Together

KEYS_IN_MEMORY = 100_000
IDS_DRAWN, ID_BYTES = 128, 10
"""So many internal ids are drawn at once, each of so many random bytes."""

_TO_OUR_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ID_ALPHABET.encode())


class FilingStore:
    """The store behind one writer."""

    def __init__(self, database: Database, ring: KeyRing, tables: LedgerTables) -> None:
        """Store in ``database``, sealing with ``ring``, keeping the ledgers in ``tables``."""
        self._database = database
        self._ring = ring
        self._tables = tables
        self._recorder = JournalRecorder(database)
        self._connection: Connection[Any] | None = None
        self._decoder = Decoder(None)
        self._ids: list[str] = []
        self._fresh: set[str] = set()

    # ── loading ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _asking(self) -> Iterator[Connection[Any]]:
        if self._connection is not None:
            yield self._connection
        else:
            with self._database.pool.connection() as connection:
                yield connection

    def about(self, tags: Sequence[str]) -> dict[str, list[Entry]]:
        """See `application.standings.Source.about`."""
        with self._asking() as connection:
            rows = connection.execute(
                "SELECT t.tag, t.position, j.tags, j.data"
                " FROM journal_tags t JOIN journal j USING (position)"
                " WHERE t.tag = ANY(%s) ORDER BY t.position",
                (list(tags),),
                prepare=True,
            ).fetchall()
            small = [row for row in rows if not is_large(row[0].partition(":")[0])]
            known = self._decoded(connection, {row[1]: (row[2], row[3]) for row in small})
            known |= self._summed(connection, (row for row in rows if row[1] not in known))
        found: dict[str, list[Entry]] = {tag: [] for tag in tags}
        for tag, position, _, _ in rows:
            found[tag].append(known[position])
        return found

    def _decoded(
        self, connection: Connection[Any], rows: dict[int, tuple[list[str], bytes]]
    ) -> dict[int, Entry]:
        """Decode rows by position, with the boxes of the persons they are about opened."""
        persons = {person_of(tags) for tags, _ in rows.values()} - {None}
        self._ring.load(connection, (person for person in persons if person))
        entries = {p: decode(bytes(data), self._ring) for p, (_, data) in rows.items()}
        return with_targets(connection, self._ring, entries)

    def _summed(
        self, connection: Connection[Any], rows: Iterable[tuple[Any, ...]]
    ) -> dict[int, Entry]:
        """Decode what is only summed up, which may be a lot: fast, and no box is opened for it."""
        pieces = {row[1]: row[3] for row in rows}
        entries = self._decoder.many(connection, pieces.values())
        return with_targets(connection, self._ring, {one.position: one for one in entries})

    def _at(self, connection: Connection[Any], positions: Iterable[int]) -> dict[int, Entry]:
        rows = connection.execute(
            "SELECT position, tags, data FROM journal WHERE position = ANY(%s) ORDER BY position",
            (list(positions),),
            prepare=True,
        ).fetchall()
        return self._decoded(connection, {p: (tags, data) for p, tags, data in rows})

    def entry(self, position: int) -> Entry | None:
        """See `application.standings.Source.entry`."""
        with self._asking() as connection:
            return self._at(connection, [position]).get(position)

    def voided_by(self, position: int) -> int | None:
        """See `application.standings.Source.voided_by`."""
        with self._asking() as connection:
            row = connection.execute(
                "SELECT position FROM journal WHERE voids = %s", (position,), prepare=True
            ).fetchone()
        return None if row is None else row[0]

    def between(self, first: int, last: int) -> list[Entry]:
        """See `application.filing.Store.between`."""
        with self._asking() as connection:
            return list(self._at(connection, range(first, last + 1)).values())

    def at_place(self, place: int) -> list[Entry]:
        """See `application.keeping.RowStore.at_place`."""
        with self._asking() as connection:
            rows = connection.execute(
                "SELECT position FROM journal WHERE position = %(place)s"
                " UNION SELECT position FROM journal WHERE place = %(place)s AND place <> position"
                " UNION SELECT position FROM journal_tags WHERE tag = 'entry:' || %(place)s",
                {"place": place},
            ).fetchall()
            return list(self._at(connection, [row[0] for row in rows]).values())

    def live_rows(self, ledger: Ledger, key: str) -> list[Stored]:
        """See `application.keeping.RowStore.live_rows`."""
        with self._asking() as connection:
            return self._tables.live_rows(connection, ledger, key)

    def people_known_by(self, id_numbers: Sequence[str]) -> dict[str, str]:
        """See `application.standings.Source.people_known_by`."""
        numbers = {self._ring.digest("identity", number): number for number in id_numbers}
        with self._asking() as connection:
            rows = connection.execute(
                "SELECT digest, person FROM identities WHERE digest = ANY(%s)",
                (list(numbers),),
                prepare=True,
            ).fetchall()
        return {numbers[bytes(digest)]: person for digest, person in rows}

    def new_id(self) -> str:
        """See `application.standings.Source.new_id`."""
        if not self._ids:
            drawn = b32encode(self._ring.randomness.take(IDS_DRAWN * ID_BYTES))
            text = drawn.translate(_TO_OUR_ALPHABET).decode()
            self._ids = [text[n : n + ID_LENGTH] for n in range(0, len(text), ID_LENGTH)]
        fresh = self._ids.pop()
        self._fresh.add(fresh)
        return fresh

    def fingerprint(self, command: str, body: bytes) -> bytes:
        """See `application.filing.Store.fingerprint`."""
        return self._ring.digest("fingerprint", command, body.decode())

    # ── storing ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def writing(self) -> Iterator[FilingTransaction]:
        """See `application.filing.Store.writing`."""
        with self._recorder.writing() as writing:
            self._connection = writing.connection
            try:
                yield FilingTransaction(writing, self._ring, self._tables, self._fresh)
            except BaseException:
                # Keys made for persons who were not stored after all must not be used again.
                self._ring.take_new()
                self._ring.discard_all()
                raise
            finally:
                self._connection = None
                self._fresh.clear()
        if self._ring.size > KEYS_IN_MEMORY:
            self._ring.discard_all()

    @contextmanager
    def rehearsing(self) -> Iterator[tuple[FilingStore, FilingTransaction]]:
        """See `application.filing.Store.rehearsing`: the database lets nothing be written here."""
        other = FilingStore(self._database, self._ring.sibling(), self._tables)
        with self._database.reading() as connection:
            row: Any = connection.execute(
                "SELECT coalesce(max(position), 0), clock_timestamp() FROM journal"
            ).fetchone()
            writing = Writing(connection, row[0], row[1])
            other._connection = connection
            yield other, FilingTransaction(writing, other._ring, self._tables, other._fresh)


class FilingTransaction:
    """One transaction of the store, under the writer's lock unless it only rehearses."""

    def __init__(
        self, writing: Writing, ring: KeyRing, tables: LedgerTables, fresh: AbstractSet[str]
    ) -> None:
        """Made by `FilingStore.writing`; ``fresh`` are ids drawn for this transaction."""
        self._fresh = fresh
        self._writing = writing
        self._connection = writing.connection
        self._ring = ring
        self._tables = tables
        self.head = writing.head
        self.moment: datetime = writing.moment

    def filed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Filed]:
        """See `application.filing.Transaction.filed`."""
        rows = self._connection.execute(
            "SELECT actor, key, fingerprint, first_position, last_position FROM filings"
            " JOIN unnest(%s::text[], %s::text[]) AS asked(actor, key) USING (actor, key)",
            ([actor for actor, _ in keys], [key for _, key in keys]),
            prepare=True,
        ).fetchall()
        return {
            (actor, key): Filed(actor, key, bytes(print_), first, last)
            for actor, key, print_, first, last in rows
        }

    def tags_since(self, position: int) -> set[str]:
        """See `application.filing.Transaction.tags_since`."""
        rows = self._connection.execute(
            "SELECT DISTINCT unnest(tags) FROM journal WHERE position > %s", (position,)
        ).fetchall()
        return {row[0] for row in rows}

    def add(self, entries: Sequence[Entry]) -> None:
        """See `application.filing.Transaction.add`."""
        self._load_keys(entries)
        self._enter(entries)
        together = Together()
        self._put_people(entries, together)
        together.send(self._connection)

    def _enter(self, entries: Sequence[Entry]) -> None:
        """Enter many entries in the journal; only some of them lie in memory as bytes at a time."""
        for start in range(0, len(entries), COPY_FROM):
            part = entries[start : start + COPY_FROM]
            self._writing.add([_row(entry, self._ring) for entry in part])

    def _load_keys(self, entries: Sequence[Entry]) -> None:
        """Load the keys of the people these entries are about; whoever is new has none yet."""
        persons = {person_of(entry.tags) for entry in entries} - self._fresh
        self._ring.load(self._connection, (p for p in persons if p is not None))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """See `application.filing.Transaction.attempt`."""
        head = self._writing.head
        try:
            with self._connection.transaction():
                yield
        except BaseException:
            self._writing.head = head
            self._ring.take_new()
            self._ring.discard_all()
            raise

    def store(self, batch: Batch) -> None:
        """See `application.filing.Transaction.store`."""
        together, entries = Together(), batch.entries
        self._load_keys(entries)
        if len(entries) >= COPY_FROM:
            self._enter(entries)
        ledgers_expect = self._tables.put(self._connection, batch.ledgers, together)
        if 0 < len(entries) < COPY_FROM:
            self._writing.put([_row(entry, self._ring) for entry in entries], together)
        self._put_people(entries, together)
        if batch.filed:
            _put_filed(batch.filed, together)
        if batch.refusals:
            _put_refusals(batch.refusals, together)
        found = together.send(self._connection)
        ledgers.check(ledgers_expect, found[: len(ledgers_expect)])
        for proposal, approver, position in batch.proposals:
            self._approve(proposal, approver, position)

    def _put_people(self, entries: Sequence[Entry], together: Together) -> None:
        new = self._ring.take_new()
        identities = {
            self._ring.digest("identity", number): entry.subjects("person")[0]
            for entry in entries
            if (name := entry.fact.identity_field) and (number := getattr(entry.fact, name))
        }
        if new:
            together.add(
                "INSERT INTO person_keys SELECT * FROM unnest(%s::text[], %s::bytea[])",
                (list(new), list(new.values())),
            )
        if identities:
            together.add(
                "INSERT INTO identities SELECT * FROM unnest(%s::bytea[], %s::text[])"
                " ON CONFLICT (digest) DO UPDATE SET person = excluded.person"
                " WHERE identities.person <> excluded.person",
                (list(identities), list(identities.values())),
            )

    def _approve(self, proposal: str, approver: str, position: int) -> None:
        done = self._connection.execute(
            "UPDATE proposals SET state = 'approved', decided_by = %s, decided_at = %s,"
            " position = %s, body = NULL WHERE id = %s AND state = 'waiting' RETURNING 1",
            (approver, self.moment, position, proposal),
        ).fetchone()
        if done is None:
            msg = f"proposal {proposal} no longer waits"
            raise ProposalGone(msg)


class ProposalGone(Exception):
    """The proposal was decided by somebody else in the meantime."""


def _row(entry: Entry, ring: KeyRing) -> JournalRow:
    return JournalRow(
        type=entry.fact.fact_name,
        data=encode(entry, ring),
        tags=list(entry.tags),
        position=entry.position,
        id=entry.id,
        recorded_at=entry.recorded_at,
        effective_on=entry.effective_on,
        place=entry.place,
        actor=entry.actor,
        voids=entry.voids,
    )


def _put_filed(filed: Sequence[Filed], together: Together) -> None:
    together.add(
        "INSERT INTO filings (actor, key, fingerprint, first_position, last_position)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::bigint[])",
        (
            [one.actor for one in filed],
            [one.key for one in filed],
            [one.fingerprint for one in filed],
            [one.first for one in filed],
            [one.last for one in filed],
        ),
    )


def _put_refusals(refusals: Sequence[Refusal], together: Together) -> None:
    values = orjson.dumps(
        [
            {"actor": r.actor, "command": r.command, "subjects": r.subjects, "rule": r.rule}
            for r in refusals
        ]
    )
    together.add(
        "INSERT INTO refusals (actor, command, subjects, rule)"
        " SELECT actor, command, subjects, rule FROM json_to_recordset(%s::json)"
        " AS x(actor text, command text, subjects text[], rule text)",
        (values.decode(),),
    )
