"""What becomes of townships' matters (乡镇事项): handed over, evaluated, taken back, cancelled.

What departments give to townships is handed over with minutes (交接) and evaluated from time to
time (评估), for the law asks whether those who were empowered can bear it. Taking a matter back
(收回) says who does it from then on, and how; a matter that nobody does any more is cancelled
(取消). An entrusting ends by itself when its term is over. A township is abolished only when
nothing is left.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from domain.code_sets_townships import FROM_ABOVE, EvaluationResult, MatterOrigin
from domain.deciding import DatedCommand, Decision, Hindrance, Past, guards, naming, rule
from domain.institutions import Institution
from domain.institutions_changes import AbolishInstitution
from domain.rights import NAMED_AT_MOST, require_department
from domain.rights_matters import (
    Matter,
    MatterBegan,
    MatterCancelled,
    MatterEvaluated,
    MatterHandedOver,
    MatterTakenBack,
    TownshipMatters,
)
from domain.vocabulary import Fact, InternalId, LongText, Text
from domain.workdays import months_later

# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def township_carries_it_out(matter: Matter, day: date) -> bool | Hindrance:
    """只对乡镇（街道）正在承担的事项办理交接、评估、收回、取消。

    依据：乡镇（街道）履职事项清单动态管理的要求。
    """
    if matter.began is None:
        return Hindrance("系统内没有这一乡镇事项，请核对编号。")
    if matter.began_on is not None and day < matter.began_on:
        return Hindrance(f"“{matter.began.name}”自{matter.began_on}起列入。", (matter.began_at,))
    if matter.stands_on(day):
        return True
    return Hindrance(f"“{matter.began.name}”自{matter.end}起不再承担。", _at(matter.ended_at))


@rule
def matter_is_handed_over_once(matter: Matter) -> bool | Hindrance:
    """乡镇事项交接一次。依据：乡镇（街道）承接下放、赋权事项的交接要求。"""
    return not matter.handed_over_at or Hindrance("该事项已经交接。", (matter.handed_over_at,))


@rule
def handed_over_before_it_is_evaluated(matter: Matter) -> bool | Hindrance:
    """交接后方可评估。依据：行政处罚法第二十四条第三款（定期组织评估）。"""
    return bool(matter.handed_over_at) or Hindrance("该事项尚未交接。", _at(matter.began_at))


@rule
def enough_people_are_certified(
    origin: MatterOrigin | None, certified: int | None, needed: int
) -> bool | Hindrance:
    """承接赋权、委托事项的乡镇（街道）应有足够的持证执法人员。

    依据：行政处罚法第二十一条、第二十四条、第四十二条（执法人员不少于两人，并具有执法资格）。
    """
    if origin not in (MatterOrigin.EMPOWERED, MatterOrigin.ENTRUSTED):
        return True
    if certified is None:
        return Hindrance("请填写持证执法人员数。")
    return certified >= needed or Hindrance(f"至少应有{needed}人，现有{certified}人。")


@rule
def township_has_no_matters_left(positions: tuple[int, ...], day: date) -> bool | Hindrance:
    """撤销乡镇（街道）前，其事项应先收回或取消。

    依据：乡镇（街道）履职事项清单动态管理的要求。
    """
    if not positions:
        return True
    detail = f"{day}及以后，该乡镇（街道）还有{len(positions)}项乡镇事项。"
    return Hindrance(detail, positions[:NAMED_AT_MOST])


def _at(position: int) -> tuple[int, ...]:
    return (position,) if position else ()


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class _OfMatters(DatedCommand):
    """Something done about matters, many under one document."""

    matters: Annotated[
        tuple[InternalId, ...], Field(title="乡镇事项（系统内编号）", min_length=1, max_length=500)
    ]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: each matter is carried out on that day."""
        for n, who in enumerate(dict.fromkeys(self.matters)):
            matter = past.of(Matter, who)
            with naming(partial(_told, n, who, matter, past)):
                past.require(township_carries_it_out, matter, self.effective_on)
                if matter.began is None:  # the rule has refused by now; for the type checker
                    raise AssertionError
                fact = self.done(who, matter, matter.began, past)
            yield fact

    def done(self, who: str, matter: Matter, began: MatterBegan, past: Past) -> Fact:
        """Return what was done about one matter, or raise `domain.deciding.Refused`."""
        raise NotImplementedError

    def evaluate_by(self, past: Past) -> date:
        """Return the day by which the next evaluation is due."""
        months = past.setting("township_evaluation_months", self.effective_on)
        return months_later(self.effective_on, months)


