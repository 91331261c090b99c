"""A small made-up office whose books have every feature that a ledger can declare.

Units that are named, people who enter, move and leave, permits that end by themselves, remarks
about earlier entries: enough to hold stored ledgers, rebuilding and reading to the law without the
real contexts. The histories are mostly legal and full of late, future-dated, voiding and
correcting entries. Its facts are known to the house only while `toy_facts` is asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import pytest

from application.filing import Batch
from application.keeping import Keeper
from application.ledgers import (
    AnyLedger,
    Column,
    Derived,
    Effect,
    Joined,
    Ledger,
    Move,
    SumLedger,
)
from domain.vocabulary import FACTS, Entry, Fact, Personal, Subject
from infrastructure.database import Database
from infrastructure.filing import FilingStore
from infrastructure.keys import KeyRing
from infrastructure.ledgers import LedgerTables

MASTER = bytes(range(32))
OPENED = date(2020, 1, 1)
UNITS = 6
PEOPLE = 25

# ── facts ────────────────────────────────────────────────────────────────────────────────────


class Opened(Fact, fact="toy.opened", about=("office:main",)):
    """Entry 1."""


class Named(Fact, fact="toy.named"):
    """A unit has this name, and so many posts."""

    unit: Annotated[str, Subject("unit")]
    name: str
    posts: int


class Entered(Fact, fact="toy.entered"):
    """Somebody begins in a unit."""

    person: Annotated[str, Subject("person")]
    unit: Annotated[str, Subject("account")]
    name: Annotated[str, Personal()]
    born: Annotated[date | None, Personal()] = None
    kind: str = "admin"


class Moved(Fact, fact="toy.moved"):
    """Somebody goes on in another unit."""

    person: Annotated[str, Subject("person")]
    source: Annotated[str, Subject("account")]
    unit: Annotated[str, Subject("account")]


class Left(Fact, fact="toy.left"):
    """Somebody is in no unit any more."""

    person: Annotated[str, Subject("person")]
    unit: Annotated[str, Subject("account")]


class Permitted(Fact, fact="toy.permitted"):
    """A permit that ends by itself."""

    permit: Annotated[str, Subject("permit")]
    unit: Annotated[str, Subject("account")]
    until: date

    def later_days(self) -> tuple[date, ...]:
        """See `domain.vocabulary.Fact.later_days`."""
        return (self.until + timedelta(days=1),)


class Remarked(Fact, fact="toy.remarked"):
    """Something to be read beside an earlier entry."""

    place: int
    text: str

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`."""
        return (f"entry:{self.place}",)


class Voided(Fact, fact="toy.voided"):
    """An earlier entry does not stand."""

    target: int


TOYS: dict[str, type[Fact]] = {
    name: FACTS.pop(name) for name in list(FACTS) if name.startswith("toy.")
}


def make_known(patch: pytest.MonkeyPatch) -> None:
    """Let the house know the toy facts for as long as the patch holds."""
    for name, fact in TOYS.items():
        patch.setitem(FACTS, name, fact)


