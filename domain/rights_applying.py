"""How a list's adjustment is applied for (调整申请): a department names its changes and why.

    情形发生 ──(20)──► 申请: adjustment, department, its changes one by one, the others' opinions
                         ▲
                         └── 退回: applied for anew, under the same id, by the same department

What can be told of a change before it is approved is required here; whoever is refused is told
which of his many changes is meant. What becomes of an application is told in `rights_adjusting`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Annotated, Final

from pydantic import Field

from domain.code_sets_adjusting import AdjustmentKind, AdjustmentReason
from domain.deciding import DatedCommand, Decision, Hindrance, Past, naming, rule
from domain.documents import Document
from domain.institutions import Institution
from domain.rights import Item, require_department, require_item
from domain.rights_adjusting import Adjustment, AdjustmentApplied, Opinion
from domain.rights_changes import (
    CancelledLicences,
    Change,
    basis_is_of_sufficient_level,
    cancelled_licence_does_not_return,
    change_names_each_item_once,
    change_names_what_it_needs,
    content_is_complete,
    document_of_the_level_above_is_cited,
    followup_supervision_is_named,
    part_told,
    reason_fits_the_kind,
)
from domain.rights_codes import require_codes
from domain.rights_terms import clocked
from domain.vocabulary import BusinessDate, InternalId

# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def trigger_lies_before(trigger_on: date, applied_on: date) -> bool | Hindrance:
    """调整情形发生后方可申请。依据：各地权责清单动态管理办法关于申请时限的规定。"""
    return trigger_on <= applied_on or Hindrance(f"情形发生日{trigger_on}晚于申请日{applied_on}。")


@rule
def other_departments_were_heard(missing: tuple[str, ...]) -> bool | Hindrance:
    """调整涉及其他部门的，应附该部门意见。

    依据：各地权责清单动态管理办法关于征求相关部门意见的规定。
    """
    return not missing or Hindrance(f"缺少{len(missing)}个涉及部门的意见：{'、'.join(missing)}。")


@rule
def adjustment_may_be_applied_for(adjustment: Adjustment) -> bool | Hindrance:
    """退回的申请方可重新报送。依据：各地权责清单动态管理办法关于办理程序的规定。"""
    if adjustment.applied is None:
        return Hindrance("系统内没有这份调整申请，首次申请不填编号。")
    if adjustment.returned:
        return True
    return Hindrance("该申请没有退回，不能重新报送。", (adjustment.position,))


@rule
def adjustment_is_of_the_department(adjustment: Adjustment, department: str) -> bool | Hindrance:
    """退回的申请由原申请部门重新报送。

    依据：各地权责清单动态管理办法关于“谁行使、谁申请”的规定。
    """
    if adjustment.applied is None or adjustment.applied.department == department:
        return True
    return Hindrance("该申请由另一部门提出。", (adjustment.position,))


# ── commands ─────────────────────────────────────────────────────────────────────────────────


_FROM_ABOVE: Final = (AdjustmentReason.HANDED_DOWN, AdjustmentReason.CANCELLED_ABOVE)


class ApplyForAdjustment(DatedCommand, kind="rights.apply", title="申请调整权责清单"):
    """Apply for changes to a department's list; takes effect on the day of application."""

    adjustment: Annotated[InternalId | None, Field(title="退回后重新报送的申请（系统内编号）")] = (
        None
    )
    department: Annotated[InternalId, Field(title="申请部门（系统内编号）")]
    trigger_on: Annotated[BusinessDate, Field(title="情形发生日")]
    changes: Annotated[tuple[Change, ...], Field(title="调整事项", min_length=1, max_length=500)]
    opinions: Annotated[tuple[Opinion, ...], Field(title="涉及部门意见", max_length=100)] = ()

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        past.require(trigger_lies_before, self.trigger_on, self.effective_on)
        require_department(self.department, self.effective_on, past)
        rounds = 0
        if self.adjustment is not None:
            adjustment = past.of(Adjustment, self.adjustment)
            past.require(adjustment_may_be_applied_for, adjustment)
            past.require(adjustment_is_of_the_department, adjustment, self.department)
            rounds = 0 if adjustment.applied is None else adjustment.applied.round
        for n, change in enumerate(self.changes):
            with naming(partial(part_told, n, change, self.effective_on, past)):
                self._require(change, past)
        past.require(other_departments_were_heard, tuple(self._unheard_told(past)))
        yield AdjustmentApplied(
            adjustment=self.adjustment or past.new_id(),
            department=self.department,
            trigger_on=self.trigger_on,
            round=rounds + 1,
            changes=self.changes,
            opinions=self.opinions,
            **clocked(self.trigger_on, self.effective_on, "rights_apply_workdays", past),
        )

    def _require(self, change: Change, past: Past) -> None:
        """Require what can be told of a change before it is approved."""
        past.require(change_names_what_it_needs, change)
        past.require(change_names_each_item_once, change)
        past.require(reason_fits_the_kind, change)
        past.require(followup_supervision_is_named, change)
        past.require(content_is_complete, change.contents)
        if change.reason in _FROM_ABOVE:
            documents = (past.of(Document, one.document).registered for one in self.basis)
            levels = tuple(one.issuer_level for one in documents if one is not None)
            past.require(document_of_the_level_above_is_cited, levels)
        cancelled = past.of(CancelledLicences, "names")
        for content in change.contents:
            past.require(basis_is_of_sufficient_level, content)
            alike = cancelled.alike(f"{content.name}{content.sub_name or ''}")
            past.require(cancelled_licence_does_not_return, content, alike, change.looked_at)
        self._require_codes(change, past)
        if change.kind is not AdjustmentKind.TAKE_BACK:
            for item in change.items:
                require_item(item, self.effective_on, past)

    def _require_codes(self, change: Change, past: Past) -> None:
        day = self.effective_on
        stand = [past.of(Item, item).on(day) for item in change.items if change.contents]
        former = [now.content for now in stand if now is not None]
        who = change.receivers[0] if change.receivers else self.department
        for content in change.contents:
            require_codes(content, who, day, past, former, ahead=True)

    def _unheard_told(self, past: Past) -> Iterator[str]:
        for who in dict.fromkeys(self._unheard(past)):
            yield f"“{past.of(Institution, who).name_on(self.effective_on)}”（{who}）"

    def _unheard(self, past: Past) -> Iterator[str]:
        heard = {one.department for one in self.opinions} | {self.department}
        for change in self.changes:
            owners = (past.of(Item, item).on(self.effective_on) for item in change.items)
            concerned = [*change.receivers, *(now.department for now in owners if now)]
            yield from (who for who in concerned if who not in heard)
