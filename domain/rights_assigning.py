"""How a matter comes onto a township's list (乡镇事项列入).

A published list is taken over as it is. What is new goes through the gate (`rights_admissions`)
where it comes from a department: one command lists a matter for many townships under one document.
Empowering (赋权) rests on a decision of the province; entrusting (委托) needs a written deed and a
term, and nothing that was entrusted is entrusted on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from domain.code_sets_rights import BodyNature, PowerOrigin
from domain.code_sets_townships import (
    ACTS_AS,
    FROM_ABOVE,
    ActingName,
    MatterDuty,
    MatterOrigin,
)
from domain.deciding import DatedCommand, Decision, Hindrance, Past, naming, rule
from domain.documents import Document
from domain.institutions import Institution, institution_stands
from domain.rights import Condition, Item, require_item
from domain.rights_admissions import Admission, require_township
from domain.rights_content import ItemName, Source
from domain.rights_matters import (
    MatterBegan,
    MatterListed,
    MatterTakenOver,
    TownshipMatters,
)
from domain.settings import LEVELS
from domain.vocabulary import BusinessDate, InternalId, LongText, Text

# ── rules ────────────────────────────────────────────────────────────────────────────────────


@rule
def matter_is_classified(origin: MatterOrigin | None, duty: MatterDuty | None) -> bool | Hindrance:
    """乡镇事项应注明来源类别或履职类别。依据：乡镇（街道）权责清单、履职事项清单的编制要求。"""
    return bool(origin or duty) or Hindrance("请填写来源类别（法定等）或履职类别（基本履职等）。")


@rule
def acting_name_fits_the_origin(
    origin: MatterOrigin | None, acting: ActingName
) -> bool | Hindrance:
    """法定、下放、赋权事项以乡镇（街道）名义行使，委托事项以委托部门名义行使。

    依据：行政处罚法第二十条、第二十一条、第二十四条。
    """
    wanted = None if origin is None else ACTS_AS.get(origin)
    if origin is None or wanted in (None, acting):
        return True
    return Hindrance(f"“{origin.label}”事项应以{ACTS_AS[origin].label}名义行使。")


@rule
def shared_duty_names_who_leads(
    duty: MatterDuty | None, lead_role: str | None, coop_role: str | None, n_departments: int
) -> bool | Hindrance:
    """配合履职事项应写明对应的上级部门、其职责和乡镇（街道）的配合职责。

    依据：乡镇（街道）履职事项清单的编制要求（配合履职事项明确主体责任和配合责任）。
    """
    if duty is not MatterDuty.COOPERATIVE or (lead_role and coop_role and n_departments):
        return True
    return Hindrance("请填写对应部门、牵头部门职责和乡镇（街道）配合职责。")


@rule
def taken_back_matter_names_who_takes_it(
    duty: MatterDuty | None, taken_back_by: str | None, mode: str | None
) -> bool | Hindrance:
    """上级部门收回事项应写明承接部门和工作方式。

    依据：乡镇（街道）履职事项清单的编制要求（收回事项明确承接部门和工作方式）。
    """
    if duty is not MatterDuty.TAKEN_BACK or (taken_back_by and mode):
        return True
    return Hindrance("请填写收回后的承接部门和工作方式。")


@rule
def taking_back_ends_a_matter(duty: MatterDuty | None) -> bool | Hindrance:
    """收回在办的事项按“收回乡镇事项”办理；只有此前已公布的收回事项按期初登记。

    依据：乡镇（街道）履职事项清单的编制要求；机构编制台账一事一记的要求。
    """
    return duty is not MatterDuty.TAKEN_BACK or Hindrance("新列入的事项不能是“上级部门收回”。")


@rule
def entrusting_has_a_written_term(
    origin: MatterOrigin | None, deed: str | None, day: date, until: date | None
) -> bool | Hindrance:
    """委托应有书面委托书和期限；其他事项没有委托期限。依据：行政处罚法第二十条。"""
    if origin is not MatterOrigin.ENTRUSTED:
        return until is None or Hindrance("只有委托事项填写委托期限。")
    if deed is None or until is None:
        return Hindrance("请填写委托书和委托期限届满日。")
    return day < until or Hindrance(f"列入日{day}，委托期限届满日{until}。")


@rule
def what_was_entrusted_is_not_entrusted_on(
    origin: MatterOrigin | None, items: tuple[Condition, ...]
) -> bool | Hindrance:
    """受委托行使的权力不得再委托。依据：行政处罚法第二十条第四款。"""
    if origin is not MatterOrigin.ENTRUSTED:
        return True
    entrusted = [
        one
        for one in items
        if one.content.origin is PowerOrigin.ENTRUSTED
        or one.content.body_nature is BodyNature.ENTRUSTED
    ]
    if not entrusted:
        return True
    named = "、".join(one.heading.spoken for one in entrusted)
    return Hindrance(f"{named}本身是受委托的事项。", tuple(one.position for one in entrusted))


@rule
def empowering_rests_on_the_province(
    origin: MatterOrigin | None, levels: tuple[str, ...]
) -> bool | Hindrance:
    """赋权乡镇（街道）由省决定并公布，列入时应引用省级以上文件。

    依据：行政处罚法第二十四条第一款。
    """
    if origin is not MatterOrigin.EMPOWERED or any(one in ("province", "state") for one in levels):
        return True
    found = "、".join(LEVELS[one] for one in LEVELS if one in levels)
    return Hindrance(f"所引文件为{found}。" if found else "请引用省级赋权决定或目录。")


@rule
def matter_has_passed_the_gate(
    name: str, township: str, admission: Admission | None, day: date, spoken: str
) -> bool | Hindrance:
    """区级部门下放、赋权、委托和交由配合的事项，应先经职责准入审定。

    依据：中共中央办公厅、国务院办公厅《关于加强基层治理体系和治理能力现代化建设的意见》（严格控制职责
    下放）；各地乡镇（街道）职责准入制度。
    """
    if admission is None:
        return Hindrance("请填写职责准入申请的编号。")
    if not admission.admitted:
        return Hindrance("该职责准入申请没有审定通过。", (admission.applied_at,))
    if admission.decided_on is not None and day < admission.decided_on:
        return Hindrance(f"职责准入于{admission.decided_on}审定。", (admission.decided_at,))
    if admission.covers(township, name):
        return True
    return Hindrance(f"准入的事项和乡镇不包括{spoken}的“{name}”。", (admission.decided_at,))


@rule
def township_does_it_once(
    matters: TownshipMatters, name: str, day: date, spoken: str
) -> bool | Hindrance:
    """同一乡镇（街道）的事项名称不得重复。

    依据：乡镇（街道）履职事项清单、权责清单的编制要求（不重不漏）。
    """
    held = matters.holders(name, day)
    return not held or Hindrance(f"{spoken}已有“{name}”。", held)


@rule
def item_goes_on(item: Item) -> bool | Hindrance:
    """乡镇承担的区级事项应继续在册。依据：权责清单与乡镇清单相互衔接的要求。"""
    last = item.conditions[-1] if item.conditions else None
    if last is None or last.status.on_the_list:
        return True
    return Hindrance(f"{last.heading.spoken}自{last.day}起{last.status.label}。", (last.position,))


@rule
def item_is_of_the_departments_named(
    now: Condition, departments: tuple[str, ...]
) -> bool | Hindrance:
    """对应部门应是所对应区级事项的实施部门。依据：权责清单与乡镇清单相互衔接的要求。"""
    if now.department in departments:
        return True
    return Hindrance(f"{now.heading.spoken}不是所填部门的事项。", (now.position,))


# ── commands ────────────────────────────────────────────────────────────────────────


class _Listing(DatedCommand):
    """What a list says of a township's matter."""

    name: Annotated[ItemName, Field(title="事项名称")]
    theme: Annotated[Text | None, Field(title="业务类别", examples=["经济发展"])] = None
    origin: Annotated[MatterOrigin | None, Field(title="来源类别")] = None
    duty: Annotated[MatterDuty | None, Field(title="履职类别")] = None
    acting: Annotated[ActingName, Field(title="以谁的名义")]
    items: Annotated[
        tuple[InternalId, ...], Field(title="对应的权责事项（系统内编号）", max_length=100)
    ] = ()
    departments: Annotated[
        tuple[InternalId, ...], Field(title="对应部门（系统内编号）", max_length=50)
    ] = ()
    lead_role: Annotated[LongText | None, Field(title="牵头部门职责")] = None
    coop_role: Annotated[LongText | None, Field(title="乡镇（街道）配合职责")] = None
    deed: Annotated[Text | None, Field(title="委托书（文号或名称）")] = None
    until: Annotated[BusinessDate | None, Field(title="委托期限届满日")] = None

    def said(self, past: Past) -> dict[str, Any]:
        """Require what holds for every matter; return the fields of its fact."""
        past.require(matter_is_classified, self.origin, self.duty)
        past.require(acting_name_fits_the_origin, self.origin, self.acting)
        stand = tuple(self._items(past))
        departments = self.departments or tuple(dict.fromkeys(one.department for one in stand))
        for department in departments:
            past.require(institution_stands, past.of(Institution, department), self.effective_on)
        for now in stand:
            past.require(item_is_of_the_departments_named, now, departments)
        roles = (self.lead_role, self.coop_role)
        past.require(shared_duty_names_who_leads, self.duty, *roles, len(departments))
        past.require(what_was_entrusted_is_not_entrusted_on, self.origin, stand)
        names = MatterBegan.model_fields.keys() & _Listing.model_fields.keys()
        return {name: getattr(self, name) for name in names} | {"departments": departments}

    def _items(self, past: Past) -> Iterator[Condition]:
        for item in self.items:
            yield require_item(item, self.effective_on, past)
            past.require(item_goes_on, past.of(Item, item))

    def require_new(self, township: str, past: Past) -> None:
        """Require that the township stands and has no matter of this name."""
        require_township(township, self.effective_on, past)
        matters, spoken = past.of(TownshipMatters, township), past.of(Institution, township).name
        past.require(township_does_it_once, matters, self.name, self.effective_on, spoken)


