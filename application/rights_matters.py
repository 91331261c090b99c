"""The ledgers of what townships do: 乡镇事项台账, 乡镇事项分类汇总."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

from application.ledgers import Column, Effect, Joined, Ledger, Move, SumLedger, declare
from domain.code_sets_townships import ActingName, EvaluationResult, MatterDuty, MatterOrigin
from domain.rights_matters import (
    MatterBegan,
    MatterCancelled,
    MatterEnded,
    MatterEvaluated,
    MatterHandedOver,
    MatterListed,
    MatterTakenBack,
    MatterTakenOver,
)
from domain.vocabulary import Entry

ORIGINS: Final = MatterOrigin.names()
DUTIES: Final = MatterDuty.names()
ACTING: Final = ActingName.names()
RESULTS: Final = EvaluationResult.names()
STATES: Final = {
    "listed": "已列入，未交接",
    "handed-over": "已交接",
    "expired": "委托到期",
    "taken-back": "已收回",
    "cancelled": "已取消",
}
_STANDING: Final = ("listed", "handed-over")


# ── 乡镇事项台账 ─────────────────────────────────────────────────────────────────────────────


class MatterRow(NamedTuple):
    """A matter of one township: where it comes from, in whose name, how far it has come."""

    township: Annotated[str, Column("乡镇（街道）（系统内编号）", filter=True)]
    name: Annotated[str, Column("事项名称", filter=True, sort=True)]
    theme: Annotated[str | None, Column("业务类别", filter=True, sort=True)]
    origin: Annotated[str | None, Column("来源类别", filter=True, sort=True, choices=ORIGINS)]
    duty: Annotated[str | None, Column("履职类别", filter=True, sort=True, choices=DUTIES)]
    acting: Annotated[str, Column("以谁的名义", filter=True, choices=ACTING)]
    items: Annotated[str, Column("对应的权责事项（系统内编号）", filter=True)]
    department: Annotated[str | None, Column("对应部门（系统内编号）", filter=True)]
    other_departments: Annotated[str, Column("其他对应部门（系统内编号）", filter=True)]
    lead_role: Annotated[str | None, Column("牵头部门职责")]
    coop_role: Annotated[str | None, Column("乡镇（街道）配合职责")]
    state: Annotated[str, Column("状态", filter=True, sort=True, choices=STATES)]
    listed_on: Annotated[date, Column("列入日", filter=True, sort=True)]
    admission: Annotated[str | None, Column("职责准入（系统内编号）", filter=True)]
    deed: Annotated[str | None, Column("委托书")]
    until: Annotated[date | None, Column("委托期限届满日", filter=True, sort=True)]
    handed_over_on: Annotated[date | None, Column("交接日", filter=True, sort=True)]
    minutes: Annotated[str | None, Column("交接文件（系统内编号）")]
    team: Annotated[str | None, Column("承接机构", filter=True)]
    certified: Annotated[int | None, Column("持证执法人员数", sort=True)]
    evaluated_on: Annotated[date | None, Column("最近评估日", filter=True, sort=True)]
    result: Annotated[str | None, Column("评估结果", filter=True, choices=RESULTS)]
    evaluation: Annotated[str | None, Column("评估意见")]
    evaluate_by: Annotated[date | None, Column("下次评估期限", filter=True, sort=True)]
    ended_on: Annotated[date | None, Column("不再承担之日", filter=True, sort=True)]
    taken_back_by: Annotated[str | None, Column("收回后承接部门（系统内编号）", filter=True)]
    mode: Annotated[str | None, Column("收回后工作方式、取消原因")]


def _matter(so_far: MatterRow | None, effect: Effect) -> MatterRow | None:
    fact = effect.fact
    if isinstance(fact, MatterBegan) and effect.nth == 0:
        return _began(fact, effect.day)
    return None if so_far is None else so_far._replace(**_differences(so_far, effect))


def _differences(row: MatterRow, effect: Effect) -> dict[str, Any]:
    """Return the columns that an effect fills anew in a matter's row."""
    fact, day, basis = effect.fact, effect.day, effect.entry.basis
    if isinstance(fact, MatterHandedOver):
        minutes = basis[0].document if basis else None
        filled = {"team": fact.team, "certified": fact.certified, "minutes": minutes}
        handed_over = {"state": "handed-over", "handed_over_on": day}
        return {**filled, **handed_over, "evaluate_by": fact.evaluate_by}
    if isinstance(fact, MatterEvaluated):
        found = {"evaluated_on": day, "result": fact.result.value, "evaluation": fact.opinion}
        return {**found, "evaluate_by": fact.evaluate_by}
    ended = {"ended_on": day, "evaluate_by": None}
    if isinstance(fact, MatterTakenBack):
        receiver = {"taken_back_by": fact.taken_back_by, "mode": fact.mode}
        return {**ended, **receiver, "state": "taken-back"}
    if isinstance(fact, MatterCancelled):
        return {**ended, "state": "cancelled", "mode": fact.reason}
    return {**ended, "state": "expired"} if row.state in _STANDING else {}  # its term is over


