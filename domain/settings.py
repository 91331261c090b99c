"""The office's settings (设置) and its calendar of working days (工作日历).

What varies between offices (who may approve which
rank, after how many working days a filing counts as late, how long a 用编核准 holds) is a setting:
changed by filing, from a day on, with a document, so that every decision can be judged by the
setting that was in force on its own business date. Until one is filed the default here holds.

The State Council announces each year's days off and make-up days. What was announced when this
program was made stands in `domain.workdays_announced`; each later year is announced by filing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from domain.code_sets import EntryMode, InstitutionRank
from domain.code_sets_adjusting import AdjustmentKind
from domain.codes import Named, only, told
from domain.deciding import COMMANDS, Command, DatedCommand, Decision, Draft, Past, Standing
from domain.item_codes import CodeScheme
from domain.vocabulary import Entry, Fact, Text, type_json, upcasts
from domain.workdays import AnnouncedYear, Calendar
from domain.workdays_announced import ANNOUNCED

OFFICE: Final = "main"
NATIONAL: Final = "national"

Level = Literal["district", "city", "province", "state"]
"""Level of the body that decides or issues (审批层级), the lowest first."""

LEVELS: Final[dict[Level, str]] = {
    "district": "区级",
    "city": "市级",
    "province": "省级",
    "state": "国家级",
}


# ── the settings there are ───────────────────────────────────────────────────────────────────


class Setting(NamedTuple):
    """One setting: its Chinese title, what values it takes, and what holds until it is changed."""

    title: str
    values: TypeAdapter[Any]
    default: Any


def _setting(title: str, values: Any, default: Any) -> Setting:
    return Setting(title, TypeAdapter(values), default)


_Days = Annotated[int, Field(ge=0, le=366, strict=True)]
_Months = Annotated[int, Field(ge=1, le=120, strict=True)]
_People = Annotated[int, Field(ge=0, le=1000, strict=True)]
_Age = Annotated[int, Field(ge=14, le=30, strict=True)]


def _command(kind: str) -> str:
    if kind not in COMMANDS:
        titles = {name: command.title for name, command in COMMANDS.items()}
        raise ValueError(f"没有名为“{kind}”的业务；{only(titles)}")
    return kind


def _complete(table: dict[InstitutionRank, Level]) -> dict[InstitutionRank, Level]:
    missing = {rank.value: rank.label for rank in InstitutionRank if rank not in table}
    if missing:
        raise ValueError(f"缺少机构规格：{told(missing)}")
    return table


def _every_kind(table: dict[AdjustmentKind, str]) -> dict[AdjustmentKind, str]:
    missing = {kind.value: kind.label for kind in AdjustmentKind if kind not in table}
    if missing:
        raise ValueError(f"缺少调整类型：{told(missing)}")
    return table


_Approver = Annotated[
    Literal["reviewers", "government"],
    Named({"reviewers": "两部门审核即可", "government": "同级人民政府"}),
]
_Reader = Annotated[
    Literal["clerk", "reviewer", "auditor"],
    Named({"clerk": "经办人", "reviewer": "审核人", "auditor": "审计人员"}),
]
_ByKind = Annotated[dict[AdjustmentKind, _Approver], AfterValidator(_every_kind)]
_Kinds = Annotated[list[Annotated[str, AfterValidator(_command)]], Field(max_length=100)]
_Schemes = Annotated[list[CodeScheme], Field(max_length=20)]
_ByRank = Annotated[
    dict[InstitutionRank, Annotated[Level, Named(LEVELS)]], AfterValidator(_complete)
]

_RANK_DECIDED_BY: Final[dict[str, Level]] = {
    rank.value: (
        "province"
        if rank <= InstitutionRank.DEPUTY_DIVISION
        else "city"
        if rank <= InstitutionRank.DEPUTY_SECTION
        else "district"
    )
    for rank in InstitutionRank
}

_APPROVED_BY: Final[dict[str, str]] = {
    kind.value: (
        "reviewers"
        if kind in (AdjustmentKind.CHANGE, AdjustmentKind.FREEZE, AdjustmentKind.RESTORE)
        else "government"
    )
    for kind in AdjustmentKind
}

SETTINGS: Final[dict[str, Setting]] = {
    # 副科级 and up to the city, 副处级 and up to the province, 股级 inside the district.
    "authority_by_rank": _setting("各级别机构的审批层级", _ByRank, _RANK_DECIDED_BY),
    "late_filing_workdays": _setting("超过多少个工作日报送视为补报", _Days, 10),
    "use_approval_months": _setting("用编核准有效期（月）", _Months, 12),
    "entry_modes_without_approval": _setting(
        "不需要用编核准的进入形式", list[EntryMode], [EntryMode.APPOINTMENT.value]
    ),
    "minimum_age": _setting("入编最低年龄（周岁）", _Age, 16),
    "rights_apply_workdays": _setting("情形发生后申请调整权责清单的时限（工作日）", _Days, 20),
    "rights_review_workdays": _setting("审核权责清单调整申请的时限（工作日）", _Days, 15),
    "rights_publish_workdays": _setting("权责清单调整批准后公布的时限（工作日）", _Days, 3),
    "rights_approval_by_kind": _setting("各类权责清单调整由谁批准", _ByKind, _APPROVED_BY),
    "rights_code_schemes": _setting("权责事项的编码方案（不设置则不检查编码）", _Schemes, []),
    "township_certified_people": _setting("承接赋权、委托事项至少应有的持证执法人员数", _People, 2),
    "township_evaluation_months": _setting("下放、赋权、委托事项的评估周期（月）", _Months, 12),
    "four_eyes": _setting("须经两人办理（一人经办、一人核准）的业务", _Kinds, []),
    "unmasked_roles": _setting(
        "可查看完整个人信息的角色",
        list[_Reader],
        ["clerk", "reviewer"],
    ),
}
"""Every setting by name. Values are plain JSON; days are working days where the title says so."""


# ── facts ────────────────────────────────────────────────────────────────────────────────────


class SettingChanged(Fact, fact="settings.changed", called="设置更改", about=("office:main",)):
    """From the business date on the setting has another value."""

    name: Text
    value: type_json


class CalendarAnnounced(
    Fact,
    fact="calendar.announced",
    called="放假安排",
    version=2,
    about=("calendar:national",),
):
    """The State Council announced a year's days off and make-up days.

    A later announcement for the same year replaces the earlier. It may rest on several notices:
    2019 and 2020 were announced in one and changed by another.
    """

    year: int
    holidays: tuple[date, ...]
    makeup_days: tuple[date, ...]
    notices: tuple[Text, ...]


@upcasts("calendar.announced", 1)
def _one_notice_is_several(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew one notice a year."""
    rest = {name: value for name, value in body.items() if name != "notice"}
    return {**rest, "notices": [body["notice"]]}


