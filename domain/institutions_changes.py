"""Changes of an institution's life: renaming and abolishing (更名、撤销).

A renaming (更名) gives another name from a day on; id, quota and people stay. Abolishing (撤销)
ends an institution when nobody and nothing is left in it: its people have left or moved,
its quota is back in the pool, nobody stands under it. Both rest on a document of the level that
decides on its rank.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.code_sets import InstitutionRank
from domain.deciding import DatedCommand, Decision, Hindrance, Past, rule
from domain.institutions import (
    DISTRICT,
    Abolished,
    Directory,
    Institution,
    InstitutionName,
    Renamed,
    institution_stands,
    name_is_unique_in_district,
    require_level,
)
from domain.vocabulary import InternalId, Text

# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def name_changes(institution: Institution, name: str, day: date) -> bool | Hindrance:
    """更名后的名称应与原名称不同。依据：地方各级人民政府机构设置和编制管理条例第九条。"""
    return institution.name_on(day) != name or Hindrance(f"该机构现名就是“{name}”。")


@rule
def nobody_stands_under_it(directory: Directory, institution: str) -> bool | Hindrance:
    """撤销机构前应先明确其所属机构的隶属关系。

    依据：地方各级人民政府机构设置和编制管理条例第九条、第十条。
    """
    names = directory.subordinates(institution)
    if not names:
        return True
    more = f"等{len(names)}个机构" if len(names) > 3 else ""  # noqa: PLR2004  (names that fit)
    return Hindrance(f"{'、'.join(names[:3])}{more}仍隶属于该机构。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class RenameInstitution(DatedCommand, kind="institutions.rename", title="机构更名"):
    """Give an institution another name."""

    institution: Annotated[InternalId, Field(title="机构（系统内编号）")]
    name: Annotated[InstitutionName, Field(title="新名称")]
    reason: Annotated[Text | None, Field(title="更名原因")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        institution = past.of(Institution, self.institution)
        past.require(institution_stands, institution, self.effective_on)
        past.require(name_changes, institution, self.name, self.effective_on)
        end = institution.named_until(self.effective_on)
        directory = past.of(Directory, DISTRICT)
        past.require(
            name_is_unique_in_district,
            directory,
            self.name,
            self.effective_on,
            end,
            self.institution,
        )
        require_level(_rank(institution), self.effective_on, self.basis, past)
        yield Renamed(
            institution=self.institution,
            name=self.name,
            former_name=institution.name_on(self.effective_on),
            reason=self.reason,
        )


class AbolishInstitution(DatedCommand, kind="institutions.abolish", title="撤销机构"):
    """Abolish an institution that nobody and nothing is left in."""

    institution: Annotated[InternalId, Field(title="机构（系统内编号）")]
    reason: Annotated[Text, Field(title="撤销原因")]
    destination: Annotated[Text | None, Field(title="职责、人员、资产去向")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        institution = past.of(Institution, self.institution)
        past.require(institution_stands, institution, self.effective_on)
        past.require(nobody_stands_under_it, past.of(Directory, DISTRICT), self.institution)
        require_level(_rank(institution), self.effective_on, self.basis, past)
        yield Abolished(
            institution=self.institution, reason=self.reason, destination=self.destination
        )


def _rank(institution: Institution) -> InstitutionRank:
    return InstitutionRank.OTHER if institution.founded is None else institution.founded.rank
