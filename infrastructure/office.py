"""One office as a running whole: its database, keys, writer, ledgers and questions.

The composition roots (`interface/app.py`, `interface/cli.py`) and the tests build this and nothing
else; it is the only place that knows how the parts fit together.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import version
from typing import Self

from application import books  # noqa: F401  (fills FACTS, COMMANDS, RULES, LEDGERS)
from application.evidence import EvidenceProblem
from application.journal import Writer
from application.ledgers import LEDGERS, AnyLedger
from infrastructure.database import Database
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_examiners import identity_examiner, ledger_examiner
from infrastructure.evidence_folder import EvidencePlaces
from infrastructure.evidence_opening import opened_evidence
from infrastructure.filing import FilingStore
from infrastructure.journal_reading import JournalReader
from infrastructure.keys import KeyRing
from infrastructure.ledger_reading import LedgerReader
from infrastructure.ledgers import LedgerTables


def calm_the_collector() -> None:
    """Let Python's garbage collector look less often at what lives long.

    The writer remembers tens of thousands of subjects, and hardly anything it makes refers to
    itself in a circle: with the usual thresholds a third of its time went into looking.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


class Office:
    """Everything of one office behind one object."""

    def __init__(
        self,
        url: str,
        master_key: bytes,
        *,
        schema: str = "office",
        pool_size: int = 8,
        ledgers: Iterable[AnyLedger] | None = None,
        evidence: EvidencePlaces | None = None,
    ) -> None:
        """Put the parts together; `open` brings them to life.

        ``evidence`` is needed by whoever signs, proves or verifies; the rest does without.
        """
        self._places = evidence
        self.signing_key_is_new = False
        declared = list(LEDGERS.values() if ledgers is None else ledgers)
        self.database = Database(url, schema=schema, pool_size=pool_size)
        self.ring = KeyRing(master_key)
        self._readers_ring = KeyRing(master_key)  # a ring is one thread's at a time: see journal
        self._examiners_ring = KeyRing(master_key)
        self.tables = LedgerTables(declared)
        self.store = FilingStore(self.database, self.ring, self.tables)
        self.writer = Writer(self.store, declared, code=version("taizhang"))
        self.journal = JournalReader(self.database, self._readers_ring)
        self.ledgers = LedgerReader(self.database, declared)

    def open(self) -> Self:
        """Migrate, open keys and pool, make ledgers that are missing, start the writer."""
        calm_the_collector()
        self.database.open()
        with self.database.as_owner() as connection:
            self.ring.open(connection)
            self._readers_ring.open(connection)
            self._examiners_ring.open(connection)
            self.tables.create_missing(connection)
        self.writer.start()
        return self

    @cached_property
    def evidence(self) -> StoredEvidence:
        """Checkpoints and proofs, opened when first asked for.

        The signing key is made where nothing was ever signed: `signing_key_is_new` then.

        Raises:
            KeyProblem: the journal was signed before and its key file is missing or damaged.
            EvidenceProblem: nobody said where the signing key and the folder outside are.
        """
        if self._places is None:
            raise EvidenceProblem("没有指明签名密钥和外存文件夹的位置，不能提供存证。")
        examiners = [
            identity_examiner(self.database, self._examiners_ring),
            ledger_examiner(self.database, self._examiners_ring, self.tables.ledgers),
        ]
        evidence, self.signing_key_is_new = opened_evidence(self.database, self._places, examiners)
        return evidence

    def close(self) -> None:
        """Finish what has been handed in, then close every connection."""
        self.writer.stop()
        self.database.close()

    def __enter__(self) -> Self:
        """Open for the length of a block."""
        return self.open()

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()
