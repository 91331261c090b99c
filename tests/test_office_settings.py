"""Settings and the calendar: changed by filing, from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.journal import Voided
from domain.settings import (
    NATIONAL,
    SETTINGS,
    AnnounceCalendar,
    CalendarAnnounced,
    ChangeSetting,
    NationalCalendar,
    SettingChanged,
    Settings,
)
from tests.district import DAY, District

AUGUST = date(2021, 8, 1)


def value(district: District, name: str, on: date) -> Any:
    """What a decision is told."""
    return district.standings.of(Settings, "main").value(name, on)


def test_a_setting_has_its_default_until_it_is_changed() -> None:
    """And keeps it for the days before the change."""
    district = District()
    assert value(district, "late_filing_workdays", AUGUST) == 10
    changing = ChangeSetting(effective_on=AUGUST, name="late_filing_workdays", value=15)
    at = district.when(changing).then(SettingChanged)[0].position
    assert value(district, "late_filing_workdays", AUGUST) == 15
    assert value(district, "late_filing_workdays", DAY) == 10
    row = district.row("settings", str(at), on=AUGUST)
    assert (row.name, row.value) == ("late_filing_workdays", "15")
    district.given(district.voiding(at))
    assert value(district, "late_filing_workdays", AUGUST) == 10


def test_settings_changed_in_any_order_hold_from_their_days() -> None:
    """A change filed late does not overtake a later one."""
    district = District()
    for day, late in ((date(2021, 9, 1), 30), (AUGUST, 20), (DAY, 5)):
        district.given(ChangeSetting(effective_on=day, name="late_filing_workdays", value=late))
    days = (date(2021, 6, 30), DAY, AUGUST, date(2021, 9, 1))
    assert [value(district, "late_filing_workdays", day) for day in days] == [10, 5, 20, 30]


@pytest.mark.parametrize("name", list(SETTINGS))
def test_every_setting_has_a_title_and_a_default_of_its_own_kind(name: str) -> None:
    """What holds by default could be filed."""
    setting = SETTINGS[name]
    assert any("\u4e00" <= character <= "\u9fff" for character in setting.title)
    ChangeSetting(effective_on=DAY, name=name, value=setting.default)


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("no_such_setting", 1, "没有名为“no_such_setting”的设置"),
        ("late_filing_workdays", -1, "不合要求"),
        ("late_filing_workdays", "10", "不合要求"),
        ("late_filing_workdays", True, "不合要求"),
        ("use_approval_months", 0, "有效期"),
        ("minimum_age", 99, "最低年龄"),
        ("authority_by_rank", {"31": "village"}, "（31"),
        ("authority_by_rank", {"77": "city"}, "不合要求"),
        ("authority_by_rank", {"31": "city"}, "缺少"),
        ("entry_modes_without_approval", ["teleport"], "不合要求"),
        ("four_eyes", ["staffing.no-such-command"], "没有名为"),
        ("four_eyes", "staffing.enter", "不合要求"),
        ("unmasked_roles", ["everybody"], "不合要求"),
    ],
)
def test_a_value_that_does_not_fit_is_not_a_command(name: str, wrong: Any, said: str) -> None:
    """The clerk is told which setting, and what was wrong with the value."""
    with pytest.raises(ValidationError, match=said):
        ChangeSetting(effective_on=DAY, name=name, value=wrong)


# ── calendar ─────────────────────────────────────────────────────────────────────────────────


def announcing(**more: Any) -> AnnounceCalendar:
    """Announce a made-up year."""
    fields: dict[str, Any] = {
        "year": 2031,
        "holidays": ["2031-01-01", "2031-10-01"],
        "makeup_days": ["2031-01-04"],
        "notices": ["国办发明电〔2030〕1号"],
    }
    return AnnounceCalendar.model_validate(fields | more)


def test_a_year_is_announced() -> None:
    """Until then its days count by weekends and are provisional."""
    district = District()
    new_year, saturday = date(2031, 1, 1), date(2031, 1, 4)
    before = district.standings.of(NationalCalendar, NATIONAL).calendar
    assert before.is_workday(new_year)
    assert before.provisional(new_year)
    entry = district.when(announcing()).then(CalendarAnnounced)[0]
    assert entry.effective_on == new_year
    after = district.standings.of(NationalCalendar, NATIONAL).calendar
    assert not after.is_workday(new_year)
    assert after.is_workday(saturday)
    assert not after.provisional(new_year)
    row = district.row("settings", str(entry.position), on=new_year)
    assert (row.matter, row.value) == ("calendar", "放假2天，调休上班1天")


def test_a_later_announcement_replaces_the_earlier() -> None:
    """As in 2020, when the spring festival was prolonged; voided, the earlier holds again."""
    district = District()
    day = date(2031, 10, 1)
    district.given(announcing())
    at = district.when(announcing(holidays=["2031-01-01"])).then(CalendarAnnounced)[0].position
    assert district.standings.of(NationalCalendar, NATIONAL).calendar.is_workday(day)
    district.when(district.voiding(at)).then(Voided)
    assert not district.standings.of(NationalCalendar, NATIONAL).calendar.is_workday(day)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"makeup_days": ["2031-01-06"]}, "本来就是工作日"),
        ({"makeup_days": ["2031-01-01"]}, "同一天"),
        ({"holidays": ["2031-01-01", "2031-01-01"]}, "同一天"),
        ({"holidays": ["2032-01-01"]}, "不在2031年"),
        ({"holidays": ["2030-11-30"]}, "不在2031年"),
        ({"holidays": []}, "at least 1"),
        ({"year": 1066}, "2000"),
    ],
)
def test_a_year_that_cannot_be_is_not_a_command(wrong: dict[str, Any], said: str) -> None:
    """A notice may name the last days of December before, and no others of another year."""
    with pytest.raises(ValidationError, match=said):
        announcing(**wrong)
    announcing(holidays=["2030-12-31", "2031-01-01"])
