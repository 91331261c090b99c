"""A district with rights lists to tell stories in: two departments, a township, some items.

Names, texts and laws' titles are made up or public; nothing here is about a person.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.code_sets import InstitutionCategory, InstitutionRank
from domain.code_sets_adjusting import AdjustmentKind, AdjustmentReason
from domain.code_sets_rights import BasisLevel, PowerCategory
from domain.rights import ItemTakenOver, TakeOverItem
from domain.rights_adjusting import (
    AdjustmentApplied,
    ApproveAdjustment,
    Opinion,
    PublishAdjustment,
    ReviewAdjustment,
)
from domain.rights_admissions import (
    AdmissionApplied,
    ApplyForAdmission,
    DecideAdmission,
    TownshipOpinion,
)
from domain.rights_applying import ApplyForAdjustment
from domain.rights_changes import Change
from domain.rights_content import Duty, ItemContent, LegalBasis
from domain.vocabulary import Entry
from tests.district import DAY, TODAY, District

K, R = AdjustmentKind, AdjustmentReason
LICENCE, PENALTY = PowerCategory.LICENCE, PowerCategory.PENALTY
REASONS = {
    K.ADD: R.LAW_ADDS,
    K.RECEIVE: R.FUNCTIONS_ADD,
    K.CANCEL: R.LAW_FAILS,
    K.DELEGATE: R.OTHER_REMOVAL,
    K.INTERNALISE: R.OTHER_REMOVAL,
    K.TAKE_BACK: R.OTHER_ADDITION,
    K.TRANSFER: R.BODY_CHANGED,
    K.CHANGE: R.BASIS_CHANGED,
    K.RECLASSIFY: R.OTHER_CHANGE,
    K.MERGE: R.MERGED_OR_SPLIT,
    K.SPLIT: R.MERGED_OR_SPLIT,
    K.FREEZE: R.PROCESS_CHANGED,
    K.RESTORE: R.PROCESS_CHANGED,
}


def basis(title: str = "中华人民共和国种子法", article: str = "第三十一条") -> LegalBasis:
    """One article of a law."""
    return LegalBasis(title=title, level=BasisLevel.LAW, articles=(article,))


def content(name: str = "种子生产经营许可", **more: Any) -> ItemContent:
    """A licence with everything that a published item must have."""
    fields: dict[str, Any] = {
        "category": LICENCE,
        "bases": (basis(),),
        "duties": (Duty(stage="受理", text="公示依法应当提交的材料。"),),
        "liabilities": ("对符合法定条件的申请不予受理的；",),
    }
    return ItemContent(name=name, **(fields | more))


def change(kind: AdjustmentKind, *items: str, **more: Any) -> Change:
    """A change of that kind with a reason that fits it."""
    if kind in (K.CANCEL, K.DELEGATE):
        more.setdefault("supervision", "纳入双随机抽查。")
    if kind is K.DELEGATE:
        more.setdefault("capacity", "有专门机构和持证人员。")
    return Change(kind=kind, reason=more.pop("reason", REASONS[kind]), items=items, **more)


class Listed(District):
    """A district whose departments have lists."""

    def __init__(self, today: date = TODAY, since: date = DAY) -> None:
        super().__init__(today)
        self.since = since
        government = InstitutionCategory.DEPARTMENT
        self.farms = self.office("区农业农村局", government, day=since)
        self.woods = self.office("区林业局", government, day=since)
        self.town = self.office(
            "示范镇人民政府", InstitutionCategory.TOWNSHIP, InstitutionRank.SECTION, since
        )

    def taking_over_item(self, text: ItemContent, who: str = "", **more: Any) -> TakeOverItem:
        """An item of a published list."""
        more.setdefault("effective_on", self.since)
        return TakeOverItem(department=who or self.farms, content=text, **more)

    def item(self, name: str = "种子生产经营许可", who: str = "", **more: Any) -> str:
        """Take an item over; return its id."""
        self.file(self.taking_over_item(content(name, **more), who))
        return self.last(ItemTakenOver).item

    def applying(self, *changes: Change, who: str = "", **more: Any) -> ApplyForAdjustment:
        """An application of a department, the others heard."""
        department = who or self.farms
        others = (one for one in (self.farms, self.woods, self.town) if one != department)
        fields: dict[str, Any] = {
            "effective_on": DAY,
            "department": department,
            "trigger_on": DAY,
            "changes": changes,
            "opinions": tuple(Opinion(department=one, opinion="同意。") for one in others),
            "basis": self.citing(),
        }
        return ApplyForAdjustment(**(fields | more))

    def reviewing(self, adjustment: str, stage: Any = "office", **more: Any) -> ReviewAdjustment:
        """A review that passes the application."""
        fields: dict[str, Any] = {"effective_on": DAY, "passed": True, "opinion": "符合规定。"}
        return ReviewAdjustment(adjustment=adjustment, stage=stage, **(fields | more))

    def approving_it(self, adjustment: str, **more: Any) -> ApproveAdjustment:
        """An approval by the government."""
        fields: dict[str, Any] = {
            "effective_on": DAY,
            "approved_by": "government",
            "basis": self.citing(),
        }
        return ApproveAdjustment(adjustment=adjustment, **(fields | more))

    def publishing_it(self, adjustment: str, day: date = DAY) -> PublishAdjustment:
        """A publication on the government's site."""
        return PublishAdjustment(
            effective_on=day, adjustment=adjustment, channels=("区政府门户网站",)
        )

    def applied(self, *changes: Change, who: str = "", **more: Any) -> str:
        """Apply and let both reviews pass; return the application's id."""
        more.setdefault("trigger_on", more.get("effective_on", DAY))
        self.actor = "zhao"
        self.file(self.applying(*changes, who=who, **more))
        self.actor = "zhang"
        adjustment = self.last(AdjustmentApplied).adjustment
        day = more.get("effective_on", DAY)
        for stage in ("office", "legality"):
            self.file(self.reviewing(adjustment, stage, effective_on=day))
        return adjustment

    def adjusted(self, *changes: Change, who: str = "", day: date = DAY) -> list[Entry]:
        """Apply, review and approve; return the entries of the approval."""
        adjustment = self.applied(*changes, who=who, effective_on=day)
        return self.file(self.approving_it(adjustment, effective_on=day))

    def admitted(self, *matters: str) -> str:
        """Let matters of the department of agriculture through the gate to the township."""
        heard = TownshipOpinion(township=self.town, agrees=True, opinion="同意承接。")
        asked = ApplyForAdmission(
            effective_on=self.since,
            department=self.farms,
            townships=(self.town,),
            matters=matters,
            reason="就近办理，方便群众。",
            opinions=(heard,),
        )
        self.file(asked)
        admission = self.last(AdmissionApplied).admission
        decided = DecideAdmission(
            effective_on=self.since,
            admission=admission,
            admitted=True,
            decided_by="both",
            basis=self.citing(),
        )
        self.file(decided)
        return admission

    def names(self, who: str = "", on: date | None = None) -> list[str]:
        """The names on a department's list on a day."""
        rows = self.rows("rights_items", on).values()
        return sorted(row.name for row in rows if row.department == (who or self.farms))