class TakeOverMatter(_Listing, kind="rights.take-over-matter", title="乡镇事项期初"):
    """Take a matter over from a township's published list; the gate lies behind it."""

    township: Annotated[InternalId, Field(title="乡镇（街道）（系统内编号）")]
    taken_back_by: Annotated[InternalId | None, Field(title="收回后承接部门（系统内编号）")] = None
    taken_back_mode: Annotated[LongText | None, Field(title="收回后工作方式")] = None
    repeats: Annotated[bool, Field(title="原清单中名称重复")] = False
    source: Annotated[Source | None, Field(title="出处")] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        taken_back = (self.taken_back_by, self.taken_back_mode)
        past.require(taken_back_matter_names_who_takes_it, self.duty, *taken_back)
        said = self.said(past)
        if self.repeats or self.duty is MatterDuty.TAKEN_BACK:
            require_township(self.township, self.effective_on, past)
        else:
            self.require_new(self.township, past)
        own = ("township", "taken_back_by", "taken_back_mode", "repeats", "source")
        fields = {name: getattr(self, name) for name in own}
        yield MatterTakenOver(matter=past.new_id(), **said, **fields)


class ListMatter(_Listing, kind="rights.list-matter", title="列入乡镇事项"):
    """Put a matter on the lists of townships, each with a life of its own."""

    townships: Annotated[
        tuple[InternalId, ...], Field(title="乡镇（街道）", min_length=1, max_length=200)
    ]
    admission: Annotated[
        InternalId | None,
        Field(title="职责准入申请（系统内编号）", description="法定、公共服务和基本履职事项不填"),
    ] = None

    def decide(self, past: Past) -> Decision:
        """See `domain.deciding.Command.decide`."""
        day = self.effective_on
        past.require(taking_back_ends_a_matter, self.duty)
        past.require(entrusting_has_a_written_term, self.origin, self.deed, day, self.until)
        documents = (past.of(Document, one.document).registered for one in self.basis)
        levels = tuple(one.issuer_level for one in documents if one is not None)
        past.require(empowering_rests_on_the_province, self.origin, levels)
        said = self.said(past)
        admission = None if self.admission is None else past.of(Admission, self.admission)
        for n, township in enumerate(dict.fromkeys(self.townships)):
            spoken = past.of(Institution, township).name
            with naming(partial("第{}个乡镇（街道）“{}”".format, n + 1, spoken)):
                self.require_new(township, past)
                if self.comes_from_above:
                    gate = (self.name, township, admission, day, spoken)
                    past.require(matter_has_passed_the_gate, *gate)
            yield MatterListed(
                matter=past.new_id(), township=township, admission=self.admission, **said
            )

    @property
    def comes_from_above(self) -> bool:
        """Whether a department gives it to the townships, so that it needs to pass the gate."""
        if self.origin in FROM_ABOVE:
            return True
        law_says = self.origin is MatterOrigin.STATUTORY
        return self.duty is MatterDuty.COOPERATIVE and not law_says
