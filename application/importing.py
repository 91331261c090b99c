"""The books an office keeps today go in (期初导入): rows of cells → commands → one append.

    rows as read ──prepare──► a command, or every problem of the row, in Chinese
    commands ──one Filing──► the writer decides each on the live rules
    outcomes ──► one result a row: recorded, repaired, recorded with a warning, there already, wrong

A dry run goes the same way and is undone, so it says exactly what the commit would do. How books
are read stands in `importing_reading`, what is answered in `importing_results`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from application.filing import Filing, Outcome, Receipt
from application.importing_reading import Progress, Ready, books_of, prepare, silent
from application.importing_results import (
    BookLines,
    CeilingResult,
    Finding,
    Imported,
    Recorded,
    RowResult,
)
from application.importing_superiors import Pending, superiors_first
from application.journal import Writer
from domain.code_sets import QuotaKind
from domain.deciding import Refused
from domain.institutions import Founded
from domain.journal import JournalOpened, OpenJournal, journal_is_opened_once
from domain.opening import (
    OpenCeiling,
    OpenInstitution,
    OpenPerson,
    name_agrees_with_the_books,
    superior_is_in_the_books,
    unit_is_in_the_books,
)
from domain.quotas import TakenOver as QuotaTakenOver
from domain.quotas import kind_fits_the_institution
from domain.staffing import TakenOver, person_is_in_no_establishment, person_is_old_enough
from domain.staffing_approvals import kind_is_approved_there
from domain.staffing_people import PersonRegistered
from domain.text import compact
from domain.vocabulary import Entry, Fact

__all__ = [
    "BookLines",
    "Imported",
    "Order",
    "Ready",
    "books_of",
    "file",
    "opening_problem",
    "prepare",
    "run",
]

OVER_QUOTA: Final = "unit_over_quota"
MESSAGES: Final = {
    OVER_QUOTA: "该单位实有人数已超过核定编制，作为期初超编例外记录；以后的业务不得使超编加重",
    "person_known": "该人员在这个单位已经登记，不重复记录",
    "institution_known": "该机构及其编制已经登记，不重复记录",
}
_RESTS_ON_INSTITUTIONS: Final = frozenset(
    {superior_is_in_the_books.name, unit_is_in_the_books.name}
)
_SPEAKS_OF: Final = {
    superior_is_in_the_books.name: "superior",
    unit_is_in_the_books.name: "institution",
    name_agrees_with_the_books.name: "name",
    person_is_in_no_establishment.name: "institution",
    kind_fits_the_institution.name: "quota_kind",
    kind_is_approved_there.name: "quota_kind",
    person_is_old_enough.name: "quota_in_date",
}
"""Of which field of a row each rule speaks, where it is one."""


@dataclass(frozen=True)
class Order:
    """How an import is to be done.

    ``opening`` is the 建账日. ``strict``: nothing is recorded while anything is wrong. ``ceilings``
    are what the level above has set; of the kinds that are not among them, the books' own sums are
    the ceilings. ``key`` is the caller's Idempotency-Key. ``opens`` opens the journal, where it is
    not open yet, before the first row is recorded.
    """

    opening: date
    actor: str
    dry_run: bool = False
    strict: bool = False
    ceilings: Mapping[QuotaKind, int] = field(default_factory=dict)
    key: str | None = None
    opens: OpenJournal | None = None


# ── filing ───────────────────────────────────────────────────────────────────────────────────


def opening_problem(first: Entry | None, order: Order) -> str | None:
    """Return why books cannot be opened so, in Chinese; ``first`` is the journal's first entry."""
    if first is None:
        opens = order.dry_run or order.opens is not None
        return None if opens else "还没有建账，请写明单位全称，导入时同时建账。"
    day, fact = first.effective_on, first.fact
    if isinstance(fact, JournalOpened) and day != order.opening:
        return f"本单位的建账日是{day}，不是{order.opening}；期初数据应为建账日当天的情况。"
    if isinstance(fact, JournalOpened) and order.opens and order.opens.office != fact.office:
        return f"已经以“{fact.office}”建账，不是“{order.opens.office}”；已建账的不必再写单位全称。"
    return None


def run(
    writer: Writer, books: Sequence[BookLines], order: Order, progress: Progress = silent
) -> Imported:
    """Read books and import them; see `prepare` and `file`."""
    return file(writer, prepare(books, order.opening, progress), order, progress)


def file(writer: Writer, ready: Ready, order: Order, progress: Progress = silent) -> Imported:
    """Import what has been read, as of the 建账日 of the ``order``.

    All rows without error become one append with one receipt; with ``strict`` nothing is recorded
    while anything is wrong. A dry run records nothing and answers the same. ``ready`` is used up.
    """
    return _Import(writer, ready, order, progress).run()