@pytest.fixture
def toy_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the house know the toy facts for the length of a test."""
    make_known(monkeypatch)


# ── ledgers ──────────────────────────────────────────────────────────────────────────────────


class UnitRow(NamedTuple):
    """A unit."""

    name: Annotated[str, Column("名称", filter=True, sort=True)]
    posts: Annotated[int, Column("职数", sort=True)]


def _unit(so_far: UnitRow | None, effect: Effect) -> UnitRow | None:
    del so_far
    fact = effect.fact
    assert isinstance(fact, Named)
    return UnitRow(fact.name, fact.posts) if fact.posts else None


class PersonRow(NamedTuple):
    """Somebody in a unit."""

    name: Annotated[str, Column("姓名", filter=True, sort=True, personal=True)]
    born: Annotated[date | None, Column("出生日期", sort=True, personal=True)]
    unit: Annotated[str | None, Column("单位编号", filter=True, sort=True)]
    since: Annotated[date | None, Column("到任日期", filter=True, sort=True)]
    kind: Annotated[str, Column("类型", filter=True, choices={"admin": "行政", "career": "事业"})]
    moves: Annotated[int, Column("调动次数", filter=True, sort=True)]
    late: Annotated[bool, Column("补报", filter=True)]


def _person(so_far: PersonRow | None, effect: Effect) -> PersonRow | None:
    fact = effect.fact
    late = effect.day < effect.entry.recorded_at.date()
    if isinstance(fact, Entered):
        return PersonRow(fact.name, fact.born, fact.unit, effect.day, fact.kind, 0, late)
    if so_far is None:
        return None
    if isinstance(fact, Moved):
        return so_far._replace(unit=fact.unit, since=effect.day, moves=so_far.moves + 1, late=late)
    return so_far._replace(unit=None, since=None)  # gone, but not forgotten: see `shown`


class MovementRow(NamedTuple):
    """What happened to somebody."""

    what: Annotated[str, Column("事项", filter=True)]
    day: Annotated[date, Column("日期", filter=True, sort=True)]
    person: Annotated[str, Column("人员", filter=True)]
    filed: Annotated[datetime, Column("登记时间", sort=True)]
    remark: Annotated[str | None, Column("备注")]


def _movement(so_far: MovementRow | None, effect: Effect) -> MovementRow | None:
    fact, entry = effect.fact, effect.entry
    if isinstance(fact, Remarked):
        return so_far and so_far._replace(remark=fact.text)
    who = entry.subjects("person")[0]
    return MovementRow(fact.fact_name, effect.day, who, entry.recorded_at, None)


def _movement_keys(entry: Entry) -> Iterable[str]:
    """Somebody's move has two rows: where he left, where he came."""
    fact = entry.fact
    if isinstance(fact, Remarked):
        return (f"{fact.place}:to",)
    return (
        (f"{entry.place}:from", f"{entry.place}:to")
        if isinstance(fact, Moved)
        else (f"{entry.place}:to",)
    )


@dataclass(frozen=True)
class PermitRow:
    """A permit and how it stands."""

    unit: Annotated[str, Column("单位编号", filter=True)]
    state: Annotated[str, Column("状态", filter=True)]


def _permit(so_far: PermitRow | None, effect: Effect) -> PermitRow | None:
    del so_far
    fact = effect.fact
    assert isinstance(fact, Permitted)
    return PermitRow(fact.unit, "valid" if effect.nth == 0 else "ended")


def _moves(entry: Entry) -> Iterable[Move]:
    fact, day = entry.fact, entry.business_date
    if isinstance(fact, Named):
        yield Move((fact.unit, "admin"), day, {"posts": fact.posts})
    elif isinstance(fact, Entered):
        yield Move((fact.unit, fact.kind), day, {"taken": 1})
    elif isinstance(fact, Moved):
        yield Move((fact.source, "admin"), day, {"taken": -1})
        yield Move((fact.unit, "admin"), day, {"taken": 1})
    elif isinstance(fact, Left):
        yield Move((fact.unit, "admin"), day, {"taken": -1})
    elif isinstance(fact, Permitted):
        yield Move((fact.unit, "admin"), day, {"held": 1})
        yield Move((fact.unit, "admin"), fact.later_days()[0], {"held": -1})


UNIT = Ledger("toy_units", "单位", "unit", UnitRow, _unit, (Named,), sort=("name",))
PERSON = Ledger(
    "toy_people",
    "人员",
    "person",
    PersonRow,
    _person,
    (Entered, Moved, Left),
    shown=lambda row: row.unit is not None,
    joins=(
        Joined("unit_name", "单位名称", "unit", "toy_units", "name"),
        Joined("unit_free", "单位空缺", "unit", "toy_book", "free"),
    ),
)
MOVEMENT = Ledger(
    "toy_movements",
    "变动",
    "entry",
    MovementRow,
    _movement,
    (Entered, Moved, Left, Remarked),
    subjects=_movement_keys,
    sort=("-day", "-key"),
    joins=(Joined("name", "现用名", "person", "toy_people", "name"),),
)
PERMIT = Ledger("toy_permits", "许可", "permit", PermitRow, _permit, (Permitted,))
BOOK = SumLedger(
    "toy_book",
    "职数账",
    "unit",
    {"unit": Column("单位编号", filter=True, sort=True), "kind": Column("类型", filter=True)},
    {
        "posts": Column("职数", filter=True, sort=True),
        "taken": Column("已用", sort=True),
        "held": Column("预留"),
    },
    _moves,
    joins=(Joined("unit_name", "单位名称", "unit", "toy_units", "name"),),
    derived=(
        Derived("free", "空缺", "posts - taken - held"),
        Derived("over", "超出", "greatest(taken - posts, 0)"),
    ),
    hidden=("held",),
)
LEDGERS: list[AnyLedger] = [UNIT, PERSON, MOVEMENT, PERMIT, BOOK]


