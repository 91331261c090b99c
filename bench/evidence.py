"""Evidence: verifying an export, signing and proving over a large tree, filing with and without.

The peer is pymerkle, in memory: it builds the same tree over the same entries, keeps nothing and
signs nothing. It is GPL and never shipped; where it is not installed its column stays empty.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from application.filing import Filing
from bench.measuring import Cost, Server, callers, client_cpu, median, quantile, times_ms
from bench.places import Place, tell
from bench.report import Goal, Line
from bench.workload import District
from domain.deciding import Command
from domain.evidence import leaf_hash
from infrastructure.database import Database
from infrastructure.entries import canonical
from infrastructure.evidence import StoredEvidence
from infrastructure.evidence_keeper import CheckpointKeeper
from infrastructure.evidence_keys import new_signing_keys
from infrastructure.office import Office
from interface import verify

ENTRIES: Final = 1_000_000
NEW: Final = 1_000
PROOFS: Final = 200
COMMANDS: Final = 8_000
ROUNDS: Final = 5
READ_AT_ONCE: Final = 16 * 1024 * 1024
COPY: Final = (
    "COPY journal (position, id, fact, recorded_at, effective_on, place, actor, tags, data, leaf)"
    " FROM STDIN"
)


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    return [*_on_a_large_tree(place), *_on_filing(place)]


# ── a large tree ─────────────────────────────────────────────────────────────────────────────


@dataclass
class _Peer:
    """The same tree in pymerkle, in memory, where it is installed."""

    template: bytes
    tree: Any = None
    ms: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with contextlib.suppress(ImportError):
            self.tree = importlib.import_module("pymerkle").InmemoryTree(algorithm="sha256")

    def timed(self, what: str, act: Callable[[], object]) -> None:
        """Note how many milliseconds something takes."""
        if self.tree is not None:
            start = time.perf_counter()
            act()
            self.ms.setdefault(what, []).append((time.perf_counter() - start) * 1e3)

    def median(self, what: str) -> float | None:
        """Return the median of what was noted."""
        return median(self.ms[what]) if what in self.ms else None

    def grow(self, n: int) -> None:
        """Append so many entries more."""
        size = self.tree.get_size()
        for position in range(size + 1, size + n + 1):
            self.tree.append_entry(self.template % (position, position))
        self.tree.get_root()


def _on_a_large_tree(place: Place) -> Iterator[Line]:
    entries = place.size(ENTRIES, 3_000)
    with place.office("evidence") as office:
        district = District(office, institutions=1)
        office.writer.do(Filing(tuple(district.entering(1)), "bench"))
        peer = _Peer(_template(office))
        evidence = _evidence(office, place.folder / "tree")
        tell(f"evidence: {entries:,} entries of {len(peer.template % (entries, entries))} bytes")
        _fill(office.database, peer.template, entries)
        start = time.perf_counter()
        evidence.checkpoint()
        first = time.perf_counter() - start
        tell("evidence: the same in pymerkle")
        peer.timed("all", lambda: peer.grow(entries))
        theirs = peer.median("all")
        yield Line(
            f"first checkpoint of {entries:,} entries, stored and tiled / pymerkle, in memory",
            "s",
            first,
            theirs / 1e3 if theirs else None,
        )
        yield _checkpoints(office.database, evidence, peer)
        yield from _proofs(evidence, peer, entries)
        yield from _verifying(place, evidence, entries / theirs * 1e3 if theirs else None)


def _evidence(office: Office, folder: Path) -> StoredEvidence:
    keys = new_signing_keys("bench/x")
    return StoredEvidence(office.database, lambda: keys, folder)


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


def _checkpoints(database: Database, evidence: StoredEvidence, peer: _Peer) -> Line:
    ours = []
    for n in range(ROUNDS):
        tell(f"evidence: checkpoint {n + 1} of {ROUNDS}")
        newest = evidence.newest()
        assert newest is not None
        _fill(database, peer.template, newest.checkpoint.size + NEW)
        ours += times_ms(evidence.checkpoint, 1, warm=0)
        peer.timed("new", lambda: peer.grow(NEW))
    return Line(
        f"checkpoint after {NEW:,} new entries, signed and outside / pymerkle's root",
        "ms",
        median(ours),
        peer.median("new"),
        Goal.at_most(50, median(ours)),
    )


def _proofs(evidence: StoredEvidence, peer: _Peer, entries: int) -> Iterator[Line]:
    tell("evidence: proofs")
    step = max(1, entries // (PROOFS + 10))
    places = iter(range(1, entries, step))
    ours = times_ms(lambda: evidence.prove(next(places)), PROOFS)
    for position in range(1, PROOFS * step, step):
        peer.timed("proof", lambda: peer.tree.prove_inclusion(position))  # noqa: B023  (called at once)
    what = "proof of one entry, checked"
    goal = Goal.at_most(5, median(ours))
    yield Line(f"{what} / pymerkle's, p50", "ms", median(ours), peer.median("proof"), goal)
    yield Line(f"{what}, p99", "ms", quantile(ours, 0.99))


def _verifying(place: Place, evidence: StoredEvidence, theirs: float | None) -> Iterator[Line]:
    tell("evidence: export")
    signed, folder = evidence.checkpoint(), place.folder / "export"
    start = time.perf_counter()
    evidence.export(folder, signed)
    size = signed.checkpoint.size
    yield Line("export of the journal with its tree", "/s", size / (time.perf_counter() - start))
    key = str(evidence.keys.known[0])
    wall, cpu = [], []
    for n in range(ROUNDS):
        tell(f"evidence: verifying the export, {n + 1} of {ROUNDS}")
        start, busy = time.perf_counter(), client_cpu()
        with contextlib.redirect_stdout(io.StringIO()):
            assert verify.main([str(folder), "--key", key]) == 0
        wall.append(size / (time.perf_counter() - start))
        cpu.append((client_cpu() - busy) / size * 1e6)
    what = "entries verified from an export"
    goal = Goal.at_least(300_000, median(wall))
    yield Line(f"{what} / added by pymerkle", "/s", median(wall), theirs, goal)
    alone = _hashed_alone(folder / "journal.ndjson") / size * 1e6
    yield Line(
        "… CPU of an entry / SHA-256 of its bytes and nothing else", "µs", median(cpu), alone
    )
    tell("evidence: verifying the database")
    start = time.perf_counter()
    assert evidence.verify().covered == size
    yield Line("entries verified in the database", "/s", size / (time.perf_counter() - start))


def _hashed_alone(path: Path) -> float:
    """Return the CPU seconds of hashing every line of a file, which is the limit."""
    spent = 0.0
    with path.open("rb") as file:
        while lines := file.readlines(READ_AT_ONCE):
            busy = client_cpu()
            for line in lines:
                sha256(b"\x00" + line[:-1]).digest()
            spent += client_cpu() - busy
    return spent


# ── filing with and without ──────────────────────────────────────────────────────────────────


def _on_filing(place: Place) -> list[Line]:
    """File with and without the keeper, in turn, on one growing office."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    costs = {False: Cost(), True: Cost()}
    # Not fewer: a turn ends with a checkpoint, which is to weigh as one every few seconds does.
    server, n = Server(place.url), place.size(COMMANDS, 4_000)
    with place.office("evidence") as office:
        evidence = _evidence(office, place.folder / "filing")
        district = District(office, institutions=200)
        _file(office, district.entering(500))
        for turn in range(2 * ROUNDS):
            tell(f"evidence: filing, {turn + 1} of {2 * ROUNDS}")
            signing = turn % 4 in {0, 3}
            commands, once = district.entering(n), Cost()
            evidence.checkpoint()  # each turn signs only what it files
            with server.measured(once, n), _signing(evidence, signing):
                _file(office, commands)
            rates[signing].append(once.rate)
            costs[signing].add(once)
        signed = len(evidence.page(None, 500))
    assert signed >= 2 * ROUNDS
    ours, plain = median(rates[True]), median(rates[False])
    cpu, goal = (costs[True].cpu, costs[False].cpu), Goal.times_at_least(0.97, ours, plain)
    both = (costs[True], costs[False])
    return [
        Line("commands, 64 callers, checkpoints / without them", "/s", ours, plain, goal, both),
        Line("… CPU of a command", "µs", *cpu, Goal.times_at_most(1.03, *cpu)),
    ]


def _file(office: Office, commands: Sequence[Command]) -> None:
    def file(_: int, command: Any) -> None:
        office.writer.do(Filing((command,), "bench"))

    callers(64, commands, file)


@contextmanager
def _signing(evidence: StoredEvidence, signing: bool) -> Iterator[None]:  # noqa: FBT001  (one of two turns)
    """Sign as a served office does, or not at all."""
    keeper = CheckpointKeeper(evidence)
    if signing:
        keeper.start()
    try:
        yield
    finally:
        keeper.stop()