# ── standings ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Settings(Standing, subject="office"):
    """What the office has set, by name and day."""

    changes: Mapping[str, tuple[tuple[date, Any], ...]] = field(default_factory=dict)

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if not isinstance(fact, SettingChanged):
            return self
        line = (*self.changes.get(fact.name, ()), (entry.business_date, fact.value))
        return type(self)({**self.changes, fact.name: line})

    def value(self, name: str, on: date) -> Any:
        """Return the value in force on that day: the last one filed for it, else the default."""
        found = SETTINGS[name].default
        for day, value in self.changes.get(name, ()):
            if day <= on:
                found = value
        return found


@dataclass(frozen=True)
class NationalCalendar(Standing, subject="calendar"):
    """The working days as announced, by the program's own table and by filings since."""

    announced: tuple[AnnouncedYear, ...] = ()

    def after(self, entry: Entry) -> Self:
        """See `domain.deciding.Standing.after`."""
        fact = entry.fact
        if not isinstance(fact, CalendarAnnounced):
            return self
        days = AnnouncedYear(
            fact.year, frozenset(fact.holidays), frozenset(fact.makeup_days), fact.notices
        )
        return type(self)((*self.announced, days))

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar to count with."""
        return Calendar((*ANNOUNCED, *self.announced)) if self.announced else _AS_MADE


_AS_MADE: Final = Calendar(ANNOUNCED)


# ── commands ─────────────────────────────────────────────────────────────────────────────────


class ChangeSetting(DatedCommand, kind="settings.change", title="更改设置"):
    """Give a setting another value from a day on."""

    name: Annotated[Text, Field(title="设置名称")]
    value: Annotated[type_json, Field(title="设置值")]

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        setting = SETTINGS.get(self.name)
        if setting is None:
            titles = {name: one.title for name, one in SETTINGS.items()}
            raise ValueError(f"没有名为“{self.name[:40]}”的设置；可用的有：{told(titles)}")
        try:
            setting.values.validate_python(self.value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = "→".join(str(part) for part in first["loc"])
            raise ValueError(
                f"设置“{setting.title}”的值不合要求{f'（{where}）' if where else ''}："
                f"{first.get('ctx', {}).get('error', '请核对')}，收到 {first['input']!r}"
            ) from None
        return self

    def decide(self, past: Past) -> Decision:  # noqa: ARG002  (the value was checked with the body)
        """See `domain.deciding.Command.decide`."""
        yield SettingChanged(name=self.name, value=self.value)


class AnnounceCalendar(Command, kind="calendar.announce", title="录入放假安排"):
    """File a year's days off and make-up days as the State Council announced them."""

    year: Annotated[int, Field(title="年度", ge=2000, le=2199)]
    holidays: Annotated[tuple[date, ...], Field(title="放假日期", min_length=1, max_length=120)]
    makeup_days: Annotated[tuple[date, ...], Field(title="调休上班日期", max_length=60)] = ()
    notices: Annotated[
        tuple[Text, ...], Field(title="放假通知文号或出处", min_length=1, max_length=10)
    ]

    @model_validator(mode="after")
    def _days_belong_to_the_year(self) -> Self:
        days = (*self.holidays, *self.makeup_days)
        if len(set(days)) < len(days):
            raise ValueError("同一天重复出现，或既放假又上班")
        for day in days:
            if day.year != self.year and (day.year, day.month) != (self.year - 1, 12):
                raise ValueError(f"{day} 不在{self.year}年（或上年12月底）之内")
        for day in self.makeup_days:
            if day.isoweekday() <= 5:  # noqa: PLR2004  (Monday to Friday)
                raise ValueError(f"{day} 本来就是工作日，不能作为调休上班日")
        return self

    def decide(self, past: Past) -> Decision:  # noqa: ARG002  (the days were checked with the body)
        """See `domain.deciding.Command.decide`."""
        fact = CalendarAnnounced(
            year=self.year,
            holidays=tuple(sorted(self.holidays)),
            makeup_days=tuple(sorted(self.makeup_days)),
            notices=self.notices,
        )
        yield Draft(fact, effective_on=date(self.year, 1, 1))