class _Import:
    """One import on its way from commands to results."""

    def __init__(self, writer: Writer, ready: Ready, order: Order, progress: Progress) -> None:
        self._writer = writer
        self._order = order
        self._progress = progress
        rows = (*ready.institutions, *ready.people)
        self._answer = Imported(order.opening, "tried", ready.sheets, [row.result for row in rows])
        self._answer.unread = ready.unread
        self._failed = {
            compact(row.name): row.result
            for row in ready.institutions
            if row.name and row.result.problems
        }
        filed = (*superiors_first(ready.institutions), *ready.people)
        self._waiting = [row for row in filed if row.command is not None]
        self._ceilings = [
            OpenCeiling(effective_on=order.opening, quota_kind=kind, number=number)
            for kind, number in order.ceilings.items()
        ]
        self._heard: list[_Heard] = []
        self._firsts: list[int] = []
        self._filed: list[RowResult] = []
        self._by_number: dict[str, RowResult] = {}
        self._says: dict[str, str] = {}
        ready.institutions, ready.people = [], []

    def run(self) -> Imported:
        """Decide, record, and tell each row what became of it."""
        answer, order = self._answer, self._order
        for result in answer.rows:
            _settle(result)
        answer.ceilings = self._tried_ceilings()
        held = any(one.result == "error" for one in answer.ceilings)
        held = held or (order.strict and answer.faulty)
        try:
            receipt = self._recorded(dry_run=order.dry_run or held)
        except Refused:  # strict: one refusal refuses the whole; a dry run tells all of them
            held = True
            receipt = self._file(dry_run=True)
        if receipt.replayed:
            answer.replayed = True
            self._file(dry_run=True)
        self._tell()
        if not order.dry_run:
            answer.stage = "held" if held else "recorded"
            if receipt.last and not held:
                answer.receipt = Recorded(receipt.first, receipt.last, receipt.recorded_at)
        return answer

    def _recorded(self, *, dry_run: bool) -> Receipt:
        """File everything; open the journal first where need be and there is what to record."""
        opens = self._order.opens
        if opens is not None and not dry_run and self._waiting:
            if self._order.strict:
                self._file(dry_run=True, partial=False)
            self._answer.opened = self._opened(opens)
        return self._file(dry_run=dry_run)

    def _opened(self, opens: OpenJournal) -> bool:
        """Open the journal, unless it is open."""
        try:
            self._writer.do(Filing((opens,), self._order.actor))
        except Refused as refused:
            if refused.rule is not journal_is_opened_once:
                raise
            return False
        return True

    def _tried_ceilings(self) -> list[CeilingResult]:
        """Try the ceilings alone: what is drawn on them must not be recorded without them."""
        if not self._ceilings:
            return []
        trial = Filing(tuple(self._ceilings), self._order.actor, partial=True, dry_run=True)
        outcomes = self._writer.do(trial).outcomes
        return [
            _ceiling_result(one, outcome)
            for one, outcome in zip(self._ceilings, outcomes, strict=True)
        ]

    def _file(self, *, dry_run: bool, partial: bool | None = None) -> Receipt:
        """File everything as one append; with ``strict`` one refusal is raised for all."""
        if partial is None:
            partial = dry_run or not self._order.strict
        self._heard.clear()
        commands = [*self._ceilings, *(row.command for row in self._waiting if row.command)]
        filing = Filing(
            tuple(commands),
            self._order.actor,
            key=None if dry_run else self._order.key,
            partial=partial,
            dry_run=dry_run,
            hear=self._hear,
        )
        return self._writer.do(filing)

    def _hear(self, outcome: Outcome) -> None:
        """Keep of an outcome, in the thread that decides, what its row will be told."""
        n = len(self._heard) - len(self._ceilings)
        command = self._waiting[n].command if n >= 0 else None
        self._heard.append(_heard(outcome, command, self._says))
        self._progress("decide", 1)

    # ── telling ──────────────────────────────────────────────────────────────────────────────

    def _tell(self) -> None:
        """Say of each row what the rules said of its command."""
        for row, heard in zip(self._waiting, self._heard[len(self._ceilings) :], strict=True):
            if heard.refused is not None:
                self._tell_refused(row, heard.refused)
            elif heard.first:
                self._tell_filed(row, heard)
            else:
                self._tell_known(row)
            row.command = None
            _settle(row.result)

    def _tell_refused(self, row: Pending, refused: Refused) -> None:
        message = refused.told
        if refused.rule.name in _RESTS_ON_INSTITUTIONS:
            message = self._cascade(row) or message
        else:
            message += self._see(row.result, refused.positions)
        name = refused.rule.name
        row.result.problems = (Finding(name, message, _SPEAKS_OF.get(name)),)
        if row.name:
            self._failed.setdefault(compact(row.name), row.result)

    def _cascade(self, row: Pending) -> str | None:
        """Say that the institution in question is in the books, but on a row that is wrong."""
        command = row.command
        name = command.unit if isinstance(command, OpenPerson) else row.superior
        failed = self._failed.get(compact(name))
        if failed is None:
            return None
        place = _place(failed, row.result)
        return f"“{name}”在{place}，那一行有误没有记录；改正后本行也可以记录"

    def _see(self, result: RowResult, positions: Sequence[int]) -> str:
        """Return which rows of this import the entries in the way come from."""
        at = [bisect_right(self._firsts, position) - 1 for position in positions]
        rows = {
            id(self._filed[n]): self._filed[n]
            for n, position in zip(at, positions, strict=True)
            if n >= 0 and position <= self._filed[n].last
        }
        return f"（见{'、'.join(_place(one, result) for one in rows.values())}）" if rows else ""

    def _tell_filed(self, row: Pending, heard: _Heard) -> None:
        result, command = row.result, row.command
        result.first, result.last, result.says = heard.first, heard.last, heard.says
        self._firsts.append(result.first)
        self._filed.append(result)
        if isinstance(command, OpenPerson):
            self._by_number[command.particulars.id_no] = result
        if heard.over_quota:
            found = Finding(OVER_QUOTA, MESSAGES[OVER_QUOTA])
            result.warnings = (*result.warnings, found)

    def _tell_known(self, row: Pending) -> None:
        result, command = row.result, row.command
        result.result = "same"
        code = "institution_known"
        message = MESSAGES[code]
        if isinstance(command, OpenPerson):
            earlier = self._by_number.get(command.particulars.id_no)
            code = "person_known" if earlier is None else "duplicate_row"
            message = (
                MESSAGES[code]
                if earlier is None
                else f"与{_place(earlier, result)}是同一人、同一单位，不重复记录"
            )
        result.warnings = (*result.warnings, Finding(code, message))


