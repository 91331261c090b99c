"""What every entry rests on: documents (文件).

A document is registered once: its title, who issued it and at which level, its number (文号) and
day, the SHA-256 of its scan, and what it grants (so many of a quota kind, so many uses). Where it
has a number, issuer and number together are unique. Entries cite a document and, where it has
several, the item. What is filed without one says 依据待补 and stays on that list until the basis is
supplied. A document that entries cite cannot be voided under them, and one that is used beyond
what it granted is seen in the 文件使用情况 ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.code_sets import QuotaKind
from domain.codes import Named
from domain.deciding import (
    Book,
    Command,
    Decision,
    Draft,
    Hindrance,
    Misfit,
    Past,
    Standing,
    guards,
    rule,
)
from domain.journal import Position, entry_is_on_record, entry_still_stands
from domain.settings import LEVELS, Level
from domain.vocabulary import (
    BusinessDate,
    Citation,
    Entry,
    Fact,
    InternalId,
    Personal,
    Subject,
    Text,
)

REGISTER: Final = "documents"
"""The one register of document numbers; its tag is ``register:documents``."""

Measure = Literal["ceiling", "approved", "reserved"]
MEASURES: Final[dict[str, str]] = {
    "ceiling": "编制总量",
    "approved": "核定编制",
    "reserved": "用编核准",
}

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

F = TypeVar("F", bound=type[Fact])
RESTING_ON_A_DOCUMENT: set[type[Fact]] = set()


def rests_on_a_document(fact: F) -> F:
    """Mark a fact that is 依据待补 while it cites no document."""
    RESTING_ON_A_DOCUMENT.add(fact)
    return fact


class Grant(BaseModel):
    """What a document grants: so many of one quota kind (编制类型)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: Annotated[Measure, Named(MEASURES), Field(title="批准事项")]
    kind: Annotated[QuotaKind, Field(title="编制类型")]
    number: Annotated[int, Field(title="数量", ge=1, le=1_000_000)]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class DocumentRegistered(
    Fact, fact="documents.registered", called="文件登记", about=(f"register:{REGISTER}",)
):
    """A document is on file. Takes effect on the day it was issued."""

    founds: ClassVar[str | None] = "document"

    document: Annotated[str, Subject("document"), Subject("cites")]
    title: Annotated[Text, Personal()]
    issuer: Text
    issuer_level: Level
    number: Text | None = None
    issued_on: date
    sha256: Sha256 | None = None
    grants: tuple[Grant, ...] = ()
    person: Annotated[str | None, Subject("person")] = None


class BasisSupplied(Fact, fact="documents.basis-supplied", called="补充依据"):
    """An earlier entry, filed as 依据待补, has its basis now."""

    place: int
    citations: tuple[Citation, ...]

    def tags(self) -> tuple[str, ...]:
        """See `domain.vocabulary.Fact.tags`: the entry, and each document it now rests on."""
        cited = (f"cites:{one.document}" for one in self.citations)
        return tuple(dict.fromkeys((f"entry:{self.place}", *cited)))


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Document(Standing, subject="document"):
    """A document on file, or nothing."""

    registered: DocumentRegistered | None = None
    position: int | None = None

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        return type(self)(fact, entry.position) if isinstance(fact, DocumentRegistered) else self


@dataclass(frozen=True)
class Supplied(Standing, subject="entry"):
    """The entries that supplied the basis of one entry (known by its place)."""

    positions: tuple[int, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        if not isinstance(entry.fact, BasisSupplied):
            return self
        return type(self)((*self.positions, entry.position))


class DocumentNumbers(Book, subject="register"):
    """Which entry registered which number of which issuer."""

    def __init__(self, who: str) -> None:
        """Open the register with nothing in it."""
        super().__init__(who)
        self._by_number: dict[tuple[str, str], set[int]] = {}

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=True)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=False)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        fact = original.fact
        if not isinstance(fact, DocumentRegistered) or fact.number is None:
            return
        positions = self._by_number.setdefault((fact.issuer, fact.number), set())
        if comes == (entry.target is None):
            positions.add(original.position)
        else:
            positions.discard(original.position)

    def registered(self, issuer: str, number: str) -> tuple[int, ...]:
        """Return the entries that registered this number."""
        return tuple(sorted(self._by_number.get((issuer, number), ())))


