"""A small district to tell stories in: documents, two offices, a school, quotas, people.

All names and numbers are made up; the ID numbers are valid in form and belong to nobody.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.code_sets import EntryMode, InstitutionCategory, InstitutionRank, LeaveReason, QuotaKind
from domain.deciding import Command
from domain.documents import DocumentRegistered, RegisterDocument
from domain.identifiers import resident_id_check
from domain.institutions import SetUp, SetUpInstitution
from domain.journal import CorrectEntries, Correction, OpenJournal, Refiled, VoidEntries
from domain.quotas import CutBackQuota, GrantQuota, SetCeiling
from domain.settings import Level
from domain.staffing import EnterEstablishment, TakeOverPerson
from domain.staffing_approvals import ApproveUse, UseApproved
from domain.staffing_moves import LeaveEstablishment, TransferPerson
from domain.staffing_people import Particulars, PersonRegistered
from domain.vocabulary import Citation
from tests.stories import Story

DAY = date(2021, 7, 1)
"""The day on which most of a story happens."""

TODAY = date(2021, 7, 5)
ADMINISTRATIVE, PUBLIC = QuotaKind.ADMINISTRATIVE, QuotaKind.INSTITUTION


def id_number(n: int, born: str = "19800101") -> str:
    """The n-th ID number of somebody born that day."""
    first17 = f"130102{born}{n:03d}"
    return first17 + resident_id_check(first17)


def refiled(command: Command) -> Refiled:
    """A command as it is written inside a correction."""
    body = command.model_dump(mode="json", exclude_none=True)
    return Refiled(kind=command.kind, body=body)


class District(Story):
    """A story whose office has opened its journal and holds a city's document."""

    def __init__(self, today: date = TODAY, opened: date = DAY) -> None:
        super().__init__(today)
        self.people = 0
        self.file(OpenJournal(effective_on=opened, office="示范区委编办", purpose="demonstration"))
        self.paper = self.document()

    def document(self, level: Level = "city", number: str | None = None, **more: Any) -> str:
        """Register a document; return its id."""
        command = RegisterDocument(
            document_title="关于机构编制事项的批复",
            issuer="示范市委编委",
            issuer_level=level,
            number=number,
            issued_on=date(2021, 6, 1),
            **more,
        )
        self.file(command)
        return self.last(DocumentRegistered).document

    def citing(self, *documents: str) -> tuple[Citation, ...]:
        """Citations of these documents, or of the city's."""
        return tuple(Citation(document=one) for one in documents or (self.paper,))

    def office(
        self,
        name: str = "区委办公室",
        category: InstitutionCategory = InstitutionCategory.PARTY,
        rank: InstitutionRank = InstitutionRank.SECTION,
        day: date = DAY,
    ) -> str:
        """Set up an institution; return its id."""
        self.file(self.founding(name, day, category, rank))
        return self.last(SetUp).institution

    def founding(
        self,
        name: str,
        day: date = DAY,
        category: InstitutionCategory = InstitutionCategory.INSTITUTION,
        rank: InstitutionRank = InstitutionRank.SUBSECTION,
    ) -> SetUpInstitution:
        """The setting up of an institution."""
        return SetUpInstitution(
            effective_on=day, name=name, category=category, rank=rank, basis=self.citing()
        )

    def school(self, name: str = "区实验小学", day: date = DAY) -> str:
        """Set up a public institution; return its id."""
        return self.office(name, InstitutionCategory.INSTITUTION, InstitutionRank.SUBSECTION, day)

    def quota(self, who: str, n: int, kind: QuotaKind = ADMINISTRATIVE, day: date = DAY) -> None:
        """Raise the ceiling by n and grant it."""
        self.file(SetCeiling(effective_on=day, quota_kind=kind, change=n, basis=self.citing()))
        self.file(self.granting(who, n, kind, day))

    def granting(
        self, who: str, n: int, kind: QuotaKind = ADMINISTRATIVE, day: date = DAY
    ) -> GrantQuota:
        """A grant of n."""
        return GrantQuota(
            effective_on=day, institution=who, quota_kind=kind, number=n, basis=self.citing()
        )

    def cutting(
        self, who: str, n: int, kind: QuotaKind = ADMINISTRATIVE, day: date = DAY
    ) -> CutBackQuota:
        """A cut of n."""
        return CutBackQuota(
            effective_on=day, institution=who, quota_kind=kind, number=n, reason="改革收回"
        )

    def approving(
        self, who: str, n: int = 1, kind: QuotaKind = ADMINISTRATIVE, day: date = DAY, **more: Any
    ) -> ApproveUse:
        """An approval to fill n slots."""
        return ApproveUse(
            effective_on=day,
            institution=who,
            quota_kind=kind,
            number=n,
            basis=self.citing(),
            **more,
        )

    def approved(self, who: str, n: int = 1, kind: QuotaKind = ADMINISTRATIVE, **more: Any) -> str:
        """Approve the filling of n slots; return the approval's id."""
        self.file(self.approving(who, n, kind, **more))
        return self.last(UseApproved).approval

    def particulars(self, born: str = "19800101") -> Particulars:
        """Somebody nobody has heard of."""
        self.people += 1
        return Particulars(name="张示范", id_no=id_number(self.people, born))

    def entering(
        self,
        who: str,
        approval: str | None = None,
        kind: QuotaKind = ADMINISTRATIVE,
        day: date = DAY,
        **more: Any,
    ) -> EnterEstablishment:
        """An entering of a new person (or of ``person``), appointed where nothing approves it."""
        if "person" not in more:
            more.setdefault("new_person", self.particulars())
        more.setdefault(
            "entry_mode", EntryMode.APPOINTMENT if approval is None else EntryMode.TRANSFER_IN
        )
        return EnterEstablishment(
            effective_on=day,
            institution=who,
            quota_kind=kind,
            approval=approval,
            basis=self.citing(),
            **more,
        )

    def entered(self, who: str, approval: str | None = None, **more: Any) -> str:
        """Enter a new person; return the person's id."""
        self.file(self.entering(who, approval, **more))
        return self.last(PersonRegistered).person

    def taking_over(
        self, who: str, kind: QuotaKind = ADMINISTRATIVE, day: date = DAY, **more: Any
    ) -> TakeOverPerson:
        """A person of the earlier books."""
        more.setdefault("new_person", self.particulars())
        more.setdefault("entered_on", date(2010, 3, 1))
        return TakeOverPerson(effective_on=day, institution=who, quota_kind=kind, **more)

    def moving(
        self,
        person: str,
        who: str,
        approval: str | None,
        kind: QuotaKind = ADMINISTRATIVE,
        day: date = DAY,
        **more: Any,
    ) -> TransferPerson:
        """A transfer of a person to ``who``."""
        return TransferPerson(
            effective_on=day,
            person=person,
            institution=who,
            quota_kind=kind,
            approval=approval,
            basis=self.citing(),
            **more,
        )

    def leaving(
        self, person: str, day: date = DAY, reason: LeaveReason = LeaveReason.RETIRED, **more: Any
    ) -> LeaveEstablishment:
        """A person's leaving."""
        more.setdefault("basis", self.citing())
        return LeaveEstablishment(effective_on=day, person=person, reason=reason, **more)

    def voiding(self, *positions: int) -> VoidEntries:
        """A void of these entries."""
        return VoidEntries(positions=positions, reason="录入错误")

    def correcting(self, *items: tuple[int | None, Command | None]) -> CorrectEntries:
        """A correction: each position by its command."""
        corrections = tuple(
            Correction(position=position, command=None if one is None else refiled(one))
            for position, one in items
        )
        return CorrectEntries(items=corrections, reason="录入错误")

    def usage(
        self, who: str, kind: QuotaKind = ADMINISTRATIVE, on: date | None = None
    ) -> list[int]:
        """What the quota book says: approved, occupied, reserved."""
        line = self.sums("quota_book", on).get((who, kind.value), {})
        return [line.get(name, 0) for name in ("approved", "occupied", "reserved")]


LONG_AGO = date(2015, 1, 1)


class Staffed(District):
    """A district with two offices of five slots each."""

    def __init__(self, today: date = TODAY, since: date = LONG_AGO) -> None:
        super().__init__(today)
        self.a = self.office("甲办", day=since)
        self.b = self.office("乙办", day=since)
        self.quota(self.a, 5, day=since)
        self.quota(self.b, 5, day=since)
