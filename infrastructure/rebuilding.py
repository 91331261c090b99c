"""Rebuilding ledgers (台账重建): folded anew from the journal beside those in use, then swapped in.

    shadows ◄── fold up to the head as it is now     work goes on, nothing is locked
            ◄── catch up, append by append           work goes on
            ◄── catch up with the last few           under the writer's lock, then
    rename                                           one transaction: readers see old or new

Interrupted at any moment, the ledgers in use are as they were; shadows that were left behind are
dropped at the next start. The rows are those that filing entry by entry would have written.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import psycopg
from psycopg import Connection

from application.keeping import Keeper
from application.ledgers import LEDGERS, AnyLedger, Ledger, Stored
from domain.vocabulary import Entry
from infrastructure.database import Database
from infrastructure.decoding import Decoder
from infrastructure.folding import Folder, Plan, Task, index_tasks, prepared
from infrastructure.keys import KeyRing
from infrastructure.ledger_tables import quoted, table_name, table_statements
from infrastructure.ledgers import REBUILD_LOCK, LedgerTables, drop, grant, remember

SHADOW = "shadow"
ALONE_BELOW = 20_000
"""Journals shorter than this are folded in this process: starting others would take longer."""

CATCH_UP = 500
"""Entries caught up with in one transaction, and the most that are left for the lock."""

PATIENCE = 200
"""So often a swap is tried while readers hold the tables, for `LOCK_MS` each."""

LOCK_MS = 400
"""Nobody can file, and no new reader begin, while a swap waits: so it does not wait for long.

Less than the server's ``deadlock_timeout`` of a second: where a reader, whose statement locks its
tables in an order of its own, and a swap wait for each other, it is the swap that gives way."""

Report = Callable[[str, int, int], None]
"""Told what is being done (in Chinese), how much of it, and of how much."""


class RebuildRunning(Exception):
    """Another program is rebuilding or verifying these ledgers."""

    def __init__(self) -> None:
        """Say so to the operator."""
        super().__init__("另一个程序正在重建或核对台账，请稍后再试。")


class TablesInUse(Exception):
    """Readers would not let go of the tables; nothing was changed."""

    def __init__(self) -> None:
        """Say so to the operator."""
        super().__init__("台账正被长时间查询或导出占用，未能完成切换；请稍后再试，原台账未受影响。")


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
    del what, done, total


def rebuild(
    database: Database,
    ring: KeyRing,
    ledgers: Iterable[AnyLedger],
    report: Report = silent,
    *,
    processes: int | None = None,
) -> int:
    """Fold ``ledgers`` anew while work goes on and swap them in; return the position they reach.

    ``ring`` opens personal boxes and must be nobody else's meanwhile. Raises `RebuildRunning`, or
    `TablesInUse` where readers do not let go; the ledgers in use are then as they were.
    """
    chosen = tuple(ledgers)
    with (
        alone(database) as connection,
        shadows(database, connection, ring, chosen, report, processes) as head,
    ):
        keeping = _Shadows(connection, ring, chosen)
        reached = _catch_up(connection, keeping, head, report)
        swapped = _swap(connection, keeping, reached)
    report("台账切换完成", swapped, swapped)
    return swapped


@contextmanager
def alone(database: Database) -> Iterator[Connection[Any]]:
    """Lend an owner's connection that keeps other rebuilds away; raises `RebuildRunning`."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{database.schema}", pg_temp'.encode())
        connection.execute("SET TIME ZONE 'UTC'")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (REBUILD_LOCK,)).fetchone()
        if not (row and row[0]):
            raise RebuildRunning
        try:
            yield connection
        finally:
            if not connection.closed:  # a server lets go only some time after the connection ends
                connection.execute("SELECT pg_advisory_unlock(%s)", (REBUILD_LOCK,))


# ── shadows ──────────────────────────────────────────────────────────────────────────────────


