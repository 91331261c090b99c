"""The demonstration (示范): a district's books imported, and what happened since filed.

Everything goes in as an office's own work would: the books as Excel files through the import, what
happened since through the commands, each with a request number of its own. Whoever starts it again
after it was interrupted gets the first answers for what was filed already, and so goes on where it
stopped: the story depends on nothing but the seed and the day on which it was begun.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from application.filing import OFFICE_ZONE, Filing, Receipt
from application.importing import Order, books_of, run
from domain.code_sets import EntryMode, LeaveReason, QuotaKind
from domain.deciding import COMMANDS
from domain.journal import JournalOpened
from domain.vocabulary import Entry
from infrastructure.ledger_reading import Asked
from infrastructure.office import Office
from infrastructure.workbooks import open_book
from interface.cli_demo_district import OPENING, District, write_books
from interface.cli_demo_rights import RightsStory
from interface.cli_office import progress

CLERK: Final = "jingban"
"""Who prepared everything; an account of the demonstration."""

BOOKS: Final = "示范表格"
"""The folder of the district's Excel files, beside its data."""


class Making(NamedTuple):
    """How a district is made: what it is multiplied by, and the seed it grows from."""

    scale: int
    seed: int

    def __str__(self) -> str:
        """Return it as the journal's first entry notes it."""
        return f"示范数据，规模 {self.scale}，种子 {self.seed}"


def making_of(first: Entry) -> Making | None:
    """Return how a demonstration was made, or begun to be; None where it is none of ours."""
    noted = re.fullmatch(r"示范数据，规模 (\d+)，种子 (-?\d+)", first.note or "")
    fact = first.fact
    if noted is None or not isinstance(fact, JournalOpened) or fact.purpose != "demonstration":
        return None
    return Making(int(noted[1]), int(noted[2]))


def load(office: Office, making: Making, folder: Path) -> None:
    """Open the office as a demonstration and fill it with an invented district, or go on with it.

    The district's books are left in ``folder``.
    """
    district = District(making.seed, making.scale)
    story = _Story(office, district)
    opened = story.file(
        "journal.open",
        effective_on=OPENING,
        office="示范区委编办",
        purpose="demonstration",
        note=str(making),
    )
    books = write_books(district, folder / BOOKS)
    _import(office, [books.institutions, books.people])
    story.tell(opened.recorded_at.astimezone(OFFICE_ZONE).date())


def _import(office: Office, paths: list[Path]) -> None:
    """Import the books; what is there already is recognised."""
    with ExitStack() as opened, progress() as report:
        files = [(path.name, opened.enter_context(open_book(path))) for path in paths]
        lines, _ = books_of(files)
        total = sum(1 for one in lines if one.table for _ in one.table.rows())
        done = {"read": itertools.count(1), "decide": itertools.count(1)}
        titles = {"read": "读取示范表格", "decide": "导入示范数据"}

        def moved(stage: str, _: int) -> None:
            if stage in done:
                report(titles[stage], next(done[stage]), total)

        imported = run(office.writer, lines, Order(OPENING, CLERK), moved)
    wrong = [row for row in imported.rows if row.result == "error"]
    if wrong:
        raise AssertionError(f"the invented books have errors: {wrong[:3]}")


RETIRING: Final = 55
"""So old, somebody invented leaves by retiring."""


def _born(person: tuple[str, str]) -> str:
    return person[0][6:14]


@dataclass
class _Place:
    """An institution in the story: how many slots it has left, and who came with the books."""

    institution: str
    name: str
    kind: str
    usable: int
    people: list[tuple[str, str]] = field(default_factory=list)
    """ID number and internal id."""


