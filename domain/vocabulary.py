"""The words that every context uses.

    Fact ──filed as──► Entry ──folded into──► Standing   (what a decision asks)
      │                  │
      │                  └────folded into──► ledger row  (what a reader asks)
      └─ tags(): whom it is about      slots(): which quota it moves, and when

A **fact** is something that happened, a frozen model with a stored name that never changes.
An **entry** (流水记录) is a fact as filed in the journal (流水), with its envelope.
Nothing here knows a clock, a database or a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ERASED = "已销毁"
"""What a personal value reads as once its person's key has been destroyed."""

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)
"""Business dates lie between these two, both included; wider ones are typing errors."""

ID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 16
"""Internal ids: 16 characters of Crockford's base 32 (80 random bits), never reused."""

type_json = str | int | bool | None | list[Any] | dict[str, Any]

BusinessDate = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
InternalId = Annotated[str, StringConstraints(pattern=rf"^[{ID_ALPHABET}]{{{ID_LENGTH}}}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Secrecy = Literal["public", "internal", "secret"]
"""Secrecy grade (密级) of entries and files. The office's 保密 side decides which applies."""

SECRECY: Final[dict[str, str]] = {"public": "公开", "internal": "内部", "secret": "秘密"}


@dataclass(frozen=True)
class Subject:
    """Marks a field that holds the internal id of whom or what the fact is about.

    The field's value becomes the tag ``kind:value`` of the entry. The field is a ``str``, a
    ``str | None`` or a tuple of ``str``.
    """

    kind: str


@dataclass(frozen=True)
class Personal:
    """Marks a field that is sealed (see ``docs/format.md``) in entries about one person.

    ``identity`` marks the field whose value tells one natural person from all others
    (公民身份号码); it feeds the identity index.
    """

    identity: bool = False


class Slot(NamedTuple):
    """One dated movement on a quota account (编制账户): ``n`` more (or fewer) from ``day`` on.

    ``holder`` is the account's id (an institution's, or ``POOL``), ``kind`` the quota type code
    (编制类型). ``excused`` movements do not have to fit the quota: an over-quota unit taken over
    from the office's earlier books is a recorded exception.
    """

    holder: str
    kind: str
    measure: Literal["approved", "reserved", "occupied", "ceiling"]
    n: int
    day: date
    excused: bool = False


class Citation(BaseModel):
    """Which document (文件), and which item of it, an entry rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: Annotated[InternalId, Field(title="文件编号(系统内)")]
    item: Annotated[Text | None, Field(title="文件条目")] = None


class Fact(BaseModel):
    """Something that happened.

    Subclasses give their stored name and the office's word for it as class keywords, as in
    ``class Left(Fact, fact="staffing.left", called="出编")``.
    The name and the meaning of a field never change; fields are added with defaults, never
    renamed, never removed. A change that cannot be said that way raises ``version`` and adds an
    upcaster (`upcasts`).

    Class keywords: ``fact`` stored name; ``called`` what readers are told it is, which is not
    stored; ``version`` schema version; ``about`` further fixed tags.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact_name: ClassVar[str] = ""
    fact_title: ClassVar[str] = ""
    fact_version: ClassVar[int] = 1
    fixed_tags: ClassVar[tuple[str, ...]] = ()
    subject_fields: ClassVar[tuple[tuple[str, str], ...]] = ()
    personal_fields: ClassVar[tuple[str, ...]] = ()
    identity_field: ClassVar[str | None] = None
    founds: ClassVar[str | None] = None
    """Kind of the subject that begins with this fact, so that a correction of it keeps the id."""

    def __init_subclass__(cls, **_keywords: Any) -> None:
        """Leave the class keywords to `__pydantic_init_subclass__`, when the fields are known."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        fact: str = "",
        called: str = "",
        version: int = 1,
        about: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not fact:
            return  # an abstract base of several facts
        if fact in FACTS:
            msg = f"two facts are stored as {fact!r}"
            raise TypeError(msg)
        cls.fact_name, cls.fact_title = fact, called
        cls.fact_version, cls.fixed_tags = version, about
        marks = [(name, mark) for name, info in cls.model_fields.items() for mark in info.metadata]
        cls.subject_fields = tuple((n, m.kind) for n, m in marks if isinstance(m, Subject))
        cls.personal_fields = tuple(n for n, m in marks if isinstance(m, Personal))
        cls.identity_field = next(
            (n for n, m in marks if isinstance(m, Personal) and m.identity), None
        )
        FACTS[fact], FACT_TITLES[fact] = cls, called

    def tags(self) -> tuple[str, ...]:
        """Whom and what this fact is about: ``kind:id`` for each subject field, then fixed ones."""
        found: list[str] = []
        for name, kind in self.subject_fields:
            value = getattr(self, name)
            if value is None:
                continue
            ids = value if isinstance(value, tuple) else (value,)
            found += [f"{kind}:{one}" for one in ids]
        return tuple(dict.fromkeys([*found, *self.fixed_tags]))

    def founded_ids(self) -> tuple[str, ...]:
        """Ids of the subjects that begin with this fact, in the order they were given out."""
        if self.founds is None:
            return ()
        start = f"{self.founds}:"
        return tuple(tag[len(start) :] for tag in self.tags() if tag.startswith(start))

    def slots(self, on: date) -> Iterable[Slot]:  # noqa: ARG002  (the default moves nothing)
        """Which quota accounts this fact moves when it takes effect ``on`` that day."""
        return ()

    def later_days(self) -> tuple[date, ...]:
        """Days after the business date on which the same fact has a further effect.

        A reservation (用编核准) ends by itself on such a day: nothing needs a clock to happen.
        """
        return ()


_GIVEN: dict[frozenset[str], set[str]] = {}
M = TypeVar("M", bound=BaseModel)


def lean(made: M) -> M:
    """Let frozen models of which the same fields were given share the set that says so.

    Each has one of its own otherwise, which takes as much room as what it holds.
    """
    given = made.model_fields_set
    object.__setattr__(made, "__pydantic_fields_set__", _GIVEN.setdefault(frozenset(given), given))
    return made


FACTS: dict[str, type[Fact]] = {}
"""Every fact by its stored name; filled as the contexts are imported."""

FACT_TITLES: dict[str, str] = {}
"""What readers are told each fact is, by its stored name; filled with `FACTS`."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
_UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def upcasts(fact: str, version: int) -> Callable[[Upcaster], Upcaster]:
    """Register the function that turns a stored body of ``version`` into ``version + 1``."""

    def register(function: Upcaster) -> Upcaster:
        _UPCASTERS[fact, version] = function
        return function

    return register


def upcast(fact: str, version: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return the stored body as today's version of the fact would have written it."""
    for step in range(version, FACTS[fact].fact_version):
        body = _UPCASTERS[fact, step](body)
    return body


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision rested on; filed with every entry so that it can be judged later.

    ``head`` is the journal's last position the decision saw, ``asked`` the tags whose history it
    read, ``rules`` the rules it required as ``name@version``, ``code`` the program's version.
    """

    head: int
    asked: tuple[str, ...]
    rules: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as filed in the journal, with its envelope (see ``docs/format.md``).

    The entries of one append share one ``recorded_at``, which no other append has.
    ``target`` is the voided entry where this one voids (``voids`` is its position).
    """

    position: int
    id: str
    recorded_at: datetime
    effective_on: date | None
    place: int
    actor: str
    prepared_by: str
    approved_by: str | None
    basis: tuple[Citation, ...]
    note: str | None
    secrecy: Secrecy
    tags: tuple[str, ...]
    fact: Fact
    voids: int | None = None
    target: Entry | None = field(default=None, compare=False)
    decided: Decided | None = field(default=None, compare=False)

    @property
    def business_date(self) -> date:
        """The day the fact took effect; only a void has none, and no fold asks it for one."""
        if self.effective_on is None:
            msg = f"entry {self.position} voids another and has no business date"
            raise ValueError(msg)
        return self.effective_on

    @property
    def order(self) -> tuple[date, int]:
        """Where the entry stands in a fold: by business date, then by place."""
        return self.business_date, self.place

    def subjects(self, kind: str) -> tuple[str, ...]:
        """Ids of the subjects of that kind."""
        start = len(kind) + 1
        return tuple(tag[start:] for tag in self.tags if tag.startswith(kind + ":"))

    def slots(self) -> Iterable[Slot]:
        """The quota movements of this entry; a void moves its target's back."""
        if self.target is not None:
            return tuple(slot._replace(n=-slot.n) for slot in self.target.slots())
        return self.fact.slots(self.business_date) if self.effective_on else ()


def person_of(tags: Iterable[str]) -> str | None:
    """Return the one person the tags speak of, whose key seals the entry's personal fields.

    Raises `ValueError` where there are several: one entry is about one person at the most.
    """
    found = [tag[7:] for tag in tags if tag.startswith("person:")]
    if len(found) > 1:
        msg = f"an entry may be about one person, not {len(found)}"
        raise ValueError(msg)
    return found[0] if found else None


def live(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that stand (neither voids nor voided) in the order of a fold."""
    kept: Mapping[int, Entry] = {entry.position: entry for entry in entries}
    gone = {entry.voids for entry in kept.values() if entry.voids is not None}
    standing = [e for e in kept.values() if e.voids is None and e.position not in gone]
    return sorted(standing, key=lambda entry: entry.order)
