"""Evidence beside pymerkle: verifying an export, signing and proving over a large tree, filing.

``python -m bench.evidence URL [ENTRIES]`` measures where ``URL`` may create schemas and roles.
pymerkle is GPL and never shipped; where it is not installed its columns stay empty.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from application.journal import Filing
from bench.measuring import Cost, Server, Table, callers, median, quantile, times_ms
from bench.peers import drop
from bench.workload import District, fresh_schema
from domain.deciding import Command
from domain.evidence import leaf_hash
from infrastructure.database import Database
from infrastructure.entries import canonical
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_keeper import CheckpointKeeper
from infrastructure.evidence_keys import new_signing_keys
from infrastructure.office import Office
from interface import verify

MASTER: Final = bytes(range(32))
ENTRIES: Final = 1_000_000
NEW: Final = 1_000
ROUNDS: Final = 5
COPY: Final = (
    "COPY journal (position, id, fact, recorded_at, effective_on, place, actor, tags, data, leaf)"
    " FROM STDIN"
)


def main(url: str, entries: int = ENTRIES) -> None:
    """Measure and print the ratios."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    schema = fresh_schema("evidence")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _on_a_large_tree(url, schema, entries, Path(folder))
    finally:
        drop(url, schema)
    _on_filing(url)


# ── a large tree ─────────────────────────────────────────────────────────────────────────────


def _on_a_large_tree(url: str, schema: str, entries: int, folder: Path) -> None:
    with Office(url, MASTER, schema=schema) as office:
        district = District(office, institutions=1)
        office.writer.do(Filing(tuple(district.entering(1)), "bench"))
        template = _template(office)
        evidence = StoredEvidence(office.database, new_signing_keys("bench/x"), folder / "outside")
        _fill(office.database, template, entries)
        start = time.perf_counter()
        evidence.checkpoint()
        first = time.perf_counter() - start
        peer = _Peer(template, entries)
        table = Table(
            f"{entries:,} entries of {len(template % (entries, entries))} bytes",
            *("", "ours", "pymerkle", "ratio"),
        )
        table.row("first checkpoint of all, s (ours: stored, tiled)", first, peer.filled, "")
        _on_checkpoints(table, office.database, template, evidence, peer)
        _on_proofs(table, evidence, peer, entries)
        _on_export(table, evidence, peer, folder / "export")


def _template(office: Office) -> bytes:
    """Return a real entry about a person as a template with two places for the position."""
    head, _ = office.journal.head()
    stored = orjson.loads(office.journal.stored(head) or b"")
    assert stored["fact"] == "staffing.entered"
    data = canonical({**stored, "position": 0, "place": 0}).replace(b"%", b"%%")
    return data.replace(b'"place":0,"position":0,', b'"place":%d,"position":%d,')


def _fill(database: Database, template: bytes, upto: int) -> None:
    """Add entries up to a position, as fast as COPY takes them."""
    with database.as_owner() as connection:
        row: Any = connection.execute("SELECT max(position) FROM journal").fetchone()
        said = orjson.loads(template % (1, 1))
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for position in range(row[0] + 1, upto + 1):
                data = template % (position, position)
                copy.write_row(
                    (
                        *(position, said["id"], said["fact"], said["recorded_at"]),
                        *(said["effective_on"], position, said["actor"], said["tags"]),
                        *(data, leaf_hash(data)),
                    )
                )


class _Peer:
    """The same tree in pymerkle, in memory, where it is installed."""

    def __init__(self, template: bytes, entries: int) -> None:
        self._template = template
        self.tree: Any = None
        self.filled: float | str = "–"
        with contextlib.suppress(ImportError):
            self.tree = importlib.import_module("pymerkle").InmemoryTree(algorithm="sha256")
        if self.tree is not None:
            start = time.perf_counter()
            self.add(entries)
            self.tree.get_root()
            self.filled = time.perf_counter() - start

    def add(self, n: int) -> None:
        """Append so many entries more."""
        size = self.tree.get_size()
        for position in range(size + 1, size + n + 1):
            self.tree.append_entry(self._template % (position, position))


