"""One office as a running whole: its database, keys, writer, ledgers and questions.

The composition roots (`interface/app.py`, `interface/cli.py`) and the tests build this and nothing
else; it is the only place that knows how the parts fit together.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from importlib.metadata import version
from typing import Self

from application import books  # noqa: F401  (fills FACTS, COMMANDS, RULES, LEDGERS)
from application.journal import Writer
from application.ledgers import LEDGERS, AnyLedger
from infrastructure.database import Database
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
        pool_size: int = 6,
        ledgers: Iterable[AnyLedger] | None = None,
    ) -> None:
        """Put the parts together; `open` brings them to life."""
        declared = list(LEDGERS.values() if ledgers is None else ledgers)
        self.database = Database(url, schema=schema, pool_size=pool_size)
        self.ring = KeyRing(master_key)
        self._readers_ring = KeyRing(master_key)  # a ring is one thread's at a time: see journal
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
            self.tables.create_missing(connection)
        self.writer.start()
        return self

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