class Citations(Book, subject="cites"):
    """Which entries rest on a document."""

    def __init__(self, who: str) -> None:
        """Open the list with nothing in it."""
        super().__init__(who)
        self._registered: set[int] = set()
        self._citing: dict[int, None] = {}

    def add(self, entry: Entry) -> None:
        """See `domain.deciding.Book.add`."""
        self._count(entry, comes=entry.target is None)

    def remove(self, entry: Entry) -> None:
        """See `domain.deciding.Book.remove`."""
        self._count(entry, comes=entry.target is not None)

    def _count(self, entry: Entry, *, comes: bool) -> None:
        original = entry if entry.target is None else entry.target
        founded = isinstance(original.fact, DocumentRegistered)
        if founded and original.subjects("document") == (self.who,):
            (self._registered.add if comes else self._registered.discard)(original.position)
        elif comes:
            self._citing[original.position] = None
        else:
            self._citing.pop(original.position, None)

    def broken_by(self, entries: Iterable[Entry]) -> tuple[Misfit, ...]:
        """See `domain.deciding.Book.broken_by`: citing entries need the document on file."""
        if self._registered or not self._citing or all(e.voids is None for e in entries):
            return ()
        return tuple(Misfit(position, "该记录以这份文件为依据") for position in self._citing)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def document_was_issued(issued_on: date, today: date) -> bool | Hindrance:
    """登记的是已经印发的文件。依据：党政机关公文处理工作条例第九条（成文日期署会议通过或者签发的日期）。"""
    if issued_on <= today:
        return True
    return Hindrance(f"发文日期{issued_on}晚于今天（{today}），请核对。")


@rule
def document_number_is_free(numbers: DocumentNumbers, issuer: str, number: str) -> bool | Hindrance:
    """同一发文单位的同一文号只登记一次。依据：党政机关公文处理工作条例第九条（发文字号）。"""
    found = numbers.registered(issuer, number)
    return not found or Hindrance(f"{issuer}“{number}”已经登记。", found)


@rule
def cited_document_is_registered(document: Document, who: str) -> bool | Hindrance:
    """引用的依据文件应先登记。

    依据：地方各级人民政府机构设置和编制管理条例第七条；机构编制台账应载明文件名称、发文单位、文号和
    日期。
    """
    return document.registered is not None or Hindrance(f"系统内没有编号为 {who} 的文件。")


@rule
def basis_is_still_missing(entry: Entry, supplied: tuple[int, ...]) -> bool | Hindrance:
    """只为依据待补的记录补充依据；依据写错的记录请更正。

    依据：机构编制台账应载明文件名称、发文单位、文号和日期。
    """
    if type(entry.fact) not in RESTING_ON_A_DOCUMENT:
        return Hindrance(f"流水号{entry.position}不需要依据文件。", (entry.position,))
    if entry.basis:
        return Hindrance(f"流水号{entry.position}已有依据文件。", (entry.position,))
    return not supplied or Hindrance(f"流水号{entry.position}的依据已经补充。", supplied)


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class RegisterDocument(Command, kind="documents.register", title="登记文件"):
    """Put a document on file."""

    document_title: Annotated[Text, Field(title="文件标题")]
    issuer: Annotated[Text, Field(title="发文单位")]
    issuer_level: Annotated[Level, Named(LEVELS), Field(title="发文单位层级")]
    number: Annotated[Text | None, Field(title="文号")] = None
    issued_on: Annotated[BusinessDate, Field(title="发文日期")]
    sha256: Annotated[Sha256 | None, Field(title="扫描件SHA-256校验值")] = None
    grants: Annotated[tuple[Grant, ...], Field(title="批准的数量", max_length=50)] = ()
    person: Annotated[InternalId | None, Field(title="涉及人员（系统内编号）")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(document_was_issued, self.issued_on, past.today)
        if self.number is not None:
            numbers = past.of(DocumentNumbers, REGISTER)
            past.require(document_number_is_free, numbers, self.issuer, self.number)
        fact = DocumentRegistered(
            document=past.new_id(),
            title=self.document_title,
            issuer=self.issuer,
            issuer_level=self.issuer_level,
            number=self.number,
            issued_on=self.issued_on,
            sha256=self.sha256,
            grants=self.grants,
            person=self.person,
        )
        yield Draft(fact, effective_on=self.issued_on)


class SupplyBasis(Command, kind="documents.supply-basis", title="补充依据"):
    """Name the documents on which an earlier entry, filed as 依据待补, rests."""

    position: Annotated[Position, Field(title="依据待补的流水号")]

    @model_validator(mode="after")
    def _names_a_document(self) -> Self:
        if not self.basis:
            raise ValueError("请填写依据文件（basis）")
        return self

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: it takes effect from the entry's own day on."""
        entry = past.entry(self.position)
        past.require(entry_is_on_record, entry, self.position)
        if entry is None:  # the rule has refused by now; this tells the type checker
            raise AssertionError
        past.require(entry_still_stands, entry, past.voided_by(self.position))
        supplied = past.of(Supplied, str(entry.place)).positions
        past.require(basis_is_still_missing, entry, supplied)
        fact = BasisSupplied(place=entry.place, citations=self.basis)
        yield Draft(fact, effective_on=entry.business_date)


@guards(Command)
def _cites_what_is_registered(command: Command, past: Past) -> None:
    for one in command.basis:
        past.require(cited_document_is_registered, past.of(Document, one.document), one.document)