@contextmanager
def shadows(  # noqa: PLR0913  (rebuilding and verifying differ in nothing else)
    database: Database,
    connection: Connection[Any],
    ring: KeyRing,
    ledgers: Sequence[AnyLedger],
    report: Report,
    processes: int | None = None,
    *,
    indexed: bool = True,
) -> Iterator[int]:
    """Fold the ledgers into shadow tables, lend them with the position reached, drop the rest.

    Not ``indexed``, they are good for nothing but being read as a whole.
    """
    try:
        for ledger in ledgers:
            drop(connection, table_name(ledger.name, SHADOW))
            table = table_name(ledger.name, SHADOW)
            for statement in table_statements(ledger, table):
                connection.execute(statement.encode())
            grant(connection, ledger, table)
        row = connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()
        head = row[0] if row else 0
        plan = Plan(tuple(ledgers), head, SHADOW, database.url, database.schema)
        _fold(plan, connection, ring, report, processes, index_tasks(plan) if indexed else [])
        yield head
    finally:
        if not connection.closed:
            for ledger in ledgers:
                drop(connection, table_name(ledger.name, SHADOW))


def _fold(
    plan: Plan,
    connection: Connection[Any],
    ring: KeyRing,
    report: Report,
    processes: int | None,
    indexes: Sequence[Task],
) -> None:
    plan, work = prepared(plan, connection)
    crew = processes or _crew(plan)
    if crew == 1:
        folder = Folder(plan, ring)
        try:
            _work_alone(folder, "由流水生成台账", work, report)
            _work_alone(folder, "建立索引", indexes, report)
        finally:
            folder.close()
        return
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    call = _Call(tuple(one.name for one in plan.ledgers), plan, ring)
    with ProcessPoolExecutor(crew, context, _begin, (call, counter)) as pool:
        try:
            _work_together(pool, counter, "由流水生成台账", work, report)
            _work_together(pool, counter, "建立索引", indexes, report)
        except BaseException:
            for process in multiprocessing.active_children():
                if process in pool._processes.values():  # noqa: SLF001  (ours, and nobody else's)
                    process.terminate()
            raise


def _crew(plan: Plan) -> int:
    declared = all(LEDGERS.get(one.name) is one for one in plan.ledgers)
    return 2 if declared and plan.head >= ALONE_BELOW and (os.cpu_count() or 1) > 1 else 1


def _work_alone(folder: Folder, what: str, work: Sequence[Task], report: Report) -> None:
    total, done = _size(work), 0

    def tick(n: int) -> None:
        nonlocal done
        done += n
        report(what, min(done, total), total)

    for task in work:
        folder.run(task, tick)
        if task.what == "index":
            tick(1)


def _size(work: Sequence[Task]) -> int:
    return sum(task.size or 1 for task in work)


# ── several processes ────────────────────────────────────────────────────────────────────────


class _Call:
    """What a worker process is told; ledgers by name, for functions do not travel."""

    def __init__(self, names: tuple[str, ...], plan: Plan, ring: KeyRing) -> None:
        self.names = names
        self.bare = replace(plan, ledgers=())
        self.ring = ring

    def plan(self) -> Plan:
        from application import books  # noqa: F401, PLC0415  (fills LEDGERS in a fresh process)

        return replace(self.bare, ledgers=tuple(LEDGERS[name] for name in self.names))


@dataclass
class _Worker:
    folder: Folder | None = None
    counter: Any = None


_WORKER = _Worker()


def _begin(call: _Call, counter: Any) -> None:
    gc.disable()  # folding makes no cycles, and looking for some would cost a third of the time
    _WORKER.folder, _WORKER.counter = Folder(call.plan(), call.ring), counter


def _run(task: Task) -> None:
    if _WORKER.folder is None:
        msg = "the worker has not begun"
        raise RuntimeError(msg)
    _WORKER.folder.run(task, _count)
    if task.what == "index":
        _count(1)


def _count(n: int) -> None:
    with _WORKER.counter.get_lock():
        _WORKER.counter.value += n


def _work_together(
    pool: ProcessPoolExecutor, counter: Any, what: str, work: Sequence[Task], report: Report
) -> None:
    total, start = _size(work), counter.value
    waiting: set[Future[None]] = {pool.submit(_run, task) for task in work}
    while waiting:
        done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        report(what, min(counter.value - start, total), total)
        for future in done:
            future.result()


# ── catching up ──────────────────────────────────────────────────────────────────────────────


