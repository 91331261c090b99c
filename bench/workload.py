"""The workload: a district of 200 institutions, and valid filings about fresh, invented people."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from application.filing import Filing
from domain.code_sets import EntryMode, InstitutionCategory, InstitutionRank, QuotaKind
from domain.deciding import COMMANDS, Command
from domain.identifiers import resident_id_check
from domain.vocabulary import Entry
from infrastructure.office import Office

START = date(2021, 6, 30)
SLOTS_EACH = 20
"""So many slots one 用编核准 approves."""


def command(kind: str, **body: Any) -> Command:
    """Return the command of that kind."""
    return COMMANDS[kind].model_validate(body)


def id_number(n: int) -> str:
    """Return the ``n``-th invented ID number: a valid form, born between 1970 and 1994."""
    day = date(1970, 1, 1) + timedelta(days=n % 9000)
    first = f"13010{n // 9_000_000 % 10}{day:%Y%m%d}{n // 9000 % 1000:03d}"
    return first + resident_id_check(first)


def name(n: int) -> str:
    """Return an invented name, recognisably so."""
    return f"示例{chr(0x4E00 + n % 5000)}{chr(0x4E00 + n // 5000 % 5000)}"


class District:
    """An office with institutions, quota and approvals, ready for people to enter."""

    def __init__(self, office: Office, institutions: int = 200, people_from: int = 0) -> None:
        """Set the district up through the real commands, in a few appends; go on if it is there."""
        self.office = office
        if office.journal.head()[0] == 0:
            opening = command(
                "journal.open", effective_on=START, office="示范区委编办", purpose="demonstration"
            )
            self._file(opening)
        document = self._file(
            command(
                "documents.register",
                document_title="关于示范单位编制的批复",
                issuer="示范市委编委",
                issuer_level="city",
                number=f"示编发〔2021〕{people_from + 1}号",
                issued_on=START,
            )
        )[0]
        self.basis = [{"document": document.subjects("document")[0], "item": "一"}]
        self.institutions = [
            entry.subjects("institution")[0]
            for entry in self._file(
                *(
                    command(
                        "opening.institution",
                        effective_on=START,
                        name=f"示范单位{people_from + i:04d}",
                        category=InstitutionCategory.INSTITUTION,
                        rank=InstitutionRank.SUBSECTION,
                        quotas=[{"quota_kind": "20", "number": 100_000}],
                    )
                    for i in range(institutions)
                )
            )
            if entry.fact.fact_name == "institutions.taken-over"
        ]
        self._people = people_from

    def _file(self, *commands: Command) -> tuple[Entry, ...]:
        return self.office.writer.do(Filing(commands, "bench")).entries

    def entering(
        self, n: int, on: date | None = None, *, institution: str | None = None
    ) -> list[Command]:
        """Return ``n`` commands by which fresh people are appointed: no approval is asked."""
        homes = [institution] if institution else self.institutions
        return [
            self._enter(homes[i % len(homes)], on or START + timedelta(days=i % 1500))
            for i in range(n)
        ]

    def entering_as_approved(self, n: int) -> list[Command]:
        """Return ``n`` commands that use approvals of `SLOTS_EACH`, which are filed beforehand."""
        need = -(-n // SLOTS_EACH)
        approvals = self._file(
            *(
                command(
                    "staffing.approve-use",
                    effective_on=START,
                    basis=self.basis,
                    institution=self.institutions[i % len(self.institutions)],
                    quota_kind="20",
                    number=SLOTS_EACH,
                    valid_until=date(2099, 12, 31),
                )
                for i in range(need)
            )
        )
        return [
            self._enter(
                approval.subjects("account")[0],
                START + timedelta(days=i // need),
                entry_mode=EntryMode.OPEN_RECRUITMENT,
                approval=approval.subjects("approval")[0],
            )
            for i, approval in zip(range(n), itertools.cycle(approvals), strict=False)
        ]

    def _enter(self, institution: str, on: date, **more: Any) -> Command:
        self._people += 1
        body: dict[str, Any] = {
            "effective_on": on,
            "basis": self.basis,
            "institution": institution,
            "quota_kind": QuotaKind.INSTITUTION,
            "entry_mode": EntryMode.APPOINTMENT,
            "post_title": "示范岗位",
            "note": "按规定办理入编手续",
            "new_person": {"name": name(self._people), "id_no": id_number(self._people)},
        }
        return command("staffing.enter", **(body | more))


def fresh_schema(prefix: str) -> str:
    """Return a schema name nobody has."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


def chunks(commands: list[Command], size: int) -> Iterator[tuple[Command, ...]]:
    """Cut commands into appends."""
    for start in range(0, len(commands), size):
        yield tuple(commands[start : start + size])
