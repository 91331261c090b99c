"""A journal for the evidence tests: real entries in the real form, filed through the recorder.

`filed` files any number of them at once; `Witnessed` is such a journal with its keys and its folder
outside; `tampering` lends the rights of whoever may do anything with the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from psycopg import Connection

from application.evidence import Examination
from domain.vocabulary import FACTS, Entry, Fact, Personal, Subject
from infrastructure.database import Database
from infrastructure.entries import encode
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_examiners import identity_examiner
from infrastructure.evidence_folder import EvidenceFolder
from infrastructure.evidence_keys import SigningKeys, new_signing_keys
from infrastructure.journal import JournalRecorder, JournalRow
from infrastructure.keys import KeyRing
from tests.databases import MASTER_KEY

ORIGIN = "taizhang/test"


class Enrolled(Fact, fact="test.enrolled"):
    """Somebody is on file."""

    person: Annotated[str, Subject("person")]
    name: Annotated[str, Personal()]
    id_no: Annotated[str, Personal(identity=True)]


class Placed(Fact, fact="test.placed"):
    """Somebody has a place; nothing personal in it."""

    unit: Annotated[str, Subject("account")]
    n: int


def the_facts() -> None:
    """Make the facts of this file known; other tests may have taken them away."""
    FACTS.update({one.fact_name: one for one in (Enrolled, Placed)})


def filed(database: Database, ring: KeyRing, number: int) -> None:
    """File so many entries in one append; every tenth enrols a person."""
    recorder = JournalRecorder(database)
    with recorder.writing() as writing:
        head = writing.head
        rows = [_row(head + n, writing.moment, ring) for n in range(1, number + 1)]
        writing.add(rows)
        new = ring.take_new()
        persons = [
            (f"{row.position:016}", _number(row.position))
            for row in rows
            if row.type == "test.enrolled"
        ]
        writing.connection.execute(
            "INSERT INTO person_keys SELECT * FROM unnest(%s::text[], %s::bytea[])",
            (list(new), list(new.values())),
        )
        writing.connection.execute(
            "INSERT INTO identities SELECT * FROM unnest(%s::bytea[], %s::text[])",
            ([ring.digest("identity", one) for _, one in persons], [one for one, _ in persons]),
        )


def _number(position: int) -> str:
    return f"{position:018}"


def _row(position: int, moment: datetime, ring: KeyRing) -> JournalRow:
    fact: Fact = Placed(unit=f"{position % 7:016}", n=position)
    if position % 10 == 0:
        fact = Enrolled(person=f"{position:016}", name=f"示范{position}", id_no=_number(position))
    entry = Entry(
        position=position,
        id=f"{position:016}",
        recorded_at=moment,
        effective_on=date(2026, 1, 1) + timedelta(days=position % 300),
        place=position,
        actor="lin",
        prepared_by="lin",
        approved_by=None,
        basis=(),
        note=None,
        secrecy="internal",
        tags=fact.tags(),
        fact=fact,
    )
    return JournalRow(
        type=fact.fact_name,
        data=encode(entry, ring),
        tags=list(entry.tags),
        position=position,
        id=entry.id,
        recorded_at=moment,
        effective_on=entry.effective_on,
        place=position,
        actor=entry.actor,
    )


@dataclass
class Witnessed:
    """An office's journal under evidence."""

    database: Database
    ring: KeyRing
    keys: SigningKeys
    outside: Path
    evidence: StoredEvidence

    def file(self, number: int, *, sign: bool = True) -> None:
        """File so many entries more, and sign a checkpoint."""
        filed(self.database, self.ring, number)
        if sign:
            self.evidence.checkpoint()

    def verify(self, *outside: str) -> Examination:
        """Compare everything stored with everything signed."""
        return self.evidence.verify(outside)

    def again(self, *, keys: SigningKeys | None = None, outside: Path | None = None) -> Witnessed:
        """Return the same office as another program would open it."""
        keys, outside = keys or self.keys, outside or self.outside
        return witnessed(self.database, self.ring, keys, outside)

    @property
    def folder(self) -> EvidenceFolder:
        """The folder outside, as files."""
        return EvidenceFolder(self.outside)

    def head(self) -> int:
        """The last position."""
        return self.evidence.state().head


def witnessed(
    database: Database, ring: KeyRing, keys: SigningKeys | None, outside: Path
) -> Witnessed:
    """Return the evidence of an office's journal."""
    signing = keys or new_signing_keys(ORIGIN)
    readers = KeyRing(MASTER_KEY)
    with database.as_owner() as connection:
        ring.open(connection)
        readers.open(connection)
    evidence = StoredEvidence(
        database, lambda: signing, outside, [identity_examiner(database, readers)]
    )
    return Witnessed(database, ring, signing, outside, evidence)


@contextmanager
def tampering(database: Database) -> Iterator[Connection[Any]]:
    """Lend the rights of somebody before whom neither privileges nor triggers stand.

    The tests' owner is no superuser and may not set ``session_replication_role``; switching the
    triggers off, which an owner may, comes to the same.
    """
    tables = ("journal", "journal_tags", "checkpoints", "tree_nodes")
    with database.as_owner() as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        yield connection
        for table in tables:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
