"""Verifying what derives from the journal (衍生数据核验): the identity index and the ledgers.

The hash tree does not cover them, for they may change: but every row of theirs stems from an entry
that it does cover. Both are folded anew and compared.

The identity index holds a keyed hash of every ID number and whose it is; the last entry that names
a number decides: who bore it by mistake before has been corrected. Numbers of persons whose key was
destroyed are in neither.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

import orjson
from psycopg import Connection

from application.evidence import EvidenceProblem, Examination, Examiner, Kind, Progress
from application.ledgers import AnyLedger
from domain.vocabulary import ERASED, FACTS, person_of
from infrastructure.database import Database
from infrastructure.entries import commitment, decode, open_box
from infrastructure.keys import KeyProblem, KeyRing
from infrastructure.rebuilding import RebuildRunning
from infrastructure.verifying import verify_ledgers

ROWS_AT_ONCE: Final = 2_000


def ledger_examiner(database: Database, ring: KeyRing, ledgers: Iterable[AnyLedger]) -> Examiner:
    """Return the examiner of the ledgers; ``ring`` must be nobody else's meanwhile."""
    chosen = tuple(ledgers)

    def examine(result: Examination, progress: Progress) -> None:
        try:
            verdict = verify_ledgers(database, ring, chosen, progress)
        except RebuildRunning as error:
            raise EvidenceProblem(str(error)) from error
        for difference in verdict.differences:
            result.found(Kind.LEDGER, difference.position, str(difference))
        result.unbuilt += verdict.unbuilt

    return Examiner("台账", examine)


def identity_examiner(database: Database, ring: KeyRing) -> Examiner:
    """Return the examiner of the identity index; ``ring`` must be nobody else's meanwhile."""

    def examine(result: Examination, progress: Progress) -> None:
        with database.reading() as connection:
            _Identities(connection, ring, result, progress).compare()

    return Examiner("身份索引", examine)


class _Identities:
    def __init__(
        self,
        connection: Connection[Any],
        ring: KeyRing,
        result: Examination,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._ring = ring
        self._result = result
        self._progress = progress
        self._expected: dict[bytes, tuple[str, int]] = {}

    def compare(self) -> None:
        """Note every difference between the index and the journal."""
        self._fold()
        rows = self._connection.execute("SELECT digest, person FROM identities").fetchall()
        stored = {bytes(digest): person for digest, person in rows}
        for digest, (person, position) in self._expected.items():
            found = stored.pop(digest, None)
            if found != person:
                what = "缺少" if found is None else f"误记为人员 {found} 的"
                detail = f"身份索引{what}流水号 {position} 登记的身份号码（人员 {person}）。"
                self._result.found(Kind.IDENTITY, position, detail)
        for person in stored.values():
            detail = f"身份索引中人员 {person} 的一个身份号码没有流水依据。"
            self._result.found(Kind.IDENTITY, None, detail)

    def _fold(self) -> None:
        facts = [name for name, fact in FACTS.items() if fact.identity_field is not None]
        with self._connection.cursor(name="identities", binary=True) as cursor:
            cursor.execute(
                "SELECT position, tags, data FROM journal WHERE fact = ANY(%s) ORDER BY position",
                (facts,),
            )
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                self._load({tag[7:] for row in rows for tag in row[1] if tag.startswith("person:")})
                for position, _, data in rows:
                    self._take(position, data)
                self._ring.discard_all()
                self._progress("核验身份索引", len(self._expected), len(self._expected))

    def _load(self, persons: set[str]) -> None:
        """Load the keys of these persons, one by one where not all of them open."""
        try:
            self._ring.load(self._connection, persons)
        except KeyProblem:
            for person in sorted(persons):
                self._load_one(person)

    def _load_one(self, person: str) -> None:
        try:
            self._ring.load(self._connection, [person])
        except KeyProblem:
            detail = f"人员 {person} 的密钥无法解开，可能被改动；其个人信息无法核验。"
            self._result.found(Kind.IDENTITY, None, detail)

    def _take(self, position: int, data: bytes) -> None:
        try:
            person, number = self._read(data)
        except (ValueError, KeyError, TypeError) as error:
            detail = f"流水号 {position} 的个人信息无法解开（{type(error).__name__}）。"
            self._result.found(Kind.IDENTITY, position, detail)
            return
        if number and number != ERASED:
            digest = self._ring.digest("identity", number)
            self._expected[digest] = person, position

    def _read(self, data: bytes) -> tuple[str, str | None]:
        """Return whom an entry is about and the number it names; nothing else is unpacked."""
        said = orjson.loads(data)
        fact, person = FACTS[said["fact"]], person_of(said["tags"])
        field = str(fact.identity_field)
        if person is None or said["version"] != fact.fact_version or said["sealed"] is None:
            entry = decode(data, self._ring)
            return entry.subjects("person")[0], getattr(entry.fact, field)
        inside = open_box(said["sealed"], said["id"], person, self._ring)
        if inside is None or said["body"][field] is None:
            return person, None
        name, (salt, number) = f"body.{field}", inside[f"body.{field}"]
        if commitment(base64.b64decode(salt), name, number) != said["body"][field]["sealed"]:
            raise ValueError("与密封前的承诺值不符")
        return person, number
