"""The one writer: everything that is ever filed passes through here.

    caller ──submit──► queue ──► one thread, batch by batch, under the journal's lock:
                                   1 lock: head and time, together
                                   2 somebody else wrote meanwhile? forget what they touched
                                   3 decide each command on what stands, earlier members included
                                   4 store entries, ledger rows, keys: one transaction
                                   5 answer: acknowledged means durable

Commands are decided separately: a refused one harms no neighbour. An unexpected error rolls the
batch back and each filing is tried alone. Because the head cannot move between deciding and
storing, no command can lose a race; what it asked is filed with it all the same. A commit that the
database did not answer is looked up before anything is filed again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby

from application.collecting import uncollected
from application.filing import Filing, Receipt, Store, Transaction
from application.ledgers import AnyLedger
from application.sessions import Answer, Job, Memory, Session

GATHERING_SECONDS = 0.0005
"""So long the writer waits at most for those who were answered last; see `Writer._gather`."""

LONG = 100
"""A filing of more commands than these keeps others waiting."""


class Stopped(Exception):
    """The writer is stopping and takes no more filings."""


class Writer:
    """The one writer of one office in this process (several processes take turns by the lock)."""

    def __init__(
        self, store: Store, ledgers: Iterable[AnyLedger], *, code: str, batch_limit: int = 256
    ) -> None:
        """Write to ``store`` and keep ``ledgers``; ``code`` is the program's version."""
        self._store = store
        self._memory = Memory(store, ledgers, code)
        self._limit = batch_limit
        self._head = 0
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._running = False
        self._session: Session | None = None
        self._thread: threading.Thread | None = None

    # ── for callers ──────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin to take filings."""
        with self._gate:
            self._running = True
            self._thread = threading.Thread(target=self._run, name="taizhang-writer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Finish what has been handed in, then stop."""
        with self._gate:
            if not self._running:
                return
            self._running = False
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def submit(self, filing: Filing) -> Future[Receipt]:
        """Hand in a filing; the future answers once it is durable, or with why it is not."""
        future: Future[Receipt] = Future()
        job = Job(filing, self._fingerprint(filing), future)
        with self._gate:
            if not self._running:
                msg = "the writer is stopped"
                raise Stopped(msg)
            self._queue.put(job)
        return future

    def do(self, filing: Filing) -> Receipt:
        """File and wait; raises `Refused`, `KeyReused`, or what went wrong.

        A long filing that is only tried is tried in the caller's thread: others go on filing.
        """
        long = filing.hear is not None or len(filing.commands) > LONG
        if filing.dry_run and long:
            return self._rehearse(filing)
        return self.submit(filing).result()

    @uncollected()
    def _rehearse(self, filing: Filing) -> Receipt:
        """Decide on the books as they stand now, with a memory of its own."""
        with self._store.rehearsing() as (store, transaction):
            memory = Memory(store, (), self._memory.code)
            session = Session(memory, transaction)
            if filing.hear is None:
                memory.standings.foresee(filing.commands)
            return session.answer(Job(filing, b"", Future())).outcome()

    def _fingerprint(self, filing: Filing) -> bytes:
        if filing.key is None:
            return b""
        kinds = ",".join(command.kind for command in filing.commands)
        body = b"\n".join(c.model_dump_json().encode() for c in filing.commands)
        return self._store.fingerprint(kinds, body)

    # ── the writer's thread ──────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        company = 0
        while (first := self._queue.get()) is not None:
            jobs, stopping = self._gather(first, company)
            # Who no longer waits is left out; from here on nobody can take back what is filed.
            wanted = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            for batch in _apart(wanted):
                self._work_off(batch)
                self._session = None
            if stopping:
                return
            company = len(jobs) + self._queue.qsize()

    def _gather(self, first: Job, company: int) -> tuple[list[Job], bool]:
        """Return the filings to work off next, and whether the writer is to stop after them.

        Whoever was just answered often has another filing at once; each batch costs an fsync and
        as many exchanges with the server, so as many as were there lately (``company``) are waited
        for, but only a moment.
        """
        jobs = [first]
        latest = time.monotonic() + GATHERING_SECONDS
        while len(jobs) < self._limit:
            wait = latest - time.monotonic() if len(jobs) < company else 0
            try:
                taken = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if taken is None:
                return jobs, True
            jobs.append(taken)
        return jobs, False

    @uncollected()
    def _work_off(self, jobs: Sequence[Job]) -> None:
        """File a batch; where it fails as a whole, each of its filings alone.

        Not where the database is away: then all are told at once.
        """
        waiting = list(jobs)
        fault = self._tried(waiting)
        while fault is not None and waiting:
            if self._session is None or len(jobs) == 1:
                for job in waiting:
                    job.future.set_exception(fault)
                return
            alone = waiting.pop(0)
            failed = self._tried([alone])
            if failed is not None:
                alone.future.set_exception(failed)
                fault = failed

    def _tried(self, jobs: Sequence[Job]) -> Exception | None:
        """File and answer these; return what went wrong, if nothing of it was filed."""
        self._session = None
        try:
            answers = self._file(jobs)
        except Exception as error:  # noqa: BLE001  (whatever it was, it must reach its caller)
            self._forget()
            answers = self._found_filed()
            if not answers:
                return error
        for answer in answers:
            answer.give()
        return None

    def _found_filed(self) -> list[Answer]:
        """Return the answers of a batch whose commit was done although nobody said so."""
        session = self._session
        if session is None or not session.answers or session.first is None:
            return []
        first = session.first
        try:
            with self._store.writing():  # whoever may still be committing it holds the lock
                kept = self._store.entry(first.position)
        except Exception:  # noqa: BLE001  (the database is away: nobody can say; no second try)
            self._session = None
            return []
        return session.answers if kept is not None and kept.id == first.id else []

    def _forget(self) -> None:
        self._memory.forget()
        self._head = -1

    def _file(self, jobs: Sequence[Job]) -> list[Answer]:
        with self._store.writing() as transaction:
            self._catch_up(transaction)
            session = self._session = Session(self._memory, transaction)
            wanted = [(j.filing.actor, j.filing.key) for j in jobs if j.filing.key is not None]
            if wanted:
                session.earlier = transaction.filed(wanted)
            short = [job.filing for job in jobs if job.filing.hear is None]
            self._memory.standings.foresee(
                command for filing in short for command in filing.commands
            )
            answers = [session.answer(job) for job in jobs]
            session.batch.ledgers = self._memory.keeper.take()
            transaction.store(session.batch)
            session.answers = answers
        self._head = session.position
        self._memory.standings.settle()
        self._memory.keeper.settle(session.batch.ledgers)
        return answers

    def _catch_up(self, transaction: Transaction) -> None:
        if transaction.head == self._head:
            return
        if self._head < 0 or transaction.head < self._head:
            self._forget()
        else:
            self._memory.standings.forget(transaction.tags_since(self._head))
            self._memory.keeper.forget()
        self._head = transaction.head


def _apart(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield jobs to be filed together, in their order; a long filing alone."""
    for _, together in groupby(jobs, lambda job: id(job) if job.filing.hear is not None else 0):
        yield list(together)
