"""Where a measurement takes place: the server that all contestants share, and how much is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers import drop
from bench.workload import fresh_schema
from infrastructure.office import Office

MASTER_KEY = bytes(range(32))


@dataclass(frozen=True)
class Place:
    """A server at ``url``, a ``folder`` for files, and a ``scale`` that shrinks every size."""

    url: str
    folder: Path
    scale: float = 1.0

    def size(self, full: int, least: int = 1) -> int:
        """Return so many of ``full`` as the scale leaves, but not fewer than ``least``."""
        return max(least, round(full * self.scale))

    @contextmanager
    def office(self, prefix: str) -> Iterator[Office]:
        """Lend an office of its own, and drop it afterwards."""
        schema = fresh_schema(prefix)
        try:
            with Office(self.url, MASTER_KEY, schema=schema) as office:
                yield office
        finally:
            drop(self.url, schema)


def tell(what: str) -> None:
    """Say on the error channel what is being done: the table comes at the end."""
    print(f"  … {what}", file=sys.stderr, flush=True)
