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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from application.deciding import carry_out, require_two
from application.filing import Batch, Filed, Refusal, Store, Transaction, subjects_of
from application.journal_parts import carry_out_in_parts
from application.keeping import Keeper
from application.ledgers import AnyLedger
from application.standings import Inquiry, Standings
from domain.deciding import Command, Draft, Refused
from domain.journal import require_opened
from domain.vocabulary import Decided, Entry

OFFICE_ZONE = ZoneInfo("Asia/Shanghai")
"""The office's calendar day decides what is late; moments are stored in UTC."""


class KeyReused(Exception):
    """An Idempotency-Key came back with another body."""


class Stopped(Exception):
    """The writer is stopping and takes no more filings."""


@dataclass(frozen=True)
class Filing:
    """What a caller hands in: one command, or several to be filed as one append.

    ``key`` is the caller's Idempotency-Key, scoped to the actor. ``partial``: refused members are
    left out and the rest is filed; otherwise one refusal refuses the whole. ``proposal`` names the
    proposal that this filing carries out (``prepared_by`` made it, ``approved_by`` runs it).
    ``progress`` hears of each command as it has been decided, in the writer's thread. So does
    ``hear`` of each outcome: then the filing is carried out part by part, however long it is, and
    the receipt does not hold the outcomes.
    """

    commands: tuple[Command, ...]
    actor: str
    key: str | None = None
    prepared_by: str | None = None
    approved_by: str | None = None
    partial: bool = False
    dry_run: bool = False
    proposal: str | None = None
    progress: Callable[[], None] | None = None
    hear: Callable[[Outcome], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one command: the entries it filed, or why it was refused."""

    entries: tuple[Entry, ...] = ()
    refused: Refused | None = None


@dataclass(frozen=True)
class Receipt:
    """The answer to a filing: positions ``first`` to ``last`` (0 and 0 where nothing was filed)."""

    first: int
    last: int
    recorded_at: datetime
    outcomes: tuple[Outcome, ...]
    replayed: bool = False
    dry_run: bool = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry filed, in order."""
        return tuple(entry for outcome in self.outcomes for entry in outcome.entries)


@dataclass
class _Job:
    filing: Filing
    fingerprint: bytes
    future: Future[Receipt]


@dataclass
class _Answer:
    """What a job will be told once the batch is durable."""

    job: _Job
    receipt: Receipt | None = None
    error: Exception | None = None

    def give(self) -> None:
        if self.error is not None:
            self.job.future.set_exception(self.error)
        elif self.receipt is not None:
            self.job.future.set_result(self.receipt)


class Writer:
    """The one writer of one office in this process (several processes take turns by the lock)."""

    def __init__(
        self, store: Store, ledgers: Iterable[AnyLedger], *, code: str, batch_limit: int = 256
    ) -> None:
        """Write to ``store`` and keep ``ledgers``; ``code`` is the program's version."""
        self._store = store
        self._standings = Standings(store)
        self._keeper = Keeper(ledgers, store, self._standings.log)
        self._code = code
        self._limit = batch_limit
        self._head = 0
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._running = False
        self._session: _Session | None = None
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
        job = _Job(filing, self._fingerprint(filing), future)
        with self._gate:
            if not self._running:
                msg = "the writer is stopped"
                raise Stopped(msg)
            self._queue.put(job)
        return future

    def do(self, filing: Filing) -> Receipt:
        """File and wait; raises `Refused`, `KeyReused`, or what went wrong."""
        return self.submit(filing).result()

    def _fingerprint(self, filing: Filing) -> bytes:
        if filing.key is None:
            return b""
        kinds = ",".join(command.kind for command in filing.commands)
        body = b"\n".join(c.model_dump_json().encode() for c in filing.commands)
        return self._store.fingerprint(kinds, body)

    # ── the writer's thread ──────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        stopping = False
        while not stopping:
            jobs: list[_Job] = []
            first = self._queue.get()
            taken: _Job | None = first
            while True:
                if taken is None:
                    stopping = True
                    break
                jobs.append(taken)
                if len(jobs) >= self._limit:
                    break
                try:
                    taken = self._queue.get_nowait()
                except queue.Empty:
                    break
            # Who no longer waits is left out; from here on nobody can take back what is filed.
            wanted = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            for batch in _apart(wanted):
                self._work_off(batch)
                self._session = None

    def _work_off(self, jobs: Sequence[_Job]) -> None:
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

    def _tried(self, jobs: Sequence[_Job]) -> Exception | None:
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

    def _found_filed(self) -> list[_Answer]:
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
        self._standings.forget()
        self._keeper.forget()
        self._head = -1

    def _file(self, jobs: Sequence[_Job]) -> list[_Answer]:
        with self._store.writing() as transaction:
            self._catch_up(transaction)
            session = self._session = _Session(self, transaction)
            wanted = [(j.filing.actor, j.filing.key) for j in jobs if j.filing.key is not None]
            if wanted:
                session.earlier = transaction.filed(wanted)
            short = [job.filing for job in jobs if job.filing.hear is None]
            self._standings.foresee(command for filing in short for command in filing.commands)
            answers = [session.answer(job) for job in jobs]
            session.batch.ledgers = self._keeper.take()
            transaction.store(session.batch)
            session.answers = answers
        self._head = session.position
        self._standings.settle()
        self._keeper.settle(session.batch.ledgers)
        return answers

    def _catch_up(self, transaction: Transaction) -> None:
        if transaction.head == self._head:
            return
        if self._head < 0 or transaction.head < self._head:
            self._forget()
        else:
            self._standings.forget(transaction.tags_since(self._head))
            self._keeper.forget()
        self._head = transaction.head


def _apart(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Yield jobs to be filed together, in their order; a long filing alone."""
    for _, together in groupby(jobs, lambda job: id(job) if job.filing.hear is not None else 0):
        yield list(together)


class _Session:
    """One batch under the lock: deciding its filings in order, collecting what is to be stored."""

    def __init__(self, writer: Writer, transaction: Transaction) -> None:
        self.writer = writer
        self.standings = writer._standings  # noqa: SLF001  (the session is the writer's other half)
        self.keeper = writer._keeper  # noqa: SLF001
        self.transaction = transaction
        self.answers: list[_Answer] = []
        self.first: Entry | None = None
        self.position = transaction.head
        self.moment = transaction.moment
        self.earlier: dict[tuple[str, str], Filed] = {}
        self.now: dict[tuple[str, str], tuple[Filed, Receipt]] = {}
        self.batch = Batch()

    def answer(self, job: _Job) -> _Answer:
        filing = job.filing
        try:
            known = self._known(job)
            if known is not None:
                return _Answer(job, known)
            receipt = self._carry_out(filing) if filing.hear is None else self._in_parts(filing)
        except (Refused, KeyReused) as error:
            return _Answer(job, error=error)
        if filing.key is not None and not filing.dry_run and receipt.last:
            self._remember(job, receipt)
        return _Answer(job, receipt)

    def _known(self, job: _Job) -> Receipt | None:
        """Return the answer to the same request sent before, in this batch or ever."""
        filing = job.filing
        if filing.key is None or filing.dry_run:
            return None
        slot = (filing.actor, filing.key)
        filed, receipt = self.now.get(slot, (self.earlier.get(slot), None))
        if filed is None:
            return None
        if filed.fingerprint != job.fingerprint:
            raise KeyReused(filing.key)
        if receipt is None:
            entries = tuple(self.writer._store.between(filed.first, filed.last))  # noqa: SLF001
            outcomes = (Outcome(entries),)
            receipt = Receipt(filed.first, filed.last, entries[0].recorded_at, outcomes)
        return Receipt(
            receipt.first, receipt.last, receipt.recorded_at, receipt.outcomes, replayed=True
        )

    def _remember(self, job: _Job, receipt: Receipt) -> None:
        key = job.filing.key or ""
        filed = Filed(job.filing.actor, key, job.fingerprint, receipt.first, receipt.last)
        self.batch.filed.append(filed)
        self.now[job.filing.actor, key] = (filed, receipt)

    def _carry_out(self, filing: Filing) -> Receipt:
        """Decide all commands of a filing; leave no trace where it is refused or a dry run."""
        start, mark = self.position, self.standings.mark
        outcomes: list[Outcome] = []
        try:
            outcomes.extend(self._decide(filing, command) for command in filing.commands)
        except BaseException:
            self.standings.undo_to(mark)
            self.position = start
            raise
        entries = [entry for outcome in outcomes for entry in outcome.entries]
        if filing.dry_run:
            self.standings.undo_to(mark)
            self.position = start
        elif entries:
            self.keeper.absorb(entries)
            self.batch.entries += entries
            self.first = self.first or entries[0]
            if filing.proposal is not None:
                done = (filing.proposal, filing.approved_by or filing.actor, entries[0].position)
                self.batch.proposals.append(done)
            moment, self.moment = self.moment, self.moment + timedelta(microseconds=1)
            return Receipt(start + 1, self.position, moment, tuple(outcomes))
        first, last = (start + 1, start + len(entries)) if entries else (0, 0)
        return Receipt(first, last, self.moment, tuple(outcomes), dry_run=filing.dry_run)

    def _in_parts(self, filing: Filing) -> Receipt:
        """Carry out a long filing, which is alone in its batch (see `journal_parts`)."""
        start, moment = self.position, self.moment

        def decide(command: Command) -> tuple[Entry, ...]:
            outcome = self._decide(filing, command)
            if outcome.entries and not filing.dry_run:
                self.first = self.first or outcome.entries[0]
            if filing.hear is not None:
                filing.hear(outcome)
            return outcome.entries

        dry = filing.dry_run
        filed = carry_out_in_parts(self, filing.commands, decide, dry_run=dry)
        first, last = (start + 1, start + filed) if filed else (0, 0)
        if filed and not dry:
            self.moment += timedelta(microseconds=1)
        return Receipt(first, last, moment, (), dry_run=dry)

    def forget(self) -> None:
        """See `application.journal_parts.Session.forget`."""
        self.first = None
        self.writer._forget()  # noqa: SLF001

    def _decide(self, filing: Filing, command: Command) -> Outcome:
        before = self.position
        today = self.moment.astimezone(OFFICE_ZONE).date()
        inquiry = Inquiry(self.standings, today, filing.prepared_by or filing.actor)
        asked: list[tuple[str, ...]] = []

        def make_entry(draft: Draft) -> Entry:
            self.position += 1
            asked.append(inquiry.newly_asked())
            return self._entry(filing, draft, draft.filing or command)

        try:
            if not filing.dry_run:  # a trial may ask what could be filed once the books are open
                require_opened(command, inquiry)
                require_two(command, filing.prepared_by, filing.approved_by, inquiry)
            entries = carry_out(command, inquiry, make_entry)
            if filing.progress is not None:
                filing.progress()
        except Refused as refused:
            self.position = before
            if not filing.dry_run:
                self._note_refusal(filing, command, refused)
            if not filing.partial:
                raise
            return Outcome(refused=refused)
        rules, code = tuple(inquiry.rules), self.writer._code  # noqa: SLF001
        for entry, what in zip(entries, asked, strict=True):
            decided = Decided(before, what, rules, code)
            object.__setattr__(entry, "decided", decided)  # its making ends here
        return Outcome(tuple(entries))

    def _entry(self, filing: Filing, draft: Draft, said: Command) -> Entry:
        return Entry(
            position=self.position,
            id=self.standings.source.new_id(),
            recorded_at=self.moment,
            effective_on=draft.effective_on,
            place=draft.place or self.position,
            actor=filing.actor,
            prepared_by=filing.prepared_by or filing.actor,
            approved_by=filing.approved_by,
            basis=said.basis,
            note=said.note,
            secrecy=said.secrecy,
            tags=draft.tags or (),
            fact=draft.fact,
            voids=draft.voids,
            target=draft.target,
        )

    def _note_refusal(self, filing: Filing, command: Command, refused: Refused) -> None:
        subjects = tuple(subjects_of(command))
        self.batch.refusals.append(Refusal(filing.actor, command.kind, subjects, refused.rule.name))