class _Heard(NamedTuple):
    """What is kept of an outcome: there may be fifty thousand."""

    refused: Refused | None = None
    first: int = 0
    last: int = 0
    says: str = ""
    over_quota: bool = False


_NOTHING_NEW: Final = _Heard()


def _heard(
    outcome: Outcome, command: OpenInstitution | OpenPerson | None, texts: dict[str, str]
) -> _Heard:
    """Return what is kept of the outcome of a row's command; ``texts`` holds what was said."""
    if outcome.refused is not None:
        return _Heard(outcome.refused.with_traceback(None))
    if not outcome.entries:
        return _NOTHING_NEW
    facts = [entry.fact for entry in outcome.entries]
    says = "" if command is None else _says(command, facts)
    return _Heard(
        first=outcome.entries[0].position,
        last=outcome.entries[-1].position,
        says=texts.setdefault(says, says),
        over_quota=any(isinstance(fact, TakenOver) and fact.excused for fact in facts),
    )


def _says(command: OpenInstitution | OpenPerson | None, facts: Sequence[Fact]) -> str:
    """Return what these facts record, in the clerk's words and with nothing personal."""
    if isinstance(command, OpenPerson):
        new = "登记人员；" if isinstance(facts[0], PersonRegistered) else ""
        return f"{new}在编：{command.unit}，{command.quota_kind.label}"
    new = "登记机构；" if any(isinstance(fact, Founded) for fact in facts) else ""
    quotas = (fact for fact in facts if isinstance(fact, QuotaTakenOver))
    return new + "、".join(f"{one.kind.label}{one.number}名" for one in quotas)


def _ceiling_result(command: OpenCeiling, outcome: Outcome) -> CeilingResult:
    label, number = command.quota_kind.label, command.number
    if outcome.refused is not None:
        refused = outcome.refused
        return CeilingResult(label, number, "error", refused.told)
    return CeilingResult(label, number, "ok" if outcome.entries else "same")


def _place(of: RowResult, seen_from: RowResult) -> str:
    """Return where a row stands, as far as the reader of another row does not know it."""
    if of.source is seen_from.source:
        return f"第{of.row}行"
    file = "" if of.file == seen_from.file else f"《{of.file}》"
    return f"{file}“{of.sheet}”第{of.row}行"


def _settle(result: RowResult) -> None:
    if result.problems:
        result.result = "error"
    elif result.result != "same":
        if result.warnings:
            result.result = "warn"
        elif result.repairs:
            result.result = "repaired"