def _on_checkpoints(
    table: Table, database: Database, template: bytes, evidence: StoredEvidence, peer: _Peer
) -> None:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        newest = evidence.newest()
        assert newest is not None
        _fill(database, template, newest.checkpoint.size + NEW)
        start = time.perf_counter()
        evidence.checkpoint()
        ours.append((time.perf_counter() - start) * 1e3)
        if peer.tree is not None:
            start = time.perf_counter()
            peer.add(NEW)
            peer.tree.get_root()
            theirs.append((time.perf_counter() - start) * 1e3)
    _compare(table, f"checkpoint after {NEW} new, signed and outside, ms", ours, theirs)


def _on_proofs(table: Table, evidence: StoredEvidence, peer: _Peer, entries: int) -> None:
    places = iter(range(7, entries, max(1, entries // 300)))
    ours = times_ms(lambda: evidence.prove(next(places)), 200)
    theirs = []
    if peer.tree is not None:
        again = iter(range(7, entries, max(1, entries // 300)))
        theirs = times_ms(lambda: peer.tree.prove_inclusion(next(again)), 200)
    _compare(table, "proof of one entry, checked, ms (median)", ours, theirs)
    table.row("proof of one entry, checked, ms (99 %)", quantile(ours, 0.99), "", "")


def _compare(table: Table, what: str, ours: list[float], theirs: list[float]) -> None:
    if theirs:
        table.row(what, median(ours), median(theirs), median(ours) / median(theirs))
    else:
        table.row(what, median(ours), "–", "–")


def _on_export(table: Table, evidence: StoredEvidence, peer: _Peer, folder: Path) -> None:
    signed = evidence.checkpoint()
    start = time.perf_counter()
    evidence.export(folder, signed)
    table.row("export, s", time.perf_counter() - start, "", "")
    size, key = signed.checkpoint.size, str(evidence.keys.known[0])
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            assert verify.main([str(folder), "--key", key]) == 0
        rates.append(size / (time.perf_counter() - start))
    theirs = size / peer.filled if isinstance(peer.filled, float) else "–"
    ratio = median(rates) / theirs if isinstance(theirs, float) else "–"
    table.row("verify an export, entries/s (theirs: build)", median(rates), theirs, ratio)
    start = time.perf_counter()
    found = evidence.verify()
    assert found.covered == size
    table.row("verify the database, entries/s", size / (time.perf_counter() - start), "", "")


# ── filing with and without ──────────────────────────────────────────────────────────────────


def _on_filing(url: str, n: int = 4_000, rounds: int = ROUNDS) -> None:
    """File with and without the keeper, in turn, on one growing office."""
    table = Table(
        "filing, 64 callers, checkpoints every 1,000 entries or 5 s",
        *("", "plain", "signing", "ratio"),
    )
    schema = fresh_schema("evidence")
    try:
        with tempfile.TemporaryDirectory() as folder, Office(url, MASTER, schema=schema) as office:
            district, server = District(office, institutions=200), Server(url)
            evidence = StoredEvidence(
                office.database, new_signing_keys("bench/x"), Path(folder) / "outside"
            )
            evidence.checkpoint()
            costs = {False: Cost(), True: Cost()}
            _file(office, district, 500)
            for turn in range(rounds):
                for signing in (False, True) if turn % 2 else (True, False):
                    commands = district.entering(n)
                    with (
                        _signing(evidence, signing),
                        server.measured(costs[signing], n),
                    ):
                        callers(64, commands, lambda _, one: _do(office, one))
            plain, signed = costs[False], costs[True]
            table.row("commands/s", plain.rate, signed.rate, signed.rate / plain.rate)
            table.row("CPU µs per command", plain.cpu, signed.cpu, signed.cpu / plain.cpu)
            table.row("checkpoints", "", len(evidence.page(None, 500)), "")
    finally:
        drop(url, schema)


def _file(office: Office, district: District, n: int) -> None:
    for one in district.entering(n):
        _do(office, one)


def _do(office: Office, one: object) -> None:
    assert isinstance(one, Command)
    office.writer.do(Filing((one,), "bench"))


@contextmanager
def _signing(evidence: StoredEvidence, signing: bool) -> Iterator[None]:  # noqa: FBT001
    if not signing:
        evidence.checkpoint()  # the plain turn starts from the same state
        yield
        return
    keeper = CheckpointKeeper(evidence)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