class _Story:
    """What has happened since the books were opened: most of it lately, some filed late."""

    def __init__(self, office: Office, district: District) -> None:
        self.office = office
        self.district = district
        self.chance = district.chance
        self.today = OPENING
        self.places: list[_Place] = []
        self.papers = 0
        self.filings = 0

    def file(self, kind: str, *, by: str = CLERK, **body: Any) -> Receipt:
        """File one command, once."""
        self.filings += 1
        made = COMMANDS[kind].model_validate(body)
        return self.office.writer.do(Filing((made,), by, key=f"demo-{self.filings}"))

    def paper(self, title: str, day: date, level: str = "district") -> list[dict[str, Any]]:
        """Register a document of that day and return it as a basis."""
        self.papers += 1
        issuer = "示范市委编委" if level == "city" else "示范区委编委"
        receipt = self.file(
            "documents.register", document_title=title, issuer=issuer, issuer_level=level,
            number=f"示编发〔{day.year}〕{100 + self.papers}号", issued_on=day,
        )  # fmt: skip
        return [{"document": receipt.entries[0].subjects("document")[0], "item": "一"}]

    def tell(self, today: date) -> None:
        """File what happened until the day on which the demonstration was begun."""
        self.today = today
        self.places = list(self._settled())
        acts: tuple[Callable[[date], None], ...] = (
            self._somebody_comes, self._somebody_leaves, self._somebody_moves
        )  # fmt: skip
        self._quota_grows()
        days = self._days(12 * self.district.scale)
        with progress() as report:
            for n, day in enumerate(days):
                acts[n % len(acts)](day)
                report("办理示范业务", n + 1, len(days))
        departments = {one.name: one.institution for one in self.places}
        RightsStory(self.file, self.paper, departments, today).tell()
        self._a_name_changes()
        self._a_basis_is_missing()
        self._a_mistake_is_voided()

    def _days(self, n: int) -> list[date]:
        """Return days in order: a third long ago and filed late, the rest within two weeks."""
        late = [OPENING + timedelta(days=self.chance.randint(100, 1500)) for _ in range(n // 3)]
        lately = [
            self.today - timedelta(days=self.chance.randint(0, 12)) for _ in range(n - n // 3)
        ]
        return sorted([*late, *lately])

    def _settled(self) -> Iterator[_Place]:
        """Yield what the books said, in an order that does not depend on internal ids."""
        people: dict[str, list[tuple[str, str]]] = {}
        for line in self._lines("roster"):
            people.setdefault(line["institution"], []).append((line["id_no"], line["key"]))
        for line in sorted(self._lines("quota_book"), key=lambda line: line["name"]):
            who = line["institution"]
            yield _Place(who, line["name"], line["kind"], line["usable"], sorted(people[who]))

    def _lines(self, ledger: str) -> Iterator[dict[str, Any]]:
        """Yield a ledger's lines as they were on the opening day, whatever was filed since."""
        found = self.office.ledgers.stream(ledger, Asked(valid_on=OPENING))
        with found as stream:
            names = [column.name for column in stream.columns]
            for line in stream.lines:
                yield {"key": line.key, **dict(zip(names, line.values, strict=True))}

    def _one_of(self, places: list[_Place]) -> _Place:
        return self.chance.choice(places)

    def _with_room(self) -> list[_Place]:
        return [one for one in self.places if one.usable > 1]

    def _with_people(self) -> list[_Place]:
        return [one for one in self.places if len(one.people) > 1]

    def _quota_grows(self) -> None:
        day = self.today - timedelta(days=300)
        basis = self.paper("关于下达事业编制的通知（示范）", day, "city")
        kind = QuotaKind.INSTITUTION
        self.file("quotas.set-ceiling", effective_on=day, basis=basis, quota_kind=kind, change=40)
        for place in [one for one in self.places if one.kind == kind][:4]:
            self.file(
                "quotas.grant", effective_on=day, basis=basis, institution=place.institution,
                quota_kind=kind, number=5,
            )  # fmt: skip

    def _approved(self, place: _Place, basis: list[dict[str, Any]], day: date) -> str:
        """Have the use of one slot approved; return the approval."""
        receipt = self.file(
            "staffing.approve-use", effective_on=day, basis=basis, institution=place.institution,
            quota_kind=place.kind, number=1,
        )  # fmt: skip
        place.usable -= 1
        return receipt.entries[0].subjects("approval")[0]

    def _somebody_comes(self, day: date) -> None:
        place = self._one_of(self._with_room())
        basis = self.paper("关于使用编制的批复（示范）", day)
        approval = self._approved(place, basis, day)
        one = self.district.person(date(2000, 1, 1))
        self.file(
            "staffing.enter", effective_on=day, basis=basis, institution=place.institution,
            quota_kind=place.kind, approval=approval, entry_mode=EntryMode.OPEN_RECRUITMENT,
            new_person={"name": one.name, "id_no": one.id_no},
        )  # fmt: skip

    def _somebody_leaves(self, day: date) -> None:
        place = self._one_of(self._with_people())
        oldest = min(place.people, key=_born)
        _, person = leaver = self.chance.choice((oldest, self.chance.choice(place.people)))
        place.people.remove(leaver)
        retires = day.year - int(_born(leaver)[:4]) >= RETIRING
        reason = LeaveReason.RETIRED if retires else LeaveReason.RESIGNED
        basis = self.paper(f"关于{reason.label}的决定（示范）", day)
        self.file("staffing.leave", effective_on=day, basis=basis, person=person, reason=reason)
        place.usable += 1

    def _somebody_moves(self, day: date) -> None:
        receiver = self._one_of(self._with_room())
        giver = self._one_of(
            [
                one for one in self._with_people()
                if one.kind == receiver.kind and one is not receiver
            ]
        )  # fmt: skip
        _, person = giver.people.pop(self.chance.randrange(len(giver.people)))
        basis = self.paper("关于调动的批复（示范）", day)
        self.file(
            "staffing.transfer", effective_on=day, basis=basis, person=person,
            institution=receiver.institution, quota_kind=receiver.kind,
            approval=self._approved(receiver, basis, day),
        )  # fmt: skip
        giver.usable += 1

    def _a_name_changes(self) -> None:
        place = next(one for one in self.places if one.name.endswith("就业服务中心"))
        basis = self.paper("关于更名的批复（示范）", self.today - timedelta(days=20))
        self.file(
            "institutions.rename", effective_on=self.today, basis=basis,
            institution=place.institution, name=place.name.replace("就业", "公共就业"),
        )  # fmt: skip

    def _a_basis_is_missing(self) -> None:
        place = self._one_of(self._with_room())
        self._approved(place, [], self.today)

    def _a_mistake_is_voided(self) -> None:
        _, person = self._with_people()[0].people[0]
        basis = self.paper("关于辞职的决定（示范，误报）", self.today)
        receipt = self.file(
            "staffing.leave", effective_on=self.today, basis=basis, person=person,
            reason=LeaveReason.RESIGNED,
        )  # fmt: skip
        self.file("journal.void", positions=[receipt.first], reason="误报，本人未辞职（示范）")
