"""The gate before new duties of townships (职责准入).

    部门申请 ──乡镇意见──► 审定（党委、政府） ──通过──► 乡镇事项列入 (`rights_assigning`)
                                   └──不通过──► 不得交由乡镇承担

No department of the district hands new duties to a township on its own: it applies, every township
concerned says what it thinks, and the district's party committee and government decide by a
document. What an admission lets through is exactly the matters and the townships it names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.code_sets import InstitutionCategory
from domain.codes import Named
from domain.deciding import DatedCommand, Decision, Hindrance, Misfit, Past, Standing, naming, rule
from domain.documents import rests_on_a_document
from domain.institutions import Institution
from domain.rights import require_department
from domain.rights_content import ItemName
from domain.text import compact
from domain.vocabulary import Entry, Fact, InternalId, LongText, Subject, Text

Gate = Literal["committee", "government", "both"]
GATES: Final[dict[Gate, str]] = {
    "committee": "区委",
    "government": "区政府",
    "both": "区委、区政府",
}


class TownshipOpinion(BaseModel):
    """What a township concerned says of an application (乡镇意见)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    township: Annotated[InternalId, Field(title="乡镇（街道）（系统内编号）")]
    agrees: Annotated[bool, Field(title="是否同意")]
    opinion: Annotated[LongText, Field(title="意见")]


# ── facts ────────────────────────────────────────────────────────────────────────────────────


@rests_on_a_document
class AdmissionApplied(Fact, fact="rights.admission-applied", called="职责准入申请"):
    """A department applied to give matters to townships (职责准入申请)."""

    founds: ClassVar[str | None] = "admission"

    admission: Annotated[str, Subject("admission")]
    department: str
    townships: tuple[str, ...]
    matters: tuple[ItemName, ...]
    reason: LongText
    support: LongText | None = None
    opinions: tuple[TownshipOpinion, ...] = ()


@rests_on_a_document
class AdmissionDecided(Fact, fact="rights.admission-decided", called="职责准入审定"):
    """The application was decided on (职责准入审定)."""

    admission: Annotated[str, Subject("admission")]
    admitted: bool
    decided_by: Gate
    meeting: Text | None = None
    opinion: LongText | None = None


# ── standings ────────────────────────────────────────────────────────────────────────────────


class Using(Fact):
    """A fact that is let through by an admission."""

    admission: Annotated[str | None, Subject("admission")] = None