def _began(fact: MatterBegan, day: date) -> MatterRow:
    return MatterRow(
        township=fact.township,
        name=fact.name,
        theme=fact.theme,
        origin=None if fact.origin is None else fact.origin.value,
        duty=None if fact.duty is None else fact.duty.value,
        acting=fact.acting.value,
        items="、".join(fact.items),
        department=fact.departments[0] if fact.departments else None,
        other_departments="、".join(fact.departments[1:]),
        lead_role=fact.lead_role,
        coop_role=fact.coop_role,
        state="listed" if fact.begins() else "taken-back",
        listed_on=day,
        admission=fact.admission,
        deed=fact.deed,
        until=fact.until,
        handed_over_on=None,
        minutes=None,
        team=None,
        certified=None,
        evaluated_on=None,
        result=None,
        evaluation=None,
        evaluate_by=None,
        ended_on=None,
        taken_back_by=fact.taken_back_by,
        mode=fact.taken_back_mode,
    )


RIGHTS_MATTERS = declare(
    Ledger(
        name="rights_matters",
        title="乡镇事项台账",
        key="matter",
        row=MatterRow,
        fold=_matter,
        facts=(
            MatterTakenOver,
            MatterListed,
            MatterHandedOver,
            MatterEvaluated,
            MatterTakenBack,
            MatterCancelled,
        ),
        joins=(
            Joined("township_name", "乡镇（街道）", "township", "institutions", "name"),
            Joined("department_name", "对应部门", "department", "institutions", "name"),
            Joined("minutes_number", "交接文号", "minutes", "documents", "number"),
            Joined("receiver_name", "收回后承接部门", "taken_back_by", "institutions", "name"),
        ),
        sort=("township", "name"),
    )
)


# ── 乡镇事项分类汇总 ─────────────────────────────────────────────────────────────────────────


def _sums(entry: Entry) -> Iterator[Move]:
    """Count a township's matters by both classifications; an entrusting ends on its own day."""
    fact, day = entry.fact, entry.business_date
    if not isinstance(fact, MatterBegan | MatterEnded):
        return
    key = (fact.township, fact.origin or "", fact.duty or "")
    if isinstance(fact, MatterBegan) and not fact.begins():
        yield Move(key, day, {"taken_back": 1})
        return
    ending = {"matters": -1, "ended": 1}
    if isinstance(fact, MatterBegan):
        yield Move(key, day, {"matters": 1, "listed": 1})
        if fact.until is not None:
            yield Move(key, fact.until, ending)
        return
    taken_back = isinstance(fact, MatterTakenBack)
    yield Move(key, day, ending | ({"taken_back": 1} if taken_back else {}))
    if fact.until is not None:  # it does not end a second time
        yield Move(key, fact.until, {name: -n for name, n in ending.items()})


RIGHTS_MATTERS_SUMMARY = declare(
    SumLedger(
        name="rights_matters_summary",
        title="乡镇事项分类汇总",
        key="township",
        keys={
            "township": Column("乡镇（街道）（系统内编号）", filter=True),
            "origin": Column("来源类别", filter=True, sort=True, choices=ORIGINS),
            "duty": Column("履职类别", filter=True, sort=True, choices=DUTIES),
        },
        measures={
            "matters": Column("在办事项数", filter=True, sort=True),
            "listed": Column("列入数", filter=True),
            "ended": Column("收回、取消、到期数", filter=True),
            "taken_back": Column("收回数", filter=True, sort=True),
        },
        moves=_sums,
        facts=(MatterTakenOver, MatterListed, MatterTakenBack, MatterCancelled),
        joins=(Joined("township_name", "乡镇（街道）", "township", "institutions", "name"),),
        sort=("township", "origin", "duty"),
    )
)
