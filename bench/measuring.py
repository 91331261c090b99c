"""How a measurement is taken: wall time, CPU of this program and of the server, fsyncs, memory."""

from __future__ import annotations

import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg

_WAL_IN_PG_STAT_IO = 18_00_00
TOLD_AFTER = 10.5
"""Seconds."""


@dataclass
class Cost:
    """What ``n`` operations took."""

    n: int = 0
    wall: float = 0.0
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    syncs: int = 0
    synced: int = 0
    """Of so many operations the fsyncs were counted."""

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.n / self.wall

    @property
    def cpu(self) -> float:
        """CPU microseconds per operation, client and server together."""
        return (self.client_cpu + self.server_cpu) / self.n * 1e6

    @property
    def syncs_each(self) -> float | None:
        """Fsyncs of the write-ahead log per operation; None where they were not counted."""
        return self.syncs / self.synced if self.synced else None

    def add(self, other: Cost) -> None:
        """Add what another round took."""
        self.n += other.n
        self.wall += other.wall
        self.client_cpu += other.client_cpu
        self.server_cpu += other.server_cpu
        self.syncs += other.syncs
        self.synced += other.synced


class Server:
    """The PostgreSQL server that all contestants share."""

    def __init__(self, url: str) -> None:
        """Watch the server behind ``url``."""
        self.url = url
        with psycopg.connect(url, autocommit=True) as connection:
            pid = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert pid is not None
            self._postmaster = psutil.Process(pid[0]).parent()

    def cpu(self) -> float:
        """CPU seconds of the server so far; ended backends count through their parent."""
        assert self._postmaster is not None
        total = 0.0
        for process in [self._postmaster, *self._postmaster.children()]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        times = self._postmaster.cpu_times()
        return total + times.children_user + times.children_system

    def syncs(self) -> int:
        """Fsyncs of the write-ahead log so far, once the server has told all of them.

        A backend tells what it did when it has been idle for ten seconds.
        """
        time.sleep(TOLD_AFTER)
        with psycopg.connect(self.url, autocommit=True) as connection:
            version = connection.info.server_version
            sql = (
                "SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal'"
                if version >= _WAL_IN_PG_STAT_IO
                else "SELECT wal_sync FROM pg_stat_wal"
            )
            row = connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def measured(self, cost: Cost, n: int, *, syncs: bool = False) -> Iterator[None]:
        """Add what the block takes for ``n`` operations to ``cost``; ``syncs`` takes its time."""
        before = self.syncs() if syncs else 0
        server, client = self.cpu(), client_cpu()
        start = time.perf_counter()
        yield
        cost.wall += time.perf_counter() - start
        cost.client_cpu += client_cpu() - client
        cost.server_cpu += self.cpu() - server
        cost.n += n
        if syncs:
            cost.syncs += self.syncs() - before
            cost.synced += n


def client_cpu() -> float:
    """Return the CPU seconds of this program so far, ended child processes included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def callers(n: int, work: Sequence[object], act: Callable[[int, object], object]) -> None:
    """Let ``n`` threads work off ``work`` in closed loops; the first error ends the measurement."""
    errors: list[BaseException] = []
    shares = [work[i::n] for i in range(n)]

    def run(i: int) -> None:
        try:
            for one in shares[i]:
                act(i, one)
        except BaseException as error:  # noqa: BLE001  (raised again below, in the main thread)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def quantile(values: Sequence[float], q: float) -> float:
    """Return the ``q`` quantile in the values' own unit."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def times_ms(act: Callable[[], object], n: int, warm: int = 3) -> list[float]:
    """Return the milliseconds of ``n`` calls after ``warm`` unmeasured ones."""
    for _ in range(warm):
        act()
    found = []
    for _ in range(n):
        start = time.perf_counter()
        act()
        found.append((time.perf_counter() - start) * 1e3)
    return found


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def peak_mb() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Table:
    """A table that is printed as it grows."""

    def __init__(self, title: str, *columns: str) -> None:
        """Print title and headings."""
        self.widths = [max(12, len(column) + 2) for column in columns]
        self.widths[0] = 46
        print(f"\n{title}")
        self.row(*columns)
        print("─" * sum(self.widths))

    def row(self, *cells: object) -> None:
        """Print one line."""
        texts = [f"{cell:,.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
        first, rest = texts[0], texts[1:]
        line = "".join(t.rjust(w) for t, w in zip(rest, self.widths[1:], strict=False))
        print(first.ljust(self.widths[0]) + line, flush=True)