def _told(n: int, who: str, matter: Matter, past: Past) -> str:
    """Say which matter it is, counting from 0: ``第2项乡镇事项（东坪乡“农药经营许可”）``."""
    if matter.began is None:
        return f"第{n + 1}项乡镇事项（编号{who}）"
    township = past.of(Institution, matter.began.township).name
    return f"第{n + 1}项乡镇事项（{township}“{matter.began.name}”）"


class HandOverMatters(_OfMatters, kind="rights.hand-over-matters", title="交接乡镇事项"):
    """Hand matters over to the townships; the minutes are the basis."""

    team: Annotated[Text | None, Field(title="承接机构", examples=["综合行政执法队"])] = None
    certified: Annotated[int | None, Field(title="持证执法人员数", ge=0, le=10_000)] = None

    def done(self, who: str, matter: Matter, began: MatterBegan, past: Past) -> Fact:
        """See `_OfMatters.done`."""
        needed = past.setting("township_certified_people", self.effective_on)
        past.require(matter_is_handed_over_once, matter)
        past.require(enough_people_are_certified, began.origin, self.certified, needed)
        return MatterHandedOver(
            matter=who,
            team=self.team,
            certified=self.certified,
            evaluate_by=self.evaluate_by(past) if began.origin in FROM_ABOVE else None,
        )


class EvaluateMatters(_OfMatters, kind="rights.evaluate-matters", title="评估乡镇事项"):
    """Evaluate how matters are carried out."""

    result: Annotated[EvaluationResult, Field(title="评估结果")]
    opinion: Annotated[LongText, Field(title="评估意见")]

    def done(self, who: str, matter: Matter, began: MatterBegan, past: Past) -> Fact:  # noqa: ARG002
        """See `_OfMatters.done`."""
        past.require(handed_over_before_it_is_evaluated, matter)
        return MatterEvaluated(
            matter=who,
            result=self.result,
            opinion=self.opinion,
            evaluate_by=self.evaluate_by(past),
        )


def _ending(who: str, began: MatterBegan) -> dict[str, Any]:
    names = ("township", "items", "origin", "duty", "until")
    return {"matter": who} | {name: getattr(began, name) for name in names}


class TakeBackMatters(_OfMatters, kind="rights.take-back-matters", title="收回乡镇事项"):
    """Take matters back from townships."""

    taken_back_by: Annotated[InternalId, Field(title="收回后承接部门（系统内编号）")]
    mode: Annotated[LongText, Field(title="收回后工作方式")]

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`: somebody takes them."""
        require_department(self.taken_back_by, self.effective_on, past)
        yield from super().decide(past)

    def done(self, who: str, matter: Matter, began: MatterBegan, past: Past) -> Fact:  # noqa: ARG002
        """See `_OfMatters.done`."""
        return MatterTakenBack(
            **_ending(who, began), taken_back_by=self.taken_back_by, mode=self.mode
        )


class CancelMatters(_OfMatters, kind="rights.cancel-matters", title="取消乡镇事项"):
    """End matters that nobody carries out any more."""

    reason: Annotated[LongText, Field(title="取消原因")]

    def done(self, who: str, matter: Matter, began: MatterBegan, past: Past) -> Fact:  # noqa: ARG002
        """See `_OfMatters.done`."""
        return MatterCancelled(**_ending(who, began), reason=self.reason)


@guards(AbolishInstitution)
def _its_matters_have_gone(command: AbolishInstitution, past: Past) -> None:
    positions = past.of(TownshipMatters, command.institution).holding(command.effective_on)
    past.require(township_has_no_matters_left, positions, command.effective_on)