# ── histories ────────────────────────────────────────────────────────────────────────────────


def dice_of(seed: int) -> random.Random:
    """Return dice that fall the same way every time."""
    return random.Random(seed)  # noqa: S311  (a story, not a secret)


@dataclass
class Story:
    """A journal in the making: every entry ever filed, by append."""

    seed: int
    appends: list[list[Entry]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the opening."""
        self._random = dice_of(self.seed)
        self.moment = datetime(2021, 1, 1, 1, tzinfo=UTC)
        self.where: dict[str, str] = {}
        self.append([self.entry(Opened(), OPENED)])

    @property
    def entries(self) -> list[Entry]:
        """Every entry, by position."""
        return [entry for append in self.appends for entry in append]

    @property
    def head(self) -> int:
        """The last position."""
        return sum(map(len, self.appends))

    @property
    def steps(self) -> list[int]:
        """The last position of each append."""
        return [append[-1].position for append in self.appends]

    def entry(self, fact: Fact, day: date | None, **more: Any) -> Entry:
        """Make an entry at position 0; `append` gives it its own."""
        made = Entry(
            position=0,
            id="",
            recorded_at=self.moment,
            effective_on=day,
            place=0,
            actor="甲",
            prepared_by="甲",
            approved_by=None,
            basis=(),
            note=None,
            secrecy="internal",
            tags=fact.tags(),
            fact=fact,
        )
        return replace(made, **more) if more else made

    def append(self, entries: list[Entry]) -> list[Entry]:
        """File entries as one append."""
        self.moment += timedelta(hours=self._random.randint(1, 60), microseconds=7)
        filed = [
            replace(
                entry,
                position=n,
                id=f"E{n:015d}",
                recorded_at=self.moment,
                place=entry.place or n,
                target=entry.target,
            )
            for n, entry in enumerate(entries, start=self.head + 1)
        ]
        self.appends.append(filed)
        return filed

    def void(self, target: Entry) -> Entry:
        """Make the entry that voids ``target``."""
        return self.entry(
            Voided(target=target.position),
            None,
            tags=target.tags,
            place=target.place,
            voids=target.position,
            target=target,
        )

    # ── something happens ────────────────────────────────────────────────────────────────────

    def go_on(self, appends: int) -> Story:
        """Let so many further appends be filed."""
        for _ in range(appends):
            size = self._random.choice([1, 1, 1, 1, 2, 3, 7])
            happened: list[Entry] = []
            for _ in range(size):
                with suppress(IndexError):
                    happened += self._something(happened)
            if happened:
                self.append(happened)
        return self

    def _something(self, before: list[Entry]) -> list[Entry]:
        chance, pick = self._random.random(), self._random.choice
        if chance < 0.06 and not before:
            return [self.void(pick(self._standing()))]
        if chance < 0.12 and not before:
            return self._correction(pick(self._standing()))
        if chance < 0.2:
            text = pick(["好", "再议", "无"])
            place = pick([e.place for e in self._standing() if isinstance(e.fact, Moved | Entered)])
            return [self.entry(Remarked(place=place, text=text), self._day())]
        if chance < 0.3:
            unit, name = f"U{pick(range(UNITS))}", pick(["甲局", "乙局", "丙中心", "丁\t所"])
            return [self.entry(Named(unit=unit, name=name, posts=pick([0, 3, 5, 5])), self._day())]
        if chance < 0.4:
            day = self._day()
            until = day + timedelta(days=pick([0, 10, 200]))
            permit, unit = f"C{pick(range(8))}", f"U{pick(range(UNITS))}"
            return [self.entry(Permitted(permit=permit, unit=unit, until=until), day)]
        return [self._career()]

    def _career(self) -> Entry:
        pick = self._random.choice
        person, unit = f"P{pick(range(PEOPLE))}", f"U{pick(range(UNITS))}"
        source = self.where.get(person)
        fact: Fact
        if source is None:
            born = pick([None, date(1990, 5, 17)])
            name = pick(["张三", "李四\\", "王\n五"])
            fact = Entered(person=person, unit=unit, name=name, born=born)
            self.where[person] = unit
        elif self._random.random() < 0.3:
            fact = Left(person=person, unit=source)
            del self.where[person]
        else:
            fact = Moved(person=person, source=source, unit=unit)
            self.where[person] = unit
        return self.entry(fact, self._day())

    def _correction(self, target: Entry) -> list[Entry]:
        """Void and file again, one with other content, at the same place."""
        day = pick_day(self._random, target.business_date)
        again = self.entry(target.fact, day, tags=target.tags, place=target.place)
        return [self.void(target), again]

    def _standing(self) -> list[Entry]:
        gone = {entry.voids for entry in self.entries}
        return [e for e in self.entries[1:] if e.voids is None and e.position not in gone]

    def _day(self) -> date:
        today = self.moment.date()
        if self._random.random() < 0.6:
            return today
        return pick_day(self._random, today)


def pick_day(dice: random.Random, near: date) -> date:
    """Return a day before, on or after ``near``: late, same day, or future-dated."""
    return max(OPENED, near + timedelta(days=dice.choice([-400, -30, -1, 0, 0, 1, 40, 300])))


# ── filing ───────────────────────────────────────────────────────────────────────────────────


class ToyOffice:
    """A real journal with real stored ledgers, into which a story's appends are filed."""

    def __init__(
        self, url: str, schema: str = "office", ledgers: Sequence[AnyLedger] = LEDGERS
    ) -> None:
        """Open the office in an empty schema."""
        self.database = Database(url, schema=schema, pool_size=3)
        self.database.open()
        self.ring = KeyRing(MASTER)
        self.tables = LedgerTables(ledgers)
        with self.database.as_owner() as connection:
            self.ring.open(connection)
            self.tables.create_missing(connection)
        self.store = FilingStore(self.database, self.ring, self.tables)
        self.logs: dict[str, list[Entry]] = {}
        self.keeper = Keeper(ledgers, self.store, lambda tag: self.logs.get(tag, []), capacity=5)
        self.filed = 0

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def file(self, appends: Iterable[list[Entry]]) -> None:
        """File appends in one transaction, as the writer does."""
        batch = Batch()
        with self.store.writing() as transaction:
            for entries in appends:
                for entry in entries:
                    for tag in entry.tags:
                        self.logs.setdefault(tag, []).append(entry)
                self.keeper.absorb(entries)
                batch.entries += entries
            batch.ledgers = self.keeper.take()
            transaction.store(batch)
        self.keeper.settle(batch.ledgers)
        self.filed += len(batch.entries)

    def file_story(self, story: Story, dice: random.Random) -> None:
        """File what is not filed yet, in transactions of one or many appends; forget at times."""
        waiting = [a for a in story.appends if a[0].position > self.filed]
        while waiting:
            size = dice.choice([1, 1, 2, 5, 40])
            self.file(waiting[:size])
            waiting = waiting[size:]
            if dice.random() < 0.2:
                self.keeper.forget()

    def stored(self, ledger: AnyLedger) -> list[tuple[Any, ...]]:
        """Return every stored line of a ledger, in no order that matters."""
        table = self.tables.tables[ledger.name]
        columns = ", ".join(f'"{name}"' for name in table.names)
        statement = f'SELECT {columns} FROM "ledger_{ledger.name}"'  # noqa: S608  (toy names)
        with self.database.reading() as connection:
            return sorted(connection.execute(statement.encode()).fetchall(), key=repr)


@pytest.fixture
def toy_office(empty_database: str, toy_facts: None) -> Iterator[ToyOffice]:
    """A toy office with nothing filed."""
    del toy_facts
    office = ToyOffice(empty_database)
    yield office
    office.close()
