"""One batch of filings under the journal's lock: decided in order, collected, answered.

    Job ──► known from before? ──► decided, command by command ──► Batch + Answer

A refused filing or a dry run leaves no trace; those before and after it in the batch stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta

from application.deciding import carry_out, require_two
from application.filing import (
    OFFICE_ZONE,
    Batch,
    Filed,
    Filing,
    KeyReused,
    Outcome,
    Receipt,
    Refusal,
    Store,
    Transaction,
    subjects_of,
)
from application.journal_parts import carry_out_in_parts
from application.keeping import Keeper
from application.ledgers import AnyLedger
from application.standings import Inquiry, Standings
from domain.deciding import Command, Draft, Refused
from domain.journal import require_opened
from domain.vocabulary import Decided, Entry, lean


@dataclass
class Job:
    """A filing on its way through the writer's queue."""

    filing: Filing
    fingerprint: bytes
    future: Future[Receipt]


@dataclass
class Answer:
    """What a job will be told once the batch is durable."""

    job: Job
    receipt: Receipt | None = None
    error: Exception | None = None

    def give(self) -> None:
        """Tell whoever waits."""
        if self.error is not None:
            self.job.future.set_exception(self.error)
        elif self.receipt is not None:
            self.job.future.set_result(self.receipt)

    def outcome(self) -> Receipt:
        """Return the receipt, or raise why there is none."""
        if self.receipt is None:
            raise self.error or AssertionError
        return self.receipt


class Memory:
    """What the writer remembers from batch to batch, and lends to each."""

    def __init__(self, store: Store, ledgers: Iterable[AnyLedger], code: str) -> None:
        """Remember nothing yet of what is in ``store``; ``code`` is the program's version."""
        self.store = store
        self.code = code
        self.standings = Standings(store)
        self.keeper = Keeper(ledgers, store, self.standings.log)

    def forget(self) -> None:
        """Forget everything: it is not, or not so, what is stored."""
        self.standings.forget()
        self.keeper.forget()


class Session:
    """One batch under the lock: deciding its filings in order, collecting what is to be stored."""

    def __init__(self, memory: Memory, transaction: Transaction) -> None:
        """Begin a batch in ``transaction``."""
        self.memory = memory
        self.standings = memory.standings
        self.keeper = memory.keeper
        self.transaction = transaction
        self.answers: list[Answer] = []
        self.first: Entry | None = None
        self.position = transaction.head
        self.moment = transaction.moment
        self.earlier: dict[tuple[str, str], Filed] = {}
        self.now: dict[tuple[str, str], tuple[Filed, Receipt]] = {}
        self.batch = Batch()

    def answer(self, job: Job) -> Answer:
        """Decide a filing, or find that it was filed before; what it files waits in the batch."""
        filing = job.filing
        try:
            known = self._known(job)
            if known is not None:
                return Answer(job, known)
            receipt = self._carry_out(filing) if filing.hear is None else self._in_parts(filing)
        except (Refused, KeyReused) as error:
            return Answer(job, error=error)
        if filing.key is not None and not filing.dry_run and receipt.last:
            self._remember(job, receipt)
        return Answer(job, receipt)

    def _known(self, job: Job) -> Receipt | None:
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
            entries = tuple(self.memory.store.between(filed.first, filed.last))
            outcomes = (Outcome(entries),)
            receipt = Receipt(filed.first, filed.last, entries[0].recorded_at, outcomes)
        return Receipt(
            receipt.first, receipt.last, receipt.recorded_at, receipt.outcomes, replayed=True
        )

    def _remember(self, job: Job, receipt: Receipt) -> None:
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
        self.memory.forget()

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
        if filing.hear is None or not filing.dry_run:  # of what is only tried, there may be much
            rules, code = tuple(inquiry.rules), self.memory.code
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
            fact=lean(draft.fact),
            voids=draft.voids,
            target=draft.target,
        )

    def _note_refusal(self, filing: Filing, command: Command, refused: Refused) -> None:
        subjects = tuple(subjects_of(command))
        self.batch.refusals.append(Refusal(filing.actor, command.kind, subjects, refused.rule.name))
