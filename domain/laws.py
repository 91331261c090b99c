"""The register of laws (法规库): which document stood in which version, and until when.

Rights rest on laws, regulations and rules, and these change: they are promulgated, come into force
some days later, are revised, and are repealed. The register keeps each version by its day of
promulgation (公布) and the day from which it is in force (施行), and the day of repeal (废止), so
that on any day it can be told whether what a list cites was in force.

A law is known by its title: lists cite titles, not numbers. Its internal id follows from the title,
written without 中华人民共和国, spaces and varying brackets, so that a citation leads to its law
without anybody having tied the two together.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final, NamedTuple, Self

from pydantic import Field, StringConstraints

from domain.code_sets import CodeList
from domain.code_sets_rights import BasisLevel
from domain.deciding import (
    Command,
    DatedCommand,
    Decision,
    Draft,
    Hindrance,
    Misfit,
    Past,
    Standing,
    rule,
)
from domain.text import compact
from domain.vocabulary import ID_ALPHABET, ID_LENGTH, BusinessDate, Entry, Fact, Subject, Text


class LawChange(CodeList, title="法规变动", source="立法法的公布、修改、废止用语"):
    """By what a version came about (法规变动)."""

    PROMULGATED = "promulgated", "公布", *("公布/通过", "通过", "发布")
    REVISED = "revised", "修订"
    AMENDED = "amended", "修正", *("修改",)


LawTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

_COUNTRY: Final = "中华人民共和国"
_BRACKETS: Final = str.maketrans("〈〉<>＜＞()", "《》《》《》（）")
_MARKS: Final = re.compile(r"[《》]")


def plain_title(title: str) -> str:
    """Return a law's title for comparing: without the country's name, spaces and title marks."""
    text = compact(title).translate(_BRACKETS)
    return _MARKS.sub("", text).replace(_COUNTRY, "") or text


def law_id(title: str) -> str:
    """Return the internal id of the law with that title."""
    number = int.from_bytes(hashlib.sha256(plain_title(title).encode()).digest()[:10], "big")
    return "".join(ID_ALPHABET[number >> 5 * n & 31] for n in reversed(range(ID_LENGTH)))


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class LawVersionRegistered(Fact, fact="laws.version-registered", called="法规版本登记"):
    """A version of a law; takes effect on the day it was promulgated.

    ``in_force_on`` is the day from which it is in force where that is later.
    """

    law: Annotated[str, Subject("law")]
    title: LawTitle
    level: BasisLevel
    change: LawChange
    in_force_on: date | None = None
    number: Text | None = None

    def later_days(self) -> tuple[date, ...]:
        """See `domain.vocabulary.Fact.later_days`: the day from which it is in force."""
        return () if self.in_force_on is None else (self.in_force_on,)


class LawRepealed(Fact, fact="laws.repealed", called="法规废止"):
    """A law is in force no more from this day on (废止)."""

    law: Annotated[str, Subject("law")]
    title: LawTitle
    replaced_by: LawTitle | None = None


# ── standings ────────────────────────────────────────────────────────────────────────────────


class Version(NamedTuple):
    """A version of a law: promulgated on ``day``, in force from ``in_force_on`` on."""

    day: date
    in_force_on: date
    level: BasisLevel
    position: int


@dataclass(frozen=True)
class Law(Standing, subject="law", guards=True):
    """A law's versions by their days, and its repeal."""

    versions: tuple[Version, ...] = ()
    repealed_on: date | None = None
    repealed_at: int = 0
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`: a new version after a repeal revives the law."""
        fact, day = entry.fact, entry.business_date
        if isinstance(fact, LawVersionRegistered):
            version = Version(day, fact.in_force_on or day, fact.level, entry.position)
            return replace(self, versions=(*self.versions, version), repealed_on=None)
        if not isinstance(fact, LawRepealed):
            return self
        if not self.versions or self.repealed_on is not None:
            why = "法规库中这一天没有有效的该法规"
            return replace(self, misfits=(*self.misfits, Misfit(entry.position, why)))
        return replace(self, repealed_on=day, repealed_at=entry.position)

    def version_of(self, day: date) -> Version | None:
        """Return the version that was promulgated on that day."""
        return next((one for one in self.versions if one.day == day), None)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def version_is_registered_once(
    known: Version | None, level: BasisLevel, in_force_on: date
) -> bool | Hindrance:
    """同一法规同一天公布的版本只登记一次。依据：立法法关于公布、施行的规定；法规库一版一记。"""
    if known is None:
        return True
    return Hindrance(
        f"该版本已登记为{known.level.label}、自{known.in_force_on}起施行，本次为{level.label}、自"
        f"{in_force_on}起施行。原登记有误的请办理更正。",
        (known.position,),
    )


@rule
def law_comes_into_force_after_promulgation(promulgated: date, in_force: date) -> bool | Hindrance:
    """施行日期不早于公布日期。依据：立法法关于施行日期的规定。"""
    return in_force >= promulgated or Hindrance(f"公布日{promulgated}，施行日{in_force}。")


@rule
def law_stands_in_the_register(law: Law, title: str) -> bool | Hindrance:
    """废止的应是法规库中现有的法规。依据：立法法关于法规废止的规定；法规库账实相符的要求。"""
    if not law.versions:
        return Hindrance(f"法规库中没有《{title}》，请先登记。")
    if law.repealed_on is None:
        return True
    return Hindrance(f"《{title}》已于{law.repealed_on}废止。", (law.repealed_at,))


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class RegisterLawVersion(Command, kind="laws.register", title="登记法规版本"):
    """Register a version of a law; the same version again records nothing."""

    law_title: Annotated[LawTitle, Field(title="法规名称")]
    level: Annotated[BasisLevel, Field(title="效力层级")]
    promulgated_on: Annotated[BusinessDate, Field(title="公布（修订、修正）日期")]
    in_force_on: Annotated[
        BusinessDate | None, Field(title="施行日期", description="不填为公布日")
    ] = None
    change: Annotated[LawChange, Field(title="变动")] = LawChange.PROMULGATED
    number: Annotated[Text | None, Field(title="公布文号")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        who = law_id(self.law_title)
        day, in_force = self.promulgated_on, self.in_force_on or self.promulgated_on
        past.require(law_comes_into_force_after_promulgation, day, in_force)
        known = past.of(Law, who).version_of(day)
        if known is not None and (known.level, known.in_force_on) == (self.level, in_force):
            return
        past.require(version_is_registered_once, known, self.level, in_force)
        fact = LawVersionRegistered(
            law=who,
            title=self.law_title,
            level=self.level,
            change=self.change,
            in_force_on=in_force if in_force > day else None,
            number=self.number,
        )
        yield Draft(fact, effective_on=day)


class RepealLaw(DatedCommand, kind="laws.repeal", title="登记法规废止"):
    """File that a law is in force no more from the business date on."""

    law_title: Annotated[LawTitle, Field(title="法规名称")]
    replaced_by: Annotated[LawTitle | None, Field(title="替代的法规名称")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        who = law_id(self.law_title)
        past.require(law_stands_in_the_register, past.of(Law, who), self.law_title)
        yield LawRepealed(law=who, title=self.law_title, replaced_by=self.replaced_by)
