"""Random but mostly legal histories of a small district, for laws that must hold in all of them.

    Step(kind, a, b, n, day) ──► `History.take` picks who and what from those on record ──► filed
                                                                                    or refused

Steps choose among subjects that exist and quotas that may suffice, so that most filings are
accepted; late, future-dated, voiding and correcting filings are common, several of them in one
append too, and every fact of the product occurs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from domain.code_sets import EntryMode, InstitutionCategory, InstitutionRank, LeaveReason, QuotaKind
from domain.deciding import Command, DatedCommand, Draft, Refused
from domain.documents import Grant, RegisterDocument, SupplyBasis
from domain.institutions import Founded, TakeOverInstitution
from domain.institutions_changes import AbolishInstitution, RenameInstitution
from domain.journal import JournalOpened
from domain.quotas import CeilingSet, Given, SetCeiling, TakeOverQuota, TransferQuota
from domain.settings import AnnounceCalendar, ChangeSetting
from domain.staffing import Career, PlacingSomebody, Stay
from domain.staffing_approvals import Approval, CancelUse, UseApproved
from domain.staffing_people import ChangePerson, PersonChanged, PersonRegistered
from domain.vocabulary import Entry, Fact, live
from tests.district import ADMINISTRATIVE, PUBLIC, District

FIRST = date(2021, 6, 1)
STEPS = 60
"""Days of a history: from FIRST on; today is in the middle."""

LATER = FIRST + timedelta(days=2 * STEPS)
"""A day by which everything has taken effect, and every reservation has ended."""


LIVED = ("journal", "settings", "calendar", "documents", "institutions", "quotas", "staffing")
"""The contexts of which a history tells; each of their facts occurs."""


def is_lived(fact: type[Fact]) -> bool:
    """Whether the fact belongs to a context of which a history tells."""
    return fact.fact_name.partition(".")[0] in LIVED


class Step(NamedTuple):
    """One thing somebody tries: the kind of filing, whom it concerns, how many, on which day."""

    kind: str
    a: int
    b: int
    n: int
    day: int


class History(District):
    """A district in which steps are taken."""

    def __init__(self, watcher: Callable[[list[Entry]], None] | None = None) -> None:
        self.watcher = watcher
        self.filed: dict[int, Command] = {}
        self.refused = self.accepted = 0
        super().__init__(today=FIRST + timedelta(days=STEPS // 2), opened=FIRST)
        for name in ("甲办", "乙办"):
            self.quota(self.office(name, day=FIRST), 5, ADMINISTRATIVE, FIRST)
        for name in ("甲校", "乙校"):
            self.quota(self.school(name, day=FIRST), 4, PUBLIC, FIRST)
        for kind in (ADMINISTRATIVE, PUBLIC):
            self.file(SetCeiling(effective_on=FIRST, quota_kind=kind, change=10))
        over = self.office("丙办", day=FIRST)
        self.file(
            TakeOverQuota(effective_on=FIRST, institution=over, quota_kind=ADMINISTRATIVE, number=1)
        )
        for _ in range(2):
            self.file(self.taking_over(over, day=FIRST))

    def file(self, *commands: Command) -> list[Entry]:
        """File, and let whoever watches see the append."""
        entries = super().file(*commands)
        if self.watcher is not None:
            self.watcher(entries)
        return entries

    def _entry(self, draft: Draft, position: int, recorded_at: datetime) -> Entry:
        assert draft.filing is not None
        self.filed[position] = draft.filing
        return super()._entry(draft, position, recorded_at)

    def asked(self, step: Step) -> tuple[Command, ...]:
        """What the step asks to be filed as one append; nothing where nobody is there for it."""
        found: Command | tuple[Command, ...] | None = getattr(self, f"_{step.kind}")(step)
        return found if isinstance(found, tuple) else () if found is None else (found,)

    def take(self, step: Step) -> None:
        """Try the step; a refusal is an answer too."""
        commands = self.asked(step)
        if not commands:
            return
        try:
            self.file(*commands)
        except Refused:
            self.refused += 1
        else:
            self.accepted += 1

    # ── whom and what ────────────────────────────────────────────────────────────────────────

    def _on(self, step: Step) -> date:
        return FIRST + timedelta(days=step.day)

    def _institutions(self) -> list[Founded]:
        facts = (entry.fact for entry in self.memory.entries)
        found = {fact.institution: fact for fact in facts if isinstance(fact, Founded)}
        return list(found.values())

    def _institution(self, n: int) -> Founded:
        found = self._institutions()
        return found[n % len(found)]

    def _kind(self, who: Founded) -> QuotaKind:
        return PUBLIC if who.category.value == "institution" else ADMINISTRATIVE

    def _empty(self, n: int) -> Founded:
        """An institution that holds nothing in the end, where there is one."""
        holding = {who for (who, _) in self.sums("quota_book", LATER)}
        found = self._institutions()
        empty = [one for one in found if one.institution not in holding]
        return (empty or found)[n % len(empty or found)]

    def _stay(self, n: int) -> tuple[str, Stay | None]:
        """Somebody, and where he is in the end: in most cases somebody who is somewhere."""
        facts = (entry.fact for entry in self.memory.entries)
        people = [fact.person for fact in facts if isinstance(fact, PersonRegistered)]
        stays = [(one, self.standings.of(Career, one).current) for one in people]
        placed = [pair for pair in stays if pair[1] is not None]
        found = placed if placed and n % 5 else stays
        return found[n % len(found)]

    def _person(self, n: int) -> str:
        facts = (entry.fact for entry in self.memory.entries)
        found = [fact.person for fact in facts if isinstance(fact, PersonRegistered)]
        return found[n % len(found)]

    def _approval(self, step: Step) -> tuple[UseApproved, date] | None:
        """An approval, most likely one that is not used up, and a day on which it is valid."""
        approvals = [e for e in self.memory.entries if isinstance(e.fact, UseApproved)]
        left = [e for e in approvals if self.standings.of(Approval, e.fact.approval).left]  # type: ignore[attr-defined]
        found = left if left and step.a % 5 else approvals
        if not found:
            return None
        entry = found[step.a % len(found)]
        assert isinstance(entry.fact, UseApproved)
        day = min(max(self._on(step), entry.business_date), entry.fact.valid_until)
        return entry.fact, day

    # ── the filings ──────────────────────────────────────────────────────────────────────────

    def _ceiling(self, step: Step) -> Command:
        change = step.n if step.a % 4 else -step.n
        kind = (ADMINISTRATIVE, PUBLIC)[step.b % 2]
        return SetCeiling(effective_on=self._on(step), quota_kind=kind, change=change)

    def _grant(self, step: Step) -> Command:
        who = self._institution(step.a)
        return self.granting(who.institution, step.n, self._kind(who), self._on(step))

    def _cut(self, step: Step) -> Command:
        who = self._institution(step.a)
        return self.cutting(who.institution, step.n, self._kind(who), self._on(step))

    def _pass(self, step: Step) -> Command:
        giver, receiver = self._institution(step.a), self._institution(step.b)
        return TransferQuota(
            effective_on=self._on(step),
            giver=giver.institution,
            receiver=receiver.institution,
            quota_kind=self._kind(giver),
            number=step.n,
        )

    def _approve(self, step: Step) -> Command:
        who, day = self._institution(step.a), self._on(step)
        until = day + timedelta(days=step.b % 20)
        return self.approving(who.institution, step.n, self._kind(who), day, valid_until=until)

    def _cancel(self, step: Step) -> Command | None:
        found = self._approval(step)
        if found is None:
            return None
        approval, day = found
        return CancelUse(effective_on=day, approval=approval.approval, reason="取消")

    def _enter(self, step: Step) -> Command:
        """By an approval where there is one, else by appointment; a new person or a former one."""
        found = self._approval(step) if step.n % 2 else None
        more = {} if step.b % 4 else {"person": self._person(step.b)}
        if found is None:
            who = self._institution(step.a)
            return self.entering(who.institution, None, self._kind(who), self._on(step), **more)
        approval, day = found
        return self.entering(approval.institution, approval.approval, approval.kind, day, **more)

    def _move(self, step: Step) -> Command:
        """To another unit with quota of the kind, where the mover has one."""
        person, stay = self._stay(step.a)
        who = self._institution(step.b)
        day, kind = self._on(step), self._kind(who)
        if stay is not None and step.n > 1:
            fitting = [
                one
                for one in self._institutions()
                if self._kind(one) == stay.kind and one.institution != stay.institution
            ]
            day, kind, who = max(day, stay.since), stay.kind, fitting[step.b % len(fitting)]
        mode = EntryMode.APPOINTMENT
        return self.moving(person, who.institution, None, kind, day, entry_mode=mode)

    def _leave(self, step: Step) -> Command:
        person, stay = self._stay(step.a)
        day = self._on(step) if stay is None else max(self._on(step), stay.since)
        return self.leaving(person, day, LeaveReason.RESIGNED)

    def _change(self, step: Step) -> Command:
        """A telephone number; every other time once more on the day of the last change."""
        day, person = self._on(step), self._person(step.a)
        lately = [e for e in self.memory.entries[-12:] if isinstance(e.fact, PersonChanged)]
        if lately and step.b % 2:
            day, person = lately[-1].business_date, lately[-1].subjects("person")[0]
        return ChangePerson(effective_on=day, person=person, phone=str(step.b))

    def _found(self, step: Step) -> Command:
        return self.founding(f"第{step.b % 5}中心", self._on(step))

    def _rename(self, step: Step) -> Command:
        return RenameInstitution(
            effective_on=self._on(step),
            institution=self._institution(step.a).institution,
            name=f"第{step.b % 5}中心",
            basis=self.citing(),
        )

    def _abolish(self, step: Step) -> Command:
        return AbolishInstitution(
            effective_on=self._on(step),
            institution=self._empty(step.a).institution,
            reason="改革",
            basis=self.citing(),
        )

    def _supply(self, step: Step) -> Command:
        missing = [int(place) for place in self.rows("missing_basis", LATER)]
        at = missing[step.a % len(missing)] if missing else 1 + step.a
        return SupplyBasis(position=at, basis=self.citing())

    def _document(self, step: Step) -> Command:
        """One that grants something; or one about a person."""
        about = self._person(step.a) if step.b % 3 == 0 else None
        kind = (ADMINISTRATIVE, PUBLIC)[step.b % 2]
        return RegisterDocument(
            document_title="关于编制的批复",
            issuer="示范市委编委",
            issuer_level="city",
            number=f"示编发〔2021〕{step.a}号",
            issued_on=self._on(step),
            grants=(Grant(measure="approved", kind=kind, number=step.n),),
            person=about,
        )

    def _setting(self, step: Step) -> Command:
        day, n = self._on(step), 5 * step.n
        return ChangeSetting(effective_on=day, name="late_filing_workdays", value=n)

    def _calendar(self, step: Step) -> Command:
        """The year once more, with another day off."""
        off = (date(2021, 1, 1), self._on(step))
        return AnnounceCalendar(year=2021, holidays=off, notices=("国办发明电〔2020〕27号",))

    def _open(self, step: Step) -> Command:
        """An institution of the earlier books."""
        return TakeOverInstitution(
            effective_on=FIRST if step.n > 1 else self._on(step),
            name=f"第{step.b % 9}中心",
            category=InstitutionCategory.INSTITUTION,
            rank=InstitutionRank.SUBSECTION,
        )

    def _known(self, step: Step) -> Command:
        """Somebody of the earlier books, over the quota where the unit is full."""
        who = self._institution(step.a)
        day = FIRST if step.b % 5 else self._on(step)
        return self.taking_over(who.institution, self._kind(who), day)

    # ── many in one append ───────────────────────────────────────────────────────────────────

    def _import(self, step: Step) -> tuple[Command, ...]:
        """Quota and people of one unit, as an import files them."""
        who, day = self._institution(step.a), FIRST
        quota = TakeOverQuota(
            effective_on=day, institution=who.institution, quota_kind=self._kind(who), number=step.n
        )
        people = (self.taking_over(who.institution, self._kind(who), day) for _ in range(step.n))
        return (quota, *people)

    def _latest(self, n: int) -> list[Entry]:
        """The latest ``n`` entries that stand and are no void, the newest first."""
        standing = sorted(live(self.memory.entries), key=lambda entry: -entry.position)
        return [one for one in standing if not isinstance(one.fact, JournalOpened)][:n]

    def _unwind(self, step: Step) -> Command | None:
        """Void the latest entries at once: those that rest on each other go together."""
        return self.voiding(*(entry.position for entry in self._latest(1 + step.n)))

    def _shift(self, step: Step) -> Command | None:
        """What has been filed of somebody, some days later or earlier, in one correction."""
        person, _ = self._stay(step.a)
        about = live(self.standings.log(f"person:{person}"))
        items: list[tuple[int | None, Command | None]] = []
        for entry in about:
            command = self.filed[entry.position]
            if isinstance(command, DatedCommand) and not isinstance(entry.fact, PersonRegistered):
                day = command.effective_on + timedelta(days=step.n - 2)
                items.append((entry.position, self._again(entry, effective_on=day)))
        return self.correcting(*items) if items else None

    def _again(self, entry: Entry, **changes: object) -> Command:
        """The command that filed an entry, changed; who was registered with it is on file now."""
        command = self.filed[entry.position]
        if isinstance(command, PlacingSomebody):
            changes |= {"new_person": None, "person": entry.subjects("person")[0]}
        return command.model_copy(update=changes)

    # ── voids and corrections ────────────────────────────────────────────────────────────────

    def _void(self, step: Step) -> Command:
        """One of the latest entries, most of which nothing rests on yet; or quota in use."""
        if step.b % 3 == 0:
            given = [e for e in live(self.memory.entries) if isinstance(e.fact, Given | CeilingSet)]
            return self.voiding(given[step.a % len(given)].position)
        at = len(self.memory.entries) - step.a % 12
        return self.voiding(max(at, 1))

    def _correct(self, step: Step) -> Command | None:
        """The same filing again, mostly dated some days later or earlier, or of another number."""
        at = max(1, len(self.memory.entries) - step.a % 12)
        command, entry = self.filed[at], self.memory.entries[at - 1]
        if command.kind.startswith("journal.") or isinstance(entry.fact, PersonRegistered):
            return None
        changes: dict[str, object] = {}
        if isinstance(command, DatedCommand) and step.b % 3:
            changes["effective_on"] = self._on(step)
        if step.b % 2 and isinstance(getattr(command, "number", None), int):
            changes["number"] = step.n
        return self.correcting((at, self._again(entry, **changes)))


FILINGS = (
    *("ceiling", "grant", "cut", "pass", "approve", "approve", "cancel", "enter", "enter"),
    *("enter", "move", "leave", "change", "found", "rename", "abolish", "supply"),
    *("document", "setting", "calendar", "open", "known", "import", "unwind", "shift", "shift"),
    *("change", "change"),
    *("void", "void", "correct", "correct"),
)
STEP = st.builds(
    Step,
    kind=st.sampled_from(FILINGS),
    a=st.integers(0, 59),
    b=st.integers(0, 59),
    n=st.integers(1, 3),
    day=st.integers(0, STEPS),
)
STEPS_TAKEN = st.lists(STEP, min_size=5, max_size=40)


def steps_of(seed: int, n: int = 30) -> list[Step]:
    """The steps of a long history, the same for a seed."""
    random = Random(seed)  # noqa: S311  (a seeded history is no secret)
    return [
        Step(
            random.choice(FILINGS),
            random.randrange(60),
            random.randrange(60),
            random.randint(1, 3),
            random.randint(0, STEPS),
        )
        for _ in range(n)
    ]
