"""Random but mostly legal histories of rights lists, for laws that must hold in all of them.

    Step(kind, a, b, day) ──► `RightsHistory.take` picks items on the list ──► filed, or refused

Late, future-dated, voiding and correcting filings are common; every fact about items occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from domain.code_sets_adjusting import AdjustmentKind
from domain.code_sets_rights import PowerCategory
from domain.code_sets_townships import (
    ACTS_AS,
    ActingName,
    EvaluationResult,
    MatterDuty,
    MatterOrigin,
)
from domain.deciding import Command, Refused
from domain.rights import Began, Condition, Item
from domain.rights_assigning import ListMatter, TakeOverMatter
from domain.rights_changes import Change
from domain.rights_content import ItemContent, Source
from domain.rights_handing_over import (
    CancelMatters,
    EvaluateMatters,
    HandOverMatters,
    TakeBackMatters,
)
from domain.rights_lineage import Reshaped
from domain.rights_matters import Matter, MatterBegan
from domain.rights_opening import RecordChangedItem, RecordRemovedItem
from domain.vocabulary import Entry, live
from tests.rights_district import K, Listed, change, content

FIRST = date(2021, 6, 1)
STEPS = 40
CATEGORIES = tuple(PowerCategory)
NAMES = (*(f"第{n}项许可" for n in range(60)), *(f"合并{n}" for n in range(4)))
NAMES = (*NAMES, *(f"分设{n}" for n in range(6)))
MATTERS = tuple(f"第{n}项检查" for n in range(15))
SOURCE = Source(file="清单.xlsx", sheet="行政许可", row=2)


class Step(NamedTuple):
    """One thing somebody tries: what, about which items, on which day."""

    kind: str
    a: int
    b: int
    day: int


class NothingThere(Exception):
    """No list has an item left on the day of a step."""


class RightsHistory(Listed):
    """A district in whose lists steps are taken."""

    def __init__(self, watcher: Callable[[list[Entry]], None] | None = None) -> None:
        self.watcher = watcher
        self.filed: dict[int, Command] = {}
        self.accepted = self.refused = 0
        super().__init__(today=FIRST + timedelta(days=STEPS), since=FIRST)
        for n, who in enumerate((self.farms, self.farms, self.farms, self.woods, self.woods)):
            self.item(f"第{n}项许可", who)
        self.province = self.document("province")
        self.admission = self.admitted(*MATTERS, *NAMES)

    def file(self, *commands: Command) -> list[Entry]:
        """File, and let whoever watches see the append."""
        entries = super().file(*commands)
        self.filed |= {entry.position: commands[0] for entry in entries}
        if self.watcher is not None and entries:
            self.watcher(entries)
        return entries

    def take(self, step: Step) -> None:
        """Try the step; a refusal is an answer too."""
        try:
            self._take(step)
        except (Refused, NothingThere):
            self.refused += 1
        else:
            self.accepted += 1

    def _take(self, step: Step) -> None:
        day = FIRST + timedelta(days=step.day)
        if step.kind == "void":
            self.file(self.voiding(self._some(step)))
        elif step.kind == "shift":
            at = self._some(step)
            moved = self.filed[at].model_copy(update={"effective_on": day})
            if moved.kind in SHIFTED:
                self.file(self.correcting((at, moved)))
        elif step.kind == "open":
            self.file(self.taking_over_item(self._text(step), self._who(step), effective_on=day))
        elif step.kind in ("record", "drop"):
            item, now = self._pick(step, day)
            text = now.content.model_copy(update={"handler": f"第{step.b}科"})
            command: Command = RecordRemovedItem(effective_on=day, item=item, source=SOURCE)
            if step.kind == "record":
                command = RecordChangedItem(
                    effective_on=day, item=item, content=text, source=SOURCE
                )
            self.file(command)
        elif step.kind in MATTER_KINDS:
            self.file(self._about_matters(step, day))
        else:
            self._adjust(step, day)

    # ── townships' matters ───────────────────────────────────────────────────────────────────

    def _about_matters(self, step: Step, day: date) -> Command:
        name = MATTERS[step.a % len(MATTERS)]
        fields: dict[str, Any] = {"effective_on": day, "name": name}
        if step.kind == "open-matter":
            fields |= {"township": self.town, "duty": MatterDuty.BASIC}
            return TakeOverMatter(**fields, acting=ActingName.TOWNSHIP)
        there = self._matters(day)
        if step.kind == "list-matter" or not there:
            return ListMatter(**fields, **self._source(step, day))
        fresh = [who for who in there if not self.standings.of(Matter, who).handed_over_at]
        fit = [who for who in there if (who in fresh) is (step.kind == "hand-over")] or there
        chosen = (fit[step.a % len(fit)],)
        if step.kind == "hand-over" or (step.kind == "evaluate" and fresh == there):
            return HandOverMatters(effective_on=day, matters=chosen, certified=2)
        if step.kind == "evaluate":
            result = EvaluationResult.FIT
            return EvaluateMatters(effective_on=day, matters=chosen, result=result, opinion="好。")
        if step.kind == "cancel-matter":
            return CancelMatters(effective_on=day, matters=chosen, reason="依据废止。")
        return TakeBackMatters(
            effective_on=day, matters=chosen, taken_back_by=self.farms, mode="直接办理。"
        )

    def _source(self, step: Step, day: date) -> dict[str, Any]:
        """Statutory, empowered under an item, or entrusted for some days under one."""
        origin = (MatterOrigin.STATUTORY, MatterOrigin.EMPOWERED, MatterOrigin.ENTRUSTED)[
            step.b % 3
        ]
        item, _ = self._pick(step, day)
        more = {"deed": "委托书", "until": day + timedelta(days=1 + step.b % 20)}
        return {
            "townships": (self.town,),
            "origin": origin,
            "acting": ACTS_AS[origin],
            "items": () if origin is MatterOrigin.STATUTORY else (item,),
            "admission": self.admission,
            "basis": self.citing(self.province),
            **(more if origin is MatterOrigin.ENTRUSTED else {}),
        }

    def _matters(self, day: date) -> list[str]:
        """The matters that are carried out on that day."""
        begun = (e.fact for e in live(self.memory.entries) if isinstance(e.fact, MatterBegan))
        stand = (fact.matter for fact in begun)
        return [who for who in stand if self.standings.of(Matter, who).stands_on(day)]

    def _adjust(self, step: Step, day: date) -> None:
        kind = next(one for one in AdjustmentKind if one.value == step.kind)
        status = {K.TAKE_BACK: "delegated", K.RESTORE: "frozen", K.FREEZE: "listed"}.get(kind, "")
        item, now = self._pick(step, day, status)
        other, _ = self._pick(step._replace(a=step.a + 1), day)
        text = now.content
        receivers = {K.DELEGATE: (self.town,), K.TRANSFER: (self._who(step),)}.get(kind, ())
        contents: dict[AdjustmentKind, tuple[ItemContent, ...]] = {
            K.ADD: (self._text(step),),
            K.RECEIVE: (self._text(step),),
            K.CHANGE: (text.model_copy(update={"name": f"第{step.b}项许可"}),),
            K.RECLASSIFY: (text.model_copy(update={"category": CATEGORIES[step.b % 10]}),),
            K.MERGE: (content(f"合并{step.b % 4}"),),
            K.SPLIT: (content(f"分设{step.b % 3}"), content(f"分设{3 + step.b % 3}")),
        }
        items = {K.ADD: (), K.RECEIVE: (), K.MERGE: (item, other)}.get(kind, (item,))
        one: Change = change(
            kind,
            *items,
            contents=contents.get(kind, ()),
            receivers=receivers,
            admission=self.admission if kind is K.DELEGATE else None,
            looked_at=self._everything(),
        )
        self.adjusted(one, who=now.department, day=day)

    # ── whom and what ────────────────────────────────────────────────────────────────────────

    def _who(self, step: Step) -> str:
        return (self.farms, self.woods, self.town)[step.b % 3]

    def _text(self, step: Step) -> ItemContent:
        return content(f"第{step.a % 12}项许可")

    def _some(self, step: Step) -> int:
        """An entry about an item, most likely a recent one."""
        about = (e for e in live(self.memory.entries) if e.subjects("item") or e.subjects("matter"))
        found = [e.position for e in about]
        return found[-1 - step.a % min(len(found), 12)]

    def _everything(self) -> tuple[str, ...]:
        return tuple(self._items())

    def _items(self) -> Iterator[str]:
        for entry in self.memory.entries:
            if isinstance(entry.fact, Began | Reshaped):
                yield from entry.fact.founded_ids()

    def _pick(self, step: Step, day: date, status: str = "") -> tuple[str, Condition]:
        """An item that is on a list on that day, or that was handed down."""
        found = []
        for item in dict.fromkeys(self._items()):
            now = self.standings.of(Item, item).on(day)
            if now is not None and (now.status == status if status else now.status.on_the_list):
                found.append((item, now))
        if not found and status:
            return self._pick(step, day)
        if not found:
            raise NothingThere
        return found[step.a % len(found)]


MATTER_KINDS = (
    *("open-matter", "list-matter", "hand-over"),
    *("evaluate", "take-back-matter", "cancel-matter"),
)
SHIFTED = (
    *("rights.take-over", "rights.record-changed", "rights.list-matter"),
    *("rights.take-back-matters", "rights.hand-over-matters"),
)
KINDS = (
    *MATTER_KINDS,
    *("list-matter", "list-matter", "list-matter", "hand-over", "evaluate"),
    *("open", "record", "drop", "void", "void", "shift", "shift"),
    *(kind.value for kind in AdjustmentKind),
    *("delegate", "delegate", "take-back", "merge", "merge", "transfer", "open", "record"),
)
STEP = st.builds(
    Step,
    kind=st.sampled_from(KINDS),
    a=st.integers(0, 59),
    b=st.integers(0, 59),
    day=st.integers(0, STEPS),
)
STEPS_TAKEN = st.lists(STEP, min_size=3, max_size=20)


def steps_of(seed: int, n: int) -> list[Step]:
    """A seeded history of n steps."""
    random = Random(seed)  # noqa: S311  (a seeded history is no secret)
    return [
        Step(
            random.choice(KINDS),
            random.randrange(60),
            random.randrange(60),
            random.randint(0, STEPS),
        )
        for _ in range(n)
    ]


def lived(steps: list[Step]) -> RightsHistory:
    """A history in which these steps have been taken."""
    history = RightsHistory()
    for step in steps:
        history.take(step)
    return history
