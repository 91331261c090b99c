"""Rebuilding ledgers from the journal, beside the library's ProjectionRunner.

Ours opens personal boxes, keeps both clocks and swaps the tables in at the end; it may use two
processes. Memory is that of all our processes together, sampled. The peer keeps a current roster
and headcounts, one transaction an event, as the library does it.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from application.ledgers import LEDGERS
from bench.grown import SCHEMA, grown
from bench.measuring import Cost, Server
from bench.peers import drop
from bench.places import MASTER_KEY, Place, tell
from bench.projecting import projected
from bench.report import Goal, Line
from bench.workload import fresh_schema
from infrastructure.keys import KeyRing
from infrastructure.office import Office
from infrastructure.rebuilding import rebuild

ENTRIES = 1_000_000
PEER_EVENTS = 3_000
ROSTER_AND_BOOK = ("roster", "quota_book")


@dataclass
class Run:
    """One rebuild: how many entries, what it took, and the most memory it held."""

    cost: Cost
    rss: float

    @property
    def rate(self) -> float:
        """Entries per second."""
        return self.cost.rate


def measure(place: Place) -> list[Line]:
    """Measure and return the lines."""
    many = place.size(ENTRIES, 30_000)
    schema = fresh_schema("small")
    try:
        with grown(place, many // 10, schema):
            small = _alone(place, schema, LEDGERS)
    finally:
        drop(place.url, schema)
    with grown(place, many):
        two = _alone(place, SCHEMA, ROSTER_AND_BOOK)
        large = _alone(place, SCHEMA, LEDGERS)
    tell("rebuilding: the peer")
    peer = projected(place.url, place.size(PEER_EVENTS, 300))
    return _lines(small, two, large, peer)


def _alone(place: Place, schema: str, names: Iterable[str]) -> Run:
    """Rebuild in a program of its own, as the command does, which has not grown the journal."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_rebuilt, place.url, schema, tuple(names)).result()


def _rebuilt(url: str, schema: str, names: tuple[str, ...]) -> Run:
    ring, cost, server = KeyRing(MASTER_KEY), Cost(), Server(url)
    with Office(url, MASTER_KEY, schema=schema) as office:
        with office.database.as_owner() as connection:
            ring.open(connection)
        head = office.journal.head()[0]
        tell(f"rebuilding: {len(names)} ledgers from {head:,} entries")
        with _memory() as held, server.measured(cost, head):
            rebuild(office.database, ring, [LEDGERS[name] for name in names])
    return Run(cost, max(held))


@contextmanager
def _memory() -> Iterator[list[float]]:
    """Sample the memory (MB) of this process and its children while the block runs."""
    held: list[float] = [0.0]
    ended = threading.Event()
    this = psutil.Process()

    def watch() -> None:
        while not ended.wait(0.1):
            total = 0
            for process in [this, *this.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            held.append(total / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        ended.set()
        watcher.join()


def _lines(small: Run, two: Run, large: Run, peer: Cost) -> list[Line]:
    each = large.cost.wall / large.cost.n * small.cost.n / small.cost.wall
    n = large.cost.n
    return [
        Line(
            f"rebuild of roster + quota book, {n:,} entries / ProjectionRunner",
            "/s",
            two.rate,
            peer.rate,
            Goal.times_at_least(40, two.rate, peer.rate),
            (two.cost, peer),
            two.rss,
        ),
        Line("… entries per second", "/s", two.rate, None, Goal.at_least(100_000, two.rate)),
        Line(
            f"rebuild of all {len(LEDGERS)} ledgers, {n:,} entries",
            "/s",
            large.rate,
            None,
            Goal.at_least(40_000, large.rate),
            (large.cost, None),
            large.rss,
        ),
        Line("… memory of all our processes", "MB", large.rss, None, Goal.at_most(500, large.rss)),
        Line(
            f"… time at {n:,} / at {small.cost.n:,} entries, scaled to 10 ×",
            "s",
            large.cost.wall,
            small.cost.wall,
            Goal.at_most(1.1, each),
        ),
    ]