@dataclass(frozen=True)
class Admission(Standing, subject="admission", guards=True):
    """An application for the gate, and how it was decided."""

    applied: AdmissionApplied | None = None
    applied_at: int = 0
    admitted: bool | None = None
    decided_on: date | None = None
    decided_at: int = 0
    misfits: tuple[Misfit, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact, position = entry.fact, entry.position
        why = self._unfit(fact)
        if why is not None:
            return replace(self, misfits=(*self.misfits, Misfit(position, why)))
        if isinstance(fact, AdmissionApplied):
            return replace(self, applied=fact, applied_at=position)
        if isinstance(fact, AdmissionDecided):
            day = entry.business_date
            return replace(self, admitted=fact.admitted, decided_on=day, decided_at=position)
        return self

    def _unfit(self, fact: Fact) -> str | None:
        if isinstance(fact, AdmissionApplied):
            return None if self.applied is None else "该职责准入已经申请"
        if isinstance(fact, AdmissionDecided):
            open_ = self.applied is not None and self.admitted is None
            return None if open_ else "该职责准入在这一天不在审定中"
        # Whatever else speaks of an admission has been let through by it.
        return None if self.admitted else "该职责准入在这一天尚未审定通过"

    def covers(self, township: str, matter: str) -> bool:
        """Tell whether it was asked for this matter at this township."""
        if self.applied is None:
            return False
        names = {compact(name) for name in self.applied.matters}
        return township in self.applied.townships and compact(matter) in names


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def body_is_a_township(institution: Institution) -> bool | Hindrance:
    """乡镇事项列在乡镇（街道）名下。依据：乡镇（街道）履职事项清单、权责清单的编制要求。"""
    founded = institution.founded
    townships = (InstitutionCategory.TOWNSHIP, InstitutionCategory.SUBDISTRICT)
    if founded is None or founded.category in townships:
        return True
    return Hindrance(f"{institution.name}是{founded.category.label}。")


@rule
def body_is_not_a_township(institution: Institution) -> bool | Hindrance:
    """职责准入由区级部门申请。依据：乡镇（街道）职责准入制度关于申请主体的规定。"""
    founded = institution.founded
    townships = (InstitutionCategory.TOWNSHIP, InstitutionCategory.SUBDISTRICT)
    if founded is None or founded.category not in townships:
        return True
    return Hindrance(f"{institution.name}是{founded.category.label}。")


@rule
def townships_were_heard(missing: tuple[str, ...]) -> bool | Hindrance:
    """向乡镇（街道）下放职责，应先听取每个乡镇（街道）的意见。

    依据：中共中央办公厅、国务院办公厅《关于加强基层治理体系和治理能力现代化建设的意见》（严格控制职责
    下放、充分听取基层意见）；各地乡镇（街道）职责准入制度。
    """
    if not missing:
        return True
    more = f"等{len(missing)}个" if len(missing) > 10 else ""  # noqa: PLR2004  (names that fit)
    return Hindrance(f"缺少{'、'.join(missing[:10])}{more}的意见。")


@rule
def admission_awaits_decision(admission: Admission) -> bool | Hindrance:
    """职责准入经申请后审定一次。依据：各地乡镇（街道）职责准入制度关于办理程序的规定。"""
    if admission.applied is None:
        return Hindrance("系统内没有这份职责准入申请，请核对编号。")
    if admission.admitted is None:
        return True
    return Hindrance(f"该申请已于{admission.decided_on}审定。", (admission.decided_at,))


@rule
def admission_rests_on_a_document(n_documents: int) -> bool | Hindrance:
    """职责准入审定应有区委、区政府的文件。依据：各地乡镇（街道）职责准入制度。"""
    return n_documents > 0 or Hindrance("请引用审定文件。")


# ── commands ─────────────────────────────────────────────────────────────────────────────────


def require_township(who: str, day: date, past: Past) -> None:
    """Require that a township stands from that day on."""
    require_department(who, day, past)
    past.require(body_is_a_township, past.of(Institution, who))


class ApplyForAdmission(DatedCommand, kind="rights.apply-admission", title="申请职责准入"):
    """Apply to give matters to townships; takes effect on the day of application."""

    department: Annotated[InternalId, Field(title="申请部门（系统内编号）")]
    townships: Annotated[
        tuple[InternalId, ...], Field(title="乡镇（街道）", min_length=1, max_length=200)
    ]
    matters: Annotated[tuple[ItemName, ...], Field(title="事项名称", min_length=1, max_length=500)]
    reason: Annotated[LongText, Field(title="申请理由")]
    support: Annotated[LongText | None, Field(title="编制、人员、经费等保障")] = None
    opinions: Annotated[
        tuple[TownshipOpinion, ...], Field(title="乡镇（街道）意见", max_length=200)
    ] = ()

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        day = self.effective_on
        require_department(self.department, day, past)
        past.require(body_is_not_a_township, past.of(Institution, self.department))
        for n, township in enumerate(self.townships):
            spoken = past.of(Institution, township).name
            with naming(partial("第{}个乡镇（街道）“{}”".format, n + 1, spoken)):
                require_township(township, day, past)
        heard = {one.township for one in self.opinions}
        missing = (one for one in self.townships if one not in heard)
        names = tuple(past.of(Institution, one).name_on(day) for one in missing)
        past.require(townships_were_heard, names)
        yield AdmissionApplied(
            admission=past.new_id(),
            department=self.department,
            townships=tuple(dict.fromkeys(self.townships)),
            matters=tuple(dict.fromkeys(self.matters)),
            reason=self.reason,
            support=self.support,
            opinions=self.opinions,
        )


class DecideAdmission(DatedCommand, kind="rights.decide-admission", title="审定职责准入"):
    """Decide on an application for the gate."""

    admission: Annotated[InternalId, Field(title="职责准入申请（系统内编号）")]
    admitted: Annotated[bool, Field(title="是否准入")]
    decided_by: Annotated[Gate, Named(GATES), Field(title="审定机关")]
    meeting: Annotated[Text | None, Field(title="审定会议")] = None
    opinion: Annotated[LongText | None, Field(title="审定意见")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(admission_awaits_decision, past.of(Admission, self.admission))
        past.require(admission_rests_on_a_document, len(self.basis))
        yield AdmissionDecided(
            admission=self.admission,
            admitted=self.admitted,
            decided_by=self.decided_by,
            meeting=self.meeting,
            opinion=self.opinion,
        )