class _Shadows:
    """Keeps the shadows up as the writer keeps the ledgers in use; also the keeper's store."""

    def __init__(
        self, connection: Connection[Any], ring: KeyRing, ledgers: Sequence[AnyLedger]
    ) -> None:
        self.ledgers = ledgers
        self.tables = LedgerTables(ledgers, prefix=SHADOW)
        self._connection = connection
        self._decoder = Decoder(ring)
        self._keeper = Keeper(ledgers, self, self._log)

    def live_rows(self, ledger: Ledger, key: str) -> list[Stored]:
        """See `application.keeping.RowStore.live_rows`."""
        return self.tables.live_rows(self._connection, ledger, key)

    def at_place(self, place: int) -> list[Entry]:
        """See `application.keeping.RowStore.at_place`."""
        return self._entries(
            "place = %(place)s OR position IN"
            " (SELECT position FROM journal_tags WHERE tag = 'entry:' || %(place)s)",
            {"place": place},
        )

    def _log(self, tag: str) -> list[Entry]:
        return self._entries(
            "position IN (SELECT position FROM journal_tags WHERE tag = %(tag)s)", {"tag": tag}
        )

    def _entries(self, where: str, values: dict[str, Any]) -> list[Entry]:
        rows = self._connection.execute(
            f"SELECT data FROM journal WHERE {where} ORDER BY position".encode(),  # noqa: S608
            values,
        ).fetchall()
        found = {e.position: e for e in self._decoder.many(self._connection, _first(rows))}
        missing = [e.voids for e in found.values() if e.voids not in (None, *found)]
        targets = dict(found)
        if missing:
            targets |= {
                e.position: e for e in self._entries("position = ANY(%(p)s)", {"p": missing})
            }
        for entry in found.values():
            if entry.voids is not None:
                object.__setattr__(entry, "target", targets[entry.voids])
        return list(found.values())

    def absorb(self, first: int, last: int) -> None:
        """Take in whole appends, within the connection's transaction."""
        entries = self._entries("position BETWEEN %(a)s AND %(b)s", {"a": first, "b": last})
        append: list[Entry] = []
        for entry in entries:
            if append and append[-1].recorded_at != entry.recorded_at:
                self._keeper.absorb(append)
                append = []
            append.append(entry)
        self._keeper.absorb(append)
        taken = self._keeper.take()
        self.tables.write(self._connection, taken)
        self._keeper.settle(taken)

    def forget(self) -> None:
        """What was absorbed has been rolled back."""
        self._keeper.forget()


def _first(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    return [bytes(row[0]) for row in rows]


def _catch_up(connection: Connection[Any], keeping: _Shadows, done: int, report: Report) -> int:
    """Take in what was filed meanwhile, until little is left; return the position reached."""
    while (head := _head(connection)) - done > CATCH_UP:
        end = _end_of_append(connection, done + CATCH_UP)
        with connection.transaction():
            keeping.absorb(done + 1, end)
        done = end
        report("追上新办理的业务", done, head)
    return done


def _head(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()
    return row[0] if row else 0


def _end_of_append(connection: Connection[Any], position: int) -> int:
    row = connection.execute(
        "SELECT max(position) FROM journal"
        " WHERE recorded_at = (SELECT recorded_at FROM journal WHERE position = %s)",
        (position,),
    ).fetchone()
    return cast("tuple[int]", row)[0]


def _swap(connection: Connection[Any], keeping: _Shadows, done: int) -> int:
    """Take in the last few entries under the writer's lock and rename; return the position."""
    for _ in range(PATIENCE):
        try:
            with connection.transaction():
                return _swap_once(connection, keeping, done)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            keeping.forget()
            time.sleep(0.5)
    raise TablesInUse


def _swap_once(connection: Connection[Any], keeping: _Shadows, done: int) -> int:
    connection.execute(f"SET LOCAL lock_timeout = '{LOCK_MS}ms'".encode())
    row = connection.execute("SELECT head FROM journal_lock()").fetchone()
    head: int = row[0] if row else 0
    if head > done:
        keeping.absorb(done + 1, head)
    tables = sorted(table_name(one.name) for one in keeping.ledgers)
    stored = [table for table in tables if _exists(connection, table)]
    if stored:  # by name, as readers do: two who wait for each other would both wait in vain
        listed = ", ".join(map(quoted, stored))
        connection.execute(f"LOCK TABLE {listed} IN ACCESS EXCLUSIVE MODE".encode())
    for ledger in keeping.ledgers:
        shadow, table = table_name(ledger.name, SHADOW), table_name(ledger.name)
        drop(connection, table)
        connection.execute(f'ALTER TABLE "{shadow}" RENAME TO "{table}"'.encode())
        remember(connection, ledger, head)
    return head


def _exists(connection: Connection[Any], table: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (quoted(table),)).fetchone() != (None,)
