"""Handing items down to townships (下放) by an adjustment of the list: through the gate as well.

An adjustment that hands an item down takes it off the department's list and puts it on each
township's. Whatever the way, no new duty reaches a township without the gate (`rights_admissions`):
the change names the admission that let it through, and says how the townships are able to bear it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from domain.code_sets import InstitutionCategory
from domain.code_sets_adjusting import AdjustmentKind
from domain.deciding import Hindrance, Past, guards, naming, rule
from domain.institutions import Institution
from domain.rights import Item
from domain.rights_adjusting import Adjustment, ApproveAdjustment
from domain.rights_admissions import Admission
from domain.rights_applying import ApplyForAdjustment
from domain.rights_assigning import matter_has_passed_the_gate
from domain.rights_changes import Change, part_told

_TOWNSHIPS = (InstitutionCategory.TOWNSHIP, InstitutionCategory.SUBDISTRICT)


@rule
def capacity_of_the_townships_is_described(change: Change) -> bool | Hindrance:
    """下放乡镇（街道）的事项应说明承接能力。

    依据：行政处罚法第二十四条（能够有效承接）；各地权责清单动态管理办法关于下放事项的规定。
    """
    return bool(change.capacity) or Hindrance("请填写承接能力说明。")


def _townships(change: Change, past: Past) -> Iterator[tuple[str, Institution]]:
    """Yield the townships among the receivers of what is handed down."""
    if change.kind is not AdjustmentKind.DELEGATE:
        return
    for receiver in change.receivers:
        institution = past.of(Institution, receiver)
        if institution.founded is not None and institution.founded.category in _TOWNSHIPS:
            yield receiver, institution


@guards(ApplyForAdjustment)
def _they_are_able_to_bear_it(command: ApplyForAdjustment, past: Past) -> None:
    for n, change in enumerate(command.changes):
        if any(_townships(change, past)):
            with naming(partial(part_told, n, change, command.effective_on, past)):
                past.require(capacity_of_the_townships_is_described, change)


@guards(ApproveAdjustment)
def _it_has_passed_the_gate(command: ApproveAdjustment, past: Past) -> None:
    applied = past.of(Adjustment, command.adjustment).applied
    day = command.takes_effect_on or command.effective_on
    for n, change in enumerate(() if applied is None else applied.changes):
        for township, institution in _townships(change, past):
            with naming(partial(part_told, n, change, day, past)):
                _require_the_gate(change, township, institution.name_on(day), day, past)


def _require_the_gate(change: Change, township: str, spoken: str, day: date, past: Past) -> None:
    admission = None if change.admission is None else past.of(Admission, change.admission)
    for item in change.items:
        now = past.of(Item, item).on(day)
        if now is not None:  # where there is none, the command itself refuses
            name = now.heading.name
            past.require(matter_has_passed_the_gate, name, township, admission, day, spoken)
