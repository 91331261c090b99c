"""The ledger of what the office has set: 设置与工作日历."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, NamedTuple

from application.ledgers import Column, Effect, Ledger, declare
from domain.journal import JournalOpened, Voided
from domain.settings import SETTINGS, CalendarAnnounced, SettingChanged

SUBJECTS = {"setting": "设置", "calendar": "放假安排"}


class SettingRow(NamedTuple):
    """One change of a setting, or one year's announced days."""

    effective_on: Annotated[date, Column("业务生效日期", filter=True, sort=True)]
    matter: Annotated[str, Column("类别", filter=True, choices=SUBJECTS)]
    name: Annotated[str, Column("名称", filter=True, sort=True)]
    title: Annotated[str, Column("说明")]
    value: Annotated[str, Column("内容")]


def _row(_so_far: SettingRow | None, effect: Effect) -> SettingRow | None:
    fact = effect.fact
    if isinstance(fact, SettingChanged):
        setting = SETTINGS.get(fact.name)
        title = fact.name if setting is None else setting.title
        # In one order: the journal keeps names sorted, a filing has them as they were typed.
        value = json.dumps(fact.value, ensure_ascii=False, sort_keys=True)
        return SettingRow(effect.day, "setting", fact.name, title, value)
    if isinstance(fact, CalendarAnnounced):
        value = f"放假{len(fact.holidays)}天，调休上班{len(fact.makeup_days)}天"
        name, notices = str(fact.year), "、".join(fact.notices)
        return SettingRow(effect.day, "calendar", name, f"{name}年放假安排（{notices}）", value)
    return None


SETTINGS_LEDGER = declare(
    Ledger(
        name="settings",
        title="设置与工作日历",
        key="entry",
        row=SettingRow,
        version=2,
        fold=_row,
        facts=(SettingChanged, CalendarAnnounced),
        # The journal's own list shows these two; a void has no row of its own in any ledger.
        ignores=(JournalOpened, Voided),
        sort=("effective_on",),
    )
)
